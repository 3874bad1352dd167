"""What the sentences of proposals say beside their headers: evidence for a fact, or a hint at an answer.

Two directions of caution. A sentence counts as evidence only if it names the other proposal, uses the relation's words
and denies nothing. A question counts as unanswerable only if no proposal anywhere uses the relation's words near the
number, which drops many good candidates and lets hardly a bad one through.
"""

from __future__ import annotations

import re

from evals.records import GoldSpan
from evals.worlds.proposals import Collection, Proposal

NEAR = 240
"""Characters on either side of a relation's word in which a number counts as mentioned with it."""
SENTENCE = 600
"""The longest sentence, in characters, that is evidence; more is a list or a table."""

_DENIES = re.compile(
    r"\b(not|never|no longer|without|would|could|might|may|if|unless|rather than|instead of)\b|n't\b", re.IGNORECASE
)
_BORDER = re.compile(r"[.!?][\"')`*_]*\s+(?=[A-Z`:*\[])|\n[ \t]*\n|\n(?=#|[-*] |={3}|-{3})")
SAYS = {
    "Superseded-By": re.compile(r"\b(?:(?:superseded|replaced|obsoleted) by|in favou?r of)\b[^.;]{0,40}\Z", re.I),
    "Replaces": re.compile(r"\b(?:supersedes|replaces|obsoletes|a replacement for)\b[^.;]{0,40}\Z", re.I),
    "Requires": re.compile(
        r"\bthis (?:PEP|EIP|proposal|document) (?:also )?(?:requires|depends (?:up)?on|relies on|builds (?:up)?on)\b"
        r"[^.;]{0,40}\Z",
        re.IGNORECASE,
    ),
}
"""How a sentence leads to the number of the other proposal when it says the relation of its own."""
ALLUDES = {
    "Superseded-By": re.compile(r"\b(?:superseded|replaced|obsoleted)\b.*?\bby\b|\bin favou?r of\b", re.I | re.S),
    "Replaces": re.compile(r"\b(?:supersedes?|replaces|obsoletes|replacement for|superseding|replacing)\b", re.I),
}
"""Words in a sentence with the other number that may say the relation: reason to doubt a header that does not."""
HINTS = {
    "Delegate": re.compile(r"delegate|bdfl|dictator|steering council", re.I),
    "Sponsor": re.compile(r"sponsor|shepherd|champion", re.I),
    "Superseded-By": re.compile(r"supersed|supplant|replac|obsolet|deprecat|success|in favou?r|subsum", re.I),
    "Replaces": re.compile(
        r"supersed|supplant|replac|obsolet|deprecat|success|in favou?r|subsum|earlier|previous", re.I
    ),
    "Requires": re.compile(r"requir|depend|relies|rely|build|prerequisite|assum|based on|extend|introduc", re.I),
    "Author": re.compile(r"author|writ|wrote|propos|champion|\bby\b|'s\b", re.I),
    "Created": re.compile(r"creat|writ|wrote|propos|date|\b(?:19|20)\d\d\b", re.I),
}
"""Words that a text would hardly do without if it told a relation; wider than what counts as saying it."""

OWN = {
    "Delegate": ("delegate", "bdfl", "dictator", "steering council"),
    "Sponsor": ("sponsor", "shepherd", "champion"),
    "Author": ("author", "written by", "wrote"),
}
"""The same for a person behind a proposal, in its own text."""


def linking(collection: Collection, teller: int, other: int, relation: str, name: str) -> tuple[GoldSpan, ...]:
    """Return the sentences of ``teller`` that say it stands in ``relation`` to ``other``, as evidence for ``name``."""
    proposal = collection.proposals[teller]
    text = proposal.document.text
    found = []
    for number, place in collection.mentions[teller]:
        if number != other:
            continue
        start, end = sentence(text, place, proposal.body())
        if SAYS[relation].search(text[start:place]) and not _DENIES.search(text[start:end]) and end - start <= SENTENCE:
            found.append(GoldSpan(document=proposal.document.id, start=start, end=end, fact=name))
    return tuple(dict.fromkeys(found))


def alluded(collection: Collection, teller: int, relation: str) -> set[int]:
    """Return the proposals of which a sentence of ``teller`` may say that it stands in ``relation`` to them."""
    proposal = collection.proposals[teller]
    found = set()
    for number, place in collection.mentions[teller]:
        start, end = sentence(proposal.document.text, place, proposal.body())
        if number != teller and ALLUDES[relation].search(proposal.document.text, start, end):
            found.add(number)
    return found


def status(proposal: Proposal, name: str) -> tuple[GoldSpan, ...]:
    """Return the sentences that begin with a proposal's own status (``This PEP has been rejected.``)."""
    word = "|".join(re.escape(value) for value in proposal.values("Status"))
    says = rf"(?:\.\. \w+:: )?This (?:PEP|EIP|proposal|document) (?:is|was|has been|is now|is hereby) (?:{word})\b"
    text = proposal.document.text
    found = []
    for match in re.finditer(says, text[proposal.body() :], re.IGNORECASE):
        start, end = sentence(text, proposal.body() + match.start(), proposal.body())
        if start == proposal.body() + match.start() and end - start <= SENTENCE and not _DENIES.search(text[start:end]):
            found.append(GoldSpan(document=proposal.document.id, start=start, end=end, fact=name))
    return tuple(dict.fromkeys(found))


def sentence(text: str, place: int, floor: int) -> tuple[int, int]:
    """Return the borders of the sentence around ``place``, not reaching above ``floor``, without space at its ends."""
    left, right = max(floor, place - 2 * SENTENCE), min(len(text), place + 2 * SENTENCE)
    start, end = left, right
    for border in _BORDER.finditer(text, left, right):
        if border.end() <= place:
            start = border.end()
        elif border.start() >= place:
            end = border.start() + len(border.group().rstrip())
            break
    said = text[start:end]
    return start + len(said) - len(said.lstrip()), end - len(said) + len(said.rstrip())


def hinted(collection: Collection, relation: str) -> frozenset[int]:
    """Return the numbers of which any text might tell ``relation``: mentioned near its words, or in their own text.

    A proposal's own text hints at a relation to another proposal when it mentions one near the words, and at a
    delegate or sponsor when it uses the words at all.
    """
    found = set()
    for proposal in collection.proposals.values():
        text, body = proposal.document.text, proposal.body()
        near = {
            number
            for number, place in collection.mentions[proposal.number]
            if HINTS[relation].search(text, max(body, place - NEAR), place + NEAR)
        }
        own = relation in OWN and any(word in text[body:].lower() for word in OWN[relation])
        found |= near | ({proposal.number} if own or near - {proposal.number} else set())
    return frozenset(found)


def mentioned(collection: Collection) -> frozenset[int]:
    """Return every number that any text mentions."""
    return frozenset(number for places in collection.mentions.values() for number, _ in places)
