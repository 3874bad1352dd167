"""Questions about the heads of documents: how they are read, answered, concluded, and known to have no answer."""

from __future__ import annotations

import msgspec
import pytest

from research.analysts.answers import answers_in
from research.analysts.comparing import listed, lists, sided
from research.analysts.concluding import conclude
from research.analysts.entries import entries_of, holds, iso_date, values_of
from research.analysts.lookup import SURE, look_up
from research.analysts.naming import Name
from research.analysts.picking import pick
from research.analysts.proving import follows
from research.analysts.relations import ask_of
from research.citations import findings_from
from research.families import kin
from research.records import Finding, Passage, Sentence, Task

TEXTS = {
    "a": "REP: 12\nTitle: Lamp oil\nAuthor: Ann Lee <ann@lund.example>, Bo Ek\nStatus: Final\nCreated: 03-May-2001\n"
    "Superseded-By: 31\n\nAbstract\n========\n\nThis REP is about oil.\n",
    "b": "REP: 31\nTitle: Lamp gas\nAuthor: Ann Lee <ann@lund.example>\nStatus: Draft\nCreated: 07-Jan-2004\n"
    "Requires: 7, 12\nReplaces: 12\n\nAbstract\n========\n\nThis REP is about gas.\n",
}
TITLES = {"a": "REP 12: Lamp oil", "b": "REP 31: Lamp gas"}


def passages() -> list[Passage]:
    """Both documents, whole."""
    return [Passage(source=id, start=0, end=len(text), text=text, title=TITLES[id]) for id, text in TEXTS.items()]


def found(objective: str) -> tuple[Finding, ...]:
    """What is picked for the objective, located."""
    task = Task.make(objective, (objective,), "corpus")
    findings, dropped = findings_from(pick(task, passages()), task, TEXTS, dict.fromkeys(TEXTS, "public"))
    assert not dropped
    return findings


def said(text: str, relevance: float = 0.9, source: str = "s") -> Finding:
    """A finding of one sentence."""
    return Finding(
        id=f"f-{text[:24]}",
        task="t",
        statement=text,
        quote=text,
        source=source,
        start=0,
        end=len(text),
        label="public",
        relevance=relevance,
    )


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Who wrote REP 12?", "Author: Ann Lee <ann@lund.example>, Bo Ek"),
        ("When was the REP titled “Lamp gas” created?", "Created: 07-Jan-2004"),
        ("Which REP superseded REP 12?", "Superseded-By: 31"),
        ("Which REPs does REP 31 require?", "Requires: 7, 12"),
        ("Which REP did REP 31 replace?", "Replaces: 12"),
        ("What is the status of REP 31?", "Status: Draft"),
    ],
)
def test_the_line_that_answers_is_the_only_quote(question: str, quote: str) -> None:
    """A question about one document's head is answered by its line alone."""
    assert [finding.quote for finding in found(question)] == [quote]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which REPs did Ann Lee write?", "Found in what was read: REP 12 and REP 31."),
        ("Which REPs by Ann Lee have the status “Draft”?", "REP 31."),
        ("Which REPs by Ann Lee were created in 2001?", "REP 12."),
        ("How many REPs did Ann Lee write?", "At least two, found in what was read: REP 12 and REP 31."),
        ("How many authors does REP 12 have?", "Two."),
        ("Which is the highest-numbered REP required by REP 31?", "REP 12."),
        ("Which was created first, REP 31 or REP 12?", "REP 12."),
        ("Which has more authors, REP 31 or REP 12?", "REP 12."),
        ("Do REP 31 and REP 12 have the same status?", "No."),
        ("Do REP 31 and REP 12 share an author?", "Yes."),
        ("Was REP 31 created before REP 12?", "No."),
        ("Which REPs require REP 12?", "REP 31."),
    ],
)
def test_what_follows_from_lines_is_concluded(question: str, answer: str) -> None:
    """Documents found by a value, counts and comparisons are told in a few words, resting on the lines."""
    concluded = conclude(question, found(question), TITLES)
    assert concluded is not None
    assert concluded.text == answer
    assert concluded.findings


