"""``ask --dry-run`` and the real run after it: the range holds what the run used; what was spent is shown meanwhile."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, copy_home, lines, make_home, model_server, run

from tools.fakes.web_server import WebServer, html_page

PRICED = "openai:gpt-4o-mini"
CURRENCIES = ("calls", "tokens", "usd")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("estimates"))


def tree(home: Path) -> dict[str, bytes]:
    """Every file below a folder with its content, without the lock files that reading a corpus leaves."""
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def read(ended: subprocess.CompletedProcess[str]) -> Any:
    """The JSON of a command that ended well, or with a partial report."""
    assert ended.returncode in (0, 3), ended.stderr
    return json.loads(ended.stdout)


def within(used: dict[str, Any], least: dict[str, Any], most: dict[str, Any]) -> bool:
    """Whether calls, tokens and money lie in the range."""
    return all(least[name] <= used[name] <= most[name] for name in CURRENCIES)


def compare(estimate: dict[str, Any], report: dict[str, Any]) -> None:
    """The rows add up to the whole, and the branches and the whole run used what was foretold.

    What branches share is in the least of the first of them, whichever of them paid for it.
    """
    assert within(report["usage"], estimate["least"], estimate["most"]), (report["usage"], estimate)
    steps = estimate["steps"]
    for name in CURRENCIES:
        for whole, number, cost in (("least", "fewest", "least_cost"), ("most", "most", "most_cost")):
            assert sum(step[number] * step[cost][name] for step in steps) == pytest.approx(
                estimate[whole][name], abs=1e-7
            )
    branches = [step for step in steps if step["what"] not in ("planning", "report")]
    slots = [step for step in branches for _ in range(step["most"])]
    used = [branch["usage"] for branch in report["branches"]]
    assert used
    for name in CURRENCIES:
        assert sum(step["fewest"] * step["least_cost"][name] for step in branches) <= sum(one[name] for one in used)
        assert all(one[name] <= max(step["most_cost"][name] for step in slots) for one in used)


@pytest.mark.parametrize(
    "question",
    [QUESTION, "Who holds the lock?", "Compare the journal and the lock of a run.", "What is a zebra called?"],
)
def test_a_run_without_a_model_stays_in_its_range(home: Path, tmp_path: Path, question: str) -> None:
    """Each branch of the plan is foretold by name, and its calls lie between least and most."""
    own = copy_home(home, tmp_path)
    estimate = read(run(own, "ask", question, "--corpus", "notes", "--dry-run", "--json"))
    report = read(run(own, "ask", question, "--corpus", "notes", "--json", "--quiet"))
    assert estimate["most"]["tokens"] == report["usage"]["tokens"] == 0
    compare(estimate, report)


def test_a_web_run_without_a_model_stays_in_its_range(tmp_path: Path) -> None:
    """Searches and pages are counted per branch."""
    pages = {f"/{n}.html": html_page(f"Page {n}", ["A budget is a wall, and its lock is held."]) for n in range(3)}
    with WebServer(pages) as web:
        flags = ["--web", "--searx", web.url, "--allow-host", web.host]
        estimate = read(run(tmp_path, "ask", QUESTION, *flags, "--dry-run", "--json"))
        report = read(run(tmp_path, "ask", QUESTION, *flags, "--json", "--quiet"))
    compare(estimate, report)


@pytest.mark.parametrize(
    "flags", [("--mode", "workflow"), ("--mode", "agent"), ("--branches", "1", "--rounds", "1"), ("--rounds", "3")]
)
def test_a_run_with_a_model_stays_in_its_range(home: Path, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Calls, tokens and money of each branch and of the whole lie between least and most, in each mode."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    (own / "config.toml").write_text(f'[prices]\n"{PRICED}" = {{ prompt = 0.15, completion = 0.60 }}\n')
    with model_server(log) as server:
        given = ["ask", QUESTION, "--corpus", "notes", "--model", PRICED, "--base-url", server.base_url, *flags]
        estimate = read(run(own, *given, "--dry-run", "--json"))
        assert lines(log) == []
        report = read(run(own, *given, "--json", "--quiet"))
    compare(estimate, report)
    assert report["usage"]["tokens"] > 0


def test_a_dry_run_changes_nothing_and_needs_no_key(home: Path) -> None:
    """Neither a run nor a file comes of it, a model without a key is estimated, and a home is not even made."""
    before = tree(home)
    given = ["ask", QUESTION, "--corpus", "notes", "--dry-run"]
    ended = run(home, *given, "--model", "openai:gpt-4o-mini")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "the whole run" in ended.stdout
    assert tree(home) == before
    absent = home.parent / "absent"
    assert run(absent, "ask", QUESTION, "--web", "--searx", "http://127.0.0.1:9", "--dry-run").returncode == 0
    assert not absent.exists()


def test_a_dry_run_is_refused_as_the_run_would_be(home: Path) -> None:
    """An unknown corpus is told at once."""
    ended = run(home, "ask", QUESTION, "--corpus", "nots", "--dry-run")
    assert ended.returncode == 2
    assert "notes" in ended.stderr


def test_a_dry_run_says_what_finished_runs_took(home: Path, tmp_path: Path) -> None:
    """The median is that of finished runs of the same model and mode; a run that a cap cut short is not among them."""
    own = copy_home(home, tmp_path)
    given = ["ask", QUESTION, "--corpus", "notes"]
    assert read(run(own, *given, "--dry-run", "--json"))["measured"] is None
    calls = [read(run(own, *given, "--json", "-q", "--branches", n))["usage"]["calls"] for n in ("1", "2", "3")]
    assert run(own, *given, "--quiet", "--max-calls", "1").returncode == 3
    measured = read(run(own, *given, "--dry-run", "--json"))["measured"]
    assert (measured["runs"], measured["calls"]) == (3, sorted(calls)[1])
    assert read(run(own, *given, "--dry-run", "--json", "--model", PRICED))["measured"] is None
    assert "3 finished runs" in run(own, *given, "--dry-run").stdout


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--max-tokens-total", "200"), "no branch would be started"),
        (("--max-tokens-total", "3000"), "put together by rules"),
        (("--max-tokens-total", "9000"), "--max-tokens-total 9,000 pays for the least: what does not fit is skipped"),
        (("--max-tokens-total", "90000000"), "even the most fits"),
        (("--max-usd", "0.00001"), "--max-usd 0.00001 does not pay"),
        (("--max-usd", "0.000000004"), "--max-usd 0.000000004 does not pay"),
        (("--max-calls", "3"), "put together by rules"),
        (("--max-calls", "7"), "--max-calls 7 pays for the least: what does not fit is skipped"),
        (("--branch-max-calls", "1"), "--branch-max-calls 1 does not pay"),
        (("--branch-max-usd", "1"), "--branch-max-usd 1 pays"),
        (("--max-seconds", "9"), "not predicted"),
    ],
)
def test_a_dry_run_says_what_a_cap_would_cut(home: Path, flags: tuple[str, ...], words: str) -> None:
    """For each cap: whether it pays for the least, and what would be left out."""
    ended = run(home, "ask", QUESTION, "--corpus", "notes", "--model", PRICED, "--dry-run", *flags)
    assert words in " ".join(ended.stdout.split()), ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80


@pytest.mark.parametrize("cap", [600, 1_200, 2_000])
def test_a_cap_that_cannot_plan_is_foretold(home: Path, tmp_path: Path, cap: int) -> None:
    """Where the dry run says that no branch would be started, none is; where it does not, the plan is made."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    with model_server(log) as server:
        given = ["ask", QUESTION, "--corpus", "notes", "--model", PRICED, "--base-url", server.base_url]
        given += ["--max-tokens-total", str(cap)]
        (verdict,) = read(run(own, *given, "--dry-run", "--json"))["caps"]
        report = read(run(own, *given, "--json", "--quiet"))
    foretold = any("no branch would be started" in cut for cut in verdict["cuts"])
    assert foretold == (not report["branches"])


