"""Asking a corpus: what a lexical and a dense list find, ranked with what is tied to it.

Opening reads SQLite only; Chroma is imported at the first retrieval, in a thread. Building a corpus is in
``tools.indexing``, pooling in ``tools.corpus_pool``, judging in ``research.reranking``; analysing or quoting what is
found is the caller's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any, ParamSpec, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from research.errors import SettingMissing
from research.ports import Embedder, Reranker
from research.ranking import reciprocal_rank
from research.ranking_weights import weights_for
from research.records import Hit, Label, ident
from research.reranked import HEAD, fused_places
from tools.corpus_folder import PATIENCE, Lock, existing
from tools.corpus_pool import Pools
from tools.corpus_rows import Facts, PassageRow
from tools.corpus_store import CorpusStore
from tools.documents import embedded_text
from tools.promoted import Promoted, is_made_of_pages, pages
from tools.vectors import DenseIndex

P = ParamSpec("P")
T = TypeVar("T")

DEPTH = 50
"""Passages taken from each list before fusing, if not more are asked for."""

CANDIDATES = 500
"""Passages whose lexical score is known to the ranking."""

HASHING_VOTES = 64
"""How often the lexical list counts against a hashing embedder's list where both are fused, below what is ranked.

Such an embedder sees the spellings that BM25 sees and cannot tell rare words from common ones. Recall at 5 of BM25
alone, of one vote and of 64 (``python -m bench.retrieval``): HotpotQA 80.5, 78.5, 80.5; MuSiQue 53.8, 44.1, 54.1;
Cranfield 31.1, 28.7, 31.4; SciFact 75.5, 66.6, 75.5. It still finds what is misspelt. A sentence model's list counts
once against once.
"""

SNIPPET = 240
"""Characters of a hit's snippet."""


def open_corpus(
    folder: Path, embedder: Embedder, *, allow_partial: bool = False, reranker: Reranker | None = None
) -> HybridCorpus:
    """Open the corpus in ``folder`` for asking; other processes may ask it too, but none can index it meanwhile.

    ``reranker`` has a say in the order of what is ranked first.

    Raises ``UnknownName``, ``SettingMissing`` when it is half indexed (unless ``allow_partial``) or was made by
    another embedder, ``StoreProblem`` when it is being indexed, ``WrongVersion``.
    """
    existing(folder)
    with ExitStack() as undo:
        lock = Lock(folder / "lock", exclusive=False)
        undo.callback(lock.release)
        store = CorpusStore(folder)
        undo.callback(store.close)
        facts = _usable(folder.name, store.facts(), embedder, allow_partial=allow_partial)
        undo.pop_all()
        return HybridCorpus(folder, store, lock, facts, embedder, reranker)


def check_corpus(folder: Path, embedder: Embedder, *, allow_partial: bool = False) -> None:
    """Raise what :func:`open_corpus` would raise; only reads, so also where nothing can be written."""
    existing(folder)
    with ExitStack() as undo:
        undo.callback(Lock(folder / "lock", exclusive=False).release)
        store = CorpusStore(folder, read_only=True)
        undo.callback(store.close)
        _usable(folder.name, store.facts(), embedder, allow_partial=allow_partial)


def _usable(name: str, facts: Facts | None, embedder: Embedder, *, allow_partial: bool) -> Facts:
    if facts is None:
        raise SettingMissing(f"nothing was indexed into “{name}” yet; run `research index FOLDER --corpus {name}`")
    again = f"`research index {facts.folder} --corpus {name}"
    if facts.embedder != embedder.name and is_made_of_pages(facts):
        raise SettingMissing(
            f"the corpus “{name}” was made with the embedder {facts.embedder}, not {embedder.name}; choose that one"
        )
    if facts.embedder != embedder.name:
        raise SettingMissing(
            f"the corpus “{name}” was indexed with the embedder {facts.embedder}, not {embedder.name}; "
            f"choose that one, or re-index with {again} --rebuild`"
        )
    if facts.state != "whole" and not allow_partial:
        raise SettingMissing(
            f"indexing of “{name}” stopped at {facts.done} of {facts.total} files; run {again}` again, "
            "or pass --allow-partial to ask what is there"
        )
    return facts