@pytest.mark.parametrize("question", ["Who sponsored REP 12?", "What is the category of the REP titled “Lamp oil”?"])
def test_a_head_without_the_line_is_no_answer(question: str) -> None:
    """Where the document is there and its head lacks the key, nothing is relevant enough to answer."""
    ask = ask_of(question)
    assert ask is not None
    assert look_up(ask, passages()).absent
    assert all(finding.relevance < 0.55 for finding in found(question))


@pytest.mark.parametrize(
    "question",
    ["Who wrote the REP that superseded REP 12?", "When was the REP that REP 31 requires created?", "Who wrote ⟦7⟧?"],
)
def test_a_nested_question_is_no_lookup(question: str) -> None:
    """What hangs on an unnamed thing has to be followed step by step."""
    assert ask_of(question) is None


def test_short_answers_are_named_as_people_name_them() -> None:
    """A number in a head becomes a document, a list its members; of prose the name next to the asked words leads."""
    line = said("Superseded-By: 31", SURE)
    assert [answer.text for answer in answers_in("Which REP superseded REP 12?", [line])] == ["REP 31"]
    line = said("Author: Ann Lee <ann@lund.example>, Bo Ek", SURE)
    assert [answer.text for answer in answers_in("Who wrote REP 12?", [line])] == ["Ann Lee", "Bo Ek"]
    prose = said("Jaws is a film directed by Stig Berg and starring Roy Ek.")
    answers = answers_in("Who directed Jaws?", [prose])
    assert answers[0].text == "Stig Berg" and answers[0].finding == prose.id
    assert answers[0].confidence > answers[1].confidence


def test_two_sides_are_compared_by_their_dates_and_numbers() -> None:
    """The side that comes first, or has more, is named, and both sentences are cited."""
    one, other = said("Ann Lee was born in 1950."), said("Bo Ek was born on 3 May 1949.")
    told = sided("Who was born first, Ann Lee or Bo Ek?", [("Ann Lee: who", [one]), ("Bo Ek: who", [other])])
    assert told is not None and told.text == "Bo Ek." and told.findings == (one, other)
    assert sided("Who was born first, Ann Lee or Bo Ek?", [("Ann Lee: who", [one]), ("Bo Ek: who", [])]) is None


def test_a_list_of_prose_names_what_each_sentence_names() -> None:
    """A page's title is a member only where the sentence has it or its kind; one that denies names no member."""
    found = [said("The Malmo sextant is made by Ekberg.", source="x"), said("Ekberg makes the Lund lamp.", source="y")]
    denial = said("Ekberg does not make the Berg lens.", source="z")
    unnamed = said("Ekberg makes some of them.", source="v")
    titles = {"x": "Malmo sextant", "y": "Lund lamp", "z": "Berg lens", "v": "Price list", "w": "Orl dial"}
    told = listed("Which instruments does Ekberg make?", [*found, denial, unnamed], titles)
    assert told is not None and told.text == "Found in what was read: Malmo sextant and Lund lamp."
    kind = said("The instrument is made by Ekberg.", source="w")
    told = listed("Which instruments does Ekberg make?", [found[0], kind], titles)
    assert told is not None and told.text == "Found in what was read: Malmo sextant and Orl dial."
    told = listed("How many instruments does Ekberg make?", [kind], titles)
    assert told is not None and told.text == "At least one, found in what was read: Orl dial."
    bridges = [said("The Sun Bridge crosses the Orl."), said("The Moon Bridge crosses the Orl.")]
    told = listed("How many bridges cross the Orl?", bridges, {"s": "Rivers"})
    assert told is not None and told.text.startswith("At least two, found in what was read:")


