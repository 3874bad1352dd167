"""The same main job over the web: a loopback search service and pages, allowed by name."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scene import command, environment, model_server, run

from research.services import KEYLESS
from tools.fakes.search_server import SearchServer, refusal
from tools.fakes.web_server import WebPage, WebServer, html_page

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


@pytest.fixture(scope="module")
def services() -> Iterator[SearchServer]:
    """Search services over three pages; one of them is known to both and another one's address is spelled twice."""
    said = "Every call is reserved in the budget of the run before it is sent, and a cap is never passed."
    pages = {
        "/wiki/Budget_of_a_run": html_page("Budget of a run", [said, "A branch has a budget of its own."]),
        "/wiki/Lock": html_page("Lock", ["The owner of a run holds a lock of the operating system for the run."]),
        "/paper.html": html_page("Budgets", ["A paper measures how a call is reserved in the budget of a run."]),
    }
    with SearchServer(pages) as server:
        server.works = {"/wiki/Budget_of_a_run": f"{server.url}/wiki/Budget_of_a_run/"}
        yield server


def named(services: SearchServer, home: Path) -> list[str]:
    """The flags of a run that asks Wikipedia and OpenAlex on loopback."""
    home.mkdir(exist_ok=True)
    urls = "".join(f'{name} = "{services.url}"\n' for name in ("wikipedia", "openalex", "crossref"))
    (home / "config.toml").write_text(f"[search_urls]\n{urls}", encoding="utf-8")
    return ["--web", "--search", "wikipedia", "--search", "openalex", "--allow-host", services.host, "--json", "-q"]


def test_several_services_are_asked_by_name_and_fused(services: SearchServer, tmp_path: Path) -> None:
    """Both are asked, a page that both know is fetched once, its hit names both, and the quotes hold."""
    ended = run(tmp_path, "ask", QUESTION, *named(services, tmp_path))
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert "reserved" in report["answer"]
    asked = services.paths()
    assert any(path.startswith("/w/api.php?action=query") for path in asked)
    assert any(path.startswith("/works?search=") for path in asked)
    assert not any(path.startswith("/works?query=") for path in asked)
    assert len([path for path in asked if path.startswith("/wiki/Budget")]) == 1
    assert {source["url"] for source in report["sources"]} >= {f"{services.url}/wiki/Budget_of_a_run"}
    with sqlite3.connect(f"file:{tmp_path / 'runs.db'}?mode=ro", uri=True) as runs:
        rows = [json.loads(row[0]) for row in runs.execute("SELECT json FROM records WHERE kind = 'hit'")]
    reasons = {hit["url"]: {why.split()[0] for why in hit["why"]} for hit in rows}
    assert reasons[f"{services.url}/wiki/Budget_of_a_run"] == {"wikipedia", "openalex"}
    assert run(tmp_path, "verify", "--last").returncode == 0


def test_a_service_that_fails_is_named_and_the_others_answer(services: SearchServer, tmp_path: Path) -> None:
    """The report says which one is missing and why."""
    flags = named(services, tmp_path)
    with SearchServer({"/works": refusal("openalex", 403)}) as broken:
        config = (tmp_path / "config.toml").read_text(encoding="utf-8")
        changed = config.replace(f'openalex = "{services.url}"', f'openalex = "{broken.url}"')
        (tmp_path / "config.toml").write_text(changed, encoding="utf-8")
        ended = run(tmp_path, "ask", QUESTION, *flags)
    report = json.loads(ended.stdout)
    assert report["findings"]
    assert any("OpenAlex answered 403" in loss["why"] for loss in report["skipped"])


def test_a_resumed_run_asks_the_services_it_was_started_with(services: SearchServer, tmp_path: Path) -> None:
    """What the config file names later is for later runs."""
    flags = named(services, tmp_path)
    waiting = run(tmp_path, "ask", QUESTION, *flags, "--approve")
    assert waiting.returncode == 5, waiting.stderr
    (tmp_path / "config.toml").write_text('searches = ["crossref"]\n', encoding="utf-8")
    before = len(services.paths())
    ended = run(tmp_path, "resume", "--last", "--yes", "--json", "-q")
    assert ended.returncode == 0, ended.stderr
    asked = services.paths()[before:]
    assert any(path.startswith("/works?search=") for path in asked)
    assert not any(path.startswith("/works?query=") for path in asked)


def test_without_a_key_and_without_a_name_the_keyless_services_are_asked(
    services: SearchServer, tmp_path: Path
) -> None:
    """--web alone is enough; a service that finds nothing takes nothing away."""
    urls = "".join(f'{name} = "{services.url}"\n' for name in KEYLESS)
    (tmp_path / "config.toml").write_text(f"[search_urls]\n{urls}", encoding="utf-8")
    before = len(services.paths())
    ended = run(tmp_path, "ask", QUESTION, "--web", "--allow-host", services.host, "--json", "-q")
    assert ended.returncode == 0, ended.stderr
    asked = {path.partition("=")[0] for path in services.paths()[before:]}
    assert {"/w/api.php?action", "/works?search", "/works?query", "/graph/v1/paper/search?query"} <= asked
    assert "/api/query?search_query" in asked
    assert json.loads(ended.stdout)["findings"]


