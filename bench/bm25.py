"""nDCG@10 of the lexical list and of plain BM25, beside a reference BM25, on public sets in BEIR form.

``python -m bench.bm25 FOLDER…``, for example on ``../shared/data/retrieval/*``. The reference is bm25s with its own
tokenizer and English stop words, the Lucene variant, k1 = 1.2, b = 0.75, Porter stems, over "title text". Each figure
is computed twice: by trec_eval (pytrec_eval) and by the scorer of the evals.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import bm25s
import msgspec
import pytrec_eval

from evals.records import Document, Outcome, System
from evals.scorers.ranking import ndcg
from evals.suite import Loaded, Request
from evals.suites.retrieval import SUITE
from research.app.systems import open_system
from research.app.systems.bm25 import DEPTH, K1, B, porter
from research.records import Question
from research.settings import load


def stemmed(words: Sequence[str]) -> list[str]:
    """What bm25s asks of a stemmer: one stem for each word."""
    stems = porter(words)
    return [stems[word][0] if stems[word] else word for word in words]


def reference(documents: Sequence[Document]) -> System:
    """The system that ranks by bm25s."""
    tokens = _tokens([f"{document.title} {document.text}" for document in documents])
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    index.index(tokens, show_progress=False)

    async def system(question: Question) -> Outcome:
        asked = _tokens([question.text])
        places, scores = index.retrieve(asked, k=min(DEPTH, len(documents)), show_progress=False)
        found = zip(places[0], scores[0], strict=True)
        return Outcome(ranked=tuple(documents[int(place)].id for place, score in found if score > 0))

    return system


def _tokens(texts: Sequence[str]) -> list[list[str]]:
    tokens: list[list[str]] = bm25s.tokenize(
        list(texts), stopwords="en", stemmer=stemmed, return_ids=False, show_progress=False
    )
    return tokens


def figures(loaded: Loaded, outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Mean nDCG@10 in percent, by trec_eval and by the evals' scorer, over the cases that have gold documents."""
    gold = {case.id: case.gold.grades for case in loaded.cases if any(case.gold.grades.values())}
    run = {
        case.id: {id: float(-place) for place, id in enumerate(outcome.ranked or ())}
        for case, outcome in zip(loaded.cases, outcomes, strict=True)
        if case.id in gold
    }
    theirs = pytrec_eval.RelevanceEvaluator(gold, {"ndcg_cut.10"}).evaluate(run)
    judged = [ndcg(10).judge(case, outcome) for case, outcome in zip(loaded.cases, outcomes, strict=True)]
    ours = [score.value for score in judged if score is not None and score.value is not None]
    return 100 * sum(one["ndcg_cut_10"] for one in theirs.values()) / len(gold), 100 * sum(ours) / len(ours)


@asynccontextmanager
async def opened(name: str, loaded: Loaded, home: Path, say: Callable[[str], None]) -> AsyncIterator[System]:
    """One of this project's systems, or the reference."""
    if name == "bm25s":
        yield reference([document for documents in loaded.corpora.values() for document in documents])
        return
    settings = msgspec.structs.replace(load({"home": str(home)}, {}), embedder="hashing")
    async with open_system(name, loaded.corpora, settings, settings.options(), home=home, say=say) as system:
        yield system


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    for folder in parser.parse_args().folders:
        loaded = SUITE.load(Request(data=folder, seed=0))
        print(f"{folder.name}: {len(loaded.cases)} queries; nDCG@10 by trec_eval, by the scorer")
        with tempfile.TemporaryDirectory() as home:
            for name in ("lexical", "bm25", "bm25s"):
                async with opened(name, loaded, Path(home), lambda line: None) as system:
                    outcomes = [await system(case.question) for case in loaded.cases]
                theirs, ours = figures(loaded, outcomes)
                print(f"  {name:8} {theirs:6.2f} {ours:6.2f}")


if __name__ == "__main__":
    asyncio.run(main())
