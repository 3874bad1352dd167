"""What a report quotes, and does not: the sentences that a person in a hurry is served by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.analysts.asking import fits
from research.analysts.gathering import nearest
from research.analysts.lacking import lacking, more_of, side_missing
from research.analysts.lookup import SURE
from research.analysts.picking import pick
from research.analysts.wording import as_sentence, tidy
from research.records import Finding, Passage, Task

CLASSES = "REP: 557\nTitle: Data Classes\nAuthor: Ann Lee\nREP-Version: 3.7\n\nAbstract\n========\n\nThey hold data.\n"
FIELDS = (
    "REP: 712\nTitle: Adding a converter parameter to dataclasses.field\nAuthor: Bo Ek\nREP-Version: 3.13\n\n"
    "Abstract\n========\n\nA field of dataclasses gets a converter.\n"
)
NAMES = (
    "REP: 3131\nTitle: Names in any script\nAuthor: Cy Ray\n\nRationale\n=========\n\nMany people write programs in "
    "order to solve problems that are named in their own language.\n\nObjections\n==========\n\nSome objections are "
    "often raised against proposals similar to this one.\n"
)
STYLE = (
    "Style\n=====\n\nHowever other examples lead to long lines, well over the maximum line length of 80 columns.\n\n"
    "Maximum Line Length\n===================\n\nLimit all lines to a maximum of 79 characters.\n"
)


def passage(text: str, title: str = "") -> Passage:
    return Passage(source=title or text[:12], start=0, end=len(text), text=text, title=title)


def picked(question: str, *passages: Passage) -> list[str]:
    """The statements that are picked, best first."""
    return [quote.statement for quote in pick(Task.make(question, (question,), "corpus"), passages)]


def finding(statement: str, title: str, relevance: float) -> Finding:
    return Finding(
        id=f"f-{statement}-{title}",
        task="t",
        statement=statement,
        quote=statement,
        source=title,
        start=0,
        end=len(statement),
        label="public",
        relevance=relevance,
        title=title,
    )


def test_a_head_answers_for_the_thing_that_its_title_names() -> None:
    """A title that mentions a thing among others is about something else; "Data Classes" are dataclasses."""
    question = "Which REP version introduced dataclasses?"
    own, other = passage(CLASSES, "REP 557: Data Classes"), passage(FIELDS, "REP 712: Adding a converter parameter")
    assert picked(question, other, own)[0] == "REP-Version: 3.7"
    assert "REP-Version: 3.13" not in picked(question, other)


def test_a_sentence_that_names_a_document_leads_to_its_head() -> None:
    """Where a line of a head is asked for and a sentence says whose, that head is searched for."""
    task = Task.make("Which REP version introduced dataclasses?", ("dataclasses",), "corpus")
    gap = lacking(task, [finding("REP 557 introduced the dataclass.", "REP 681: Transforms", 0.68)])
    assert gap is not None and gap.queries == ("REP 557 title author status created",)


def test_why_a_document_is_there_is_told_by_its_rationale() -> None:
    """ "Why was it proposed" is answered by what is said for the whole, not by a sentence with the word "proposals"."""
    answer = picked("Why was REP 3131 proposed?", passage(NAMES, "REP 3131: Names in any script"))
    assert answer[0].startswith("Many people write programs in order to solve problems")


@pytest.mark.parametrize("text", ["by Ann Lee", "ANN LEE: Yes", "Broderick learned it"])
def test_a_name_is_an_answer_to_who(text: str) -> None:
    """Two capitalised words are a person's name, and one is where somebody does something."""
    assert fits("person", text)


@pytest.mark.parametrize("text", ["This REP proposes it", "The GC stops", "It is Python", "the Walrus proposed it"])
def test_what_is_no_name_answers_no_who(text: str) -> None:
    """An opening word, a kind of document and what the question itself names are no person."""
    assert not fits("person", text, frozenset({"walrus"}))


