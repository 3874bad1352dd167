"""Forks that are refused, forks of damaged or foreign runs, and what a fork of a fork uses again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from research import app
from research.access import Access
from research.analysts import Bounds, Notes
from research.analysts.extractive import ExtractiveAnalyst
from research.app.forking import OF_BRANCHES, fork
from research.app.hands import HANDS, Hands
from research.app.making import Made
from research.app.orders import Obedience, cancel
from research.app.records import Home
from research.app.running import RunHandle
from research.app.stores import order_book, run_files
from research.app.world import Judgement
from research.budget import Caps
from research.cancellation import Stopping
from research.effects import ModelEffect
from research.errors import Fatal, StoreProblem, UnknownName, UsageFault
from research.gate import Gate
from research.options import RunOptions
from research.records import Event, ForkPoint, Label, Plan, Question, Task, encode
from research.report import Report
from research.requests import Message, ModelReply, ModelRequest, Role, TokenCount
from research.settings import Settings, load
from tools.clock import SystemClock
from tools.fakes.scripted import ManualClock, MemoryJournal, ScriptedModel
from tools.run_store import COLUMNS, SELECT

QUESTION = "How is a budget reserved? Who holds the lock of a run?"


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


async def asked(settings: Settings, hands: Hands = HANDS) -> Report:
    """The report of a run."""
    return await app.ask(QUESTION, settings.options(), settings, listen=unheard, on_start=unheard, hands=hands)


async def forked(run: str, at: ForkPoint, settings: Settings, hands: Hands = HANDS) -> Report:
    """The report of a fork."""
    return await fork(run, at, settings, listen=unheard, on_start=unheard, hands=hands)


def flagged(settings: Settings, **flags: str) -> Settings:
    """The settings of the same home, with flags."""
    return load({"home": settings.home, **flags}, {})


@pytest.mark.parametrize("name", OF_BRANCHES)
async def test_a_flag_that_cannot_matter_at_compose_is_refused(settings: Settings, name: str) -> None:
    """No branch is worked there: the sentence names the flag and says which ones count; no run is begun."""
    first = await asked(settings)
    words = f"--{name.replace('_', '-')} cannot matter at compose.*--length, --language and the caps of the whole run"
    with pytest.raises(UsageFault, match=words):
        await forked(first.run, "compose", flagged(settings, **{name: "2"}))
    assert len(app.runs(settings)) == 1


async def test_a_provider_that_is_not_known_is_refused_with_the_server_of_then(settings: Settings) -> None:
    """As in a run that is asked; a bare name is a model of that server, and with a server of its own any name is."""
    served = flagged(settings, corpora=["notes"], model="openai:m", base_url="http://127.0.0.1:9/v1")  # type: ignore[arg-type]
    capped = msgspec.structs.replace(served, caps=Caps(calls=0))
    first = await asked(capped)
    with pytest.raises(UnknownName, match="no provider “nonsense”"):
        await forked(first.run, "plan", flagged(settings, model="nonsense:x"))
    assert len(app.runs(settings)) == 1
    for flags in ({"model": "bare"}, {"model": "nonsense:x", "base_url": "http://127.0.0.1:9/v1"}):
        assert (await forked(first.run, "plan", flagged(settings, **flags))).origin is not None


@pytest.mark.parametrize("at", get_args(ForkPoint))
async def test_a_fork_of_another_program_s_run_says_so(settings: Settings, at: ForkPoint) -> None:
    """It is a run of this program from its first row on; what it uses again is named as the other's work."""
    first, heard = await asked(settings), []
    await fork(first.run, at, settings, listen=heard.append, on_start=unheard)
    assert not [event for event in heard if event.kind == "notice" and "program" in event.detail]
    begun_by(settings, Made(program="0.0.9", state=1, parts={}))
    heard.clear()
    await fork(first.run, at, settings, listen=heard.append, on_start=unheard)
    (said,) = [event.detail for event in heard if event.kind == "notice" and "program" in event.detail]
    assert said.startswith(f"forked by a program that differs from the one that began {first.run}, in its version")
    assert said.endswith("that one's work") is (at != "plan")


