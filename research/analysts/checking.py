"""Checking a draft with a model: each sentence against the quotes it cites, and one repair of those that fail.

What fails after that is put right by a stronger model than the writer's, where the run has one.

Rules go first (``research.analysts.support``): a sentence that stands in a quote is not asked about. On clashes they
are right in 82 of 100 claims, so there the model is asked. A failure of the checker is "could not check", never a
verdict. What becomes of sentences that stay unsupported is decided in ``research.assemble``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from research.access import Access
from research.analysts import Notes, Review
from research.analysts.acceptance import MOST_CHECKS, tidy
from research.analysts.labels import ids_of, labels_of
from research.analysts.proving import follows
from research.analysts.schemas import CheckReply, RepairReply, schema_of
from research.analysts.showing import LONGEST_QUOTE, words_of
from research.analysts.simpler import simpler_check
from research.analysts.structured import Unusable, ask, ask_stronger
from research.analysts.support import stands
from research.errors import EffectFailed, OutOfBudget
from research.prompts import block, mark_of, prompt
from research.records import CheckFacts, Draft, Finding, Section, Sentence, VerdictName, counted

CLAIMS_A_CALL = 5
"""Claims of one call: the rules of the check weigh as much as two of them with their quotes."""
MOST_REPAIRS = 20
"""Sentences of one report that are written anew; of one that needs more, the others are left out."""
CLAIM_TOKENS = 120
"""Of an answer, for each claim or sentence: a verdict with its reason has some 50 tokens, a sentence 40 to 80."""
SHOWN = 2400
"""Characters of quotes shown with one claim: three of the longest, or some ten of the usual length."""


T = TypeVar("T")


class Claim(NamedTuple):
    """A sentence and the findings it cites."""

    sentence: Sentence
    findings: tuple[Finding, ...]


class Opinion(NamedTuple):
    """A verdict on a claim, and why."""

    verdict: VerdictName
    why: str = ""


UNTOLD = Opinion("could not check")
Opinions = dict[Sentence, Opinion]
Rewritings = dict[Sentence, Sentence]


class _Checker:
    """One check of one report: what was asked, and what was lost on the way."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.asked = 0
        self._beyond = ""
        self._lost: Counter[str] = Counter()
        self._why: dict[str, str] = {}

    @property
    def losses(self) -> tuple[str, ...]:
        """What was lost, in words, each kind with the first of its reasons by name, whichever came first."""
        lost = (
            f"{counted(self._lost[what], 'sentence')} could not be {what}: {why}"
            for what, why in sorted(self._why.items())
        )
        return (*([self._beyond] if self._beyond else []), *lost)

    def _lose(self, what: str, number: int, why: Exception) -> None:
        self._lost[what] += number
        self._why[what] = min(self._why.get(what, str(why)), str(why))

    async def opinions(self, claims: Sequence[Claim], room: int) -> Opinions:
        """Return an opinion on each claim: of rules where they are sure, of the model on at most ``room`` others."""
        told = {claim.sentence: Opinion("supported") for claim in claims if _stands(claim)}
        open_ones = [claim for claim in claims if claim.sentence not in told]
        asked = open_ones[:room]
        if len(asked) < len(open_ones):
            count = counted(len(open_ones), "sentence")
            self._beyond = f"of {count}, only the first {len(asked)} are given to the checker"
        self.asked += len(asked)
        answers = await asyncio.gather(*(self._asked(batch) for batch in _batches(asked)))
        given = [opinion for batch in answers for opinion in batch]
        return told | {claim.sentence: opinion for claim, opinion in zip(asked, given, strict=True)}

    async def _asked(self, claims: Sequence[Claim]) -> list[Opinion]:
        try:
            return await ask_checker(claims, self._access)
        except (Unusable, EffectFailed, OutOfBudget) as failure:
            self._lose("checked", len(claims), failure)
            return [UNTOLD] * len(claims)

    async def repaired(self, wrong: Sequence[tuple[Claim, str]], language: str, *, strong: bool) -> Rewritings:
        """Return what the wrong claims were rewritten to, as far as the writer did, or a ``strong`` model for it."""
        batches = _batches(wrong[:MOST_REPAIRS])
        answers = await asyncio.gather(*(self._rewritten(batch, language, strong) for batch in batches))
        return {old: new for answer in answers for old, new in answer.items()}

    async def _rewritten(self, batch: Sequence[tuple[Claim, str]], language: str, strong: bool) -> Rewritings:
        try:
            return await ask_repair(batch, language, self._access, strong=strong)
        except (Unusable, EffectFailed, OutOfBudget) as failure:
            self._lose("put right", len(batch), failure)
            return {}


async def review(draft: Draft, notes: Notes, access: Access) -> Review:
    """Return the draft with a verdict on every sentence that cites findings.

    Those that failed were rewritten once by the writer, those that failed again by a stronger model, if there is one.
    """
    known = {finding.id: finding for finding in notes.findings}
    claims = _claims(_sentences(draft), known)
    checker = _Checker(access)
    opinions = await checker.opinions(claims, MOST_CHECKS)
    stands: Rewritings = {}
    for strong in (False, True) if access.stronger("writer") else (False,):
        wrong = [(claim, opinions[claim.sentence].why) for claim in _failed(claims, opinions, stands)]
        rewritten = await checker.repaired(wrong, notes.style.language, strong=strong)
        again = _claims(rewritten.values(), known)
        opinions |= await checker.opinions([claim for claim in again if claim.sentence not in opinions], MOST_REPAIRS)
        stands |= {old: new for old, new in rewritten.items() if opinions[new].verdict == "supported"}
    return Review(
        draft=_with_verdicts(draft, stands, opinions),
        checks=CheckFacts(asked=checker.asked, rewritten=len(stands)),
        losses=checker.losses,
    )


