"""`research replay` with the real command: the same bytes from the journal alone, or a sentence on what differs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from scene import QUESTION, begin, copy_home, make_home, model_server, run

from bench.budgets import case_of, play
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.app.making import Made
from research.app.records import Home
from research.app.replaying import replay
from research.app.world import Judgement
from research.options import RunOptions
from research.records import encode
from research.replaying import RecordedModel
from research.requests import Role
from research.settings import Settings, load
from tools.fakes.hostile import HostileModel
from tools.fakes.web_server import WebServer, html_page
from tools.run_store import COLUMNS, SELECT
from tools.tokens import prompt_bound


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("replays"))


def ask(home: Path, *flags: str) -> dict[str, Any]:
    """The report of a run over the corpus."""
    ended = run(home, "ask", QUESTION, "--corpus", "notes", "--json", "-q", *flags)
    assert ended.returncode in (0, 3), ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def files(home: Path) -> dict[str, str]:
    """Every file of a home that holds data, with its digest: no empty log of SQLite, and not the index of a log."""
    found = sorted(path for path in home.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    found = [path for path in found if path.stat().st_size or not path.name.endswith("-wal")]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def replayed(home: Path, id: str) -> str:
    """What a replay that gives the same report says; the home is the same before and after."""
    before = files(home)
    ended = run(home, "replay", id)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert files(home) == before
    assert "the same report, byte for byte" in ended.stdout
    return ended.stdout


def changed(home: Path, id: str, kind: str, edit: Any) -> None:
    """Edit the values of a record of a run and sign it again, as the program's own defect would leave it."""
    connection, seal = sqlite3.connect(home / "runs.db"), Home(load({"home": str(home)}, {})).seal()
    query = "SELECT id, json FROM records WHERE run = ? AND kind = ?"
    for name, text in connection.execute(query, (id, kind)).fetchall():
        words = encode(edit(json.loads(text)))
        digest = seal.sign("records", id, kind, name, words)
        where = "WHERE run = ? AND kind = ? AND id = ?"
        connection.execute(f"UPDATE records SET json = ?, digest = ? {where}", (words, digest, id, kind, name))
    connection.commit()
    connection.close()


def test_runs_with_a_model_are_replayed_without_anything(home: Path, tmp_path: Path) -> None:
    """Done, out of budget, forked at two points, approved and declined; the server is gone, and so is the corpus."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log") as server:
        flags = ["--model", "openai:persona", "--base-url", server.base_url]
        done, short = ask(own, *flags), ask(own, *flags, "--max-calls", "9")
        ids = [done["run"], short["run"]]
        for point in ("compose", "branch"):
            ids.append(json.loads(run(own, "fork", done["run"], "--at", point, "--json", "-q").stdout)["run"])
        for answer in ("--yes", "--no"):
            waiting = run(own, "ask", QUESTION, "--corpus", "notes", *flags, "--approve", "--json", "-q")
            assert waiting.returncode == 5
            ids.append(json.loads(run(own, "resume", "--last", answer, "--json", "-q").stdout)["run"])
    assert short["exit_code"] == 3
    shutil.rmtree(own / "corpora")
    for id in ids:
        replayed(own, id)
    told = json.loads(run(own, "replay", done["run"], "--json").stdout)
    assert told["same"] and told["calls"] == done["usage"]["calls"] and told["differences"] == []


def test_a_replay_takes_the_windows_that_its_run_had(home: Path, tmp_path: Path) -> None:
    """What did not fit a model's window was done by rules; the replay does so too when the setting is gone."""
    own = copy_home(home, tmp_path)
    (own / "config.toml").write_text('[windows]\n"openai:persona" = 900\n', encoding="utf-8")
    with model_server(tmp_path / "log") as server:
        report = ask(own, "--model", "openai:persona", "--base-url", server.base_url)
    assert any("done by the extractive analyst" in loss["why"] for loss in report["skipped"])
    (own / "config.toml").unlink()
    replayed(own, report["run"])


def test_runs_without_a_model_are_replayed(home: Path, tmp_path: Path) -> None:
    """Over a corpus that was given a private label, and over the web, with both gone."""
    own = copy_home(home, tmp_path)
    replayed(own, ask(own)["run"])
    page = html_page("Walls", ["Every call is reserved in the budget of the run before it is sent."] * 2)
    with WebServer({"/walls.html": page}) as web:
        words = ["How is a call reserved?", "--web", "--searx", web.url, "--allow-host", web.host, "--json", "-q"]
        ended = run(own, "ask", *words)
    report = json.loads(ended.stdout)
    assert report["findings"]
    replayed(own, report["run"])


