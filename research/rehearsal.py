"""How large the calls of a run can be, found by rehearsing them: the analyst asks, and no request is sent but measured.

So prompts, schemas and ``max_tokens`` are those that a run really uses. What a run of such calls adds up to is in
``research.estimate``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import NoReturn

from research.access import Access
from research.analysts import Analyst, Bounds, Notes, Style
from research.analysts.acceptance import (
    LONGEST_HEADING,
    LONGEST_QUERY,
    LONGEST_TEXT,
    MOST_CHECKS,
    MOST_MOVES,
    MOST_QUERIES,
    Part,
)
from research.analysts.checking import CLAIMS_A_CALL, MOST_REPAIRS, SHOWN, Claim, ask_checker, ask_repair
from research.analysts.clarifying import ClarifyReply, question_back
from research.analysts.language import READ_TOKENS
from research.analysts.reranking import LONGEST_SHOWN, RankReply
from research.analysts.schemas import (
    JudgeReply,
    PlannedTask,
    PlanReply,
    ReadQuote,
    ReadReply,
    WriteReply,
    WrittenSentence,
)
from research.analysts.showing import LONGEST_QUOTE, MOST_FINDINGS
from research.analysts.writing import FEW_FINDINGS, ROOMS, write_answer, write_outline, write_section
from research.chunks import LEAST, LETTERS_PER_WORD, MOST
from research.effects import LEAST_ANSWER
from research.errors import ResearchError
from research.records import Question, Record, Section, encode
from research.requests import ModelRequest, Role
from research.sizing import ID, a_hit, a_passage, a_sentence, a_task, filler, notes_of, some_findings

TextCount = Callable[[str], int]
PromptCount = Callable[[ModelRequest], int]
PASSAGE = (MOST + LEAST) * LETTERS_PER_WORD
"""Characters of the largest passage."""
DEFAULT = Style()
SMALLEST: dict[str, Record] = {
    "clarify": ClarifyReply(unclear=False, question=""),
    "plan": PlanReply(
        rationale="", tasks=(PlannedTask(objective="a", queries=("a",), source="web", wanted="", effort="deep"),)
    ),
    "assess": PlanReply(rationale="", tasks=()),
    "rank": RankReply(scores=()),
    "read": ReadReply(quotes=(ReadQuote(passage=1, quote="a", statement="", relevance=1.0),)),
    "judge": JudgeReply(enough=True, missing="", queries=()),
    "write": WriteReply(answer=(WrittenSentence(text="a", findings=(ID,)),), sections=(), disagreements=()),
}
"""The shortest answer of each kind that is of use."""


class Cost(Record):
    """Calls of every kind, the tokens of prompts and answers, and nano-dollars once it is known who is asked."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0
    money: float = 0.0

    def plus(self, *others: Cost) -> Cost:
        """Return the sum."""
        every = (self, *others)
        return Cost(
            calls=sum(cost.calls for cost in every),
            prompt=sum(cost.prompt for cost in every),
            completion=sum(cost.completion for cost in every),
            money=sum(cost.money for cost in every),
        )

    def times(self, number: int) -> Cost:
        """Return this cost ``number`` times."""
        return Cost(
            calls=self.calls * number,
            prompt=self.prompt * number,
            completion=self.completion * number,
            money=self.money * number,
        )


class Size(Record):
    """One call: what it costs at least and at most, and what the gate reserves for it at least."""

    least: Cost = Cost()
    most: Cost = Cost()
    reserved: Cost = Cost()


class Shape(Record):
    """What the graph hands to an analyst: passages of one reading of a page or a corpus, and readings of a branch.

    ``wider``: times as many hits are ranked as are read.
    """

    page_passages: int
    corpus_passages: int
    web_hits: int
    readings: int
    wider: int


class Rehearsed(ResearchError):
    """The request was taken down, so the rehearsal of this step is over. Stays within this file."""


