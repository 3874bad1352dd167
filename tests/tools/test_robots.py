"""robots.txt and the pace of hosts, against a real server on loopback and a clock of virtual time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from research.errors import EffectFailed
from research.ports import Page, Parsed
from research.requests import FetchRequest
from research.web_rules import WebRules
from tools.addresses import read_allowed
from tools.fakes.scripted import ManualClock
from tools.fakes.web_server import WebPage, WebServer, html_page, redirect
from tools.host_pace import HostPace
from tools.judged_network import JudgedNetwork
from tools.robots import LONGEST, Robots, read_robots
from tools.safe_fetch import Manners, SafeFetch

PAGE = html_page("Rivers", ["The Danube flows through ten countries."])


class PlainParser:
    """A parser that decodes and nothing else."""

    async def parse(self, data: bytes, media: str, *, name: str) -> Parsed:
        return Parsed(text=data.decode("utf-8", "replace"))


def robots(text: str, **how: object) -> WebPage:
    return WebPage(body=text.encode(), media="text/plain", **how)  # type: ignore[arg-type]


async def fetched(server: WebServer, paths: Sequence[str], clock: ManualClock | None = None) -> list[Page | str]:
    """Fetch the paths with one set of manners: pages, or the sentences that say why there is none."""
    manners = Manners(clock or ManualClock())
    fetch = SafeFetch(PlainParser(), allow_hosts=[server.host], manners=manners)
    found: list[Page | str] = []
    for path in paths:
        try:
            found.append(await fetch.fetch(FetchRequest(handle="h", url=server.url + path), timeout=5.0))
        except EffectFailed as failure:
            found.append(str(failure))
    await fetch.aclose()
    return found


async def test_a_closed_page_is_not_asked_for_and_the_file_only_once() -> None:
    """What robots.txt closes is refused with a sentence, what it opens is read, and one request brings the file."""
    rules = "User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /inner\nAllow: /inner/open\n"
    pages = {"/robots.txt": robots(rules), "/inner/a": PAGE, "/inner/open": PAGE, "/b": PAGE}
    with WebServer(pages) as server:
        found = await fetched(server, ["/inner/a", "/inner/open", "/b"])
        assert server.paths() == ["/robots.txt", "/inner/open", "/b"]
    assert found[0] == f"{server.url}/inner/a is closed to programs by its robots.txt"
    assert all(isinstance(page, Page) for page in found[1:])


async def test_our_own_group_is_obeyed_before_that_of_everybody() -> None:
    """The group that names our product token replaces the one for all, whatever its case; longer names are not ours."""
    rules = "User-agent: *\nDisallow:\n\nUser-Agent: Research\nDisallow: /b\n\nUser-agent: researcher\nDisallow: /a"
    with WebServer({"/robots.txt": robots(rules), "/a": PAGE, "/b": PAGE}) as server:
        found = await fetched(server, ["/a", "/b"])
    assert isinstance(found[0], Page)
    assert "closed to programs" in str(found[1])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (robots("User-agent: *\nDisallow: /", status=404), ""),
        (robots("User-agent: *\nDisallow: /", status=403), ""),
        (redirect("/robots.txt"), ""),
        (WebPage(body=b"<html>a page that says Disallow: / in passing</html>"), ""),
        (WebPage(body=b"\x1f\x8b not gzip", headers=(("Content-Encoding", "gzip"),)), ""),
        (robots("", status=503), "robots.txt answered 503"),
        (robots("", status=500), "robots.txt answered 500"),
        (robots("", status=429, headers=(("Retry-After", "9"),)), "robots.txt answered 429"),
        (robots("\ufeffUser-agent: *\r\nDisallow: /\r\n"), "closed to programs"),
        (robots("User-agent: *\nDisallow: /p*e$"), "closed to programs"),
        (robots("User-agent: *\nDisallow: /page\n" + "# filler\n" * 100_000), "closed to programs"),
        (robots("# filler" * (LONGEST // 8) + "\nUser-agent: *\nDisallow: /"), ""),
    ],
)
async def test_a_file_that_cannot_be_had_opens_or_closes_as_the_rfc_says(answer: WebPage, words: str) -> None:
    """No file opens the host, a failing host is closed, and only the first half megabyte of a file counts."""
    with WebServer({"/robots.txt": answer, "/page": PAGE}) as server:
        found = (await fetched(server, ["/page"]))[0]
    assert (words in found) if isinstance(found, str) else not words


async def test_a_redirected_file_is_read_and_each_hop_is_judged() -> None:
    """robots.txt may move; where it moves to a closed address, nothing is sent there and the page is not read."""
    moved = {"/robots.txt": redirect("/rules.txt"), "/rules.txt": robots("User-agent: *\nDisallow: /"), "/page": PAGE}
    with WebServer(moved) as server:
        assert "closed to programs" in str((await fetched(server, ["/page"]))[0])
    with WebServer() as inner, WebServer({"/robots.txt": redirect(f"{inner.url}/x"), "/page": PAGE}) as server:
        assert "is refused" in str((await fetched(server, ["/page"]))[0])
        assert inner.log == []
        assert server.paths() == ["/robots.txt"]


async def test_a_redirect_of_the_file_leads_to_no_site_that_may_not_be_used() -> None:
    """A robots.txt that leads to a denied site sends nothing there: its page fails with the reason."""
    with WebServer({"/x": robots("")}) as denied, WebServer({"/page": PAGE}) as server:
        elsewhere = denied.url.replace("127.0.0.1", "localhost")
        server.pages["/robots.txt"] = redirect(f"{elsewhere}/x")
        hosts = [server.host, denied.host.replace("127.0.0.1", "localhost")]
        rules = WebRules(deny_sites=("localhost",))
        fetch = SafeFetch(PlainParser(), allow_hosts=hosts, manners=Manners(ManualClock()), allow_url=rules.check)
        with pytest.raises(EffectFailed, match=r"\(--deny-site\)"):
            await fetch.fetch(FetchRequest(handle="h", url=f"{server.url}/page"), timeout=5.0)
        await fetch.aclose()
        assert (server.paths(), denied.log) == (["/robots.txt"], [])


async def test_a_file_is_asked_for_again_after_a_day_and_a_failed_one_after_a_minute() -> None:
    """What a host says is kept for a day at most; a host that failed is asked again soon."""
    clock = ManualClock()
    with WebServer({"/robots.txt": robots("", status=500), "/page": PAGE}) as server:
        judge, network = Robots(clock), JudgedNetwork(read_allowed([server.host]))
        url = f"{server.url}/page"

        async def asked() -> int:
            try:
                await judge.check(network, url, network.target(url))
            except EffectFailed as failure:
                assert failure.retryable
            return len(server.log)

        assert [await asked(), await asked()] == [1, 1]
        clock.advance(61)
        server.pages["/robots.txt"] = robots("")
        assert [await asked(), await asked()] == [2, 2]
        clock.advance(24 * 3600 + 1)
        assert await asked() == 3
        await network.aclose()


async def test_a_redirect_of_a_page_is_asked_of_its_own_host_too() -> None:
    """A page that leads to another host is read only if that host's robots.txt lets us."""
    with (
        WebServer({"/robots.txt": robots("User-agent: *\nDisallow: /"), "/x": PAGE}) as closed,
        WebServer({"/page": redirect(f"{closed.url}/x")}) as server,
    ):
        fetch = SafeFetch(PlainParser(), allow_hosts=[server.host, closed.host], manners=Manners(ManualClock()))
        with pytest.raises(EffectFailed, match="closed to programs"):
            await fetch.fetch(FetchRequest(handle="h", url=f"{server.url}/page"), timeout=5.0)
        await fetch.aclose()
        assert closed.paths() == ["/robots.txt"]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: a{n}\n" for n in range(20_000)) + "Disallow: /a\n" * 15_000,
        "User-agent: *\n" + "Disallow: /*a*a*a*a*a*a*a*a*b\n" * 12_000,
        "User-agent: *\nDisallow: /" + "*" * 400_000,
        "User-agent: *\n" + "".join(f"Disallow: /{n}\n" for n in range(25_000)),
        "\n" * 400_000,
    ],
)
def test_a_file_made_to_be_slow_costs_little(text: str) -> None:
    """Many names, many rules and many stars are read and asked in seconds, not in hours."""
    began = time.process_time()
    rules = read_robots(text)
    assert rules.can_fetch("http://h.example/" + "a" * 1900, "research") or "*****" in text
    assert time.process_time() - began < 5


