"""Damaged stores, sampled: the whole of it is ``python -m bench.damage``. And its judge notices what it is for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORGED = """
import json, os, sqlite3, sys, tempfile
from contextlib import closing
from pathlib import Path
from bench.damage import judge
from bench.damage_planted import witnessed
from bench.damage_scene import life, prepare, restore
from tools.run_store import TABLES
from tools.seal import open_seal

def forge(home, table, where, **change):
    seal = open_seal(home / "key", ())
    with closing(sqlite3.connect(home / "runs.db")) as database:
        columns = TABLES[table]
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE run = 'reference' AND {where}"
        row = database.execute(query).fetchone()
        values = dict(zip(columns, row)) | {name: make(row[columns.index(name)]) for name, make in change.items()}
        sets = ", ".join(f"{name} = ?" for name in columns)
        key = " AND ".join(f"{name} IS ?" for name in columns[:3])
        taken = (*values.values(), seal.sign(table, *values.values()), *row[:3])
        database.execute(f"UPDATE {table} SET {sets}, digest = ? WHERE {key}", taken)
        database.commit()

async def runs_code(events):
    exec("1 + 1")
    os.system("true")

with tempfile.TemporaryDirectory() as folder:
    scene = prepare(Path(folder))
    restore(scene.folder, "half")
    print(judge(scene, "half").name)
    restore(scene.folder, "half")
    forge(scene.home, "outcomes", "tokens > 0", tokens=lambda tokens: tokens + 1)
    print(judge(scene, "half").name)
    restore(scene.folder, "finished")
    forge(scene.home, "records", "kind = 'report'", json=lambda text: text.replace("keep a run", "keep no run"))
    print(judge(scene, "finished").name)
    life(scene.folder, runs_code)
    seen = witnessed(scene.folder / "seen") - scene.usual
    print(sorted({line.split()[0] for line in seen}))
"""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the checkout."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )


def test_no_damage_is_silent() -> None:
    """Of forty damaged homes none is believed: each is refused, unharmed or healed, and none runs code."""
    ended = bench("-m", "bench.damage", "--cases", "40", "--seed", "11", "--attacks", "none")
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "40 damaged stores: 0 silently wrong, 0 code run" in ended.stdout


def test_attacks_under_a_valid_digest_run_no_code(shared_data: Path) -> None:
    """Whoever has the key can plant other data and nothing else."""
    attacks = shared_data / "attacks" / "own-serialisation.jsonl"
    ended = bench("-m", "bench.damage", "--cases", "0", "--attacks", str(attacks), "--each", "2")
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "16 attacks planted under a valid digest" in ended.stdout


def test_the_judge_and_the_witness_notice() -> None:
    """A row that was changed under a new digest is silently wrong, and code that runs is seen: the bench can fail."""
    ended = bench("-c", FORGED)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.splitlines() == ["unharmed", "SILENTLY WRONG", "SILENTLY WRONG", "['exec', 'os.system']"]
