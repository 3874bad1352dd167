"""Bounds of the graph: rounds, shares, private words, handles and lapses hold against an analyst that wants more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from parts import FACTS, TWO, Setup, checkpoints

from graphs.checkpoints import StrictJson
from graphs.context import RESERVE, RunContext
from graphs.runs import Engine
from research.access import Access, World
from research.analysts import Bounds, Notes, Review, Turn
from research.analysts.extractive import ExtractiveAnalyst
from research.budget import Caps
from research.errors import Fatal, OutOfBudget, StoreProblem
from research.gate import Gate
from research.options import RunOptions
from research.ports import Corpus, Page
from research.records import (
    Draft,
    Finding,
    Gap,
    Hit,
    Label,
    Passage,
    Plan,
    Question,
    Quote,
    Sentence,
    Task,
    VerdictName,
    ident,
)
from research.report import Report
from research.requests import Message, ModelReply, TokenCount
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords, ScriptedModel

SECRET = "The vault of the budget is under the old oak. The lock of the vault is called Zanzibar."


class Scene(Setup):
    """A setup that may also have corpora, models and the lapses of its analyst."""

    def __init__(
        self,
        folder: Path,
        *,
        corpora: Sequence[Corpus] = (),
        model: ScriptedModel | None = None,
        lapses: Sequence[str] = (),
        **rest: Any,
    ) -> None:
        super().__init__(folder, **rest)
        self.corpora = {corpus.name: corpus for corpus in corpora}
        self.model = model or ScriptedModel()
        self.lapses = lapses

    async def work(self, text: str, approve: bool | None = None) -> Report:
        gate = Gate(
            journal=self.journal,
            clock=ManualClock(),
            caps=self.options.caps,
            entries=await self.journal.entries(),
        )
        world = World(
            library=self.library,
            records=self.records,
            models={"writer": self.model, "checker": self.model},
            searches=(self.search,),
            fetch=self.fetch,
            corpora=self.corpora,
        )
        context = RunContext(
            gate=gate,
            world=world,
            analyst=self.analyst,
            options=self.options,
            bounds=Bounds(branches=self.options.branches, rounds=self.options.rounds),
            lapses=self.lapses,
        )
        with checkpoints(self.folder) as store:
            question = Question(text=text, corpora=tuple(self.corpora), web=True)
            return await Engine(store).work(context, question, approve)

    def calls(self) -> dict[str, int]:
        """Return how many calls each branch was charged."""
        counts: dict[str, int] = {}
        for row in self.journal.rows:
            if row.outcome is not None:
                counts[row.intent.branch] = counts.get(row.intent.branch, 0) + row.outcome.charged.calls
        return counts


class Greedy(ExtractiveAnalyst):
    """An analyst that never has enough: every branch and every round asks for more, each time in new words."""

    def __init__(self, *, tasks: int = 2, queries: int = 1) -> None:
        self.tasks = tasks
        self.queries = queries
        self.judged: list[Task] = []
        self.assessed = 0

    def _queries(self, about: str) -> tuple[str, ...]:
        return tuple(f"budget of {about} query {number}" for number in range(self.queries))

    def _task(self, name: str, **rest: Any) -> Task:
        return Task.make("How is a budget reserved?", self._queries(name), "web", **rest)

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        return Plan(tasks=tuple(self._task(f"part {number}") for number in range(self.tasks)))

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        self.judged.append(task)
        return Gap(task=task.id, missing="more", queries=self._queries(f"{task.id} after {len(asked)}"))

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        self.assessed += 1
        return tuple(self._task(f"follow-up {self.assessed}-{number}") for number in range(bounds.new_branches))


@pytest.mark.parametrize("rounds", [1, 2, 4])
async def test_rounds_end_though_the_analyst_always_wants_more(tmp_path: Path, rounds: int) -> None:
    """Each branch searches ``branch_rounds`` times, and follow-ups come in ``rounds - 1`` further rounds."""
    scene = Scene(tmp_path, analyst=Greedy(), options=RunOptions(web=True, rounds=rounds))
    report = await scene.work(TWO)
    bounds = Bounds()
    branches = 2 + (rounds - 1) * bounds.new_branches
    assert len(report.branches) == branches
    assert len(scene.search.asked) == len(set(scene.search.asked)) == branches * bounds.branch_rounds


class Grasping(Greedy):
    """Takes no bound for its own: it always returns more than it may."""

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        return Plan(tasks=tuple(self._task(f"part {number}") for number in range(3 * bounds.branches)))

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        return Gap(task=task.id, missing="more", queries=tuple(f"budget {task.id} {number}" for number in range(90)))

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        self.assessed += 1
        return tuple(self._task(f"follow-up {self.assessed}-{number}") for number in range(5 * bounds.new_branches))


async def test_an_analyst_that_returns_more_than_it_may_gets_no_more(tmp_path: Path) -> None:
    """The graph itself cuts branches, follow-ups and the queries of a round, and names the queries it did not ask."""
    scene = Scene(tmp_path, analyst=Grasping(), options=RunOptions(web=True, rounds=2, branches=3))
    report = await scene.work(TWO)
    bounds = Bounds()
    assert len(report.branches) == 3 + bounds.new_branches
    assert len(scene.search.asked) == len(report.branches) * (1 + bounds.queries)
    assert any(f"{90 - bounds.queries} of 90 queries not asked" in skipped.why for skipped in report.skipped)
    assert report.status == "partial"


class Following(Greedy):
    """Always has a next question, which is read for by name."""

    def __init__(self, hops: int) -> None:
        super().__init__()
        self.hops = hops
        self.read_for: list[tuple[str, ...]] = []

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        return Plan(tasks=(self._task("hop 1", asks=("hop 1",), rounds=self.hops),))

    async def read(
        self, task: Task, question: Question, passages: Sequence[Passage], access: Access
    ) -> tuple[Quote, ...]:
        self.read_for.append(task.asks)
        return ()

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        name = f"hop {len(asked) + 1}"
        return Gap(task=task.id, missing=name, queries=(name,), asks=(name,))

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        return ()


@pytest.mark.parametrize(("hops", "rounds"), [(1, 2), (4, 4), (50, Bounds().chain_rounds)])
async def test_a_chain_takes_a_round_for_each_hop_within_the_bound(tmp_path: Path, hops: int, rounds: int) -> None:
    """A task of several hops is searched for as often as it has hops, each round for the question that came up."""
    analyst = Following(hops)
    scene = Scene(tmp_path, analyst=analyst, options=RunOptions(web=True))
    await scene.work(TWO)
    assert len(scene.search.asked) == rounds
    assert list(dict.fromkeys(analyst.read_for)) == [(f"hop {number}",) for number in range(1, rounds + 1)]


async def test_a_cap_reached_in_one_round_starts_no_other(tmp_path: Path) -> None:
    """A branch that ran out of budget is told in the report; no follow-up is asked for."""
    analyst = Greedy(queries=4)
    scene = Scene(tmp_path, analyst=analyst, options=RunOptions(web=True, rounds=4, caps=Caps(calls=9)))
    report = await scene.work(TWO)
    assert analyst.assessed == 0
    assert [branch.outcome for branch in report.branches] == ["out of budget"] * 2
    assert (report.status, report.exit_code) == ("partial", 3)


class PrivateCorpus:
    """A corpus of one private text, all of which answers every query."""

    name = "notes"
    label: Literal["public", "private"] = "private"
    generation = "g1"

    def __init__(self, source: str) -> None:
        self.source = source
        self.asked: list[str] = []

    async def retrieve(self, query: str, limit: int) -> Sequence[Hit]:
        self.asked.append(query)
        handle = ident("c", self.source)
        return [Hit(handle=handle, title="notes.txt", score=1.0, source=self.source, start=0, end=len(SECRET))]


class Leaking(Greedy):
    """An analyst that words every follow-up from what it read, for the web as well as for the corpus."""

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        text = "What is the lock of the vault called?"
        return Plan(
            tasks=(Task.make(text, ("vault lock",), "corpus", corpus="notes"), Task.make(text, ("vaults",), "web"))
        )

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        self.judged.append(task)
        return None

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        self.assessed += 1
        return (
            Task.make("Where is Zanzibar?", ("Zanzibar on the web",), "web"),
            Task.make("Where is Zanzibar?", ("Zanzibar in the notes",), "corpus", corpus="notes"),
        )


async def test_private_findings_lead_to_no_web_search(tmp_path: Path) -> None:
    """Follow-ups after private findings go to the corpus alone and carry the label, whatever the analyst set."""
    library = MemoryLibrary()
    source = await library.keep(Page(url="file:notes.txt", title="notes.txt", text=SECRET), "private")
    corpus, analyst = PrivateCorpus(source.id), Leaking()
    options = RunOptions(web=True, corpora=("notes",), rounds=3)
    scene = Scene(tmp_path, analyst=analyst, options=options, library=library, corpora=[corpus])
    report = await scene.work("What is the lock of the vault called?")
    assert any("Zanzibar" in finding.quote for finding in report.findings)
    assert [branch.type for branch in report.branches] == ["corpus", "web", "corpus"]
    assert scene.search.asked == ["vaults"]
    assert corpus.asked == ["vault lock", "Zanzibar in the notes"]
    assert {task.round: task.label for task in analyst.judged if task.type == "corpus"}[2] == "private"
    assert {request.url for request in scene.fetch.asked} <= set(FACTS)


class Prying(Greedy):
    """An agent that searches once, then asks to open what it was offered and much that it was not."""

    agentic = True
    wanted = ("h-elsewhere", "https://secret.example/", "../../etc/passwd", "")

    def __init__(self) -> None:
        super().__init__(tasks=1)
        self.turn = 0
        self.offered: list[str] = []

    async def step(
        self,
        task: Task,
        question: Question,
        findings: Sequence[Finding],
        hits: Sequence[Hit],
        asked: Sequence[str],
        access: Access,
    ) -> Turn:
        self.turn += 1
        self.offered.extend(hit.handle for hit in hits)
        if self.turn == 1:
            return Turn(queries=("budget",), handles=self.wanted)
        return Turn(handles=(*self.wanted, self.offered[0])) if self.turn == 2 else Turn(handles=self.wanted)


async def test_an_agent_opens_only_what_it_was_offered(tmp_path: Path) -> None:
    """A handle of another branch, an address or an invention is not fetched; the handle beside it is."""
    analyst = Prying()
    scene = Scene(tmp_path, analyst=analyst, options=RunOptions(web=True, rounds=1, mode="agent"))
    elsewhere = Hit(handle="h-elsewhere", title="S", score=1.0, url="https://secret.example/")
    await scene.records.put([("hit", elsewhere.handle, elsewhere)])
    report = await scene.work(TWO)
    assert [branch.kind for branch in report.branches] == ["agent"]
    assert [request.handle for request in scene.fetch.asked] == analyst.offered[:1]
    assert analyst.turn >= 2


class Restless(Prying):
    """An agent that always has one more query."""

    async def step(
        self,
        task: Task,
        question: Question,
        findings: Sequence[Finding],
        hits: Sequence[Hit],
        asked: Sequence[str],
        access: Access,
    ) -> Turn:
        self.turn += 1
        return Turn(queries=(f"budget {self.turn}",), handles=tuple(hit.handle for hit in hits))


async def test_an_agent_s_turns_are_bounded(tmp_path: Path) -> None:
    """An agent that never ends is ended, and what it read is reported."""
    analyst = Restless()
    scene = Scene(tmp_path, analyst=analyst, options=RunOptions(web=True, rounds=1, mode="agent"))
    report = await scene.work(TWO)
    assert analyst.turn <= 10
    assert len(scene.search.asked) < 10
    assert [branch.outcome for branch in report.branches] == ["done"]


class Writing(Greedy):
    """A greedy analyst that needs a call to compose and another to check."""

    async def compose(self, notes: Notes, access: Access) -> Draft:
        await access.ask_model("writer", [Message(role="user", content="write")], max_tokens=100)
        first = notes.findings[0]
        return Draft(answer=(Sentence(text=first.quote, findings=(first.id,)),), sections=())

    async def check(self, draft: Draft, notes: Notes, access: Access) -> Review:
        """Ask once a sentence; what cannot be paid is not checked."""
        checked, losses = [], []
        for sentence in draft.answer:
            verdict: VerdictName = "supported"
            try:
                await access.ask_model("checker", [Message(role="user", content=sentence.text)], max_tokens=100)
            except OutOfBudget as refusal:
                verdict = "could not check"
                losses.append(str(refusal))
            checked.append(msgspec.structs.replace(sentence, verdict=verdict))
        return Review(draft=msgspec.structs.replace(draft, answer=tuple(checked)), losses=tuple(losses))


async def test_the_report_s_calls_are_kept_back_from_greedy_branches(tmp_path: Path) -> None:
    """Of ten calls the branches get eight at most, and the report is composed and checked with the other two."""
    model = ScriptedModel([ModelReply(text="yes", stop="end", usage=TokenCount(prompt=10, completion=5))] * 2)
    options = RunOptions(web=True, rounds=2, caps=Caps(calls=10))
    scene = Scene(tmp_path, analyst=Writing(queries=2), options=options, model=model)
    report = await scene.work(TWO)
    spent = scene.calls()
    assert spent.pop("report") == len(model.asked) == 10 // RESERVE == 2
    assert sum(spent.values()) <= 8
    assert {branch.outcome for branch in report.branches} == {"out of budget"}
    assert report.answer
    assert {sentence.verdict for sentence in report.sentences} == {"supported"}


class Thorough(Writing):
    """An analyst whose one branch needs one query, and whose report has a sentence to check for each fact."""

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        return None

    async def compose(self, notes: Notes, access: Access) -> Draft:
        written = await super().compose(notes, access)
        first = written.answer[0]
        more = [Sentence(text=f"{first.text} {number}", findings=first.findings) for number in range(5)]
        return Draft(answer=(first, *more), sections=())


@pytest.mark.parametrize("crash", [False, True])
async def test_the_report_gets_what_the_branches_left(tmp_path: Path, crash: bool) -> None:
    """A fifth of twelve calls would pay two; seven are left, so all six sentences are checked, also after a crash."""
    journal, records = (Cut("report", 3) if crash else MemoryJournal()), MemoryRecords()
    answers = [ModelReply(text="yes", stop="end", usage=TokenCount(prompt=10, completion=5))] * 20
    model, options = ScriptedModel(answers), RunOptions(web=True, rounds=1, caps=Caps(calls=12, tokens=2_000))

    def scene() -> Scene:
        return Scene(
            tmp_path, analyst=Thorough(tasks=1), options=options, model=model, journal=journal, records=records
        )

    if crash:
        with pytest.raises(Fatal, match="crash"):
            await scene().work(TWO)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*others, return_exceptions=True)
    last = scene()
    report = await last.work(TWO)
    spent = last.calls()
    assert [sentence.verdict for sentence in report.sentences] == ["supported"] * 6
    assert (report.status, report.skipped) == ("done", ())
    assert 12 // RESERVE < spent["report"] == len(model.asked) == 7
    assert sum(spent.values()) == report.usage.calls <= 12


async def test_the_report_ends_at_the_run_s_cap(tmp_path: Path) -> None:
    """What is left pays for some of the checks only: the cap is spent to the last call, and the others are named."""
    model = ScriptedModel([ModelReply(text="yes", stop="end", usage=TokenCount(prompt=10, completion=5))] * 20)
    options = RunOptions(web=True, rounds=1, caps=Caps(calls=8))
    scene = Scene(tmp_path, analyst=Thorough(tasks=1), options=options, model=model)
    report = await scene.work(TWO)
    assert sum(scene.calls().values()) == 8
    assert {sentence.verdict for sentence in report.sentences} == {"supported", "could not check"}
    assert (report.status, [loss.what for loss in report.skipped]) == ("partial", ["checking"])


async def test_greedy_branches_get_equal_shares(tmp_path: Path) -> None:
    """Three branches that would each take all get eight calls each of the twenty-four that are theirs."""
    options = RunOptions(web=True, rounds=1, caps=Caps(calls=30))
    scene = Scene(tmp_path, analyst=Greedy(tasks=3, queries=12), options=options)
    report = await scene.work(TWO)
    assert sorted(scene.calls().values()) == [8, 8, 8]
    assert [branch.usage.calls for branch in report.branches] == [8, 8, 8]


class Lapsing(ExtractiveAnalyst):
    """An analyst that notes, as the language analyst does, which steps another had to do for it."""

    def __init__(self) -> None:
        self.lapses: list[str] = []

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        self.lapses.append("planning")
        return await super().plan(question, bounds, access)


class Crashing(MemoryJournal):
    """A journal that ends the process's work at its first row, as a crash would."""

    crashed = False

    async def conclude(self, seq: int, outcome: object) -> None:
        await super().conclude(seq, outcome)  # type: ignore[arg-type]
        if not self.crashed:
            self.crashed = True
            raise Fatal("crash")


