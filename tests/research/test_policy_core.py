"""Every sequence of up to three moves against the policy core, beside a model of the policy that is written out here.

The core is ``research.access`` over the real gate; its ports are in memory, so nothing but the policy decides. What a
holder may do is not read from the table of rights: the expectations below are a second, independent writing of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import pytest

from research.access import Access, Holder, World
from research.budget import Caps
from research.errors import Forbidden, StoreProblem
from research.gate import Gate
from research.ports import Page
from research.records import Hit
from research.requests import Message, ModelReply, TokenCount
from tools.fakes.scripted import (
    ManualClock,
    MemoryJournal,
    MemoryLibrary,
    MemoryRecords,
    ScriptedFetch,
    ScriptedModel,
    ScriptedSearch,
)

Move = Literal[
    "ask a model",
    "ask a model of another role",
    "search",
    "search with private words",
    "fetch what a search found",
    "fetch what a corpus found",
    "fetch an address",
    "fetch a path",
    "retrieve",
    "retrieve from a corpus of another run",
]
MOVES: tuple[Move, ...] = get_args(Move)
HOLDERS: tuple[Holder, ...] = get_args(Holder)
LONGEST = 3
URL = "https://a.example/"
FOUND = Hit(handle="h-1", title="T", score=1.0, url=URL)
PASSAGE = Hit(handle="h-2", title="N", score=1.0, url="https://b.example/", source="0" * 64, start=0, end=4)
ANSWER = ModelReply(text="yes", stop="end", usage=TokenCount(prompt=10, completion=5))


class Seen(NamedTuple):
    """What the far side was asked: by how many calls of each kind; a request asked before is not asked again."""

    models: int = 0
    searches: int = 0
    fetched: tuple[str, ...] = ()
    retrievals: int = 0


class Diary:
    """A private corpus that counts what it was asked."""

    name = "notes"
    label = "private"
    generation = "g1"

    def __init__(self) -> None:
        self.asked = 0

    async def retrieve(self, query: str, limit: int) -> Sequence[Hit]:
        self.asked += 1
        return [PASSAGE]


class Run:
    """One run whose ports are all there, so that a refusal is the policy's and never want of a port."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.model = ScriptedModel([ANSWER] * LONGEST)
        self.web = ScriptedSearch({"q": [FOUND]})
        self.pages = ScriptedFetch({url: Page(url=url, title="T", text="Text.") for url in (URL, PASSAGE.url)})
        self.corpus = Diary()
        self.gate = Gate(journal=self.journal, clock=ManualClock(), caps=Caps())
        self.world = World(
            library=MemoryLibrary(),
            records=MemoryRecords(),
            models={"reader": self.model},
            searches=[self.web],
            fetch=self.pages,
            corpora={"notes": self.corpus},
        )

    async def make(self, holder: Holder, move: Move) -> bool:
        """Make one move; returns whether it was let through."""
        access = Access(holder, name=holder, gate=self.gate, budget=self.gate.root, world=self.world)
        message = [Message(role="user", content="a")]
        try:
            match move:
                case "ask a model":
                    await access.ask_model("reader", message, max_tokens=10)
                case "ask a model of another role":
                    await access.ask_model("writer", message, max_tokens=10)
                case "search" | "search with private words":
                    await access.search("q", label="public" if move == "search" else "private")
                case "fetch what a search found":
                    await access.fetch(FOUND.handle)
                case "fetch what a corpus found":
                    await access.fetch(PASSAGE.handle)
                case "fetch an address":
                    await access.fetch(URL)
                case "fetch a path":
                    await access.fetch("../hit/h-1")
                case "retrieve":
                    await access.retrieve("notes", "q")
                case "retrieve from a corpus of another run":
                    await access.retrieve("diary", "q")
        except (Forbidden, StoreProblem):
            return False
        return True

    def seen(self) -> Seen:
        """Return what reached the far side."""
        fetched = tuple(request.url for request in self.pages.asked)
        return Seen(len(self.model.asked), len(self.web.asked), fetched, self.corpus.asked)


def expected(moves: Sequence[tuple[Holder, Move]]) -> tuple[list[bool], Seen]:
    """Return which moves are let through and what the far side sees of them, by the policy as documented."""
    through: list[bool] = []
    done: set[Move] = set()
    for holder, move in moves:
        allowed = {
            "ask a model": True,
            "search": holder == "web",
            "fetch what a search found": holder == "web" and "search" in done,
            "retrieve": holder == "corpus",
        }.get(move, False)
        through.append(allowed)
        if allowed:
            done.add(move)
    fetched = (URL,) if "fetch what a search found" in done else ()
    return through, Seen("ask a model" in done, "search" in done, fetched, "retrieve" in done)


async def judged(moves: Sequence[tuple[Holder, Move]]) -> None:
    """Make the moves in a fresh run and compare with what the policy says; nothing refused is recorded or held."""
    run = Run()
    through = [await run.make(holder, move) for holder, move in moves]
    allowed, seen = expected(moves)
    assert (through, run.seen()) == (allowed, seen), moves
    assert len(run.journal.rows) == seen.models + seen.searches + len(seen.fetched) + seen.retrievals, moves
    assert run.gate.root.held == type(run.gate.root.held)(), moves


@pytest.mark.parametrize("holder", HOLDERS)
async def test_no_sequence_of_three_moves_of_one_holder_leaves_its_rights(holder: Holder) -> None:
    """Of all 1,110 sequences of one to three moves, each move is let through exactly when the policy says so."""
    sequences = [moves for length in range(1, LONGEST + 1) for moves in itertools.product(MOVES, repeat=length)]
    assert len(sequences) == 10 + 100 + 1000
    for moves in sequences:
        await judged([(holder, move) for move in moves])


async def test_no_two_holders_lend_one_another_a_right() -> None:
    """All pairs of moves of any two holders: what one was refused, another's move before it does not open."""
    steps = list(itertools.product(HOLDERS, MOVES))
    for one, other in itertools.product(steps, repeat=2):
        await judged([one, other])


async def test_what_a_corpus_branch_read_is_no_handle_for_a_web_branch() -> None:
    """Three moves of a web and a corpus branch in any order: a passage's handle never becomes a page's."""
    steps = [(holder, move) for holder in ("web", "corpus") for move in MOVES if "model" not in move]
    for moves in itertools.product(steps, repeat=3):
        if any(move == "fetch what a corpus found" for _, move in moves):
            await judged(moves)  # type: ignore[arg-type]
