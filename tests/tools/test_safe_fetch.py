"""The one way to a page, against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from research.errors import EffectFailed, UsageFault
from research.ports import Page, Parsed
from research.requests import FetchRequest
from research.web_rules import WebRules
from tools.clock import SystemClock
from tools.fakes.web_server import WebPage, WebServer, gzipped, html_page, redirect
from tools.page_body import FetchLimits
from tools.parse import ROOT, ChildParser
from tools.safe_fetch import Manners, SafeFetch

SMALL = FetchLimits(raw_bytes=50_000, decoded_bytes=100_000, seconds=5.0)


class PlainParser:
    """A parser that decodes and nothing else: these tests are about how the bytes arrive."""

    async def parse(self, data: bytes, media: str, *, name: str) -> Parsed:
        return Parsed(text=data.decode("utf-8", "replace"))


async def get(server: WebServer, path: str, *, allow: bool = True, limits: FetchLimits = SMALL) -> Page:
    return await ask(f"{server.url}{path}", allow_hosts=[server.host] if allow else [], limits=limits)


def plain_manners() -> Manners:
    """How hosts are treated here: no robots.txt is asked for, so that the log has pages alone."""
    return Manners(SystemClock(), robots=False)


async def ask(url: str, *, timeout: float | None = None, **options: object) -> Page:
    fetch = SafeFetch(PlainParser(), manners=plain_manners(), **options)  # type: ignore[arg-type]
    try:
        return await fetch.fetch(FetchRequest(handle="h-1", url=url), timeout=timeout)
    finally:
        await fetch.aclose()


@pytest_asyncio.fixture
async def parser() -> AsyncIterator[ChildParser]:
    child = ChildParser(children=1)
    yield child
    await child.aclose()


async def test_a_page_comes_back_parsed_with_its_final_address(parser: ChildParser) -> None:
    """Redirects are followed, gzip is unpacked, and title, date and text come from the real parser."""
    page = html_page("Rivers", ["The Danube flows through ten countries."], published="2023-04-05")
    with WebServer({"/old": redirect("/new#part", 301), "/new": gzipped(page)}) as server:
        fetch = SafeFetch(parser, allow_hosts=[server.host])
        found = await fetch.fetch(FetchRequest(handle="h-1", url=f"{server.url}/old#x"), timeout=10.0)
        await fetch.aclose()
        sent = server.log[-1].headers
    assert (found.url, found.title, found.published) == (f"{server.url}/new", "Rivers", "2023-04-05")
    assert found.text == "Rivers\n\nThe Danube flows through ten countries."
    assert found.media == "text/html"
    assert sent["accept-encoding"] == "gzip, identity"
    assert sent["user-agent"].startswith("research/")


async def test_nothing_is_sent_to_a_host_that_is_not_allowed() -> None:
    """The server sees no request, and the message names the flag that would open it."""
    with WebServer({"/": html_page("x", ["y"])}) as server:
        with pytest.raises(EffectFailed, match="is refused") as caught:
            await get(server, "/", allow=False)
        assert server.log == []
    assert not caught.value.retryable
    assert not caught.value.charged


async def test_no_redirect_leads_to_an_inner_host(shared_data: Path) -> None:
    """Every redirect case ends in an error that is not worth retrying, after the first hop and no other request."""
    lines = (shared_data / "attacks" / "own-ssrf.jsonl").read_text("utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if case["kind"] == "redirect"]
    pages = {f"/{number}": redirect(case["location"], case["status"]) for number, case in enumerate(cases)}
    with WebServer(pages) as server:
        for path in pages:
            with pytest.raises(EffectFailed) as caught:
                await get(server, path)
            assert not caught.value.retryable
        assert server.paths() == list(pages)


async def test_redirects_have_an_end() -> None:
    """Chains longer than five hops, loops and ping-pong stop at the limit; five hops arrive."""
    pages = {f"/{number}": redirect(f"/{number + 1}") for number in range(20)}
    pages |= {"/self": redirect("/self"), "/ping": redirect("/pong"), "/pong": redirect("/ping")}
    pages["/20"] = html_page("End", ["Here."])
    with WebServer(pages) as server:
        for start in ("/0", "/14", "/self", "/ping"):
            with pytest.raises(EffectFailed, match="more than 5 redirects"):
                await get(server, start)
        assert len(server.log) == 4 * 6
        assert (await get(server, "/15")).url.endswith("/20")


async def test_soft_redirects_are_never_followed(shared_data: Path) -> None:
    """Refresh, Location on a 200, Link, Content-Location, base and Alt-Svc are only text or headers."""
    lines = (shared_data / "attacks" / "own-ssrf.jsonl").read_text("utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if case["kind"] == "soft-redirect"]
    names = {"Refresh header": "Refresh", "Location on 200": "Location", "Link preload": "Link"}
    for case in cases:
        name = names.get(case["name"], case["name"])
        body = case["value"].encode() if " " in name else b"words"
        headers = () if " " in name else ((name, case["value"].replace("127.0.0.1/", "127.0.0.1:1/")),)
        with WebServer({"/": WebPage(body=body, headers=headers)}) as server:
            assert (await get(server, "/")).url == f"{server.url}/"
            assert server.paths() == ["/"]


async def test_a_name_is_judged_by_what_it_resolves_to_when_it_is_connected_to() -> None:
    """A harmless name that leads inside is refused at the socket; of a mixed answer only public addresses are used."""
    asked: list[str] = []

    async def inside(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["10.0.0.5", "::1"]

    with pytest.raises(EffectFailed, match=r"rebound\.example:80 is refused") as caught:
        await ask("http://rebound.example/", resolve=inside)
    assert asked == ["rebound.example"]
    assert not caught.value.retryable


@pytest.mark.parametrize("host", ["ｅxample.com", "ⓔxample.com", "ab\u00adc.com", "ßß.ﬀ", "0xⅠ", "\u0345.com"])
async def test_a_name_in_other_letters_ends_only_its_own_page(host: str) -> None:
    """Names that one library maps to a host and another refuses are judged as every other, or refused in a sentence."""

    async def inner(name: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    for url in (f"http://{host}/", f"http://{host}/\ud800"):
        with pytest.raises(EffectFailed, match="refused"):
            await ask(url, resolve=inner)


async def test_each_hop_resolves_its_name_again() -> None:
    """A name that was allowed on the first hop and has moved on the second is judged anew."""
    answers = [["127.0.0.1"], ["127.0.0.1"]]

    async def moving(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    with WebServer({"/": redirect("http://other.example:8080/")}) as server:
        with pytest.raises(EffectFailed, match=r"other\.example:8080 is refused"):
            await ask(
                f"http://named.example:{server.port}/", resolve=moving, allow_hosts=[f"named.example:{server.port}"]
            )
        assert server.log[0].headers["host"] == f"named.example:{server.port}"
    assert answers == []


async def test_the_next_address_of_a_name_is_tried() -> None:
    """One address that refuses the connection does not make the host unreachable."""

    async def two(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    with WebServer({"/": html_page("x", ["y"])}) as server:
        place = f"named.example:{server.port}"
        assert "y" in (await ask(f"http://{place}/", resolve=two, allow_hosts=[place])).text


async def test_tls_is_asked_for_the_name_and_not_for_the_address() -> None:
    """The server name in the TLS greeting is the URL's host, although the connection went to a judged address."""
    greeting = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))
    place = f"named.example:{listener.getsockname()[1]}"

    def take() -> None:
        connection, _ = listener.accept()
        with connection:
            greeting.extend(connection.recv(4096))

    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    with listener:
        thread = threading.Thread(target=take)
        thread.start()
        with pytest.raises(EffectFailed, match="cannot be reached"):
            await ask(f"https://{place}/", resolve=here, allow_hosts=[place])
        thread.join()
    assert b"named.example" in greeting


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (WebPage(body=b"x" * 50_001), "too large"),
        (WebPage(body=b"x" * 60_000, length=None, media="text/plain"), "too large"),
        (WebPage(body=gzip.compress(b"x" * 5_000_000, mtime=0), headers=(("Content-Encoding", "gzip"),)), "unpacked"),
        (WebPage(body=b"not gzip at all", headers=(("Content-Encoding", "gzip"),)), "damaged gzip"),
        (WebPage(body=b"x", headers=(("Content-Encoding", "br"),)), "not asked for"),
        (WebPage(body=b"x", headers=(("Content-Encoding", "gzip, gzip"),)), "not asked for"),
        (WebPage(body=b"x", media="image/png"), "image/png, which is not read"),
        (WebPage(body=b"x", media="application/octet-stream"), "octet-stream"),
        (WebPage(body=b"  "), "no readable text"),
        (WebPage(body=b"", status=404), "404 Not Found"),
        (WebPage(body=b"", status=410), "410 Gone"),
        (WebPage(body=b"", status=403), "403 Forbidden"),
        (WebPage(body=b"", status=206), "206 Partial"),
        (WebPage(body=b"", status=302), "302 Found"),
        (redirect("http://[::1"), "not an address"),
    ],
)
async def test_what_asking_again_would_not_change_is_not_retryable(page: WebPage, words: str) -> None:
    """Too large, badly encoded, the wrong media type and refusals of the server are final, and say what they are."""
    with WebServer({"/": page}) as server, pytest.raises(EffectFailed, match=words) as caught:
        await get(server, "/")
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, (("Retry-After", "7"),), 7.0),
        (503, (("Retry-After", "Thu, 01 Jan 2099 00:00:00 GMT"),), None),
        (500, (), None),
        (502, (("Retry-After", "soon"),), None),
        (503, (("Retry-After", "Mon, 01 Jan 99999999999999 00:00:00 GMT"),), None),
        (521, (), None),
    ],
)
async def test_what_may_pass_is_retryable_after_the_time_the_server_asks_for(
    status: int, headers: tuple[tuple[str, str], ...], after: float | None
) -> None:
    """Overload and server errors are worth another try; seconds and dates of Retry-After are understood."""
    page = WebPage(body=b"", status=status, headers=headers)
    with WebServer({"/": page}) as server, pytest.raises(EffectFailed) as caught:
        await get(server, "/")
    assert caught.value.retryable
    if "2099" in str(headers):
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > 1e9
    else:
        assert caught.value.retry_after == after


