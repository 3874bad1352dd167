"""Putting the report together: what stands, what is removed, and every loss by name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from research.assemble import Facts, assemble
from research.budget import Caps
from research.errors import CitationBroken
from research.options import RunOptions
from research.records import (
    BranchOutcome,
    CheckFacts,
    Disagreement,
    Draft,
    Failure,
    Finding,
    Gap,
    Mode,
    Question,
    Section,
    Sentence,
    Source,
    Task,
    Usage,
    VerdictName,
)
from research.render import to_markdown
from research.report import Report, Skipped

WALLS = Task.make("What is a budget?", ("budget",), "web")
LOCKS = Task.make("Who holds the lock?", ("lock",), "web")
FINDINGS = tuple(
    Finding(
        id=f"f-{number}",
        task=WALLS.id,
        statement=f"Statement {number}.",
        quote=f"Quote {number}.",
        source=str(number) * 64,
        start=0,
        end=8,
        label="public",
    )
    for number in range(4)
)
SOURCES = tuple(
    Source(id=finding.source, url=f"https://{finding.id}.example/", title="T", label="public") for finding in FINDINGS
)
FIRST = Sentence(text="A budget is a wall.", findings=("f-0",))
SECOND = Sentence(text="A lock has an owner.", findings=("f-1",))
DRAFT = Draft(answer=(FIRST,), sections=(Section(heading="Locks", sentences=(SECOND,)),))


def outcome(task: Task = WALLS, **changed: Any) -> BranchOutcome:
    return BranchOutcome(**{"task": task.id, "outcome": "done", "findings": ("f-0", "f-1"), **changed})


def facts(**changed: Any) -> Facts:
    """Return a run of one branch that lost nothing, with ``changed`` fields."""
    fields: dict[str, Any] = {
        "run": "run-1",
        "question": Question(text="What is a budget? Who holds the lock?", web=True),
        "mode": Mode(name="workflow", scores=(), reasons=()),
        "analyst": "extractive",
        "notice": "",
        "options": RunOptions(web=True, caps=Caps(nano_usd=2_000_000_000)),
        "tasks": (WALLS, LOCKS),
        "outcomes": (outcome(),),
        "limits": {},
        "unstarted": {},
        "failures": (),
        "lapses": (),
        "usage": Usage(tokens=10, nano_usd=1_500_000_000, calls=2, seconds=1.0),
        "branch_usage": {},
    }
    return Facts(**fields | changed)


def assembled(draft: Draft = DRAFT, **changed: Any) -> Report:
    return assemble(facts(**changed), draft, FINDINGS, SOURCES, lambda source: f"texts/{source}")


def judged(sentence: Sentence, verdict: VerdictName) -> Sentence:
    return msgspec.structs.replace(sentence, verdict=verdict)


def test_a_run_that_lost_nothing_is_done() -> None:
    """Done and 0; the answer is the sentences before the first heading, the sections follow."""
    report = assembled()
    assert (report.status, report.exit_code, report.skipped) == ("done", 0, ())
    assert report.answer == FIRST.text
    assert [(sentence.text, sentence.section) for sentence in report.sentences] == [
        (FIRST.text, ""),
        (SECOND.text, "Locks"),
    ]


def test_an_unsupported_sentence_is_removed_and_named() -> None:
    """What its quotes do not support is not printed, and neither is its finding; the report says so and counts it."""
    section = Section(heading="Locks", sentences=(judged(SECOND, "supported"),))
    draft = Draft(answer=(judged(FIRST, "unsupported"),), sections=(section,))
    report = assembled(draft, checks=CheckFacts(asked=2, rewritten=1))
    assert report.checks == CheckFacts(asked=2, rewritten=1, removed=1)
    assert report.answer == ""
    assert [sentence.text for sentence in report.sentences] == [SECOND.text]
    assert [finding.id for finding in report.findings] == ["f-1"]
    assert [loss.what for loss in report.skipped] == [f"the sentence “{FIRST.text}”"]
    assert (report.status, report.exit_code) == ("partial", 3)


def test_a_sentence_that_claims_nothing_cannot_be_unsupported() -> None:
    """A connective has no quotes to fail on."""
    lead = Sentence(text="In short:", verdict="unsupported")
    report = assembled(Draft(answer=(lead, FIRST), sections=()))
    assert [sentence.text for sentence in report.sentences] == ["In short:", FIRST.text]


def test_a_concluded_sentence_and_a_later_round_say_what_they_are() -> None:
    """The report knows which sentence a rule concluded, and two branches of one task are told apart."""
    short = Sentence(text="Two.", findings=("f-0",), concludes="How many budgets are there?")
    again = Task.make("What is a budget?", ("wall",), "web", round=2)
    outcomes = (outcome(), outcome(again))
    report = assembled(Draft(answer=(short, FIRST), sections=()), tasks=(WALLS, LOCKS, again), outcomes=outcomes)
    assert [sentence.concluded for sentence in report.sentences] == [True, False]
    assert [(branch.task, branch.round) for branch in report.branches] == [
        ("What is a budget?", 1),
        ("What is a budget?", 2),
    ]
    assert "| What is a budget? (round 2) |" in to_markdown(report)


def test_only_what_is_cited_is_listed() -> None:
    """Findings and sources that no sentence and no disagreement cites are left out."""
    draft = Draft(answer=(FIRST,), sections=(), disagreements=(Disagreement(about="x", findings=("f-0", "f-2")),))
    report = assembled(draft)
    assert [finding.id for finding in report.findings] == ["f-0", "f-2"]
    assert [source.id for source in report.sources] == [FINDINGS[0].source, FINDINGS[2].source]
    assert report.sources[0].path == f"texts/{FINDINGS[0].source}"


@pytest.mark.parametrize(
    "draft",
    [
        Draft(answer=(Sentence(text="It is so.", findings=("f-9",)),), sections=()),
        Draft(answer=(), sections=(), disagreements=(Disagreement(about="x", findings=("f-0", "f-9")),)),
    ],
)
def test_a_draft_that_cites_what_does_not_exist_makes_no_report(draft: Draft) -> None:
    """An invented finding id is an error and not a citation."""
    with pytest.raises(CitationBroken, match="f-9"):
        assembled(draft)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"unstarted": {LOCKS.id: "too few calls"}}, Skipped(what=LOCKS.objective, why="too few calls")),
        ({"unstarted": {"looking in the web": "no branch"}}, Skipped(what="looking in the web", why="no branch")),
        ({"limits": {WALLS.id: "4 calls used"}}, Skipped(what=WALLS.objective, why="4 calls used")),
        (
            {"outcomes": (outcome(outcome="partial", failures=(Failure(where="read", what="HTTP 404"),)),)},
            Skipped(what=f"{WALLS.objective} (read)", why="HTTP 404"),
        ),
        (
            {"failures": (Failure(where="composing", what="no answer"),)},
            Skipped(what="composing", why="no answer"),
        ),
        (
            {"lapses": ("reading",)},
            Skipped(what="the model's reading", why="done by the extractive analyst"),
        ),
    ],
)
def test_every_kind_of_loss_is_named_and_makes_the_run_partial(changed: dict[str, Any], named: Skipped) -> None:
    """What was not started, cut short, failed or done by another hand is listed once, and the exit code is 3."""
    report = assembled(**changed)
    assert report.skipped == (named,)
    assert (report.status, report.exit_code) == ("partial", 3)


def test_when_every_branch_failed_the_run_failed() -> None:
    """Failed and 1, whatever else was lost."""
    broken = [
        outcome(task, outcome="failed", findings=(), failures=(Failure(where="search", what="503"),))
        for task in (WALLS, LOCKS)
    ]
    report = assembled(Draft(answer=(), sections=()), outcomes=tuple(broken))
    assert (report.status, report.exit_code) == ("failed", 1)
    assert len(report.skipped) == 2


def test_one_branch_that_failed_makes_the_run_partial() -> None:
    """Its sibling's findings still are a report."""
    broken = outcome(LOCKS, outcome="failed", findings=(), failures=(Failure(where="search", what="503"),))
    report = assembled(outcomes=(outcome(), broken))
    assert (report.status, report.exit_code) == ("partial", 3)
    assert [branch.outcome for branch in report.branches] == ["done", "failed"]