async def test_a_host_asks_for_a_pause_and_gets_it() -> None:
    """Crawl-delay lies between the requests, ten seconds at most, in virtual time."""
    for said, kept in (("3", 3.0), ("600", 10.0)):
        clock = ManualClock()
        rules = robots(f"User-agent: *\nCrawl-delay: {said}")
        with WebServer({"/robots.txt": rules, "/page": PAGE}) as server:
            await fetched(server, ["/page?1", "/page?2", "/page?3"], clock)
        assert clock.slept == [kept, kept]


async def test_a_host_is_asked_by_two_at_once_half_a_second_apart() -> None:
    """Of six requests to one host two are out at a time, their starts lie apart, and another host does not wait."""
    clock = ManualClock()
    pace, passing = HostPace(clock), clock.sleep
    starts: list[tuple[str, float]] = []
    out, most = 0, 0

    async def ask(host: str) -> None:
        nonlocal out, most
        async with pace.turn(host):
            starts.append((host, clock.monotonic()))
            out += host == "a.example"
            most = max(most, out)
            await passing(3.0)
            out -= host == "a.example"

    await asyncio.gather(*(ask("a.example") for _ in range(6)), ask("b.example"))
    assert most == 2
    assert [at for host, at in starts if host == "b.example"] == [0.0]
    own = [at for host, at in starts if host == "a.example"]
    assert own[:2] == [0.0, 0.5]
    assert len(own) == 6
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(own))