async def ask_checker(claims: Sequence[Claim], access: Access, shown_each: int = SHOWN) -> list[Opinion]:
    """Return the checker's opinion on each claim, in their order; on one that it leaves out, "could not check".

    Of each claim's quotes ``shown_each`` characters are shown. Raises ``Unusable``, ``OutOfBudget``, ``EffectFailed``.
    """
    mark = mark_of(*(text for claim in claims for text in (claim.sentence.text, *words_of(claim.findings))))
    shown = [
        "\n".join((block("claim", mark, claim.sentence.text, number=number), *_quotes(claim, mark, shown_each)))
        for number, claim in enumerate(claims, 1)
    ]
    fields: dict[str, object] = {"mark": mark, "claims": "\n\n".join(shown)}
    messages, easier = prompt("checker", **fields), simpler_check(len(claims), fields)
    most = CLAIM_TOKENS * len(claims)
    reply = await ask(access, "checker", messages, CheckReply, schema_of(CheckReply), most, easier)
    given = {entry.number: Opinion(entry.verdict, tidy(entry.reason)) for entry in reversed(reply.verdicts)}
    return [given.get(number, UNTOLD) for number in range(1, len(claims) + 1)]


async def ask_repair(
    wrong: Sequence[tuple[Claim, str]], language: str, access: Access, *, strong: bool = False
) -> Rewritings:
    """Return the sentences that the writer put right; each cites some of the findings that it cited before.

    With ``strong`` a stronger model than the writer's is asked. Raises ``Unusable``, ``OutOfBudget``, ``EffectFailed``.
    """
    words = [text for claim, why in wrong for text in (claim.sentence.text, why, *words_of(claim.findings))]
    mark = mark_of(*words)
    shown = []
    for number, (claim, why) in enumerate(wrong, 1):
        said = f"sentence: {claim.sentence.text}\nwrong: {why or 'its quotes do not support it'}"
        shown.append("\n".join((block("sentence", mark, said, number=number), *_quotes(claim, mark, SHOWN))))
    fields = {"mark": mark, "sentences": "\n\n".join(shown), "language": language or "the language of the sentence"}
    put = ask_stronger if strong else ask
    most, schema = CLAIM_TOKENS * len(wrong), schema_of(RepairReply)
    reply = await put(access, "writer", prompt("repair", **fields), RepairReply, schema, most)
    new: Rewritings = {}
    for entry in reply.repairs:
        if not 1 <= entry.number <= len(wrong):
            continue
        claim = wrong[entry.number - 1][0]
        text = tidy(entry.text)
        ids = ids_of(entry.findings, labels_of(claim.findings))
        if text and ids and text != claim.sentence.text:
            put_right = msgspec.structs.replace(claim.sentence, text=text, findings=ids, concludes="")
            new.setdefault(claim.sentence, put_right)
    return new


def _failed(claims: Sequence[Claim], opinions: Opinions, stands: Rewritings) -> list[Claim]:
    """Return the claims that are unsupported, but for those that were put right."""
    told = ((claim, opinions.get(claim.sentence, UNTOLD).verdict) for claim in claims)
    return [claim for claim, verdict in told if verdict == "unsupported" and claim.sentence not in stands]


def _quotes(claim: Claim, mark: str, left: int) -> list[str]:
    """Return the claim's quotes as they are shown, ``left`` characters of them."""
    shown = []
    labels = labels_of(claim.findings)
    for finding in claim.findings:
        quote = finding.quote[: min(LONGEST_QUOTE, left)]
        left -= len(quote)
        if quote:
            shown.append(block("quote", mark, quote, id=labels[finding.id]))
    return shown


def _stands(claim: Claim) -> bool:
    """Return whether the sentence stands in one of its quotes (right in all of 36 claims of three sets), or by rule."""
    if claim.sentence.concludes:
        return follows(claim.sentence, claim.findings)
    return stands(claim.sentence.text, [finding.quote for finding in claim.findings])


def _sentences(draft: Draft) -> list[Sentence]:
    return [s for part in (draft.answer, *(section.sentences for section in draft.sections)) for s in part]


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + CLAIMS_A_CALL] for start in range(0, len(items), CLAIMS_A_CALL)]


def _claims(sentences: Collection[Sentence], known: Mapping[str, Finding]) -> list[Claim]:
    """Return the sentences that cite findings, each once."""
    cited = ((s, tuple(known[id] for id in s.findings if id in known)) for s in dict.fromkeys(sentences))
    return [Claim(sentence, findings) for sentence, findings in cited if findings]


def _with_verdicts(draft: Draft, new: Rewritings, opinions: Mapping[Sentence, Opinion]) -> Draft:
    """Return the draft with the rewritten sentences in place, each of them once a section."""

    def said(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
        standing = dict.fromkeys(new.get(sentence, sentence) for sentence in sentences)
        told = ((s, opinions.get(s)) for s in standing)
        return tuple(msgspec.structs.replace(s, verdict=opinion.verdict) if opinion else s for s, opinion in told)

    return msgspec.structs.replace(
        draft,
        answer=said(draft.answer),
        sections=tuple(Section(heading=part.heading, sentences=said(part.sentences)) for part in draft.sections),
    )