def begun_by(settings: Settings, program: Made) -> None:
    """Have the first run of the home been begun by another program."""
    home = Home(settings)
    with closing(sqlite3.connect(home.runs)) as database:
        row = database.execute(f"{SELECT} WHERE number = 1").fetchone()
        values = {**dict(zip(COLUMNS, row[:-1], strict=True)), "made": encode(program)}
        digest = home.seal().sign("runs", *values.values())
        database.execute("UPDATE runs SET made = ?, digest = ? WHERE number = 1", (values["made"], digest))
        database.commit()


class Calling(ExtractiveAnalyst):
    """An analyst whose plan costs a call, and that asks for one branch more in a second round."""

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        await access.ask_model("planner", [Message(role="user", content=question.text)], max_tokens=100)
        return await super().plan(question, bounds, access)

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        if any(task.round > 1 for task in notes.tasks):
            return ()
        return (Task.make("Who has the lock?", ("owner of the lock of a run",), "corpus", corpus="notes", round=2),)


def calling(options: RunOptions, settings: Settings) -> Judgement:
    """That analyst with a model."""
    usage = TokenCount(prompt=50, completion=5)
    model = ScriptedModel([ModelReply(text="yes", stop="end", usage=usage)] * 9)
    return Judgement(analyst=Calling(), models=dict.fromkeys(get_args(Role), model))


CALLING = replace(HANDS, judgement=calling)


@pytest.mark.parametrize("kept", ["001", "002"])
async def test_a_lost_round_takes_no_finding_with_it(settings: Settings, kept: str) -> None:
    """Of two rounds one lost its record: the fork has the findings of both, and the loss is in its report."""
    first = await asked(settings, CALLING)
    assert len(first.branches) == 3
    with closing(sqlite3.connect(Path(settings.home) / "runs.db")) as database:
        assert (
            database.execute("UPDATE records SET json = '{}' WHERE kind = 'round' AND id != ?", (kept,)).rowcount == 1
        )
        database.commit()
    await app.resume(None, settings, approve=None, listen=unheard, on_start=unheard, from_journal=True)
    second = await forked(first.run, "compose", settings, CALLING)
    assert {one.id for one in second.findings} == {one.id for one in first.findings}
    assert len(second.branches) == 3 and second.status == "partial"
    assert any("the records of 1 round were lost" in loss.why for loss in second.skipped)


async def test_a_fork_of_a_fork_counts_what_was_paid_before_its_point(settings: Settings) -> None:
    """At compose all that the origins had used, at branch their plans, at plan nothing, however the origin began."""
    first = await asked(settings, CALLING)
    works = first.usage.calls - 1
    assert works > 1
    paid = {"plan": 0, "branch": 1, "compose": 1 + works}
    for at, calls in paid.items():
        child = await forked(first.run, at, settings, CALLING)  # type: ignore[arg-type]
        assert child.origin is not None and child.origin.calls == calls
        for below, expected in paid.items():
            grandchild = await forked(child.run, below, settings, CALLING)  # type: ignore[arg-type]
            assert grandchild.origin is not None and grandchild.origin.calls == expected, (at, below)


@pytest.mark.parametrize("loss", ["gone", "given up", "damaged"])
async def test_a_fork_can_be_forked_when_the_run_above_it_is_lost(settings: Settings, loss: str) -> None:
    """All that is needed is in the fork; what it had used of the lost run is said not to be known where it counts."""
    above = await asked(settings, CALLING)
    below = await forked(above.run, "compose", settings, CALLING)
    whole = [f"DELETE FROM {table} WHERE run = ?" for table in ("outcomes", "intents", "records")]
    row = "DELETE FROM runs WHERE id = ?"
    changes = {"gone": [row], "given up": [*whole, row], "damaged": ["UPDATE intents SET branch = 'x' WHERE run = ?"]}
    with closing(sqlite3.connect(Home(settings).runs)) as database:
        for change in changes[loss]:
            database.execute(change, (above.run,))
        database.commit()
    if loss == "given up":
        assert (await cancel(above.run, settings)).lost
    anew, again, written = [await forked(below.run, at, settings, CALLING) for at in get_args(ForkPoint)]
    assert anew.findings and again.findings and written.findings
    assert anew.origin is not None and again.origin is not None and written.origin is not None
    assert (anew.origin.known, anew.origin.calls, anew.origin.usd) == (True, 0, 0.0)
    assert (again.origin.known, again.origin.calls, again.origin.usd) == (False, 0, None)
    assert again.origin.spoken == (
        f"from {below.run} at branch: how much is used again, unpaid, is not known: a run above it is lost or damaged"
    )
    assert below.origin is not None
    assert written.origin.known and written.origin.calls == below.origin.calls > 0