def test_a_killed_and_resumed_run_is_replayed(home: Path, tmp_path: Path) -> None:
    """kill -9 among the readings, then a resume: calls that were in flight count, and the report is the same."""
    own = copy_home(home, tmp_path)
    process: list[Any] = []
    answered: list[str] = []

    def watch(line: dict[str, Any]) -> None:
        if line["event"] == "received" and len(answered) >= 5:
            os.kill(process[0].pid, signal.SIGKILL)
        if line["event"] == "answered":
            answered.append(line["key"])

    with model_server(tmp_path / "log", watch) as server:
        flags = ["--model", "openai:persona", "--base-url", server.base_url, "-q"]
        process.append(begin(own, "ask", QUESTION, "--corpus", "notes", *flags))
        process[0].communicate(timeout=100)
    refused = run(own, "replay", "--last")
    assert refused.returncode == 2 and "only a run with a report is replayed; `research resume" in refused.stderr
    answered.clear()
    with model_server(tmp_path / "second", port=server.port):
        resumed = run(own, "resume", "--last", "--json", "-q")
    assert resumed.returncode == 0, resumed.stderr
    replayed(own, json.loads(resumed.stdout)["run"])


def test_what_differs_is_named(home: Path, tmp_path: Path) -> None:
    """A stored answer that no replay gives, and a plan that asks what was never asked: exit code 1 and where."""
    own = copy_home(home, tmp_path)
    id = ask(own)["run"]
    answer = json.loads(run(own, "show", id, "--json").stdout)["answer"]
    changed(own, id, "report", lambda report: report | {"answer": "Something else."})
    ended = run(own, "replay", id)
    assert ended.returncode == 1, ended.stderr
    assert f'{id}: the replay differs: answer is "{answer[:20]}' in ended.stdout
    assert 'stored "Something else."' in ended.stdout and len(ended.stdout.splitlines()) == 1
    found = json.loads(run(own, "replay", id, "--json").stdout)
    assert not found["same"] and [one["where"] for one in found["differences"]] == ["answer"]

    connection = sqlite3.connect(own / "runs.db")
    row = connection.execute("SELECT seq FROM intents WHERE run = ? AND kind = 'retrieve' LIMIT 1", (id,)).fetchone()
    columns = "seq, run, branch, kind, key, occurrence, attempt, tokens, nano_usd, calls, elapsed, request"
    values = list(connection.execute(f"SELECT {columns} FROM intents WHERE seq = ?", row).fetchone())
    values[11] = values[11].replace('"query":"', '"query":"never ')
    seal = Home(load({"home": str(own)}, {})).seal()
    connection.execute(
        "UPDATE intents SET request = ?, digest = ? WHERE seq = ?",
        (values[11], seal.sign("intents", *values), values[0]),
    )
    connection.commit()
    ended = run(own, "replay", id)
    assert ended.returncode == 1 and "the run never made the call “retrieve" in ended.stdout


def test_another_program_and_damage_are_refused(home: Path, tmp_path: Path) -> None:
    """A run of other prompts, a changed row and a changed text: one sentence each, and no word of the report."""
    own = copy_home(home, tmp_path)
    report = ask(own)
    id = report["run"]
    connection, seal = sqlite3.connect(own / "runs.db"), Home(load({"home": str(own)}, {})).seal()
    row = list(connection.execute(f"{SELECT} WHERE id = ?", (id,)).fetchone()[:-1])
    made = msgspec.json.decode(row[COLUMNS.index("made")], type=Made)
    kept = row[COLUMNS.index("made")]

    def program(words: str) -> None:
        row[COLUMNS.index("made")] = words
        digest = seal.sign("runs", *row)
        connection.execute("UPDATE runs SET made = ?, digest = ? WHERE id = ?", (words, digest, id))
        connection.commit()

    program(encode(msgspec.structs.replace(made, parts=made.parts | {"prompt planner.md": "other"})))
    ended = run(own, "replay", id)
    assert ended.returncode == 1 and "differs from this one in prompt planner.md" in ended.stderr
    program(kept)

    text = Path(report["sources"][0]["path"])
    whole = text.read_bytes()
    text.write_bytes(whole + b"more")
    ended = run(own, "replay", id)
    assert ended.returncode == 1 and "a text that is damaged now" in ended.stderr
    text.write_bytes(whole)
    replayed(own, id)

    connection.execute("UPDATE outcomes SET payload = replace(payload, 'budget', 'bucket') WHERE run = ?", (id,))
    connection.commit()
    ended = run(own, "replay", id)
    assert ended.returncode == 1 and "is damaged" in ended.stderr and ended.stdout == ""


@pytest.mark.parametrize(("number", "seed"), [*((number, 3) for number in range(8)), (24, 3), (10, 7)])
async def test_runs_that_spend_all_they_can_are_replayed(tmp_path: Path, number: int, seed: int) -> None:
    """Caps on tokens, money, calls and seconds, failing pages, every kind of greedy model: the same bytes."""
    case = case_of(number, seed)
    ended = await play(case, tmp_path, seed)
    assert ended.report is not None

    def judged(options: RunOptions, settings: Settings) -> Judgement:
        counter = prompt_bound("openai:gpt-4o")
        model = RecordedModel(HostileModel.name, window=128_000, price=case.price, counter=counter)
        analyst = LanguageAnalyst(ExtractiveAnalyst(), model.name)
        return Judgement(analyst=analyst, models=dict.fromkeys(get_args(Role), model), lapses=analyst.lapses)

    result = await replay(None, load({"home": str(tmp_path)}, {}), judged)
    assert result.same, result.spoken
