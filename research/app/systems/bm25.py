"""Plain BM25 over whole documents: the textbook baseline that a corpus's own lexical list is compared with.

BM25 as Lucene computes it (Kamphuis et al., "Which BM25 do you mean?", ECIR 2020), k1 = 1.2, b = 0.75; a document is
its title and text as one field; lower-cased words without Lucene's 33 English stop words, Porter stems. A corpus's own
list differs: passages instead of documents, titles and headings that count more, a name with its number as a phrase,
more stop words, and SQLite's variant of the formula. ``bench/bm25.py`` prints both beside a reference implementation.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from evals.records import Corpora, Outcome, System
from research.app.systems.documents import documents_of
from research.records import Question
from tools.clock import SystemClock

K1, B = 1.2, 0.75
DEPTH = 200
"""Documents ranked for a query."""
_STOPWORDS = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with"
)
STOPWORDS = frozenset(_STOPWORDS.split())
"""Those of Lucene's ``EnglishAnalyzer``."""
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Return the lower-cased words of ``text`` in order, without stop words."""
    return [word for word in _WORD.findall(text.lower()) if word not in STOPWORDS]


def porter(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the Porter stem of each word, by SQLite's tokenizer; a word that it divides has several."""
    distinct = list(dict.fromkeys(words))
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE VIRTUAL TABLE t USING fts5(word, tokenize='porter unicode61 remove_diacritics 2')")
        database.executemany("INSERT INTO t(rowid, word) VALUES (?, ?)", enumerate(distinct))
        database.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')")
        stems: list[list[str]] = [[] for _ in distinct]
        for term, row in database.execute("SELECT term, doc FROM v ORDER BY doc, offset"):
            stems[row].append(term)
    return dict(zip(distinct, map(tuple, stems), strict=True))


class PlainBm25:
    """An index in memory over texts; a text's number is its place."""

    def __init__(self, texts: Sequence[str]) -> None:
        cut = [words(text) for text in texts]
        self._stems = porter(word for found in cut for word in found)
        counts = [Counter(stem for word in found for stem in self._stems[word]) for found in cut]
        self._lengths = np.array([sum(count.values()) for count in counts], dtype=np.float64)
        postings: dict[str, list[tuple[int, int]]] = {}
        for number, count in enumerate(counts):
            for stem, times in count.items():
                postings.setdefault(stem, []).append((number, times))
        self._postings = {stem: np.array(entries) for stem, entries in postings.items()}

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return the score of every text: a query's word counts as often as it stands there."""
        found = words(query)
        new = [word for word in found if word not in self._stems]
        stems = self._stems | porter(new) if new else self._stems
        total = np.zeros(len(self._lengths))
        norms = K1 * (1 - B + B * self._lengths / max(float(self._lengths.mean()), 1e-9))
        for stem, times in Counter(stem for word in found for stem in stems[word]).items():
            entries = self._postings.get(stem)
            if entries is None:
                continue
            texts, counts = entries[:, 0], entries[:, 1]
            idf = np.log1p((len(total) - len(texts) + 0.5) / (len(texts) + 0.5))
            total[texts] += times * idf * counts / (counts + norms[texts])
        return total

    def best(self, query: str, limit: int) -> list[int]:
        """Return the texts that hold a word of the query, best first; of equal ones, the first first."""
        scores = self.scores(query)
        order = np.argsort(-scores, kind="stable")[:limit]
        return [int(place) for place in order if scores[place] > 0]


def ranking_by_bm25(corpora: Corpora) -> System:
    """Return the system ``bm25``. The corpora that a question names are ranked as one."""
    indexes: dict[tuple[str, ...], PlainBm25] = {}
    turn, clock = asyncio.Lock(), SystemClock()

    async def system(question: Question) -> Outcome:
        documents = documents_of(corpora, question.corpora)
        async with turn:
            if question.corpora not in indexes:
                texts = [f"{document.title} {document.text}" for document in documents]
                indexes[question.corpora] = await asyncio.to_thread(PlainBm25, texts)
        began = clock.monotonic()
        best = indexes[question.corpora].best(question.text, DEPTH)
        return Outcome(ranked=tuple(documents[place].id for place in best), seconds=clock.monotonic() - began)

    return system