async def test_a_broken_or_missing_connection_is_retryable() -> None:
    """A body shorter than announced, a gzip cut short and a closed port may be better next time."""
    cut = gzip.compress(b"words " * 100)[:-12]
    pages = {
        "/short": WebPage(body=b"half", length=100),
        "/cut": WebPage(body=cut, headers=(("Content-Encoding", "gzip"),)),
    }
    with WebServer(pages) as server:
        for path in pages:
            with pytest.raises(EffectFailed) as caught:
                await get(server, path)
            assert caught.value.retryable
    with pytest.raises(EffectFailed, match="cannot be reached") as caught:
        await get(server, "/short")
    assert caught.value.retryable


async def test_time_is_capped_by_the_caller_and_by_the_limits() -> None:
    """A late answer and a body that drips are given up, whichever limit is the shorter."""
    pages = {"/late": WebPage(body=b"x", delay=30.0), "/drip": WebPage(body=b"x" * 40_000, drip=5.0)}
    with WebServer(pages) as server:
        for path, seconds, timeout in (("/late", 0.2, None), ("/drip", 30.0, 0.2)):
            limits = FetchLimits(seconds=seconds)
            with pytest.raises(EffectFailed, match=r"within 0.2 s") as caught:
                await ask(f"{server.url}{path}", allow_hosts=[server.host], limits=limits, timeout=timeout)
            assert caught.value.retryable


