"""Weights of the lexical list when fusing: recall of the lexical list, the dense list and their fusions.

``python -m bench.retrieval FOLDER… [--minilm RESEARCH_HOME]`` on folders in BEIR form, for example
``../shared/data/multihop/*-train100``. What the corpus reaches as it is, is measured by ``research eval run``.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from evals.datasets import beir
from evals.records import Case, Outcome
from evals.scorers.ranking import recall
from research.app.records import Home
from research.app.systems.materials import Shelf, Shelved
from research.ports import Embedder
from research.ranking import reciprocal_rank
from research.records import Hit
from research.settings import load, prepare_home
from tools.corpus import DEPTH
from tools.embeddings import HashingEmbedder
from tools.minilm import MiniLMEmbedder, minilm_folder

CUTS = (recall(5), recall(10))
VOTES = (1, 2, 16, 64)


async def measured(folder: Path, embedder: Embedder) -> dict[str, float]:
    """Return recall, in percent, by list and cut."""
    loaded = beir.load(folder, "leave out")
    found: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        settings = load({"home": name}, {})
        prepare_home(settings.home)
        shelf = Shelf(loaded.corpora, Home(settings), embedder, lambda line: None)
        try:
            for case in loaded.cases:
                async with shelf.open(case.question.corpora) as held:
                    await record(found, case, *held.values())
        finally:
            shelf.close()
    return {name: round(100 * fmean(values), 1) for name, values in found.items()}


async def record(found: dict[str, list[float]], case: Case, shelved: Shelved) -> None:
    """Add the recall of one case by each list."""
    lexical, dense = await shelved.corpus.lists(case.question.text, DEPTH)
    lists: dict[str, list[Hit]] = {"lexical": lexical, "dense": dense}
    for votes in VOTES:
        fused = reciprocal_rank([lexical, dense], key=lambda hit: hit.handle, weights=(votes, 1))
        lists[f"fused, {votes} votes"] = fused
    for name, hits in lists.items():
        outcome = Outcome(ranked=tuple(shelved.ids[hit.url] for hit in hits))
        for cut in CUTS:
            score = cut.judge(case, outcome)
            if score is not None and score.value is not None:
                found[f"{name} {cut.name}"].append(score.value)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--minilm", type=Path, help="a RESEARCH_HOME in which `research setup embeddings` was run")
    given = parser.parse_args()
    embedder: Embedder = MiniLMEmbedder(minilm_folder(given.minilm)) if given.minilm else HashingEmbedder()
    for folder in given.folders:
        print(f"{folder.name}, {embedder.name}")
        for name, value in (await measured(folder, embedder)).items():
            print(f"  {name:28} {value:5.1f}")


if __name__ == "__main__":
    asyncio.run(main())
