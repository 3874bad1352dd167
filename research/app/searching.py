"""Opening the search services of a run, by name. What each covers and needs is in ``research.services``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import msgspec

from research.errors import ResearchError
from research.options import RunOptions
from research.pacing import Limit
from research.ports import Search
from research.secret import Secret
from research.services import BY_NAME, MCP, PACES, Given, asked, check
from research.settings import Settings


class OpenSearch(Search, Protocol):
    """A search service with connections."""

    def prepare(self) -> None:
        """Make ready what the first query would wait for. Called in a thread."""
        ...

    async def aclose(self) -> None: ...


def used(options: RunOptions) -> tuple[str, ...]:
    """Return the names of the services that a run with these options asks; runs of old have none stored."""
    return options.searches or asked(Given(addresses=_addresses(options))) if options.web else ()


def check_searches(options: RunOptions, settings: Settings) -> None:
    """Raise the first thing that keeps one of the run's services from being asked, in one sentence."""
    given = settings.search_choice()._replace(addresses=_addresses(options))
    for name in used(options):
        check(name, given)
    list(open_searches(options, settings))  # addresses, keys and extras are looked at when a service is made


def problem_with(name: str, settings: Settings) -> str:
    """Return what keeps a service from being asked with these settings, "" where nothing does."""
    try:
        check(name, settings.search_choice())
        list(open_searches(msgspec.structs.replace(settings.options(), web=True, searches=(name,)), settings))
    except ResearchError as error:
        return str(error)
    return ""


def limits(settings: Settings) -> dict[str, Limit]:
    """Return the pace of every provider that has one: the user's, else what a service at its own address asks for."""
    return {name: limit for name, limit in PACES.items() if name not in settings.search_urls} | settings.pace


def open_searches(options: RunOptions, settings: Settings) -> Iterator[OpenSearch]:
    """Yield the services that a run asks. Nothing is connected yet. Raises what is wrong with an address or a key."""
    for name in used(options):
        if name.startswith(MCP):
            yield _mcp(name, settings)
        else:
            address = {**options.search_urls, **_addresses(options)}.get(name) or BY_NAME[name].address
            yield OPENERS[name](address, settings)


def _addresses(options: RunOptions) -> dict[str, str]:
    own = {"searxng": options.searx, "tavily": options.tavily}
    return {name: address for name, address in own.items() if address}


def _key(name: str, settings: Settings) -> Secret:
    """Return the key of a service that was checked to have one."""
    return settings.keys[BY_NAME[name].key]


def _searxng(address: str, settings: Settings) -> OpenSearch:
    from tools.searxng import SearxngSearch

    return SearxngSearch(address)


def _tavily(address: str, settings: Settings) -> OpenSearch:
    from tools.tavily import TavilySearch

    secret = settings.keys.get("TAVILY_API_KEY")
    return TavilySearch(address, key=secret.reveal() if secret else "")


def _brave(address: str, settings: Settings) -> OpenSearch:
    from tools.brave import BraveSearch

    return BraveSearch(address, key=_key("brave", settings))


def _exa(address: str, settings: Settings) -> OpenSearch:
    from tools.exa import ExaSearch

    return ExaSearch(address, key=_key("exa", settings))


def _wikipedia(address: str, settings: Settings) -> OpenSearch:
    from tools.wikipedia import WikipediaSearch

    return WikipediaSearch(address)


def _openalex(address: str, settings: Settings) -> OpenSearch:
    from tools.openalex import OpenAlexSearch

    return OpenAlexSearch(address, contact=settings.contact)


def _crossref(address: str, settings: Settings) -> OpenSearch:
    from tools.crossref import CrossrefSearch

    return CrossrefSearch(address, contact=settings.contact)


def _semantic_scholar(address: str, settings: Settings) -> OpenSearch:
    from tools.semantic_scholar import SemanticScholarSearch

    return SemanticScholarSearch(address, key=settings.keys.get("SEMANTIC_SCHOLAR_API_KEY"))


def _arxiv(address: str, settings: Settings) -> OpenSearch:
    from tools.arxiv import ArxivSearch

    return ArxivSearch(address)


def _duckduckgo(address: str, settings: Settings) -> OpenSearch:
    from tools.duckduckgo import DuckDuckGoSearch

    return DuckDuckGoSearch(address)


def _mcp(name: str, settings: Settings) -> OpenSearch:
    from tools.mcp_search import McpSearch

    server = name.removeprefix(MCP)
    return McpSearch(server, settings.mcp[server], settings.passed)


OPENERS: Mapping[str, Callable[[str, Settings], OpenSearch]] = {
    "searxng": _searxng,
    "tavily": _tavily,
    "brave": _brave,
    "exa": _exa,
    "wikipedia": _wikipedia,
    "openalex": _openalex,
    "crossref": _crossref,
    "semantic_scholar": _semantic_scholar,
    "arxiv": _arxiv,
    "duckduckgo": _duckduckgo,
}
