"""Which citations are right, which facts are cited, and which sentences say more than their quotes."""

from __future__ import annotations

import pytest

from evals.locating import located
from evals.records import Case, Citation, CitedSentence, Document, Gold, GoldSpan, Outcome, Score
from evals.scorers.citations import (
    CITATION_PRECISION,
    CITATION_RECALL,
    FRAGMENT,
    LONGEST,
    QUOTES_VERBATIM,
    UNSUPPORTED_RATE,
    overlaps,
)
from evals.suite import Metric
from research.records import Question, VerdictName

SENTENCES = (CitedSentence(text="s", citations=(0,)),)


def case(*spans: tuple[str, int, int, str], question: str = "?") -> Case:
    """A case with gold spans (document, start, end, fact)."""
    gold = tuple(GoldSpan(document=d, start=a, end=b, fact=fact) for d, a, b, fact in spans)
    return Case(id="1", question=Question(text=question), gold=Gold(spans=gold))


def at(document: str, start: int, end: int, quote: str = "") -> Citation:
    """A citation that was found at a place."""
    return Citation(document=document, quote=quote or f"{start}-{end}", start=start, end=end)


def lost(document: str, quote: str = "made up") -> Citation:
    """A citation whose quote is not in its document."""
    return Citation(document=document, quote=quote)


def value(metric: Metric, asked: Case, *citations: Citation, abstained: bool = False) -> float | None:
    """The metric's value for an outcome with these citations."""
    score = metric.judge(asked, Outcome(citations=citations, sentences=SENTENCES, abstained=abstained))
    return None if score is None else score.value


def test_precision_and_recall_are_over_citations_and_over_facts() -> None:
    """One right citation of three cites one fact of two: a third and a half."""
    asked = case(("a", 0, 40, "one"), ("b", 0, 40, "two"))
    cited = (at("a", 0, 40), at("a", 500, 540), at("x", 0, 40))
    assert value(CITATION_PRECISION, asked, *cited) == pytest.approx(1 / 3)
    assert value(CITATION_RECALL, asked, *cited) == 0.5


def test_spans_of_one_fact_are_alternatives() -> None:
    """Citing any place of a fact cites it; citing both places cites it no more."""
    asked = case(("a", 0, 40, "one"), ("b", 0, 40, "one"), ("c", 0, 40, "two"))
    assert value(CITATION_RECALL, asked, at("b", 0, 40)) == 0.5
    assert value(CITATION_RECALL, asked, at("a", 0, 40), at("b", 0, 40)) == 0.5


def test_a_repeated_citation_counts_once() -> None:
    """Repeating the right citation, or the wrong one, changes no precision."""
    asked = case(("a", 0, 40, "one"))
    right, wrong = at("a", 0, 40), at("a", 500, 540)
    assert value(CITATION_PRECISION, asked, right, right, right, wrong) == 0.5
    assert value(CITATION_PRECISION, asked, right, wrong, wrong, lost("a"), lost("a")) == pytest.approx(1 / 3)


def test_a_quote_that_is_not_there_is_never_right() -> None:
    """A made-up quote of the gold document counts against precision and cites no fact."""
    asked = case(("a", 0, 40, "one"))
    assert value(CITATION_PRECISION, asked, lost("a")) == 0.0
    assert value(CITATION_RECALL, asked, lost("a")) == 0.0
    assert value(QUOTES_VERBATIM, asked, lost("a"), at("a", 0, 40), at("a", 0, 40)) == 0.5


@pytest.mark.parametrize(
    ("start", "end", "right"),
    [
        (100, 140, True),
        (100, 120, True),
        (100, 119, False),
        (120, 160, True),
        (121, 161, False),
        (0, 400, True),
        (140, 180, False),
        (60, 100, False),
        (110, 110 + FRAGMENT, True),
        (110, 110 + FRAGMENT - 1, False),
        (0, LONGEST, True),
        (0, LONGEST + 1, False),
    ],
)
def test_overlap(start: int, end: int, right: bool) -> None:
    """Half of the span, or of a quote that is no mere fragment; the neighbouring place or the whole page is none."""
    span = GoldSpan(document="a", start=100, end=140, fact="one")
    assert overlaps(at("a", start, end), span) is right
    assert not overlaps(at("b", start, end), span)


