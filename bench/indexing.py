"""Seconds to index a folder, and to ask it: ``python -m bench.indexing FOLDER`` (unpack the PEPs, for example)."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import tempfile
import time
from pathlib import Path

from tools.clock import SystemClock
from tools.corpus import open_corpus
from tools.embeddings import HashingEmbedder
from tools.indexing import index_folder
from tools.library import FileLibrary
from tools.parse import ChildParser
from tools.seal import Seal

QUERIES = ("Who wrote PEP 572", "walrus operator assignment expressions", "why was the GIL made optional") * 10


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as home:
        corpus = Path(home, "corpora", "bench")
        library = FileLibrary(Path(home, "library"), SystemClock(), Seal(secrets.token_bytes(32)))
        for what in ("first index", "second index"):
            began = time.perf_counter()
            summary = await index_folder(folder, corpus, ChildParser(), library, HashingEmbedder(), public=True)
            print(f"{what}: {time.perf_counter() - began:.2f} s, {summary.files} files, {summary.passages} passages")
        opened = open_corpus(corpus, HashingEmbedder())
        seconds = []
        for query in QUERIES:
            began = time.perf_counter()
            hits = await opened.retrieve(query, 5)
            seconds.append(time.perf_counter() - began)
            if len(seconds) <= len(set(QUERIES)):
                print(f"{query}: {hits[0].title if hits else 'nothing'}")
        print(f"first retrieval {seconds[0]:.2f} s, then p50 {1000 * statistics.median(seconds[1:]):.1f} ms")
        opened.close()
        library.close()


if __name__ == "__main__":
    asyncio.run(main())
