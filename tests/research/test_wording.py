"""Comparing wordings, and cutting a long text to what was wanted of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from research.analysts.quantities import amounts
from research.analysts.wording import alike, window


def test_a_denial_and_another_number_are_not_alike() -> None:
    """Sentences in the same words differ when one denies, or when their numbers do."""
    one = "The old mill on the river Harl grinds 300 sacks of wheat a day in summer."
    assert alike(one, one.replace("a day", "each day"))
    assert not alike(one, one.replace("grinds", "never grinds"))
    assert not alike(one, one.replace("300", "400"))
    assert alike(one, f"{one[:-1]}, and 20 more in winter.")


@given(st.lists(st.sampled_from(["teal", "word", "more"]), max_size=40), st.integers(1, 12))
def test_a_window_is_a_part_of_the_text(words: list[str], most: int) -> None:
    """It has as many words as it may, stands in the text as it is, and holds a wanted word where there is one."""
    text = "  ".join(words)
    part = window(text, {"teal"}, most=most)
    assert part in text and len(part.split()) == min(most, len(words))
    assert ("teal" in part) == ("teal" in text)


def test_amounts_are_read_with_scale_and_unit() -> None:
    """Scales are multiplied out, lengths told in metres, dates left out, and what is approximate is marked."""
    found = amounts("In 1999 about 1.2 thousand people built 2 km of road for $3 million.")
    assert [(amount.value, amount.unit, amount.about) for amount in found] == [
        (1200.0, "peopl", True),
        (2000.0, "length", False),
        (3_000_000.0, "$", False),
    ]
