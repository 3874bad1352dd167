"""The support check: what stands is supported, what clashes is not, and out of its depth it says so."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.support_edits import EDITS, UNEDITED, places, verdicts
from research.analysts.claim_features import NAMES, features
from research.analysts.claim_values import absent, shown, values
from research.analysts.claim_weights import WEIGHTS, probability
from research.analysts.claim_words import line, read
from research.analysts.support import SURE, judge, support

MILL = "The mill at Hesk was built by Edda Varnholt in May 1874 and employed 340 people. It burned down in 1902."
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("The mill at Hesk was built by Edda Varnholt in May 1847 and employed 340 people.", "1847 is not there"),
        ("The mill at Hesk was built by Edda Varnholt in June 1874 and employed 340 people.", "m6 is not there"),
        ("The mill at Hesk was built by Edda Varnholt in May 1902 and employed 340 people.", "1902 is 1874 there"),
        ("The mill at Hesk was built by Pia Lindqvar in May 1874 and employed 340 people.", "edda varnholt"),
        ("The mill at Hesk was not built by Edda Varnholt in May 1874.", "negation"),
        ("The mill at Hesk was built by Edda Varnholt in May 1874 and employed 34 people.", "34 is not there"),
    ],
)
def test_one_thing_changed_is_unsupported(claim: str, why: str) -> None:
    """A year, month, name, negation or number that the quote has otherwise is unsupported, and it is said which."""
    judged = judge(claim, [MILL])
    assert judged.verdict == "unsupported" and why in judged.why
    assert judged.confidence == pytest.approx(1 - SURE)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Sheep increase the growth of the heather.", "Sheep decrease the growth of the heather."),
        ("Trains from Hesk are safe at night.", "Trains from Hesk are unsafe at night."),
        ("In 1990 Varnholt bought Lindqvar for a song.", "In 1990 Lindqvar bought Varnholt for a song."),
        ("Sales were 12 in 2019 and 2019 in all.", "Sales were 2019 in 2019 and 12 in all."),
    ],
)
def test_directions_and_roles_are_compared(claim: str, quote: str) -> None:
    """A contrary in the same place, and two names or numbers that changed places, are not the same claim."""
    assert support(claim, [quote]) == "unsupported"


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("It cost 1.5 million crowns.", "It cost 1,500,000 crowns."),
        ("Two of three trains run.", "2 of 3 trains run."),
        ("The mill opened on 20 May 2015.", "The mill opened on 2015-05-20."),
        ("Lindqvar was bought by Varnholt.", "Varnholt bought Lindqvar."),
        ("Roughly 3.2 million people live there.", "3,214,508 people live there."),
        ("The mill is not only old.", "The mill is not only old but large."),
    ],
)
def test_the_same_thing_otherwise_written_does_not_clash(claim: str, quote: str) -> None:
    """Numbers, dates and roles are compared by what they mean, not by how they are written."""
    assert support(claim, [quote]) != "unsupported"


@pytest.mark.parametrize(
    ("claim", "quotes"),
    [
        ("Bananas grow on trees.", ["A budget is a wall."]),
        ("Die Mühle wurde von der Familie gebaut und ist nicht alt.", [MILL * 3]),
        ("Мельница построена в городе.", [MILL]),
        ("def f(x): return {x: x_1 for x in a_b(x)}", [MILL]),
        ("It is what it is.", [MILL]),
        ("The mill is old.", []),
        ("", [MILL]),
    ],
)
def test_out_of_its_depth_it_could_not_check(claim: str, quotes: list[str]) -> None:
    """No common word, another language or script, code, no content word, nothing to compare: no verdict."""
    assert support(claim, quotes) == "could not check"


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=3))
def test_any_text_is_judged(claim: str, quotes: list[str]) -> None:
    """Whatever the texts are, there is a verdict, a confidence within 0 and 1, and a reason."""
    judged = judge(claim, quotes)
    assert judged.verdict in ("supported", "unsupported", "could not check")
    assert 0 <= judged.confidence <= 1 and judged.why


@pytest.mark.parametrize(("name", "least"), [(name, 0.9) for name in EDITS])
def test_edits_are_noticed(name: str, least: float) -> None:
    """Of sentences of the documentation with one thing changed, at least nine in ten are called unsupported."""
    drawn = list(places([path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))]))
    random.Random(0).shuffle(drawn)
    counted, passed = verdicts(drawn, EDITS[name], 60, random.Random(0))
    assert counted["unsupported"] >= least * counted.total(), passed


@pytest.mark.parametrize("name", UNEDITED)
def test_what_was_not_changed_is_left_alone(name: str) -> None:
    """Of the same sentences unedited, reordered or in other small words, at most one in fifty is called unsupported."""
    drawn = list(places([path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))]))
    counted, passed = verdicts(drawn, UNEDITED[name], 200, random.Random(0))
    assert counted.total() >= 10
    assert counted["unsupported"] <= 0.02 * counted.total(), passed


def test_values_have_one_form() -> None:
    """Figures, words, scales and dates of one value meet; the number in a name is none."""
    assert values("1.5 million on 5 May 2001, twenty, 12%") == {"1500000", "5", "m5", "2001", "20", "12"}
    assert values("2001-05-05") == {"2001", "m5", "5"} == values("05-May-2001")
    assert values("IL-6 and PD1, one of them") == {"6"}
    assert {"6", "1"} <= shown("IL6 and PD1")
    assert absent("about 100 and 7", frozenset({"98"})) == {"7"}


def test_each_feature_has_a_weight() -> None:
    """The constants are those of the features, and more of a claim being there makes it likelier."""
    assert set(WEIGHTS) == set(NAMES)
    claim = line("The bridge over the Ilvane carries two railway tracks.")
    near = features(claim, read("Two tracks of the railway cross the Ilvane on this bridge."))
    far = features(claim, read("The town has a school and a market."))
    assert len(near) == len(NAMES) and probability(near) > probability(far)
