"""Citations: a located quote is in its source, and what is not in the source is never located."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from research.citations import SHORTEST, findings_from, locate, normal, verify
from research.records import Quote, Task
from research.sentences import sentences

TASK = Task.make("What holds?", ("what holds",), "corpus", corpus="c")
TEXT = "A budget is a wall. It is “never” exceeded – not even once.\nThe  slice kept back is big. ﬁnally, it ends…"

CHARS = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("  \n\t\u00a0\u200b\u00ad“”‘’–—−…ﬁ´aAbBeE.,-'\""),
    ),
    max_size=80,
)


@given(CHARS, st.data())
def test_any_slice_of_a_text_that_is_located_reads_the_same(text: str, data: st.DataObject) -> None:
    """A located span always normalises to the quote, wherever the quote was cut from."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    quote = text[start:end]
    span = locate(quote, text)
    if span is not None:
        assert normal(text[span[0] : span[1]]) == normal(quote)


@given(CHARS, CHARS)
def test_a_quote_of_something_else_is_located_only_if_it_reads_the_same(text: str, quote: str) -> None:
    """Two unrelated texts never match by anything looser than the one normalisation."""
    span = locate(quote, text + quote[: len(quote) // 2])
    if span is not None:
        assert normal((text + quote[: len(quote) // 2])[span[0] : span[1]]) == normal(quote)


@given(st.integers(0, 200), st.characters(categories=("Ll", "Lu", "Nd"), codec="ascii"))
def test_one_changed_letter_is_enough_to_lose_a_quote(at: int, letter: str) -> None:
    """A quote with one letter or figure changed is not in the source."""
    quote = "Tokens and money are reserved before each call and never exceeded by 1 of them."
    at %= len(quote)
    assume(quote[at].isalnum() and quote[at] != letter)
    assert locate(quote[:at] + letter + quote[at + 1 :], f"Before. {quote} After.") is None


@given(st.text(alphabet="ab é\n“-", min_size=30, max_size=60))
def test_a_whole_line_written_otherwise_is_found_again(line: str) -> None:
    """Line breaks, straight quotation marks and a decomposed-free form of a text lead back to the text."""
    assume(len(line.replace(" ", "").replace("\n", "")) >= SHORTEST)
    other = " ".join(unicodedata.normalize("NFC", line).split()).replace("“", '"')
    text = f". {line} ."
    span = locate(other, text)
    assert span is not None
    assert normal(text[span[0] : span[1]]) == normal(other)


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("A budget is a wall.", "A budget is a wall."),
        ('It is "never" exceeded - not even once.', "It is “never” exceeded – not even once."),
        ("once. The slice kept back", "once.\nThe  slice kept back"),
        ("finally, it ends...", "ﬁnally, it ends…"),
        ("A budget\u200b is a\u00ad wall.", "A budget is a wall."),
    ],
)
def test_a_quote_in_another_typography_is_the_sources_own_slice(quote: str, expected: str) -> None:
    """White space, quotation marks, dashes, ligatures and invisible characters do not hide a quote."""
    span = locate(quote, TEXT)
    assert span is not None
    assert TEXT[span[0] : span[1]] == expected


@pytest.mark.parametrize("quote", ["", "   ", "wall", "a b c d", "a budget is a wall.", "A budget is  not a wall."])
def test_empty_short_recased_or_altered_quotes_are_not_located(quote: str) -> None:
    """Less than eight visible characters, other letter case or other words are no quote."""
    assert locate(quote, TEXT) is None


def test_a_quote_may_not_begin_inside_a_word() -> None:
    """Cutting a prefix off, or a figure short, would turn the meaning round."""
    assert locate("legal to do so", "It is illegal to do so.") is None
    assert locate("version 3.1 is needed", "At least version 3.1 is needed.") is not None
    assert locate("Python version 3.1", "It needs Python version 3.12 or later.") is None


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("the price is exactly 1", "the price is exactly 1.5 million"),
        ("the price is exactly 1.", "the price is exactly 1.5 million"),
        ("the price is exactly 1", "the price is exactly 1,000,000"),
        ("the price is exactly 1", "the price is exactly 1\u202f000"),
        ("it begins at exactly 10", "it begins at exactly 10:30"),
        ("held from 1990", "held from 1990–1995"),
        ("000 people died", "1,000 people died"),
        ("5 million dollars", "it cost .5 million dollars"),
        ("5 degrees outside", "-5 degrees outside"),
        ("5 degrees outside", "it is \u2212\u200b5 degrees outside"),
        ("5 degrees outside", "it is –5 degrees outside"),
        ("toxic to humans", "it is non-toxic to humans"),
        ("toxic to humans", "it is non-\ntoxic to humans"),
        ("the effect is non", "the effect is non-linear"),
        ("legal to do so", "it is il\u00adlegal to do so"),
        ("legal to do so", "it is il\u200blegal to do so"),
        ("any user can", "any user can't"),
        ("any user can", "any user can’t"),
        ("any user can", "any user can\u200b’t"),
        ("t do that again", "they can't do that again"),
        ("here is the resume", "here is the resume\u0301"),
        ("here is the resume", "here is the resume\u00ad\u0301"),
    ],
)
def test_a_quote_does_not_part_a_word_or_a_figure(quote: str, text: str) -> None:
    """A sign, a separator, an apostrophe or a mark joins what is on both sides of it, seen or not seen."""
    assert locate(quote, text) is None


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("the price is exactly 1", "the price is exactly 1. Then"),
        ("the price is exactly 1", "the price is exactly 1, not 2"),
        ("it is toxic to humans.", "It ended.1 But it is toxic to humans.2 More"),
        ("it is never late", "a budget—it is never late"),
        ("it is never late", "a budget--it is never late"),
        ("5 degrees outside", "- 5 degrees outside"),
        ("any user can", "it says 'any user can' here"),
        ("Is it so late", "a-\nIs it so late"),
        ("here is the re\u0301sume", "here is the re\u0301sume, read"),
    ],
)
def test_a_quote_may_end_at_a_mark_that_joins_nothing(quote: str, text: str) -> None:
    """A full stop, a dash, a list's hyphen, a closing quotation mark and a footnote's figure are ends like any."""
    assert locate(quote, text) is not None


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["non-toxic", "1,000,000", "can’t", "-5", "10:30", "re\u0301sume\u0301", "il\u00adlegal"]),
            st.text(alphabet="abcdE ", min_size=1, max_size=12),
        ),
        min_size=3,
        max_size=30,
    ),
    st.data(),
)
@example(["Any user can’t.", "Non-toxic 1,000,000."], None)
def test_the_sentences_of_a_text_are_located(words: list[str], data: st.DataObject | None) -> None:
    """What the sentence splitter takes as a sentence is never seen as a cut."""
    ends = [" " if data is None else data.draw(st.sampled_from([" ", ". ", ".\n", "! ", ", ", "\n\n"])) for _ in words]
    text = "".join(word + end for word, end in zip(words, ends, strict=True))
    for span in sentences(text):
        quote = text[span.start : span.end]
        if len("".join(normal(quote).split())) >= SHORTEST:
            assert locate(quote, text, near=[(span.start, span.end)]) == (span.start, span.end)


