"""The same main job over the web: a loopback search service and pages, allowed by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scene import model_server, run

from tools.fakes.web_server import WebServer, html_page

QUESTION = "How is a call reserved in the budget of a run?"


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    """A web of three pages, one of which is missing when it is asked for."""
    pages: dict[str, Any] = {
        "/walls.html": html_page("Walls", ["Every call is reserved in the budget of the run before it is sent."] * 2),
        "/lock.html": html_page("Lock", ["The owner of a run holds a lock, and the budget of the run goes with it."]),
    }
    with WebServer(pages) as server:
        yield server


@pytest.mark.parametrize("service", ["--searx", "--tavily"])
def test_a_web_question_gets_a_report_whose_quotes_hold(web: WebServer, tmp_path: Path, service: str) -> None:
    """Search, fetch, store, quote: the stored text has the quote at its offsets, and its hash is its name."""
    ended = run(tmp_path, "ask", QUESTION, "--web", service, web.url, "--allow-host", web.host, "--json", "-q")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert "reserved" in report["answer"]
    assert [branch["type"] for branch in report["branches"]] == ["web"]
    for finding in report["findings"]:
        source = next(s for s in report["sources"] if s["id"] == finding["source"])
        data = Path(source["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == source["id"]
        assert data.decode()[finding["start"] : finding["end"]] == finding["quote"]
    assert run(tmp_path, "verify", "--last").returncode == 0


def test_private_addresses_are_refused_unless_named(web: WebServer, tmp_path: Path) -> None:
    """Without --allow-host no page of this machine is fetched, the run fails and says why."""
    before = [path for path in web.paths() if not path.startswith("/search")]
    ended = run(tmp_path, "ask", QUESTION, "--web", "--searx", web.url, "--json", "-q")
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["status"], report["findings"]) == (1, "failed", [])
    assert any("refused" in loss["why"] for loss in report["skipped"])
    assert [path for path in web.paths() if not path.startswith("/search")] == before


def test_an_agent_branch_searches_and_opens_by_handle(web: WebServer, tmp_path: Path) -> None:
    """In agent mode the model picks its steps with the closed tool list, and its quotes hold as well."""
    with model_server(tmp_path / "log") as server:
        flags = ["--model", "openai:persona", "--base-url", server.base_url, "--mode", "agent", "--branches", "2"]
        ended = run(
            *(tmp_path, "ask", QUESTION, "--web", "--searx", web.url, "--allow-host", web.host, "--json", "-q"), *flags
        )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert {branch["kind"] for branch in report["branches"]} == {"agent"}
    assert report["findings"]
    assert run(tmp_path, "verify", "--last").returncode == 0


def test_a_page_is_paid_once_for_all_branches(web: WebServer, tmp_path: Path) -> None:
    """Three branches that find the same pages fetch each of them once."""
    start = len(web.paths())
    question = "How is a call reserved in the budget? What is a lock of a run? Who owns the budget of a run?"
    flags = ("--web", "--searx", web.url, "--allow-host", web.host, "--json", "-q")
    ended = run(tmp_path, "ask", question, *flags)
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout)["branches"]) == 3
    fetched = [path for path in web.paths()[start:] if not path.startswith("/search")]
    assert sorted(fetched) == sorted(set(fetched))
