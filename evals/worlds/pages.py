"""The pages of an invented world, and where each claim is told: encyclopaedia, registry, interviews, news.

Every telling is recorded with its place as the page is written, so evidence is exact by construction. What is wrong
with some of the pages (copies, poison, pages that are gone) is in ``evals.worlds.hazards``.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from dataclasses import dataclass, field

from evals.records import Document
from evals.worlds import phrases, wordings
from evals.worlds.realm import Claim, Realm

ELSEWHERE = 0.6
"""How often a claim that another page tells is left out of the encyclopaedia."""
INTERVIEWS, ENTRIES, ITEMS = 0.06, 0.07, 0.12
"""Interviews, registry entries and news items for every page."""
FORMS = (".md", ".html", ".txt")


class Writer:
    """One page being written: its text so far, and what it tells, as (subject, relation, value), start and end."""

    def __init__(self, ident: str, title: str, suffix: str) -> None:
        self.ident, self.title, self.suffix = ident, title, suffix
        self.told: list[tuple[tuple[str, str, str], int, int]] = []
        head = f"<!doctype html>\n<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n"
        heads = {".md": f"# {title}\n", ".txt": f"{title}\n{'=' * len(title)}\n", ".html": head}
        self.text = heads[suffix]

    def paragraph(self, *sentences: tuple[str, tuple[tuple[str, str, str], ...]]) -> None:
        """Add a paragraph of sentences, each with what it tells."""
        self.text += "<p>" if self.suffix == ".html" else "\n"
        for place, (sentence, told) in enumerate(sentences):
            self.text += " " if place else ""
            self.told += [(key, len(self.text), len(self.text) + len(sentence)) for key in told]
            self.text += sentence
        self.text += "</p>\n" if self.suffix == ".html" else "\n"

    def line(self, sentence: str, *told: tuple[str, str, str]) -> None:
        """Add a line that stands for itself."""
        self.paragraph((sentence, told))

    def links(self, names: list[str]) -> None:
        """Add links to other pages; whether they exist is not asked."""
        form = {".md": "[{n}]({i}.html)", ".html": '<a href="{i}.html">{n}</a>', ".txt": "{n} <{i}.html>"}[self.suffix]
        linked = ", ".join(form.format(n=name, i=slug(name)) for name in names)
        self.line(f"See also: {linked}" if self.suffix != ".txt" else f"See also {linked}")

    def document(self) -> Document:
        """Return the finished page."""
        end = "</body>\n</html>\n" if self.suffix == ".html" else ""
        return Document(id=self.ident, text=self.text + end, title=self.title, suffix=self.suffix)


@dataclass
class Library:
    """The pages so far, and every place that tells a value: document, start, end by (subject, relation, value)."""

    pages: list[Document] = field(default_factory=list)
    told: dict[tuple[str, str, str], list[tuple[str, int, int]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, writer: Writer) -> None:
        """Put a page on the shelf."""
        for key, start, end in writer.told:
            self.told[key].append((writer.ident, start, end))
        self.pages.append(writer.document())


def slug(name: str) -> str:
    """Return the id of an entity's encyclopaedia page."""
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def spoken(made: Realm, name: str) -> str:
    """Return how an entity is spoken of in a sentence: instruments and institutions have an article."""
    return f"the {name}" if made.kind(name) in ("instrument", "institution") else name


def key(claim: Claim, value: str = "") -> tuple[str, str, str]:
    """Return what a telling of a claim (with another value) is recorded under."""
    return (claim.subject, claim.relation, value or claim.value)


def told(made: Realm, claim: Claim, templates: tuple[str, ...], chance: random.Random, value: str = "") -> str:
    """Return a claim as a sentence; ``value`` is told in place of its own."""
    value = value or claim.value
    article = "an" if value[0] in "aeiou" else "a"
    said = chance.choice(templates).format(
        s=spoken(made, claim.subject),
        v=value,
        o=claim.former,
        a=article,
        A=article.capitalize(),
        d=wordings.spoken_date(claim.since) if claim.since else "",
    )
    return said[0].upper() + said[1:]


def library(made: Realm, size: int) -> Library:
    """Return the pages that tell the claims: at most ``size``, and one for each entity at least."""
    shelf = Library()
    chance = random.Random(f"pages {made.seed}")
    elsewhere = _other_pages(made, shelf, size, chance)
    for kind in made.entities:
        for name in made.entities[kind]:
            _encyclopaedia(made, shelf, name, elsewhere, chance)
    return shelf


def _encyclopaedia(
    made: Realm, shelf: Library, name: str, elsewhere: set[tuple[str, str]], chance: random.Random
) -> None:
    """Write the page of an entity, as of some day before anything changed."""
    writer = Writer(slug(name), name, chance.choice(FORMS))
    sentences: list[tuple[str, tuple[tuple[str, str, str], ...]]] = []
    ends: list[str] = []
    for claim in made.of(name):
        moved = (name, claim.relation) in elsewhere and chance.random() < ELSEWHERE and not claim.former
        if not claim.withheld and not moved:
            value = claim.former or claim.value
            said = told(made, claim, phrases.TOLD[claim.relation], chance, value)
            named = any(name in sentence for sentence, _ in sentences)
            if named and name in said and chance.random() < 0.6:
                said = _short(made, name, said)
            sentences.append((said, (key(claim, value),)))
            ends += [value] if made.kind(value) else []
    fillers = chance.sample(phrases.FILLERS[made.kind(name)], 2)
    sentences.insert(chance.randint(0, len(sentences)), (fillers[0], ()))
    half = (len(sentences) + 1) // 2
    writer.paragraph(*sentences[:half])
    writer.paragraph(*sentences[half:], (fillers[1], ()))
    if chance.random() < 0.5:
        lost = [chance.choice(made.lost)] if chance.random() < 0.25 else []
        writer.links([*ends[:2], *lost] or [chance.choice(made.lost)])
    writer.line(f"Last revised on {wordings.spoken_date(_day(chance, 2015, 2018))}.")
    shelf.take(writer)


