"""The sweep of model faults: a sample of its runs holds, and its judge sees each promise broken."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bench.faults import chosen_of, summary, sweep, table
from bench.faults_cases import ADDRESSES, FOREIGN, PLACES, Case, cases_in, every_case
from bench.faults_far_side import ON_ITS_WAY, Seen
from bench.faults_judging import Ended, broken
from research.records import Mode
from research.report import Report, ReportFinding, ReportSentence, ReportSource, Skipped, UsageFacts
from tools.fakes.faults import BREAKS, CANARY, TRANSPORTS

SAMPLE = (
    "HTTP 401 for ever at the planner",
    "HTTP 500 once at the planner",
    "words without JSON for ever at the planner",
    "HTTP 400 for ever at the branch",
    "context length, openai for ever at the branch",
    "cut in mid-word for ever at the branch",
    "reset mid-body at the branch",
    "no response_format and no tools at the branch",
    "no money, quota for ever at the writer",
    "a refusal by the provider at the writer",
    "a loop until the limit once at the writer",
    "response of another request (id swapped) at the writer",
    "429 with retry-after-ms=1500 at the branches",
    "no money, quota for ever at the branches",
    "a right answer cut, not told, for ever at the branch",
    "a right answer in another script, for ever at the writer",
    "a right answer a tool call, cut, for ever at the agent",
    "duplicate response for one request at the agent",
)
EVERY = {f"{case.name} at the {place}": (case, place) for case, place in chosen_of(every_case(), None, 1)}


async def test_a_sample_of_the_sweep_keeps_every_promise() -> None:
    """At the planner, at one branch of four, at all of them and at the writer: each run ends as it must."""
    ended = await sweep([EVERY[name] for name in SAMPLE])
    assert [(one.case.name, fault) for one in ended for fault in broken(one)] == []
    assert len(table(ended).splitlines()) == 1 + len({(one.case.group, one.place) for one in ended})
    assert summary(ended, []).startswith("18 runs with a failing model: 0 promises broken (")


async def test_the_public_cases_are_read(shared_data: Path) -> None:
    """Every line of the file is a case, those that pass once heal, and a sample of them keeps every promise."""
    cases = cases_in(shared_data / "attacks" / "own-llm-faults.jsonl")
    assert len(cases) == 72
    assert sum(case.heals for case in cases) > 20
    named = {case.name: case for case in cases}
    chosen = [
        (named["http 502 bad gateway html once"], "branch"),
        (named["429 insufficient_quota"], "branch"),
        (named["transport: duplicate response for one request"], "writer"),
    ]
    ended = await sweep([(case, place) for case, place in chosen if place in PLACES])  # type: ignore[misc]
    assert [(one.case.name, fault) for one in ended for fault in broken(one)] == []


def test_what_a_server_saw_tells_tries_and_pauses_apart() -> None:
    """Tries are counted by request; what comes after the first refusal and before its pause is over is too early."""
    seen = Seen()
    lines = [("received", "a", 1.0), ("fault x", "a", 1.0), ("received", "b", 1.1), ("received", "c", 2.0)]
    for event, key, arrived in [*lines, ("received", "a", 4.0), ("received", "b", 3.5), ("answered", "b", 3.5)]:
        seen.note({"event": event, "key": key, "arrived": arrived})
    assert seen.sent() == (2, 2, 1)
    assert seen.soonest() == pytest.approx(2.4)
    assert (seen.early(2.0), seen.early(ON_ITS_WAY), Seen().early(9.0), Seen().soonest()) == (1, 0, 0, None)


def test_every_case_has_a_name_of_its_own() -> None:
    """A broken promise can be played again by its name, and each way to break a connection is tried."""
    names = [case.name for case in every_case()]
    assert len(names) == len(set(names))
    assert set(TRANSPORTS) | set(ADDRESSES) <= set(names)
    assert set(BREAKS) == set(TRANSPORTS)
    assert all(case.group and case.limited == ("branches" in case.places) for case in every_case())


SENTENCE = ReportSentence(text="All walls are kept.", findings=("f-1",))
CLEAN = Report(
    run="r",
    status="done",
    exit_code=0,
    question="q",
    mode=Mode(name="workflow", reasons=(), scores=()),
    analyst="a",
    notice="",
    answer="All walls are kept.",
    sentences=(SENTENCE,),
    findings=(ReportFinding(id="f-1", statement="s", quote="q", source="walls", start=0, end=1, verdict="supported"),),
    sources=tuple(
        ReportSource(id=url, url=f"https://{url}.example/", title=url, path="p", label="public")
        for url in ("walls", "journals")
    ),
    branches=(),
    not_found=(),
    skipped=(),
    disagreements=(),
    usage=UsageFacts(tokens=1, usd=None, calls=1, seconds=1.0),
)
LOSS = (Skipped(what="reading", why="it failed"),)
STAYS, PASSES = Case("stays", times=0), Case("passes", heals=True)


def ended(case: Case = STAYS, report: Report | None = CLEAN, **rest: object) -> Ended:
    told: dict[str, object] = {"place": "branch", "error": "", "resumed": None, "late": 0.0, "sent": (), "leaks": ()}
    return Ended(case=case, clean=CLEAN, report=report, **{**told, **rest})  # type: ignore[arg-type]


def changed(**fields: object) -> Report:
    return msgspec.structs.replace(CLEAN, **fields)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (ended(error="hung", report=None), "it hung"),
        (ended(leaks=("journal",)), "the key stands in journal"),
        (ended(sent=(1, 4)), "sent 4 times, 3 are allowed"),
        (ended(Case("once", once=True, times=0), sent=(2,)), "sent 2 times, 1 are allowed"),
        (ended(late=13.0), "after its deadline"),
        (ended(Case("waits", pause=2.0), soonest=1.2), "tried again after 1.20 s, 2.0 s were to pass"),
        (ended(early=2), "2 requests came while the server was to be left alone"),
        (ended(PASSES, calls=7, usual=6), "1 calls more were made than in a clean run, and 0 are counted"),
        (ended(report=changed(answer=FOREIGN, skipped=LOSS)), "in another script"),
        (ended(place="branches", report=changed(sentences=(), skipped=LOSS)), "as if all were well"),
        (ended(PASSES, changed(skipped=LOSS)), "left a trace"),
        (ended(PASSES, None, place="planner"), "there is no report"),
        (ended(report=None), "there is no report"),
        (ended(report=None, place="planner"), "could not be resumed"),
        (ended(report=changed(sentences=(ReportSentence(text=CANARY),), skipped=LOSS)), "became content"),
        (ended(report=changed(findings=(), skipped=LOSS)), "other branches lost f-1"),
        (ended(place="writer", report=changed(sources=CLEAN.sources[1:], skipped=LOSS)), "lost https://walls.example/"),
        (ended(Case("lost"), changed(findings=())), "findings were lost and nothing says so"),
        (ended(), "the fault stays, and nothing says so"),
        (ended(report=changed(sentences=(SENTENCE, SENTENCE))), "does not say why"),
        (ended(report=changed(sentences=(), skipped=LOSS)), "says nothing"),
        (ended(Case("words", answer={"text": ""}, times=0), None, place="planner"), "of no use ended the run"),
    ],
)
def test_the_judge_sees_a_broken_promise(one: Ended, said: str) -> None:
    """Each promise has a run that breaks it."""
    assert any(said in fault for fault in broken(one)), list(broken(one))


@pytest.mark.parametrize(
    "one",
    [
        ended(Case("words", answer={"text": ""}, heals=True), changed(skipped=LOSS), place="agent"),
        ended(report=changed(skipped=LOSS)),
        ended(PASSES),
        ended(report=changed(sources=CLEAN.sources[:1], skipped=LOSS)),
        ended(report=None, place="planner", resumed=CLEAN, error="EffectFailed: no"),
    ],
)
def test_a_run_that_keeps_them_is_left_alone(one: Ended) -> None:
    """Nothing is said of a run that ended as it should."""
    assert list(broken(one)) == []
