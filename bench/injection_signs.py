"""How many published attacks leave a sign, by file and pattern, and in how many honest texts one is found.

``python -m bench.injection_signs DATA`` reads ``DATA/attacks/*.jsonl`` (each ``text`` is put after the first sentence
of an honest carrier, cleaned as a page is, and its signs counted), and as honest texts ``DATA/worlds`` (archives of
written pages) and the ``corpus.jsonl`` of ``DATA/retrieval`` and ``DATA/multihop``. A poisoned passage is no
instruction and ought to leave none; its file is shown for that.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from research.clean import clean_text
from research.injection import signs_in

CARRIER = (
    "The lighthouse was lit for the first time in 1868.",
    "Its keeper wrote down the weather every morning, and the book is kept in the harbour museum.",
)
WRITTEN = (".rst", ".md", ".txt")
MOST_SHOWN = 3


class Tally(NamedTuple):
    """Texts with a sign, of how many, and in how many each pattern stands."""

    found: int
    read: int
    patterns: Counter[str]

    @property
    def line(self) -> str:
        share = 100 * self.found / self.read if self.read else 0.0
        return f"{self.found:6,} of {self.read:6,}  {share:6.2f} %"


def tallied(texts: Iterable[str]) -> Tally:
    """Return the tally of the texts, each cleaned as a stored page is."""
    found = read = 0
    patterns: Counter[str] = Counter()
    for text in texts:
        signs = signs_in(clean_text(text))
        read += 1
        found += bool(signs)
        patterns.update(signs.keys())
    return Tally(found, read, patterns)


def carried(text: str) -> str:
    """Return an honest text with ``text`` in its middle."""
    return f"{CARRIER[0]}\n\n{text}\n\n{CARRIER[1]}"


def attacks(path: Path) -> Iterator[str]:
    """Yield the text of every row of a file of attacks that is one, in its carrier."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if isinstance(row.get("text"), str):
            yield carried(row["text"])


def honest(data: Path) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield each set of honest texts by its name."""
    for path in sorted((data / "worlds").rglob("*")):
        if path.name.endswith(".tar.gz"):
            yield path.name, _tar(path)
        elif path.suffix == ".zip":
            yield path.name, _zip(path)
    for path in sorted([*data.glob("retrieval/*/corpus.jsonl"), *data.glob("multihop/*/corpus.jsonl")]):
        yield path.parent.name, _corpus(path)


def _tar(path: Path) -> Iterator[str]:
    with tarfile.open(path) as archive:
        for member in archive:
            held = archive.extractfile(member) if member.name.endswith(WRITTEN) else None
            if held is not None:
                yield held.read().decode("utf-8", "replace")


def _zip(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(WRITTEN):
                yield archive.read(name).decode("utf-8", "replace")


def _corpus(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield f"{row.get('title', '')}\n{row['text']}"


def shown(name: str, tally: Tally) -> None:
    """Print one set: how many texts have a sign, and which patterns most."""
    print(f"{name:28} {tally.line}")
    for pattern, count in tally.patterns.most_common(None if tally.read < 2_000 else MOST_SHOWN):
        print(f"    {count:6,}  {pattern}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data"), help="the folder of the data")
    data: Path = parser.parse_args().data
    if not (data / "attacks").is_dir():
        parser.error(f"{data} has no folder attacks")
    began = time.process_time()
    print("attacks with a sign")
    for path in sorted((data / "attacks").glob("*.jsonl")):
        tally = tallied(attacks(path))
        if tally.read:
            shown(path.stem, tally)
    print("\nhonest texts with a sign")
    sizes = Tally(0, 0, Counter())
    for name, texts in honest(data):
        tally = tallied(texts)
        shown(name, tally)
        sizes = Tally(sizes.found + tally.found, sizes.read + tally.read, sizes.patterns + tally.patterns)
    shown("all honest texts", sizes)
    print(f"\n{time.process_time() - began:.1f} s of CPU")


if __name__ == "__main__":
    main()