class _Stage(Access):
    """Takes down what an analyst would ask a model."""

    def __init__(self) -> None:  # nothing is opened: no gate, no budget, no world
        self.taken: list[ModelRequest] = []

    async def _answer(self, request: ModelRequest, asked: Role) -> NoReturn:
        self.taken.append(request)
        raise Rehearsed("taken down")


def nobody() -> Access:
    """Return access for a step that asks nobody; a request would end it with ``Rehearsed``."""
    return _Stage()


Step = Callable[[Access], Awaitable[object]]


async def taken(step: Step) -> ModelRequest:
    """Return the first request that ``step`` makes."""
    stage = _Stage()
    with contextlib.suppress(Rehearsed):
        await step(stage)
    return stage.taken[0]


class Rehearsal:
    """The sizes of the calls of one question's run, whose report is wished for in ``style``.

    ``analyst`` asks a model at every step. ``count`` bounds a request's prompt from above, in tokens, as the gate does;
    ``fewest`` bounds a text from below. Texts from outside are taken to have at least two characters a token (prose has
    four to five); where ``count`` counts bytes they are counted as bytes.
    """

    def __init__(
        self,
        analyst: Analyst,
        question: Question,
        bounds: Bounds,
        shape: Shape,
        count: PromptCount,
        fewest: TextCount,
        style: Style = DEFAULT,
    ) -> None:
        self._analyst = analyst
        self._question = question
        self._bounds = bounds
        self._shape = shape
        self._count = count
        self._fewest = fewest
        self._style = style

    async def sizes(self) -> dict[str, Size]:
        """Return the size of each kind of call, by name; ``rank``, ``read`` and ``judge`` per type of branch."""
        sizes = {
            name: await self._size(name.split()[0], small, large) for name, (small, large) in self._steps().items()
        }
        return sizes | {"parts": await self._parts()} | await self._checks()

    def _steps(self) -> dict[str, tuple[Step, Step]]:
        """Return each kind of call as it is at its smallest and at its largest."""
        ask, shape = self._analyst, self._shape
        few, many, whole = self._notes(1), self._notes(MOST_FINDINGS), self._notes(self._whole())
        task, long = few.tasks[0], many.tasks[0]

        def read(passages: int) -> tuple[Step, Step]:
            small, large = [a_passage(1)], [a_passage(PASSAGE)] * passages
            return (
                lambda stage: ask.read(task, self._question, small, stage),
                lambda stage: ask.read(long, self._question, large, stage),
            )

        def judge(readings: int) -> tuple[Step, Step]:
            found = some_findings(long, readings * self.quotes(), 1, 1)
            asked = [filler(LONGEST_QUERY)] * MOST_QUERIES * self._bounds.deepest
            return (
                lambda stage: ask.judge(task, few.findings, ["a"], stage),
                lambda stage: ask.judge(long, found, asked, stage),
            )

        def step(readings: int, hits: int) -> tuple[Step, Step]:
            found = some_findings(long, readings * self.quotes(), 1, 1)
            offered = [a_hit(number) for number in range(hits)]
            asked = [filler(LONGEST_QUERY)] * MOST_QUERIES * shape.readings
            return (
                lambda stage: ask.step(task, self._question, (), (), (), stage),
                lambda stage: ask.step(long, self._question, found, offered, asked, stage),
            )

        def rank(hits: int) -> tuple[Step, Step]:
            found = [a_hit(number, LONGEST_SHOWN) for number in range(hits * shape.wider)]
            return (
                lambda stage: ask.rank(task, self._question, [a_hit(0, 1)], stage),
                lambda stage: ask.rank(long, self._question, found, stage),
            )

        web = shape.web_hits
        return {
            "clarify": (lambda stage: question_back(self._question, stage),) * 2,
            "plan": (lambda stage: ask.plan(self._question, self._bounds, stage),) * 2,
            "assess": (
                lambda stage: ask.assess(few, self._bounds, "public", stage),
                lambda stage: ask.assess(many, self._bounds, "public", stage),
            ),
            "rank web": rank(web),
            "rank corpus": rank(shape.corpus_passages),
            "read web": read(shape.page_passages),
            "read corpus": read(shape.corpus_passages),
            "judge web": judge(web * self._bounds.deepest),
            "judge corpus": judge(self._bounds.deepest),
            "step web": step(shape.readings * MOST_MOVES, shape.readings * web),
            "step corpus": step(shape.readings, 0),
            "write": (lambda stage: ask.compose(few, stage), lambda stage: ask.compose(whole, stage)),
        }

    def _notes(self, findings: int) -> Notes:
        return notes_of(self._question, self._tasks() if findings > 1 else 1, findings, self._style)

    def _whole(self) -> int:
        """Return the most findings from which a report is written in one call."""
        return MOST_FINDINGS if self._style.length == "short" else FEW_FINDINGS

    async def _size(self, name: str, small: Step, large: Step) -> Size:
        least, most = await taken(small), await taken(large)
        said = self._fewest(encode(SMALLEST[name])) if name in SMALLEST else 1
        prompt = sum(self._fewest(message.content) for message in least.messages)
        return Size(
            least=Cost(calls=1, prompt=prompt, completion=said),
            most=Cost(calls=1, prompt=self._count(most), completion=most.max_tokens),
            reserved=Cost(calls=1, prompt=self._count(least), completion=min(LEAST_ANSWER, least.max_tokens)),
        )

    async def _most(self, *steps: tuple[int, Step]) -> Cost:
        """Return what so many of each step cost at most."""
        costs = []
        for times, step in steps:
            asked = await taken(step)
            costs.append(Cost(calls=1, prompt=self._count(asked), completion=asked.max_tokens).times(times))
        return Cost().plus(*costs)

    async def _parts(self) -> Size:
        """Return the size of a report that is written in parts; a short one never is.

        The findings are divided among the sections, so one section has all of them here, and the others next to none.
        """
        if self._style.length == "short":
            return Size()
        few, many, sections = self._notes(1), self._notes(MOST_FINDINGS), ROOMS[self._style.length].sections
        heading = filler(LONGEST_HEADING)
        others = [heading] * (sections - 1)
        written = Section(heading=heading, sentences=tuple(a_sentence(found.id) for found in many.findings))
        most = await self._most(
            (1, lambda stage: write_outline(many, many.findings, stage)),
            (1, lambda stage: write_section(many, Part(heading, many.findings), others, stage)),
            (sections - 1, lambda stage: write_section(few, Part(heading, few.findings), others, stage)),
            (1, lambda stage: write_answer(many, [written], many.findings, stage)),
        )
        return Size(most=most)

    async def _checks(self) -> dict[str, Size]:
        """Return the size of the checks of one report, and of putting right ``again`` what failed them twice.

        Each is at least none, for what stands in a quote is not asked about.
        """
        quotes = tuple(some_findings(a_task(0, 1), SHOWN // LONGEST_QUOTE, 1, LONGEST_QUOTE))
        claims = [Claim(a_sentence(), quotes)] * CLAIMS_A_CALL
        wrong = [(claim, filler(LONGEST_TEXT)) for claim in claims]
        repairs = -(-MOST_REPAIRS // CLAIMS_A_CALL)
        first = await self._most((-(-MOST_CHECKS // CLAIMS_A_CALL), lambda stage: ask_checker(claims, stage)))
        again = await self._most(
            (repairs, lambda stage: ask_checker(claims, stage)),
            (repairs, lambda stage: ask_repair(wrong, self._style.language, stage)),
        )
        return {"checks": Size(most=first.plus(again)), "again": Size(most=again)}

    def quotes(self) -> int:
        """Return how many quotes an answer of the reader can hold."""
        smallest = ReadQuote(passage=1, quote="a", statement="", relevance=1.0)
        return READ_TOKENS // max(1, self._fewest(encode(smallest)))

    def _tasks(self) -> int:
        return self._bounds.branches + self._bounds.new_branches * max(0, self._bounds.rounds - 1)
