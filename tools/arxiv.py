"""Search for preprints in arXiv: ``GET {base}/api/query``, which answers in Atom. Implements ``research.ports.Search``.

Needs no key, and asks for three seconds between two requests. The wire is in ``tools.search_endpoint``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NoReturn
from xml.parsers import expat

from research.clean import clean_text
from research.errors import EffectFailed
from research.records import Hit
from research.urls import Result, web_hits
from research.words import keywords
from tools.search_endpoint import EndpointSearch, SearchEndpoint

BASE = "https://export.arxiv.org"
HINTS = {403: "it blocks this address; it wants three seconds between two requests"}
MOST_RESULTS = 50
MOST_WORDS = 20
ATOM = "http://www.w3.org/2005/Atom "
READ = ("id", "title", "summary")
DEEPEST = 50
LONGEST_TEXT = 10_000
"""Characters kept of each."""
_WORD = re.compile(r"\w+")
_LINK = re.compile(r"https?://(?:\w+\.)?arxiv\.org/abs/\S+")


class ArxivSearch(EndpointSearch):
    """arXiv. Its query language is not offered: the content words of a query are looked for anywhere."""

    name = "arxiv"

    def __init__(self, base: str = BASE, *, seconds: float = 30.0) -> None:
        super().__init__(
            SearchEndpoint(
                base, name="arXiv", seconds=seconds, hints=HINTS, path="/api/query", accept="application/atom+xml"
            )
        )

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        params = {"search_query": _asked(query), "max_results": str(min(limit, MOST_RESULTS)), "sortBy": "relevance"}
        data = await self._endpoint.read(params=params, timeout=timeout)
        return web_hits(_results(read_atom(data)), provider=self.name, limit=limit)


def _asked(query: str) -> str:
    words = [word for part in keywords(query) or [query] for word in _WORD.findall(part)]
    return " OR ".join(f"all:{word}" for word in list(dict.fromkeys(words))[:MOST_WORDS])


def _results(entries: Sequence[dict[str, str]]) -> Iterator[Result]:
    """Yield results. Raises ``EffectFailed`` for the entry that stands for an error, which comes with status 200."""
    for entry in entries:
        address = entry.get("id", "").strip()
        if "/api/errors" in address:
            said = " ".join(clean_text(entry.get("summary", "")).split())[:200]
            raise EffectFailed(f"arXiv refused: {said or 'it does not say why'}")
        if _LINK.fullmatch(address):
            page = address.replace("http://", "https://", 1)
            yield Result(url=page, title=entry.get("title", ""), snippet=entry.get("summary", ""))


def read_atom(data: bytes) -> list[dict[str, str]]:
    """Return ``id``, ``title`` and ``summary`` of each entry of an Atom feed.

    No entity may be declared and nothing is loaded, so a text is never longer than its bytes. Raises ``EffectFailed``.
    """
    reader = _Feed()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        short = error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
        raise EffectFailed(
            "arXiv answered with nothing" if short else "arXiv answered with something that is not an Atom feed",
            retryable=short,
        ) from None
    if not reader.feed:
        raise EffectFailed("arXiv answered with something that is not an Atom feed")
    return reader.entries


class _Feed:
    """Collects the entries of one feed while expat reads it."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self.feed = False
        self._path: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = _refuse
        self.parser.EntityDeclHandler = _refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path:
            self.feed = name == f"{ATOM}feed"
        self._path.append(name)
        if len(self._path) > DEEPEST:
            _refuse()
        if self._path == [f"{ATOM}feed", f"{ATOM}entry"]:
            self.entries.append({})

    def _end(self, name: str) -> None:
        self._path.pop()

    def _text(self, data: str) -> None:
        part = self._path[-1].removeprefix(ATOM)
        if len(self._path) == 3 and self._path[1] == f"{ATOM}entry" and part in READ:
            entry = self.entries[-1]
            entry[part] = (entry.get(part, "") + data)[:LONGEST_TEXT]


def _refuse(*declared: object) -> NoReturn:
    raise EffectFailed("arXiv's answer declares a document type or nests too deep, as no feed of arXiv does")