async def test_several_gzip_members_and_padding_are_one_body() -> None:
    """Concatenated members, which the format allows, and zeros after them are read."""
    body = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0"
    with WebServer({"/": WebPage(body=body, headers=(("Content-Encoding", "gzip"),))}) as server:
        assert (await get(server, "/")).text == "one two"


async def test_padding_may_come_in_pieces() -> None:
    """Zeros after a body are no member, wherever the network cuts them."""
    body = gzip.compress(b"one") + bytes(200_000)
    with WebServer({"/": WebPage(body=body, headers=(("Content-Encoding", "gzip"),))}) as server:
        assert (await get(server, "/", limits=FetchLimits())).text == "one"


async def test_a_body_of_members_that_hold_nothing_is_given_up() -> None:
    """What takes time to unpack and yields nothing ends its page early, long before its bytes reach their cap."""
    body = gzip.compress(b"") * 2_000 + gzip.compress(b"one")
    page = WebPage(body=body, headers=(("Content-Encoding", "gzip"),))
    with WebServer({"/": page}) as server, pytest.raises(EffectFailed, match="damaged gzip body"):
        await get(server, "/")


async def test_a_refusal_that_unpacks_to_nothing_is_not_read_on() -> None:
    """Behind a refusal no more is read than a sign takes, also where what is sent decodes to next to nothing."""
    sign = gzip.compress(b"<title>Just a moment")
    nothing = b"\0\0\0\xff\xff"  # an empty block of deflate
    told = []
    for blocks in (10, 200_000):
        body = sign[:10] + nothing * blocks + sign[10:]
        page = WebPage(body=body, status=403, headers=(("Content-Encoding", "gzip"),))
        with WebServer({"/": page}) as server, pytest.raises(EffectFailed) as caught:
            await get(server, "/")
        told.append("bot check" in str(caught.value))
    assert told == [True, False]


