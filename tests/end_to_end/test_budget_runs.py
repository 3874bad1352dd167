"""Whole runs with models that spend all they can: a sample of ``bench.budgets``, and how a run ends at its cap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.budgets import case_of, play, summary, sweep
from bench.budgets_judging import Case, Ended, broken, tokens_above
from research.budget import Caps
from research.options import RunOptions
from research.ports import Price
from research.report import Skipped
from tools.fakes.hostile import GREEDS, Greed

PRICE = Price(prompt=150.0, completion=600.0)


def test_no_cap_is_passed_and_each_run_ends_in_a_report() -> None:
    """Two runs of each kind of model, caps at random: see the bench for what is asked of each."""
    ended, faults = sweep(2 * len(GREEDS), seed=7)
    assert faults == []
    assert tokens_above(ended) == 0
    assert {one.case.greed for one in ended} == set(GREEDS)
    assert "0 tokens above the cap, 12 reports" in summary(ended, 7)


def test_the_bench_prints_one_line() -> None:
    """The command of the README's figure, at its smallest."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.budgets", "--runs", "2", "--seed", "3"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 budget runs: 0 tokens above the cap, 2 reports")
    assert "seed 3" in done.stdout


def case(greed: Greed, caps: Caps, **options: object) -> Case:
    """A run of two rounds with these caps."""
    chosen = RunOptions(web=True, searx="http://search.example", model="scripted:hostile", mode="workflow", caps=caps)
    return Case(1, greed, msgspec.structs.replace(chosen, **options), PRICE, 0.0)


@pytest.mark.parametrize("greed", ["endless", "spreading", "long"])
@pytest.mark.parametrize("caps", [Caps(tokens=30_000), Caps(nano_usd=6_000_000), Caps(calls=24)], ids=str)
async def test_a_greedy_model_ends_at_its_cap_with_a_report(tmp_path: Path, greed: Greed, caps: Caps) -> None:
    """It uses most of what there is and nothing more, the report has findings, and it is not called done."""
    ended = await play(case(greed, caps, branches=2, rounds=4), tmp_path, seed=1)
    assert broken(ended) == []
    assert ended.report is not None
    assert ended.report.status == "partial"
    assert ended.report.findings
    assert ended.report.answer


async def test_what_an_exhausted_branch_has_found_is_used(tmp_path: Path) -> None:
    """Every branch runs out, and the report still quotes what they had read before, with its sources."""
    ended = await play(case("endless", Caps(calls=30), branches=2, rounds=1), tmp_path, seed=1)
    report = ended.report
    assert report is not None
    assert {branch.outcome for branch in report.branches} == {"out of budget"}
    assert report.findings
    assert report.sources
    named = {skipped.what for skipped in report.skipped}
    assert {branch.task for branch in report.branches} <= named


async def test_the_writer_gets_its_reserve_from_greedy_branches(tmp_path: Path) -> None:
    """However much the branches want, the model is asked to write with the part that was kept back."""
    ended = await play(case("endless", Caps(calls=40), branches=4, rounds=2), tmp_path, seed=1)
    report = ended.report
    assert report is not None
    assert Skipped(what="the model's report", why="done by the extractive analyst") not in report.skipped
    used = sum(branch.usage.calls for branch in report.branches)
    assert used <= 40 - 40 // 5
    assert report.usage.calls > used


@pytest.mark.parametrize("calls", [2, 3, 5, 8])
async def test_tasks_for_which_no_calls_are_left_are_named(tmp_path: Path, calls: int) -> None:
    """Each planned task is a branch of the report or is named as skipped."""
    ended = await play(case("sensible", Caps(calls=calls), branches=6, rounds=1), tmp_path, seed=1)
    assert broken(ended) == []
    assert ended.report is not None
    assert ended.report.skipped
    assert ended.report.status == "partial"


def test_cases_are_the_same_for_the_same_seed() -> None:
    """A run that broke a promise can be made again."""
    assert [case_of(number, 5) for number in range(6)] == [case_of(number, 5) for number in range(6)]
    assert case_of(0, 5) != case_of(0, 6)


async def test_a_broken_promise_is_noticed(tmp_path: Path) -> None:
    """The bench can fail: tokens, calls and time past a cap, usage left out, and a cut that is called done."""
    ended: Ended = await play(case("endless", Caps(tokens=30_000, calls=60, seconds=60.0)), tmp_path, seed=1)
    report = ended.report
    assert report is not None
    assert broken(ended) == []
    assert "above the cap" in broken(ended._replace(tokens=30_001))[0]
    assert "above the cap" in broken(ended._replace(calls=61))[0]
    assert "after the deadline" in broken(ended._replace(last=60.0))[0]
    assert "seen" in broken(ended._replace(tokens=report.usage.tokens + 1))[0]
    assert "no report" in broken(ended._replace(report=None, error="x"))[0]
    done = msgspec.structs.replace(report, status="done", skipped=())
    assert any("called done" in fault or "not named" in fault for fault in broken(ended._replace(report=done)))
    assert tokens_above([ended._replace(tokens=30_005)]) == 5
