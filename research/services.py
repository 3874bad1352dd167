"""The search services by name: what each covers and needs, and which of them a run asks. Pure.

The adapters are in ``tools``, one file each; they are opened in ``research.app.searching``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from research.errors import SettingMissing, UnknownName
from research.pacing import Limit
from research.spelling import nearest

MCP = "mcp."
"""What the name of an MCP server of the config file is given in front, to be the name of a service."""


class Service(NamedTuple):
    """One search service.

    ``address`` is where it is unless the user gives another, "" where there is only the user's. ``key`` is the
    environment variable that must hold its key, "" where none is needed. ``limit`` is the pace that it asks for.
    """

    name: str
    covers: str
    address: str = ""
    key: str = ""
    limit: Limit | None = None
    extra: str = ""


SERVICES = (
    Service("searxng", "what the SearXNG server of --searx searches"),
    Service("tavily", "the web, chosen for language models", "https://api.tavily.com", "TAVILY_API_KEY"),
    Service("brave", "the web", "https://api.search.brave.com", "BRAVE_API_KEY", Limit(every=1.0)),
    Service("exa", "the web, by meaning", "https://api.exa.ai", "EXA_API_KEY"),
    Service("wikipedia", "the English Wikipedia, or another one", "https://en.wikipedia.org"),
    Service("openalex", "scholarly works, with abstracts", "https://api.openalex.org"),
    Service("crossref", "works that have a DOI", "https://api.crossref.org"),
    Service("semantic_scholar", "papers", "https://api.semanticscholar.org", limit=Limit(every=1.0)),
    Service("arxiv", "preprints", "https://export.arxiv.org", limit=Limit(every=3.0)),
    Service("duckduckgo", "the web, by DuckDuckGo's pages", extra="duckduckgo"),
)
BY_NAME: Mapping[str, Service] = {service.name: service for service in SERVICES}
KEYLESS = tuple(service.name for service in SERVICES if service.address and not service.key)
"""Those that ``--web`` asks where nothing is configured."""
OWN = ("searxng", "tavily")
"""Those that are asked because the user gives their address."""
PACES: Mapping[str, Limit] = {service.name: service.limit for service in SERVICES if service.limit}


class Given(NamedTuple):
    """What decides which services a run asks.

    ``named`` are those that the user lists, ``flagged`` those whose address stands on the command line besides;
    ``addresses`` are the user's, by service; ``keys`` the variables that are set; ``mcp`` the servers of the config.
    """

    named: tuple[str, ...] = ()
    flagged: tuple[str, ...] = ()
    addresses: Mapping[str, str] = MappingProxyType({})
    keys: Iterable[str] = ()
    mcp: Iterable[str] = ()


def asked(given: Given) -> tuple[str, ...]:
    """Return the names of the services that a run asks: those listed, else those configured, else the keyless ones."""
    if given.named:
        return tuple(dict.fromkeys((*given.named, *given.flagged)))
    keys = set(given.keys)
    ours = (s.name for s in SERVICES if (s.name in OWN and s.name in given.addresses) or s.key in keys)
    return (*ours, *(MCP + name for name in given.mcp)) or KEYLESS


def check(name: str, given: Given) -> None:
    """Raise what keeps a service from being asked: ``UnknownName`` or ``SettingMissing``, in one sentence."""
    servers = [MCP + server for server in given.mcp]
    if name in servers:
        return
    service = BY_NAME.get(name)
    if service is None:
        known = [*BY_NAME, *servers]
        raise UnknownName(
            f"there is no search service {name} (`research doctor` lists all){nearest(name, known)}"
            if not name.startswith(MCP)
            else f"the config file has no [mcp.{name.removeprefix(MCP)}], which the search service {name} needs"
        )
    if name == "searxng" and name not in given.addresses:
        raise SettingMissing("the search service searxng needs the address of a SearXNG server: add --searx URL")
    own = name == "tavily" and name in given.addresses  # a compatible service of one's own may want no key
    if service.key and service.key not in set(given.keys) and not own:
        raise SettingMissing(f"the search service {name} needs a key: set the environment variable {service.key}")


def needs(service: Service) -> str:
    """Return what a service needs, in words: ``--searx URL``, the variable of its key, an extra, or nothing."""
    if service.extra:
        return f"pip install 'research[{service.extra}]', and to be chosen by name"
    if not service.address:
        return "--searx URL"
    return service.key or "nothing"