async def test_an_order_can_be_given_when_the_library_is_gone(settings: Settings) -> None:
    """A run that spends money can be stopped by whoever can write beside it; to go on with it is refused."""
    run = (await asked(settings)).run
    home = Home(settings)
    for path in home.library.glob("library.db*"):
        path.unlink()
    with order_book(home, run) as book:
        await book.give("pause")
        assert [order.what for order in await book.every()] == ["pause"]
    with pytest.raises(StoreProblem, match="described"), run_files(home, SystemClock()):
        pass


async def test_the_seconds_of_earlier_lives_count(settings: Settings) -> None:
    """A life of a hundred seconds and one of twenty are a run of a hundred and twenty, held to the cap as a whole."""
    lives: list[ManualClock] = []

    def living(seconds: float, dies: bool) -> tuple[Hands, object]:
        lives.append(ManualClock())

        def listen(event: Event) -> None:
            if event.kind == "compose":
                lives[-1].advance(seconds)
                if dies:
                    raise Fatal("the process died")

        return replace(HANDS, clock=lives[-1], look_every=None), listen

    hands, listen = living(100.0, True)
    with pytest.raises(Fatal):
        await app.ask(QUESTION, settings.options(), settings, listen=listen, on_start=unheard, hands=hands)  # type: ignore[arg-type]
    hands, listen = living(20.0, False)
    report = await app.resume(None, settings, approve=None, listen=listen, on_start=unheard, hands=hands)  # type: ignore[arg-type]
    assert report.usage.seconds == 120.0
    assert [row.elapsed for row in app.runs(settings)] == [120.0]


async def test_an_order_is_taken_in_while_nothing_is_called(settings: Settings) -> None:
    """The owner looks by itself: it stops between two calls, however long it waits for the one in flight."""
    with run_files(Home(settings), ManualClock()) as files:
        book = files.orders("r")
        clock = ManualClock()
        gate = Gate(journal=MemoryJournal(), clock=clock, caps=Caps())
        looks = 0
        async with Obedience(book, gate, 0).watching(clock, 0.5):
            await book.give("pause")  # after the look that is the first of all
            given = len(clock.slept)
            while len(clock.slept) < given + 3 and looks < 1000:  # a whole look is between the last two
                await book.every()
                looks += 1
        request = ModelRequest(model="m", role="reader", messages=(), max_tokens=100)
        model = ScriptedModel([ModelReply(text="yes", stop="end")])
        gate.heed(still)
        with pytest.raises(Stopping, match="was paused"):
            await gate.call(ModelEffect(request, model), branch="b", budget=gate.root)
        assert model.asked == []


@pytest.mark.parametrize("orders", [("cancel", "pause"), ("pause", "cancel")])
@pytest.mark.parametrize("together", [True, False])
async def test_a_cancel_is_told_whether_a_pause_came_before_or_after(
    settings: Settings, orders: tuple[str, str], together: bool
) -> None:
    """Also where the work ended because of the pause and the cancel is seen while it ends, as the status will be."""
    with run_files(Home(settings), ManualClock()) as files:
        book = files.orders("r")
        gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps())
        obedience = Obedience(book, gate, 0)
        gate.heed(obedience.look)
        request = ModelRequest(model="m", role="reader", messages=(), max_tokens=100)
        for order in orders[: 1 + together]:
            await book.give(order)
        with pytest.raises(Stopping) as ended:
            await gate.call(ModelEffect(request, ScriptedModel([])), branch="b", budget=gate.root)
        for order in orders[1 + together :]:
            await book.give(order)
        await obedience.look()
        assert obedience.cancelled
        assert "was cancelled" in str(ended.value) and "paused" not in str(ended.value)


async def still() -> None:
    """Look at nothing: what is known of the orders is known already."""
