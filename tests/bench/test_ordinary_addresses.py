"""The address policy against what people really link to: it refuses next to nothing of it."""

from __future__ import annotations

import random
from pathlib import Path

from bench.ordinary_addresses import addresses, drawn, public_ips, refusal
from tools.addresses import why_closed


def test_ordinary_addresses_are_let_through(shared_data: Path) -> None:
    """Of 300 addresses of as many hosts at most one in two hundred is refused; the bench takes a thousand."""
    urls = drawn(addresses(shared_data / "plans"), random.Random(0), 300)
    refused = [url for url in urls if refusal(url)]
    assert len(urls) == 300
    assert len(refused) <= 1, refused


def test_a_draw_takes_every_host_before_it_takes_one_twice() -> None:
    """Many pages of one host must not stand for the web."""
    urls = [f"https://one.example/{number}" for number in range(50)] + [
        "https://two.example/",
        "https://three.example/",
    ]
    hosts = [url.split("/")[2] for url in drawn(iter(urls), random.Random(1), 3)]
    assert sorted(hosts) == ["one.example", "three.example", "two.example"]


def test_addresses_of_public_blocks_are_open() -> None:
    """Addresses that registries gave out are no reserved ones."""
    assert [ip for ip in public_ips(random.Random(2), 400) if why_closed(ip)] == []


def test_what_is_refused_says_why() -> None:
    """The bench would see a refusal."""
    assert "not a public" in refusal("http://[::2]/") or "refused" in refusal("http://[::2]/")
    assert refusal("https://example.org/") == ""
