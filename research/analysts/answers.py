"""Short answers read out of findings: a name, a date, a number, a document, with the finding each stands in. Pure.

Lines of a head (``Author: Ann Lee``) are read by their keys; of prose, what has the look of such an answer, is not in
the question, and stands close to the question's words. Which sentences are worth reading is decided in
``research.analysts.picking``; what to ask next with an answer is decided where questions are followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from research.analysts.asking import Kind, kind_of
from research.analysts.entries import Line, line_of, values_of
from research.analysts.lookup import SURE
from research.analysts.relations import LINKS, Ask, ask_of
from research.analysts.wording import bare, tidy
from research.families import kin
from research.records import Finding, Record
from research.words import DATE, NUMBER, NUMBERED, entities, terms

_NEAR = 60
"""Characters between an answer and the question's words over which its confidence falls to a half."""
_SHARE = 0.85
"""The confidence of the next candidate of one kind in the same sentence, as a share of the one before."""
_PERSON = re.compile(
    r"[A-ZÀ-Þ][\w'’-]+(?: (?:[A-Z]\.|van|de|von|der|di|da|al|bin|Mc|[A-ZÀ-Þ])[\w'’-]*)* [A-ZÀ-Þ][\w'’-]+"
)
_OPENER = re.compile(r"(?:The|A|An|In|On|At|It|Its|He|She|His|Her|This|That|As|After|Before|When|While|By|For)\b ")


class Answer(Record):
    """A short string that answers, as it stands in its quote; ``finding`` is an id, ``confidence`` from 0 to 1.

    Confidences are comparable between the findings of one branch. A document is named as people do (``PEP 443``),
    where the quote has only its number.
    """

    text: str
    kind: Kind
    finding: str
    confidence: float


def answers_in(objective: str, findings: Sequence[Finding], *, most: int = 5) -> tuple[Answer, ...]:
    """Return at most ``most`` short answers to the objective, best first, each text once."""
    ask, kind = ask_of(objective), kind_of(objective)
    best: dict[str, Answer] = {}
    for finding in sorted(findings, key=lambda finding: -finding.relevance):
        for text, sure in _read(objective, ask, kind, finding):
            answer = Answer(text=text, kind=kind, finding=finding.id, confidence=round(min(1.0, sure), 3))
            known = best.get(bare(text))
            if known is None or known.confidence < answer.confidence:
                best[bare(text)] = answer
    return tuple(sorted(best.values(), key=lambda answer: -answer.confidence)[:most])


def _read(objective: str, ask: Ask | None, kind: Kind, finding: Finding) -> Iterator[tuple[str, float]]:
    lines = list(line_of(finding.quote, finding.start))
    if ask is not None and lines and finding.relevance >= SURE:
        for text in _of_lines(ask, lines):
            yield text, finding.relevance
        return
    yield from _of_prose(objective, kind, finding)


def _of_lines(ask: Ask, lines: Sequence[Line]) -> list[str]:
    """Return the values asked for, or the document itself where it was found by one of its values."""
    own = next((line for line in lines if line.key in ask.keys or f"*-{line.key.rpartition('-')[2]}" in ask.keys), None)
    if own is None or ask.operation in ("first", "last", "more", "fewer"):
        first = lines[0]
        title = next((line.value for line in lines if line.key == "title"), "")
        return [f"{first.key.upper()} {first.value}"] if first.value.isdecimal() else [title] if title else []
    if own.key not in LINKS:
        return values_of(own.value) if own.key.startswith(("author", "sponsor")) else [tidy(own.value)]
    numbers = [number.lstrip("0") or "0" for number in re.findall(r"\d{1,18}", own.value)]
    if ask.operation in ("lowest", "highest") and numbers:
        numbers = [(min if ask.operation == "lowest" else max)(numbers, key=int)]
    return [f"{ask.noun} {number}" if ask.noun else number for number in numbers]


def _of_prose(objective: str, kind: Kind, finding: Finding) -> Iterator[tuple[str, float]]:
    """Yield what a sentence offers as an answer: the nearer to the question's words, the surer."""
    text = finding.statement
    asked = set(terms(objective))
    places = [m.span() for m in re.finditer(r"[^\W_]+", text) if _asked(m.group(), asked)]
    found = [(start, name) for start, name in candidates(kind, text) if not set(terms(name)) <= asked]
    scored = []
    for start, name in found:
        end = start + len(name)
        away = min((max(low - end, start - high, 0) for low, high in places), default=_NEAR)
        scored.append((finding.relevance * (1 - 0.5 * min(1.0, away / _NEAR)), name))
    for rank, (sure, name) in enumerate(sorted(scored, key=lambda pair: -pair[0])):
        yield name, sure * _SHARE**rank


def _asked(word: str, asked: set[str]) -> bool:
    own = set(terms(word))
    return bool(own & asked) or any(kin(term) & asked for term in own)


def candidates(kind: Kind, text: str) -> Iterator[tuple[int, str]]:
    """Yield what ``text`` holds that has the look of an answer of this kind, each with its place."""
    if kind == "date":
        yield from ((match.start(), match.group()) for match in DATE.finditer(NUMBERED.sub(_blank, text)))
    elif kind == "number":
        dated = DATE.sub(_blank, NUMBERED.sub(_blank, text))
        yield from ((match.start(), match.group()) for match in NUMBER.finditer(dated))
    elif kind == "person":
        for match in _PERSON.finditer(text):
            opener = _OPENER.match(match.group())
            yield match.start() + (opener.end() if opener else 0), match.group()[opener.end() if opener else 0 :]
    else:
        yield from ((text.find(name), name) for name in entities(text))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())
