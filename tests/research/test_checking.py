"""The check of a draft by a model: what is asked, what is put right, and what a failure leaves."""

from __future__ import annotations

import re
from itertools import chain, repeat
from typing import Any

import msgspec
import pytest

from research.access import Access, World
from research.analysts import Notes, Review
from research.analysts.acceptance import MOST_CHECKS
from research.analysts.checking import CLAIMS_A_CALL, SHOWN, Claim, ask_checker, review
from research.budget import Caps
from research.errors import EffectFailed
from research.gate import Gate
from research.ports import Price
from research.records import CheckFacts, Draft, Finding, Question, Section, Sentence, Task, VerdictName
from research.requests import ModelReply, ModelRequest, Role
from tools.fakes.scripted import (
    ManualClock,
    MemoryJournal,
    MemoryLibrary,
    MemoryRecords,
    Script,
    ScriptedModel,
    replied,
)

TASK = Task.make("When was the Sable bridge built?", ("sable",), "web")
QUOTE = "The Sable bridge was built in 1931 by two brothers from Leer."


def finding(id: str, quote: str = QUOTE) -> Finding:
    return Finding(
        id=id, task=TASK.id, statement=quote, quote=quote, source="s1", start=0, end=len(quote), label="public"
    )


def head(id: str, number: int, year: str) -> Finding:
    """A line of the head of a PEP, as rules find it."""
    line = f"Created: 01-Jan-{year}"
    return msgspec.structs.replace(finding(id, line), source=f"s{number}", title=f"PEP {number}: A", relevance=1.0)


FOUND = (finding("f-1"), finding("f-2", "It was closed for good in 1990."))
NOTES = Notes(question=Question(text="?"), tasks=(TASK,), findings=FOUND, sources=(), outcomes=())


def claim(text: str, *ids: str) -> Sentence:
    return Sentence(text=text, findings=ids or ("f-1",))


def claims(number: int) -> tuple[Sentence, ...]:
    """So many sentences that stand in no quote."""
    return tuple(claim(f"Brothers put up a crossing, says witness {'x' * n}.") for n in range(1, number + 1))


def verdicts(**given: tuple[VerdictName, str]) -> ModelReply:
    """A reply on the claims ``n1``, ``n2`` …"""
    entries = [
        {"number": int(key[1:]), "reason": reason, "verdict": verdict} for key, (verdict, reason) in given.items()
    ]
    return replied({"verdicts": entries})


def all_of(verdict: VerdictName) -> Script:
    """Answer every claim of a request with one verdict."""

    def answer(request: ModelRequest) -> ModelReply:
        numbers = re.findall(r'<claim-\w+ number="(\d+)"', request.messages[1].content)
        return verdicts(**{f"n{number}": (verdict, "so it is") for number in numbers})

    return answer


def repairs(*texts: str, ids: tuple[str, ...] = ("f-1",)) -> ModelReply:
    return replied({"repairs": [{"number": n, "text": text, "findings": list(ids)} for n, text in enumerate(texts, 1)]})


GOOD, BAD = all_of("supported"), all_of("unsupported")


async def reviewed(
    sentences: tuple[Sentence, ...], *replies: Script, caps: Caps | None = None
) -> tuple[Review, list[ModelRequest]]:
    """Check a draft whose answer is the first sentence and whose one section holds the others."""
    model = ScriptedModel(replies)
    draft = Draft(answer=sentences[:1], sections=(Section(heading="More", sentences=sentences[1:]),))
    told = await review(draft, NOTES, access_to(model, caps))
    return told, model.asked


def access_to(model: ScriptedModel, caps: Caps | None = None) -> Access:
    gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=caps or Caps())
    world = World(library=MemoryLibrary(), records=MemoryRecords(), models={"checker": model, "writer": model})
    return Access("checker", name="report", gate=gate, budget=gate.root, world=world)


def told(review: Review) -> list[tuple[str, str]]:
    sentences = [*review.draft.answer, *(s for part in review.draft.sections for s in part.sentences)]
    return [(sentence.text, sentence.verdict) for sentence in sentences]