def test_a_measure_is_answered_by_a_number_under_its_heading() -> None:
    """The rule under the heading that is asked for goes before a sentence that goes on with another one."""
    assert picked("What is the maximum line length?", passage(STYLE))[0].startswith("Limit all lines")


@pytest.mark.parametrize(
    ("text", "amount"), [("It rose to $25 billion", True), ("lifted by Windows 10 in the year '16", False)]
)
def test_the_number_of_a_name_is_no_amount(text: str, amount: bool) -> None:
    """ "Windows 10" and "the year '16" say of no revenue how much it was."""
    assert fits("number", text) is amount


@pytest.mark.parametrize(
    "junk",
    [
        "lumo lamps and the oil that they burn, see below",
        "See https://lumo.example/lamps for the oil that Lumo lamps burn.",
        "However, the oil of Lumo lamps has to be paid for.",
        "oil = lamp(lumo) | {burn: oil} -> lamp;",
    ],
)
def test_the_nearest_evidence_is_a_whole_sentence(junk: str) -> None:
    """Fragments, addresses, code and sentences that go on with another one are not shown as near."""
    fine = "The oil that Lumo lamps burn is pressed from seeds."
    question = "Which oil do Lumo lamps burn in winter?"
    assert [quote.statement for quote in nearest(question, [passage(f"{junk}\n\n{fine}")])] == [fine]
    assert nearest(question, [passage(junk)]) == []


def test_one_word_in_common_is_not_near() -> None:
    """A year, a kind of document or a single word of many brings a sentence no nearer to the question."""
    text = passage("The REP was discussed with the whole world in 2018.", "REP 1: Purpose")
    assert nearest("Who won the 2018 football world cup?", [text]) == []
    assert nearest("What does REP 1 say about the teleportation of llamas?", [text]) == []


def test_a_comparison_says_which_side_was_not_found() -> None:
    """With the head of one document only, the other one is looked for, and named when it is not found."""
    task = Task.make("Which is older, REP 12 or REP 99?", ("REP 12 REP 99",), "corpus")
    line = finding("REP: 12 · Created: 03-May-2001", "REP 12: Lamp oil", SURE)
    gap = side_missing(task, [line])
    assert gap is not None and gap.missing.startswith("REP 99, for: ") and "REP 99" in gap.queries
    assert side_missing(task, [line, finding("REP: 99", "REP 99: Lamp gas", SURE)]) is None


def test_a_list_is_looked_for_a_second_time() -> None:
    """Where some documents were found by a line, others are searched for with the line itself; one value is enough."""
    line = finding("Author: Ann Lee", "REP 12: Lamp oil", SURE)
    gap = more_of(Task.make("Which REPs did Ann Lee write?", ("x",), "corpus"), [line])
    assert gap is not None and gap.queries[0] == "Author: Ann Lee"
    assert more_of(Task.make("Who wrote REP 12?", ("x",), "corpus"), [line]) is None
    assert more_of(Task.make("Which REPs did Ann Lee write?", ("x",), "corpus"), []) is None


def test_marks_within_marks_go_too() -> None:
    """Bold text with emphasis in it is plain text; stars that are meant stay."""
    assert tidy("**What *generators* do remains.** See [1]_ and ``**rest``.") == (
        "What generators do remains. See and **rest."
    )
    assert tidy("2 ** 3 ** 4, **kwargs and **more") == "2 ** 3 ** 4, **kwargs and **more"


def test_a_fragment_ends_like_a_sentence() -> None:
    """A mark that joins a line to the next one is no end."""
    assert as_sentence("the old definitions,") == "the old definitions."
    assert as_sentence("It is so!") == "It is so!"


@given(st.text(max_size=200))
def test_whatever_is_near_stands_in_its_passage(text: str) -> None:
    """Any text: each sentence shown as near is a part of the passage, and at least five words long."""
    for quote in nearest(f"Where is {text}?", [passage(text or "x")]):
        assert quote.quote in text and len(quote.quote.split()) >= 5
