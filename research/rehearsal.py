"""How large the calls of a run can be, found by rehearsing them: the analyst asks, and no request is sent but measured.

So prompts, schemas and ``max_tokens`` are those that a run really uses. What a run of such calls adds up to is in
``research.estimate``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import NoReturn

from research.access import Access
from research.analysts import Analyst, Bounds, Notes
from research.analysts.acceptance import LONGEST_QUERY, LONGEST_TEXT, MOST_CHECKS, MOST_MOVES, MOST_QUERIES
from research.analysts.language import LONGEST_QUOTE, MOST_FINDINGS, READ_TOKENS
from research.analysts.reranking import LONGEST_SHOWN, RankReply
from research.analysts.schemas import (
    CheckReply,
    JudgeReply,
    PlannedTask,
    PlanReply,
    ReadQuote,
    ReadReply,
    WriteReply,
    WrittenSentence,
)
from research.chunks import LEAST, LETTERS_PER_WORD, MOST
from research.effects import LEAST_ANSWER
from research.errors import ResearchError
from research.records import BranchOutcome, Finding, Gap, Hit, Passage, Question, Record, Sentence, Source, Task, encode
from research.requests import ModelRequest

TextCount = Callable[[str], int]
PromptCount = Callable[[ModelRequest], int]
PASSAGE = (MOST + LEAST) * LETTERS_PER_WORD
"""Characters of the largest passage."""
ID = "f-7c1e90b3d52a48f6"
SMALLEST: dict[str, Record] = {
    "plan": PlanReply(rationale="", tasks=(PlannedTask(objective="a", queries=("a",), source="web", wanted=""),)),
    "assess": PlanReply(rationale="", tasks=()),
    "rank": RankReply(scores=()),
    "read": ReadReply(quotes=(ReadQuote(passage=1, quote="a", statement="", relevance=1.0),)),
    "judge": JudgeReply(enough=True, missing="", queries=()),
    "write": WriteReply(answer=(WrittenSentence(text="a", findings=(ID,)),), sections=(), disagreements=()),
    "check": CheckReply(reason="", verdict="supported"),
}
"""The shortest answer of each kind that is of use."""


class Cost(Record):
    """Calls of every kind, and the tokens of prompts and answers."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0

    def plus(self, *others: Cost) -> Cost:
        """Return the sum."""
        every = (self, *others)
        return Cost(
            calls=sum(cost.calls for cost in every),
            prompt=sum(cost.prompt for cost in every),
            completion=sum(cost.completion for cost in every),
        )

    def times(self, number: int) -> Cost:
        """Return this cost ``number`` times."""
        return Cost(calls=self.calls * number, prompt=self.prompt * number, completion=self.completion * number)


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

    async def _answer(self, request: ModelRequest) -> NoReturn:
        self.taken.append(request)
        raise Rehearsed("taken down")


def nobody() -> Access:
    """Return access for a step that asks nobody; a request would end it with ``Rehearsed``."""
    return _Stage()


Step = Callable[[Access], Awaitable[object]]


async def _taken(step: Step) -> ModelRequest:
    """Return the first request that ``step`` makes."""
    stage = _Stage()
    with contextlib.suppress(Rehearsed):
        await step(stage)
    return stage.taken[0]


