"""Forks and orders in one process: what is durable when a life ends at the worst moment, and the options of a fork."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from research import app
from research.access import World
from research.app.forking import fork
from research.app.hands import HANDS, Hands
from research.app.orders import cancel
from research.app.running import RunHandle
from research.app.stores import Stores
from research.app.world import Judgement, Opened
from research.errors import Fatal, UsageFault
from research.options import RunOptions
from research.records import Event, Failure, ForkPoint
from research.report import Report
from research.settings import Settings, load

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
