"""The stores of a run, opened together: journal, records and checkpoints in ``runs.db``, texts in the library.

Who may open them, and when, is decided by those who run something: ``running``, and the evals' ``judge`` and ``gated``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass

from research.app.records import Home
from research.ports import Checkpoints, Clock, Journal, Library, Records
from tools.checkpoint_rows import CheckpointRows
from tools.database import Database
from tools.journal import SqliteJournal
from tools.library import FileLibrary
from tools.orders import OrderBook
from tools.run_records import RunRecords, inserting
from tools.run_store import REMEDY, SCHEMA, VERSION, Mark, RunStore
from tools.seal import Seal

UNOWNED = 0
"""The fencing number of nobody: owners have 1 and more."""


@dataclass(frozen=True)
class Stores:
    """What one run writes to, as its owner."""

    journal: Journal
    records: Records
    checkpoints: Checkpoints
    library: Library


class RunFiles:
    """The open files of a home; each run that is begun or taken over with them gets stores of its own."""

    def __init__(self, database: Database, library: FileLibrary, seal: Seal) -> None:
        self.database = database
        self.library = library
        self.seal = seal

    async def begin(
        self,
        run: str,
        *,
        created: str,
        question: str,
        options: str,
        mark: Mark,
        made: str = "",
        origin: str = "",
        records: Sequence[tuple[str, str, object]] = (),
    ) -> Stores:
        """Write a new run's row and own it; it has all of ``records`` or was never begun."""
        words = {"created": created, "question": question, "options": options, "made": made, "origin": origin}
        first = inserting(run, records, self.seal)
        return self._stores(await RunStore.begin(self.database, self.seal, run, **words, mark=mark, first=first))

    async def take_over(self, run: str, mark: Mark, *, made: str = "") -> Stores:
        """Own an existing run; whoever owned it before can write no more. Raises ``UnknownName``.

        ``made`` takes the place of what was stored of the program that began it.
        """
        return self._stores(await RunStore.take_over(self.database, self.seal, run, mark, made=made))

    def read(self, run: str) -> Stores:
        """Return an existing run's stores for reading: a write would be refused."""
        return self._stores(RunStore(self.database, self.seal, run, UNOWNED))

    def orders(self, run: str) -> OrderBook:
        """Return the orders to a run, which need no owner."""
        return OrderBook(self.database, self.seal, run)

    def _stores(self, store: RunStore) -> Stores:
        return Stores(
            journal=SqliteJournal(store),
            records=RunRecords(store),
            checkpoints=CheckpointRows(self.database, self.seal, store.fence),
            library=self.library,
        )


@contextmanager
def recorded(home: Home, run: str) -> Iterator[Journal]:
    """Open the journal of an existing run for reading alone, also where nothing can be written."""
    seal = home.seal()
    with closing(Database(home.runs, SCHEMA, VERSION, remedy=REMEDY, read_only=True)) as database:
        yield SqliteJournal(RunStore(database, seal, run, UNOWNED))


@contextmanager
def order_book(home: Home, run: str) -> Iterator[OrderBook]:
    """Open the orders to an existing run alone: they can be given also when the library is damaged or gone."""
    with closing(Database(home.runs, SCHEMA, VERSION, remedy=REMEDY)) as database:
        yield OrderBook(database, home.seal(), run)


@asynccontextmanager
async def owned_journal(home: Home, run: str, mark: Mark) -> AsyncIterator[Journal]:
    """Own an existing run and open its journal alone, to end it: for that no text is needed."""
    with closing(Database(home.runs, SCHEMA, VERSION, remedy=REMEDY)) as database:
        yield SqliteJournal(await RunStore.take_over(database, home.seal(), run, mark))


@contextmanager
def run_files(home: Home, clock: Clock) -> Iterator[RunFiles]:
    """Open the files of ``home``, making them on first use."""
    seal = home.seal(create=True)
    with (
        closing(Database(home.runs, SCHEMA, VERSION, remedy=REMEDY)) as database,
        closing(FileLibrary(home.library, clock, seal)) as library,
    ):
        yield RunFiles(database, library, seal)


def open_library(home: Home, clock: Clock) -> FileLibrary:
    """Open the texts of ``home`` alone, making them on first use; the caller closes them."""
    return FileLibrary(home.library, clock, home.seal(create=True))
