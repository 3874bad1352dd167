"""Families of English words that speak of one relation: ``born``, ``birth`` and ``native``; ``founder`` and ``set up``.

A question and the sentence that answers it seldom use the same word for a relation, and a stemmer does not join
``wrote`` with ``author``. The families hold general relations between people, works, places and organisations, made by
hand; they hold no names. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from research.words import stem, terms

_FAMILIES = """
    born birth birthplace birthday native hometown
    die died death deceased dead
    found founded founder founding foundation establish established establishment founders
    invent invented inventor invention devise devised
    maker manufacture manufactured manufacturer producer produced produces
    build built building construct constructed construction erected
    write wrote written writer author authored penned authors
    direct directed director filmmaker
    compose composed composer
    sing sang sung singer vocalist performed performer perform
    act actor actress star starring starred cast portray portrayed played
    teach taught teacher tutor pupil student studied learned learnt mentor
    lead led leader head headed chief ceo boss
    succeed succeeded successor succeeding replaced replace supersede superseded predecessor
    seat based headquarters headquartered
    profession occupation job works worked
    population inhabitants residents people
    keep kept keeps keeper preserved
    open opened opens opening inaugurated
    marry married wife husband spouse wedding
    father mother parent parents son daughter child children
    brother sister sibling siblings
    release released releases issued publish published publication publisher
    win won winner winning victory champion champions awarded
    own owned owner owns belongs belonging property
    lies located situated lying belongs region province county
    river flows runs banks stream
    began begun started commenced
    ended ceased finished
    cost costs price priced
    member members membership belonged
    nationality citizen country nation
    create created creation creator develop developed developer
    buy bought acquired acquisition purchase purchased sold
    discover discovered discovery discoverer
    design designed designer architect
    educated education attended university school graduated alma
    move moved relocated left
    leave leaves left departed departure resigned quit
    language spoken speak
"""


@cache
def _table() -> Mapping[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for line in _FAMILIES.strip().splitlines():
        members = {stem(word) for word in line.split()}
        for member in members:
            table.setdefault(member, set()).update(members)
    return {member: frozenset(family) for member, family in table.items()}


def kin(term: str) -> frozenset[str]:
    """Return the terms (stems) of the same family as ``term``, itself included; none for a word of no family."""
    return _table().get(term, frozenset())


def akin(text: str) -> frozenset[str]:
    """Return the terms of ``text`` together with all of their families."""
    return frozenset(other for term in terms(text) for other in (term, *kin(term)))
