"""Writing a report with a model: in one call or in parts, and what becomes of it when a part fails."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.access import Access, World
from research.analysts import Notes, Style
from research.analysts.acceptance import outline_from
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.analysts.schemas import OutlinedSection, OutlineReply
from research.analysts.writing import FEW_FINDINGS
from research.budget import Caps
from research.errors import EffectFailed
from research.gate import Gate
from research.records import BranchOutcome, Event, Finding, Length, Question, Source, Task
from research.requests import ModelReply, ModelRequest
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords, ScriptedModel, replied

BUILT = Task.make("When was the Sable bridge built?", ("sable built",), "web")
CLOSED = Task.make("Why was the Sable bridge closed?", ("sable closed",), "web")
QUESTION = Question(text="When was the Sable bridge built, and why was it closed?", web=True)
Play = Callable[[ModelRequest], Any]


def finding(number: int, task: Task = BUILT, **rest: Any) -> Finding:
    fields: dict[str, Any] = {
        "statement": f"Fact {number} of the bridge is told.",
        "quote": f"They tell fact {number} of the bridge.",
        "source": f"s{number % 3}",
        "start": number * 100,
        "end": number * 100 + 30,
        "relevance": 0.5,
    }
    return Finding(id=f"f-{number:04x}", task=task.id, label="public", **fields | rest)


def notes_of(*findings: Finding, **style: Any) -> Notes:
    return Notes(
        question=QUESTION,
        tasks=(BUILT, CLOSED),
        findings=findings,
        sources=tuple(
            Source(id=f"s{n}", url=f"https://a.example/{n}", title=f"T{n}", label="public") for n in range(3)
        ),
        outcomes=(BranchOutcome(task=BUILT.id, outcome="done"),),
        style=Style(**style),
    )


MANY = tuple(finding(number, BUILT if number % 2 else CLOSED) for number in range(FEW_FINDINGS + 2))
HEADINGS = ("The bridge", "The bridge built", "The bridge closed", "The fact")
IDS = [entry.id for entry in MANY]


def sentence(text: str, *ids: str) -> dict[str, Any]:
    return {"text": text, "findings": list(ids)}


def outlined(*sections: list[str], clashes: tuple[list[str], ...] = ()) -> dict[str, Any]:
    headed = [{"heading": heading, "findings": ids} for heading, ids in zip(HEADINGS, sections, strict=False)]
    return {"sections": headed, "disagreements": [{"findings": ids} for ids in clashes]}


def first_id(request: ModelRequest) -> str:
    """Return the first finding that a request shows."""
    found = re.search(r"act (\d+) of the bridge", request.messages[1].content)
    assert found
    return finding(int(found[1])).id


PLAYS: Mapping[str, Play] = {
    "outline": lambda request: outlined(IDS[:7], IDS[7:]),
    "section": lambda request: {"sentences": [sentence(f"Told of {first_id(request)}.", first_id(request))]},
    "answer": lambda request: {"answer": [sentence("So it is.", IDS[0])]},
    "whole": lambda request: {"answer": [sentence("So.", IDS[0])], "sections": [], "disagreements": []},
}


def kind_of(request: ModelRequest) -> str:
    fields = set((request.schema or {})["properties"])
    known = {"sentences": "section", "answer": "answer", "sections": "outline", "repairs": "repair"}
    return "whole" if {"answer", "sections"} <= fields else next(known[field] for field in fields & set(known))


class Stage:
    """A language analyst whose model answers by what it is asked for; a play may return a failure to raise."""

    def __init__(self, caps: Caps | None = None, **plays: Play) -> None:
        self._plays = {**PLAYS, **plays}
        self.events: list[Event] = []
        self.model = ScriptedModel([self._answer] * 40)
        self.analyst = LanguageAnalyst(ExtractiveAnalyst(), self.model.name)
        gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=caps or Caps(), listen=self.events.append)
        world = World(library=MemoryLibrary(), records=MemoryRecords(), models={"writer": self.model})
        self.access = Access("writer", name="report", gate=gate, budget=gate.root, world=world)

    def _answer(self, request: ModelRequest) -> ModelReply:
        data = self._plays[kind_of(request)](request)
        if isinstance(data, EffectFailed):
            raise data
        return replied(data)

    def asked(self, kind: str) -> list[ModelRequest]:
        return [request for request in self.model.asked if kind_of(request) == kind]


def down(request: ModelRequest) -> EffectFailed:
    return EffectFailed("down")


async def test_few_findings_are_written_in_one_call() -> None:
    """Up to the bound a report is one call; from one finding more it is an outline, its sections and an answer."""
    few, more = Stage(), Stage()
    await few.analyst.compose(notes_of(*MANY[:FEW_FINDINGS]), few.access)
    assert [kind_of(request) for request in few.model.asked] == ["whole"]
    draft = await more.analyst.compose(notes_of(*MANY), more.access)
    assert [kind_of(request) for request in more.model.asked] == ["outline", "section", "section", "answer"]
    assert [part.heading for part in draft.sections] == ["The bridge", "The bridge built"]
    assert (draft.answer[0].text, more.analyst.lapses) == ("So it is.", [])


async def test_an_outline_is_made_from_statements_and_a_section_from_its_quotes() -> None:
    """The outline's prompt has every statement and no quote; a section's has the quotes of its findings alone."""
    stage = Stage()
    await stage.analyst.compose(notes_of(*MANY), stage.access)
    (outline,) = stage.asked("outline")
    assert all(entry.statement in outline.messages[1].content for entry in MANY)
    assert "quote:" not in outline.messages[1].content
    one, two = (request.messages[1].content for request in stage.asked("section"))
    assert [entry.quote in one for entry in MANY] == [True] * 7 + [False] * 7
    assert [entry.quote in two for entry in MANY] == [False] * 7 + [True] * 7
    assert "- The bridge built" in one and "- The bridge built" not in two


async def test_sections_are_written_at_the_same_time() -> None:
    """No section waits for another: each of two answers only when both have been asked for."""
    meeting = asyncio.Barrier(2)

    class Meeting(ScriptedModel):
        async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
            if kind_of(request) == "section":
                await meeting.wait()
            return replied(PLAYS[kind_of(request)](request))

    stage = Stage()
    model = Meeting()
    world = World(library=MemoryLibrary(), records=MemoryRecords(), models={"writer": model})
    gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps())
    access = Access("writer", name="report", gate=gate, budget=gate.root, world=world)
    async with asyncio.timeout(20):
        draft = await stage.analyst.compose(notes_of(*MANY), access)
    assert len(draft.sections) == 2


async def test_a_finding_is_told_in_one_section() -> None:
    """Of two sections that name a finding the first has it; unknown ids and what is left without any are dropped."""
    stage = Stage(outline=lambda request: outlined(["f-none"], IDS[:3], IDS[:3], [IDS[2], IDS[3]]))
    draft = await stage.analyst.compose(notes_of(*MANY), stage.access)
    assert [part.heading for part in draft.sections] == ["The bridge built", "The fact"]
    assert [first_id(request) for request in stage.asked("section")] == [IDS[0], IDS[3]]


@given(st.lists(st.lists(st.sampled_from([*IDS, "f-none"]), max_size=6), max_size=12), st.integers(1, 8))
def test_an_outline_gives_each_finding_once_whatever_a_model_says(named: list[list[str]], most: int) -> None:
    """At most so many sections, none empty, each finding in one of them: also those that no section names."""
    reply = OutlineReply(sections=tuple(OutlinedSection(heading="x", findings=tuple(ids)) for ids in named))
    parts = outline_from(reply, notes_of(*MANY), MANY, most)
    told = [entry.id for part in parts for entry in part.findings]
    assert len(parts) <= most and all(part.findings and part.heading for part in parts)
    assert len(told) == len(set(told)) and set(told) == (set(IDS) if parts else set())
    assert bool(parts) == any(set(ids) & set(IDS) for ids in named[:most])


@pytest.mark.parametrize("outline", [down, lambda request: outlined(), lambda request: outlined(["f-none"])])
async def test_without_an_outline_there_is_a_section_a_task(outline: Play) -> None:
    """The tasks outline the report where the model does not, and the report says so."""
    stage = Stage(outline=outline)
    draft = await stage.analyst.compose(notes_of(*MANY), stage.access)
    assert [part.heading for part in draft.sections] == [BUILT.objective, CLOSED.objective]
    assert stage.analyst.lapses == ["outline of the report"]


async def test_a_section_that_fails_is_told_in_the_findings_words() -> None:
    """Its findings' statements stand in its place, the other section is the model's, and the loss is noted."""
    stage = Stage(section=lambda request: down(request) if first_id(request) == IDS[0] else PLAYS["section"](request))
    draft = await stage.analyst.compose(notes_of(*MANY), stage.access)
    one, two = draft.sections
    assert [(s.text, s.findings) for s in one.sentences] == [(f.statement, (f.id,)) for f in MANY[:7]]
    assert [s.text for s in two.sentences] == [f"Told of {IDS[7]}."]
    assert stage.analyst.lapses == ["section of the report"]


async def test_when_no_section_can_be_written_the_whole_report_is_the_fallbacks() -> None:
    """Nothing is half a model's then: the extractive report stands, with one note."""
    stage = Stage(section=lambda request: {"sentences": [sentence("No ids.")]})
    draft = await stage.analyst.compose(notes_of(*MANY), stage.access)
    assert draft == await ExtractiveAnalyst().compose(notes_of(*MANY), stage.access)
    assert stage.analyst.lapses == ["report"]
    assert stage.asked("answer") == []


