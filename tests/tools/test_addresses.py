"""Which addresses may be connected to."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import EffectFailed, UsageFault
from tools.addresses import Target, judge, read_allowed, read_target, shown, why_closed

NONE: frozenset[tuple[str, int]] = frozenset()
CLOSED = """
127.0.0.1 10.1.2.3 172.31.255.255 192.168.0.1 169.254.169.254 100.100.100.200 168.63.129.16 0.0.0.0 224.0.0.1
255.255.255.255 192.0.0.1 198.18.0.1 203.0.113.9 :: ::1 ::ffff:8.8.8.8 fe80::1 fe80::1%eth0 fd00:ec2::254 ff02::1
64:ff9b::808:808 2002:808:808::1 2001:0:1::1 2001:db8::1 2606:4700::200:5efe:a00:1 100::1 5f00::1
"""


def cases(folder: Path, kind: str) -> list[dict[str, str]]:
    lines = (folder / "attacks" / "own-ssrf.jsonl").read_text("utf-8").splitlines()
    found = [case for case in map(json.loads, lines) if case["kind"] == kind]
    assert found
    return found


def refused(url: str) -> bool:
    try:
        read_target(url, NONE)
    except EffectFailed as failure:
        return not failure.retryable
    return False


def test_every_spelling_of_an_inner_host_is_refused_before_a_name_is_resolved(shared_data: Path) -> None:
    """Octal, hexadecimal, full-width, escaped, mapped, tunnelled and short forms never reach a resolver."""
    open_ones = [case["url"] for case in cases(shared_data, "host-spelling") if not refused(case["url"])]
    assert open_ones == []


def test_every_redirect_into_an_inner_host_is_refused(shared_data: Path) -> None:
    """A location is judged like any address, however it is written, relative to the page it came from."""
    open_ones = [
        case["location"]
        for case in cases(shared_data, "redirect")
        if not refused(urljoin("http://public.example/page", case["location"]))
    ]
    assert open_ones == []


@pytest.mark.parametrize(
    "address",
    CLOSED.split(),
)
def test_addresses_that_are_not_public_are_closed(address: str) -> None:
    """Each has a reason in words."""
    assert why_closed(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1"]
)
def test_public_addresses_are_open(address: str) -> None:
    """Ordinary hosts of the internet can be reached."""
    assert why_closed(address) is None


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_that_python_calls_private_is_open(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Python's own registry agrees, wherever it says that an address is not for the public."""
    if ip.is_private or ip.is_multicast or ip.is_loopback or ip.is_link_local or ip.is_unspecified:
        assert why_closed(str(ip))


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://example.org/", "only http"),
        ("http://user@example.org/", "user"),
        ("http://example.org:22/", "port 22"),
        ("http:///x", "host"),
        ("http://exa mple.org/", "white space"),
        ("http://example.org\\@127.0.0.1/", "backslash"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://a..b/", "host"),
        ("http://%31.example/", "host"),
    ],
)
def test_a_refusal_says_why(url: str, word: str) -> None:
    """Whoever reads the message knows what was wrong with the address."""
    with pytest.raises(EffectFailed, match=word):
        read_target(url, NONE)


def test_a_url_is_read_once_into_the_host_that_is_connected_to() -> None:
    """Case, a final dot and international names give one form; the Host header leaves out the scheme's own port."""
    target = read_target("HTTPS://BÜCHER.Example.:443/x", NONE)
    assert target == Target(scheme="https", host="xn--bcher-kva.example", port=443)
    assert target.authority == "xn--bcher-kva.example"
    assert read_target("http://[2606:4700:0:0::1]:8080/", NONE).authority == "[2606:4700::1]:8080"


def test_an_allowed_host_opens_that_host_on_that_port_only() -> None:
    """`--allow-host` names a door; the next port and the next host stay shut."""
    allowed = read_allowed(["127.0.0.1:9000", "[::1]:81", "Intranet:8080"])
    assert read_target("http://127.0.0.1:9000/", allowed).port == 9000
    assert read_target("http://[0::1]:81/", allowed).host == "::1"
    judge("10.0.0.1", read_target("http://intranet:8080/", allowed).host, 8080, allowed)
    for shut in ("http://127.0.0.1:9001/", "http://127.0.0.1/", "http://127.0.0.2:9000/", "http://[::1]/"):
        with pytest.raises(EffectFailed):
            read_target(shut, allowed)
    with pytest.raises(EffectFailed, match="--allow-host intranet:80 "):
        judge("10.0.0.1", "intranet", 80, allowed)


@pytest.mark.parametrize(
    "text", ["localhost", "localhost:", ":80", "http://a:80", "a:0", "a:65536", "a:b", "0x7f.1:80", "a/b:8"]
)
def test_a_malformed_allowed_host_is_a_usage_error(text: str) -> None:
    """The sentence shows the form that is wanted."""
    with pytest.raises(UsageFault, match="HOST:PORT"):
        read_allowed([text])


def test_a_shown_address_holds_no_password_and_no_control_characters() -> None:
    """Messages are safe to print and short."""
    assert shown("http://user:secret@a.test/\x1b[31mx\x07") == "http://a.test/x"
    assert len(shown("http://a.test/" + "x" * 1_000)) == 200