def test_a_quote_inside_a_long_span_is_right() -> None:
    """A sentence of a gold paragraph cites it, and a long paragraph may be quoted whole."""
    span = GoldSpan(document="a", start=0, end=1500, fact="one")
    assert overlaps(at("a", 700, 780), span)
    assert overlaps(at("a", 0, 1600), span)
    assert not overlaps(at("a", 1490, 1570), span)


def test_where_citations_are_not_judged() -> None:
    """No gold spans or no citations by nature: no score. Answering without citing is 0, declining without is none."""
    asked = case(("a", 0, 40, "one"))
    assert CITATION_PRECISION.judge(asked, Outcome(answer="x")) is None
    assert CITATION_RECALL.judge(asked, Outcome(answer="x")) is None
    assert value(CITATION_PRECISION, case(), at("a", 0, 40)) is None
    assert value(CITATION_RECALL, case(), at("a", 0, 40)) is None
    assert value(CITATION_PRECISION, asked) == 0.0
    assert value(CITATION_PRECISION, asked, abstained=True) is None
    assert value(CITATION_RECALL, asked, abstained=True) == 0.0
    assert value(CITATION_PRECISION, asked, at("x", 0, 9), abstained=True) == 0.0
    assert QUOTES_VERBATIM.judge(asked, Outcome(sentences=SENTENCES)) is None


QUOTE = "Author: Guido van Rossum, Barry Warsaw. Created: 13-Jun-2000, with 1,234 words."


@pytest.mark.parametrize(
    ("text", "unsupported"),
    [
        ("It was created on June 13, 2000 by Barry Warsaw.", False),
        ("It was created in 2000.", False),
        ("It was created on June 14, 2000.", True),
        ("It was created in 2001.", True),
        ("It has 1234 words.", False),
        ("It has 4321 words.", True),
        ("It has -1234 words.", True),
        ("It was written by van Rossum, Guido.", False),
        ("According to its header, Barry Warsaw wrote it.", False),
        ("It was written by Donald Knuth.", True),
        ("PEP 1 was written by Barry Warsaw.", False),
        ("PEP 9 was written by Barry Warsaw.", True),
        ("The Orvant Institute asked for it, and Barry Warsaw's colleague wrote it.", False),
        ("it has been changed since then.", False),
    ],
)
def test_a_sentence_says_no_more_than_its_quotes(text: str, unsupported: bool) -> None:
    """Numbers, dates and names must stand in the quotes, the question or (names) the cited document's id."""
    asked = case(question="What did the Orvant Institute ask for?")
    outcome = Outcome(
        sentences=(CitedSentence(text=text, citations=(0,)),), citations=(at("pep-0001", 0, len(QUOTE), QUOTE),)
    )
    assert UNSUPPORTED_RATE.judge(asked, outcome) == Score(value=float(unsupported))


@pytest.mark.parametrize(
    ("number", "cited", "unsupported"),
    [("1", (0,), True), ("2", (0, 1), False), ("2", (0, 0), True), ("3", (0, 1), True), ("-2", (0, 1), True)],
)
def test_a_sentence_may_count_the_places_it_cites(number: str, cited: tuple[int, ...], unsupported: bool) -> None:
    """The number of places cited needs no quote that states it, from two on; one place may not stand for any 1."""
    outcome = Outcome(
        sentences=(CitedSentence(text=f"There are {number} of them.", citations=cited),),
        citations=(at("a", 0, 9, "it holds."), at("a", 20, 29, "it stands.")),
    )
    assert UNSUPPORTED_RATE.judge(case(), outcome) == Score(value=float(unsupported))


def test_a_dump_of_a_hundred_pages_is_judged() -> None:
    """A sentence that cites a hundred pages and repeats all their figures and names ends within the time-out."""
    pages = [
        " ".join(f"Bridge {page}{line} holds {page}{line}.5 tons for Ann Holt{page}x{line}." for line in range(300))
        for page in range(100)
    ]
    cited = tuple(at("a", 9 * place, 9 * place + 5, page) for place, page in enumerate(pages))
    text = " ".join(f"{page}{line}.5" for page in range(100) for line in range(300))
    names = " and ".join(f"Bridge {page}{line}" for page in range(100) for line in range(10))
    dump = CitedSentence(text=f"there are {text} by {names}.", citations=tuple(range(100)))
    outcome = Outcome(sentences=(dump, CitedSentence(text="there are 7.25.", citations=(0,))), citations=cited)
    assert UNSUPPORTED_RATE.judge(case(), outcome) == Score(value=0.5)


