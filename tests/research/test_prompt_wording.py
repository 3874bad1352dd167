"""What is sent, word for word: the prompts, filled in by the steps that send them.

``python tests/research/test_prompt_wording.py`` writes the texts anew, to be read before they are kept.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import research.prompts
from research.access import Access
from research.analysts import Bounds, Notes, Style
from research.analysts.acceptance import Part
from research.analysts.checking import Claim, ask_checker, ask_repair
from research.analysts.clarifying import question_back
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.analysts.writing import write_answer, write_outline, write_section, write_whole
from research.records import Finding, Hit, Passage, Question, Section, Sentence, Source, Task
from research.rehearsal import taken
from tools.tokens import vocabulary

KEPT = Path(__file__).parent / "prompts"
PROMPTS = Path(str(research.prompts.__file__)).parent
TASK = Task.make("When was the Sable bridge built?", ("sable bridge built",), "web")
FINDINGS = tuple(
    Finding(
        id=f"f-{number:016x}",
        task=TASK.id,
        statement=f"The Sable bridge was built in {year}.",
        quote=f"It was in {year} that the bridge at Sable was built.",
        source=f"s{number}",
        start=0,
        end=51,
        label="public",
    )
    for number, year in enumerate((1931, 1932))
)
NOTES = Notes(
    question=Question(text="When was the Sable bridge built?", web=True),
    tasks=(TASK,),
    findings=FINDINGS,
    sources=(Source(id="s0", url="https://a.example/", title="Bridges", label="public", published="1950-01-01"),),
    outcomes=(),
    style=Style(length="long", language="Dutch"),
)
SAID = Sentence(text="It was built in 1931.", findings=(FINDINGS[0].id,))
CLAIM = Claim(SAID, FINDINGS[:1])
HITS = [
    Hit(handle=f"p-{number}", title="Bridges", score=1.0, snippet=found.quote) for number, found in enumerate(FINDINGS)
]
PASSAGES = [Passage(source=found.source, start=0, end=51, text=found.quote, title="Bridges") for found in FINDINGS]
ANALYST = LanguageAnalyst(ExtractiveAnalyst())
Step = Callable[[Access], Awaitable[object]]
STEPS: dict[str, Step] = {
    "planner": lambda access: ANALYST.plan(NOTES.question, Bounds(branches=3), access),
    "clarify": lambda access: question_back(NOTES.question, access),
    "reader": lambda access: ANALYST.read(TASK, NOTES.question, PASSAGES, access),
    "judge": lambda access: ANALYST.judge(TASK, FINDINGS, ["sable bridge built"], access),
    "researcher": lambda access: ANALYST.step(TASK, NOTES.question, FINDINGS[:1], HITS[1:], ["was it asked"], access),
    "assess": lambda access: ANALYST.assess(NOTES, Bounds(), "public", access),
    "writer": lambda access: write_whole(NOTES, FINDINGS, access),
    "outline": lambda access: write_outline(NOTES, FINDINGS, access),
    "section": lambda access: write_section(NOTES, Part("The bridge", FINDINGS), ["Its closure"], access),
    "answer": lambda access: write_answer(NOTES, [Section(heading="A", sentences=(SAID,))], FINDINGS, access),
    "checker": lambda access: ask_checker([CLAIM, CLAIM], access),
    "repair": lambda access: ask_repair([(CLAIM, "the year is another")], "", access),
    "reranker": lambda access: ANALYST.rank(TASK, NOTES.question, HITS, access),
}


async def rendered(step: Step) -> str:
    """Return the messages of a step's first request, each under its role."""
    request = await taken(step)
    return "\n\n".join(f"== {message.role}\n{message.content}" for message in request.messages) + "\n"


@pytest.mark.parametrize("name", STEPS)
async def test_a_prompt_is_sent_word_for_word_as_kept(name: str) -> None:
    """The text of tests/research/prompts is what a model gets; its reasons are not in it."""
    assert await rendered(STEPS[name]) == (KEPT / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(PROMPTS.glob("*.md")), ids=lambda path: path.stem)
def test_a_prompt_keeps_to_its_budget(path: Path) -> None:
    """A file names its reasons and with them a budget, in tokens of o200k; what is sent of it fits, and not loosely."""
    reasons, _, sent = path.read_text(encoding="utf-8").partition("-->\n")
    allowed = re.search(r"Tokens: at most (\d+)", reasons)
    words = vocabulary("o200k_base")
    assert words is not None
    assert "Why so: " in reasons
    assert allowed is not None
    assert int(allowed[1]) * 0.6 <= words.count(sent) <= int(allowed[1])


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for own, step_of in STEPS.items():
        (KEPT / f"{own}.txt").write_text(asyncio.run(rendered(step_of)), encoding="utf-8")