async def test_what_stands_in_a_quote_is_not_asked_about() -> None:
    """A sentence in the quote's own words is supported without a call; so is one that claims nothing left alone."""
    lead = Sentence(text="Now to the rest.")
    review, asked = await reviewed((claim("The Sable bridge was built in 1931 by two brothers from Leer."), lead))
    assert told(review) == [(QUOTE, "supported"), (lead.text, "could not check")]
    assert (asked, review.checks, review.losses) == ([], CheckFacts(), ())


async def test_what_a_rule_concluded_is_checked_by_that_rule() -> None:
    """An answer that no quote has in its words is asked about only where it does not follow from what it cites."""
    notes = msgspec.structs.replace(NOTES, findings=(head("f-1", 8, "2019"), head("f-2", 9, "2021")))
    short = Sentence(text="PEP 8.", findings=("f-1", "f-2"), concludes="Which is older, PEP 8 or PEP 9?")
    for said, asked in ((short, 0), (msgspec.structs.replace(short, findings=("f-1",)), 1)):
        model = ScriptedModel([GOOD])
        review_of = await review(Draft(answer=(said,), sections=()), notes, access_to(model))
        assert told(review_of) == [("PEP 8.", "supported")]
        assert len(model.asked) == asked


async def test_a_concluded_sentence_that_was_rewritten_is_concluded_no_more() -> None:
    """The writer's words follow by no rule, so the report does not say that they do."""
    notes = msgspec.structs.replace(NOTES, findings=(head("f-1", 8, "2019"), head("f-2", 9, "2021")))
    wrong = Sentence(text="PEP 9.", findings=("f-1", "f-2"), concludes="Which is older, PEP 8 or PEP 9?")
    model = ScriptedModel([BAD, repairs("The older one is PEP 8."), GOOD])
    told_of = await review(Draft(answer=(wrong,), sections=()), notes, access_to(model))
    assert [(s.text, s.verdict, s.concludes) for s in told_of.draft.answer] == [
        ("The older one is PEP 8.", "supported", "")
    ]


async def test_claims_are_asked_about_together() -> None:
    """Several claims make one call, each with its own number and quotes, and a repeated sentence is asked once."""
    sentences = claims(CLAIMS_A_CALL + 1)
    review, asked = await reviewed((*sentences, sentences[0]), GOOD, GOOD)
    assert [request.messages[1].content.count("<claim-") for request in asked] == [CLAIMS_A_CALL, 1]
    assert {verdict for _, verdict in told(review)} == {"supported"}
    assert review.checks == CheckFacts(asked=CLAIMS_A_CALL + 1)


@pytest.mark.parametrize("verdict", ["supported", "could not check"])
async def test_a_verdict_goes_by_its_number(verdict: VerdictName) -> None:
    """Whatever the order of the answers; the first counts, other numbers are nobody's, a claim left out has none."""
    given = {"n9": ("unsupported", ""), "n3": (verdict, ""), "n1": ("supported", "")}
    review, _ = await reviewed(claims(3), verdicts(**given))  # type: ignore[arg-type]
    assert [said for _, said in told(review)] == ["supported", "could not check", verdict]


@pytest.mark.parametrize(
    "failing",
    [
        (EffectFailed("down"),),
        (ModelReply(text="no", stop="end"), ModelReply(text="no", stop="end")),
        (ModelReply(text="", stop="refusal"),),
    ],
)
async def test_a_failure_of_the_checker_is_no_verdict(failing: tuple[Script, ...]) -> None:
    """Its claims could not be checked, which is said with their number; those of other calls have their verdicts."""
    sentences = claims(CLAIMS_A_CALL + 1)

    def answer(request: ModelRequest) -> ModelReply:
        if request.messages[1].content.count("<claim-") == 1:
            assert callable(GOOD)
            return GOOD(request)
        reply = next(left)
        if isinstance(reply, EffectFailed):
            raise reply
        assert isinstance(reply, ModelReply)
        return reply

    left = chain(failing, repeat(failing[-1]))
    review, _ = await reviewed(sentences, *[answer] * 9)
    assert [said for _, said in told(review)] == ["could not check"] * CLAIMS_A_CALL + ["supported"]
    assert [loss.split(":")[0] for loss in review.losses] == [f"{CLAIMS_A_CALL} sentences could not be checked"]


