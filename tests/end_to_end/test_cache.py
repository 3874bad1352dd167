"""`--cache` with the real command: the server's log says what was asked, the report what was not paid again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, copy_home, environment, essence, lines, make_home, model_server, run

from research.settings import load


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("caches"))


def ask(home: Path, base_url: str, *flags: str) -> dict[str, Any]:
    """The report of a run with a model."""
    words = ["--corpus", "notes", "--model", "openai:persona", "--base-url", base_url, "--json", "-q", *flags]
    ended = run(home, "ask", QUESTION, *words)
    assert ended.returncode in (0, 3), ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def received(log: Path) -> int:
    """How many requests the server has received."""
    return sum(line["event"] == "received" for line in lines(log))


def test_a_second_run_asks_nothing_again_and_says_so(home: Path, tmp_path: Path) -> None:
    """Without the flag nothing is kept; with it the second run is the first one for nothing, and is replayed."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    with model_server(log) as server:
        plain = ask(own, server.base_url)
        asked = received(log)
        assert plain["cache"] is None and not (own / "cache.db").exists()
        first = ask(own, server.base_url, "--cache")
        assert received(log) == 2 * asked and first["cache"] == {"answered": 0, "asked": asked}
        second = ask(own, server.base_url, "--cache")
        assert received(log) == 2 * asked
        assert essence(second) == essence(first)
        assert second["cache"] == {"answered": asked, "asked": asked}
        assert second["usage"]["tokens"] == 0 and second["usage"]["usd"] == 0
        assert second["usage"]["calls"] == first["usage"]["calls"] - asked
        short = ask(own, server.base_url, "--cache", "--max-calls", str(second["usage"]["calls"] + 1))
        assert short["cache"]["answered"] > 0
    told = run(own, "show", second["run"]).stdout
    assert f"- Cache: {asked} of {asked} calls answered from the cache of earlier runs, for nothing" in told
    assert run(own, "show", plain["run"]).stdout.count("- Cache:") == 0
    (own / "cache.db").unlink()
    for command in ("replay", "verify"):
        ended = run(own, command, second["run"])
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_changed_answer_is_asked_again_and_named(home: Path, tmp_path: Path) -> None:
    """A tampered row: doctor fails, the run says so on stderr and asks; after that doctor has nothing to say."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    with model_server(log) as server:
        first = ask(own, server.base_url, "--cache")
        asked = received(log)
        connection = sqlite3.connect(own / "cache.db")
        connection.execute("UPDATE answers SET reply = replace(reply, 'budget', 'bucket')")
        changed = connection.execute("SELECT count(*) FROM answers WHERE reply LIKE '%bucket%'").fetchone()[0]
        connection.commit()
        connection.close()
        doctor = run(own, "doctor", "--json")
        assert doctor.returncode == 1
        (cache,) = [check for check in json.loads(doctor.stdout) if check["name"] == "cache"]
        assert cache["state"] == "fail" and "research cache clear" in cache["detail"]
        words = ["--corpus", "notes", "--model", "openai:persona", "--base-url", server.base_url, "--cache"]
        again = run(own, "ask", QUESTION, *words)
        assert again.returncode == 0 and again.stderr.count("is not what was written, so it is asked again") == changed
        assert received(log) == asked + changed > asked
        report = json.loads(run(own, "show", "--last", "--json").stdout)
    assert essence(report) == essence(first)
    assert run(own, "doctor").returncode == 0


def test_it_is_emptied_and_a_broken_file_names_the_command(home: Path, tmp_path: Path) -> None:
    """`cache clear` says how many answers it took; a file that is no database stops a run before it begins."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    assert json.loads(run(own, "cache", "clear", "--json").stdout) == {"cleared": 0, "pages": 0}
    with model_server(log) as server:
        ask(own, server.base_url, "--cache")
        taken = run(own, "cache", "clear")
        assert (taken.returncode, taken.stdout) == (0, f"{received(log)} answers taken out of the cache\n")
        (own / "cache.db").write_bytes(b"rubbish" * 1000)
        before = received(log)
        words = ["--corpus", "notes", "--model", "openai:persona", "--base-url", server.base_url, "--cache", "-q"]
        refused = run(own, "ask", QUESTION, *words)
        assert refused.returncode == 1 and "`research cache clear`" in refused.stderr and received(log) == before
        assert len(json.loads(run(own, "runs", "--json").stdout)) == 1
        assert run(own, "cache", "clear").returncode == 0
        assert ask(own, server.base_url, "--cache")["cache"]["answered"] == 0


def test_tokens_of_the_providers_cache_are_told(home: Path, tmp_path: Path) -> None:
    """What a provider says of its own cache and of reasoning is added up in the report, and again by a replay."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    parts = {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 1}}
    with model_server(log, details=parts) as server:
        report = ask(own, server.base_url)
    asked = received(log)
    assert (report["usage"]["cached"], report["usage"]["reasoning"]) == (5 * asked, asked)
    assert 0 < sum(branch["usage"]["cached"] for branch in report["branches"]) < 5 * asked
    told = f", among them {5 * asked} read from the provider's cache, {asked} of reasoning\n"
    assert told in run(own, "show", "--last").stdout
    assert run(own, "replay", "--last").returncode == 0


def test_another_server_is_another_model(home: Path, tmp_path: Path) -> None:
    """The same name at another address is asked itself."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "one") as server:
        ask(own, server.base_url, "--cache")
    with model_server(tmp_path / "two") as other:
        assert ask(own, other.base_url, "--cache")["cache"]["answered"] == 0
    assert received(tmp_path / "two") == received(tmp_path / "one")


def test_it_is_a_setting(tmp_path: Path) -> None:
    """The config file, the environment before it, the flag before both; off where nobody says."""
    home = tmp_path / "home"
    home.mkdir()
    nothing = environment(home)
    assert not load({"home": str(home)}, nothing).options().cache
    (home / "config.toml").write_text("cache = true\n", encoding="utf-8")
    assert load({"home": str(home)}, nothing).options().cache
    assert not load({"home": str(home)}, {**nothing, "RESEARCH_CACHE": "no"}).options().cache
    assert load({"home": str(home), "cache": True}, {**nothing, "RESEARCH_CACHE": "no"}).options().cache
