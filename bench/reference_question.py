"""The language-model path on one reference question, measured against bars: time, memory, tokens, faults.

``python -m bench.reference_question [--runs 5] [--seeds 6] [--write]`` runs the real command, process start included,
against a far side with fixed delays in a process of its own: a model (0.4 s and 5 ms a token), a search and pages
(0.15 s each). The question asks for three things; its run has 3 branches, 9 searches, 18 pages and a report of about
1,500 tokens (``bench.reference_question_scene``). The chain is the longest path of calls that waited for one another,
read off the far side's own clock (``bench.reference_question_judging``). A bar that is missed is told, and the command
exits 1. ``--write`` puts the table into docs/performance.md. Times want a quiet machine.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.reference_question_judging import by_step, length, models, read_whole, repeated, tokens
from bench.reference_question_runs import Ended, Taken, importing, once, together

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BLOCK = re.compile(r"(<!-- reference question -->\n)(.*?)(<!-- /reference question -->)", re.S)
SEVERAL = 16
SHARE = 0.1
CEILING = 100_000
"""Tokens that a run may take whose model never finishes."""
FEWEST_READ = 15


class Row(NamedTuple):
    """A line of the table: what is measured, its bar in words, what was measured, and whether the bar holds."""

    what: str
    bar: str
    figure: str
    held: bool


class Clean(NamedTuple):
    """Runs without a fault, and how long importing the libraries alone took beside them."""

    runs: Sequence[Ended]
    imports: Sequence[float]


def rows(clean: Clean, alone: Taken, several: Taken, spoiled: Sequence[Ended], endless: Ended) -> list[Row]:
    """Return the table's lines."""
    return [*_times(clean), *_process(alone, several), *_work(clean), *_faults(clean, spoiled), _ceiling(endless)]


def _times(clean: Clean) -> Iterator[Row]:
    timings = [run.timing for run in clean.runs]
    ratio = statistics.median(timing.ratio for timing in timings)
    seconds = statistics.median(length(timing.chain) for timing in timings)
    calls = max(len(models(timing.chain)) for timing in timings)
    start, imports = statistics.median(timing.start for timing in timings), statistics.median(clean.imports)
    beside = f"{start:.2f} s; importing langgraph and langchain_openai alone {imports:.2f} s"
    yield Row("(wall − start) / chain, checkpoints on", "≤ 1.03", f"{ratio:.3f}", ratio <= 1.03)
    chain = f"{seconds:.2f} s, {calls} model calls"
    yield Row("chain of calls", "≤ 14 s, ≤ 8 model calls on it", chain, seconds <= 14 and calls <= 8)
    yield Row("start to first model call", "≤ 1.8 s", beside, start <= 1.8)


def _process(alone: Taken, several: Taken) -> Iterator[Row]:
    calls = several.calls - alone.calls
    own, children = (
        1000 * (many - one) / calls for many, one in ((several.own, alone.own), (several.children, alone.children))
    )
    told = f"{own:.1f} ms; children that parse pages {children:.1f} ms"
    what = f"processor time a model call, {SEVERAL} runs in one process"
    yield Row(what, "≤ 12 ms", told, own <= 12)
    told = f"{alone.memory:.0f} MB, {several.memory:.0f} MB"
    held = alone.memory <= 110 and several.memory <= 150
    yield Row(f"memory at the most, 1 run and {SEVERAL}", "≤ 110 MB, ≤ 150 MB", told, held)


def _work(clean: Clean) -> Iterator[Row]:
    logs = [run.timing.served for run in clean.runs]
    totals = [tokens(served) for served in logs]
    prompt, completion = max(totals, key=sum)
    read = min(read_whole(served) for served in logs)
    told = f"{prompt + completion:,} ({prompt:,} + {completion:,}), {read} sources read in full"
    bar = f"≤ 70,000, ≥ {FEWEST_READ} sources in full"
    yield Row("prompt and completion tokens", bar, told, prompt + completion <= 70_000 and read >= FEWEST_READ)
    again = [sum(repeated(served).get(kind, 0) for served in logs) for kind in ("model", "search", "page")]
    told = ", ".join(map(str, again))
    yield Row("prompt, query, page paid again", "0, 0, 0", told, not any(again))


def _faults(clean: Clean, spoiled: Sequence[Ended]) -> Iterator[Row]:
    usual, sources = clean.runs[0], clean.runs[0].sources
    whole = sum(run.code == 0 and run.sources >= sources for run in spoiled)
    named = sum(run.code == 3 and bool(run.named) for run in spoiled)
    made = [len(run.timing.served) for run in spoiled]
    ratio = sum(made) / (len(made) * len(usual.timing.served))
    faults = [sum(bool(call.fault) for call in run.timing.served) for run in spoiled]
    words = (
        f"{whole + named} of {len(spoiled)}: {whole} as the clean run, {named} with the loss in report and exit code"
    )
    yield Row(f"{SHARE:.0%} faults, {len(spoiled)} seeds", "all", words, whole + named == len(spoiled))
    most = max(range(len(made)), key=made.__getitem__)
    top = made[most] / len(usual.timing.served)
    words = f"{ratio:.3f} ×; the most {top:.3f} ×, where {faults[most]} of {made[most]} were spoiled"
    yield Row("calls with faults", "≤ 1.15 × those without", words, ratio <= 1.15)


def _ceiling(run: Ended) -> Row:
    used = sum(tokens(run.timing.served))
    told = f"{used:,} tokens, {run.status} report, exit {run.code}"
    held = used <= CEILING and run.status == "partial" and run.code == 3
    return Row(f"a model that never finishes, cap of {CEILING:,} tokens", "partial report, exit 3", told, held)


def table(lines: Sequence[Row], clean: Clean) -> str:
    """Return the table, and below it what each step of the model took."""
    head = ["| | bar | measured |", "|---|---|---|"]
    body = [f"| {row.what} | {row.bar} | {row.figure}{'' if row.held else ' (missed)'} |" for row in lines]
    steps = ["\nThe model's calls of one run:\n", "| asked for | calls | prompt | completion |", "|---|---|---|---|"]
    for name, calls, prompt, completion in by_step(clean.runs[0].timing.served):
        steps.append(f"| {name.replace('+', ', ')} | {calls} | {prompt:,} | {completion:,} |")
    return "\n".join([*head, *body, *steps])


def main() -> int:
    """Measure and print; 1 when a bar was missed."""
    flags = argparse.ArgumentParser(prog="python -m bench.reference_question", description=__doc__.split("\n\n")[0])
    flags.add_argument("--runs", type=int, default=5, help="runs without a fault, for medians [5]")
    flags.add_argument("--seeds", type=int, default=6, help="runs with faults [6]")
    flags.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    given = flags.parse_args()
    once()  # so that every module is compiled
    clean = Clean([once() for _ in range(given.runs)], [importing() for _ in range(given.runs)])
    spoiled = [once(far=("--share", str(SHARE), "--seed", str(seed))) for seed in range(1, given.seeds + 1)]
    endless = once("--max-tokens-total", str(CEILING), "--rounds", "10", far=("--endless",))
    lines = rows(clean, together(1), together(SEVERAL), spoiled, endless)
    text = table(lines, clean)
    print(text)
    if given.write:
        shown = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(BLOCK.sub(lambda match: f"{match[1]}{text}\n{match[3]}", shown), encoding="utf-8")
    return int(not all(row.held for row in lines))


if __name__ == "__main__":
    sys.exit(main())