async def test_an_unsupported_sentence_is_put_right_once_and_checked_again() -> None:
    """The writer is shown the reason and the quotes, and what it makes of the sentence stands when it is supported."""
    wrong, right = claim("Sisters from Leer put it up."), "Brothers from Leer put it up."
    checked = verdicts(n1=("unsupported", "the quote says brothers"))
    review, asked = await reviewed((wrong, claim(QUOTE)), checked, repairs(right), GOOD)
    assert told(review) == [(right, "supported"), (QUOTE, "supported")]
    assert [request.role for request in asked] == ["checker", "writer", "checker"]
    shown = asked[1].messages[1].content
    assert f"sentence: {wrong.text}\nwrong: the quote says brothers" in shown and QUOTE in shown
    assert review.checks == CheckFacts(asked=2, rewritten=1)


async def test_a_repair_in_the_quote_s_words_needs_no_second_check() -> None:
    """What stands in the quote after the repair is supported by rules, without a call."""
    review, asked = await reviewed((claim("Sisters put it up."),), BAD, repairs(QUOTE))
    assert (told(review), len(asked)) == ([(QUOTE, "supported")], 2)


@pytest.mark.parametrize(
    "repair",
    [
        (repairs("Cousins put it up."), BAD),
        (repairs(""),),
        (repairs("Sisters put it up."),),
        (repairs("Brothers put it up.", ids=("f-2", "f-9")),),
        (replied({"repairs": []}),),
        (replied({"repairs": [{"number": 7, "text": "x", "findings": ["f-1"]}]}),),
    ],
)
async def test_what_stays_unsupported_is_told_as_it_was(repair: tuple[Script, ...]) -> None:
    """A repair that fails, is empty, changes nothing or cites other findings leaves the sentence unsupported."""
    review, asked = await reviewed((claim("Sisters put it up."),), BAD, *repair)
    assert told(review) == [("Sisters put it up.", "unsupported")]
    assert (len(asked), review.checks.rewritten) == (1 + len(repair), 0)


async def test_a_writer_that_cannot_be_asked_costs_the_repair_alone() -> None:
    """The verdicts stand, and the loss is named."""
    review, _ = await reviewed((claim("Sisters put it up."),), BAD, EffectFailed("down"))
    assert told(review) == [("Sisters put it up.", "unsupported")]
    assert review.losses == ("1 sentence could not be put right: down",)


async def test_two_sentences_that_a_repair_makes_the_same_stand_once() -> None:
    """A section does not say a thing twice."""
    sentences = (claim(QUOTE), claim("Sisters put it up."), claim("Aunts put it up."))
    review, _ = await reviewed(sentences, BAD, repairs("They put it up.", "They put it up."), GOOD)
    assert told(review) == [(QUOTE, "supported"), ("They put it up.", "supported")]


async def test_a_model_is_asked_about_so_many_sentences_and_no_more() -> None:
    """Those beyond stand as they were written, and how many were checked is said; what stands in a quote counts not."""
    review, asked = await reviewed((claim(QUOTE), *claims(MOST_CHECKS + 7)), *[GOOD] * 40)
    assert len(asked) == MOST_CHECKS // CLAIMS_A_CALL
    said = [verdict for _, verdict in told(review)]
    assert (said.count("supported"), said.count("could not check")) == (1 + MOST_CHECKS, 7)
    assert review.losses == (f"of {MOST_CHECKS + 7} sentences, only the first {MOST_CHECKS} are given to the checker",)


async def test_without_a_budget_nothing_is_checked_and_it_is_said() -> None:
    """A refused call is no verdict; all that was refused is told in one sentence."""
    review, asked = await reviewed(claims(2 * CLAIMS_A_CALL), GOOD, caps=Caps(tokens=10))
    assert {verdict for _, verdict in told(review)} == {"could not check"}
    assert (asked, len(review.losses)) == ([], 1)
    assert review.losses[0].startswith(f"{2 * CLAIMS_A_CALL} sentences could not be checked: ")


