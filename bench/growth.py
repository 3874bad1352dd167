"""What a run leaves behind and needs as it grows: bytes, memory, handles, seconds a call, seconds to resume.

``python -m bench.growth [--calls 10000]`` runs both shapes of ``bench.growing`` at 100, 300, 1,000, 3,000 and 10,000
calls (those up to ``--calls``), each size in a process of its own, over a home on the disk of the temporary folder.
Each run is stopped when its calls are made and only its report is missing, measured, and then resumed by another
process. The real command resumes the run of 1,000 calls, too, timed from the start of its process. ``k`` is the
exponent of bytes or seconds ~ calls^k, by least squares over the logarithms; 1 is linear. ``--write`` puts the tables
and the plot into docs/performance.md.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from bench.growth_facts import Measured, Taken, exponent, go_on, grow, measure

SIZES = (100, 300, 1_000, 3_000, 10_000)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BLOCK = re.compile(r"(<!-- growth -->\n)(.*?)(<!-- /growth -->)", re.S)
ROWS: tuple[tuple[str, Callable[[Measured], float], str, bool], ...] = (
    ("calls made", lambda m: m.grown.calls, ",.0f", False),
    ("`runs.db`, KiB", lambda m: m.grown.runs / 1024, ",.0f", True),
    ("… calls (intents, outcomes), KiB", lambda m: _table(m, "intents", "outcomes"), ",.0f", True),
    ("… records, KiB", lambda m: _table(m, "records"), ",.0f", True),
    ("… checkpoints and writes, KiB", lambda m: _table(m, "checkpoints", "writes"), ",.0f", True),
    ("`runs.db-wal` at its largest, KiB", lambda m: m.grown.wal / 1024, ",.0f", False),
    ("library, KiB", lambda m: m.grown.library / 1024, ",.0f", True),
    ("memory above the program's, KiB", lambda m: m.grown.memory, ",.0f", True),
    ("handles open at the most", lambda m: m.grown.handles_peak, ".0f", False),
    ("handles more than before, at the end", lambda m: m.grown.handles_more, ".0f", False),
    ("wall time a call, ms", lambda m: m.grown.wall / m.grown.calls * 1000, ".2f", False),
    ("processor time, s", lambda m: m.grown.cpu, ".2f", True),
    ("resume: opening and checking, s", lambda m: m.resumed.opening, ".3f", True),
    ("resume: replaying the calls, s", lambda m: m.resumed.replay, ".3f", True),
    ("resume: from there to the report, s", lambda m: m.resumed.report, ".3f", True),
    ("resume: memory above the program's, KiB", lambda m: m.resumed.memory, ",.0f", True),
)
"""Words, value, format, and whether an exponent is told."""
NAMES = {"wide": "all branches in one round", "deep": "two branches a round, round after round"}


def _table(measured: Measured, *names: str) -> float:
    return sum(measured.grown.tables.get(name, 0) for name in names) / 1024


def per_call(measured: Measured) -> float:
    """Return KiB of ``runs.db`` a call."""
    return measured.grown.runs / 1024 / measured.grown.calls


def page(measured: Sequence[Measured]) -> str:
    """Return tables and plot of all that was measured."""
    return "\n".join([*_tables(measured), *_plot(measured), *_command(measured)]) + "\n"


def _tables(measured: Sequence[Measured]) -> Iterator[str]:
    for shape in dict.fromkeys(one.shape for one in measured):
        own = [one for one in measured if one.shape == shape]
        yield f"\n`{shape}`, {NAMES[shape]}:\n"
        yield "| |" + " |" * len(own) + " k |"
        yield "|---|" + "---|" * (len(own) + 1)
        for words, value, form, fitted in ROWS:
            cells = [format(value(one), form) for one in own]
            k = exponent([(one.grown.calls, value(one)) for one in own])
            told = format(k, ".2f") if fitted and not math.isnan(k) else ""
            yield f"| {words} | {' | '.join(cells)} | {told} |"


def _plot(measured: Sequence[Measured]) -> Iterator[str]:
    """Yield the plot: what is linear in the calls is level here."""
    shapes = list(dict.fromkeys(one.shape for one in measured))
    sizes = [f"{one.grown.calls:,}" for one in measured if one.shape == shapes[0]]
    top = max(per_call(one) for one in measured)
    yield "\n```mermaid\nxychart-beta"
    yield f'  title "KiB of runs.db a call, by calls of the run ({" and ".join(shapes)})"'
    yield f"  x-axis [{', '.join(chr(34) + size + chr(34) for size in sizes)}]"
    yield f'  y-axis "KiB a call" 0 --> {top * 1.25:.1f}'
    for shape in shapes:
        yield f"  line [{', '.join(f'{per_call(one):.2f}' for one in measured if one.shape == shape)}]"
    yield "```"


def _command(measured: Sequence[Measured]) -> Iterator[str]:
    for one in measured:
        if one.command:
            wall, cpu = _medians(one.command)
            libraries, used = _medians(one.imports)
            yield (
                f"\n`research resume` of the run of {one.grown.calls:,} calls, from the start of the process to the "
                f"printed report, medians of {len(one.command)}: {wall:.2f} s, {cpu:.2f} s of processor time; "
                f"importing langgraph and langchain_openai alone, in turn with it: {libraries:.2f} s and {used:.2f} s. "
                f"Of the rest, opening and checking the stores takes {one.resumed.opening:.3f} s, replaying the calls "
                f"{one.resumed.replay:.3f} s (the run is ready for its next call), and going on to the report "
                f"{one.resumed.report:.3f} s."
            )


def _medians(taken: Sequence[Taken]) -> tuple[float, float]:
    return statistics.median(one.wall for one in taken), statistics.median(one.cpu for one in taken)


def main() -> None:
    """Measure and print, or be the process of one part."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--calls", type=int, default=SIZES[-1], help="the largest run [10000]")
    parser.add_argument("--write", action="store_true", help="put tables and plot into docs/performance.md")
    parser.add_argument("--part", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part, shape, calls, home = given.part
        facts = (grow if part == "grow" else go_on)(shape, int(calls), Path(home))
        sys.stdout.buffer.write(msgspec.json.encode(facts))
        return
    sizes = [size for size in SIZES if size < given.calls] + [given.calls]
    text = page([measure(shape, size) for shape in NAMES for size in sizes])
    print(text)
    if given.write:
        shown = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(BLOCK.sub(lambda match: match[1] + text + match[3], shown), encoding="utf-8")


if __name__ == "__main__":
    main()