class Rehearsal:
    """The sizes of the calls of one question's run.

    ``analyst`` asks a model at every step. ``count`` bounds a request's prompt from above, in tokens, as the gate does;
    ``fewest`` bounds a text from below. Texts from outside are taken to have at least two characters a token (prose has
    four to five); where ``count`` counts bytes they are counted as bytes.
    """

    def __init__(
        self, analyst: Analyst, question: Question, bounds: Bounds, shape: Shape, count: PromptCount, fewest: TextCount
    ) -> None:
        self._analyst = analyst
        self._question = question
        self._bounds = bounds
        self._shape = shape
        self._count = count
        self._fewest = fewest

    async def sizes(self) -> dict[str, Size]:
        """Return the size of each kind of call, by name; ``rank``, ``read`` and ``judge`` per type of branch."""
        sizes = {
            name: await self._size(name.split()[0], small, large) for name, (small, large) in self._steps().items()
        }
        return {**sizes, "checks": await self._checks(sizes["check"])}

    def _steps(self) -> dict[str, tuple[Step, Step]]:
        """Return each kind of call as it is at its smallest and at its largest."""
        ask, shape = self._analyst, self._shape
        few, many = _notes(self._question, 1, 1), _notes(self._question, self._tasks(), MOST_FINDINGS)
        task, long = few.tasks[0], many.tasks[0]

        def read(passages: int) -> tuple[Step, Step]:
            small, large = [_passage(1)], [_passage(PASSAGE)] * passages
            return (
                lambda stage: ask.read(task, self._question, small, stage),
                lambda stage: ask.read(long, self._question, large, stage),
            )

        def judge(readings: int) -> tuple[Step, Step]:
            found = _findings(long, readings * self.quotes(), 1, 1)
            asked = [_words(LONGEST_QUERY)] * MOST_QUERIES * self._bounds.branch_rounds
            return (
                lambda stage: ask.judge(task, few.findings, ["a"], stage),
                lambda stage: ask.judge(long, found, asked, stage),
            )

        def step(readings: int, hits: int) -> tuple[Step, Step]:
            found = _findings(long, readings * self.quotes(), 1, 1)
            offered = [_hit(number) for number in range(hits)]
            return (
                lambda stage: ask.step(task, self._question, (), (), stage),
                lambda stage: ask.step(long, self._question, found, offered, stage),
            )

        def rank(hits: int) -> tuple[Step, Step]:
            found = [_hit(number, LONGEST_SHOWN) for number in range(hits * shape.wider)]
            return (
                lambda stage: ask.rank(task, self._question, [_hit(0, 1)], stage),
                lambda stage: ask.rank(long, self._question, found, stage),
            )

        web = shape.web_hits
        return {
            "plan": (lambda stage: ask.plan(self._question, self._bounds, stage),) * 2,
            "assess": (
                lambda stage: ask.assess(few, self._bounds, "public", stage),
                lambda stage: ask.assess(many, self._bounds, "public", stage),
            ),
            "rank web": rank(web),
            "rank corpus": rank(shape.corpus_passages),
            "read web": read(shape.page_passages),
            "read corpus": read(shape.corpus_passages),
            "judge web": judge(web * self._bounds.branch_rounds),
            "judge corpus": judge(self._bounds.branch_rounds),
            "step web": step(shape.readings * MOST_MOVES, shape.readings * web),
            "step corpus": step(shape.readings, 0),
            "write": (lambda stage: ask.compose(few, stage), lambda stage: ask.compose(many, stage)),
            "check": (
                lambda stage: ask.check(Sentence(text="a", findings=(ID,)), few.findings, stage),
                lambda stage: ask.check(_sentence(), many.findings[:1], stage),
            ),
        }

    async def _size(self, name: str, small: Step, large: Step) -> Size:
        least, most = await _taken(small), await _taken(large)
        said = self._fewest(encode(SMALLEST[name])) if name in SMALLEST else 1
        prompt = sum(self._fewest(message.content) for message in least.messages)
        return Size(
            least=Cost(calls=1, prompt=prompt, completion=said),
            most=Cost(calls=1, prompt=self._count(most), completion=most.max_tokens),
            reserved=Cost(calls=1, prompt=self._count(least), completion=min(LEAST_ANSWER, least.max_tokens)),
        )

    async def _checks(self, one: Size) -> Size:
        """Return the size of all checks of one report: one a sentence, as far as sentences are checked."""
        request = await _taken(self._steps()["write"][0])
        sentences = request.max_tokens // max(1, self._fewest(encode(WrittenSentence(text="a", findings=(ID,)))))
        return Size(least=one.least, most=one.most.times(min(sentences, MOST_CHECKS)), reserved=one.reserved)

    def quotes(self) -> int:
        """Return how many quotes an answer of the reader can hold."""
        smallest = ReadQuote(passage=1, quote="a", statement="", relevance=1.0)
        return READ_TOKENS // max(1, self._fewest(encode(smallest)))

    def _tasks(self) -> int:
        return self._bounds.branches + self._bounds.new_branches * max(0, self._bounds.rounds - 1)


def _words(characters: int) -> str:
    """Return text of so many characters, and half as many tokens."""
    return ("a b c d e f g h i j k l m n o p q r s t u v w x y z " * (characters // 52 + 1))[:characters]


def _passage(characters: int) -> Passage:
    text = _words(characters)
    return Passage(source="0" * 64, start=0, end=len(text), text=text, title=_words(120) if characters > 1 else "a")


def _task(number: int, characters: int) -> Task:
    queries = tuple(_words(min(characters, LONGEST_QUERY)) for _ in range(MOST_QUERIES))
    return Task.make(f"{number} {_words(characters)}"[: max(1, characters)], queries, "web", wanted=_words(characters))


def _findings(task: Task, number: int, statement: int, quote: int) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            id=f"f-{index:016x}",
            task=task.id,
            statement=_words(statement),
            quote=_words(quote),
            source="0" * 64,
            start=index,
            end=index + 1,
            label="public",
        )
        for index in range(number)
    )


def _hit(number: int, snippet: int = LONGEST_TEXT) -> Hit:
    return Hit(
        handle=f"h-{number:016x}", title=_words(120), score=1.0, url="https://a.example/", snippet=_words(snippet)
    )


def _sentence() -> Sentence:
    return Sentence(text=_words(LONGEST_TEXT), findings=(ID,))


def _notes(question: Question, tasks: int, findings: int) -> Notes:
    """Return notes with so many tasks and findings: the shortest there can be of one, the longest of more."""
    large = findings > 1
    planned = tuple(_task(number, LONGEST_TEXT if large else 1) for number in range(tasks))
    found = _findings(planned[0], findings, LONGEST_TEXT if large else 1, LONGEST_QUOTE if large else 1)
    gap = Gap(task=planned[0].id, missing=_words(LONGEST_TEXT))
    return Notes(
        question=question,
        tasks=planned,
        findings=found,
        sources=(Source(id="0" * 64, url="https://a.example/", title=_words(80 if large else 1), label="public"),),
        outcomes=tuple(BranchOutcome(task=task.id, outcome="done", gaps=(gap,) if large else ()) for task in planned),
    )
