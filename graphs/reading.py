"""Reading: hits become passages, passages become quotes, quotes become findings at exact offsets.

A web hit is fetched, and pages are read as soon as they are there: each by itself, or some together, where there are
more of them than calls at once. A corpus hit already is a passage, and a round's passages are one reading. Choosing
quotes is the analyst's work, finding them in the text is that of ``research.citations``.
"""

from __future__ import annotations

import math
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from graphs.border import Trouble, settle
from graphs.context import RunContext
from research.access import Access
from research.citations import findings_from
from research.errors import SourceDamaged
from research.passages import best_passages
from research.records import Finding, Hit, Label, Passage, Question, Record, Source, Task, counted
from research.web_rules import OutsideDates

PAGE_PASSAGES = 8
"""Passages of full size that are read of one page: chosen for the task, in the page's order. Most pages have fewer."""
AT_ONCE = 8
"""Readings that a round of branches makes: as many as calls may be sent at once by default. One more would have all
wait for it; fewer pages a reading would only repeat what stands around them."""


class Reading(Record):
    """What one reading gave: findings, what was lost on the way, in words, and the pages that could not be had."""

    findings: tuple[Finding, ...] = ()
    losses: tuple[str, ...] = ()
    trouble: Trouble = Trouble()


class Reader:
    """Reads for one branch."""

    def __init__(self, context: RunContext, task: Task, access: Access, question: Question) -> None:
        self.run = context.gate.run
        self._context = context
        self._task = task
        self._access = access
        self._question = question

    def jobs(self, hits: Sequence[Hit], abreast: int = 1) -> list[Coroutine[Any, Any, Reading]]:
        """Return the readings that ``hits`` ask for, of one of ``abreast`` branches; they may run at once."""
        if self._task.type == "corpus":
            return [self._passages(hits)] if hits else []
        # Rules read each page by itself: to them nothing stands around it, and they make no calls.
        size = math.ceil(len(hits) * abreast / AT_ONCE) if self._context.analyst.agentic else 1
        return [self._pages(hits[at : at + size]) for at in range(0, len(hits), size)]

    async def _pages(self, hits: Sequence[Hit]) -> Reading:
        asked, trouble = await settle("read", [self._opened(hit) for hit in hits])
        opened = [page for page in asked if page is not None]
        texts = {source.id: text for source, text in opened}
        first = {source.id: source for source, _ in reversed(opened)}
        passages = [passage for id, text in texts.items() for passage in self._chosen(first[id], text)]
        if not passages:
            return Reading(trouble=trouble)
        reading = await self._quotes(passages, [source for source, _ in opened], texts, "public")
        return msgspec.structs.replace(reading, trouble=trouble)

    async def _opened(self, hit: Hit) -> tuple[Source, str] | None:
        """Return a page and its text, or ``None`` for one that is not of the dates asked for, which is no failure."""
        try:
            source = await self._access.fetch(hit.handle)
        except OutsideDates:
            return None
        return source, await self._context.world.library.text(source.id)

    def _chosen(self, source: Source, text: str) -> list[Passage]:
        about = self._task.objective
        return best_passages(source.id, source.title, text, about, media=source.media, limit=PAGE_PASSAGES)

    async def _passages(self, hits: Sequence[Hit]) -> Reading:
        library = self._context.world.library
        corpus = self._context.world.corpora[self._task.corpus or ""]
        texts: dict[str, str] = {}
        lost: list[str] = []
        for id in dict.fromkeys(hit.source for hit in hits):
            try:
                texts[id] = await library.text(id)
            except SourceDamaged as damage:
                lost.append(str(damage))
        first = {hit.source: hit for hit in reversed(hits)}
        # The corpus says where its texts are from and what may leave the machine: the same text may be in others, too.
        sources = [
            msgspec.structs.replace(
                await library.source(id, hit.url), url=hit.url, title=hit.title, label=corpus.label, added=hit.added
            )
            for id, hit in ((id, first[id]) for id in texts)
        ]
        passages = [
            Passage(
                source=hit.source,
                start=hit.start,
                end=hit.end,
                text=texts[hit.source][hit.start : hit.end],
                title=hit.title,
            )
            for hit in hits
            if hit.source in texts
        ]
        return await self._quotes(passages, sources, texts, corpus.label, lost)

    async def _quotes(
        self,
        passages: Sequence[Passage],
        sources: Sequence[Source],
        texts: dict[str, str],
        label: Label,
        lost: Sequence[str] = (),
    ) -> Reading:
        quotes = await self._context.analyst.read(self._task, self._question, passages, self._access)
        read: dict[str, list[tuple[int, int]]] = {}
        for passage in passages:
            read.setdefault(passage.source, []).append((passage.start, passage.end))
        findings, dropped = findings_from(quotes, self._task, texts, dict.fromkeys(texts, label), near=read)
        used = {finding.source for finding in findings}
        await self._context.keep(findings, [source for source in sources if source.id in used])
        losses = [*lost]
        if dropped:
            losses.append(f"{counted(dropped, 'quote')} not found in the source, so not used")
        return Reading(findings=findings, losses=tuple(losses))