def test_what_was_not_found_is_said() -> None:
    """Gaps in their own words, and the objective of a branch that found nothing and names no gap; each once."""
    gap = Gap(task=WALLS.id, missing="the size of the wall")
    report = assembled(outcomes=(outcome(gaps=(gap, gap)), outcome(LOCKS, findings=())))
    assert report.not_found == ("the size of the wall", LOCKS.objective)
    assert report.status == "done"


def test_money_that_is_not_known_is_not_zero() -> None:
    """An unknown price gives no dollars in the report; a known one gives dollars, and caps are in dollars too."""
    assert assembled(usage=Usage(nano_usd=None)).usage.usd is None
    known = assembled().usage
    assert (known.usd, known.caps.usd, known.caps.calls) == (1.5, 2.0, None)


@pytest.mark.parametrize(
    ("statement", "quote", "verdict"),
    [
        ("A budget is a wall.", "A budget is a wall.", "supported"),
        ("A budget is not a wall.", "A budget is a wall.", "unsupported"),
        ("A cap holds 7 calls.", "A cap holds 5 calls.", "unsupported"),
        ("Money is finite.", "A budget is a wall.", "could not check"),
    ],
)
def test_a_finding_s_verdict_is_whether_its_quote_bears_its_statement_out(
    statement: str, quote: str, verdict: VerdictName
) -> None:
    """Supported, unsupported or unknown by its own words, whatever became of the sentences that cite it."""
    finding = msgspec.structs.replace(FINDINGS[0], statement=statement, quote=quote)
    draft = Draft(answer=(judged(FIRST, "supported"),), sections=())
    report = assemble(facts(), draft, [finding], SOURCES, str)
    assert [entry.verdict for entry in report.findings] == [verdict]


def test_what_was_not_found_says_how_it_was_looked_for() -> None:
    """Queries are counted once over the branches, and every place they went to is named."""
    papers = Task.make("Who holds the lock?", ("lock",), "corpus", corpus="papers")
    report = assembled(
        Draft(answer=(), sections=()),
        tasks=(LOCKS, papers),
        outcomes=(
            outcome(LOCKS, findings=(), asked=("lock", "who lock")),
            outcome(papers, findings=(), asked=("lock",)),
        ),
    )
    assert report.not_found == ("Who holds the lock? (looked for with 2 queries on the web and in papers)",)


def test_without_an_answer_every_part_was_not_found() -> None:
    """Evidence that is only near does not hide that the question is open."""
    report = assembled(
        Draft(answer=(), sections=DRAFT.sections),
        outcomes=(outcome(asked=("budget",)),),
    )
    assert report.not_found == ("What is a budget? (looked for with 1 query on the web)",)
