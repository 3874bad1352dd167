"""What the judgement needs from the world, as protocols. ``tools`` fulfils them; fakes are in ``tools.fakes``.

Everything that fails raises ``research.errors.EffectFailed`` and nothing returns an empty result for an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from research.budget import Amount
from research.records import Event, Hit, Record, RunStatus, Source
from research.requests import FetchRequest, ModelReply, ModelRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Price(Record):
    """Nano-dollars per token: $1 per million tokens is 1,000 nano-dollars per token.

    ``cached`` is that of a prompt's token that the provider read from its own cache; ``None``: as any other.
    """

    prompt: float
    completion: float
    cached: float | None = None


@runtime_checkable
class Clock(Protocol):
    """Time. ``monotonic`` is in seconds and never jumps; ``now`` is ISO 8601 in UTC and is only ever shown."""

    def monotonic(self) -> float: ...
    def now(self) -> str: ...
    async def sleep(self, seconds: float) -> None: ...


class ChatModel(Protocol):
    """A language model. ``name`` is ``provider:model``; ``price`` is ``None`` when it is not known."""

    name: str
    window: int
    price: Price | None

    def count(self, request: ModelRequest) -> int:
        """Return an upper bound of the request's prompt tokens: it never undercounts and never fails."""
        ...

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        """Send once, without retries. Raises ``EffectFailed``."""
        ...


class Answers(Protocol):
    """Whole answers of models from earlier runs. Both raise ``StoreProblem``."""

    async def find(self, request: ModelRequest) -> ModelReply | None:
        """Return the answer to an equal request, or ``None``."""
        ...

    async def keep(self, request: ModelRequest, reply: ModelReply) -> None: ...


class Search(Protocol):
    """A web search provider; hits carry handles ``h-…`` derived from their canonical URL."""

    name: str

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]: ...


class Page(Record):
    """A fetched and parsed page, before it is stored: ``text`` is plain text, offsets count its code points.

    ``pages`` are the offsets at which the pages of a PDF begin, empty for what has none; ``hidden`` is how many runs of
    hidden characters were in the text before it was cleaned.
    """

    url: str
    title: str
    text: str
    media: str = "text/html"
    published: str = ""
    author: str = ""
    pages: tuple[int, ...] = ()
    hidden: int = 0


class Fetch(Protocol):
    """The one way to a page."""

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page: ...


class Corpus(Protocol):
    """One indexed corpus. ``generation`` names the completed index; ``label`` says whether it may leave the machine."""

    name: str
    label: Literal["public", "private"]
    generation: str

    async def retrieve(self, query: str, limit: int) -> Sequence[Hit]:
        """Return at most ``limit`` passages, best first; each hit has ``source``, ``start``, ``end`` and ``why``."""
        ...


class Library(Protocol):
    """Content-addressed snapshots of every text read."""

    async def keep(self, page: Page, label: Literal["public", "private"]) -> Source:
        """Store the normalised text durably and return its record; the same text gives the same id."""
        ...

    async def text(self, source: str) -> str:
        """Return a stored text whose hash was checked. Raises ``SourceDamaged`` when it is missing or damaged."""
        ...

    async def source(self, source: str, url: str = "") -> Source:
        """Return where a text came from: of several places ``url``, or else the latest. Raises ``StoreProblem``."""
        ...

    async def ids(self) -> frozenset[str]:
        """Return the ids of all texts that it can say of where they came from."""
        ...

    def path(self, source: str) -> Path:
        """Return where the stored text is, for people and other tools."""
        ...


class Records(Protocol):
    """What one run made: its plan, hits, findings, drafts and report, each under a kind and an id.

    Writes raise ``NotTheOwner`` when a later process took the run over, ``StoreProblem`` when the disk refuses.
    """

    run: str

    async def put(self, records: Sequence[tuple[str, str, object]]) -> None:
        """Store ``(kind, id, record)`` triples in one transaction; storing one again changes nothing."""
        ...

    async def get(self, kind: str, id: str) -> object:
        """Return plain JSON of a stored record. Raises ``StoreProblem`` when it is missing or damaged."""
        ...

    async def every(self, kind: str) -> Sequence[object]:
        """Return plain JSON of all records of a kind, ordered by id."""
        ...


