"""``python -m bench.promises``: every bench has its turn, and the lines at the end are those that the README shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.promises import BENCHES, Bench, Ran, in_turn, summary

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"^\| `python -m bench\.(\w+)[^`]*` \| (.+) \|$", re.MULTILINE)
FIGURE = re.compile(r"[\d,]*\d")
PRINTED = {
    "kill": "2,653 crash points, 1,000 double crashes: 0 steps lost, 0 recorded calls repeated",
    "damage": "500 damaged stores: 0 silently wrong, 0 code run (113 refused, 257 unharmed, 130 healed)",
    "owner": "50 of 50 double resumes: one owner, 0 duplicated calls; slowest refusal 0.03 s",
    "faults": "543 runs with a failing model: 0 promises broken (258 done, 28 no report, resumed, 257 partial)",
    "budgets": "400 budget runs: 0 tokens above the cap, 400 reports (8 done, 392 partial; 4,846 calls; seed 1)",
}


@pytest.mark.parametrize("bench", BENCHES, ids=[bench.name for bench in BENCHES])
def test_the_line_of_a_sweep_is_the_one_that_the_readme_shows(bench: Bench) -> None:
    """What is kept of a bench's line is a line of the README's table, but for the figures."""
    told = bench.telling.fullmatch(PRINTED[bench.name])
    assert told is not None
    shown = SHOWN.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert (bench.name, FIGURE.sub("N", told[1])) in [(name, FIGURE.sub("N", line)) for name, line in shown]


def test_a_failed_bench_keeps_no_other_from_its_turn(capfd: pytest.CaptureFixture[str]) -> None:
    """The second bench runs although the first cannot; its line comes last but one, and the exit code is 1."""
    absent = BENCHES[-1]._replace(name="absent")
    assert in_turn((absent, BENCHES[-1]), 1) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-2:] == [
        "1 budget runs: 0 tokens above the cap, 1 reports",
        "FAILED python -m bench.absent: exit code 1",
    ]


def test_when_all_promises_held_no_bench_is_named() -> None:
    """The lines stand alone, in the order of the benches."""
    ran = [Ran("kill", 0, ("a", "b")), Ran("damage", 0, ("c",))]
    assert summary(ran) == "a\nb\nc"
