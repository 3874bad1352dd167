"""What tells that a store is older or emptier than it was: marks beside the runs, runs beside the library."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from scene import QUESTION, copy_home, essence, make_home, run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """A home with a finished run, its id, and a copy of ``runs.db`` from when the run waited for approval."""
    home = make_home(tmp_path_factory.mktemp("marks"))
    waiting = run(home, "ask", QUESTION, "--corpus", "notes", "--approve")
    assert waiting.returncode == 5, waiting.stderr
    with closing(sqlite3.connect(home / "runs.db")) as database, closing(sqlite3.connect(home.parent / "old")) as copy:
        database.backup(copy)
    ended = run(home, "resume", "--last", "--yes", "--json")
    assert ended.returncode == 0, ended.stderr
    return home, json.loads(ended.stdout)["run"], home.parent / "old"


def said(home: Path, *arguments: str, code: int = 1) -> str:
    """What a command says on stderr in one line."""
    ended = run(home, *arguments)
    assert ended.returncode == code, ended.stderr + ended.stdout
    return " ".join(ended.stderr.split())


def stores(home: Path) -> dict[str, tuple[str, str]]:
    """What doctor says of the two stores."""
    checks = json.loads(run(home, "doctor", "--json").stdout)
    return {one["name"]: (one["state"], one["detail"]) for one in checks if one["name"] in ("runs", "library")}


def put_back(home: Path, old: Path) -> None:
    for path in home.glob("runs.db-*"):
        path.unlink()
    shutil.copy(old, home / "runs.db")


def test_an_older_file_without_its_locks_is_not_gone_on_with(finished: tuple[Path, str, Path], tmp_path: Path) -> None:
    """The missing mark of an unfinished run is named; --from-journal works the run again and names that loss."""
    home, id = copy_home(finished[0], tmp_path), finished[1]
    whole = json.loads(run(home, "show", id, "--json").stdout)
    put_back(home, finished[2])
    shutil.rmtree(home / "locks")
    listed = json.loads(run(home, "runs", "--json").stdout)[0]
    assert (listed["status"], listed["question"]) == ("damaged", QUESTION)
    for command in (("show", id), ("resume", id, "--yes"), ("cancel", id)):
        assert f"{id}.lock is missing" in said(home, *command)
    state, detail = stores(home)["runs"]
    assert (state, "without its mark in" in detail) == ("fail", True)
    assert "lost mark" in said(home, "resume", id, "--from-journal", code=5)  # the plan is made again, and waits again
    back = run(home, "resume", id, "--yes", "--json")
    assert back.returncode == 3, back.stderr
    report = json.loads(back.stdout)
    assert [loss["what"] for loss in report["skipped"]] == ["lost mark"]
    assert {name: essence(report)[name] for name in ("answer", "findings")} == {
        name: essence(whole)[name] for name in ("answer", "findings")
    }
    assert stores(home)["runs"][0] == "ok"


def test_a_finished_run_is_whole_without_its_mark(finished: tuple[Path, str, Path], tmp_path: Path) -> None:
    """A home that was copied without its locks shows what was finished, and doctor finds nothing."""
    home, id = copy_home(finished[0], tmp_path), finished[1]
    shutil.rmtree(home / "locks")
    assert run(home, "show", id).returncode == run(home, "resume", id).returncode == 0
    assert stores(home)["runs"][0] == "ok"


@pytest.mark.parametrize("how", ["emptied", "missing", "older"])
def test_a_library_that_lost_what_runs_read_is_noticed_and_written_anew(
    finished: tuple[Path, str, Path], tmp_path: Path, how: str
) -> None:
    """doctor says so, an empty one is not written into, and --from-journal takes what it said from the runs."""
    home, id = copy_home(finished[0], tmp_path), finished[1]
    store = home / "library" / "library.db"
    for path in store.parent.glob("library.db-*"):
        path.unlink()
    if how == "older":
        with closing(sqlite3.connect(store)) as database:
            database.execute("DELETE FROM sources WHERE rowid = 1")
            database.commit()
    else:
        store.write_bytes(b"") if how == "emptied" else store.unlink()
        told = said(home, "ask", QUESTION, "--corpus", "notes")
        assert "library.db is empty or missing, and described 3 texts that runs read" in told
        assert not store.exists() or not store.stat().st_size
    state, detail = stores(home)["library"]
    assert (state, "that runs read have no row in it; `research resume RUN --from-journal`" in detail) == ("fail", True)
    assert "written anew from the runs" in said(home, "resume", id, "--from-journal", code=0)
    assert stores(home)["library"][0] == "ok"
    assert run(home, "ask", QUESTION, "--corpus", "notes").returncode == 0
    assert run(home, "verify", id).returncode == 0


def test_the_loss_of_a_run_that_nothing_is_left_of_can_be_accepted(
    finished: tuple[Path, str, Path], tmp_path: Path
) -> None:
    """--from-journal refuses and names cancel, which says what was lost; then doctor finds nothing more."""
    home, id = copy_home(finished[0], tmp_path), finished[1]
    with closing(sqlite3.connect(home / "runs.db")) as database:
        for table in ("runs", "intents", "outcomes", "records", "checkpoints", "writes"):
            database.execute(f"DELETE FROM {table}")
        database.commit()
    assert stores(home)["runs"][0] == "fail"
    refused = said(home, "resume", id, "--from-journal")
    assert "nothing of it can be saved" in refused
    assert f"accept the loss with `research cancel {id}`" in refused
    told = said(home, "cancel", id, code=0)
    assert f"rows of calls of the run {id} were known of" in told
    assert "the loss is accepted" in told
    assert stores(home)["runs"][0] == "ok"
    assert "lost" not in said(home, "runs", code=0)
    assert "there are no runs yet" in said(home, "cancel", id, code=2)


def test_a_run_whose_question_is_lost_twice_can_be_given_up(finished: tuple[Path, str, Path], tmp_path: Path) -> None:
    """What is left of it is set aside, and --json says what was lost."""
    home, id = copy_home(finished[0], tmp_path), finished[1]
    with closing(sqlite3.connect(home / "runs.db")) as database:
        database.execute("UPDATE runs SET question = ''")
        database.execute("UPDATE records SET json = '{}' WHERE kind = 'run'")
        database.commit()
    assert f"`research cancel {id}`" in said(home, "resume", id, "--from-journal")
    told = json.loads(run(home, "cancel", id, "--json").stdout)
    assert (told["run"], told["status"], "1 of runs" in told["lost"]) == (id, "cancelled", True)
    assert stores(home)["runs"][0] == "ok"


def test_a_loss_is_accepted_by_the_whole_id_only(finished: tuple[Path, str, Path], tmp_path: Path) -> None:
    """The beginning of an id gives nothing up."""
    home, id = copy_home(finished[0], tmp_path), finished[1]
    with closing(sqlite3.connect(home / "runs.db")) as database:
        for table in ("runs", "intents", "outcomes", "records", "checkpoints"):
            database.execute(f"DELETE FROM {table}")
        database.commit()
    assert "the loss is accepted" not in said(home, "cancel", id[:8])
    assert stores(home)["runs"][0] == "fail"
    assert "the loss is accepted" in said(home, "cancel", id, code=0)


def test_what_was_done_to_a_file_is_said_before_a_name_is_refused(
    finished: tuple[Path, str, Path], tmp_path: Path
) -> None:
    """--from-journal saves what it can of the file first; a wrong name hides nothing of that."""
    home = copy_home(finished[0], tmp_path)
    with closing(sqlite3.connect(home / "runs.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray((home / "runs.db").read_bytes())
    data[2 * 4096 : 3 * 4096] = bytes(4096)
    (home / "runs.db").write_bytes(data)
    told = said(home, "resume", "nonsense", "--from-journal", code=2)
    assert "rows of it were saved; it is kept as" in told
    assert "there is no run nonsense" in told


def test_the_loss_of_a_whole_file_can_be_accepted_run_by_run(finished: tuple[Path, str, Path], tmp_path: Path) -> None:
    """doctor says to put runs.db back, or to accept the loss, which leaves a new file that is whole."""
    home, id = copy_home(finished[0], tmp_path), finished[1]
    for path in home.glob("runs.db*"):
        path.unlink()
    state, detail = stores(home)["runs"]
    assert (state, f"put it back from a copy, or accept the loss of each run (`research cancel {id}`)" in detail) == (
        "fail",
        True,
    )
    assert "the loss is accepted" in said(home, "cancel", id, code=0)
    assert stores(home)["runs"][0] == "ok"


def test_texts_of_a_corpus_that_the_library_lost_are_named_and_indexed_again(tmp_path: Path) -> None:
    """doctor names the corpus where no run has read it yet; the same index command stores the texts again."""
    home = make_home(tmp_path)
    for path in (home / "library").glob("library.db*"):
        path.unlink()
    state, detail = stores(home)["library"]
    assert (state, "3 texts of the corpus notes have no row in it" in detail) == ("fail", True)
    again = run(home, "index", str(tmp_path / "documents"), "--corpus", "notes", "--json")
    assert (again.returncode, json.loads(again.stdout)["unchanged"]) == (0, 3)
    assert stores(home)["library"][0] == "ok"
    assert run(home, "ask", QUESTION, "--corpus", "notes").returncode == 0
