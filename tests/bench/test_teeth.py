"""The planted defects: at least three for each invariant, each still fits the code, and one of them is played here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.mutants import Mutant, play
from bench.teeth import PLANTED

ROOT = Path(__file__).resolve().parents[2]
ALL = [pytest.param(name, mutant, id=f"{name}: {mutant.says}") for name, own in PLANTED.items() for mutant in own]


def test_each_invariant_has_three_defects() -> None:
    """An invariant with fewer is one that nobody tried to break; no defect is listed twice."""
    assert {name: len(own) for name, own in PLANTED.items() if len(own) < 3} == {}
    changes = [(mutant.file, mutant.old, mutant.new) for own in PLANTED.values() for mutant in own]
    assert len(set(changes)) == len(changes)


@pytest.mark.parametrize(("name", "mutant"), ALL)
def test_each_defect_fits_the_code(name: str, mutant: Mutant) -> None:
    """The line it breaks is there once, it changes it, and the tests that have to notice exist."""
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    assert mutant.new != mutant.old
    assert len(list((ROOT / "tests").rglob(f"{mutant.tests}.py"))) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="defects are played without a network, by Linux's namespaces")
def test_a_defect_is_noticed_and_a_harmless_change_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """The bench tells a broken right from a comment; `python -m bench.teeth` plays all defects."""
    right = PLANTED["rights"][0]
    comment = Mutant("a comment", right.file, "class Access:", "class Access:  # as before", right.tests)
    assert play([right, comment]) == 1
    shown = capsys.readouterr().out
    assert f"caught  {right.says}" in shown
    assert "MISSED  a comment" in shown
