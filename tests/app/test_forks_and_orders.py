"""Forks and orders in one process: what is durable when a life ends at the worst moment, and the options of a fork."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from research import app
from research.access import World
from research.app.forking import fork
from research.app.hands import HANDS, Hands
from research.app.last_good import give_up, go_back, undescribed, unindexed
from research.app.orders import cancel, pause
from research.app.records import Home
from research.app.running import RunHandle
from research.app.stores import Stores
from research.app.world import Judgement, Opened
from research.cancellation import Stopping
from research.errors import Fatal, StoreProblem, UsageFault
from research.options import RunOptions
from research.records import Event, Failure, ForkPoint
from research.report import Report
from research.settings import Settings, load
from tools.known_sources import retrieved_texts
from tools.ownership import RunLock

QUESTION = "How is a budget reserved? Who holds the lock of a run?"


@asynccontextmanager
async def dying(
    options: RunOptions, settings: Settings, judgement: Judgement, stores: Stores, opened: Opened
) -> AsyncIterator[tuple[World, tuple[Failure, ...]]]:
    """A world that cannot be opened: the process dies when the run has its row and nothing else."""
    raise Fatal("the process died")
    yield


DYING: Hands = replace(HANDS, world=dying)


def unheard(_: Event | RunHandle) -> None:
    """Take in an event or a handle, and do nothing."""


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """A home with the corpus ``notes``."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "walls.md").write_text("A budget is a wall. Every call is reserved in the budget first.\n")
    (tmp_path / "notes" / "lock.md").write_text("Each run has one owner. The owner holds a lock for the run.\n")
    loaded = load({"home": str(tmp_path / "home"), "corpora": ["notes"]}, {})
    await app.index(tmp_path / "notes", "notes", loaded, public=True, embedder="hashing", progress=lambda _: None)
    return loaded


async def asked(settings: Settings) -> Report:
    """The report of a run."""
    return await app.ask(QUESTION, settings.options(), settings, listen=unheard, on_start=unheard)


async def resumed(settings: Settings, *, from_journal: bool = False) -> Report:
    """The report of the last run, resumed."""
    return await app.resume(None, settings, approve=None, listen=unheard, on_start=unheard, from_journal=from_journal)


@pytest.mark.parametrize("from_journal", [False, True])
@pytest.mark.parametrize("at", ["plan", "branch", "compose"])
async def test_a_fork_that_died_when_it_was_begun_is_resumed(
    settings: Settings, at: ForkPoint, from_journal: bool
) -> None:
    """All that it was given is there with its row, also when it is worked again from its start."""
    first = await asked(settings)
    with pytest.raises(Fatal, match="died"):
        await fork(first.run, at, settings, listen=unheard, on_start=unheard, hands=DYING)
    report = await resumed(settings, from_journal=from_journal)
    assert report.run != first.run
    assert report.origin is not None and (report.origin.run, report.origin.at) == (first.run, at)
    assert (report.answer, report.findings) == (first.answer, first.findings)
    assert report.usage.calls == (0 if at == "compose" else first.usage.calls)


async def test_a_fork_keeps_the_options_of_its_origin_but_for_the_flags(settings: Settings, tmp_path: Path) -> None:
    """A cap from a flag replaces that cap and no other; the environment of today does not change the run of then."""
    capped = load({"home": str(tmp_path / "home"), "corpora": ["notes"], "max_calls": "50", "max_usd": "2"}, {})
    first = await asked(capped)
    today = load({"home": str(tmp_path / "home"), "max_calls": "40"}, {"RESEARCH_MAX_SECONDS": "1"})
    report = await fork(first.run, "branch", today, listen=unheard, on_start=unheard)
    assert (report.usage.caps.calls, report.usage.caps.usd, report.usage.caps.seconds) == (40, 2.0, None)


