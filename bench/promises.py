"""All the promises in one go: every sweep in turn, and at the end a line for each. ``make promises``.

``python -m bench.promises [--sample N]`` runs ``bench.kill``, ``bench.damage``, ``bench.owner``, ``bench.faults`` and
``bench.budgets``, each in a process of its own, shows what they print, and goes on when one of them fails. It exits 1
when any did. With ``--sample N`` each sweep has N cases, to see in minutes that all of them run.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Bench(NamedTuple):
    """A bench, the options that say how many cases it has, and what of the lines that it prints says what held."""

    name: str
    numbers: tuple[str, ...]
    telling: re.Pattern[str]


class Ran(NamedTuple):
    """A bench that has run: its exit code (negative: killed by that signal) and the lines that say what held."""

    name: str
    code: int
    lines: tuple[str, ...]


BENCHES = (
    Bench("kill", ("--sample",), re.compile(r"(?:[A-F]  )?([\d,]+ [^:;]+: \d+ (?:steps )?lost, [^;]+)(?:;.*)?")),
    Bench("damage", ("--cases", "--each"), re.compile(r"(\d+ damaged stores: .+)")),
    Bench("owner", ("--cases",), re.compile(r"(\d+ of \d+ (?:double resumes|replaced owners)[^;]+);.*")),
    Bench("faults", ("--cases",), re.compile(r"(\d+ runs with a failing model: \d+ promises broken) \(.*")),
    Bench("budgets", ("--runs",), re.compile(r"(\d+ budget runs: [^(]+) \(.*")),
)


def run(bench: Bench, sample: int | None) -> Ran:
    """Run one bench to its end, show what it prints, and keep the lines that say what held."""
    command = [sys.executable, "-m", f"bench.{bench.name}"]
    if sample is not None:
        command += [word for option in bench.numbers for word in (option, str(sample))]
    print(f"$ python {' '.join(command[1:])}", flush=True)
    lines = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if told := bench.telling.fullmatch(line.rstrip("\n")):
                lines.append(told[1])
    return Ran(bench.name, process.returncode, tuple(lines))


def in_turn(benches: Sequence[Bench], sample: int | None) -> int:
    """Run every bench, whatever became of the one before, and print what held; return 1 when one failed."""
    ran = [run(bench, sample) for bench in benches]
    print(f"\n{summary(ran)}", flush=True)
    return int(any(one.code for one in ran))


def summary(ran: Sequence[Ran]) -> str:
    """Return a line for each sweep, and one for each bench that failed."""
    told = [line for one in ran for line in one.lines]
    failed = [f"FAILED python -m bench.{one.name}: exit code {one.code}" for one in ran if one.code]
    return "\n".join([*told, *failed])


def main() -> int:
    """Run and print; 1 when a bench failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.promises", description=__doc__.split("\n\n")[0])
    parser.add_argument("--sample", type=int, help="cases of each sweep [as many as the README says]")
    return in_turn(BENCHES, parser.parse_args().sample)


if __name__ == "__main__":
    sys.exit(main())
