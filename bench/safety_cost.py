"""What the safety layer costs of a run's own processor time: the run is measured, then the layer's work is done alone.

``python -m bench.safety_cost [--pages N]`` answers a question from the pages of an invented world over loopback, with
the real command, and takes the processor seconds of all its processes. Then everything that the layer did for the pages
that the run asked for is done again by itself: reading and judging addresses, robots.txt, turns at the host, the marks
and signs of pages, the patterns of text that gives orders, the cleaning of texts, the search for keys in all that was
sent, stored and printed (three keys are set), and the whole of rendering the report, of which sanitising is a part. The
parser's own reading and its start are no part of the layer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import lxml.html

from bench.honest_pages import Text, as_html
from evals.worlds.synthetic import world
from research.clean import clean_text
from research.injection import signs_in
from research.records import build
from research.render import to_json, to_markdown
from research.report import Report
from research.scanner import Scanner
from research.secret import Secret
from tools.addresses import judge, read_allowed, read_target
from tools.clock import SystemClock
from tools.fakes.web_server import WebPage, WebServer
from tools.host_pace import HostPace
from tools.page_marks import html_marks
from tools.page_signs import page_sign
from tools.robots import TOKEN, read_robots

BAR = 0.05
KEYS = {f"{name}_API_KEY": f"sk-{name.lower()}/9Qw+7Zt=Lm4_Rk2~Vx" for name in ("OPENAI", "ANTHROPIC", "GOOGLE")}
LOOKS = 3
"""So often what a run stores is looked through for keys: when it is asked for, when it comes, when it is signed."""
REPEATS = 20
ROBOTS = "User-agent: *\nDisallow: /private\n" + "".join(f"Disallow: /{number}/*.cgi$\n" for number in range(200))


def main() -> None:
    """Measure and print; exit code 1 when the share is over the bar."""
    flags = argparse.ArgumentParser(prog="python -m bench.safety_cost", description=__doc__)
    flags.add_argument("--pages", type=int, default=120, help="pages of the world")
    whole, parts, asked = measured(flags.parse_args().pages)
    for name, taken in parts.items():
        print(f"{name:28}{taken * 1000:10.2f} ms{taken / whole:9.2%}")
    share = sum(parts.values()) / whole
    print(f"{'the layer':28}{sum(parts.values()) * 1000:10.2f} ms{share:9.2%}; the bar is {BAR:.0%}")
    print(f"{'the run':28}{whole * 1000:10.2f} ms, {asked} pages asked for")
    sys.exit(share > BAR)


def measured(size: int) -> tuple[float, dict[str, float], int]:
    """Return the processor seconds of a run, those of each part of the layer, and how many pages were asked for."""
    loaded = world(size, 1, "invented")
    texts = [Text(page.id, page.title, page.text) for page in loaded.corpora["invented"]]
    question = " ".join(case.question.text for case in loaded.cases[:3])
    pages = {f"/{number}.html": as_html(text) for number, text in enumerate(texts)}
    pages["/robots.txt"] = WebPage(body=ROBOTS.encode(), media="text/plain")
    with WebServer(pages) as server, tempfile.TemporaryDirectory() as home:
        whole, report = answered(server, Path(home), question)
        asked = [path for path in server.paths() if path.endswith(".html")]
        return whole, layer(server, asked, report, stored(Path(home))), len(asked)


def stored(home: Path) -> list[bytes]:
    """Return every value of the run's database and every text of its library."""
    values: list[bytes] = []
    with closing(sqlite3.connect(home / "runs.db")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                values += [value.encode() if isinstance(value, str) else value for value in row if value is not None]
    texts = [path.read_bytes() for path in (home / "library").rglob("*.txt")]
    return [value for value in (*values, *texts) if isinstance(value, bytes)]


def answered(server: WebServer, home: Path, question: str) -> tuple[float, Report]:
    """Return the processor seconds of a run, its children's included, and its report."""
    words = ("ask", question, "--web", "--searx", server.url, "--allow-host", server.host, "--json", "-q")
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1]), **KEYS}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "research", "--home", str(home), *words],
        env=environment,
        capture_output=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not done.stdout:
        raise SystemExit(done.stderr.decode())
    report = build(Report, json.loads(done.stdout))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, report


def layer(server: WebServer, asked: list[str], report: Report, kept: list[bytes]) -> dict[str, float]:
    """Return the processor seconds of each part of the layer's work for the pages that were asked for."""
    allowed = read_allowed([server.host])
    urls = [f"{server.url}{path}" for path in asked]
    trees = [lxml.html.document_fromstring(server.pages[path].body.decode()) for path in asked]
    plain = [tree.text_content() for tree in trees]

    def addresses() -> None:
        for url in urls:
            target = read_target(url, allowed)
            judge("127.0.0.1", target.host, target.port, allowed)  # as resolved
            judge("127.0.0.1", target.host, target.port, allowed)  # the socket's peer

    def robots() -> None:
        rules = read_robots(ROBOTS)
        for url in urls:
            rules.can_fetch(url, TOKEN)
            rules.crawl_delay(TOKEN)

    def signs() -> None:
        for url, tree, text in zip(urls, trees, plain, strict=True):
            page_sign(url, "a title", text, html_marks(tree))

    def cleaning() -> None:
        for text in plain:
            clean_text(clean_text(text))  # in the child, and before it is stored

    def rendering() -> None:
        to_markdown(report)
        to_json(report)

    def orders() -> None:
        for text in plain:
            signs_in(text)
            signs_in(text[:300])  # as the snippet of a search

    scanner = Scanner({name: Secret(value) for name, value in KEYS.items()})
    printed = to_json(report).encode()

    def keys() -> None:
        for _ in range(LOOKS):
            for value in kept:
                scanner.found(value)
        scanner.found(printed)

    def turns() -> None:
        asyncio.run(_turns(urls))

    work = {
        "addresses": addresses,
        "robots.txt": robots,
        "turns at the host": turns,
        "marks and signs": signs,
        "text that gives orders": orders,
        "keys": keys,
        "cleaning": cleaning,
        "the report's sinks": rendering,
    }
    return {name: seconds(one) for name, one in work.items()}


async def _turns(urls: list[str]) -> None:
    pace = HostPace(SystemClock())
    for _ in urls:
        async with pace.turn("127.0.0.1", free=True):
            pass


def seconds(work: Callable[[], None]) -> float:
    """Return the processor seconds of one go of ``work``, the mean of some."""
    began = time.process_time()
    for _ in range(REPEATS):
        work()
    return (time.process_time() - began) / REPEATS


if __name__ == "__main__":
    main()