def test_an_occurrence_near_the_passage_wins() -> None:
    """Of two equal sentences the one within the given span is taken; without it, the first."""
    text = "The same sentence. Something else. The same sentence."
    assert locate("The same sentence.", text) == (0, 18)
    assert locate("The same sentence.", text, near=[(30, len(text))]) == (35, 53)


def test_a_finding_is_placed_in_the_passage_that_was_read() -> None:
    """Of equal sentences the first inside a span that was read is taken; a quote from elsewhere is still located."""
    text = "The same sentence. Something else. The same sentence. The  same sentence. The end of it."
    quotes = [Quote(source="s", quote=quote, statement="x") for quote in ("The same sentence.", "The end of it.")]

    def starts(*near: tuple[int, int]) -> list[int]:
        found, _ = findings_from(quotes, TASK, {"s": text}, {"s": "public"}, near={"s": near, "other": ((0, 18),)})
        return [finding.start for finding in found]

    assert starts() == [0, 74]
    assert starts((20, 55), (0, 10)) == [35, 74]
    assert starts((50, 90)) == [54, 74]


def test_two_tasks_that_quote_the_same_make_two_findings() -> None:
    """A finding's id holds its task, so which branch stores first changes nothing."""
    other = Task.make("What else holds?", ("what else",), "corpus", corpus="c")
    quote = Quote(source="s", quote="A budget is a wall.", statement="x")
    ids = {findings_from([quote], task, {"s": TEXT}, {"s": "public"})[0][0].id for task in (TASK, other, TASK)}
    assert len(ids) == 2


