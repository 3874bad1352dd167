"""The defects that are planted to try the sweeps are changes of the program as it is now."""

from __future__ import annotations

import pytest

from bench.attack_teeth import TEETH, Tooth
from bench.invariants import INVARIANTS
from bench.mutants import ROOT


@pytest.mark.parametrize("tooth", TEETH, ids=lambda tooth: tooth.id)
def test_a_planted_defect_changes_one_place(tooth: Tooth) -> None:
    """The text that it changes stands once in its file, and the invariant it breaks is one of the list."""
    assert (ROOT / tooth.file).read_text(encoding="utf-8").count(tooth.old) == 1
    assert tooth.old != tooth.new
    assert tooth.id in {one.id for one in INVARIANTS}
