"""What a corpus costs as it grows: time and memory to index and to ask it, and bytes, at 1,000 passages and more.

``python -m bench.corpus_growth [--sizes 1000,10000,100000] [--million] [--minilm RESEARCH_HOME] [--write]`` makes
folders of real text (``bench.corpus_growth_texts``, from ``--data``), indexes each with the real indexer in a process
of its own, asks 100 different questions in another, adds one document in a third, and takes each step of an index alone
(``bench.corpus_growth_steps``) in a fourth. ``--million`` does it with
1,000,000 passages, too, whose vectors are given (random directions); it needs some 30 GB in the temporary folder.
MiniLM is measured up to 10,000 passages. ``--write`` puts tables and plot into docs/performance.md; rows of other sizes
stay there, so that each size can be run on its own.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.corpus_growth_facts import PARTS, Measured, measure, run_part
from bench.corpus_growth_steps import NAMES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
BLOCK = re.compile(r"(<!-- corpus-growth -->\n)(.*?)(<!-- /corpus-growth -->)", re.S)
SIZES = "1000,10000,100000"
MILLION = 1_000_000
MINILM_MOST = 10_000
EMBEDDERS = ("hashing", "random", "minilm")

Key = tuple[int, str]
Cells = dict[str, list[str]]
"""The cells of one size with one embedder, by the table they are in."""


def _rate(measured: Measured, count: int) -> str:
    return f"{count / measured.index.seconds:,.0f}"


def _index_row(one: Measured) -> list[str]:
    index = one.index
    return [
        f"{one.made.documents:,}",
        f"{one.made.real:,}",
        f"{index.seconds:,.1f}",
        f"{index.cpu:,.1f}",
        _rate(one, one.made.documents),
        _rate(one, index.passages),
        f"{index.peak:,.0f}",
        f"{index.before:,.0f}",
    ]


def _steps_row(one: Measured) -> list[str]:
    """Return milliseconds a passage, by the clock and of the processor."""
    each = 1000 / one.index.passages
    return [f"{taken.wall * each:.2f} / {taken.cpu * each:.2f}" for taken in one.steps.values()] or ["–"] * len(NAMES)


def _disk_row(one: Measured) -> list[str]:
    sizes = [one.parts[part] / one.index.passages for part in PARTS]
    return [f"{size:,.0f}" for size in (*sizes, sum(sizes))]


def _ask_row(one: Measured) -> list[str]:
    asked = one.ask
    return [
        f"{1000 * asked.p50:,.0f}",
        f"{1000 * asked.p95:,.0f}",
        f"{asked.first:.2f}",
        f"{asked.peak:,.0f}",
        f"{one.nothing.seconds:.2f}",
        f"{one.one.seconds:.2f}",
    ]


TABLES: Mapping[str, tuple[Sequence[str], Callable[[Measured], list[str]]]] = {
    "Indexing": (
        ("documents", "real", "s", "processor s", "documents/s", "passages/s", "peak MiB", "MiB before"),
        _index_row,
    ),
    "Milliseconds a passage of each step alone, by the clock / of the processor": (NAMES, _steps_row),
    "Bytes on disk a passage": ((*PARTS, "all"), _disk_row),
    "Asking, and indexing again": (
        ("p50 ms", "p95 ms", "first s", "peak MiB", "nothing changed, s", "one document more, s"),
        _ask_row,
    ),
}
"""The columns of each table, and how its row of one measurement is made."""


def read(text: str) -> dict[Key, Cells]:
    """Return the rows of the tables in ``text``."""
    rows: dict[Key, Cells] = {}
    title = ""
    for line in text.splitlines():
        title = line.rstrip(":") if line.rstrip(":") in TABLES else title
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0].replace(",", "").isdigit():
            rows.setdefault((int(cells[0].replace(",", "")), cells[1]), {})[title] = cells[2:]
    return rows


def rows_of(measured: Measured) -> tuple[Key, Cells]:
    """Return what is shown of a measurement."""
    return (measured.size, measured.embedder), {title: row(measured) for title, (_, row) in TABLES.items()}


def page(rows: Mapping[Key, Cells]) -> str:
    """Return all tables, and the plot of what the built-in embedder's queries take."""
    order = sorted(rows, key=lambda key: (EMBEDDERS.index(key[1]), key[0]))
    return "\n".join([*_tables({key: rows[key] for key in order}), *_plot(rows)]) + "\n"


def _tables(rows: Mapping[Key, Cells]) -> Iterator[str]:
    for title, (columns, _) in TABLES.items():
        yield f"\n{title}:\n"
        yield f"| passages | embedder | {' | '.join(columns)} |"
        yield "|---|---|" + "---|" * len(columns)
        for (size, embedder), cells in rows.items():
            yield f"| {size:,} | {embedder} | {' | '.join(cells[title])} |"


def _plot(rows: Mapping[Key, Cells]) -> Iterator[str]:
    shown = sorted(key for key in rows if key[1] != "minilm")
    lines = [
        [float(rows[key]["Asking, and indexing again"][column].replace(",", "")) for key in shown] for column in (0, 1)
    ]
    yield "\n```mermaid\nxychart-beta"
    yield '  title "milliseconds a query, p50 and p95, by passages"'
    yield f"  x-axis [{', '.join(f'{chr(34)}{size:,}{chr(34)}' for size, _ in shown)}]"
    yield f'  y-axis "ms" 0 --> {max(max(line) for line in lines) * 1.2:.0f}'
    for line in lines:
        yield f"  line [{', '.join(f'{value:.0f}' for value in line)}]"
    yield "```"


def renewed(shown: str, measured: Sequence[Measured]) -> str:
    """Return the page ``shown`` with the rows of what was measured in place of its own."""
    found = BLOCK.search(shown)
    rows = read(found[2] if found else "") | dict(map(rows_of, measured))
    return BLOCK.sub(lambda match: match[1] + page(rows) + match[3], shown)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print, or be the process of one part."""
    parser = argparse.ArgumentParser(prog="python -m bench.corpus_growth")
    parser.add_argument("--sizes", default=SIZES, help=f"passages, with commas between [{SIZES}]; empty for none")
    parser.add_argument("--million", action="store_true", help="a million passages, too, with given vectors")
    parser.add_argument("--minilm", type=Path, metavar="RESEARCH_HOME", help="MiniLM of this home, too")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="where the real texts are")
    parser.add_argument("--write", action="store_true", help="put tables and plot into docs/performance.md")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        sys.stdout.buffer.write(run_part(*given.part))
        return
    sizes = [int(size) for size in given.sizes.split(",") if size]
    wanted = [(size, "hashing") for size in sizes]
    wanted += [(size, "minilm") for size in sizes if given.minilm and size <= MINILM_MOST]
    wanted += [(MILLION, "random")] if given.million else []
    measured = []
    for size, embedder in wanted:
        measured.append(measure(size, embedder, given.data, given.minilm, _say))
        if given.write:
            PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), measured[-1:]), encoding="utf-8")
    print(page(dict(map(rows_of, measured))))


if __name__ == "__main__":
    main()
