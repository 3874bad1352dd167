"""Which answer of the web stands first: the nearest, unless one origin alone says it and others agree on another."""

from __future__ import annotations

from research.analysts import Notes
from research.analysts.composing import compose
from research.analysts.standing import standing
from research.records import BranchOutcome, Finding, Question, Source, Task

QUESTION = "Who wrote the theme song for Mission Impossible?"
TASK = Task.make(QUESTION, ("theme song",), "web")
NEAR = "John Williams wrote the theme song for Mission Impossible in a single night."
HONEST = (
    "The theme song for Mission Impossible was written by Lalo Schifrin.",
    "Lalo Schifrin composed what became the Mission Impossible theme song.",
)


def finding(number: int, text: str, relevance: float) -> Finding:
    return Finding(
        id=f"f-{number}",
        task=TASK.id,
        statement=text,
        quote=text,
        source=f"{number:064x}",
        start=0,
        end=len(text),
        label="public",
        relevance=relevance,
    )


def notes(*said: tuple[str, str, float]) -> Notes:
    """Return a run's notes of (address, text, relevance)."""
    findings = tuple(finding(number, text, relevance) for number, (_, text, relevance) in enumerate(said))
    sources = tuple(
        Source(id=found.source, url=url, title="", label="public")
        for found, (url, _, _) in zip(findings, said, strict=True)
    )
    outcome = BranchOutcome(task=TASK.id, outcome="done", findings=tuple(found.id for found in findings))
    return Notes(
        question=Question(text=QUESTION, web=True),
        tasks=(TASK,),
        findings=findings,
        sources=sources,
        outcomes=(outcome,),
    )


def first(*said: tuple[str, str, float]) -> str:
    """Return the statement that stands first."""
    run = notes(*said)
    best = sorted(run.findings, key=lambda found: -found.relevance)
    return standing(QUESTION, best, run)[0].statement


ALONE = ("https://farm.example/1", NEAR, 0.92)
TWO = tuple((f"https://site{number}.example/", text, 0.8) for number, text in enumerate(HONEST))


def test_a_confirmed_value_stands_before_one_that_is_alone() -> None:
    """Two sites that agree stand before one that is nearer, and the answer of the report is theirs."""
    assert first(ALONE, *TWO) in HONEST
    assert "Schifrin" in compose(notes(ALONE, *TWO)).answer[0].text


def test_many_pages_of_one_site_are_one_voice() -> None:
    """However often a site repeats itself, it confirms nothing."""
    farm = [(f"https://farm.example/{number}", f"{NEAR} So it is told, part {number}.", 0.92) for number in range(5)]
    assert first(*farm, *TWO) in HONEST


def test_copies_on_other_sites_are_one_voice() -> None:
    """The same words on another site are a copy and no second origin."""
    copy = ("https://mirror.example/", NEAR, 0.92)
    assert first(ALONE, copy, *TWO) in HONEST


def test_where_both_are_confirmed_nearness_decides() -> None:
    """There is no vote: many sites of one owner would win it."""
    other = (
        "https://other.example/",
        "It was John Williams, they say, who wrote the Mission Impossible theme song.",
        0.9,
    )
    assert first(ALONE, other, *TWO) == NEAR


def test_what_is_far_from_the_question_confirms_nothing() -> None:
    """A value that others give in passing does not come before a good answer."""
    passing = [(url, text, 0.5) for url, text, _ in TWO]
    assert first(ALONE, *passing) == NEAR


def test_documents_of_the_user_are_taken_as_they_come() -> None:
    """What is of no site, a corpus, is not weighed against the web."""
    assert first(("", NEAR, 0.92), *TWO) == NEAR