def test_spending_is_shown_during_a_run_and_after_it(home: Path, tmp_path: Path) -> None:
    """Lines against the caps at the end of branches and rounds; then a table of planning, branches, report and all."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    with model_server(log) as server:
        given = ["ask", QUESTION, "--corpus", "notes", "--model", PRICED, "--base-url", server.base_url]
        given += ["--branches", "2", "--rounds", "1", "--max-tokens-total", "90000", "--max-usd", "0.5", "--max-calls"]
        ended = run(own, *given, "70", "--json")
    report = read(ended)
    live = re.findall(r"spent so far: (\d+)/70 calls, ([\d,]+)/90,000 tokens, \$[\d.]+/\$0.5000, \d+ s", ended.stderr)
    assert 1 <= len(live) <= 3
    assert int(live[-1][0]) <= report["usage"]["calls"]
    rows = {line[:34].strip(): line[34:].split() for line in ended.stderr.partition("SPENT ON")[2].splitlines()[1:]}
    assert sum(int(cells[-4]) for name, cells in rows.items() if name[0] in "[pr") == report["usage"]["calls"]
    table = ended.stderr.partition("SPENT ON")[2].splitlines()[1:]
    assert [re.split(r"\s{2,}", line)[0][:9] for line in table] == [
        "planning",
        "[1] Find ",
        "[2] Find ",
        "report",
        "the whole",
        "its cap",
    ]
    assert f"{report['usage']['tokens']:,}" in table[-2]
    assert "90,000" in table[-1]
    assert max(map(len, table)) <= 80


def test_a_quiet_run_shows_no_spending(home: Path, tmp_path: Path) -> None:
    """--quiet is silent, and stdout has the report alone either way."""
    own = copy_home(home, tmp_path)
    ended = run(own, "ask", QUESTION, "--corpus", "notes", "--quiet")
    assert ended.stderr == ""
    assert "SPENT ON" not in ended.stdout


def test_the_table_of_a_finished_run_is_shown_again(home: Path, tmp_path: Path) -> None:
    """Resuming a finished run sends nothing; planning and report are then one row, what the branches did not use."""
    own = copy_home(home, tmp_path)
    run(own, "ask", QUESTION, "--corpus", "notes", "--quiet")
    ended = run(own, "resume", "--last")
    assert "SPENT ON" in ended.stderr
    assert "planning and report" in ended.stderr


@pytest.mark.parametrize("flag", ["--max-usd", "--branch-max-usd"])
@pytest.mark.parametrize("extra", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_an_unknown_price_is_refused_with_either_cap_on_money(
    home: Path, tmp_path: Path, flag: str, extra: tuple[str, ...]
) -> None:
    """Before anything is sent or written, with the two ways out."""
    with model_server(tmp_path / "log") as server:
        given = ["ask", QUESTION, "--corpus", "notes", "--model", "openai:no-such", "--base-url", server.base_url]
        ended = run(copy_home(home, tmp_path), *given, flag, "1", *extra)
    assert ended.returncode == 2
    assert "[prices]" in ended.stderr
    assert "--max-tokens-total" in ended.stderr
    assert lines(tmp_path / "log") == []


@pytest.mark.parametrize("flag", ["--max-usd", "--branch-max-usd"])
def test_a_price_that_became_unknown_is_refused_at_the_resume(home: Path, tmp_path: Path, flag: str) -> None:
    """A run that waits for approval sends nothing once its price was taken out of config.toml."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    config = own / "config.toml"
    config.write_text('[prices]\n"openai:no-such" = { prompt = 1, completion = 1 }\n')
    with model_server(log) as server:
        given = ["ask", QUESTION, "--corpus", "notes", "--model", "openai:no-such", "--base-url", server.base_url]
        assert run(own, *given, flag, "1", "--approve").returncode == 5
        sent = len(lines(log))
        config.unlink()
        ended = run(own, "resume", "--last", "--yes")
    assert ended.returncode == 2
    assert "[prices]" in ended.stderr
    assert "--max-tokens-total" in ended.stderr
    assert len(lines(log)) == sent
