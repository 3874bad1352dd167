"""``research replay``: a finished run worked again from its journal alone, and its report compared with the stored one.

The graph, the analyst and the texts are the real ones; what a call came to is read from the journal
(``research.replaying``). No network, model, corpus or key is used, and nothing is written to the home: the steps of the
graph are kept in a folder of their own, for as long as it takes.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

import msgspec

from research.access import World
from research.analysts import Bounds
from research.app.importing import lean_imports
from research.app.known_models import KNOWN_MODEL, settings_then
from research.app.making import differing, made
from research.app.records import Home, find_run, onward
from research.app.running import stored_words
from research.app.stored import readable
from research.app.stores import UNOWNED, Stores, run_files
from research.app.world import Judgement, open_judgement, price
from research.errors import SourceDamaged, StoreProblem, UsageFault, WrongVersion
from research.forked import Ended
from research.options import Chosen, RunOptions
from research.ports import ChatModel, Library
from research.records import Failure, Label, Record, build, counted, encode, plain
from research.render import to_json, to_markdown
from research.replaying import RecordedCorpus, RecordedFetch, RecordedModel, RecordedSearch, ReplayGate, Unrecorded
from research.report import Report, checked
from research.requests import SearchRequest
from research.settings import Settings
from tools.clock import SystemClock
from tools.database import Database
from tools.journal import SqliteJournal
from tools.library import FileLibrary
from tools.run_records import RunRecords
from tools.run_store import REMEDY, SCHEMA, VERSION, RunRow, RunStore

NAMED = 3
"""So many differences are named, the others are counted."""
SHOWN = 60
"""Characters of a value that differs."""
REFUSED_PLAN = "the plan was not approved"


Judged = Callable[[RunOptions, Settings], Judgement]


class Difference(Record):
    """A place in the report and its two values as JSON; empty where one of them has no such place."""

    where: str
    stored: str
    replayed: str


class Replayed(Record):
    """What a replay came to: ``same`` when JSON and Markdown are those of the stored report, byte for byte.

    ``calls`` counts the recorded answers that were used. ``stopped`` says why the replay did not come to a report.
    """

    run: str
    same: bool
    calls: int
    differences: tuple[Difference, ...] = ()
    stopped: str = ""

    @property
    def spoken(self) -> str:
        """The result as one sentence."""
        if self.same:
            used = counted(self.calls, "recorded answer")
            return f"{self.run}: the same report, byte for byte, from {used}; nothing was sent or written"
        if self.stopped:
            return f"{self.run}: the replay differs: {self.stopped}"
        first = [f"{one.where} is {one.replayed or 'missing'}, stored {one.stored or 'nothing'}" for one in self._named]
        more = len(self.differences) - len(first)
        rest = f"; and {counted(more, 'more difference')}" if more else ""
        return f"{self.run}: the replay differs: {'; '.join(first)}{rest}"

    @property
    def _named(self) -> tuple[Difference, ...]:
        return self.differences[:NAMED]


def recorded_judgement(options: RunOptions, settings: Settings) -> Judgement:
    """Return the analyst of a run; its models can be counted and priced, and answer nothing."""
    return open_judgement(options, settings, recorded_model)


async def replay(run: str | None, settings: Settings, judged: Judged = recorded_judgement) -> Replayed:
    """Work a finished run (``None``: the last one) again from its journal and compare the reports.

    ``judged`` opens its analyst. Raises ``UsageFault`` for a run without a report, ``WrongVersion`` for one of another
    program, ``StoreProblem`` for one that is damaged.
    """
    home, row = Home(settings), find_run(settings, run)
    stored = _report(home, row)
    differs = differing(row.made, made())
    if differs:
        raise WrongVersion(
            f"the run {row.id} was begun by a program that differs from this one in {differs}, so a replay would say "
            "nothing of it; replay it with the version that began it"
        )
    with ExitStack() as stack:
        seal = home.seal()
        database = Database(home.runs, SCHEMA, VERSION, remedy=REMEDY, read_only=True)
        store = RunStore(stack.enter_context(closing(database)), seal, row.id, UNOWNED)
        library = FileLibrary(home.library, SystemClock(), seal, read_only=True)
        texts = _Texts(stack.enter_context(closing(library)), stored)
        again = _Replay(settings, row, stored, SqliteJournal(store), RunRecords(store), texts, judged)
        with readable(row.id):
            return await again.result()


def _report(home: Home, row: RunRow) -> Report:
    """Return the stored report. Raises ``UsageFault`` where there is nothing to compare a replay with."""
    stored = home.record(row.id, "report", "report")
    if stored is None or row.status == "running":
        raise UsageFault(f"the run {row.id} is {row.status}, and only a run with a report is replayed; {onward(row)}")
    with readable(row.id):
        return checked(build(Report, stored))


class _Texts:
    """The library of the run, for reading; a text that was whole then and is damaged now ends the replay."""

    def __init__(self, library: FileLibrary, stored: Report) -> None:
        self._library = library
        self._paths = {source.id: Path(source.path) for source in stored.sources}
        self._lost = {loss.why for loss in stored.skipped}
        self.source = library.source
        self.ids = library.ids
        self.keep = library.keep

    def path(self, source: str) -> Path:
        """Return where the report says the text is: the home may have been moved since."""
        return self._paths.get(source) or self._library.path(source)

    async def text(self, source: str) -> str:
        try:
            return await self._library.text(source)
        except SourceDamaged as damage:
            if str(damage) in self._lost:
                raise
            raise StoreProblem(f"the run read a text that is damaged now: {damage}") from None


class _Replay:
    """One run, and what its stores have of it."""

    def __init__(
        self,
        settings: Settings,
        row: RunRow,
        stored: Report,
        journal: SqliteJournal,
        records: RunRecords,
        library: Library,
        judged: Judged,
    ) -> None:
        self._settings = settings
        self._row = row
        self._stored = stored
        self._journal = journal
        self._records = records
        self._library = library
        self._judged = judged
        self._options, self._question = stored_words(row)

    async def result(self) -> Replayed:
        """Return what a replay comes to."""
        await self._records.check()
        ended = [build(Ended, one) for one in await self._records.every("outcome")]
        gate = ReplayGate(
            journal=self._journal,
            clock=SystemClock(),
            caps=self._options.caps,
            entries=await self._journal.entries(),
            stored=self._stored,
            ended={one.outcome.task: one for one in ended},
        )
        try:
            report = await self._worked(gate)
        except Unrecorded as difference:
            return Replayed(run=self._row.id, same=False, calls=gate.replayed, stopped=str(difference))
        same = to_json(report) == to_json(self._stored) and to_markdown(report) == to_markdown(self._stored)
        found = tuple(_differences("", plain(self._stored), plain(report)))
        return Replayed(run=self._row.id, same=same, calls=gate.replayed, differences=found)

    async def _worked(self, gate: ReplayGate) -> Report:
        """Work the graph in a folder of its own, and return its report."""
        with tempfile.TemporaryDirectory(prefix="research-replay-") as folder:
            scratch = Home(msgspec.structs.replace(self._settings, home=Path(folder)))
            with run_files(scratch, SystemClock()) as files:
                row = self._row
                stores = await files.begin(
                    row.id,
                    created=row.created,
                    question=row.question,
                    options=row.options,
                    mark=lambda _: None,
                    records=await self._begun_with(),
                )
                return await self._published(gate, stores)

    async def _begun_with(self) -> list[tuple[str, str, object]]:
        """Return the records that a run does not make itself: what it was forked with, what an earlier life left."""
        begun = ("given", "clarification")  # and what its person answered
        kept = [(kind, kind, record) for kind in begun for record in await self._records.every(kind)]
        if self._row.fence > 1:  # a step that failed in one life may have been answered in the next
            kept += [("lapse", str(lapse), lapse) for lapse in await self._records.every("lapse")]
        return kept

    async def _published(self, gate: ReplayGate, stores: Stores) -> Report:
        with lean_imports():
            from graphs.approving import NeedsApproval
            from graphs.context import RunContext
            from graphs.runs import Engine
        then = settings_then(self._settings, await self._records.every(KNOWN_MODEL))
        judgement = self._judged(self._options, then)
        context = RunContext(
            gate=gate,
            world=await self._world(judgement, stores),
            analyst=judgement.analyst,
            options=self._options,
            bounds=Bounds(branches=self._options.branches, rounds=self._options.rounds),
            notice=judgement.notice,
            losses=await self._losses(),
            lapses=judgement.lapses,
        )
        engine = Engine(stores.checkpoints)
        try:
            return await engine.work(context, self._question)
        except NeedsApproval:
            approved = all(loss.why != REFUSED_PLAN for loss in self._stored.skipped)
            return await engine.work(context, self._question, approved)

    async def _world(self, judgement: Judgement, stores: Stores) -> World:
        options = self._options
        asked = sorted({name async for name in self._searched()})
        return World(
            library=self._library,
            records=stores.records,
            models=judgement.models,
            searches=[RecordedSearch(name) for name in asked or ["the web"] if options.web],
            fetch=RecordedFetch() if options.web else None,
            rules=options.rules,
            corpora={name: RecordedCorpus(name, await self._label(name)) for name in options.corpora},
        )

    async def _searched(self) -> AsyncIterator[str]:
        """Yield the search provider of each search in the journal."""
        for entry in await self._journal.entries():
            if entry.intent.kind == "search":
                yield msgspec.json.decode(entry.intent.request, type=SearchRequest).provider

    async def _label(self, corpus: str) -> Label:
        return "public" if await self._records.get("label", corpus) == "public" else "private"

    async def _losses(self) -> tuple[Failure, ...]:
        """Return what the run knew to be lost before it began, in the order of its report."""
        losses = [build(Failure, loss) for loss in await self._records.every("loss")]
        told = [(loss.what, loss.why) for loss in self._stored.skipped]
        place = {loss: place for place, loss in enumerate(told)}
        return tuple(sorted(losses, key=lambda loss: place.get((loss.where, loss.what), len(told))))


def recorded_model(model: Chosen, settings: Settings) -> ChatModel:
    """Return a model that can be counted and priced and answers nothing: for that no key and no client is needed."""
    from tools.chat_models import assumed_window, parse_spec
    from tools.prices import window_of
    from tools.tokens import prompt_bound

    spec, (provider, name) = model.spec, parse_spec(model.spec, compatible=model.server is not None)
    window = settings.windows.get(spec) or window_of(spec) or assumed_window(provider, model.server)
    return RecordedModel(f"{provider}:{name}", window=window, price=price(spec, settings), counter=prompt_bound(spec))


def _differences(where: str, stored: object, replayed: object) -> Iterator[Difference]:
    """Yield the places at which two plain values differ, outermost lists and fields first to last."""
    if isinstance(stored, Mapping) and isinstance(replayed, Mapping):
        for name in dict.fromkeys([*stored, *replayed]):
            yield from _differences(f"{where}.{name}".lstrip("."), stored.get(name), replayed.get(name))
    elif isinstance(stored, Sequence) and isinstance(replayed, Sequence) and not isinstance(stored, str):
        for place in range(max(len(stored), len(replayed))):
            pair = [next(islice(values, place, None), None) for values in (stored, replayed)]
            yield from _differences(f"{where}[{place}]", *pair)
    elif stored != replayed:
        yield Difference(where=where, stored=_shown(stored), replayed=_shown(replayed))


def _shown(value: object) -> str:
    if value is None:
        return ""
    text = encode(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
