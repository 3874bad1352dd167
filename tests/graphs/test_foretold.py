"""What an estimate says of a cap, beside runs of the graph under that cap, with a model that is quickly content."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import FACTS, Setup, checkpoints

from graphs.branch import AGENT_TURNS
from graphs.context import RunContext
from graphs.runs import Engine
from research.access import World
from research.affording import CapVerdict, verdicts
from research.analysts import Bounds
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.app.estimating import wiring_of_graph
from research.budget import Caps
from research.estimate import Run, Work, work_of
from research.gate import Gate
from research.options import RunOptions
from research.ports import Price
from research.records import Hit, Question, ident
from research.rehearsal import Rehearsal, Shape
from research.report import Report
from research.requests import ModelReply, ModelRequest, Role, TokenCount
from research.triage import triage
from tools.fakes.persona import blocks
from tools.fakes.scripted import ManualClock, ScriptedModel, ScriptedSearch

QUESTION = Question(text="How is a budget reserved?", web=True)
URL, TEXT = next(iter(FACTS.items()))
QUERY = "budget"
PRICE = Price(prompt=150.0, completion=600.0)
ROLES: tuple[Role, ...] = ("planner", "researcher", "reader", "checker", "writer")


class Content(ScriptedModel):
    """A model that plans one branch with one query, is content with the first page, and writes one sentence."""

    def __init__(self) -> None:
        super().__init__(price=PRICE)
        self._planned = False

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        self.asked.append(request)
        text = msgspec.json.encode(self._answer(request)).decode()
        usage = TokenCount(prompt=self.count(request), completion=min(max_tokens, 60))
        return ModelReply(text=text, data=msgspec.json.decode(text), stop="end", usage=usage)

    def _answer(self, request: ModelRequest) -> Any:
        shown = request.messages[-1].content
        if request.role == "planner":
            task = {"objective": QUESTION.text, "queries": [QUERY], "source": "web", "wanted": ""}
            first, self._planned = not self._planned, True
            return {"rationale": "", "tasks": [task] if first else []}
        if request.role == "reader" and "passage" in str(request.schema):
            return {"quotes": [{"passage": 1, "quote": TEXT[:26], "statement": TEXT[:26], "relevance": 1.0}]}
        if request.role == "reader":
            return {"enough": True, "missing": "", "queries": []}
        if request.role == "writer":
            found = blocks(shown, "finding")[0][0]["id"]
            return {"answer": [{"text": TEXT[:26], "findings": [found]}], "sections": [], "disagreements": []}
        return {"verdicts": [{"number": 1, "reason": "", "verdict": "supported"}]}


class Scene(Setup):
    """A run over one page with a model in every role."""

    async def work(self, text: str, approve: bool | None = None) -> Report:
        model = Content()
        hit = Hit(handle=ident("h", URL), title="Walls", score=1.0, url=URL)
        context = RunContext(
            gate=Gate(journal=self.journal, clock=ManualClock(), caps=self.options.caps, entries=()),
            world=World(
                library=self.library,
                records=self.records,
                models=dict.fromkeys(ROLES, model),
                searches=(ScriptedSearch({QUERY: [hit]}),),
                fetch=self.fetch,
            ),
            analyst=(analyst := LanguageAnalyst(ExtractiveAnalyst())),
            options=self.options,
            bounds=Bounds(branches=self.options.branches, rounds=self.options.rounds),
            lapses=analyst.lapses,
        )
        with checkpoints(self.folder) as store:
            return await Engine(store).work(context, QUESTION, approve)


async def foretold(options: RunOptions) -> Work:
    """The work of such a run, as ``ask --dry-run`` reckons it."""
    bounds, wiring, model = Bounds(branches=options.branches, rounds=options.rounds), wiring_of_graph(), Content()
    shape = Shape(
        page_passages=wiring.page_passages,
        corpus_passages=wiring.corpus_hits,
        web_hits=wiring.web_hits,
        readings=AGENT_TURNS * bounds.deepest,
        wider=wiring.wider,
    )

    def count(request: ModelRequest) -> int:
        return model.count(msgspec.structs.replace(request, model=model.name))

    analyst = LanguageAnalyst(ExtractiveAnalyst())
    sizes = await Rehearsal(analyst, QUESTION, bounds, shape, count, lambda text: len(text.encode()) // 8).sizes()
    mode = triage(QUESTION, options, model=True)
    return work_of(Run(mode=mode, tasks=(), places=("web",), bounds=bounds, wiring=wiring, providers=1, sizes=sizes))


def whole(report: Report) -> bool:
    """Whether nothing of the run was left out, and nothing done by another hand."""
    return report.status == "done" and not report.skipped


def both(folder: Path, options: RunOptions) -> tuple[CapVerdict, Report]:
    """What is said of the one cap of ``options``, and the report of the run under it."""

    async def work() -> tuple[CapVerdict, Report]:
        work = await foretold(options)
        (verdict,) = verdicts(work, options.caps, options.branch_caps, PRICE, wiring_of_graph())
        return verdict, await Scene(folder, options=options).work(QUESTION.text)

    return asyncio.run(work())


@pytest.mark.parametrize("rounds", [1, 2])
@pytest.mark.parametrize("branches", [1, 3])
async def test_the_least_is_what_the_quickest_run_takes(tmp_path: Path, branches: int, rounds: int) -> None:
    """Call by call, and the rows of the table add up to it."""
    options = RunOptions(web=True, mode="workflow", branches=branches, rounds=rounds)
    work, report = await foretold(options), await Scene(tmp_path, options=options).work(QUESTION.text)
    assert whole(report)
    assert report.usage.calls == work.least.calls == sum(s.fewest * s.least_cost.calls for s in work.steps)
    assert sum(step.most * step.most_cost.calls for step in work.steps) == work.most.calls
    assert report.usage.tokens >= work.least.prompt + work.least.completion


@pytest.mark.parametrize("calls", range(1, 14))
@pytest.mark.parametrize("rounds", [1, 2])
def test_a_cap_on_calls_pays_when_the_run_is_whole(tmp_path: Path, calls: int, rounds: int) -> None:
    """At each cap around the border, the verdict is what the run under that cap then comes to."""
    options = RunOptions(web=True, mode="workflow", rounds=rounds, caps=Caps(calls=calls))
    verdict, report = both(tmp_path, options)
    assert verdict.enough == whole(report), (verdict, report.skipped)
    reasons = " ".join(verdict.cuts) if not verdict.enough else ""
    assert ("no branch would be started" in reasons) == (not report.branches)
    assert ("would be cut short" in reasons) == any(one.outcome == "out of budget" for one in report.branches)
    assert report.usage.calls <= calls


@pytest.mark.parametrize("calls", range(1, 7))
def test_a_cap_on_the_calls_of_a_branch_pays_when_the_branch_ends_well(tmp_path: Path, calls: int) -> None:
    """One search, one page, one reading and one judgement are four calls: with three the branch is cut short."""
    options = RunOptions(web=True, mode="workflow", rounds=1, branch_caps=Caps(calls=calls))
    verdict, report = both(tmp_path, options)
    assert verdict.enough == whole(report) == (calls >= 4), (verdict, report.skipped)


@settings(max_examples=30)  # two whole runs each
@given(tokens=st.integers(1, 40_000))
def test_a_cap_that_is_said_not_to_pay_cuts_something(tmp_path_factory: pytest.TempPathFactory, tokens: int) -> None:
    """In tokens and money: no run is whole of which it was said that it is not; a plan is made when foretold."""
    for caps in (Caps(tokens=tokens), Caps(nano_usd=tokens * 200)):
        options = RunOptions(web=True, mode="workflow", caps=caps)
        verdict, report = both(tmp_path_factory.mktemp("run"), options)
        assert verdict.enough or not whole(report), (verdict, report.skipped)
        assert any("no branch would be started" in cut for cut in verdict.cuts) == (not report.branches), verdict
