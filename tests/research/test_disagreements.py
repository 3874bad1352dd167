"""The ledger of disagreements: what cannot both hold is listed with dates, and what can is left alone."""

from __future__ import annotations

import pytest

from research.analysts.disagreements import disagreements
from research.records import Disagreement, Finding, Source, Task


def ledger(question: str, *told: tuple[str, str, str], relevance: float = 0.9) -> tuple[Disagreement, ...]:
    """Return the entries for sources given as (title, date, sentence); a finding's id is its place: 0, 1 …"""
    task = Task.make(question, (question,), "corpus", corpus="a")
    findings, sources = [], []
    for place, (title, dated, text) in enumerate(told):
        source = f"{place:064d}"
        sources.append(Source(id=source, url="", title=title, label="public", published=dated))
        findings.append(
            Finding(
                id=str(place),
                task=task.id,
                statement=text,
                quote=text,
                source=source,
                start=0,
                end=len(text),
                label="public",
                relevance=relevance,
                title=title,
            )
        )
    return disagreements(findings, [task], sources)


@pytest.mark.parametrize(
    ("question", "old", "new"),
    [
        (
            "When was Harlow Mill founded?",
            "Harlow Mill was founded in 1871 by the river.",
            "Harlow Mill was founded in 1874 by the river.",
        ),
        (
            "Who is the mayor of Harlow?",
            "The mayor of Harlow is Ann Lee.",
            "On 3 May 2021, Bo Ek took over from Ann Lee as mayor of Harlow.",
        ),
        (
            "In which town is Harlow Mill based?",
            "Harlow Mill is based in Ashby.",
            "Since 3 May 2021, Harlow Mill has been based in Corby and no longer in Ashby.",
        ),
        (
            "How many inhabitants does Harlow have?",
            "Harlow has 2,300 inhabitants.",
            "Harlow now has 2,410 inhabitants; the count before had found 2,300.",
        ),
        ("Who is the mayor of Harlow?", "The mayor of Harlow is Ann Lee.", "The mayor of Harlow is Bo Ek."),
        (
            "Who was the chief engineer of Harlow Dam?",
            "The chief engineer of Harlow Dam was Ann Lee.",
            "The chief engineer of Harlow Dam was Bo Ek.",
        ),
        ("Who built Harlow Dam?", "Harlow Dam was built by Ann Lee in 1931.", "Harlow Dam was built by Bo Ek in 1928."),
        (
            "Who first reached the top of Mount Harlow?",
            "The top of Mount Harlow was first reached by Ann Lee in 1931.",
            "The top of Mount Harlow was first reached by Bo Ek in 1931.",
        ),
        ("Where is Harlow Mill based?", "Harlow Mill is based in Ashby.", "Harlow Mill is based in Corby."),
        (
            "When was Harlow Dam opened?",
            "Harlow Dam is 41 metres high. It was opened in 1967 by the mayor, Ann Lee.",
            "Harlow Dam is 43 metres high. It was opened in 1969 by the mayor, Bo Ek.",
        ),
        (
            "How long is Harlow Dam?",
            "Harlow Dam is 412 metres long.",
            "Harlow Dam is 438 meters long and has three gates.",
        ),
        ("How many men work at Harlow Mill?", "Harlow Mill employs 1,200 men.", "Harlow Mill employs 3,400 men."),
        ("Does Harlow Mill sell flour?", "Harlow Mill does sell flour.", "Harlow Mill does not sell flour."),
        (
            "Did the council of Harlow approve the wall?",
            "The council of Harlow approved the wall.",
            "The council of Harlow never approved the wall.",
        ),
    ],
)
def test_two_values_of_one_attribute_disagree_and_the_newer_is_known(question: str, old: str, new: str) -> None:
    """Years, people, places and numbers that cannot both hold are one entry, with the newer source named."""
    (entry,) = ledger(question, ("Harlow", "2015-04", old), ("News", "2021-05-04", new))
    assert (set(entry.findings), entry.newer, entry.about) == ({"0", "1"}, "1", question)


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        (
            "When was Harlow Mill founded?",
            "Harlow Mill was founded in 1871 by the river.",
            "Corby Mill was founded in 1874 by the river.",
        ),
        ("What was the revenue of Harlow?", "Revenue of Harlow was 5 in 2020.", "Revenue of Harlow was 6 in 2021."),
        (
            "How much did Harlow earn?",
            "Harlow earned 50 million this quarter.",
            "Harlow earned 40 million this quarter.",
        ),
        ("Who wrote Walrus?", "Walrus was written by Ann Lee and Bo Ek.", "Walrus was written by Bo Ek."),
        ("Where was Ann Lee born?", "Ann Lee was born in Paris.", "Ann Lee was born in France."),
        ("Who is the mayor of Harlow?", "Ann Lee was mayor of Harlow until 1990.", "The mayor of Harlow is Bo Ek."),
        ("When was it created?", "Created: 28-Feb-2018", "Created: 28-Aug-2019"),
        ("Which towns did Harlow rule?", "Harlow ruled Ashby in 1300.", "Harlow ruled Ashby in 1310."),
        ("Who was the king of Harlow?", "The king of Harlow was Ann Lee.", "The king of Harlow was Bo Ek."),
        ("Who visited Harlow Mill?", "Harlow Mill was visited by Ann Lee.", "Harlow Mill was visited by Bo Ek."),
        ("How long is Harlow Dam?", "Harlow Dam is 412 metres long.", "Corby Dam is 438 metres long."),
        ("How long is Harlow Dam?", "Harlow Dam is 412 metres long.", "Harlow Dam is 12 metres wide."),
        ("How long is Harlow Dam?", "Harlow Dam is 120 metres long.", "Harlow Dam is 394 feet long."),
        (
            "How many people work at Harlow Mill?",
            "Harlow Mill employs 1,200 people.",
            "Harlow Mill employs about 1.2 thousand people.",
        ),
        ("How many people lived in Harlow?", "Harlow had 5,000 people in 1900.", "Harlow had 9,000 people in 1950."),
        ("When was Harlow Dam opened?", "Harlow Dam was opened in 1967.", "Harlow Dam was opened on 3 May 1967."),
        ("Which bridges cross the Harl?", "The Old Bridge crosses the Harl.", "The Tunnel does not cross the Harl."),
        ("Does Harlow Mill sell flour?", "Harlow Mill does sell flour.", "Corby Mill does not sell flour."),
    ],
)
def test_what_may_both_hold_is_no_disagreement(question: str, one: str, other: str) -> None:
    """Other things, years of a series, several authors, parts of a place, past holders, head lines, lists: no entry."""
    assert ledger(question, ("Q1", "2020-01-01", one), ("Q2", "2021-01-01", other)) == ()


