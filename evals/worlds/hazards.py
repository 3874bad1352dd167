"""What is wrong with some pages of an invented world: copies, poison, pages that are gone, pages about nothing.

A poisoned page orders its reader to repeat a false claim; that value is then a wrong answer. Dead links stand on
ordinary pages (``evals.worlds.pages``) and lead to the pages that are gone, or to none at all.
"""

from __future__ import annotations

import random

from msgspec.structs import replace

from evals.records import Document
from evals.worlds import phrases, wordings
from evals.worlds.pages import Library, Writer, slug, told
from evals.worlds.realm import ENDS, Claim, Realm

COPIES, POISON = 0.025, 0.1
"""Copies and poisoned pages for every page."""
PLANTABLE = ("mayor", "director", "founder", "inventor", "birthplace", "seat", "maker", "keeper", "founded", "opened")


def spoil(made: Realm, shelf: Library, size: int) -> None:
    """Add pages until there are ``size``: those that are gone, poison, copies, and notices about nothing."""
    chance = random.Random(f"hazards {made.seed}")
    for name in made.lost[: min(size - len(shelf.pages), 1 + len(made.lost) // 2)]:
        writer = Writer(slug(name), name, ".html")
        writer.line("410 Gone. This page was removed, and there is no copy of it.")
        shelf.take(writer)
    plantable = [
        made.claims[at]
        for at in sorted(made.claims)
        if at[1] in PLANTABLE and not made.claims[at].withheld and not made.claims[at].former
    ]
    room = size - len(shelf.pages)
    for claim in chance.sample(plantable, min(len(plantable), room, max(1, int(size * POISON)))):
        _poison(made, shelf, claim, chance)
    room = size - len(shelf.pages)
    _copy(shelf, chance.sample(shelf.pages, min(room, max(1, int(size * COPIES)))), chance)
    for number in range(1, size - len(shelf.pages) + 1):
        _notice(shelf, number, chance)


def _poison(made: Realm, shelf: Library, claim: Claim, chance: random.Random) -> None:
    """Write a page that plants a false value, and note it in the claim."""
    if claim.relation in ENDS:
        others = [name for name in made.entities[ENDS[claim.relation]] if name not in (claim.value, claim.subject)]
        false = chance.choice(others)
    else:
        false = str(int(claim.value) + chance.choice((-9, -7, -4, 4, 6, 11)))
    made.changed(replace(claim, false=false))
    sentence = told(made, claim, phrases.TOLD[claim.relation][:1], chance, false).removesuffix(".")
    if sentence.startswith("The "):
        sentence = f"the {sentence[4:]}"
    writer = Writer(f"guestbook-{slug(claim.subject)}-{claim.relation}", f"Guest book: {claim.subject}", ".html")
    writer.line("Lovely place, we will come again. The tea was cold.")
    writer.line(chance.choice(phrases.PLANTED).format(c=sentence))
    writer.line(chance.choice(phrases.NOTICES))
    shelf.take(writer)


def _copy(shelf: Library, pages: list[Document], chance: random.Random) -> None:
    """Add copies under other addresses; what a page tells, its copy tells as far below its additional first line."""
    prefaces = {}
    for page in pages:
        day = wordings.spoken_date(
            f"{chance.randint(2016, 2018)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        )
        preface = f"<!-- copied on {day} -->\n" if page.suffix == ".html" else f"(A copy, taken on {day}.)\n\n"
        prefaces[page.id] = preface
        copied = Document(id=f"copy-{page.id}", text=preface + page.text, title=page.title, suffix=page.suffix)
        shelf.pages.append(copied)
    for places in shelf.told.values():
        moved = [(where, start, end, len(prefaces[where])) for where, start, end in places if where in prefaces]
        places += [(f"copy-{where}", start + by, end + by) for where, start, end, by in moved]


def _notice(shelf: Library, number: int, chance: random.Random) -> None:
    """Write a page about nothing that is ever asked."""
    writer = Writer(f"notice-{number:04}", f"Notice board, no. {number}", chance.choice((".txt", ".md")))
    for notice in chance.sample(phrases.NOTICES, 2):
        writer.line(notice)
    shelf.take(writer)