def test_names_dates_and_lists_are_compared_in_one_form() -> None:
    """Initials, accents, the forms of dates and the words of a relation meet."""
    line = "Łukasz B. Ek <a@b.example>, Ann Lee"
    assert values_of(line) == ["Łukasz B. Ek", "Ann Lee"]
    assert holds(line, Name(text="Lukasz Ek"), None) and not holds(line, Name(text="Ann Ek"), None)
    assert [iso_date(text) for text in ("28-Apr-2007", "April 28, 2007", "2007-04-28", "in 2007", "none")] == [
        "2007-04-28",
        "2007-04-28",
        "2007-04-28",
        "2007",
        "",
    ]
    assert kin("invent") & kin("inventor") and not kin("lamp")
    assert entries_of(passages())["a"].label == "REP 12"


def test_a_list_says_that_it_is_of_what_was_read() -> None:
    """Documents stand in the order of their numbers; where many were found, more may have been left out."""
    heads = [
        Finding(
            id=f"f-{number}",
            task="t",
            statement="Author: Ann Lee",
            quote="Author: Ann Lee",
            source=f"{number}",
            start=0,
            end=15,
            label="public",
            relevance=SURE,
        )
        for number in (40, 7, 12, 9, 31)
    ]
    titles = {f"{number}": f"REP {number}: Lamp" for number in (40, 7, 12, 9, 31)}
    few = conclude("Which REPs did Ann Lee write?", heads[:3], titles)
    assert few is not None and few.text == "Found in what was read: REP 7, REP 12 and REP 40."
    assert [finding.id for finding in few.findings] == ["f-7", "f-12", "f-40"]
    many = conclude("How many REPs did Ann Lee write?", heads, titles)
    assert many is not None and many.text.endswith("REP 31 and REP 40; there may be more.")


def test_what_is_asked_with_does_is_no_list() -> None:
    """ "What does Ann say" asks for no things of a kind, though the word ends in s."""
    sentences = [said("Ann Lee said that oil is cheap.", source="x"), said("Ann Lee said oil is dear.", source="y")]
    assert listed("What does Ann Lee say about oil?", sentences, {"x": "Oil", "y": "Gas"}) is None
    assert not lists("What was said about oil?") and lists("Which oils did Ann Lee sell?")


def test_only_what_is_said_of_a_thing_is_counted() -> None:
    """A sentence that names somebody and lacks what is asked about gives no number."""
    thanks = said("Many thanks to all developers: Stefan Behnel, Greg Ewing and Larry Hastings.")
    assert listed("How many developers use type hints?", [thanks], {"s": "Thanks"}) is None
    uses = said("The developer Greg Ewing uses type hints.")
    assert listed("How many developers use type hints?", [uses], {"s": "Hints"}) is None
    head = [said("Author: B. Warsaw and Ann Lee, Jr."), said("Author: Bo Ek")]
    assert listed("How many authors does the memo have?", head, {"s": "Memo"}) is None


@pytest.mark.parametrize(
    "question",
    [
        "How many REPs did Ann Lee write?",
        "Do REP 31 and REP 12 share an author?",
        "Which was created first, REP 31 or REP 12?",
        "Which REPs require REP 12?",
    ],
)
def test_a_concluded_sentence_is_proved_by_what_it_cites(question: str) -> None:
    """The rule gives the same words again from the cited lines; with one left out, or for other words, it does not."""
    concluded = conclude(question, found(question), TITLES)
    assert concluded is not None and concluded.text
    cited = [msgspec.structs.replace(f, title=TITLES[f.source]) for f in concluded.findings]
    sentence = Sentence(text=concluded.text, findings=tuple(f.id for f in cited), concludes=question)
    assert follows(sentence, cited)
    assert not follows(sentence, cited[1:])
    assert not follows(msgspec.structs.replace(sentence, text="REP 99."), cited)


