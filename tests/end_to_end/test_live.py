"""``research verify --live`` against a web that changes between the run and the check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scene import QUESTION as CORPUS_QUESTION
from scene import make_home, run

from research.app.live import LiveResult, LiveSource, verify_live
from research.app.records import VerifyResult
from research.cli.live import print_live
from research.settings import load
from tools.fakes.web_server import WebPage, WebServer, html_page, redirect

QUESTION = "How is a call reserved in the budget of a run?"
QUOTED = "Every call is reserved in the budget of the run before it is sent."
PAGES = {
    "/walls.html": html_page("Walls", [QUOTED, "What is left of a budget is told in the report."]),
    "/lock.html": html_page("Lock", ["The owner of a run holds a lock, and the budget of the run goes with it."]),
}


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    """The pages that were cited; each test changes them."""
    with WebServer(PAGES) as server:
        yield server


@pytest.fixture(scope="module")
def home(web: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one run over the web."""
    folder = tmp_path_factory.mktemp("home")
    web.pages = dict(PAGES)
    ended = run(folder, "ask", QUESTION, "--web", "--searx", web.url, "--allow-host", web.host, "--json", "-q")
    assert ended.returncode == 0, ended.stderr
    assert f"{web.url}/walls.html" in [source["url"] for source in json.loads(ended.stdout)["sources"]]
    return folder


def look(home: Path, web: WebServer, **changed: WebPage) -> tuple[int, dict[str, Any]]:
    """Check with some pages changed; return the exit code and what is said of the page ``walls``."""
    web.pages = {**PAGES, **{f"/{name}.html": page for name, page in changed.items()}}
    ended = run(home, "verify", "--last", "--live", "--json")
    sources = json.loads(ended.stdout)["sources"]
    return ended.returncode, next(one for one in sources if one["url"].endswith("/walls.html"))


def contents(home: Path) -> dict[str, str]:
    """The hash of every stored text, and the report."""
    texts = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in home.rglob("*.txt")}
    return {**texts, "report": run(home, "show", "--last", "--json").stdout}


def test_a_page_that_is_as_it_was_is_alive(home: Path, web: WebServer) -> None:
    """The same text under the same address: every quote stands, exit code 0."""
    code, page = look(home, web)
    assert (code, page["state"], page["standing"], page["lost"]) == (0, "alive", page["quotes"], [])
    assert page["quotes"] > 0


def test_a_changed_page_may_still_have_its_quotes(home: Path, web: WebServer) -> None:
    """The quote is looked for under the normalisation of citations: other spaces and dashes do not lose it."""
    text = QUOTED.replace(" budget of the ", "\u00a0budget  of the ")
    code, page = look(home, web, walls=html_page("Walls", ["A word on costs before all that.", text]))
    assert (code, page["state"], page["standing"]) == (0, "changed", page["quotes"])


def test_a_changed_page_without_its_quote_is_told(home: Path, web: WebServer) -> None:
    """Exit code 3 and the finding's id; the stored copy has its quote as before, and nothing of the run changed."""
    before = contents(home)
    code, page = look(home, web, walls=html_page("Walls", ["No call is reserved any more; all are billed afterwards."]))
    assert (code, page["state"], page["standing"]) == (3, "changed", 0)
    cited = {finding["id"] for finding in json.loads(before["report"])["findings"]}
    assert page["lost"]
    assert set(page["lost"]) <= cited
    assert run(home, "verify", "--last").returncode == 0
    assert contents(home) == before


@pytest.mark.parametrize("status", [404, 410, 200])
def test_a_page_that_is_not_there_is_gone(home: Path, web: WebServer, status: int) -> None:
    """404 and 410 say so, and so may a page with status 200; exit code 3."""
    missing = msgspec.structs.replace(html_page("Page not found", ["Go to our home page."]), status=status)
    code, page = look(home, web, walls=missing)
    assert (code, page["state"], page["standing"]) == (3, "gone", 0)
    assert str(status) in page["why"]


def test_a_page_that_answers_elsewhere_has_moved(home: Path, web: WebServer) -> None:
    """A redirect is followed and named, and the quotes are looked for where it leads."""
    code, page = look(home, web, walls=redirect("/new.html"), new=PAGES["/walls.html"])
    assert (code, page["state"], page["standing"]) == (0, "moved", page["quotes"])
    assert page["now_at"] == f"{web.url}/new.html"
    code, page = look(home, web, walls=redirect("/new.html"), new=html_page("New", ["Welcome to our new pages, all."]))
    assert (code, page["state"], page["standing"]) == (3, "moved", 0)


def test_a_failing_server_proves_nothing(home: Path, web: WebServer) -> None:
    """503 is neither alive nor gone: it could not be checked, which is not success."""
    code, page = look(home, web, walls=WebPage(body=b"later", status=503))
    assert (code, page["state"], page["lost"]) == (3, "could not check", [])
    assert "503" in page["why"]


async def test_one_bound_of_time_holds_for_all_pages(home: Path, web: WebServer) -> None:
    """Pages that hang are given up together, with the reason."""
    web.pages = {path: msgspec.structs.replace(page, delay=60.0) for path, page in PAGES.items()}
    found = await verify_live(None, load({"home": str(home)}, {}), seconds=0.5)
    assert {one.state for one in found.sources} == {"could not check"}
    assert all("within the 0.5 s" in one.why for one in found.sources)
    assert found.exit_code == 3


def test_documents_of_the_user_are_not_asked_for(web: WebServer, tmp_path: Path) -> None:
    """A source that is a file is local, the check succeeds, and no request is sent."""
    home = make_home(tmp_path)
    assert run(home, "ask", CORPUS_QUESTION, "--corpus", "notes", "--json", "-q").returncode == 0
    before = len(web.paths())
    ended = run(home, "verify", "--last", "--live", "--json")
    assert (ended.returncode, len(web.paths())) == (0, before)
    assert {one["state"] for one in json.loads(ended.stdout)["sources"]} == {"local"}


def test_the_table_obeys_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    """What a page or server says stands in the table without control characters."""
    hostile = LiveSource(
        source="0" * 64,
        url="http://a.example/\x1b[2J",
        title="\u202etitle",
        state="could not check",
        quotes=2,
        now_at="http://b.example/\x9b31m",
        why="answered\nrun\x07\u200b",
    )
    print_live(LiveResult(run="r", stored=VerifyResult(run="r", checked=2, broken=()), sources=(hostile,)))
    printed = capsys.readouterr().out
    assert "could not check" in printed
    assert not {char for char in printed if not char.isprintable()} - {"\n"}


def test_the_table_names_each_page_with_its_state(home: Path, web: WebServer) -> None:
    """On the terminal: one line a page, and what to do about those that do not hold."""
    web.pages = {**PAGES, "/walls.html": WebPage(body=b"<p>Nothing here.</p>", status=404)}
    ended = run(home, "verify", "--last", "--live")
    assert ended.returncode == 3
    line = next(line for line in ended.stdout.splitlines() if "/walls.html" in line)
    assert line.startswith("gone")
    assert "404" in line
    assert "stored copies stay as they are" in ended.stdout
