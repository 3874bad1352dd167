"""Fits the weights of ``research.ranking_weights`` and says what they are worth on questions they were not fitted on.

``python -m bench.reranking FOLDER… [--embedder minilm --models RESEARCH_HOME]`` on folders in BEIR form, as
``../shared/data/multihop/*-train100``. It indexes them with the real indexer, makes the pools as the corpus makes them,
fits the rankings, prints the weights and recall at 2 and 5: *cross-validated* (five folds over the questions, each
ranked by weights fitted on the other four), *fitted* (on the questions themselves: no claim), and of the first ranking
*alone*. Fitting the shipped weights again takes some ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.datasets import shapes
from evals.suites.multihop import SHAPES
from research.app.records import Home
from research.app.systems.materials import Shelf, file_name
from research.ports import Embedder
from research.ranking_weights import Weights
from research.reranking import THIRD, settled
from research.settings import load, prepare_home
from tools.corpus import CANDIDATES, DEPTH
from tools.corpus_folder import corpus_folder
from tools.corpus_pool import Pool, Pools
from tools.corpus_store import CorpusStore
from tools.embeddings import HashingEmbedder
from tools.minilm import MiniLMEmbedder, minilm_folder
from tools.vectors import DenseIndex

Floats = NDArray[np.float64]

L2 = 0.02
"""Weight of the squared weights in what is minimised."""
FOLDS = 5
CUTS = (2, 5)
ROUNDS = 3


@dataclass
class Asking:
    """One question of one data set: its pool, and the document of each passage by source."""

    data: str
    pools: Pools
    pool: Pool
    gold: frozenset[str]
    documents: dict[str, str]

    def labels(self, pool: Pool) -> NDArray[np.bool_]:
        return np.array([self.documents[one.document] in self.gold for one in pool.cards], dtype=bool)

    def recalls(self, pool: Pool, order: NDArray[np.intp]) -> list[float]:
        """Return the shares of the needed documents among the first of an order of passages."""
        ranked = dict.fromkeys(self.documents[pool.cards[place].document] for place in order)
        return [len(self.gold & set(list(ranked)[:cut])) / len(self.gold) for cut in CUTS]


def fit(items: Sequence[tuple[Floats, NDArray[np.bool_], float]]) -> Floats:
    """Return weights that minimise, over ``(features, positive, weight)``, one softmax per positive against the rest.

    Listwise logistic loss after Cao et al., "Learning to Rank: From Pairwise to Listwise Approach" (ICML 2007).
    """
    from scipy.optimize import minimize

    useful = [(features, labels, weight) for features, labels, weight in items if labels.any() and not labels.all()]
    whole = sum(weight for _, _, weight in useful)

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = L2 * float(weights @ weights), 2 * L2 * weights
        for features, labels, share in useful:
            scores = features @ weights
            powers = np.exp(scores - scores.max())
            others = float(powers[~labels].sum())
            pull = powers[~labels] @ features[~labels]
            own = powers[labels]
            sums = own + others
            value -= share / whole * float(np.log(own / sums).sum())
            inner = (own[:, None] * features[labels] + pull[None, :]) / sums[:, None]
            slope = slope - share / whole * (features[labels] - inner).sum(axis=0)
        return value, slope

    start = np.zeros(useful[0][0].shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 400}).x)


@dataclass
class Fitted:
    """The weights of each ranking, and for each question its widened pool with the places of the passages, in order."""

    weights: list[Floats]
    ranked: list[tuple[Pool, NDArray[np.intp]]]


def fitted(askings: Sequence[Asking], chosen: Sequence[bool]) -> Fitted:
    """Fit the rankings one after the other on the ``chosen`` questions, and rank all of them."""
    sizes = Counter(one.data for one in askings)

    def learned(pools: Sequence[Pool], features: Sequence[Floats]) -> Floats:
        rows = zip(askings, pools, features, chosen, strict=True)
        return fit([(seen, one.labels(pool), 1 / sizes[one.data]) for one, pool, seen, taken in rows if taken])

    first = learned([one.pool for one in askings], [one.pool.first for one in askings])
    weights = [first]
    pools = [one.pools.widened(one.pool, one.pool.first @ first) for one in askings]
    tied = [one.pools.ties(pool) for one, pool in zip(askings, pools, strict=True)]
    features = [pool.first for pool in pools]
    while len(weights) < ROUNDS:
        rows = zip(askings, pools, tied, features, strict=True)
        features = [np.hstack([seen, one.pools.links(pool, t, seen @ weights[-1])]) for one, pool, t, seen in rows]
        weights.append(learned(pools, features))
    last = zip(pools, tied, features, strict=True)
    orders = [settled(pool.first @ first, seen @ weights[-1], t)[0] for pool, t, seen in last]
    return Fitted(weights=weights, ranked=list(zip(pools, orders, strict=True)))


def cross_validated(askings: Sequence[Asking], seed: int) -> list[list[float]]:
    """Return the recalls of each question, ranked by weights that did not see it."""
    folds = np.random.default_rng(seed).integers(0, FOLDS, len(askings))
    found: list[list[float]] = [[] for _ in askings]
    for fold in range(FOLDS):
        made = fitted(askings, [number != fold for number in folds])
        for at, one in enumerate(askings):
            if folds[at] == fold:
                found[at] = one.recalls(*made.ranked[at])
    return found


def told(askings: Sequence[Asking], recalls: Sequence[Sequence[float]], what: str) -> None:
    for name in dict.fromkeys(one.data for one in askings):
        mean = 100 * np.mean([row for one, row in zip(askings, recalls, strict=True) if one.data == name], axis=0)
        print(f"{what:16} {name:20} R@2 {mean[0]:5.1f}  R@5 {mean[1]:5.1f}", flush=True)


async def pooled(folder: Path, shelf: Shelf, stack: ExitStack) -> list[Asking]:
    """Return the first pool of each question of a shelf with one corpus."""
    loaded = shapes.load(folder, SHAPES)
    ((name, documents),) = loaded.corpora.items()
    place = corpus_folder(shelf.home.corpora, shelf.stored_name(name))
    store = CorpusStore(place)
    stack.callback(store.close)
    index = DenseIndex(place, shelf.embedder.name)
    index.agree(store)
    ids = {file_name(number, one): one.id for number, one in enumerate(documents)}
    sources = {row.source: ids[row.name] for row in store.files().values()}
    pools = Pools(store)
    found = []
    for case in loaded.cases:
        text = case.question.text
        vector = (await shelf.embedder.embed([text]))[0]
        pool = pools.found(text, vector, store.lexical(text, CANDIDATES), index.search(vector, DEPTH))
        gold = frozenset(id for id, grade in case.gold.grades.items() if grade > 0)
        found.append(Asking(folder.name, pools, pool, gold, sources))
    index.close()
    return found


async def gathered(folders: Sequence[Path], embedder: Embedder, home: Path, stack: ExitStack) -> list[Asking]:
    """Index the data sets below ``home``, where that was not done before, and pool for every question."""
    settings = load({"home": str(home)}, {})
    prepare_home(settings.home)
    askings = []
    for folder in folders:
        shelf = Shelf(shapes.load(folder, SHAPES).corpora, Home(settings), embedder, lambda line: None)
        await shelf.prepare()
        shelf.close()
        askings += await pooled(folder, shelf, stack)
    return askings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--minilm", type=Path, help="a RESEARCH_HOME in which `research setup embeddings` was run")
    parser.add_argument("--home", type=Path, help="where the indexes are kept for the next time")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    embedder: Embedder = MiniLMEmbedder(minilm_folder(given.minilm)) if given.minilm else HashingEmbedder()
    with ExitStack() as stack:
        home = given.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        askings = asyncio.run(gathered(given.folders, embedder, home, stack))
        print(embedder.name)
        told(askings, cross_validated(askings, given.seed), "cross-validated")
        made = fitted(askings, [True] * len(askings))
        alone = [np.argsort(-(one.pool.first @ made.weights[0]), kind="stable") for one in askings]
        told(askings, [one.recalls(one.pool, order) for one, order in zip(askings, alone, strict=True)], "first alone")
        told(askings, [one.recalls(*ranked) for one, ranked in zip(askings, made.ranked, strict=True)], "fitted")
        for name, weights in zip(Weights.__struct_fields__, made.weights, strict=True):
            print(f"    {name}=({', '.join(f'{weight:.2f}' for weight in weights)}),")
        for label, *values in zip_longest(THIRD, *made.weights, fillvalue=float("nan")):
            print(f"{label!s:50}" + "".join(f"{value:8.2f}" for value in values))


if __name__ == "__main__":
    main()
