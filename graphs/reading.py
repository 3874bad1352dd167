"""Reading: hits become passages, passages become quotes, quotes become findings at exact offsets.

A web hit is fetched and each page is one reading; a corpus hit already is a passage, and a round's passages are one
reading. Choosing quotes is the analyst's work, finding them in the text is that of ``research.citations``.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from graphs.context import RunContext
from research.access import Access
from research.citations import findings_from
from research.passages import best_passages
from research.records import Finding, Hit, Label, Passage, Question, Record, Source, Task

PAGE_PASSAGES = 8
"""Passages of one page that are read: chosen for the task, in the page's order."""


class Reading(Record):
    """What one reading gave: findings, and how many quotes were not in their source."""

    findings: tuple[Finding, ...]
    dropped: int


class Reader:
    """Reads for one branch."""

    def __init__(self, context: RunContext, task: Task, access: Access, question: Question) -> None:
        self.run = context.gate.run
        self._context = context
        self._task = task
        self._access = access
        self._question = question

    def jobs(self, hits: Sequence[Hit]) -> list[Coroutine[Any, Any, Reading]]:
        """Return the readings that ``hits`` ask for; they may run at once."""
        if self._task.type == "corpus":
            return [self._passages(hits)] if hits else []
        return [self._page(hit) for hit in hits]

    async def _page(self, hit: Hit) -> Reading:
        source = await self._access.fetch(hit.handle)
        text = await self._context.world.library.text(source.id)
        passages = best_passages(
            source.id, source.title, text, self._task.objective, media=source.media, limit=PAGE_PASSAGES
        )
        return await self._quotes(passages, [source], {source.id: text}, "public")

    async def _passages(self, hits: Sequence[Hit]) -> Reading:
        library = self._context.world.library
        corpus = self._context.world.corpora[self._task.corpus or ""]
        ids = list(dict.fromkeys(hit.source for hit in hits))
        texts = {id: await library.text(id) for id in ids}
        # The corpus says what may leave the machine; the library only knows who stored the same text last.
        sources = [msgspec.structs.replace(await library.source(id), label=corpus.label) for id in ids]
        titles = {source.id: source.title for source in sources}
        passages = [
            Passage(
                source=hit.source,
                start=hit.start,
                end=hit.end,
                text=texts[hit.source][hit.start : hit.end],
                title=titles[hit.source],
            )
            for hit in hits
        ]
        return await self._quotes(passages, sources, texts, corpus.label)

    async def _quotes(
        self, passages: Sequence[Passage], sources: Sequence[Source], texts: dict[str, str], label: Label
    ) -> Reading:
        quotes = await self._context.analyst.read(self._task, self._question, passages, self._access)
        labels = dict.fromkeys(texts, label)
        findings, dropped = findings_from(quotes, self._task, texts, labels)
        used = {finding.source for finding in findings}
        records: list[tuple[str, str, object]] = [("finding", finding.id, finding) for finding in findings]
        records += [("source", source.id, source) for source in sources if source.id in used]
        await self._context.world.library.put(self.run, records)
        return Reading(findings=findings, dropped=dropped)