def test_findings_hold_the_sources_own_text_and_others_are_counted() -> None:
    """Each finding's quote is text[start:end]; a quote that is nowhere, or of no source, is dropped and counted."""
    quotes = [
        Quote(source="s", quote='It is "never" exceeded', statement="It is never exceeded.", relevance=3.0),
        Quote(source="s", quote="It is always exceeded", statement="x"),
        Quote(source="other", quote="A budget is a wall.", statement="x"),
        Quote(source="s", quote="A budget is a wall.", statement=""),
        Quote(source="s", quote="A budget is a wall.", statement=""),
    ]
    findings, dropped = findings_from(quotes, TASK, {"s": TEXT}, {"s": "private"})
    assert dropped == 2
    assert [f.quote for f in findings] == ["It is “never” exceeded", "A budget is a wall."]
    assert all(TEXT[f.start : f.end] == f.quote and f.label == "private" for f in findings)
    assert findings[0].relevance == 1.0
    assert findings[1].statement == "A budget is a wall."
    assert findings == findings_from(quotes, TASK, {"s": TEXT}, {"s": "private"})[0]


def test_verify_names_what_no_longer_stands_in_its_source() -> None:
    """A changed or missing text breaks exactly the findings that quote it."""
    quotes = [Quote(source="s", quote="A budget is a wall.", statement="")]
    findings, _ = findings_from(quotes, TASK, {"s": TEXT}, {"s": "public"})
    assert verify(findings, {"s": TEXT}) == []
    assert verify(findings, {"s": "B" + TEXT[1:]}) == [findings[0].id]
    assert verify(findings, {"s": f"Moved. {TEXT}"}) == [findings[0].id]
    assert verify(findings, {}) == [findings[0].id]


PAGE = "The page says that sales rose in 2019."
FALSE: dict[str, tuple[Quote, dict[str, str]]] = {
    "quote not in the source": (Quote(source="s", quote="Sales fell in 2019.", statement="x"), {"s": PAGE}),
    "quote from a title attribute": (Quote(source="s", quote="Annual report, hover text", statement="x"), {"s": PAGE}),
    "source id of another run": (Quote(source="elsewhere", quote=PAGE, statement="x"), {"s": PAGE}),
    "source id of a branch that was cancelled": (Quote(source="cancelled", quote=PAGE, statement="x"), {"s": PAGE}),
    "url never fetched": (Quote(source="https://never.example", quote=PAGE, statement="x"), {"s": PAGE}),
    "url fetched with 404": (Quote(source="https://gone.example", quote=PAGE, statement="x"), {}),
    "source changed between fetch and report (same url, new text)": (
        Quote(source="s", quote=PAGE, statement="x"),
        {"s": PAGE.replace("rose", "fell")},
    ),
}
ELSEWHERE = {"page cites itself", "date in the future"}
"""Mechanical faults that are not about where a quote stands."""


def test_false_citations_are_dropped(shared_data: Path) -> None:
    """Every mechanical kind of false citation in the attack set that concerns a quote's place yields no finding."""
    lines = (shared_data / "attacks" / "own-citations.jsonl").read_text().splitlines()
    kinds = {case["kind"] for case in map(json.loads, lines) if case["mechanical"]}
    assert kinds - ELSEWHERE <= set(FALSE)
    for kind in kinds & set(FALSE):
        quote, texts = FALSE[kind]
        findings, dropped = findings_from([quote], TASK, texts, dict.fromkeys(texts, "public"))
        assert (findings, dropped) == ((), 1), kind