async def test_a_cancelled_run_is_not_resumed_even_when_its_owner_never_saw_the_order(settings: Settings) -> None:
    """The order stands beside the run: whoever comes next keeps to it and says what can be done."""
    with pytest.raises(Fatal):
        await app.ask(QUESTION, settings.options(), settings, listen=unheard, on_start=unheard, hands=DYING)
    told = await cancel(None, settings)
    assert (told.status, told.under_way) == ("cancelled", False)
    with pytest.raises(UsageFault, match=f"research fork {told.run} --at compose"):
        await resumed(settings)
    with pytest.raises(UsageFault, match="has no plan yet"):
        await fork(told.run, "compose", settings, listen=unheard, on_start=unheard)


async def test_a_run_that_nobody_works_on_is_cancelled_without_its_library(settings: Settings) -> None:
    """To end it no text is needed, so a library that is gone keeps nobody from it."""
    with pytest.raises(Fatal):
        await app.ask(QUESTION, settings.options(), settings, listen=at("compose", die), on_start=unheard)
    library = Home(settings).library
    shutil.move(library, library.with_name("gone"))
    told = await cancel(None, settings)
    assert (told.status, told.under_way) == ("cancelled", False)
    assert app.runs(settings)[0].status == "cancelled"
    assert not library.exists()


async def test_a_whole_run_is_never_given_up(settings: Settings) -> None:
    """A cancel of a finished run is refused, by its whole id and by its beginning, and its rows stay."""
    run = (await asked(settings)).run
    for name in (run, run[:10], "", None):
        with RunLock(Home(settings).locks, run):  # nor is its owner waited for or disturbed
            assert await give_up(name, settings) == ("", "")
    with pytest.raises(UsageFault, match="has ended"):
        await cancel(run, settings)
    assert app.show(run, settings).findings


async def test_the_library_is_not_written_anew_while_a_run_works(settings: Settings) -> None:
    """--from-journal leaves an emptied library to whoever works; when nobody does, it is written from the runs."""
    run = (await asked(settings)).run
    home = Home(settings)
    for path in home.library.glob("library.db*"):
        path.unlink()
    with RunLock(home.locks, "another"):
        with pytest.raises(StoreProblem, match="the run another is being worked on"):
            await go_back(run, settings, take_over=False, listen=unheard)
        assert not home.described.exists()
    assert await go_back(run, settings, take_over=False, listen=unheard) == run
    assert not undescribed(home, home.seal())


async def test_texts_that_an_unfinished_run_found_are_named_when_no_corpus_holds_them(settings: Settings) -> None:
    """Its hits are in the journal; the library and the corpus are gone, and what the run would read is told."""
    with pytest.raises(Fatal):
        await app.ask(QUESTION, settings.options(), settings, listen=at("compose", die), on_start=unheard)
    home = Home(settings)
    assert retrieved_texts(home.runs, home.seal())
    with closing(sqlite3.connect(home.runs)) as database:
        database.execute("DELETE FROM records WHERE kind = 'source'")
        database.commit()
    assert unindexed(home) == []
    for path in home.library.glob("library.db*"):
        path.unlink()
    (corpus,) = unindexed(home)
    assert "2 texts of the corpus notes have no row in it; `research index" in corpus
    shutil.rmtree(home.corpora)
    (lost,) = unindexed(home)
    assert "that unfinished runs found in a corpus" in lost
    await cancel(None, settings)
    assert unindexed(home) == []


def at(kind: str, then: Callable[[], None]) -> Callable[[Event], None]:
    """A listener that does something when the first event of a kind comes."""

    def listen(event: Event) -> None:
        if event.kind == kind:
            then()

    return listen


def die() -> None:
    """End the life of a run."""
    raise Fatal("the process died")


async def test_a_cancelled_run_that_is_whole_keeps_what_it_found(settings: Settings) -> None:
    """Going back would drop what no later life makes again: it is refused, and the run can still be forked."""
    with pytest.raises(Fatal):
        await app.ask(QUESTION, settings.options(), settings, listen=at("compose", die), on_start=unheard)
    told = await cancel(None, settings)
    with pytest.raises(UsageFault, match="is cancelled and whole"):
        await resumed(settings, from_journal=True)
    report = await fork(told.run, "compose", settings, listen=unheard, on_start=unheard)
    assert report.findings


