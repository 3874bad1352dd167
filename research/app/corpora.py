"""What one corpus holds, for people: its files or pages, how each came there, and the passages of one of them."""

from __future__ import annotations

from research.app.records import Home
from research.errors import UnknownName
from research.records import Record
from research.settings import Settings
from tools.corpus_folder import corpus_folder, existing
from tools.corpus_rows import FileRow
from tools.corpus_store import CorpusStore
from tools.promoted import Promoted, pages

SHORTEST_HASH = 6


class HeldSource(Record):
    """A file or page of a corpus. ``reason`` says why a file is not indexed, ``added`` how a page came there.

    ``texts`` are its passages in order, only where one source was asked for.
    """

    name: str
    source: str
    passages: int
    reason: str = ""
    added: str = ""
    origin: Promoted | None = None
    texts: tuple[str, ...] = ()


def held_in(corpus: str, source: str | None, settings: Settings) -> tuple[HeldSource, ...]:
    """Return what a corpus holds, or of it the one that ``source`` names: a file's name, an address or a hash.

    Raises ``UnknownName`` and ``StoreProblem``.
    """
    store = CorpusStore(existing(corpus_folder(Home(settings).corpora, corpus)), read_only=True)
    try:
        origins = {page.url: page for page in pages(store)}
        rows = [row for row in store.files().values() if source is None or _is(row, source)]
        if source is not None and len(rows) != 1:
            what = "names several sources of" if rows else "is not in"
            raise UnknownName(
                f"“{source[:200]}” {what} the corpus “{corpus}”; `research corpus show {corpus}` lists what it holds"
            )
        return tuple(_held(row, origins.get(row.name), store, texts=source is not None) for row in rows)
    finally:
        store.close()


def _is(row: FileRow, source: str) -> bool:
    return row.name == source or (len(source) >= SHORTEST_HASH and row.source.startswith(source.lower()))


def _held(row: FileRow, origin: Promoted | None, store: CorpusStore, *, texts: bool) -> HeldSource:
    own = store.texts(row.source) if row.source else ()
    return HeldSource(
        name=row.name,
        source=row.source,
        passages=len(own),
        reason=row.reason,
        added=origin.spoken if origin else "",
        origin=origin,
        texts=own if texts else (),
    )