def test_a_tool_of_an_mcp_server_searches_for_a_run(tmp_path: Path) -> None:
    """A server in the config is asked by --web alone; what it finds is fetched by the rules of every page."""
    root = Path(__file__).resolve().parents[2]
    table = f"command = [{sys.executable!r}, '-m', 'tools.fakes.mcp_server']\nenv = ['PYTHONPATH']\n"
    (tmp_path / "config.toml").write_text(f"[mcp.notes]\n{table}", encoding="utf-8")
    ended = subprocess.run(
        command(tmp_path, "ask", QUESTION, "--web", "--json", "-q"),
        env={**environment(tmp_path), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(ended.stdout)
    with sqlite3.connect(f"file:{tmp_path / 'runs.db'}?mode=ro", uri=True) as runs:
        hits = [json.loads(row[0]) for row in runs.execute("SELECT json FROM records WHERE kind = 'hit'")]
    assert {hit["url"] for hit in hits} == {"https://a.test/1", "https://a.test/2"}
    assert all(why.startswith("mcp.notes result") for hit in hits for why in hit["why"])
    assert (ended.returncode, report["findings"]) == (1, [])
    assert any("a.test" in loss["why"] for loss in report["skipped"])


PAPER = """%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [4 0 R 5 0 R] /Count 2 >> endobj
3 0 obj << /Title (On budgets) /Author (Ann Other) >> endobj
4 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 6 0 R /Resources << /Font << /F1 8 0 R >> >> >>
endobj
5 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 7 0 R /Resources << /Font << /F1 8 0 R >> >> >>
endobj
6 0 obj << /Length 44 >> stream
BT /F1 12 Tf 72 720 Td (A title page.) Tj ET
endstream endobj
7 0 obj << /Length 100 >> stream
BT /F1 9 Tf 9 720 Td (Every call is reserved in the budget of the run before it is sent off.) Tj ET
endstream endobj
8 0 obj << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> endobj
trailer << /Size 9 /Root 1 0 R /Info 3 0 R >>
"""


def test_closed_pages_are_named_and_a_citation_names_the_page_of_a_pdf(tmp_path: Path) -> None:
    """A page that robots.txt closes and one behind a paywall are skipped with the reason; author and page are shown."""
    about = "Every call is reserved in the budget of the run."
    paid = html_page("Paid", [about, "Subscribe to continue reading."])
    pages = {
        "/robots.txt": WebPage(body=b"User-agent: *\nDisallow: /closed", media="text/plain"),
        "/closed.html": html_page("Closed", [about] * 2),
        "/paid.html": paid,
        "/paper.pdf": WebPage(body=PAPER.encode(), media="application/pdf", title="On the budget: call reserved, run"),
    }
    with WebServer(pages) as server:
        flags = ("--web", "--searx", server.url, "--allow-host", server.host, "-q")
        ended = run(tmp_path, "ask", QUESTION, *flags)
        report = json.loads(run(tmp_path, "show", "--last", "--json").stdout)
        assert "/closed.html" not in server.paths()
    why = [loss["why"] for loss in report["skipped"]]
    assert f"{server.url}/closed.html is closed to programs by its robots.txt" in why
    assert f"{server.url}/paid.html is behind a paywall" in why
    assert [(source["title"], source["author"]) for source in report["sources"]] == [("On budgets", "Ann Other")]
    assert [finding["page"] for finding in report["findings"]] == [2]
    assert ", Ann Other, " in ended.stdout and ", p. 2, characters" in ended.stdout


def test_only_pages_of_the_sites_and_dates_asked_for_are_read(web: WebServer, tmp_path: Path) -> None:
    """--site keeps the pages of one host; --since leaves out what is dated earlier and says which; the run is done."""
    web.pages["/dated.html"] = html_page(
        "Dated", ["Every call is reserved in the budget of a run before it is sent."], published="2019-05-01"
    )
    flags = ("--web", "--searx", web.url, "--allow-host", web.host, "--json", "-q", "--site", "127.0.0.1")
    ended = run(tmp_path, "ask", QUESTION, *flags, "--since", "2020")
    del web.pages["/dated.html"]
    report = json.loads(ended.stdout)
    assert ended.returncode == 0, report["skipped"]
    assert [page["published"] for page in report["outside"]] == ["2019-05-01"]
    assert not any("/dated.html" in source["url"] for source in report["sources"])
    assert report["rules"]["sites"] == ["127.0.0.1"]
    assert run(tmp_path, "replay", "--last").returncode == 0
    nowhere = run(tmp_path, "ask", QUESTION, *flags[:-1], "elsewhere.test")
    report = json.loads(nowhere.stdout)
    assert report["findings"] == []
    left = [page["url"] for page in report["outside"]]
    assert left and all(url.startswith(web.url) for url in left)
    shown = run(tmp_path, "show", "--last").stdout
    assert f"only from elsewhere.test; {len(left)} search results of other sites left out" in shown


def test_a_fresh_page_is_kept_for_the_next_run_and_flags_say_otherwise(tmp_path: Path) -> None:
    """The second run takes the page from the file; --fresh asks for it again, --ignore-robots for a closed one, too."""
    about = ["Every call is reserved in the budget of the run before it is sent."] * 2
    kept = msgspec.structs.replace(html_page("Walls", about), headers=(("Cache-Control", "max-age=600"),))
    rules = WebPage(body=b"User-agent: *\nDisallow: /closed", media="text/plain")
    closed = html_page("Closed", ["How a call is reserved in the budget of a run is told behind closed doors alone."])
    with WebServer({"/robots.txt": rules, "/walls.html": kept, "/closed.html": closed}) as server:
        flags = ("--web", "--searx", server.url, "--allow-host", server.host, "--json", "-q")

        def asked(*more: str) -> list[str]:
            start = len(server.log)
            ended = run(tmp_path, "ask", QUESTION, *flags, *more)
            assert json.loads(ended.stdout)["findings"], ended.stderr
            return sorted(path for path in server.paths()[start:] if path.endswith(".html"))

        assert asked() == ["/walls.html"]
        assert asked() == []
        assert asked("--fresh") == ["/walls.html"]
        assert asked("--ignore-robots") == ["/closed.html", "/walls.html"]
    assert json.loads(run(tmp_path, "cache", "clear", "--json").stdout)["pages"] == 1
