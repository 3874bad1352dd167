"""What a generator of questions knows: facts with their places, edges between entities, candidates for questions.

A :class:`Graph` is plain data; ``evals.worlds.walks`` composes its edges into questions, ``evals.worlds.drawing`` turns
candidates into cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from evals.records import GoldSpan
from research.records import Record

Parts: TypeAlias = tuple[tuple[str, ...], ...]
"""Every part of an answer, each with its accepted wordings: what ``evals.records.Gold.answers`` holds."""


class Fact(Record):
    """What one place of one document states: ``text[start:end]`` is the whole header (or sentence) that does.

    ``values`` are normalised: names without address, dates as ISO 8601, proposals as bare numbers.
    """

    subject: str
    relation: str
    values: tuple[str, ...]
    document: str
    start: int
    end: int

    def span(self, name: str) -> GoldSpan:
        """Return the place as evidence for the fact called ``name``."""
        return GoldSpan(document=self.document, start=self.start, end=self.end, fact=name)


class Relation(Record):
    """How an edge is spoken of. ``asks`` are whole questions about the end of the edge, with ``{}`` for its source.

    ``phrases`` name the end (``the PEP that superseded {}``); a relation without them can only end a chain.
    """

    name: str
    asks: tuple[str, ...]
    phrases: tuple[str, ...] = ()


class Edge(Record):
    """One step: from an entity to its only value. ``target`` is the entity that the value is, or "" for a literal.

    ``evidence`` holds the spans of every fact that the step rests on; ``hops`` is how many facts these are.
    """

    relation: str
    source: str
    answers: Parts
    evidence: tuple[GoldSpan, ...]
    target: str = ""
    wrong: tuple[str, ...] = ()
    hops: int = 1


@dataclass(frozen=True)
class Graph:
    """Entities with the ways to name them, and their edges. One without a name can be on a chain, never its start."""

    names: Mapping[str, tuple[str, ...]]
    relations: Mapping[str, Relation]
    edges: Mapping[str, tuple[Edge, ...]]


class Candidate(Record):
    """A question that could be asked: its wordings and everything that is known of its answer.

    ``kind`` is the template and ``about`` what it is asked of; together they are what makes two candidates the same.
    """

    kind: str
    about: str
    texts: tuple[str, ...]
    answers: Parts = ()
    wrong: tuple[str, ...] = ()
    evidence: tuple[GoldSpan, ...] = ()
    answerable: bool = True
    hops: int = 1
