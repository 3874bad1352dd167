"""From a part of a question to its search queries. Pure, English only.

Cutting a question into parts is done in ``research.analysts.decompose``.
"""

from __future__ import annotations

import re

from research.analysts.asking import REPHRASED, header_keys, kind_of
from research.analysts.relations import ask_of
from research.words import documents, entities, keywords, terms

_MOST = 6
"""Queries of one part: of the whole, and of each thing that is compared."""
_SERIES_NOUN = re.compile(r"\b(?i:the|which|what|whose) [A-Z]{2,8}s?\b")
"""``the PEP about …``: a document of a series, which has a head."""
_WRITTEN = ("author", "requires", "replaces", "superseded-by", "sponsor", "pep-delegate")
"""The commonest of the keys that mean the same, in heads of documents."""


def queries_for(objective: str) -> tuple[str, ...]:
    """Return one to three search queries: the key words, the names alone, the names with words of such an answer.

    Where the head of a document of a series is asked for, those words are the usual keys of such a head.
    """
    words = " ".join(keywords(objective)) or objective
    named = " ".join(entities(objective))
    about_head = (documents(objective) or _SERIES_NOUN.search(objective)) and header_keys(objective)
    hint = "title author status created" if about_head else REPHRASED[kind_of(objective)]
    heads = _head_queries(objective)
    candidates = [objective, *(heads or [words])]
    if sides := _side_queries(objective):
        return distinct([objective, *sides], ())[:_MOST]
    if len(terms(named)) > 1 or documents(named):
        candidates.append(named)
    if hint and not heads:
        telling = named if len(terms(named)) > 1 or not about_head else words
        candidates.append(f"{telling or words} {hint}")
    return distinct(candidates, ())


def _head_queries(objective: str) -> list[str]:
    """Return queries for the heads of the documents that name what a lookup is about; see ``relations``."""
    ask = ask_of(objective)
    if ask is None or not ask.back:
        return []
    key = _written(ask.back)
    names = [name.number or name.text for name in ask.subjects]
    return [
        query
        for name in names
        for query in (f"{key} {name} {ask.noun} title author status type created", f"status type {key} {name} created")
    ]


def line_queries(objective: str) -> tuple[str, ...]:
    """Return queries worded as the line that a lookup finds documents by: ``Author: Ann Lee``; none for others."""
    ask = ask_of(objective)
    if ask is None or not ask.back:
        return ()
    key = _written(ask.back).capitalize()
    names = [name.number or name.text for name in ask.subjects]
    return tuple(query for name in names for query in (f"{key}: {name}", f"{ask.noun} {key} {name}".strip()))


def _written(keys: frozenset[str]) -> str:
    return next((key for key in _WRITTEN if key in keys), sorted(keys)[0])


def _side_queries(objective: str) -> list[str]:
    """Return a query for the head of each document that a lookup compares, or nothing."""
    ask = ask_of(objective)
    if ask is None or len(ask.subjects) < 2:
        return []
    return [f"{name.text} title author status created" for name in ask.subjects]


def distinct(queries: list[str], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the queries, in order, whose set of terms is new among themselves and against ``asked``."""
    seen = {query_key(query) for query in asked}
    kept: list[str] = []
    for query in queries:
        key = query_key(query)
        if query.strip() and key not in seen:
            seen.add(key)
            kept.append(query.strip()[:300])
    return tuple(kept)


def query_key(query: str) -> frozenset[str]:
    """Return what makes two queries the same: their set of terms."""
    return frozenset(terms(query)) or frozenset(query.casefold().split())
