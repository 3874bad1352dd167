"""The loopback web: what other tests and benches rely on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import httpx
import pytest

from tools.fakes.web_server import WebPage, WebServer, gzipped, html_page, redirect

PAGES = {
    "/cats": html_page("Cats", ["Cats sleep for thirteen hours a day.", "They purr."], published="2024-05-06"),
    "/dogs": html_page("Dogs", ["Dogs bark at the post and sleep at night."]),
    "/old": redirect("/cats", 301),
    "/packed": gzipped(html_page("Packed", ["Compressed words."])),
}


async def test_pages_redirects_and_compressed_bodies_come_as_configured() -> None:
    """A client that follows redirects and unpacks gets the page; an unknown path is a 404."""
    with WebServer(PAGES) as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, follow_redirects=True) as client:
            assert "thirteen hours" in (await client.get("/old")).text
            packed = await client.get("/packed")
            assert packed.headers["content-encoding"] == "gzip"
            assert "Compressed words." in packed.text
            assert (await client.get("/none")).status_code == 404
        assert server.paths() == ["/old", "/cats", "/packed", "/none"]


async def test_the_search_speaks_the_json_of_searxng() -> None:
    """Results carry addresses on this server, best first; a request for another format is forbidden, as by default."""
    with WebServer(PAGES) as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            answer = (await client.get("/search", params={"q": "how long do cats sleep", "format": "json"})).json()
            assert [row["url"] for row in answer["results"]] == [f"{server.url}/cats", f"{server.url}/dogs"]
            assert answer["results"][0]["title"] == "Cats"
            assert answer["results"][0]["publishedDate"] == "2024-05-06"
            assert (await client.get("/search", params={"q": "cats"})).status_code == 403


async def test_the_search_speaks_the_json_of_tavily_and_wants_its_key() -> None:
    """Without the bearer the answer is 401; with it, no more results than asked for; the log never holds the key."""
    with WebServer(PAGES, key="tvly-secret") as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            asked = {"query": "sleep", "max_results": 1}
            assert (await client.post("/search", json=asked)).status_code == 401
            answer = await client.post("/search", json=asked, headers={"Authorization": "Bearer tvly-secret"})
            assert len(answer.json()["results"]) == 1
        assert [entry.authorized for entry in server.log] == [False, True]
        assert "tvly-secret" not in repr(server.log)


async def test_delayed_answers_are_served_at_the_same_time() -> None:
    """Eight answers with a delay of 0.15 s each take far less than 1.2 s together."""
    with WebServer(PAGES, delay=0.15) as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            start = time.monotonic()
            await asyncio.gather(*(client.get("/cats") for _ in range(8)))
            assert 0.15 <= time.monotonic() - start < 0.9


def test_closing_cuts_waiting_answers_short() -> None:
    """A server with an hour's delay stops at once."""
    server = WebServer({"/slow": WebPage(body=b"x", delay=3600.0)})
    start = time.monotonic()
    server.close()
    assert time.monotonic() - start < 2.0


@pytest.mark.parametrize("path", ["/a.html", "/deep/b.txt"])
def test_it_runs_as_a_process_over_a_folder_and_logs_to_a_file(tmp_path: Path, path: str) -> None:
    """The port is the first line on stdout; each request is one JSON line in the log before its answer arrives."""
    (tmp_path / "pages" / "deep").mkdir(parents=True)
    (tmp_path / "pages" / "a.html").write_text("<p>words</p>", "utf-8")
    (tmp_path / "pages" / "deep" / "b.txt").write_text("words", "utf-8")
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "tools.fakes.web_server", "--pages", str(tmp_path / "pages"), "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                assert b"words" in answer.read()
            entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
            assert [(entry["method"], entry["path"]) for entry in entries] == [("GET", path)]
        finally:
            process.kill()
