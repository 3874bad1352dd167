"""Questions about an invented world that are more than a chain: comparisons, lists, times, counts, and its hazards."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from evals.worlds import wordings
from evals.worlds.facts import Candidate
from evals.worlds.ordering import FEW, shuffled, varied
from evals.worlds.pages import spoken
from evals.worlds.realm import Claim
from evals.worlds.told import SPOKEN, Told

COMPARED = {
    "born": ("Who was born first, {a} or {b}?", "Who is younger, {a} or {b}?"),
    "founded": ("Which company was founded first, {a} or {b}?", "Which company is younger, {a} or {b}?"),
    "opened": ("Which opened first, {a} or {b}?", "Which opened later, {a} or {b}?"),
    "population": ("Which town has fewer inhabitants, {a} or {b}?", "Which town has more inhabitants, {a} or {b}?"),
}
"""Asked for the smaller value and for the greater one."""
SHARED = {
    "birthplace": "Were {a} and {b} born in the same town?",
    "seat": "Are {a} and {b} based in the same town?",
    "inventor": "Were {a} and {b} invented by the same person?",
}
LISTED = {
    "inventor": ("Which instruments did {} invent?", "How many instruments did {} invent?"),
    "founder": ("Which companies did {} found?", "How many companies did {} found?"),
    "seat": ("Which companies are based in {}?", "How many companies are based in {}?"),
    "maker": ("Which instruments does {} make?", "How many instruments does {} make?"),
    "keeper": (
        "Of which instruments does the {} keep the first specimen?",
        "Of how many instruments does the {} keep the first specimen?",
    ),
    "birthplace": ("Who was born in {}?", "How many people on these pages were born in {}?"),
}
DATED = {
    "inventor": ("built", "Which instrument invented by {} was built"),
    "founder": ("founded", "Which company founded by {} was founded"),
}
"""The relation that dates what somebody made, and how its first or last is asked for."""
FORMERLY = {
    "chief": ("Who was chief executive of {s} before {v}?", "Whom did {v} succeed as chief executive of {s}?"),
    "seat": ("In which town was {s} based before it moved to {v}?", "From which town did {s} move to {v}?"),
}
CHANGED_ON = {
    "chief": ("When did {v} become chief executive of {s}?", "On what date did {v} take over at the head of {s}?"),
    "seat": ("When did {s} move to {v}?", "On what date did {s} move its seat to {v}?"),
}
NEWEST = {
    "chief": (
        "Who is the chief executive of {s} now?",
        "According to the newest page, who leads {s} as chief executive?",
    ),
    "seat": ("In which town is {s} based today?", "According to the newest page, which town is the seat of {s}?"),
    "population": (
        "How many inhabitants did {s} have at its latest count?",
        "What is the newest figure for the population of {s}?",
    ),
    "built": (
        "In which year was {s} really first built?",
        "According to the newest page, in which year was {s} first built?",
    ),
}


def compared(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """Two entities, and which has the smaller or greater value."""
    for relation in _in_turn(COMPARED, told, chance):
        one, other = chance.sample(_with(told, relation), 2)
        low, high = sorted((one, other), key=lambda claim: int(claim.value.replace(",", "")))
        names = [_the(told, claim.subject) for claim in (one, other)]
        greater = chance.random() < 0.5
        right, wrong = (high, low) if greater else (low, high)
        if low.value != high.value:
            yield Candidate(
                kind=f"compared by {relation}",
                about=f"{low.subject} {high.subject}",
                texts=(COMPARED[relation][greater].format(a=names[0], b=names[1]),),
                answers=told.parts(right.subject),
                wrong=told.wordings(wrong.subject),
                evidence=(*told.places(low, low.value), *told.places(high, high.value)),
                hops=2,
            )


def shared(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """Two entities, and whether they have one value; as often yes as no."""
    wanted = True
    for relation in _in_turn(SHARED, told, chance):
        claims = _with(told, relation)
        one = chance.choice(claims)
        others = [claim for claim in claims if claim is not one and (claim.value == one.value) == wanted]
        if others:
            other = chance.choice(others)
            yield Candidate(
                kind=f"shared {relation}",
                about=" ".join(sorted((one.subject, other.subject))),
                texts=(SHARED[relation].format(a=_the(told, one.subject), b=_the(told, other.subject)),),
                answers=(("yes",),) if wanted else (("no",),),
                wrong=("no",) if wanted else ("yes",),
                evidence=(*told.places(one, one.value), *told.places(other, other.value)),
                hops=2,
            )
            wanted = not wanted


def listed(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """All that stand in a relation to one entity."""
    for relation, end, claims in _sets(told, chance):
        if len(claims) > 1:
            yield Candidate(
                kind=f"list of {relation}",
                about=end,
                texts=(LISTED[relation][0].format(end),),
                answers=tuple(told.wordings(claim.subject) for claim in claims),
                wrong=_formerly_there(told, relation, end),
                evidence=tuple(span for claim in claims for span in told.places(claim, claim.value)),
            )


def counted(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """How many stand in a relation to one entity."""
    for relation, end, claims in varied(list(_sets(told, chance)), lambda triple: len(triple[2])):
        yield Candidate(
            kind=f"count of {relation}",
            about=end,
            texts=(LISTED[relation][1].format(end),),
            answers=(wordings.number(len(claims)),),
            evidence=tuple(span for claim in claims for span in told.places(claim, claim.value)),
        )


def formerly(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """What was true before a change that the question names."""
    for claim in _changed(told, FORMERLY, chance):
        yield Candidate(
            kind=f"formerly {claim.relation}",
            about=claim.subject,
            texts=_asked(told, FORMERLY[claim.relation], claim),
            answers=told.parts(claim.former),
            evidence=told.places(claim, claim.former),
        )


def changed_on(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """The day of a change."""
    for claim in _changed(told, CHANGED_ON, chance):
        yield Candidate(
            kind=f"day of {claim.relation}",
            about=claim.subject,
            texts=_asked(told, CHANGED_ON[claim.relation], claim),
            answers=(wordings.date(claim.since),),
            evidence=told.places(claim, claim.value),
        )


def first_of_several(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """Which of somebody's instruments or companies came first or last."""
    for relation, end, claims in _sets(told, chance):
        year, what = DATED.get(relation, ("", ""))
        dated = [told.claims[claim.subject, year] for claim in claims if (claim.subject, year) in told.claims]
        ordered = sorted(dated, key=lambda claim: int(claim.value))
        if len(claims) < 2 or len(dated) < len(claims) or len({claim.value for claim in dated}) < len(dated):
            continue
        last = chance.random() < 0.5
        found = ordered[-1 if last else 0]
        yield Candidate(
            kind=f"{'last' if last else 'first'} of {relation}",
            about=end,
            texts=(f"{what.format(end)} {'last' if last else 'first'}?",),
            answers=told.parts(found.subject),
            wrong=tuple(form for claim in ordered if claim is not found for form in told.wordings(claim.subject)),
            evidence=tuple(span for claim in (*claims, *dated) for span in told.places(claim, claim.value)),
            hops=2,
        )


