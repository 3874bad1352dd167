"""The table of settings: what each is called, what it accepts, what it is by default. Pure.

Where a value is read from is the matter of ``research.settings``. A reader takes where the value stands (for messages)
and the raw value, and raises ``ValueError`` for one that is not what ``wanted`` says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args
from urllib.parse import urlsplit

from research.caps import parse_cap
from research.errors import UnknownName, UsageFault
from research.options import chosen
from research.pacing import MINUTE, Limit
from research.ports import Price
from research.records import Length
from research.requests import ROLES, Role
from research.spelling import nearest
from research.web_rules import DAY, SITE, read_day, read_site

MODES = ("auto", "workflow", "hybrid", "agent")
RERANKERS = ("features", "model", "cross-encoder")
LENGTHS: tuple[Length, ...] = get_args(Length)
_LANGUAGE = re.compile(r"[^\W\d_][\w ()-]{1,39}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_HOST_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


class Kind(NamedTuple):
    """One kind of value: how to read it, which TOML types it may have, and what is wanted, in words."""

    read: Callable[[str, Any], Any]
    accepts: tuple[type, ...]
    wanted: str


class Setting(NamedTuple):
    """One setting: ``name`` in the config file, its kind and default, and its flag where that is worded otherwise."""

    name: str
    kind: str
    default: Any = None
    spelled: str = ""

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return f"--{self.spelled or self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"RESEARCH_{self.name.upper()}"


def _number(low: int, high: int) -> Callable[[str, Any], int]:
    def read(place: str, raw: Any) -> int:
        value = int(str(raw).strip())
        if not low <= value <= high:
            raise ValueError
        return value

    return read


def _url(place: str, raw: Any) -> str:
    parts = urlsplit(str(raw).strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or "@" in parts.netloc:
        raise ValueError
    return str(raw).strip()


def _model(place: str, raw: Any) -> str:
    name = str(raw).strip()
    if not name or any(char.isspace() for char in name):
        raise ValueError
    model = chosen(name)
    if model.server is not None:
        _url(place, model.server)
    if not model.spec or "://" in model.spec:  # behind another scheme, or none, an address is no part of a name
        raise ValueError
    return name


def _embedder(place: str, raw: Any) -> str:
    name = str(raw).strip()
    if name in ("auto", "hashing", "minilm"):
        return name
    provider, _, model = _model(place, name).partition(":")
    if provider not in ("openai", "ollama") or not model:
        raise ValueError
    return name


def _one_of(words: tuple[str, ...]) -> Callable[[str, Any], str]:
    def read(place: str, raw: Any) -> str:
        word = str(raw).strip().lower()
        if word not in words:
            raise ValueError
        return word

    return read


def _language(place: str, raw: Any) -> str:
    name = " ".join(str(raw).split())
    if not _LANGUAGE.fullmatch(name):
        raise ValueError
    return name


def _mail(place: str, raw: Any) -> str:
    address = str(raw).strip()
    if not _MAIL.fullmatch(address):
        raise ValueError
    return address


def _switch(place: str, raw: Any) -> bool:
    word = str(raw).strip().lower()
    if word not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise ValueError
    return word in ("true", "1", "yes", "on")


def _each(pattern: re.Pattern[str]) -> Callable[[str, Any], tuple[str, ...]]:
    """Return a reader of a list, or of text with commas, whose every part matches ``pattern`` as a whole."""

    def read(place: str, raw: Any) -> tuple[str, ...]:
        parts = raw.split(",") if isinstance(raw, str) else list(raw)
        names = [part.strip() for part in parts if isinstance(part, str)]
        matches = [pattern.fullmatch(name) for name in names]
        if not names or len(names) != len(parts) or None in matches:
            raise ValueError
        if any(match and match.groups() and not 0 < int(match.group(1)) < 65536 for match in matches):
            raise ValueError
        return tuple(dict.fromkeys(names))

    return read


def _sites(place: str, raw: Any) -> tuple[str, ...]:
    parts = raw.split(",") if isinstance(raw, str) else list(raw)
    if not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError
    return tuple(dict.fromkeys(read_site(part) for part in parts))


def _day(place: str, raw: Any) -> str:
    return read_day(str(raw))


def _cap(place: str, raw: Any) -> int | float:
    return parse_cap(place, str(raw))


KINDS: Mapping[str, Kind] = {
    "url": Kind(_url, (str,), "an http or https URL without a user name"),
    "model": Kind(_model, (str,), "provider:model, such as openai:gpt-4o-mini"),
    "embedder": Kind(_embedder, (str,), "auto, hashing, minilm, openai:MODEL or ollama:MODEL"),
    "mode": Kind(_one_of(MODES), (str,), "auto, workflow, hybrid or agent"),
    "rerank": Kind(_one_of(RERANKERS), (str,), "features, model or cross-encoder"),
    "length": Kind(_one_of(LENGTHS), (str,), "short, normal or long"),
    "language": Kind(_language, (str,), "a language, such as German or pt-BR"),
    "mail": Kind(_mail, (str,), "a mail address, such as ann@example.org"),
    "switch": Kind(_switch, (bool,), "true or false"),
    "names": Kind(_each(_NAME), (str, list), "one or more names of letters, digits, dots, dashes and underscores"),
    "hosts": Kind(_each(_HOST_PORT), (str, list), "one or more HOST:PORT, such as localhost:8080"),
    "sites": Kind(_sites, (str, list), f"one or more times {SITE}"),
    "day": Kind(_day, (str, int), f"{DAY}, as text"),
    "level": Kind(_number(1, 5), (int,), "a whole number from 1 to 5"),
    "branches": Kind(_number(1, 32), (int,), "a whole number from 1 to 32"),
    "rounds": Kind(_number(1, 10), (int,), "a whole number from 1 to 10"),
    "concurrency": Kind(_number(1, 64), (int,), "a whole number from 1 to 64"),
    "hours": Kind(_number(1, 8760), (int,), "a whole number of hours from 1 to 8760"),
    "cap": Kind(_cap, (int, float), "a number above 0"),
}

SETTINGS = (
    Setting("model", "model"),
    Setting("base_url", "url"),
    Setting("searx", "url"),
    Setting("tavily", "url"),
    Setting("searches", "names", (), "search"),
    Setting("contact", "mail", ""),
    Setting("allow_hosts", "hosts", (), "allow-host"),
    Setting("sites", "sites", (), "site"),
    Setting("deny_sites", "sites", (), "deny-site"),
    Setting("since", "day", ""),
    Setting("until", "day", ""),
    Setting("ignore_robots", "switch", False),
    Setting("fresh", "switch", False),
    Setting("javascript", "switch", False),
    Setting("corpora", "names", (), "corpus"),
    Setting("web", "switch", False),
    Setting("embedder", "embedder", "auto"),
    Setting("mode", "mode", "auto"),
    Setting("rerank", "rerank", "features"),
    Setting("branches", "branches", 4),
    Setting("rounds", "rounds", 2),
    Setting("concurrency", "concurrency", 8),
    Setting("approval_hours", "hours", 24),
    Setting("cache", "switch", False),
    Setting("length", "length", "normal"),
    Setting("language", "language", ""),
    Setting("value", "level", 3),
    Setting("reliability", "level", 3),
    Setting("maturity", "level", 2),
    *(
        Setting(f"{prefix}max_{currency}", "cap")
        for prefix in ("", "branch_")
        for currency in ("tokens_total", "usd", "calls", "seconds")
    ),
)


def read_prices(place: str, table: Any) -> dict[str, Price]:
    """Return prices by model, in nano-dollars a token, from dollars a million tokens."""
    prices: dict[str, Price] = {}
    for model, row in _rows(place, "prices", table).items():
        parts = row if isinstance(row, dict) else {}
        wanted = {"prompt", "completion"}
        if set(parts) - {"cached"} != wanted or not all(_price(number) for number in parts.values()):
            raise UsageFault(
                f"{place}: prices.{model} must have prompt and completion, in dollars a million tokens, and may have "
                "cached, for what the provider reads from its own cache; no more"
            )
        if parts.get("cached", 0) > parts["prompt"]:
            raise UsageFault(f"{place}: prices.{model} has a dearer price for cached tokens than for the others")
        prices[model] = Price(**{part: float(number) * 1000 for part, number in parts.items()})
    return prices


def _price(number: Any) -> bool:
    whole = isinstance(number, int | float) and not isinstance(number, bool)
    return whole and math.isfinite(number) and number >= 0


def read_windows(place: str, table: Any) -> dict[str, int]:
    """Return context windows by model, in tokens."""
    windows = _rows(place, "windows", table)
    for model, size in windows.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 256:
            raise UsageFault(f"{place}: windows.{model} must be a whole number of tokens, at least 256, not {size!r}")
    return dict(windows)


def read_pace(place: str, table: Any) -> dict[str, Limit]:
    """Return what each provider may be sent in a minute, by the provider's name."""
    limits: dict[str, Limit] = {}
    for provider, row in _rows(place, "pace", table).items():
        parts = row if isinstance(row, dict) else {}
        whole = [type(number) is int and number > 0 for name, number in parts.items() if name != "every"]
        every = parts.get("every", 1)
        seconds = type(every) in (int, float) and 0 <= every <= MINUTE
        if not parts or not set(parts) <= {"requests", "tokens", "every"} or not all(whole) or not seconds:
            raise UsageFault(
                f"{place}: pace.{provider} must have requests, tokens or both, whole numbers a minute, or every, the "
                "least seconds between two calls, at most 60; and no more"
            )
        limits[provider] = Limit(**parts)
    return limits


