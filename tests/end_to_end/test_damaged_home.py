"""A damaged home at the command line: what is said of it, what still works, and the way back to the last good point."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from scene import QUESTION, copy_home, essence, make_home, run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home with a corpus and two finished runs, and the ids of the runs."""
    home = make_home(tmp_path_factory.mktemp("damaged"))
    ids = {}
    for name in ("first", "second"):
        ended = run(home, "ask", QUESTION, "--corpus", "notes", "--json")
        assert ended.returncode == 0, ended.stderr
        ids[name] = json.loads(ended.stdout)["run"]
    return home, ids


def damage(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "runs.db")) as database:
        for statement in statements:
            assert database.execute(statement).rowcount, statement
        database.commit()


def test_a_damaged_call_is_named_and_the_journal_leads_back(
    finished: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """show, resume and doctor name the row and the command; that command gives the same report and names the loss."""
    home, ids = copy_home(finished[0], tmp_path), finished[1]
    whole = json.loads(run(home, "show", ids["first"], "--json").stdout)
    damage(
        home,
        f"UPDATE outcomes SET payload = payload || ' ' WHERE run = '{ids['first']}'",
        f"DELETE FROM records WHERE kind = 'report' AND run = '{ids['first']}'",
    )
    shown = run(home, "show", ids["first"])
    assert shown.returncode == 1
    assert f"its report is missing or is not what was written; `research resume {ids['first']} --from-journal`" in (
        " ".join(shown.stderr.split())
    )
    refused = run(home, "resume", ids["first"])
    assert refused.returncode == 1
    assert "of outcomes is missing or is not what was written" in " ".join(refused.stderr.split())
    checked = run(home, "doctor", "--json")
    assert checked.returncode == 1
    runs = next(check for check in json.loads(checked.stdout) if check["name"] == "runs")
    assert "of outcomes is not what was written" in runs["detail"]
    assert f"the run {ids['first']} has" in runs["detail"]
    back = run(home, "resume", ids["first"], "--from-journal", "--json")
    assert back.returncode == 3, back.stderr
    report = json.loads(back.stdout)
    assert "damaged journal" in [loss["what"] for loss in report["skipped"]]
    same = ("answer", "sentences", "findings")
    assert {name: essence(report)[name] for name in same} == {name: essence(whole)[name] for name in same}
    assert json.loads(run(home, "doctor", "--json").stdout)[0]
    assert run(home, "show", ids["second"]).returncode == 0
    assert run(home, "verify", ids["first"]).returncode == 0


def test_the_sound_runs_are_listed_beside_damaged_and_lost_ones(
    finished: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """A damaged row is listed as that, a lost one is told by the mark of its lock; each names the way back."""
    home, ids = copy_home(finished[0], tmp_path), finished[1]
    damage(home, f"UPDATE runs SET question = x'ff' WHERE id = '{ids['first']}'")
    listed = run(home, "runs", "--json")
    assert [row["status"] for row in json.loads(listed.stdout)] == ["done", "damaged"]
    assert "damaged" in run(home, "runs").stdout
    damage(home, f"DELETE FROM runs WHERE id = '{ids['first']}'")
    lost = run(home, "runs")
    assert ids["second"] in lost.stdout
    assert f"research resume {ids['first']} --from-journal" in " ".join(lost.stderr.split())
    refused = run(home, "resume", ids["first"])
    assert "has lost the run" in " ".join(refused.stderr.split())
    back = run(home, "resume", ids["first"], "--from-journal")
    assert back.returncode == 0, back.stderr
    assert "made again from the copy" in " ".join(back.stderr.split())
    assert run(home, "runs", "--json").stdout.count('"done"') == 2


def test_a_file_that_sqlite_cannot_read_is_salvaged_and_kept(
    finished: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """With a page of zeros and its end cut off, the error says so; the rows that are left are saved to a new file."""
    home, ids = copy_home(finished[0], tmp_path), finished[1]
    data = (home / "runs.db").read_bytes()
    (home / "runs.db").write_bytes(data[: len(data) // 4096 * 3 // 4 * 4096])
    shutil.rmtree(home / "locks")  # of a copied home the locks may be missing: then there are no marks
    refused = run(home, "show", ids["second"])
    assert refused.returncode == 1
    assert "--from-journal` saves every row that can be read" in " ".join(refused.stderr.split())
    run(home, "resume", ids["second"], "--from-journal")
    assert (home / "runs.db.damaged-1").read_bytes() == data[: len(data) // 4096 * 3 // 4 * 4096]
    assert run(home, "runs").returncode == 0


def test_a_finished_whole_run_has_nothing_to_go_back_from(finished: tuple[Path, dict[str, str]]) -> None:
    """It is refused as a fault of usage, and the sentence says what to do instead."""
    home, ids = finished
    refused = run(home, "resume", ids["first"], "--from-journal")
    assert refused.returncode == 2
    assert f"research fork {ids['first']}" in " ".join(refused.stderr.split())


def test_the_rows_of_a_whole_home_are_counted(finished: tuple[Path, dict[str, str]]) -> None:
    """doctor says how many rows of the runs and of the library it has looked at."""
    checks = {check["name"]: check for check in json.loads(run(finished[0], "doctor", "--json").stdout)}
    assert checks["runs"]["state"] == checks["library"]["state"] == "ok"
    assert checks["runs"]["detail"].split()[1:] == ["rows", "checked"]
    assert int(checks["runs"]["detail"].split()[0].replace(",", "")) > 20


def test_a_garbled_lock_is_damage_and_is_written_anew(finished: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    """Its run is listed as damaged beside the sound one, the file is named, and --from-journal leads back."""
    home, ids = copy_home(finished[0], tmp_path), finished[1]
    lock = home / "locks" / f"{ids['first']}.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text("garbage")
    assert [row["status"] for row in json.loads(run(home, "runs", "--json").stdout)] == ["done", "damaged"]
    for command in ("show", "resume"):
        refused = run(home, command, ids["first"])
        assert refused.returncode == 1
        assert f"{lock.name} is damaged" in "".join(refused.stderr.split("\n")).replace("  ", " ")
        assert f"research resume {ids['first']} --from-journal" in " ".join(refused.stderr.split())
    assert run(home, "show", ids["second"]).returncode == 0
    back = run(home, "resume", ids["first"], "--from-journal")
    assert back.returncode == 0, back.stderr
    assert run(home, "runs", "--json").stdout.count('"done"') == 2


def test_an_emptied_file_is_not_written_into(finished: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    """Where the locks know of recorded calls, a runs.db of no bytes is refused and left as it is."""
    home = copy_home(finished[0], tmp_path)
    for path in home.glob("runs.db-*"):
        path.unlink()
    (home / "runs.db").write_bytes(b"")
    refused = run(home, "ask", QUESTION, "--corpus", "notes")
    assert refused.returncode == 1
    assert "is empty, and had recorded calls" in " ".join(refused.stderr.split())
    assert (home / "runs.db").read_bytes() == b""
