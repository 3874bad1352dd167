"""Reranking in a branch: more hits than are read are scored by a model, and nothing that goes wrong costs a hit."""

from __future__ import annotations

import hashlib
from typing import get_args

import pytest

from graphs.border import Trouble
from graphs.branch import CORPUS_HITS
from graphs.context import RunContext
from graphs.reranking import WIDER, candidates, reranked
from research.access import Access, World
from research.analysts import Bounds
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.budget import Caps
from research.errors import EffectFailed
from research.gate import Gate
from research.options import Rerank, RunOptions
from research.ports import Page
from research.records import Failure, Hit, Question, Task
from research.requests import ModelReply, Role
from tools.fakes.persona import blocks
from tools.fakes.scripted import (
    ManualClock,
    MemoryJournal,
    MemoryLibrary,
    MemoryRecords,
    Script,
    ScriptedModel,
    replied,
)

QUESTION = Question(text="Who holds the lock?", corpora=("notes",))
TASK = Task.make("Who holds the lock?", ("lock",), "corpus", corpus="notes")
TEXT = "One owner holds the lock. " + "Nothing is said here. " * 3
KEPT = "the hits were left in the order in which they were found: "


class Branch:
    """A branch's parts around a scripted model, and four hits over one stored text; the last is from the web."""

    def __init__(self, *replies: Script, rerank: Rerank = "model", caps: Caps | None = None) -> None:
        self.model = ScriptedModel(replies)
        self.journal = MemoryJournal()
        self.library = MemoryLibrary()
        self.options = RunOptions(corpora=("notes",), rerank=rerank)
        self.caps = caps or Caps()
        id = hashlib.sha256(TEXT.encode()).hexdigest()
        spans = ((25, 48), (48, 70), (0, 25))
        self.hits = [
            Hit(handle=f"p-{n}", title="Notes", score=1.0, snippet="cut", source=id, start=start, end=end, why=("x",))
            for n, (start, end) in enumerate(spans)
        ]
        self.hits.append(Hit(handle="h-3", title="Page", score=0.5, url="https://a.example/", snippet="A lock."))

    async def rank(self, most: int) -> tuple[list[Hit], Trouble]:
        await self.library.keep(Page(url="file:notes", title="Notes", text=TEXT), "private")
        entries = await self.journal.entries()
        gate = Gate(journal=self.journal, clock=ManualClock(), caps=self.caps, entries=entries)
        models = dict.fromkeys(get_args(Role), self.model)
        world = World(library=self.library, records=MemoryRecords(), models=models)
        analyst = LanguageAnalyst(ExtractiveAnalyst(), self.model.name)
        context = RunContext(gate=gate, world=world, analyst=analyst, options=self.options, bounds=Bounds())
        access = Access("corpus", name=TASK.id, gate=gate, budget=gate.root, world=world)
        return await reranked(context, TASK, QUESTION, access, self.hits, most)


def scores(*pairs: tuple[str, int]) -> ModelReply:
    return replied({"scores": [{"handle": handle, "score": score} for handle, score in pairs]})


@pytest.mark.parametrize("rerank", ["features", "cross-encoder"])
async def test_without_a_models_opinion_nothing_is_asked(rerank: Rerank) -> None:
    """The first hits are kept as they stand, and as many are found as are read."""
    branch = Branch(rerank=rerank)
    assert await branch.rank(2) == (branch.hits[:2], Trouble())
    assert branch.model.asked == []


def test_twice_as_many_hits_are_found_for_a_model() -> None:
    """Only where a model chooses among them."""
    gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps())
    found = {}
    for rerank in get_args(Rerank):
        world = World(library=MemoryLibrary(), records=MemoryRecords())
        options = RunOptions(rerank=rerank)
        context = RunContext(gate=gate, world=world, analyst=ExtractiveAnalyst(), options=options, bounds=Bounds())
        found[rerank] = candidates(context, CORPUS_HITS)
    assert found == {"features": CORPUS_HITS, "model": WIDER * CORPUS_HITS, "cross-encoder": CORPUS_HITS}


async def test_the_best_by_score_are_kept_each_as_it_was() -> None:
    """The stored passages are what the model sees, of a page what the search said; only the order is the model's."""
    branch = Branch(scores(("h-3", 4), ("p-2", 10), ("p-0", 0), ("p-1", 0)))
    kept, trouble = await branch.rank(2)
    assert kept == [branch.hits[2], branch.hits[3]]
    assert trouble == Trouble()
    shown = blocks(branch.model.asked[0].messages[1].content, "hit")
    assert [text.strip() for _, text in shown][2:] == ["One owner holds the lock.", "A lock."]


async def test_nobody_is_asked_where_all_hits_are_read_anyway() -> None:
    """An order that changes nothing is not paid for."""
    branch = Branch()
    assert await branch.rank(4) == (branch.hits, Trouble())
    assert branch.model.asked == []


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ((EffectFailed("the model said 400"),), "the model said 400"),
        ((ModelReply(text="no", stop="end"),) * 2, "the reader's answer could not be used: it is not one JSON object."),
        ((ModelReply(text="", stop="refusal"),), "the reader refused"),
    ],
)
async def test_a_step_that_fails_leaves_the_order_and_is_named(replies: tuple[Script, ...], why: str) -> None:
    """A call that fails and an answer that cannot be read cost no hit, and the branch's failures say so."""
    branch = Branch(*replies)
    kept, trouble = await branch.rank(2)
    assert kept == branch.hits[:2]
    assert trouble == Trouble(failures=(Failure(where="rerank", what=KEPT + why),))
    assert len(branch.model.asked) == len(replies)


@pytest.mark.parametrize("caps", [Caps(tokens=50), Caps(calls=0)])
async def test_a_budget_without_room_skips_the_step_and_does_not_end_the_branch(caps: Caps) -> None:
    """Nothing is sent, the order stays, and the report can name what was skipped."""
    branch = Branch(scores(("p-2", 10)), caps=caps)
    kept, trouble = await branch.rank(2)
    assert kept == branch.hits[:2]
    assert (trouble.limit, branch.model.asked) == ("", [])
    assert trouble.failures[0].what.startswith(KEPT)


async def test_a_lost_text_is_ranked_by_its_snippet() -> None:
    """Reading the hit names the loss; ranking goes on."""
    branch = Branch(scores(("h-3", 9)))
    branch.hits = [*branch.hits[:1], branch.hits[3]]
    damaged = branch.hits[0].source
    await branch.library.keep(Page(url="file:notes", title="Notes", text=TEXT), "private")
    branch.library.texts[damaged] = "other"
    kept, trouble = await branch.rank(1)
    assert (kept, trouble) == ([branch.hits[1]], Trouble())
    assert blocks(branch.model.asked[0].messages[1].content, "hit")[0][1] == "cut"


async def test_a_second_life_uses_the_recorded_scores() -> None:
    """The call is in the journal like any other: played again, it is answered without the model."""
    branch = Branch(scores(("p-2", 10), ("p-1", 9)))
    first = await branch.rank(2)
    assert await branch.rank(2) == first
    assert len(branch.model.asked) == 1
