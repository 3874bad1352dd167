"""Checks of a claim against its passages as systems: this project's own, its model's, and a baseline.

The passages are the documents of the corpora that the question names, in their order; nothing is searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from evals.records import Corpora, Document, Outcome, System
from research.access import Access
from research.analysts.checking import Claim, ask_checker
from research.analysts.structured import Unusable
from research.analysts.support import judge
from research.app.systems.documents import documents_of
from research.app.systems.gated import Gated
from research.errors import EffectFailed
from research.records import Finding, Question, Sentence, VerdictName
from research.sentences import sentences
from research.words import terms
from tools.clock import SystemClock

ENOUGH = 0.65
"""The share of a claim's words from which it is rather supported; how well it parts three sets is in docs/evals.md."""
POINTED = 3
"""Documents that a reader is pointed to, at most."""
PIECE = 800
"""Characters of a quote that the checking model is shown (``research.analysts.showing.LONGEST_QUOTE``)."""
PIECES = 30
"""Quotes that the checking model is shown, at most: those that share most with the claim, in the text's order."""


def coverage(claim: str, texts: Sequence[str]) -> float:
    """Return the share of the claim's content terms that are in the texts, 0 to 1; 0 for a claim without any."""
    wanted = set(terms(claim))
    held = {term for text in texts for term in terms(text)}
    return len(wanted & held) / len(wanted) if wanted else 0.0


def deciding(claim: str, passages: Sequence[Document]) -> tuple[str, ...]:
    """Return the documents to look at, best first: those that hold most of the claim's terms, and not none of them."""
    wanted = set(terms(claim))
    shared = {document.id: len(wanted & set(terms(document.text))) for document in passages}
    return tuple(sorted((id for id in shared if shared[id]), key=lambda id: -shared[id])[:POINTED])


def centred(share: float) -> float:
    """Return a coverage as a confidence: 0.5 where the choice turns, linear on both sides."""
    return share / ENOUGH / 2 if share < ENOUGH else (1 + (share - ENOUGH) / (1 - ENOUGH)) / 2


def evidence(passages: Sequence[Document]) -> list[str]:
    """Return what a claim is checked against: the titles, once each, and the texts."""
    return [*dict.fromkeys(document.title for document in passages if document.title), *(d.text for d in passages)]


def checking_support(corpora: Corpora) -> System:
    """Return the system ``support``: the verdict is that of ``research.analysts.support``, as reports get it.

    Its confidence forces a choice where it could not check. ``python -m bench.support`` fits the check.
    """

    async def system(question: Question) -> Outcome:
        clock = SystemClock()
        began = clock.monotonic()
        passages = documents_of(corpora, question.corpora)
        judged = judge(question.text, evidence(passages))
        return Outcome(
            verdict=judged.verdict,
            confidence=judged.confidence,
            rationale=deciding(question.text, passages),
            seconds=clock.monotonic() - began,
        )

    return system


def checking_coverage(corpora: Corpora) -> System:
    """Return the baseline ``coverage``: supported when the passages hold most of the claim's words."""

    async def system(question: Question) -> Outcome:
        clock = SystemClock()
        began = clock.monotonic()
        passages = documents_of(corpora, question.corpora)
        share = coverage(question.text, [document.text for document in passages])
        return Outcome(
            verdict="supported" if share >= ENOUGH else "unsupported",
            confidence=centred(share),
            rationale=deciding(question.text, passages),
            seconds=clock.monotonic() - began,
        )

    return system


def checking_by_model(corpora: Corpora, gated: Gated) -> System:
    """Return the system ``model-check``: the model is shown the claim and quotes of the passages, as of a report."""

    async def system(question: Question) -> Outcome:
        passages = documents_of(corpora, question.corpora)
        quotes = _quotes(question.text, passages)
        async with gated.run(question, "checker") as work:
            verdict = await _verdict(question.text, quotes, work.access)
            if verdict == "could not check":
                work.raise_trouble()
        return work.noted(Outcome(verdict=verdict, rationale=deciding(question.text, passages)))

    return system


async def _verdict(claim: str, quotes: Sequence[Finding], access: Access) -> VerdictName:
    """Return the checker's verdict; "could not check" where it gives none, or there is nothing to show it."""
    if not quotes:
        return "could not check"
    sentence = Sentence(text=claim, findings=tuple(quote.id for quote in quotes))
    try:
        (opinion,) = await ask_checker([Claim(sentence, tuple(quotes))], access, PIECES * PIECE)
    except (Unusable, EffectFailed):
        return "could not check"
    return opinion.verdict


def _quotes(claim: str, passages: Sequence[Document]) -> list[Finding]:
    """Return the passages in pieces that a model is shown whole."""
    pieces = [(document, start, end) for document in passages for start, end in _pieces(document.text)]
    wanted = set(terms(claim))
    shared = [len(wanted & set(terms(document.text[start:end]))) for document, start, end in pieces]
    kept = sorted(sorted(range(len(pieces)), key=lambda place: -shared[place])[:PIECES])
    return [
        Finding(
            id=f"f-{place}",
            task="",
            statement=pieces[place][0].text[pieces[place][1] : pieces[place][2]],
            quote=pieces[place][0].text[pieces[place][1] : pieces[place][2]],
            source=pieces[place][0].id,
            start=pieces[place][1],
            end=pieces[place][2],
            label="public",
        )
        for place in kept
    ]


def _pieces(text: str) -> list[tuple[int, int]]:
    """Return spans of at most ``PIECE`` characters that end with sentences where they can."""
    spans: list[tuple[int, int]] = []
    for sentence in sentences(text):
        for at in range(sentence.start, sentence.end, PIECE):
            end = min(at + PIECE, sentence.end)
            if spans and end - spans[-1][0] <= PIECE:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((at, end))
    return spans
