"""Recall of the lexical list, the dense list and their fusion on public sets in BEIR form.

``python -m bench.retrieval FOLDER… [--minilm RESEARCH_HOME]``, for example on ``../shared/data/multihop/*-train100``.
Each document is one file of a corpus, so everything from reading to fusing is the program's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from research.ports import Embedder
from research.ranking import reciprocal_rank
from tools.clock import SystemClock
from tools.corpus import DEPTH, HybridCorpus, open_corpus
from tools.embeddings import HashingEmbedder
from tools.indexing import index_folder
from tools.library import FileLibrary
from tools.minilm import MiniLMEmbedder, minilm_folder
from tools.parse import ChildParser

CUTS = (5, 10)
VOTES = (1, 2, 16, 64)


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def gold(path: Path) -> dict[str, set[str]]:
    """Return the relevant documents of each query."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, relevance = line.split("\t")[:3]
        if int(relevance) > 0:
            wanted[query].add(document)
    return wanted


async def indexed(folder: Path, home: Path, embedder: Embedder) -> HybridCorpus:
    """Write each document as a file that bears its id, and index them."""
    files = home / "files"
    files.mkdir()
    for number, document in enumerate(lines(folder / "corpus.jsonl")):
        title = " ".join(document.get("title", "").split()) or "untitled"
        text = f"Title: {title}\nId: {document['_id']}\n\n{document['text']}\n"
        (files / f"{number}.txt").write_text(text, encoding="utf-8")
    library = FileLibrary(home / "library", SystemClock())
    await index_folder(files, home / "corpora" / "c", ChildParser(), library, embedder, public=True)
    library.close()
    return open_corpus(home / "corpora" / "c", embedder)


async def measured(folder: Path, embedder: Embedder) -> dict[str, float]:
    """Return recall, in percent, by list and cut."""
    found: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as home:
        corpus = await indexed(folder, Path(home), embedder)
        ids = corpus_ids(Path(home) / "library" / "texts")
        wanted = gold(folder / "qrels.tsv")
        for query in lines(folder / "queries.jsonl"):
            lexical, dense = await corpus.lists(query["text"], DEPTH)
            lists = {"lexical": lexical, "dense": dense}
            for votes in VOTES:
                lists[f"fused, {votes} votes"] = reciprocal_rank(
                    [*[lexical] * votes, dense], key=lambda hit: hit.handle
                )
            for name, hits in lists.items():
                record(found, name, [ids[hit.source] for hit in hits], wanted.get(query["_id"], set()))
        corpus.close()
    return {name: round(100 * sum(values) / len(values), 1) for name, values in found.items()}


def record(found: dict[str, list[float]], name: str, documents: Sequence[str], wanted: set[str]) -> None:
    for cut in CUTS if wanted else ():
        best = set(list(dict.fromkeys(documents))[:cut])
        found[f"{name} @{cut}"].append(len(best & wanted) / len(wanted))


def corpus_ids(texts: Path) -> dict[str, str]:
    """Return each stored text's document id, read from its header."""
    return {path.stem: path.read_text(encoding="utf-8").split("\n", 2)[1][4:] for path in texts.rglob("*.txt")}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--minilm", type=Path, help="a RESEARCH_HOME in which `research setup embeddings` was run")
    given = parser.parse_args()
    embedder: Embedder = MiniLMEmbedder(minilm_folder(given.minilm)) if given.minilm else HashingEmbedder()
    for folder in given.folders:
        print(f"{folder.name}, {embedder.name}")
        for name, value in (await measured(folder, embedder)).items():
            print(f"  {name:24} {value:5.1f}")


if __name__ == "__main__":
    asyncio.run(main())
