"""What a question is about, and what it asks of it: its named things, its relation, the head of its answer. Pure.

In ``Which institution keeps the first specimen of the Rosen lamp?`` the subject is ``Rosen lamp``, the relation
``keeps … first specimen``, and ``institution`` is what kind of thing the answer is, which a sentence need not say.
"""

from __future__ import annotations

import re

from research.analysts.asking import opening
from research.families import kin
from research.records import Record
from research.words import entities, stem, terms

_HEAD = re.compile(r"\b(?:which|what)\s+([a-z][\w-]+)", re.IGNORECASE)
_PLACES = "town|city|village|country|state|region|county|province|river|island|company|institution|birthplace|seat"
_PROPER = re.compile(
    rf"(?i)^\W*(?:\w+ )?who(?:m|se)?\b|\b(?:which|what|the) (?:{_PLACES}|person|school|club|team|band)\b"
)
_AUXILIARIES = """is are was were do does did has have had can could will would should may"""
_COPULA = frozenset(_AUXILIARIES.split())
_MAKES = re.compile(
    r"(?<!\bI )(?<!\byou )(?<!\bwe )(?<!\bto )\b(?:makes?|made by|making)\b(?! (?:sure|use|sense|it)\b)|^Who made\b"
)
MAKER = frozenset({stem("maker")})
"""The term that stands for the verb *make*, which is a stop word."""


class Aim(Record):
    """``subjects``: the terms of each named thing; ``relation``: what is asked of them; ``head``: the answer's kind.

    ``agent`` and ``patient`` are first words of names that the question has as the one who acts, or is acted upon.
    """

    subjects: tuple[frozenset[str], ...]
    relation: frozenset[str]
    head: frozenset[str]
    agent: frozenset[str] = frozenset()
    patient: frozenset[str] = frozenset()
    wants_name: bool = False


def aim_of(question: str, wanted: frozenset[str]) -> Aim:
    """Return what ``question`` is about; ``wanted`` are its content terms."""
    own = (frozenset(terms(name)) & wanted for name in _names(question))
    subjects = tuple(dict.fromkeys(terms_of for terms_of in own if terms_of))
    named = frozenset().union(*subjects)
    found = _HEAD.search(question)
    word = found.group(1) if found and found.group(1).lower() not in _COPULA else ""
    head = frozenset(terms(word)) & wanted - named
    relation = wanted - named - head
    agent = {m.group(1) for m in re.finditer(r"\b(?:did|does|by) (?:the )?([A-Z][\w'’-]*)", question)}
    patient = {m.group(1) for m in re.finditer(r"\b(?:was|is|were|of) (?:the )?([A-Z][\w'’-]*)", question)}
    patient |= {m.group(1) for m in re.finditer(r"^Who \w+ (?:the )?([A-Z][\w'’-]*)", question)}
    return Aim(
        subjects=subjects,
        relation=relation,
        head=head,
        agent=frozenset(agent),
        patient=frozenset(patient - agent),
        wants_name=bool(subjects) and _PROPER.search(opening(question)[1]) is not None,
    )


def makes(text: str) -> bool:
    """Return whether the text has a form of the verb *make*."""
    return _MAKES.search(text) is not None


def covers(term: str, held: frozenset[str]) -> bool:
    """Return whether ``held`` has the term or one of its family."""
    return term in held or not kin(term).isdisjoint(held)


def _names(question: str) -> list[str]:
    """Return what the question names; ``the Rosen lamp`` keeps its noun."""
    names = []
    for name in entities(question):
        after = re.search(rf"\bthe {re.escape(name)} ([a-z][a-z-]+)\b", question)
        noun = after.group(1) if after else ""
        plain = noun and terms(noun) and not kin(stem(noun)) and not noun.endswith(("ed", "ing", "ly"))
        names.append(f"{name} {noun}" if plain else name)
    return names


def share(aim: Aim, held: frozenset[str]) -> float:
    """Return how much of the best covered subject ``held`` has, from 0 to 1; 1 where the question names nothing."""
    return max((len(subject & held) / len(subject) for subject in aim.subjects), default=1.0)


def turned(aim: Aim, text: str) -> bool:
    """Return whether the sentence has the subject in the other role: ``taught by Ann`` for ``who taught Ann?``."""
    for name in aim.patient:
        if re.search(rf"\w(?:ed|ght|wn|de|en|t) (?:by|from) (?:the )?(?:\w+ )?{re.escape(name)}\b", text):
            return True
    return any(
        re.search(rf"\b{re.escape(name)}(?: [A-Z]\w+)* (?:was|were|is|are) \w+(?:ed|ght|en) by\b", text)
        for name in aim.agent
    )