async def test_a_prompt_that_is_too_long_is_asked_with_the_better_half() -> None:
    """Half of the findings, the most relevant, until it fits, and the report says so; four are left to rules."""

    def long(request: ModelRequest) -> Any:
        found = request.messages[1].content.count("<finding-")
        return EffectFailed("too long", too_long=True) if found > most else PLAYS["whole"](request)

    ranked = tuple(msgspec.structs.replace(f, relevance=number / 20) for number, f in enumerate(reversed(MANY)))
    for most, calls in ((7, 2), (2, 3)):
        stage = Stage(outline=long, whole=long)
        await stage.analyst.compose(notes_of(*ranked), stage.access)
        assert len(stage.model.asked) == calls
        assert stage.analyst.lapses == ["choice of findings for the report", *(["report"] if most == 2 else [])]
        shown = stage.model.asked[1].messages[1].content
        assert [f.statement in shown for f in ranked] == [False] * 7 + [True] * 7


async def test_a_section_that_a_model_cannot_fill_in_is_asked_for_in_an_easier_way() -> None:
    """After two answers of no use the same findings are asked for as a flat list, one finding a sentence."""
    plain = {"sentences": [{"text": "Plainly told.", "finding": IDS[0]}]}
    stage = Stage(
        outline=lambda request: outlined(IDS),
        section=lambda request: plain if "flat" in kind_of_rules(request) else {"sentences": "none"},
    )
    draft = await stage.analyst.compose(notes_of(*MANY), stage.access)
    assert [(s.text, s.findings) for s in draft.sections[0].sentences] == [("Plainly told.", (IDS[0],))]
    assert (len(stage.asked("section")), stage.analyst.lapses) == (3, [])