async def test_a_damaged_cancelled_run_keeps_what_it_found(settings: Settings) -> None:
    """What is damaged is set aside; the run stays cancelled, and its findings are there for a fork."""
    with pytest.raises(Fatal):
        await app.ask(QUESTION, settings.options(), settings, listen=at("compose", die), on_start=unheard)
    told = await cancel(None, settings)
    damage(settings, "UPDATE outcomes SET payload = '{}' WHERE seq = 1")
    with pytest.raises(UsageFault, match="was cancelled"):
        await resumed(settings, from_journal=True)
    assert [row.status for row in app.runs(settings)] == ["cancelled"]
    assert (await fork(told.run, "compose", settings, listen=unheard, on_start=unheard)).findings


@pytest.mark.parametrize("kind", ["mode", "round"])
async def test_a_run_that_lost_its_branches_is_not_forked_at_compose(settings: Settings, kind: str) -> None:
    """Its report was whole, so it was not worked again; what a fork would need of it is named as lost."""
    first = await asked(settings)
    damage(settings, f"UPDATE records SET json = '{{}}' WHERE kind = '{kind}'")
    assert (await resumed(settings, from_journal=True)).findings == first.findings
    with pytest.raises(UsageFault, match="has lost what its branches were"):
        await fork(first.run, "compose", settings, listen=unheard, on_start=unheard)


async def test_a_fork_of_a_fork_says_what_was_used_again_then(settings: Settings) -> None:
    """The first run went on after it was forked: what it paid from then on is used by no fork."""
    alone = load({"home": settings.home, "corpora": ["notes"]}, {"RESEARCH_CONCURRENCY": "1"})
    handles: list[RunHandle] = []
    longer = f"{QUESTION} Why is a zebra striped? What do penguins eat?"
    stop = at("branch.read", lambda: handles[0].stop())
    with pytest.raises(Stopping):
        await app.ask(longer, alone.options(), alone, listen=stop, on_start=handles.append)
    first = app.runs(alone)[0].id
    second = await fork(first, "compose", alone, listen=unheard, on_start=unheard)
    whole = await app.resume(first, alone, approve=None, listen=unheard, on_start=unheard)
    third = await fork(second.run, "compose", alone, listen=unheard, on_start=unheard)
    assert second.origin is not None and third.origin is not None
    assert third.origin.calls == second.origin.calls < whole.usage.calls


async def test_a_pause_that_comes_as_soon_as_the_run_is_there_is_heeded(settings: Settings) -> None:
    """Whoever is told that the run will take the order in can rely on it, however early it was given."""
    given: list[str] = []

    def order(handle: RunHandle) -> None:
        other = Thread(target=lambda: given.append(asyncio.run(pause(handle.id, settings)).run))
        other.start()
        other.join()

    with pytest.raises(Stopping, match="was paused"):
        await app.ask(QUESTION, settings.options(), settings, listen=unheard, on_start=order)
    assert len(given) == 1
    assert (await resumed(settings)).findings


async def test_a_run_that_failed_after_its_report_was_stored_is_ended_by_a_resume(settings: Settings) -> None:
    """The report is there, so nothing is done again; the status is that of the report from then on."""
    with pytest.raises(Fatal):
        await app.ask(QUESTION, settings.options(), settings, listen=at("published", die), on_start=unheard)
    assert [row.status for row in app.runs(settings)] == ["failed"]
    report = await resumed(settings)
    assert [row.status for row in app.runs(settings)] == [report.status] == ["done"]


def damage(settings: Settings, statement: str) -> None:
    """Change rows of the run behind its back."""
    with closing(sqlite3.connect(Path(settings.home) / "runs.db")) as database:
        assert database.execute(statement).rowcount
        database.commit()