async def reviewed_by_two(*given: tuple[str, Script], planner: int = 9) -> tuple[Review, list[str], Gate]:
    """Check a wrong sentence with a writer at a price of 2 and a ``planner``; ``given`` names who gives which reply."""
    spoken: list[str] = []
    left = list(given)

    def by(name: str) -> Script:
        def answer(request: ModelRequest) -> ModelReply:
            who, reply = left.pop(0)
            assert who == name
            spoken.append(f"{name} for the {request.role}")
            if isinstance(reply, Exception):
                raise reply
            return reply(request) if callable(reply) else reply

        return answer

    prices: dict[Role, int] = {"planner": planner, "writer": 2, "checker": 1}
    models: dict[Role, ScriptedModel] = {
        role: ScriptedModel([by(role)] * 9, name=f"p:{role}", price=Price(prompt=each, completion=each))
        for role, each in prices.items()
    }
    gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps())
    world = World(library=MemoryLibrary(), records=MemoryRecords(), models=models)
    access = Access("checker", name="report", gate=gate, budget=gate.root, world=world)
    done = await review(Draft(answer=(claim("Sisters put it up."),), sections=()), NOTES, access)
    assert not left
    return done, spoken, gate


NOT_JSON = ModelReply(text="no", stop="end")
CHECKED: list[tuple[str, Script]] = [("checker", BAD), ("writer", repairs("Cousins put it up.")), ("checker", BAD)]


async def test_what_fails_again_after_the_repair_goes_to_the_stronger_model() -> None:
    """It is asked once, in the writer's role, its sentence is checked too, and the report can say who wrote it."""
    done, spoken, gate = await reviewed_by_two(*CHECKED, ("planner", repairs("Brothers put it up.")), ("checker", GOOD))
    assert told(done) == [("Brothers put it up.", "supported")]
    assert spoken[-2:] == ["planner for the writer", "checker for the checker"]
    assert done.checks == CheckFacts(asked=3, rewritten=1)
    assert [(row.role, row.model) for row in gate.roles() if row.model == "p:planner"] == [("writer", "p:planner")]


@pytest.mark.parametrize(
    "more",
    [
        [("planner", repairs("Aunts put it up.")), ("checker", BAD)],
        [("planner", repairs("Cousins put it up."))],
        [("planner", repairs(""))],
        [("planner", NOT_JSON)],
        [("planner", EffectFailed("down"))],
    ],
)
async def test_what_the_stronger_model_does_not_put_right_stays_unsupported(more: list[tuple[str, Script]]) -> None:
    """Nothing is asked a third time, and an answer that fails leaves the verdict of the check as it was."""
    done, _, _ = await reviewed_by_two(*CHECKED, *more)
    assert told(done) == [("Sisters put it up.", "unsupported")]
    lost = isinstance(more[0][1], EffectFailed) or more[0][1] == NOT_JSON
    assert (done.checks.rewritten, len(done.losses)) == (0, int(lost))


async def test_a_repair_is_never_escalated_to_a_cheaper_model() -> None:
    """Where the planner's model is not the dearer one, what fails twice stays unsupported."""
    done, spoken, _ = await reviewed_by_two(*CHECKED, planner=1)
    assert (told(done), len(spoken)) == ([("Sisters put it up.", "unsupported")], 3)


async def test_quotes_are_shown_as_far_as_the_room_goes() -> None:
    """A claim that cites very much is shown the first of it: one claim cannot fill the prompt of the others."""
    long = tuple(finding(f"f-{n}", f"{n} " + "word " * 140) for n in range(9))
    model = ScriptedModel([GOOD])
    sentence = Sentence(text="It is told.", findings=tuple(f.id for f in long))
    (opinion,) = await ask_checker([Claim(sentence, long)], access_to(model))
    shown: Any = model.asked[0].messages[1].content
    assert opinion.verdict == "supported"
    assert SHOWN < len(shown) < SHOWN + 600
