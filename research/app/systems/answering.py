"""The whole pipeline as systems: ``research.app.ask`` in this process, and its report as an outcome.

The case's budget is the caps of the options, and the gate keeps them. A run whose every branch failed has no outcome:
it raises ``EffectFailed``, so that its case is a failed one and no report without content is scored. Stopping the same
run half-way and resuming it is in ``research.app.systems.resuming``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from evals.records import Citation, CitedSentence, Outcome, System
from research.app.running import RunHandle, ask
from research.app.systems.materials import Shelf, Shelved
from research.app.systems.resuming import resuming_changes
from research.budget import NANO
from research.errors import EffectFailed
from research.options import Rerank, RunOptions
from research.records import Event, Question, Usage
from research.render import to_markdown
from research.report import Report, UsageFacts
from research.settings import Settings
from tools.clock import SystemClock


def without_model(rerank: Rerank) -> Rerank:
    """Return the reranker of a system that has no model."""
    return "features" if rerank == "model" else rerank


CHANGES: Mapping[str, Callable[[RunOptions], RunOptions]] = {
    "extractive": lambda given: msgspec.structs.replace(
        given.with_model(None), mode="workflow", rerank=without_model(given.rerank)
    ),
    "workflow": lambda given: msgspec.structs.replace(given, mode="workflow"),
    "hybrid": lambda given: msgspec.structs.replace(given, mode="hybrid"),
    "agent": lambda given: msgspec.structs.replace(given, mode="agent"),
    "auto": lambda given: msgspec.structs.replace(given, mode="auto"),
    "single-agent": lambda given: msgspec.structs.replace(given, mode="agent", branches=1, rounds=1),
}
"""What each system changes in the options of a run."""


@dataclass(frozen=True)
class Answering:
    """One answering system: runs in the eval home, over corpora that are open already."""

    settings: Settings
    options: RunOptions
    shelf: Shelf
    resumed: bool = False

    async def __call__(self, question: Question) -> Outcome:
        clock = SystemClock()
        async with self.shelf.open(question.corpora) as held:
            began = clock.monotonic()
            opened = {name: shelved.corpus for name, shelved in held.items()}
            options = msgspec.structs.replace(
                self.options, corpora=tuple(held), web=question.web, approve=False, allow_partial=False
            )
            report = await ask(
                question.text, options, self.settings, listen=_silent, on_start=_unstopped, opened=opened
            )
            seconds = clock.monotonic() - began
            changed = await resuming_changes(report, options, self.settings, opened) if self.resumed else None
            outcome = outcome_of(report, held)
        return msgspec.structs.replace(outcome, caps=options.caps, seconds=seconds, resumed=changed)


def answering(name: str, settings: Settings, options: RunOptions, shelf: Shelf, *, resumed: bool) -> System:
    """Return the system ``name``, a key of :data:`CHANGES`; ``settings`` has the eval home."""
    return Answering(settings, CHANGES[name](options), shelf, resumed)


def outcome_of(report: Report, held: Mapping[str, Shelved]) -> Outcome:
    """Return what a report says, in the terms of an eval. Raises ``EffectFailed`` when no branch did its work.

    It abstained when no sentence of its answer cites a finding. ``ranked`` are the documents in the order in which
    they are first cited; a citation of what is no document of the case has no document.
    """
    if report.status == "failed":
        why = "; ".join(f"{loss.what}: {loss.why}" for loss in report.skipped[:3])
        raise EffectFailed(f"no branch of the run {report.run} did its work ({why})")
    ids = {url: id for shelved in held.values() for url, id in shelved.ids.items()}
    documents = {source.id: ids.get(source.url, "") for source in report.sources}
    places = {finding.id: place for place, finding in enumerate(report.findings)}
    sentences = tuple(
        CitedSentence(
            text=sentence.text,
            citations=tuple(places[id] for id in sentence.findings),
            answer=not sentence.section,
            verdict=sentence.verdict,
        )
        for sentence in report.sentences
    )
    citations = tuple(Citation(document=documents[one.source], quote=one.quote) for one in report.findings)
    cited = [citations[place].document for sentence in sentences for place in sentence.citations]
    return Outcome(
        answer=report.answer,
        abstained=not any(sentence.citations for sentence in sentences if sentence.answer),
        ranked=tuple(dict.fromkeys(id for id in cited if id)),
        sentences=sentences,
        citations=citations,
        parts=tuple(branch.task for branch in report.branches),
        report=to_markdown(report),
        status=report.status,
        skipped=tuple(f"{loss.what}: {loss.why}" for loss in report.skipped),
        mode=report.mode.name,
        run=report.run,
        usage=usage_of(report.usage),
    )


def usage_of(facts: UsageFacts) -> Usage:
    """Return a report's usage as the ledger counts it."""
    nano = None if facts.usd is None else round(facts.usd * NANO)
    return Usage(tokens=facts.tokens, nano_usd=nano, calls=facts.calls, seconds=facts.seconds)


def _silent(event: Event) -> None:
    """Tell nobody."""


def _unstopped(handle: RunHandle) -> None:
    """Let the run go on to its end; a case that is cancelled cancels it."""
