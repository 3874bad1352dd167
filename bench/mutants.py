"""The check of the checkers: break a scorer, a loader or an interval on purpose, and see that a test notices.

``python -m bench.mutants [N]`` makes each change of ``MUTANTS`` (or the first N) in a copy of the project and runs the
tests named beside it. A mutant that no test notices is printed as MISSED, and the exit code is 1.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.enclosed import enclosed

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "bench",
    "docs",
    "evals",
    "graphs",
    "research",
    "tests",
    "tools",
    "CHANGELOG.md",
    "README.md",
    "pyproject.toml",
)


class Mutant(NamedTuple):
    """``old`` in ``file`` becomes ``new``; ``tests`` is the file that has to fail."""

    says: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    Mutant(
        "recall looks at one document more",
        "evals/scorers/ranking.py",
        "list(dict.fromkeys(ranked))[:k]",
        "list(dict.fromkeys(ranked))[: k + 1]",
        "test_scorers_ranking",
    ),
    Mutant(
        "a document named twice takes two places",
        "evals/scorers/ranking.py",
        "list(dict.fromkeys(ranked))[:k]",
        "list(ranked)[:k]",
        "test_scorers_ranking",
    ),
    Mutant(
        "nDCG discounts nothing",
        "evals/scorers/ranking.py",
        "grade / math.log2(place + 1)",
        "grade",
        "test_scorers_ranking",
    ),
    Mutant(
        "citation recall counts spans instead of facts",
        "evals/scorers/citations.py",
        "cited = {span.fact for span",
        "cited = {span for span",
        "test_scorers_citations",
    ),
    Mutant(
        "a quote that is not in its document supports its sentence",
        "evals/scorers/citations.py",
        "if any(citation.start < 0 for citation in cited):",
        "if False:",
        "test_scorers_citations",
    ),
    Mutant(
        "a confidence of a half is no choice",
        "evals/scorers/claims.py",
        "outcome.confidence >= 0.5",
        "outcome.confidence > 0.5",
        "test_scorers_claims",
    ),
    Mutant(
        "ties count whole in AUROC",
        "evals/scorers/claims.py",
        'side="left"',
        'side="right"',
        "test_scorers_claims",
    ),
    Mutant(
        "what could not be judged counts as 0",
        "evals/estimating.py",
        "if score.value is not None]\n    unscored",
        "]\n    rows = [(c, s if s.value is not None else Score(value=0.0)) for c, s in rows]\n    unscored",
        "test_estimating",
    ),
    Mutant(
        "intervals of 90 instead of 95 %",
        "evals/estimating.py",
        "1.959963984540054",
        "1.6448536269514722",
        "test_estimating",
    ),
    Mutant(
        "a BEIR document loses its title",
        "evals/datasets/beir.py",
        "title=row.value.title, ",
        "",
        "test_dataset_beir",
    ),
    Mutant(
        "a document judged 0 is gold",
        "evals/datasets/beir.py",
        "if score > 0}",
        "if score >= 0}",
        "test_dataset_beir",
    ),
    Mutant(
        "a gold id that is not in the corpus is let pass",
        "evals/datasets/beir.py",
        "if document not in documents:",
        "if False:",
        "test_dataset_beir",
    ),
    Mutant(
        "AttributionBench's labels are swapped",
        "evals/datasets/attributionbench.py",
        '{"attributable": "supported", "not attributable": "unsupported"}',
        '{"attributable": "unsupported", "not attributable": "supported"}',
        "test_dataset_claims",
    ),
    Mutant(
        "what WiCE calls partially supported is supported",
        "evals/datasets/wice.py",
        'PARTIAL: "unsupported"',
        'PARTIAL: "supported"',
        "test_dataset_claims",
    ),
    Mutant(
        "a failed case is taken for a scored one",
        "evals/results.py",
        "finished = [row for row in scored if not row.error]",
        "finished = list(scored)",
        "test_results",
    ),
    Mutant(
        "a branch that waits for a cancelled twin is cancelled with it",
        "research/gate.py",
        "except (OutOfBudget, BranchCancelled):",
        "except OutOfBudget:",
        "test_gate_orders",
    ),
    Mutant(
        "an order is obeyed by another run",
        "tools/orders.py",
        "WHERE run = ? ORDER BY seq",
        "WHERE run >= ? OR 1 ORDER BY seq",
        "test_orders",
    ),
    Mutant(
        "a fork forgets which branches had not ended",
        "graphs/nodes.py",
        "limits={id: limit for id, limit in limits.items() if limit},",
        "limits={},",
        "test_forked_graph",
    ),
    Mutant(
        "a fork plans again",
        "graphs/runs.py",
        "if given is None or given.plan is None:",
        "if True:",
        "test_forked_graph",
    ),
)


def fails(tests: str, folder: Path) -> bool:
    """Return whether a test file fails below ``folder``, without a network; ends the bench when it could not be run."""
    (path,) = (folder / "tests").rglob(f"{tests}.py")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(path)]
    ended = subprocess.run(enclosed(command), cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1):
        raise SystemExit(f"{tests} could not run:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.returncode == 1


def noticed(mutant: Mutant, folder: Path) -> bool:
    """Make the change below ``folder``, run its tests, take it back. Returns whether they failed."""
    path = folder / mutant.file
    whole = path.read_text(encoding="utf-8")
    if mutant.old not in whole:
        raise SystemExit(f"{mutant.file} no longer has the text that “{mutant.says}” changes; renew bench/mutants.py")
    path.write_text(whole.replace(mutant.old, mutant.new), encoding="utf-8")
    failed = fails(mutant.tests, folder)
    path.write_text(whole, encoding="utf-8")
    return failed


def copied(folder: Path) -> None:
    """Copy what the tests need to ``folder``."""
    for part in COPIED:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, folder / part)


def play(mutants: Sequence[Mutant]) -> int:
    """Make each change in a copy of the project, print whether a test noticed, and return how many none noticed."""
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        for tests in sorted({mutant.tests for mutant in mutants}):
            if fails(tests, folder):
                raise SystemExit(f"{tests} fails without any change; mend that first")
        for number, mutant in enumerate(mutants, 1):
            caught = noticed(mutant, folder)
            missed += not caught
            print(f"{number:2} {'caught' if caught else 'MISSED'}  {mutant.says} ({mutant.tests})", flush=True)
    print(f"{len(mutants) - missed} of {len(mutants)} caught")
    return missed


def main() -> None:
    sys.exit(1 if play(MUTANTS[: int(sys.argv[1])] if len(sys.argv) > 1 else MUTANTS) else 0)


if __name__ == "__main__":
    main()
