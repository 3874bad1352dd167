"""The benches of growth and of the journal: small runs of them, and what docs/performance.md shows of them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from bench.growing import options_for
from bench.growth import BLOCK, PAGE, SIZES, page
from bench.growth_facts import Measured, Taken, exponent, go_on, grow
from bench.journal import WARM_UP, measure
from research import app
from research.settings import load


@pytest.mark.parametrize("shape", ["wide", "deep"])
def test_a_run_is_grown_to_its_report_and_resumed(shape: str, tmp_path: Path) -> None:
    """It makes the calls it was asked for, has them all in its file, leaves no handle open, and no call is repeated."""
    home = tmp_path / "home"
    grown = grow(shape, 150, home)
    assert 100 < grown.calls < 200
    settings = load({"home": str(home)}, {})
    (left,) = app.runs(settings)
    assert (left.status, left.calls) == ("interrupted", 2 * grown.calls)
    assert grown.handles_more == 0 and grown.handles_peak > 0
    assert {"intents", "outcomes", "records", "checkpoints"} <= set(grown.tables)
    assert sum(grown.tables.values()) <= grown.runs
    resumed = go_on(shape, 150, home)
    assert resumed.ready > 0
    (ended,) = app.runs(settings)
    assert (ended.status, ended.calls) == ("done", 2 * grown.calls)
    taken = (Taken(wall=1.5, cpu=1.0), Taken(wall=2.5, cpu=1.0))
    told = page([Measured(shape=shape, grown=grown, resumed=resumed, command=taken, imports=taken)])
    assert f"| calls made | {grown.calls} |" in told
    assert "medians of 2: 2.00 s, 1.00 s of processor time" in told


def test_the_shapes_differ_in_branches_and_rounds() -> None:
    """Wide has one round, deep has two branches a round; both grow with the calls."""
    wide, deep = options_for("wide", 3_000), options_for("deep", 3_000)
    assert (wide.rounds, deep.branches) == (1, 2)
    assert 140 < wide.branches < 160 and 55 < deep.rounds < 65


def test_the_exponent_is_that_of_the_power() -> None:
    """1 for what is linear, 2 for what is quadratic, not a number for a single point."""
    assert exponent([(x, 7.0 * x) for x in SIZES]) == pytest.approx(1.0)
    assert exponent([(x, 0.1 * x * x) for x in SIZES]) == pytest.approx(2.0)
    assert math.isnan(exponent([(100, 5.0)]))


def test_the_page_shows_every_size_and_the_plot_is_that_of_its_tables() -> None:
    """``python -m bench.growth --write`` wrote them together; the plot's figures follow from the tables' rows."""
    block = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    assert block is not None
    rows = {"calls made": [], "`runs.db`, KiB": []}  # type: dict[str, list[list[float]]]
    for words, cells in re.findall(r"^\| ([^|]+) \| ((?:[\d,]+ \| )+)", block[2], re.M):
        if words in rows:
            rows[words].append([float(cell.replace(",", "")) for cell in cells.split("|") if cell.strip()])
    lines = [[float(value) for value in line.split(",")] for line in re.findall(r"^  line \[(.*)\]$", block[2], re.M)]
    assert len(lines) == len(rows["calls made"]) == 2
    for calls, kib, line in zip(rows["calls made"], rows["`runs.db`, KiB"], lines, strict=True):
        assert len(calls) == len(SIZES)
        assert [size / count for count, size in zip(calls, kib, strict=True)] == pytest.approx(line, abs=0.01)


async def test_the_bench_of_the_journal_times_each_call_of_both(tmp_path: Path) -> None:
    """As many times as calls, none of them 0, and the journal's own file has two rows for each."""
    journal, bare = await measure(tmp_path, 5)
    assert len(journal) == len(bare) == 5
    assert min(*journal, *bare) > 0
    (row,) = app.runs(load({"home": str(tmp_path / "home")}, {}))
    assert row.calls == 2 * (5 + WARM_UP)