class Cut(MemoryJournal):
    """A journal that ends the process's work once, at the given row of the given branch."""

    def __init__(self, branch: str, row: int) -> None:
        super().__init__()
        self.branch = branch
        self.row = row

    async def conclude(self, seq: int, outcome: object) -> None:
        await super().conclude(seq, outcome)  # type: ignore[arg-type]
        done = [row for row in self.rows if row.outcome is not None and row.intent.branch == self.branch]
        if len(done) == self.row:
            self.row = 0
            raise Fatal("crash")


async def test_a_lapse_is_named_in_the_report(tmp_path: Path) -> None:
    """What another analyst had to do makes the run partial."""
    analyst = Lapsing()
    report = await Scene(tmp_path, analyst=analyst, lapses=analyst.lapses).work(TWO)
    assert [loss.what for loss in report.skipped] == ["the model's planning"]
    assert (report.status, report.exit_code) == ("partial", 3)


async def test_a_lapse_before_a_crash_is_named_after_the_resume(tmp_path: Path) -> None:
    """The second life did not lapse, but its report still says that the first one did."""
    first, second = Lapsing(), Lapsing()
    stores: dict[str, Any] = {"journal": Crashing(), "records": MemoryRecords(), "library": MemoryLibrary()}
    with pytest.raises(Fatal, match="crash"):
        await Scene(tmp_path, analyst=first, lapses=first.lapses, **stores).work(TWO)
    await asyncio.gather(*[t for t in asyncio.all_tasks() if t is not asyncio.current_task()], return_exceptions=True)
    report = await Scene(tmp_path, analyst=second, lapses=second.lapses, **stores).work(TWO)
    assert second.lapses == []
    assert [loss.what for loss in report.skipped] == ["the model's planning"]


@pytest.mark.parametrize("payload", [b"{}", b"\x80", b""])
def test_a_checkpoint_of_another_format_is_refused(payload: bytes) -> None:
    """Bytes that call themselves msgpack are not read, whatever is in them."""
    with pytest.raises(StoreProblem, match="msgpack"):
        StrictJson().loads_typed(("msgpack", payload))