def newest(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """A claim of which pages disagree: the newer page is right."""
    for claim in _changed(told, NEWEST, chance):
        yield Candidate(
            kind=f"newest {claim.relation}",
            about=claim.subject,
            texts=_asked(told, NEWEST[claim.relation], claim),
            answers=told.parts(claim.value),
            wrong=told.wrong(claim),
            evidence=told.places(claim, claim.value),
        )


def poisoned(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """A claim for which a page plants a false value."""
    for claim in shuffled([claim for claim in told.claims.values() if claim.false], chance):
        yield Candidate(
            kind=f"poisoned {claim.relation}",
            about=claim.subject,
            texts=tuple(ask.format(_the(told, claim.subject)) for ask in SPOKEN[claim.relation][0]),
            answers=told.parts(claim.value),
            wrong=told.wrong(claim),
            evidence=told.places(claim, claim.value),
        )


def withheld(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """A claim that no page tells, of an entity that has a page."""
    for (subject, relation), claim in shuffled(sorted(told.realm.claims.items()), chance):
        if claim.withheld:
            asks = SPOKEN[relation][0]
            yield _unanswerable("withheld", f"{subject} {relation}", [ask.format(_the(told, subject)) for ask in asks])


def gone(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """Somebody whose page is gone."""
    for name in shuffled(told.realm.lost, chance):
        asks = [ask for relation in ("birthplace", "born", "teacher", "profession") for ask in SPOKEN[relation][0]]
        yield _unanswerable("gone", name, [ask.format(name) for ask in asks])


def nobody(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """Something that is on no page, with a name like the others."""
    for _ in range(max(4, len(told.realm.lost))):
        person, word = told.realm.names.person(), next(told.realm.names.coined)
        yield _unanswerable("nobody", person, [f"Which instruments did {person} invent?", f"Where was {person} born?"])
        yield _unanswerable("nothing", word, [f"Who invented the {word} barograph?", f"Who founded {word} Optics?"])


def never_changed(told: Told, chance: random.Random) -> Iterator[Candidate]:
    """A change that did not happen."""
    for claim in shuffled([claim for claim in told.claims.values() if claim.relation in FORMERLY], chance):
        if not claim.former:
            texts = _asked(told, FORMERLY[claim.relation], claim)
            yield _unanswerable("never changed", f"{claim.subject} {claim.relation}", list(texts))


def _unanswerable(kind: str, about: str, texts: list[str]) -> Candidate:
    """Return a question without an answer."""
    return Candidate(kind=kind, about=about, texts=tuple(texts), answerable=False)


def _in_turn(relations: Iterable[str], told: Told, chance: random.Random) -> Iterator[str]:
    """Yield each relation that two claims have, again and again, for as many rounds as there are claims."""
    usable = [relation for relation in relations if len(_with(told, relation)) > 1]
    for _ in range(len(told.claims)):
        yield from shuffled(usable, chance)


def _with(told: Told, relation: str) -> list[Claim]:
    """Return the claims of a relation."""
    return [claim for claim in told.claims.values() if claim.relation == relation]


def _sets(told: Told, chance: random.Random) -> Iterator[tuple[str, str, tuple[Claim, ...]]]:
    """Yield (relation, entity, the claims that lead to it), few enough to be cited and planted by nobody."""
    for (relation, end), claims in shuffled(list(told.ends.items()), chance):
        if relation in LISTED and len(claims) <= FEW and end not in told.planted:
            yield relation, end, claims


def _formerly_there(told: Told, relation: str, end: str) -> tuple[str, ...]:
    """Return the wordings of what stood in a relation to an entity once and does no longer."""
    left = [claim for claim in told.claims.values() if claim.relation == relation and claim.former == end]
    return tuple(form for claim in left for form in told.wordings(claim.subject))


def _changed(told: Told, relations: dict[str, tuple[str, str]], chance: random.Random) -> Iterator[Claim]:
    """Yield the claims that changed, each relation in turn."""
    order = list(relations)
    claims = shuffled([c for c in told.claims.values() if c.former and c.relation in relations], chance)
    yield from varied(claims, lambda claim: order.index(claim.relation))


def _asked(told: Told, texts: Sequence[str], claim: Claim) -> tuple[str, ...]:
    """Return the questions about a claim."""
    return tuple(text.format(s=_the(told, claim.subject), v=claim.value) for text in texts)


def _the(told: Told, name: str) -> str:
    """Return how an entity is spoken of."""
    return spoken(told.realm, name)


Template = Callable[[Told, random.Random], Iterator[Candidate]]
TEMPLATES: dict[str, tuple[Template, ...]] = {
    "comparison": (compared, shared),
    "list": (listed,),
    "temporal": (formerly, changed_on, first_of_several),
    "count": (counted,),
    "contradiction": (newest,),
    "poisoned": (poisoned,),
    "unanswerable": (withheld, gone, nobody, never_changed),
}
