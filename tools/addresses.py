"""Which addresses a fetch may go to: the policy for URLs and for IP addresses. Pure: no socket, no name is resolved.

A URL is read here once, and only what is read here is connected to; every IP address that a name resolves to is judged
here again, and so is the socket's own peer. Connecting is in ``tools.judged_network``.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

from research.clean import clean_text
from research.errors import EffectFailed, UsageFault
from research.records import Record

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = frozenset({80, 443, 8080, 8443})
"""Ports that pages are served on; any other must be named by the user."""

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_URL = 2_000

# IANA's special-purpose registries for IPv4 (RFC 6890 and later), multicast, and Azure's host address, which is public
# in form only. The list is written out because Python's own `is_global` changed between releases.
_CLOSED_V4 = tuple(
    (ipaddress.IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a carrier's private network"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud host's own service"),
        ("169.254.0.0/16", "link-local or cloud metadata"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "a relay to other networks"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "a test network"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    (ipaddress.IPv6Network(network), reason)
    for network, reason in (
        ("2001::/23", "reserved, or a tunnel (Teredo)"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "a tunnel (6to4)"),
        ("3fff::/20", "documentation"),
    )
)
_NAMED_V6 = tuple(
    (ipaddress.IPv6Network(network), reason)
    for network, reason in (
        ("::1/128", "loopback"),
        ("::/128", "unspecified"),
        ("::ffff:0:0/96", "an IPv4 address in disguise"),
        ("64:ff9b::/96", "a translated IPv4 address (NAT64)"),
        ("64:ff9b:1::/48", "a translated IPv4 address (NAT64)"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)  # the upper half of an interface identifier that carries an IPv4 address, RFC 5214


class Target(Record):
    """What a URL means: ``host`` is a lower-case name or a canonical IP address without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The ``Host`` header: the port only where it is not the scheme's own."""
        place = f"[{self.host}]" if ":" in self.host else self.host
        return place if self.port == DEFAULT_PORTS[self.scheme] else f"{place}:{self.port}"


def why_closed(address: str) -> str | None:
    """Return why an IP address is not a public one, in a few words, or ``None`` when it is public.

    Raises ``ValueError`` when ``address`` is not an IP address.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return next((reason for network, reason in _CLOSED_V4 if ip in network), None)
    if ip not in _GLOBAL_V6:
        return next((reason for network, reason in _NAMED_V6 if ip in network), "not a public address")
    if (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "a tunnel (ISATAP)"
    return next((reason for network, reason in _CLOSED_V6 if ip in network), None)


def read_allowed(hosts: Iterable[str]) -> frozenset[tuple[str, int]]:
    """Return ``HOST:PORT`` strings as pairs. Raises ``UsageFault`` when one is not of that form."""
    pairs = set()
    for text in hosts:
        host, _, port = text.strip().rpartition(":")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536) or not host or "/" in host:
            raise UsageFault(f"{text!r} is not HOST:PORT, for example intranet.example:8080 or [::1]:80")
        try:
            pairs.add((read_host(host.removeprefix("[").removesuffix("]")), int(port)))
        except ValueError as error:
            raise UsageFault(f"{text!r} is not HOST:PORT: {error}") from None
    return frozenset(pairs)


def read_host(host: str) -> str:
    """Return a host as it is connected to: ASCII, lower case, no final dot, IP addresses in their one canonical form.

    Raises ``ValueError`` for anything that another program might read as another host: escapes, look-alike digits and
    dots, and IPv4 addresses that are not four plain decimal numbers.
    """
    if ":" in host:
        if "%" in host:
            raise ValueError("an IPv6 address may not name a zone")
        return str(ipaddress.IPv6Address(host))
    name = host.lower().removesuffix(".")
    if not name.isascii() and _ends_in_number(unicodedata.normalize("NFKC", name).replace("。", ".")):
        raise ValueError("an address in other digits or dots")
    if not name.isascii():
        name = _punycode(name)
    if _ends_in_number(name):
        return str(ipaddress.IPv4Address(name))
    if not name or not all(_label(label) for label in name.split(".")):
        raise ValueError("not a host name")
    return name


def _punycode(name: str) -> str:
    import idna  # comes with httpx; only international names need it

    return idna.encode(name, uts46=True).decode("ascii")  # its errors are ValueErrors


def _label(label: str) -> bool:
    return 0 < len(label) < 64 and all(c.isalnum() or c in "-_" for c in label)


def _ends_in_number(name: str) -> bool:
    """Whether a resolver may read the name as an IPv4 address (the rule of the WHATWG URL standard)."""
    last = name.removesuffix(".").rpartition(".")[2]
    return last.isdigit() or (last.startswith("0x") and all(c in "0123456789abcdef" for c in last[2:]))


def read_target(url: str, allowed: frozenset[tuple[str, int]]) -> Target:
    """Return where a URL leads. Raises ``EffectFailed`` when a fetch may not go there, whatever the host resolves to.

    Hosts that are IP addresses are judged here, before anything is sent; names are judged when they are resolved.
    """
    try:
        target = _parse(url)
    except ValueError as error:
        raise EffectFailed(f"{shown(url)} is refused: {error}") from None
    if (target.host, target.port) in allowed:
        return target
    if target.port not in PORTS:
        raise EffectFailed(f"{shown(url)} is refused: port {target.port} is not one that pages are served on")
    if ":" in target.host or _ends_in_number(target.host):
        judge(target.host, target.host, target.port, allowed)
    return target


def _parse(url: str) -> Target:
    if any(0xD800 <= ord(c) < 0xE000 for c in url):
        raise ValueError("it holds half a character")
    if len(url) > LONGEST_URL or any(ord(c) <= 32 or 127 <= ord(c) < 160 or c.isspace() or c == "\\" for c in url):
        raise ValueError("it is too long, or holds white space, control characters or backslashes")
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("only http and https are fetched")
    if "@" in parts.netloc:
        raise ValueError("it names a user")
    if not parts.hostname:
        raise ValueError("it names no host")
    port = DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    return Target(scheme=parts.scheme, host=read_host(parts.hostname), port=port)


def judge(address: str, host: str, port: int, allowed: frozenset[tuple[str, int]]) -> None:
    """Raise ``EffectFailed`` when ``address``, to which ``host`` leads, is closed and the user did not allow it."""
    reason = why_closed(address)
    if reason is not None and (host, port) not in allowed:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise EffectFailed(f"{place} is refused: {address} is {reason}; --allow-host {place} allows it")


def shown(url: str) -> str:
    """Return a URL short and clean enough for a message; a user name or password in it is left out."""
    text = clean_text(url)
    head, at, tail = text.partition("//")
    place, slash, rest = tail.partition("/")
    text = f"{head}{at}{place.rpartition('@')[2]}{slash}{rest}"
    return text if len(text) <= 200 else text[:199] + "…"