def _short(made: Realm, name: str, said: str) -> str:
    """Return a sentence with the entity spoken of by less than its whole name."""
    short = phrases.SHORT.get(made.kind(name)) or name.split()[-1]
    for long in (f"The {name}", name):
        if said.startswith(long):
            said = f"{short[0].upper()}{short[1:]}{said[len(long) :]}"
    return said.replace(f"the {name}", short).replace(name, short)


def _day(chance: random.Random, first: int, last: int) -> str:
    """Return a day between two years."""
    return f"{chance.randint(first, last)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"


def _other_pages(made: Realm, shelf: Library, size: int, chance: random.Random) -> set[tuple[str, str]]:
    """Write interviews, registry entries and news; return what they tell, so that the encyclopaedia need not."""
    chosen: set[tuple[str, str]] = set()
    for name in chance.sample(made.entities["person"], min(len(made.entities["person"]), int(size * INTERVIEWS))):
        chosen |= _interview(made, shelf, name, chance)
    things = [*made.entities["company"], *made.entities["instrument"]]
    for name in chance.sample(things, min(len(things), int(size * ENTRIES))):
        chosen |= _entry(made, shelf, name, chance)
    changes = [made.claims[at] for at in sorted(made.claims) if made.claims[at].former]
    offices = [made.claims[at] for at in sorted(made.claims) if at[1] in ("mayor", "director")]
    chance.shuffle(changes)
    told_of = changes[: int(size * ITEMS)]
    for claim in changes[len(told_of) :]:
        made.changed(Claim(subject=claim.subject, relation=claim.relation, value=claim.value))
    open_offices = [claim for claim in offices if not claim.withheld]
    more = chance.sample(open_offices, min(len(open_offices), int(size * ITEMS) - len(told_of)))
    for number, claim in enumerate([*told_of, *more], start=1):
        _item(made, shelf, claim, number, chance)
        chosen.add((claim.subject, claim.relation))
    return chosen


def _interview(made: Realm, shelf: Library, name: str, chance: random.Random) -> set[tuple[str, str]]:
    """Write an interview with a person; return what it tells."""
    writer = Writer(f"interview-{slug(name)}", f"A talk with {name}", chance.choice((".txt", ".html")))
    writer.line(f"{name} spoke with us on {wordings.spoken_date(_day(chance, 2012, 2018))}.")
    surname = name.split()[-1]
    chosen = set()
    for claim in chance.sample(list(made.of(name)), len(list(made.of(name)))):
        if not claim.withheld and not (claim.relation == "profession" and chance.random() < 0.5):
            asked, answered = chance.choice(phrases.ASKED[claim.relation])
            writer.line(f"Q: {asked}")
            said = told(made, claim, (answered,), chance)
            writer.paragraph((f"{surname}:", ()), (said, (key(claim),)))
            chosen.add((name, claim.relation))
    writer.line("Q: Will you go on working?")
    writer.paragraph((f"{surname}: Until the light goes.", ()))
    shelf.take(writer)
    return chosen


def _entry(made: Realm, shelf: Library, name: str, chance: random.Random) -> set[tuple[str, str]]:
    """Write a registry entry, as of some day before anything changed; return what it tells."""
    writer = Writer(f"registry-{slug(name)}", f"Registry of measures and makers: {name}", ".txt")
    writer.line(f"Entry: {name}")
    chosen = set()
    for claim in made.of(name):
        if not claim.withheld and chance.random() < 0.8:
            value = claim.former or claim.value
            writer.line(f"{phrases.LABELS[claim.relation]}: {value}", key(claim, value))
            chosen.add((name, claim.relation))
    writer.line(f"As of {wordings.spoken_date(_day(chance, 2013, 2018))}. Entries are made on request.")
    shelf.take(writer)
    return chosen


def _item(made: Realm, shelf: Library, claim: Claim, number: int, chance: random.Random) -> None:
    """Write a news item about a change, or about who holds an office."""
    title = phrases.HEADLINES[claim.relation].format(s=spoken(made, claim.subject))
    writer = Writer(f"news-{number:04}", title[0].upper() + title[1:], chance.choice((".html", ".txt")))
    day = claim.since or _day(chance, 2016, 2018)
    writer.line(f"Published {wordings.spoken_date(day)}")
    if claim.former:
        said = told(made, claim, phrases.CHANGED[claim.relation], chance)
        places = (key(claim), key(claim, claim.former)) if claim.relation in ("chief", "seat") else (key(claim),)
    else:
        said, places = told(made, claim, phrases.TOLD[claim.relation], chance), (key(claim),)
    before, after = chance.sample(phrases.NOTICES, 2)
    writer.paragraph((said, places), (before, ()))
    writer.paragraph((after, ()))
    shelf.take(writer)
