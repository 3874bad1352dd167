"""FACT-like judging: whether what an outcome cites supports the statements that cite it. Pure but for the judge.

After Du et al. (arXiv 2506.11763, 2025), with two differences: a statement is judged once, with all that it cites,
where FACT judges statement-URL pairs; and nothing is fetched. A system that gives its quotes is judged by them: a
statement that cites no entry there is, or no quote that ``evals.locating`` found, is unsupported, and a quote of a
document that is not at hand (a web page) is taken as given. Of a report that is Markdown alone, the marks are followed
to the texts at hand, by URL, title or id; a statement none of whose sources is at hand is unknown. ``fact_accuracy`` is
the share of supported among the statements judged supported or unsupported, ``fact_effective`` the number of supported
ones.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from evals.markdown import Parsed, parse
from evals.records import Citation, Outcome, Score
from evals.replies import Ask, Unusable, asked, filled, template
from research.errors import EffectFailed, Refused
from research.prompts import block, mark_of
from research.records import Record, counted
from research.words import terms

BATCH = 8
"""Statements in one prompt."""
WINDOW = 1_500
WINDOWS = 4
"""Of a cited page, so many stretches of so many characters are shown."""


class Statement(NamedTuple):
    """A cited statement. ``evidence`` is empty when no text is at hand; ``broken``: it quotes what is not there."""

    text: str
    evidence: tuple[str, ...]
    broken: bool = False


def statements(outcome: Outcome, texts: Mapping[str, str]) -> list[Statement]:
    """Return the cited statements in reading order; ``texts`` are what is at hand, by URL, title or document id."""
    if outcome.sentences is not None:
        known = range(len(outcome.citations))
        cited = ((said, [outcome.citations[at] for at in said.citations if at in known]) for said in outcome.sentences)
        return [_quoted(said.text, citations) for said, citations in cited if said.citations]
    return list(_followed(parse(outcome.report), texts)) if outcome.report is not None else []


def _quoted(text: str, citations: Sequence[Citation]) -> Statement:
    held = tuple(citation.quote for citation in citations if citation.start >= 0 or not citation.document)
    return Statement(text, held, broken=not held)


def _followed(report: Parsed, texts: Mapping[str, str]) -> Iterator[Statement]:
    named = {entry.label: (entry.url, entry.title) for entry in reversed(report.references) if entry.label}
    for sentence in report.sentences:
        if sentence.marks:
            names = [name for mark in sentence.marks for name in (mark.url, *named.get(mark.label, ()))]
            found = dict.fromkeys(texts[name] for name in names if name in texts)
            yield Statement(sentence.text, tuple(nearest(text, sentence.text) for text in found))


def nearest(text: str, statement: str) -> str:
    """Return the stretches of ``text`` that share most words with the statement, in order, cut marks between them."""
    starts = range(0, len(text), WINDOW)
    if len(starts) <= WINDOWS:
        return text
    wanted = set(terms(statement))
    shared = {start: len(wanted & set(terms(text[start : start + WINDOW]))) for start in starts}
    kept = sorted(sorted(starts, key=lambda start: -shared[start])[:WINDOWS])
    return " […] ".join(text[start : start + WINDOW] for start in kept)


Verdict = Literal["supported", "unsupported", "unknown"]


class _Said(Record):
    id: str | int
    verdict: Verdict


class _Verdicts(Record):
    verdicts: tuple[_Said, ...]


async def fact(
    outcome: Outcome, ask: Ask, seed: int, texts: Mapping[str, str], most: int | None = None
) -> dict[str, Score]:
    """Return ``fact_accuracy`` and ``fact_effective``; nothing for an outcome without report and sentences.

    Of more than ``most`` statements, so many are drawn by ``seed``, and ``fact_effective`` counts among those.
    """
    if outcome.sentences is None and outcome.report is None:
        return {}
    found = statements(outcome, texts)
    drawn = found
    if most is not None and len(found) > most:
        drawn = [found[at] for at in sorted(random.Random(f"statements {seed}").sample(range(len(found)), most))]
    judged = [statement for statement in drawn if statement.evidence]
    batches = [judged[at : at + BATCH] for at in range(0, len(judged), BATCH)]
    answers = await asyncio.gather(*(_batch(batch, ask, seed) for batch in batches))
    count = Counter(str(verdict) for verdicts, _ in answers for verdict in verdicts)
    count["unsupported"] += sum(statement.broken for statement in drawn)
    said = f"{len(drawn)} of {counted(len(found), 'cited statement')}"
    return _scores(count, said, next((why for _, why in answers if why), ""), bool(drawn))


def _scores(count: Mapping[str, int], said: str, fault: str, any_cited: bool) -> dict[str, Score]:
    settled = count["supported"] + count["unsupported"]
    if fault and not settled:
        unscored = Score(value=None, why=f"the judge gave no usable verdicts: {fault}", said=said)
        return {"fact_accuracy": unscored, "fact_effective": unscored}
    why = "" if settled else "no cited source is at hand" if any_cited else "no statement cites anything"
    share = count["supported"] / settled if settled else None
    effective = float(count["supported"]) if settled or not any_cited else None
    partly = f"{said}, some without a usable verdict" if fault else said
    return {
        "fact_accuracy": Score(value=share, why=why, said=partly),
        "fact_effective": Score(value=effective, why=why if effective is None else "", said=partly),
    }


async def _batch(batch: Sequence[Statement], ask: Ask, seed: int) -> tuple[list[Verdict], str]:
    """Return a verdict a statement, or none and the reason why not."""
    mark = mark_of(str(seed), *(text for statement in batch for text in (statement.text, *statement.evidence)))
    shown = [
        block("statement", mark, statement.text, id=id)
        + "".join(f"\n{block('evidence', mark, text, of=id)}" for text in statement.evidence)
        for id, statement in enumerate(batch, 1)
    ]
    prompt = template("fact").substitute(mark=mark, statements="\n\n".join(shown))
    try:
        return await asked(ask, prompt, lambda reply: _verdicts(reply, mark, len(batch))), ""
    except (Unusable, EffectFailed, Refused) as error:
        return [], str(error)


def _verdicts(reply: str, mark: str, wanted: int) -> list[Verdict]:
    given = filled(reply, mark, _Verdicts).verdicts
    verdicts = {str(said.id): said.verdict for said in given}
    if len(given) != wanted or verdicts.keys() != {str(id) for id in range(1, wanted + 1)}:
        raise Unusable("it does not judge every statement exactly once")
    return list(verdicts.values())
