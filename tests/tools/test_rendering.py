"""Pages whose text a script writes: rendered by a browser that gets what we hand it, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from research.app.browsers import found_browser
from research.errors import EffectFailed
from tools.rendering import Chromium, Get, RenderLimits

PROGRAM = found_browser()
needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")
needs_namespaces = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
PAGE = b"<html><body><p id=x></p><script src=/app.js></script></body></html>"
SITE = {
    "https://a.example/app.js": (
        "text/javascript",
        b"fetch('/text.json').then(r => r.json()).then(j => document.getElementById('x').textContent = j.text)",
    ),
    "https://a.example/text.json": ("application/json", b'{"text": "Every call is reserved before it is sent."}'),
}


class Site:
    """Serves a table of addresses to scripts and notes what was asked for."""

    def __init__(self, files: Mapping[str, tuple[str, bytes]]) -> None:
        self.asked: list[str] = []
        self._files = files

    async def get(self, url: str) -> tuple[str, bytes]:
        self.asked.append(url)
        if url not in self._files:
            raise EffectFailed(f"{url} answered 404 Not Found")
        return self._files[url]


async def rendered(document: bytes, get: Get, limits: RenderLimits | None = None) -> str:
    assert PROGRAM is not None
    return await Chromium(PROGRAM, limits=limits).render("https://a.example/", document, "text/html", get)


@needs_browser
async def test_what_scripts_write_is_on_the_page() -> None:
    """A script is loaded, asks for its data, and the text that it writes comes back."""
    site = Site(SITE)
    assert "Every call is reserved before it is sent." in await rendered(PAGE, site.get)
    assert site.asked == list(SITE)


@needs_browser
async def test_a_script_reaches_nobody_but_through_us() -> None:
    """Pictures, frames, sockets, posts and second windows get nothing; only scripts' own GETs are asked for."""
    page = b"""<html><body><p id=x>before</p><img src=https://b.example/pixel.png><iframe src=https://b.example/f></iframe>
    <script>
      fetch('https://c.example/', {method: 'POST', body: 'secret'}).catch(() => 0);
      navigator.sendBeacon('https://d.example/', 'secret');
      window.open('https://e.example/');
      try { new WebSocket('wss://f.example/') } catch (error) { 0 }
      alert('stay');
      location.hash = 'x';
      document.getElementById('x').textContent = 'after';
    </script></body></html>"""
    site = Site({})
    assert "after" in await rendered(page, site.get)
    assert site.asked == []


@needs_browser
async def test_a_page_that_goes_elsewhere_gets_nothing_there() -> None:
    """The document is handed over once: a script that moves to another address finds nobody."""
    site = Site({})
    html = await rendered(b"<p>here</p><script>location.href = 'https://b.example/login'</script>", site.get)
    assert site.asked == []
    assert "b.example/login" not in html or "ERR_BLOCKED" in html


@needs_browser
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (b"while (true) {}", "took longer than 3 s"),
        (b"setInterval(() => fetch('/' + Math.random()).catch(() => 0), 1)", "took longer than 3 s"),
    ],
)
async def test_scripts_without_end_are_ended(script: bytes, words: str) -> None:
    """A loop, or requests without end, cost three seconds and a bounded number of requests."""
    site = Site({})
    with pytest.raises(EffectFailed, match=words):
        await rendered(b"<script>" + script + b"</script>", site.get, RenderLimits(seconds=3.0, requests=5))
    assert len(site.asked) <= 5


@needs_browser
async def test_a_document_without_end_is_cut() -> None:
    """What a script writes is bounded before it leaves the browser."""
    page = b"<body><script>document.body.textContent = 'word '.repeat(1000000)</script>"
    assert len(await rendered(page, Site({}).get, RenderLimits(characters=10_000))) <= 10_000


@needs_browser
async def test_the_browser_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a process nor a folder of a rendered page remains."""
    assert PROGRAM is not None
    meanwhile: list[Path] = []

    async def get(url: str) -> tuple[str, bytes]:
        meanwhile.extend(left_below(tmp_path))
        return await Site(SITE).get(url)

    await Chromium(PROGRAM, below=tmp_path).render("https://a.example/", PAGE, "text/html", get)
    assert len(meanwhile) > 2
    assert left_below(tmp_path) == []


@needs_namespaces
async def test_a_process_that_left_the_browsers_group_is_ended_with_it(tmp_path: Path) -> None:
    """A session of its own keeps no process of a browser alive when the browser ends."""
    pages, began, program = tmp_path / "pages", tmp_path / "began", tmp_path / "browser"
    pages.mkdir()
    program.write_text(
        f"""#!/bin/sh
        setsid sh -c ': > {began}; sleep 600; true' "$@" &
        until [ -e {began} ]; do :; done
        """
    )
    program.chmod(0o700)
    with pytest.raises(EffectFailed, match="broke off"):
        await Chromium(str(program), below=pages).render("https://a.example/", PAGE, "text/html", Site(SITE).get)
    assert began.exists()
    assert left_below(pages) == []


def left_below(folder: Path) -> list[Path]:
    """The processes that name a folder, and what is in it."""
    running = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [*(path for path in running if bytes(folder) in _command(path)), *folder.iterdir()]


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


async def test_a_browser_that_is_none_is_told() -> None:
    """A program that does not speak the protocol fails the page with a sentence."""
    with pytest.raises(EffectFailed, match="broke off"):
        await Chromium("/bin/true").render("https://a.example/", PAGE, "text/html", Site({}).get)


@needs_namespaces
async def test_the_browser_has_no_network(tmp_path: Path) -> None:
    """Whatever program is started in the browser's place finds no interface but an idle loopback."""
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ncp /proc/net/dev {tmp_path}/dev\n")
    spy.chmod(0o755)
    with pytest.raises(EffectFailed):
        await Chromium(str(spy)).render("https://a.example/", PAGE, "text/html", Site({}).get)
    names = [line.split(":")[0].strip() for line in (tmp_path / "dev").read_text().splitlines()[2:]]
    assert names == ["lo"]
