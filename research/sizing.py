"""Texts, findings and notes of a given size, for measuring the calls of a run before it is begun. Pure.

What is measured with them is in ``research.rehearsal``.
"""

from __future__ import annotations

from research.analysts import Notes, Style
from research.analysts.acceptance import LONGEST_QUERY, LONGEST_TEXT, MOST_QUERIES
from research.analysts.showing import LONGEST_QUOTE
from research.records import BranchOutcome, Finding, Gap, Hit, Passage, Question, Sentence, Source, Task

ID = "f-7c1e90b3d52a48f6"


def filler(characters: int) -> str:
    """Return text of so many characters, and half as many tokens."""
    return ("a b c d e f g h i j k l m n o p q r s t u v w x y z " * (characters // 52 + 1))[:characters]


def a_passage(characters: int) -> Passage:
    """Return a passage of so many characters; but for one of a single character, with a long title."""
    text = filler(characters)
    return Passage(source="0" * 64, start=0, end=len(text), text=text, title=filler(120) if characters > 1 else "a")


def a_task(number: int, characters: int) -> Task:
    """Return a task whose texts have so many characters, as far as they may."""
    queries = tuple(filler(min(characters, LONGEST_QUERY)) for _ in range(MOST_QUERIES))
    return Task.make(
        f"{number} {filler(characters)}"[: max(1, characters)],
        queries,
        "web",
        wanted=filler(characters),
    )


def some_findings(task: Task, number: int, statement: int, quote: int) -> tuple[Finding, ...]:
    """Return so many findings of the task; ``statement`` and ``quote`` are in characters."""
    return tuple(
        Finding(
            id=f"f-{index:016x}",
            task=task.id,
            statement=filler(statement),
            quote=filler(quote),
            source="0" * 64,
            start=index,
            end=index + 1,
            label="public",
        )
        for index in range(number)
    )


def a_hit(number: int, snippet: int = LONGEST_TEXT) -> Hit:
    """Return a web hit as long as one can be, but for its snippet, which has so many characters."""
    return Hit(
        handle=f"h-{number:016x}",
        title=filler(120),
        score=1.0,
        url="https://a.example/",
        snippet=filler(snippet),
    )


def a_sentence(finding: str = ID) -> Sentence:
    """Return a sentence as long as one can be, that cites the finding with that id."""
    return Sentence(text=filler(LONGEST_TEXT), findings=(finding,))


def notes_of(question: Question, tasks: int, findings: int, style: Style) -> Notes:
    """Return notes with so many tasks and findings: the shortest there can be of one, the longest of more."""
    large = findings > 1
    planned = tuple(a_task(number, LONGEST_TEXT if large else 1) for number in range(tasks))
    found = some_findings(planned[0], findings, LONGEST_TEXT if large else 1, LONGEST_QUOTE if large else 1)
    gap = Gap(task=planned[0].id, missing=filler(LONGEST_TEXT if large else 1))
    return Notes(
        question=question,
        tasks=planned,
        findings=found,
        sources=(Source(id="0" * 64, url="https://a.example/", title=filler(80 if large else 1), label="public"),),
        outcomes=tuple(BranchOutcome(task=task.id, outcome="done", gaps=(gap,)) for task in planned),
        style=style,
    )
