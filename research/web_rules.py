"""Which pages of the web count for a run: the sites that may be used, those that may not, and from when they are. Pure.

The rules are applied where a search result becomes a hit, where a page is asked for and at every redirect
(``tools.safe_fetch`` calls :meth:`WebRules.check`), and to a page's own date once it is parsed. Which addresses may be
connected to is another matter, in ``tools.addresses``.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import urlsplit

from research.errors import EffectFailed, UsageFault
from research.records import Record

SITE = "a site without path and port, such as example.org (its subdomains are included)"
DAY = "a date: YYYY, YYYY-MM or YYYY-MM-DD"


AllowUrl = Callable[[str], None]
"""Raises ``EffectFailed`` for a page that may not be asked for."""


def every_url(url: str) -> None:
    """Allow every page."""


_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


class OutsideDates(EffectFailed):
    """A page was fetched whose own date is outside the dates asked for; it is not read."""


class Outside(Record):
    """A page that was not read because of its date; without one, a search result that was left out for its site."""

    url: str
    title: str
    published: str


class WebRules(Record):
    """``sites`` (none: all) and ``deny_sites`` hold for subdomains, too, and the latter win; dates are inclusive."""

    sites: tuple[str, ...] = ()
    deny_sites: tuple[str, ...] = ()
    since: str = ""
    until: str = ""

    def refusal(self, url: str) -> str:
        """Return why a page may not be used, in a few words, or an empty string. An unreadable host is refused."""
        if not self.sites and not self.deny_sites:
            return ""
        try:
            host = read_site(urlsplit(url).hostname or "")
        except ValueError:
            return "its host cannot be read, and only some sites may be used"
        if any(covers(site, host) for site in self.deny_sites):
            return f"{host} is a site that may not be used (--deny-site)"
        if self.sites and not any(covers(site, host) for site in self.sites):
            return f"{host} is not one of the sites asked for (--site)"
        return ""

    def check(self, url: str) -> None:
        """Raise ``EffectFailed`` when a page may not be used."""
        reason = self.refusal(url)
        if reason:
            raise EffectFailed(f"the page is refused: {reason}")

    def outside(self, published: str) -> bool:
        """Return whether a page's date, as far as it is known, lies outside the dates; one without a date does not."""
        if not published:
            return False
        first, last = _first(published), _last(published)
        return bool((self.since and last < _first(self.since)) or (self.until and first > _last(self.until)))

    @property
    def dated(self) -> bool:
        """Whether pages are held to dates."""
        return bool(self.since or self.until)

    def problem(self) -> str:
        """Return why no page could ever count, in a sentence, or an empty string."""
        if self.since and self.until and _first(self.since) > _last(self.until):
            return f"no page is both since {self.since} and until {self.until}: --since must be the earlier date"
        if self.sites and all(any(covers(denied, site) for denied in self.deny_sites) for site in self.sites):
            return "every site of --site is also one of --deny-site, so no page could be used"
        return ""

    @property
    def spoken(self) -> str:
        """The rules in words, empty when every page counts."""
        parts = [
            f"only from {', '.join(self.sites)}" if self.sites else "",
            f"not from {', '.join(self.deny_sites)}" if self.deny_sites else "",
            f"since {self.since}" if self.since else "",
            f"until {self.until}" if self.until else "",
        ]
        return "; ".join(part for part in parts if part)


EVERY_PAGE = WebRules()


def read_site(text: str) -> str:
    """Return a host in its one spelling: lower case, ASCII (IDNA), no final dot; IP addresses in canonical form.

    Raises ``ValueError`` for what is no host, or what another program might read as another one.
    """
    host = text.strip().removeprefix("[").removesuffix("]")
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    name = unicodedata.normalize("NFKC", host).lower().replace("\u3002", ".").removesuffix(".")
    if not name.isascii():
        import idna  # only international names need it

        name = idna.encode(name, uts46=True).decode("ascii")
    if name.rpartition(".")[2].isdigit() or name.rpartition(".")[2].startswith("0x"):
        return str(ipaddress.IPv4Address(name))
    labels = name.split(".")
    if len(name) > 253 or not all(_label(label) for label in labels):
        raise ValueError("not a host")
    return name


def _label(label: str) -> bool:
    return 0 < len(label) < 64 and label[0] != "-" and all(char.isalnum() or char in "-_" for char in label)


def covers(site: str, host: str) -> bool:
    """Return whether ``host`` is ``site`` or one of its subdomains; an IP address has none."""
    return host == site or (host.endswith(f".{site}") and not site.rpartition(".")[2].isdigit())


def read_day(text: str) -> str:
    """Return a day, month or year as it is written. Raises ``ValueError`` when there is no such day."""
    day = text.strip()
    if len(day) not in (4, 7, 10) or not day.isascii():
        raise ValueError("not a date")
    found = _DAY.fullmatch(_first(day))
    if found is None or not 1 <= int(found.group(3)) <= _days(int(found.group(1)), int(found.group(2))):
        raise ValueError("not a date")
    return day


def _days(year: int, month: int) -> int:
    """Return how many days a month has; none has a month that there is not."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return {2: 29 if leap else 28, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31 if 1 <= month <= 12 else 0)


def _first(day: str) -> str:
    return day[:10] + "0001-01-01"[len(day) :]


def _last(day: str) -> str:
    return day[:10] + "9999-12-31"[len(day) :]


def checked_rules(rules: WebRules) -> WebRules:
    """Return the rules. Raises ``UsageFault`` when no page could ever count under them."""
    problem = rules.problem()
    if problem:
        raise UsageFault(problem)
    return rules
