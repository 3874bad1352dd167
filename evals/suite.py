"""What a suite is: where its cases come from, which systems it can measure, and by which metrics.

Each file in ``evals.suites`` makes one :class:`Suite`; ``evals.suites.NAMES`` lists them. Loading, scoring and
summarising are pure but for the files that a loader reads. Running is in ``evals.inspect_runner``.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unicodedata import category

from numpy import float64
from numpy.typing import NDArray

from evals.records import Case, Corpora, Document, Outcome, Score
from research.errors import UsageFault
from research.records import encode

Gives = Literal["ranking", "answer", "verdict", "plan", "report"]
"""What a system gives; a suite says which of these it can measure, and a system which of these it is."""

Judge = Callable[[Case, Outcome], Score | None]
"""A pure scorer. ``None``: the metric does not apply (no such gold, or no such field of the outcome)."""

Summary = Callable[[Sequence[Score], NDArray[float64]], NDArray[float64]]
"""Turns n scores (all with a value) and weights of shape (resamples, n) into ``resamples`` figures.

Weights are how often each case counts: all ones for the figure itself, a bootstrap's counts for its interval.
"""


@dataclass(frozen=True)
class Metric:
    """One figure of a suite. ``summary`` ``None`` is the plain mean; ``better`` says which way is good."""

    name: str
    judge: Judge
    says: str
    summary: Summary | None = None
    better: Literal["higher", "lower", "neither"] = "higher"


@dataclass(frozen=True)
class Loaded:
    """The cases of a suite and all documents they may be answered from. ``notes`` are told to the user."""

    cases: tuple[Case, ...]
    corpora: Corpora
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two cases of one name, of which one would be lost, and names that no log can hold."""
        seen: set[str] = set()
        for case in self.cases:
            if not case.id or any(category(char) in ("Cc", "Cs") for char in case.id):
                raise UsageFault(f"the case id {case.id[:80]!r} is empty or holds control characters; give it another")
            if case.id in seen:
                raise UsageFault(f"two cases are called {case.id[:80]}; give each an id of its own")
            seen.add(case.id)

    def digest(self) -> str:
        """Return the SHA-256 (hex) of the cases and documents."""
        sha = hashlib.sha256()
        for case in self.cases:
            sha.update(encode(case).encode())
        for name in sorted(self.corpora):
            sha.update(encode((name, [(d.id, d.title, d.text, d.suffix) for d in self.corpora[name]])).encode())
        return sha.hexdigest()

    def sampled(self, limit: int | None, seed: int) -> Loaded:
        """Return ``limit`` of the cases, drawn by ``seed`` and kept in their order, and a note that says so."""
        if limit is None or limit >= len(self.cases):
            return self
        drawn = sorted(random.Random(f"cases {seed}").sample(range(len(self.cases)), limit))
        note = f"{limit} of {len(self.cases)} cases, drawn by seed {seed}"
        return Loaded(tuple(self.cases[place] for place in drawn), self.corpora, (*self.notes, note))


@dataclass(frozen=True)
class Request:
    """What a suite is asked to load. ``data`` ``None`` is the shipped sample; ``size`` is for generated worlds."""

    data: Path | None
    seed: int
    size: int | None = None


@dataclass(frozen=True)
class Suite:
    """One suite. ``published`` are rows to stand beside: (system, what, figure, source).

    Where no system is named, ``default_system`` is run, or all of ``compared``.
    """

    name: str
    measures: str
    needs: str
    costs: str
    source: str
    gives: tuple[Gives, ...]
    default_system: str
    load: Callable[[Request], Loaded]
    metrics: tuple[Metric, ...]
    published: tuple[tuple[str, str, str, str], ...] = ()
    compared: tuple[str, ...] = ()

    def judge(self, case: Case, outcome: Outcome) -> dict[str, Score]:
        """Return the scores of one outcome by metric name; a metric that does not apply has no entry."""
        judged = {metric.name: metric.judge(case, outcome) for metric in self.metrics}
        return {name: score for name, score in judged.items() if score is not None}


def documents_by_id(corpora: Corpora, names: Sequence[str]) -> Mapping[str, Document]:
    """Return the documents of the named corpora by id."""
    return {document.id: document for name in names for document in corpora.get(name, ())}