def kind_of_rules(request: ModelRequest) -> str:
    return "flat" if "Example:" in request.messages[0].content else "whole"


@pytest.mark.parametrize("answer", [down, lambda request: {"answer": [sentence("Elsewhere.", "f-none")]}])
async def test_without_an_answer_the_most_relevant_sentence_leads(answer: Play) -> None:
    """The report keeps its sections, and its answer is the sentence on the best finding."""
    best = msgspec.structs.replace(MANY[7], relevance=0.9)
    stage = Stage(answer=answer)
    draft = await stage.analyst.compose(notes_of(*MANY[:7], best, *MANY[8:]), stage.access)
    assert [s.text for s in draft.answer] == [f"Told of {IDS[7]}."]
    assert (len(draft.sections), stage.analyst.lapses) == (2, ["answer of the report"])


async def test_the_answer_says_only_what_the_sections_say() -> None:
    """It is shown their sentences with their ids, and an id that no section cites is taken out."""
    stage = Stage(answer=lambda request: {"answer": [sentence("Both.", IDS[0], IDS[1])]})
    draft = await stage.analyst.compose(notes_of(*MANY), stage.access)
    shown = stage.asked("answer")[0].messages[1].content
    assert f'findings="f1">\nTold of {IDS[0]}.\n' in shown
    assert [s.findings for s in draft.answer] == [(IDS[0],)]


@pytest.mark.parametrize(("length", "calls"), [("short", 1), ("normal", 4), ("long", 4)])
async def test_the_length_is_the_room_that_the_writer_is_given(length: Length, calls: int) -> None:
    """A short report is one call whatever was found; a longer one has more sections and more sentences in each."""
    stage = Stage()
    await stage.analyst.compose(notes_of(*MANY, length=length), stage.access)
    assert len(stage.model.asked) == calls
    rules = "\n".join(request.messages[0].content for request in stage.model.asked)
    room = {"short": "at most 1 section,", "normal": "at most 5 sections,", "long": "at most 8 sections,"}
    assert [words in rules for words in room.values()] == [words == room[length] for words in room.values()]


@pytest.mark.parametrize("findings", [MANY, MANY[:2]])
async def test_the_language_is_the_one_that_was_asked_for(findings: tuple[Finding, ...]) -> None:
    """Every call of the writer names it; without a wish it is that of the question."""
    for style, words in (({}, "in the language of the question"), ({"language": "Dutch"}, "in Dutch")):
        stage = Stage()
        await stage.analyst.compose(notes_of(*findings, **style), stage.access)
        assert all(f"rite headings {words}" in m or f"Write {words}" in m for m in rules_of(stage))