class Checkpoint(Record):
    """One step of the graph: ``value`` and ``metadata`` are JSON (UTF-8), ``thread`` is the run, ``ns`` a sub-graph."""

    thread: str
    ns: str
    id: str
    parent: str | None
    value: bytes
    metadata: bytes


class PendingWrite(Record):
    """What one task of a step wrote before the step as a whole was checkpointed; ``place`` orders a task's writes."""

    thread: str
    ns: str
    checkpoint: str
    task: str
    path: str
    place: int
    channel: str
    value: bytes


class Checkpoints(Protocol):
    """The durable steps of graphs, as bytes. Errors as in :class:`Records`."""

    async def put(self, row: Checkpoint) -> None:
        """Store a checkpoint in the place of one with its id."""
        ...

    async def put_writes(self, rows: Sequence[PendingWrite], *, replace: bool) -> None:
        """Store a task's writes; one that is there already is replaced or left, as ``replace`` says."""
        ...

    async def latest(self, thread: str, ns: str, id: str | None = None) -> Checkpoint | None:
        """Return the checkpoint with ``id``, or the latest one (ids sort by time)."""
        ...

    async def writes(self, thread: str, ns: str, checkpoint: str) -> Sequence[PendingWrite]: ...

    async def every(self, thread: str) -> Sequence[Checkpoint]:
        """Return all checkpoints that are kept of a thread, the latest first."""
        ...

    async def threads(self) -> Sequence[str]: ...

    async def delete(self, thread: str) -> None: ...


class Intent(Record):
    """The row written before a call. ``bound`` stays charged unless an outcome says less; ``elapsed``: run seconds."""

    run: str
    branch: str
    kind: str
    key: str
    occurrence: int
    attempt: int
    bound: Amount
    elapsed: float
    request: str


class Outcome(Record):
    """The row written after a call. ``status`` is ``answered`` (payload: the reply's JSON), ``failed`` or ``refused``.

    A ``failed`` or ``refused`` payload is ``{"message", "retryable", "currency"}``; of a prompt that was too long the
    currency is ``window``. ``priced`` is false when the money
    is not known.
    """

    status: Literal["answered", "failed", "refused"]
    payload: str
    charged: Amount
    elapsed: float
    priced: bool = True


class Entry(Record):
    """One intent and, unless the process died in between, its outcome."""

    seq: int
    intent: Intent
    outcome: Outcome | None


class Journal(Protocol):
    """The durable record of every effect of one run. Rows are written in order, each durable before the call returns.

    Writes raise ``NotTheOwner`` when a later process took the run over, ``StoreProblem`` when the disk refuses.
    """

    run: str

    async def entries(self) -> Sequence[Entry]:
        """Return every row of the run, oldest first."""
        ...

    async def intend(self, intent: Intent) -> int: ...

    async def conclude(self, seq: int, outcome: Outcome) -> None: ...

    async def finish(self, status: RunStatus, exit_code: int, elapsed: float) -> None: ...


class Listener(Protocol):
    """Where events go: the command line's progress lines, a trace, a test's list."""

    def __call__(self, event: Event) -> None: ...


class Parsed(Record):
    """What a parser found in downloaded or read bytes.

    ``pages`` are the offsets at which the pages of a PDF begin; ``marks`` is what the markup of a web page says of
    being closed, in the words of ``tools.page_marks``; ``hidden`` counts the runs of hidden characters that were in the
    text before it was cleaned.
    """

    text: str
    title: str = ""
    published: str = ""
    author: str = ""
    pages: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    hidden: int = 0


class Parser(Protocol):
    """Turns untrusted bytes into text, in a child process with limits and no network."""

    async def parse(self, data: bytes, media: str, *, name: str) -> Parsed:
        """Return the text of ``data``; ``media`` is a MIME type, ``name`` a URL or file name for messages.

        Raises ``EffectFailed`` with a sentence when the bytes are empty, encrypted, binary, broken or too slow.
        """
        ...


class Embedder(Protocol):
    """Turns texts into unit vectors. ``name`` identifies model and version: a corpus refuses another name."""

    name: str
    dimensions: int

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of ``dimensions`` float32 per text, each of Euclidean length 1 (or all zero)."""
        ...


class Reranker(Protocol):
    """Says how well passages answer a query, reading the query and one passage at once. ``name``: model and version."""

    name: str

    def scores(self, query: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """Return one score per passage, the more the better. Blocks. Raises ``SettingMissing`` for a damaged model."""
        ...
