"""A state machine of a hostile program over the policy core: any holder, any move, any order, restarts in between.

Beside the core it keeps its own books: which addresses a search gave, what was asked, what may be spent. Every short
sequence is in ``test_policy_core``; this one looks for long ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from research.access import Access, Holder, World
from research.budget import Caps
from research.errors import EffectFailed, Forbidden, OutOfBudget, StoreProblem
from research.gate import Gate
from research.ports import Page
from research.records import Hit
from research.requests import FetchRequest, Message, ModelReply, ModelRequest, TokenCount
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords

PRIVATE = "the merger is called Heron"
HOSTS = ("a.example", "b.example", "c.example")
ADDRESSES = tuple(f"https://{host}/" for host in HOSTS)
FORBIDDEN = ("http://169.254.169.254/", "file:///etc/passwd", "http://127.0.0.1:9200/", "../runs.db", "", "h-\0")
HOLDERS: tuple[Holder, ...] = get_args(Holder)

holders = st.sampled_from(HOLDERS)
branches = st.sampled_from(("t-1", "t-2", "t-3"))
words = st.sampled_from(("budgets", "citations", PRIVATE))
handles = st.sampled_from((*(f"h-{host}" for host in HOSTS), "h-private", *ADDRESSES, *FORBIDDEN))
usages = st.none() | st.builds(TokenCount, prompt=st.integers(-(10**12), 10**12), completion=st.integers(-9, 10**12))


class FarSide:
    """Every port at once; it notes what it was asked and answers as it likes."""

    name, label, generation, window, price = "notes", "private", "g1", 10**6, None

    def __init__(self) -> None:
        self.searched: list[str] = []
        self.fetched: list[str] = []
        self.retrieved: list[str] = []
        self.answered = 0
        self.given: set[str] = set()
        self.usage: TokenCount | None = None
        self.fails = False

    def _answer(self) -> None:
        if self.fails:
            raise EffectFailed("the service is away")

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        self.searched.append(query)
        self._answer()
        found = [host for host in HOSTS if len(host + query) % 2]
        self.given.update(f"https://{host}/" for host in found)
        return [Hit(handle=f"h-{host}", title=host, score=1.0, url=f"https://{host}/") for host in found]

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        self.fetched.append(request.url)
        self._answer()
        return Page(url=request.url, title="T", text=f"The page at {request.url}.")

    async def retrieve(self, query: str, limit: int) -> Sequence[Hit]:
        self.retrieved.append(query)
        self._answer()
        return [Hit(handle="h-private", title="N", score=1.0, source="0" * 64, start=0, end=4, url=ADDRESSES[0])]

    def count(self, request: ModelRequest) -> int:
        return 100

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        self.answered += 1
        self._answer()
        return ModelReply(text="yes", stop="end", usage=self.usage)


class PolicyMachine(RuleBasedStateMachine):
    """One run, several branches of every type, and a far side that may lie about usage and fail."""

    @initialize(calls=st.integers(1, 30), tokens=st.integers(100, 5_000))
    def begin(self, calls: int, tokens: int) -> None:
        self.caps = Caps(calls=calls, tokens=tokens)
        self.far, self.journal, self.records, self.library = (
            FarSide(),
            MemoryJournal(),
            MemoryRecords(),
            MemoryLibrary(),
        )
        self._open()

    def _open(self) -> None:
        self.gate = Gate(journal=self.journal, clock=ManualClock(), caps=self.caps, entries=tuple(self.journal.rows))
        self.world = World(
            library=self.library,
            records=self.records,
            models={"reader": self.far},
            searches=[self.far],
            fetch=self.far,
            corpora={"notes": self.far},
        )

    def _make(self, holder: Holder, branch: str, move: str, argument: str) -> bool:
        budget = self.gate.open(branch, Caps(), opened=0.0)
        access = Access(holder, name=branch, gate=self.gate, budget=budget, world=self.world)
        made: Awaitable[object]
        if move == "model":
            made = access.ask_model("reader", [Message(role="user", content=argument)], max_tokens=50)
        elif move == "search":
            made = access.search(argument, label="private" if argument == PRIVATE else "public")
        elif move == "fetch":
            made = access.fetch(argument)
        else:
            made = access.retrieve("notes", argument)
        try:
            asyncio.run(_awaited(made))
        except (Forbidden, StoreProblem, OutOfBudget, EffectFailed):
            return False
        return True

    @rule(holder=holders, branch=branches, query=words)
    def search(self, holder: Holder, branch: str, query: str) -> None:
        """Search: only a web branch, and never with private words."""
        let = self._make(holder, branch, "search", query)
        assert not let or (holder == "web" and query != PRIVATE)

    @rule(holder=holders, branch=branches, handle=handles)
    def fetch(self, holder: Holder, branch: str, handle: str) -> None:
        """Fetch whatever a model may write where a handle belongs."""
        let = self._make(holder, branch, "fetch", handle)
        assert not let or (holder == "web" and handle in {f"h-{host}" for host in HOSTS})

    @rule(holder=holders, branch=branches, query=words)
    def retrieve(self, holder: Holder, branch: str, query: str) -> None:
        """Retrieve: only a corpus branch."""
        assert not self._make(holder, branch, "retrieve", query) or holder == "corpus"

    @rule(holder=holders, branch=branches, text=words, usage=usages)
    def ask(self, holder: Holder, branch: str, text: str, usage: TokenCount | None) -> None:
        """Ask a model that reports any usage it likes."""
        self.far.usage = usage
        self._make(holder, branch, "model", text)

    @rule(fails=st.booleans())
    def change_weather(self, fails: bool) -> None:
        """The far side goes away, or comes back."""
        self.far.fails = fails

    @rule()
    def restart(self) -> None:
        """The process dies between two calls and another goes on from the journal."""
        self._open()

    @invariant()
    def nothing_left_the_policy(self) -> None:
        """What the far side saw is within what was allowed, and what was spent within the caps."""
        assert set(self.far.fetched) <= self.far.given
        assert PRIVATE not in self.far.searched
        sent = len(self.far.searched) + len(self.far.fetched) + len(self.far.retrieved) + self.far.answered
        spent = self.gate.root.spent
        assert sent <= spent.calls <= (self.caps.calls or 0)
        assert spent.tokens <= (self.caps.tokens or 0)
        assert self.gate.root.held == type(spent)()


async def _awaited(made: Awaitable[object]) -> object:
    return await made


PolicyMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPolicy = PolicyMachine.TestCase