def rules_of(stage: Stage) -> list[str]:
    return [request.messages[0].content for request in stage.model.asked]


async def test_contradictions_that_rules_find_stand_beside_those_of_the_model() -> None:
    """Each pair once, with what is newer: the model's naming of a pair takes in that of the rules."""
    one = finding(90, statement="The Sable bridge was built in 1931.", relevance=0.9, source="s0", dated="2001-01-01")
    two = finding(91, statement="The Sable bridge was built in 1932.", relevance=0.9, source="s1", dated="2011-01-01")
    silent = Stage(outline=lambda request: outlined(IDS[:7]))
    draft = await silent.analyst.compose(notes_of(*MANY, one, two), silent.access)
    assert [(entry.findings, entry.newer) for entry in draft.disagreements] == [((one.id, two.id), two.id)]
    named = Stage(outline=lambda request: outlined(IDS[:7], clashes=([two.id, one.id],)))
    draft = await named.analyst.compose(notes_of(*MANY, one, two), named.access)
    assert [(entry.findings, entry.newer) for entry in draft.disagreements] == [((two.id, one.id), two.id)]


@pytest.mark.parametrize("findings", [MANY, MANY[:3]])
async def test_what_is_written_is_told_as_it_comes(findings: tuple[Finding, ...]) -> None:
    """A listener hears of each section when it is written, and then of the answer's sentences."""
    whole = {"sections": [{"heading": "The bridge", "sentences": [sentence("It is told.", IDS[1])]}]}
    stage = Stage(whole=lambda request: PLAYS["whole"](request) | whole)
    draft = await stage.analyst.compose(notes_of(*findings), stage.access)
    told = [(event.kind, event.detail) for event in stage.events if event.kind.startswith("report.")]
    heads = [f"{part.heading} (1 sentence): {part.sentences[0].text}" for part in draft.sections]
    assert told == [*(("report.section", head) for head in heads), ("report.answer", draft.answer[0].text)]


async def test_a_section_that_was_written_is_not_asked_for_again() -> None:
    """Stopped while the second section is written, the report is gone on with at that section."""
    journal, first, waiting = MemoryJournal(), asyncio.Event(), asyncio.Event()

    class Halting(ScriptedModel):
        async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
            self.asked.append(request)
            if halts and kind_of(request) == "section" and first_id(request) == IDS[7]:
                waiting.set()
                await asyncio.Event().wait()
            return replied(PLAYS[kind_of(request)](request))

    def opened(model: ScriptedModel) -> Access:
        def told(event: Event) -> None:
            if event.kind == "report.section":
                first.set()

        gate = Gate(journal=journal, clock=ManualClock(), caps=Caps(), listen=told, entries=tuple(journal.rows))
        world = World(library=MemoryLibrary(), records=MemoryRecords(), models={"writer": model})
        return Access("writer", name="report", gate=gate, budget=gate.root, world=world)

    halts, model = True, Halting()
    async with asyncio.timeout(20):
        task = asyncio.create_task(LanguageAnalyst(ExtractiveAnalyst()).compose(notes_of(*MANY), opened(model)))
        await asyncio.gather(first.wait(), waiting.wait())
    task.cancel()
    await asyncio.wait([task])
    halts, model = False, Halting()
    draft = await LanguageAnalyst(ExtractiveAnalyst()).compose(notes_of(*MANY), opened(model))
    assert [kind_of(request) for request in model.asked] == ["section", "answer"]
    assert [part.sentences[0].text for part in draft.sections] == [f"Told of {IDS[0]}.", f"Told of {IDS[7]}."]


async def test_what_varies_in_a_prompt_comes_last() -> None:
    """Both sections are asked for with the same rules up to the mark at their end, so a provider can reuse them."""
    stage = Stage()
    await stage.analyst.compose(notes_of(*MANY), stage.access)
    one, two = (request.messages[0].content.split("Text between tags") for request in stage.asked("section"))
    assert one[0] == two[0] and len(one) == 2
    assert len(one[1]) < len(one[0]) / 4


async def test_a_budget_that_ends_in_the_middle_still_gives_a_report() -> None:
    """Two calls pay the outline and one section; the other section and the answer are made by rules, and noted."""
    stage = Stage(Caps(calls=2))
    draft = await stage.analyst.compose(notes_of(*MANY), stage.access)
    assert [len(part.sentences) for part in draft.sections] == [1, 7]
    assert draft.answer
    assert stage.analyst.lapses == ["answer of the report", "section of the report"]
