"""Defects planted in the program, to see that the sweeps with attackers notice: ``python -m bench.attack_teeth [N]``.

Each defect of ``TEETH`` (or the first N) is made in a copy of the project, and ``bench.worst_case`` makes runs of
that copy; the invariant named beside the defect has to break. One that goes unnoticed is printed as MISSED, and the
exit code is 1. Where one layer lies behind another (caps, keys, private text) one defect alone breaks nothing, and none
is listed. Defects that a check notices of a single run are in ``tests/bench/test_invariants.py``, those that unit
tests notice in ``bench.teeth``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from bench.mutants import copied

RUNS = 25


class Tooth(NamedTuple):
    """``old`` in ``file`` becomes ``new``; the invariant ``id`` has to break."""

    id: str
    says: str
    file: str
    old: str
    new: str


TEETH = (
    Tooth(
        "I5",
        "rounds of branches have no end",
        "graphs/nodes.py",
        'if state["round"] >= context.bounds.rounds or short',
        'if state["round"] >= 99 or short',
    ),
    Tooth(
        "I6",
        "a finding has the words of the model, not those of the source",
        "research/citations.py",
        "                quote=own,\n",
        "                quote=own[1:] + own[:1],\n",
    ),
    Tooth(
        "I7",
        "square brackets are not escaped in a report",
        "research/sanitize.py",
        r"""re.sub(r"([\\`*\[\]|])", r"\\\1", text)""",
        "text",
    ),
    Tooth(
        "I11",
        "a terminal gets what was written",
        "research/sanitize.py",
        '    text = _LINE_ENDS.sub("\\n", _SEQUENCE.sub("", text))\n',
        "    return text\n",
    ),
    Tooth(
        "I12",
        "a run that skipped something is called done",
        "research/assemble.py",
        '"partial" if skipped else "done"',
        '"done"',
    ),
    Tooth(
        "I15",
        "a plan is taken for approved",
        "graphs/nodes.py",
        'if not (options.approve or options.plan_only) or not state.get("pending"):',
        "if True:",
    ),
)


def noticed(tooth: Tooth, folder: Path) -> bool:
    """Plant the defect below ``folder``, make the runs, take it back; return whether the invariant broke."""
    path = folder / tooth.file
    whole = path.read_text(encoding="utf-8")
    if whole.count(tooth.old) != 1:
        raise SystemExit(
            f"{tooth.file} no longer has the text that “{tooth.says}” changes; renew bench/attack_teeth.py"
        )
    path.write_text(whole.replace(tooth.old, tooth.new), encoding="utf-8")
    command = [sys.executable, "-m", "bench.worst_case", "--runs", str(RUNS)]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    path.write_text(whole, encoding="utf-8")
    return ended.returncode == 1 and re.search(rf"breaks {tooth.id}:", ended.stderr) is not None


def main() -> int:
    """Plant each and print; 1 when one went unnoticed."""
    teeth = TEETH[: int(sys.argv[1])] if len(sys.argv) > 1 else TEETH
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        copied(Path(name))
        for tooth in teeth:
            seen = noticed(tooth, Path(name))
            missed += not seen
            print(f"{'noticed' if seen else 'MISSED '}  {tooth.id:4} {tooth.says}", flush=True)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
