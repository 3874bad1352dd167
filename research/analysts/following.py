"""Questions that hang on one another: a chain of single questions with slots, and how far its findings carry it. Pure.

``Who wrote the PEP that superseded PEP 246?`` is the chain ``Which PEP superseded PEP 246?``, ``Who wrote ⟨0⟩?``. The
answers to a hop fill the slot of the next, at most :data:`BEAM` at a time. Nothing is remembered between the steps: how
far a chain has come is computed from what was found, each finding knowing what it was read for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from research.analysts.answers import Answer, answers_in
from research.analysts.asking import opening
from research.analysts.describing import SLOT, innermost, masked, unmasked
from research.analysts.entries import line_of, titled, values_of
from research.analysts.lookup import SURE
from research.analysts.relations import Ask, ask_of
from research.records import Finding, Record
from research.words import terms

_NAME = re.compile(r"[A-ZÀ-Þ][\w'’-]+(?: (?:(?:of|the|de|van|von) )*[A-ZÀ-Þ][\w'’-]+)*")
_BORN = re.compile(r"(?:Which|What) (?:\w+ )?is the birthplace of (⟨\d+⟩)\?")
_BY = re.compile(r"Which is the (?:only )?(?:other )?([A-Z]{2,8}) by (⟨\d+⟩)\?")
BEAM = 3
"""Answers to a hop that the next one is asked with."""
WIDE = 12
"""Answers that are looked at to find those that go on."""
LONGEST = 6
"""Hops of a chain, at most."""
IDENTITY = "What is the title of "
TITLE = "title"
"""The question, and the noun of the hop, that finds out which document has a title."""
CLOSES = 0.55
"""The least relevance of a finding that ends a chain."""


class Hop(Record):
    """One question, in one or two wordings; ``⟨n⟩`` stands for the answer to the hop at place ``n``.

    ``others``: what the question or an earlier answer names is no answer.
    """

    asks: tuple[str, ...]
    noun: str = ""
    others: bool = False


class Path(Record):
    """Answers chosen for the first hops, the findings they stand in, and how sure that is, from 0 to 1."""

    answers: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    confidence: float = 1.0


class Progress(Record):
    """Where a chain stands: the questions to ask now (none: it has ended), the best path, and whether it closed."""

    asks: tuple[str, ...] = ()
    path: Path = Path()
    closed: bool = False


def chain_of(question: str) -> tuple[Hop, ...]:
    """Return the hops of a question, in the order in which they can be asked.

    A simple question, and the first or last of what a lookup finds, is its own only hop.
    """
    lookup = ask_of(question)
    if lookup is not None and lookup.operation in ("first", "last") and not _looked_for_by_title(question):
        return (Hop(asks=(question,)),)
    lead, asking = opening(question)
    text, kept = masked(asking)
    hops: list[Hop] = []
    while len(hops) < LONGEST:
        found = innermost(text)
        asks = tuple(unmasked(ask, kept) for ask in found.asks) if found else (unmasked(text, kept),)
        named = next((title for ask in asks if (title := _looked_for_by_title(ask))), "")
        mark = next((f"«{n}»" for n, words in enumerate(kept) if words == named), "")
        if mark:
            hops.append(Hop(asks=(f"{IDENTITY}{named}?",), noun=TITLE))
            text = text.replace(mark, f"⟨{len(hops) - 1}⟩")
            continue
        if found is None:
            break
        hops.append(Hop(asks=tuple(unmasked(ask, kept) for ask in found.asks), noun=found.noun))
        text = f"{text[: found.start]}⟨{len(hops) - 1}⟩{text[found.end :]}"
    if not hops:
        return (Hop(asks=(question,)),)
    last = " ".join(unmasked(text, kept).split())
    hops.append(Hop(asks=(f"{lead}, {last}" if lead else last,)))
    return tuple(_reworded(hop) for hop in hops)


def _reworded(hop: Hop) -> Hop:
    """Return the hop without its ``other``, which says what is no answer and nothing about where to look."""
    asks = tuple(_BY.sub(r"Which \1s did \2 write?", ask) for ask in hop.asks)
    asks = tuple(_BORN.sub(r"Where was \1 born?", ask) for ask in asks)
    plain = tuple(re.sub(r"(?i)\b(Which|What) (?:only )?other ", r"\1 ", ask) for ask in asks)
    others = any(re.search(r"(?i)\bother\b", ask) for ask in hop.asks)
    return Hop(asks=plain, noun=hop.noun, others=others)


def _looked_for_by_title(ask: str) -> str:
    """Return the title phrase of the document that others must name for an answer: they name it by its number."""
    lookup = ask_of(ask)
    titled_ = re.search(r"the [A-Za-z][\w-]* titled [“\"][^”\"]+[”\"]", ask)
    return titled_.group() if lookup is not None and lookup.back and titled_ else ""


def first_asks(question: str) -> tuple[str, ...]:
    """Return the questions that can be asked at once, none for a question of one hop."""
    hops = chain_of(question)
    if len(hops) == 1:
        return ()
    return tuple(ask for hop in hops for ask in hop.asks if not SLOT.search(ask))[:BEAM]


def rounds_of(question: str) -> int:
    """Return the search rounds that the question's hops need, 0 for a question of one hop."""
    hops = len(chain_of(question))
    return hops if hops > 1 else 0


