"""How many ordinary public addresses the address policy refuses: ``python -m bench.ordinary_addresses [FOLDER]``.

Every web address in the files below ``FOLDER`` (default ``../shared/data``) is gathered; 1,000 different ones are drawn
with a fixed seed, of as many hosts as can be, and each goes through what a search result and a fetch go through before
a name is resolved. As many addresses of IPv4 and IPv6 that were given out to the public are drawn beside them.
"""

from __future__ import annotations

import ipaddress
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from research.errors import EffectFailed
from research.urls import canonical_url
from tools.addresses import read_target, why_closed

DRAWN = 1_000
MOST_REFUSED = 5
"""Of a thousand."""
SUFFIXES = frozenset({".jsonl", ".json", ".md", ".csv", ".txt", ".rst"})
_URL = re.compile(r"https?://[\w.~:/?#@!$&'*+,;=%-]+")
_LEFT_OUT = "attacks"
"""The folder whose addresses are meant to be refused."""
_GIVEN_OUT = (
    "5.0.0.0/8",
    "23.0.0.0/12",
    "34.64.0.0/10",
    "51.15.0.0/16",
    "93.184.0.0/16",
    "104.16.0.0/12",
    "140.82.0.0/16",
)
_GIVEN_OUT_V6 = (
    "2001:4860::/32",
    "2600:1f00::/24",
    "2606:4700::/32",
    "2a00:1450::/32",
    "2a01:4f8::/29",
    "2404:6800::/32",
)


def addresses(folder: Path) -> Iterator[str]:
    """Yield the web addresses in the files below ``folder``, without what prose hangs on to them."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and _LEFT_OUT not in path.parts:
            for match in _URL.finditer(path.read_text(encoding="utf-8", errors="replace")):
                yield match.group().rstrip(".,;:!?'*")


def drawn(urls: Iterator[str], rng: random.Random, count: int = DRAWN) -> list[str]:
    """Return ``count`` different addresses: one of each host, while there are so many hosts, then others."""
    by_host: dict[str, list[str]] = {}
    for url in sorted(set(urls)):
        by_host.setdefault(urlsplit(url).netloc.lower(), []).append(url)
    hosts = sorted(by_host)
    rng.shuffle(hosts)
    first = [rng.choice(by_host[host]) for host in hosts]
    rest = sorted({url for own in by_host.values() for url in own} - set(first))
    rng.shuffle(rest)
    return [*first, *rest][:count]


def refusal(url: str) -> str:
    """Return why an address is refused before its name is resolved; "" when it is not."""
    try:
        read_target(canonical_url(url), frozenset())
    except (EffectFailed, ValueError) as error:
        return str(error)
    return ""


def public_ips(rng: random.Random, count: int = DRAWN) -> list[str]:
    """Return addresses of blocks that registries gave out: half IPv4, half IPv6."""
    blocks = [ipaddress.ip_network(block) for block in (*_GIVEN_OUT, *_GIVEN_OUT_V6)]
    v4 = [block for block in blocks if block.version == 4]
    v6 = [block for block in blocks if block.version == 6]
    chosen = [rng.choice(v4 if number % 2 else v6) for number in range(count)]
    return [str(block[rng.randrange(min(block.num_addresses, 2**64))]) for block in chosen]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data"
    rng = random.Random(0)
    urls = drawn(addresses(folder), rng)
    refused = {url: why for url in urls if (why := refusal(url))}
    ips = public_ips(rng)
    closed = [ip for ip in ips if why_closed(ip) is not None]
    for url, why in refused.items():
        print(f"refused  {url}: {why}")
    hosts = len({urlsplit(url).netloc for url in urls})
    print(f"{len(refused)} of {len(urls):,} ordinary addresses of {hosts:,} hosts refused")
    print(f"{len(closed)} of {len(ips):,} addresses of public blocks refused")
    allowed = MOST_REFUSED * len(urls) // DRAWN
    sys.exit(1 if not urls or len(refused) > allowed or closed else 0)


if __name__ == "__main__":
    main()