class HybridCorpus:
    """Implements ``research.ports.Corpus`` over one corpus folder. ``partial`` says that its index was not finished."""

    def __init__(
        self,
        folder: Path,
        store: CorpusStore,
        lock: Lock,
        facts: Facts,
        embedder: Embedder,
        reranker: Reranker | None = None,
    ) -> None:
        """Use :func:`open_corpus`, which checks what is given here."""
        self.name = folder.name
        self.label: Label = facts.label
        self.partial = facts.state != "whole"
        self.generation = f"partial-{facts.done}" if self.partial else facts.generation
        self._folder = folder
        self._documents = Path(facts.folder)
        self._pages = {page.url: page for page in pages(store)} if is_made_of_pages(facts) else {}
        self._store = store
        self._lock = lock
        self._embedder = embedder
        self._reranker = reranker
        self._votes = HASHING_VOTES if embedder.name.startswith("hashing-") else 1
        self._weights = weights_for(embedder.name)
        self._dense: DenseIndex | None = None
        self._pools: Pools | None = None
        # One thread owns SQLite and Chroma: neither gains from a second one here, and their order is plain.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"corpus-{self.name}")
        self._jobs: set[Future[Any]] = set()
        self._stopped = Event()
        self._patience = PATIENCE

    async def retrieve(self, query: str, limit: int) -> Sequence[Hit]:
        """Return at most ``limit`` passages, best first; ``why`` says in words why each is there.

        ``score`` is its odds against the first, which has 1; 0 below what was ranked.

        Raises ``EffectFailed`` when the embedder's service fails, ``StoreProblem`` when a store does.
        """
        vector = (await self._embedder.embed([query]))[0]
        return await self._in_thread(self._retrieve, query, vector, limit)

    async def lists(self, query: str, depth: int) -> tuple[list[Hit], list[Hit]]:
        """Return the lexical and the dense list as they are before fusing, for measuring."""
        vector = (await self._embedder.embed([query]))[0]
        return await self._in_thread(self._lists, query, vector, depth)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        job = self._thread.submit(work, *args, **kwargs)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return await asyncio.wrap_future(job)

    def close(self) -> None:
        """Let others index, at once or when the job that still runs has ended; closing twice is fine."""
        self._stopped.set()
        self._thread.shutdown(wait=False, cancel_futures=True)
        running = tuple(self._jobs)
        for job in running:  # one at most, and it may be stuck: it is not waited for
            job.add_done_callback(lambda _: self._let_go())
        if not running:
            self._let_go()

    def _let_go(self) -> None:
        if self._dense is not None:
            self._dense.close()
        self._store.close()
        self._lock.release()

    def _retrieve(self, query: str, vector: NDArray[np.float32], limit: int) -> list[Hit]:
        depth = max(DEPTH, limit)
        dense = self._index().search(vector, depth)
        lexical = self._store.lexical(query, max(CANDIDATES, limit))
        self._pools = self._pools or Pools(self._store)
        ranking = self._pools.ranked(query, vector, lexical, dense, self._weights)
        order, said = self._reordered(query, list(ranking.scores))
        wanted = order[:limit]
        rows, places = self._described(wanted)
        hits = []
        for id, score in zip(wanted, ranking.scores.values(), strict=False):
            row = rows[id]
            hits.append(_hit(row, places[row.source], ranking.why(id, row.text) + said.get(id, ()), score))
        return hits + self._rest(list(lexical)[:depth], dense, set(wanted), limit - len(hits))

    def _reordered(self, query: str, ids: list[int]) -> tuple[list[int], dict[int, tuple[str, ...]]]:
        """Return the ranked passages in the order that the reranker leaves them in, and what it says of each."""
        head = ids[:HEAD]
        if self._reranker is None or not head:
            return ids, {}
        rows = self._store.passages(head)
        scores = self._reranker.scores(query, [embedded_text(rows[id]) for id in head])
        ranks = {head[int(place)]: rank for rank, place in enumerate(np.argsort(-scores, kind="stable"), 1)}
        order = [head[place] for place in fused_places(scores)]
        return order + ids[HEAD:], {id: (f"cross-encoder rank {rank}",) for id, rank in ranks.items()}

    def _rest(self, lexical: Sequence[int], dense: Sequence[int], known: set[int], limit: int) -> list[Hit]:
        """Return what the lists hold below what was ranked, fused by reciprocal rank."""
        if limit <= 0:
            return []
        both = [self._hits(lexical, "lexical"), self._hits(dense, "dense")]
        fused = reciprocal_rank(both, key=lambda hit: hit.handle, weights=(self._votes, 1))
        above = {
            hit.handle
            for hits, ids in zip(both, (lexical, dense), strict=True)
            for hit, id in zip(hits, ids, strict=True)
            if id in known
        }
        return [msgspec.structs.replace(hit, score=0.0) for hit in fused if hit.handle not in above][:limit]

    def _lists(self, query: str, vector: NDArray[np.float32], depth: int) -> tuple[list[Hit], list[Hit]]:
        dense = self._index().search(vector, depth)
        return self._hits(list(self._store.lexical(query, depth)), "lexical"), self._hits(dense, "dense")

    def _index(self) -> DenseIndex:
        if self._dense is None:
            index = DenseIndex(self._folder, self._embedder.name)
            # Searches queue for one thread: if the first waited in vain, the others do not wait as long again each.
            patience, self._patience = self._patience, 0.0
            index.agree(self._store, patience=patience, stopped=self._stopped)
            self._dense = index
        return self._dense

    def _hits(self, ids: Sequence[int], name: str) -> list[Hit]:
        rows, places = self._described(ids)
        return [
            _hit(rows[id], places[rows[id].source], (f"{name} rank {rank}",), 0.0) for rank, id in enumerate(ids, 1)
        ]

    def _described(self, ids: Sequence[int]) -> tuple[dict[int, PassageRow], dict[str, Promoted | str]]:
        """Return the rows of passages, and by source the address of its file, or the page that it is."""
        rows = self._store.passages(ids)
        files = self._store.names(sorted({row.source for row in rows.values()}))
        return rows, {
            source: self._pages.get(name) or (self._documents / name).as_uri() for source, name in files.items()
        }


def _hit(row: PassageRow, place: Promoted | str, why: tuple[str, ...], score: float) -> Hit:
    added = "" if isinstance(place, str) else place.spoken
    return Hit(
        handle=ident("p", row.source, row.start, row.end),
        title=row.title,
        url=place if isinstance(place, str) else place.url,
        score=score,
        snippet=" ".join(row.text[: 2 * SNIPPET].split())[:SNIPPET],
        source=row.source,
        start=row.start,
        end=row.end,
        why=(*why, added) if added else why,
        added=added,
    )