def progress(question: str, findings: Sequence[Finding], asked: Sequence[str] | None = None) -> Progress:
    """Return how far the findings carry the question's chain.

    ``asked`` holds the questions that were asked already; ``None``: nothing more can be asked.
    """
    hops = chain_of(question)
    read = {*(asked or ()), *first_asks(question)}
    paths = [Path()]
    for place, hop in enumerate(hops):
        waiting = [ask for path in paths for ask in filled(hop, path) if ask not in read]
        if waiting and asked is not None:
            return Progress(asks=tuple(dict.fromkeys(waiting))[:BEAM], path=paths[0])
        last = place == len(hops) - 1
        further = [longer for path in paths for longer in _further(hop, path, findings, question, last=last)]
        if not further:
            return Progress(path=paths[0])
        paths = sorted(further, key=lambda path: -path.confidence)[:BEAM]
    return Progress(path=paths[0], closed=True)


def filled(hop: Hop, path: Path) -> tuple[str, ...]:
    """Return the hop's questions with the path's answers in their slots."""
    return tuple(SLOT.sub(lambda match: path.answers[int(match.group(1))], ask) for ask in hop.asks)


def _further(hop: Hop, path: Path, findings: Sequence[Finding], question: str, *, last: bool) -> list[Path]:
    """Return the path with each answer to the hop that is none of those before it."""
    named = (question, *path.answers)
    longer: list[Path] = []
    for ask in filled(hop, path):
        own = [finding for finding in findings if finding.ask == ask]
        titles = {finding.id: finding.title for finding in own}
        found = list(candidates(ask, own, hop.noun))
        if hop.noun != TITLE and (hop.others or not last):
            found = [answer for answer in found if not is_named(answer.text, titles[answer.finding], named)]
        if not found and not last:
            found = [name for name in _names(ask, own) if not is_named(name.text, titles[name.finding], named)][:BEAM]
        if last and not found:
            found = [_whole(finding) for finding in own if finding.relevance >= CLOSES][:1]
        longer.extend(_longer(path, answer) for answer in found)
    unique = {path.answers: path for path in sorted(longer, key=lambda path: path.confidence)}
    return sorted(unique.values(), key=lambda path: -path.confidence)[:BEAM]


def is_named(text: str, title: str, named: Sequence[str]) -> bool:
    """Return whether ``text``, or the title of the document that it is the label of, stands in what was named."""
    before = " ".join(named).casefold()
    entry = titled("", title)
    same = text == entry.label and len(entry.title) > 3 and entry.title.casefold() in before
    return same or re.search(rf"(?<!\w){re.escape(text.casefold())}(?!\w)", before) is not None


def _whole(finding: Finding) -> Answer:
    """Return the finding as an answer of which no short form is known."""
    return Answer(text="", kind="text", finding=finding.id, confidence=finding.relevance / 2)


def _longer(path: Path, answer: Answer) -> Path:
    return Path(
        answers=(*path.answers, answer.text),
        findings=(*path.findings, answer.finding),
        confidence=path.confidence * answer.confidence,
    )


def candidates(ask: str, findings: Sequence[Finding], noun: str = "") -> tuple[Answer, ...]:
    """Return what may fill the slot of the next hop, best first: values of lines, labels of documents, or names."""
    lookup = ask_of(ask)
    sure = [finding for finding in findings if finding.relevance >= SURE]
    if lookup is None or not sure:
        return answers_in(ask, findings, most=BEAM)
    found = [
        Answer(text=text, kind="text", finding=f.id, confidence=f.relevance)
        for f in sure
        for text in ([titled("", f.title).label] if noun == TITLE else _told(lookup, f))
    ]
    if lookup.operation in ("lowest", "highest"):
        found.sort(key=lambda answer: _number(answer.text), reverse=lookup.operation == "highest")
        found = found[:1]
    return tuple({answer.text: answer for answer in reversed(found)}.values())[::-1][:WIDE]


def _names(ask: str, findings: Sequence[Finding]) -> list[Answer]:
    """Return what the best findings name, and their sources' titles, where no answer could be read out of them."""
    found: dict[str, Answer] = {}
    known = set(terms(ask))
    for finding in sorted(findings, key=lambda finding: -finding.relevance)[:BEAM]:
        names = [match.group() for match in _NAME.finditer(finding.statement)]
        for place, name in enumerate([*names, finding.title]):
            sure = finding.relevance * 0.5 * 0.9**place
            if not set(terms(name)) <= known:
                found.setdefault(name, Answer(text=name, kind="text", finding=finding.id, confidence=sure))
    return sorted(found.values(), key=lambda answer: -answer.confidence)


def _told(lookup: Ask, finding: Finding) -> list[str]:
    """Return the values of a line under a key that was asked for, or else the label of the document it stands in."""
    entry = titled(finding.source, finding.title)
    lines = list(line_of(finding.quote, finding.start))
    values = [value for line in lines if line.key in lookup.keys for value in values_of(line.value)]
    if not values:
        return [entry.label] if any(line.key in lookup.back for line in lines) and entry.label else []
    return [f"{lookup.noun} {value}" if value.isdecimal() and lookup.noun else value for value in values]


def _number(text: str) -> int:
    found = re.search(r"\d{1,18}", text)  # int() refuses thousands of digits
    return int(found.group()) if found else 0