async def test_hosts_that_were_named_are_not_held_back() -> None:
    """A host of the user's own is asked at once, as often as is wished."""
    clock = ManualClock()
    pace, passing = HostPace(clock), clock.sleep

    async def ask() -> None:
        async with pace.turn("intranet", free=True):
            await passing(1.0)

    await asyncio.gather(*(ask() for _ in range(20)))
    assert clock.monotonic() == 1.0


async def test_a_host_that_said_later_is_left_alone_by_all() -> None:
    """Retry-After of one page is waited for by the next; a wait of over a minute is refused and says how long."""
    clock = ManualClock()
    busy = WebPage(body=b"", status=429, headers=(("Retry-After", "20"),))
    gone = WebPage(body=b"", status=503, headers=(("Retry-After", "7200"),))
    with WebServer({"/busy": busy, "/gone": gone, "/page": PAGE}) as server:
        found = await fetched(server, ["/busy", "/page", "/gone", "/page"], clock)
        assert server.paths() == ["/robots.txt", "/busy", "/page", "/gone"]
    assert clock.slept == [20.0]
    assert isinstance(found[1], Page)
    assert "asks to be left alone for 7200 s" in str(found[3])


async def test_who_waits_hears_of_a_later_word() -> None:
    """A request that already waits for its turn waits on when the host says "later" meanwhile."""
    clock = ManualClock()
    pace = HostPace(clock)
    starts = []

    async def ask() -> None:
        async with pace.turn("a.example"):
            starts.append(clock.monotonic())
            if len(starts) == 1:
                pace.hold("a.example", 10.0)

    await asyncio.gather(ask(), ask())
    assert starts == [0.0, 10.0]