async def test_no_cookie_comes_back() -> None:
    """A cookie set by the first page is not sent with the second."""
    pages = {"/a": WebPage(body=b"a", headers=(("Set-Cookie", "id=1"),)), "/b": WebPage(body=b"b")}
    with WebServer(pages) as server:
        fetch = SafeFetch(PlainParser(), allow_hosts=[server.host], manners=plain_manners())
        for path in pages:
            await fetch.fetch(FetchRequest(handle="h", url=server.url + path), timeout=5.0)
        await fetch.aclose()
        assert ["cookie" in entry.headers for entry in server.log] == [False, False]


FETCHES = """
import asyncio, sys
from research.requests import FetchRequest
from tools.parse import ChildParser
from tools.safe_fetch import SafeFetch
async def main():
    parser = ChildParser()
    fetch = SafeFetch(parser, allow_hosts=[sys.argv[1]])
    page = await fetch.fetch(FetchRequest(handle="h", url=f"http://{sys.argv[1]}/"), timeout=10.0)
    await fetch.aclose()
    await parser.aclose()
    print(page.text)
asyncio.run(main())
"""


def test_the_proxy_of_the_environment_is_not_asked() -> None:
    """A proxy would resolve names by itself, out of reach of the policy; one that is set is ignored."""
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:1")
    with WebServer({"/": WebPage(body=b"direct", media="text/plain")}) as server:
        command = [sys.executable, "-c", FETCHES, server.host]
        done = subprocess.run(command, env={"PYTHONPATH": ROOT, **proxies}, capture_output=True, text=True, check=True)
    assert done.stdout == "direct\n"


async def test_pages_are_fetched_at_the_same_time() -> None:
    """Twelve pages with a delay of 0.2 s each are there in much less than their sum."""
    with WebServer({"/": html_page("x", ["y"])}, delay=0.2) as server:
        fetch = SafeFetch(PlainParser(), allow_hosts=[server.host])
        requests = [FetchRequest(handle="h", url=f"{server.url}/?n={n}") for n in range(12)]
        async with asyncio.timeout(1.5):
            pages = await asyncio.gather(*(fetch.fetch(request, timeout=5.0) for request in requests))
        await fetch.aclose()
    assert len({page.url for page in pages}) == 12


async def test_no_password_of_an_address_reaches_a_message_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """An address with a user is refused without repeating what it held."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(EffectFailed, match="user") as caught:
        await ask("http://user:hunter2@example.org/")
    assert "hunter2" not in str(caught.value) + caplog.text


def test_a_malformed_allowed_host_is_refused_at_once() -> None:
    """The mistake is reported when the fetcher is made, not in the middle of a run."""
    with pytest.raises(UsageFault, match="HOST:PORT"):
        SafeFetch(PlainParser(), allow_hosts=["intranet"])


async def test_every_redirect_is_judged_by_the_sites_asked_for() -> None:
    """A redirect from an allowed site to another one is refused before anything is sent to that one."""
    with WebServer({"/secret": html_page("Other", ["Text."])}) as other, WebServer({"/old": redirect("/x")}) as server:
        server.pages["/old"] = redirect(f"{other.url}/secret".replace("127.0.0.1", "localhost"))
        rules = WebRules(sites=("127.0.0.1",))
        hosts = [server.host, other.host.replace("127.0.0.1", "localhost")]
        with pytest.raises(EffectFailed, match="localhost is not one of the sites asked for"):
            await ask(f"{server.url}/old", allow_hosts=hosts, allow_url=rules.check)
        assert (server.paths(), other.paths()) == (["/old"], [])
