"""What a fork begins with: what is whole is kept, and what was lost is named."""

from __future__ import annotations

from research.forked import LOST_TASK, Ended, Given, Round, source_id, with_lost_rounds, without_gaps
from research.records import BranchOutcome, Failure, Finding, Label, Mode, Origin, Plan, Source, Task

ONE, TWO, LATE = (Task.make(name, (name,), "web", round=number) for name, number in (("a", 1), ("b", 1), ("c", 2)))
PLAN = Plan(tasks=(ONE, TWO))
FIRST, SECOND = Round(plan=PLAN, unstarted={}), Round(plan=Plan(tasks=(LATE,)), unstarted={})
ORIGIN = Origin(run="r", at="compose")


def finding(id: str, task: Task, source: str = "s", label: Label = "public") -> Finding:
    """A finding of a task."""
    return Finding(id=id, task=task.id, statement="x", quote="x", source=source, start=0, end=1, label=label)


def ended(task: Task, *findings: str) -> Ended:
    """How a branch ended, with what it found."""
    return Ended(outcome=BranchOutcome(task=task.id, outcome="done", findings=findings))


def source(id: str, url: str = "u") -> Source:
    """A source at an address."""
    return Source(id=id, url=url, title="t", label="public")


KNOWN = {task.id: ended(task) for task in (ONE, TWO, LATE)}


def test_rounds_that_are_there_stay_as_they_are() -> None:
    """Nothing is added where every branch has its round."""
    assert with_lost_rounds([FIRST, SECOND], PLAN, KNOWN, [finding("f", LATE)]) == (FIRST, SECOND)


def test_a_lost_first_round_is_made_again_from_the_plan() -> None:
    """Its branches come first and are called as they were, also one that had neither ended nor found anything."""
    rounds = with_lost_rounds([SECOND], PLAN, {LATE.id: KNOWN[LATE.id]}, [finding("f", ONE)])
    assert rounds == (FIRST, SECOND)


def test_a_lost_later_round_keeps_the_branches_that_are_known() -> None:
    """From an ending or a finding alone; what it was asked is not made up, and what was private stays private."""
    for known, findings in (
        (KNOWN, [finding("f", LATE, label="private")]),
        ({}, [finding("f", LATE, label="private")]),
    ):
        first, later = with_lost_rounds([FIRST], PLAN, known, findings)
        (task,) = later.plan.tasks
        assert (first, task.id, task.label, task.queries) == (FIRST, LATE.id, "private", ())
        assert task.objective == f"{LOST_TASK} ({LATE.id})"
    (task,) = with_lost_rounds([FIRST], PLAN, KNOWN, [])[1].plan.tasks
    assert task.label == "public"


def given(**parts: object) -> Given:
    """What is taken over of a run of one round and one finding."""
    whole: dict[str, object] = {
        "origin": ORIGIN,
        "plan": PLAN,
        "mode": Mode(name="workflow", scores=(), reasons=()),
        "rounds": (FIRST,),
        "ended": (ended(ONE, "f"), ended(TWO)),
        "findings": (finding("f", ONE),),
        "sources": (source("s"),),
    }
    return Given(**{**whole, **parts})  # type: ignore[arg-type]


def test_what_is_whole_is_taken_over_as_it_is() -> None:
    """No loss is named where there is none."""
    assert without_gaps(given(), 1) == given()


def test_a_lost_finding_and_one_whose_source_is_lost_are_named_and_not_used() -> None:
    """No branch names what is not there; the losses of before stay."""
    before = Failure(where="corpus x", what="a part")
    parts = {
        "ended": (ended(ONE, "f", "gone"), ended(TWO, "g")),
        "findings": (finding("f", ONE), finding("g", TWO, source="lost")),
        "losses": (before,),
    }
    left = without_gaps(given(**parts), 1)
    assert [end.outcome.findings for end in left.ended] == [("f",), ()]
    assert [one.id for one in left.findings] == ["f"]
    assert left.losses == (
        before,
        Failure(where="the run r", what="2 findings or their sources were lost and are not used"),
    )


def test_a_lost_round_is_named() -> None:
    """Its branches are used, and what cannot be known of it is said."""
    (loss,) = without_gaps(given(rounds=(FIRST, SECOND)), 1).losses
    assert loss.what.startswith("the records of 1 round were lost: what its branches found is used")


def test_the_records_of_a_fork_have_its_losses_and_every_address() -> None:
    """A fork of the fork names the loss, too; one text at two addresses is two sources."""
    loss = Failure(where="corpus x", what="a part")
    twice = (source("s", "u"), source("s", "v"))
    records = given(losses=(loss,), sources=twice).records()
    assert [record for kind, _, record in records if kind == "loss"] == [loss]
    assert {id for kind, id, _ in records if kind == "source"} == {source_id(one) for one in twice}
    assert len({source_id(one) for one in twice}) == 2