@pytest.mark.parametrize(
    ("citations", "verdict", "unsupported"),
    [
        ((0,), "could not check", False),
        ((0,), "supported", False),
        ((0,), "unsupported", True),
        ((), "supported", True),
        ((1,), "supported", True),
        ((0, 1), "supported", True),
        ((7,), "supported", True),
    ],
)
def test_a_citation_must_hold(citations: tuple[int, ...], verdict: VerdictName, unsupported: bool) -> None:
    """No citation, one that is not verbatim, one that does not exist or the verdict ``unsupported``: unsupported."""
    sentence = CitedSentence(text="it holds.", citations=citations, verdict=verdict)
    outcome = Outcome(sentences=(sentence,), citations=(at("a", 0, 9, "it holds."), lost("a", "it holds.")))
    assert UNSUPPORTED_RATE.judge(case(), outcome) == Score(value=float(unsupported))


def test_the_rate_is_over_all_sentences_but_those_that_say_not_found() -> None:
    """Of two sentences one is unsupported; an abstaining answer is no unsupported sentence, a section's is."""
    good = CitedSentence(text="it holds.", citations=(0,))
    bare, section = CitedSentence(text="nothing was found."), CitedSentence(text="so it is.", answer=False)
    cited = (at("a", 0, 9, "it holds."),)
    assert UNSUPPORTED_RATE.judge(case(), Outcome(sentences=(good, bare), citations=cited)) == Score(value=0.5)
    assert UNSUPPORTED_RATE.judge(case(), Outcome(sentences=(bare,), abstained=True)) is None
    assert UNSUPPORTED_RATE.judge(case(), Outcome(sentences=(bare, section), abstained=True)) == Score(value=1.0)
    assert UNSUPPORTED_RATE.judge(case(), Outcome(citations=cited)) is None
    assert UNSUPPORTED_RATE.better == "lower"


DOCUMENT = Document(id="a", text="A first line.\nThe  treaty was\nsigned in 1874 at the lake.")
CORPORA = {"mine": (DOCUMENT,), "other": (Document(id="b", text="The treaty was signed in 1900.", title="B"),)}


@pytest.mark.parametrize(
    ("quote", "span"),
    [
        ("signed in 1874", (30, 44)),
        ("The treaty was signed in 1874", (14, 44)),
        ("…signed in 1874", (-1, -1)),
        ("signed in 1874 ...", (-1, -1)),
        ("signed in 187", (-1, -1)),
        ("The treaty was broken", (-1, -1)),
        ("", (-1, -1)),
    ],
)
def test_the_harness_finds_quotes_for_itself(quote: str, span: tuple[int, int]) -> None:
    """Verbatim or with white space folded; ellipses and cut words are not found, whatever place is claimed."""
    claimed = Citation(document="a", quote=quote, start=0, end=13)
    found = located(Outcome(citations=(claimed,)), CORPORA, Question(text="?", corpora=("mine",)))
    assert (found.citations[0].start, found.citations[0].end) == span
    assert found.citations[0].document == "a"


def test_only_the_corpora_of_the_question_are_looked_at() -> None:
    """A quote from another corpus, or of an unknown document, is not found, and its document is blanked."""
    cited = (
        Citation(document="b", quote="The treaty was signed in 1900."),
        Citation(document="zzz", quote="signed in 1874"),
    )
    outcome = Outcome(citations=cited, answer="kept")
    found = located(outcome, CORPORA, Question(text="?", corpora=("mine",)))
    assert [(c.document, c.start) for c in found.citations] == [("", -1), ("", -1)]
    assert found.answer == "kept"
    both = located(outcome, CORPORA, Question(text="?", corpora=("mine", "other")))
    assert [(c.document, c.start) for c in both.citations] == [("b", 0), ("", -1)]