def read_roles(place: str, raw: Any) -> dict[Role, str]:
    """Return models by role from a table, from ``ROLE=MODEL`` with commas between, or from a list of such.

    Raises ``UnknownName`` and ``UsageFault``.
    """
    if isinstance(raw, dict):
        pairs = [(str(role), model) for role, model in raw.items()]
    else:
        texts = raw.split(",") if isinstance(raw, str) else raw
        pairs = [(role.strip(), model.strip()) for role, _, model in (text.partition("=") for text in texts)]
    found: dict[Role, str] = {}
    for name, model in pairs:
        role = next((role for role in ROLES if role == name), None)
        if role is None:
            raise UnknownName(f"{place}: there is no role {name[:40] or '“”'}{nearest(name, ROLES)}; {_ROLES}")
        if not isinstance(model, str) or not _named(model):
            raise UsageFault(f"{place}: {role} must be provider:model, or provider:model@http://server, not {model!r}")
        if found.setdefault(role, model) != model:
            raise UsageFault(f"{place}: {role} is given twice, as {found[role]} and as {model}")
    return found


_ROLES = f"the roles are {', '.join(ROLES)}"


def _named(model: str) -> bool:
    """Return whether a text names a model, and its server by an address where it names one."""
    try:
        spec, server = chosen(model)
        _model("", spec)
        return server is None or bool(_url("", server))
    except ValueError:
        return False


def _rows(place: str, name: str, table: Any) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageFault(f"{place}: {name} must be a table, written [{name}], not {table!r}")
    return table
