"""Who is who among authors: one person under several names, several persons under names that look alike.

A person is told by address (e-mail or handle) or by the whole name without diacritics. Whoever could be taken for
another is marked, so that no question rests on telling them apart.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evals.worlds import wordings
from research.records import Record

COLLECTIVE = re.compile(r"\b(team|community|group|council|committee|labs?|et al|contributors|authors|todo|tbd)\b", re.I)
LIKENESS = 0.85
"""Names of one first letter with a ``difflib`` ratio from here on may be one person's; tried on both collections."""


class Byline(Record):
    """One name in a header, and the address beside it ("" for none)."""

    name: str
    address: str = ""


@dataclass(frozen=True)
class People:
    """Everybody who is named anywhere: ``key`` by byline, all ``names`` by key, and the ``alike``."""

    names: Mapping[str, tuple[str, ...]]
    alike: frozenset[str]
    _keys: Mapping[str, str]

    def key(self, byline: Byline) -> str:
        """Return the key of the person behind a byline."""
        return self._keys[_by_name(byline.name)]

    def wordings(self, key: str) -> tuple[str, ...]:
        """Return the accepted wordings of all names of a person."""
        return wordings.unique(*(form for name in self.names[key] for form in wordings.person(name)))

    def certain(self, key: str) -> bool:
        """Whether a question may rest on who this is: one whole name, and nobody else's resembles it."""
        return key not in self.alike and len(self.names[key]) == 1 and len(self.names[key][0].split()) > 1


def bylines(value: str) -> tuple[Byline, ...] | None:
    """Return the names of ``A <a@b>, C (@handle), D``; ``None`` when an item is not the name of one person.

    A comma behind the last name is common and means nothing.
    """
    joined = re.sub(r",\s*((?:Jr|Sr)\.?)(?=\s|,|$)", r" \1", " ".join(value.split())).removesuffix(",")
    found = []
    for item in re.split(r",(?![^<(]*[>)])", joined):
        match = re.fullmatch(r"([^<>()@,:]*[^\W\d_][^<>()@,:]*?)((?:\s*(?:<[^<>]+>|\(@[\w.-]+\)))*)", item.strip())
        if match is None or COLLECTIVE.search(match[1]):
            return None
        addresses = re.findall(r"[<(]([^<>()]+)[>)]", match[2])
        name = re.sub(r" ((?:Jr|Sr)\.?)$", r", \1", match[1].strip())
        found.append(Byline(name=name, address=addresses[0].lower().replace(" at ", "@") if addresses else ""))
    return tuple(found) if len({byline.name for byline in found}) == len(found) else None


def recognise(seen: Iterable[Byline]) -> People:
    """Return who is behind the bylines: those that share a name or an address are one person."""
    parents: dict[str, str] = {}
    for byline in seen:
        name = _by_name(byline.name)
        parents.setdefault(name, name)
        if byline.address:
            parents.setdefault(byline.address, byline.address)
            one, other = sorted((_root(parents, name), _root(parents, byline.address)))
            parents[other] = one
    return _people(seen, {thing: _root(parents, thing) for thing in parents})


def _people(seen: Iterable[Byline], roots: Mapping[str, str]) -> People:
    """Gather the names of each person; the commonest comes first."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for byline in seen:
        counts[roots[_by_name(byline.name)]][byline.name] += 1
    names = {root: tuple(sorted(by, key=lambda name: (-by[name], name))) for root, by in sorted(counts.items())}
    return People(names=names, alike=_alike(names), _keys=roots)


def _alike(names: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the persons of whom another has a similar name, or one that is contained in theirs."""
    letters: dict[str, list[tuple[str, str]]] = defaultdict(list)
    words: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    for key, all_names in names.items():
        for name in all_names:
            plain = wordings.folded(name).lower()
            letters[plain[:1]].append((key, plain))
            tokens = frozenset(re.findall(r"\w+", plain))
            for token in tokens:
                words[token].append((key, tokens))
    alike: set[str] = set()
    for same in letters.values():
        alike |= _pairs((a[0], b[0]) for a in same for b in same if a[0] < b[0] and _similar(a[1], b[1]))
    for holders in words.values():
        alike |= _pairs((a[0], b[0]) for a in holders for b in holders if a[0] != b[0] and a[1] <= b[1])
    return frozenset(alike)


def _pairs(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """Return everybody who is in a pair."""
    return {key for pair in pairs for key in pair}


def _similar(one: str, other: str) -> bool:
    """Whether two names of one first letter may be one person's: one last word, or nearly the same letters."""
    if one.split()[-1] == other.split()[-1]:
        return True
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.quick_ratio() >= LIKENESS and matcher.ratio() >= LIKENESS


def _by_name(name: str) -> str:
    """Return the key of a name: letters and digits alone, without diacritics and case."""
    return "name " + " ".join(re.findall(r"\w+", wordings.folded(name).lower()))


def _root(parents: dict[str, str], thing: str) -> str:
    """Return the representative of a union-find set."""
    while parents[thing] != thing:
        parents[thing] = parents[parents[thing]]
        thing = parents[thing]
    return thing