def test_undated_sources_and_vague_dates_leave_open_which_is_newer() -> None:
    """A year is neither before nor after a day in it, and a source without a date is not newer."""
    told = [f"Harlow Mill was founded in {year} by the river." for year in (1871, 1874)]
    for dates in (("", "2020"), ("2020", "2020-05-01")):
        (entry,) = ledger("When was Harlow Mill founded?", *[("", d, t) for d, t in zip(dates, told, strict=True)])
        assert entry.newer == ""


def test_the_same_two_values_are_listed_once() -> None:
    """Copies of a page do not make a second entry."""
    told = [("", "", f"Harlow Mill was founded in {year} by the river.") for year in (1871, 1874, 1874)]
    assert len(ledger("When was Harlow Mill founded?", *told)) == 1


def test_what_is_only_near_does_not_disagree() -> None:
    """Sentences that answer nothing accuse nothing."""
    told = [("", "", f"Harlow Mill was founded in {year} by the river.") for year in (1871, 1874)]
    assert ledger("When was Harlow Mill founded?", *told, relevance=0.3) == ()


def headed(title: str, one: str, other: str, question: str = "What is the status of Memo 7?") -> int:
    """Return how many entries two head lines make; the second document has the title ``title``."""
    return len(ledger(question, ("Memo 7: Gamma", "", one), (title, "", other)))


def test_two_heads_of_one_number_disagree_in_a_line_but_not_in_a_list() -> None:
    """A status or another single value is compared between documents of one number and title; lists are not."""
    assert headed("MEMO 7: Gamma", "Status: Draft", "Status: Final") == 1
    assert headed("Memo 7: Gamma", "Status: Final", "Status: final") == 0
    assert headed("Memo 8: Gamma", "Status: Draft", "Status: Final") == 0
    assert headed("Memo 7: Delta", "Status: Draft", "Status: Final") == 0
    assert headed("Memo 7: Gamma", "Author: Ann Lee, Bo Ek", "Author: Bo Ek", "Who wrote Memo 7?") == 0
    assert headed("Memo 7: Gamma", "Created: 2016", "Created: 2016-05-01", "When was Memo 7 created?") == 0