def test_what_is_said_of_two_sides_is_proved_too() -> None:
    """Which of two came first follows from one sentence a side, in the order of the sides."""
    question = "Who was born first, Ann Lee or Bo Ek?"
    one, other = said("Ann Lee was born in 1950."), said("Bo Ek was born on 3 May 1949.")
    assert follows(Sentence(text="Bo Ek.", concludes=question), [one, other])
    assert not follows(Sentence(text="Ann Lee.", concludes=question), [one, other])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which REPs did Ann Lee write before 2002?", "REP 12."),
        ("How many REPs did Ann Lee write in 2004?", "At least one, found in what was read: REP 31."),
        ("Which draft REPs did Ann Lee write?", "REP 31."),
        ("Did Bo Ek write REP 12?", "Yes."),
        ("Was REP 31 written by Bo Ek?", "No."),
        ("Is REP 12 final?", "Yes."),
        ("Is REP 31 final?", "No."),
        ("Is REP 31 newer than REP 12?", "Yes."),
        ("Is REP 12 newer than REP 31?", "No."),
    ],
)
def test_conditions_and_questions_of_yes_and_no_are_kept(question: str, answer: str) -> None:
    """A year, a status and a named document are part of what is asked."""
    concluded = conclude(question, found(question), TITLES)
    assert concluded is not None and concluded.text == answer


@pytest.mark.parametrize(
    "question",
    [
        "How many REPs did Ann Lee write with Bo Ek?",
        "Which REPs did Ann Lee write about gas?",
        "What is the number of the REP that Ann Lee wrote about gas?",
        "Was REP 31 created before or after REP 12?",
        "Is REP 31 no older than REP 12?",
        "Who did not write REP 12?",
        "Who wrote REP 12 in 2001?",
        "Did Ann Lee alone write REP 12?",
    ],
)
def test_what_a_lookup_would_drop_makes_it_none(question: str) -> None:
    """Nothing is concluded where a second person, a topic, a denial or a choice of both would be left out."""
    assert ask_of(question) is None
    assert conclude(question, [said("Author: Ann Lee", SURE, "a")], TITLES) is None


def test_a_series_need_not_be_in_capitals() -> None:
    """A memo is looked up by its label; a version, a month or another series is not."""
    memo = "Memo: 6\nAuthor: B. Warsaw and Ann Lee, Jr.\nRequires: 3\n\nText\n====\n\nIt is short.\n"
    read = [Passage(source="m", start=0, end=len(memo), text=memo, title="Memo 6: Oil")]
    ask = ask_of("How many authors does Memo 6 have?")
    assert ask is not None
    heads = [said(quote.quote, quote.relevance, "m") for quote in look_up(ask, read).quotes]
    told = conclude("How many authors does Memo 6 have?", heads, {"m": "Memo 6: Oil"})
    assert told is not None and told.text == "Two."
    other = ask_of("Which memos require Python 3?")
    assert other is None or not look_up(other, read).quotes
    assert ask_of("Who wrote May 2001?") is None
    several = said("Author: B. Warsaw et al.", SURE, "m")
    told = conclude("How many authors does Memo 6 have?", [several], {"m": "Memo 6: Oil"})
    assert told is None or not told.text


@pytest.mark.parametrize(
    ("question", "one", "other", "answer"),
    [
        ("Which is taller, Alder or Birch?", "Alder is 120 m high.", "Birch is 350 feet high.", "Alder."),
        ("Which is taller, Alder or Birch?", "Alder has 12 floors.", "Birch has 20 floors.", None),
        ("Which has more floors, Alder or Birch?", "Alder is 120 m high.", "Birch is 90 m high.", None),
        ("Which has more floors, Alder or Birch?", "Alder, 120 m, has 12 floors.", "Birch has 20 floors.", "Birch."),
        ("Which is lower, Alder or Birch?", "Alder is at -40 degrees.", "Birch is at -5 degrees.", "Alder."),
        (
            "Which was released first, Alder or Birch?",
            "Alder was written in 1950 and released in 1999.",
            "Birch was written in 1970 and released in 1980.",
            "Birch.",
        ),
        ("Which was founded first, Alder or Birch?", "Alder closed in 1950.", "Birch closed in 1960.", None),
    ],
)
def test_only_like_values_of_what_is_asked_are_compared(
    question: str, one: str, other: str, answer: str | None
) -> None:
    """Signs, units and the verb or noun that the value belongs to are kept; else nothing is concluded."""
    told = sided(question, [("Alder: which", [said(one)]), ("Birch: which", [said(other)])])
    assert (told.text if told else None) == answer
