"""From candidates to cases: as many of each group, each template in turn, no question twice, all by one seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence

from evals.records import Case, Gold
from evals.worlds.facts import Candidate
from research.records import Question

Groups = Mapping[str, Sequence[Iterator[Candidate]]]
"""The templates of each group, each a stream of candidates in an order of its own."""


def draw(groups: Groups, size: int, seed: int, corpus: str, prefix: str) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Return ``size`` cases spread evenly over the groups, and what has to be said about them.

    A group that runs dry leaves its share to the others, in turn.
    """
    chance = random.Random(f"drawing {seed}")
    streams = {group: _in_turn(templates) for group, templates in groups.items()}
    drawn: dict[str, list[tuple[Candidate, str]]] = {group: [] for group in groups}
    seen: set[str] = set()
    while streams and sum(map(len, drawn.values())) < size:
        for group in list(streams):
            if sum(map(len, drawn.values())) >= size:
                break
            taken = next((pair for pair in _fresh(streams[group], seen, chance)), None)
            if taken is None:
                del streams[group]
            else:
                drawn[group].append(taken)
    cases = [
        _case(*pair, group, place, corpus, prefix) for group in drawn for place, pair in enumerate(drawn[group], 1)
    ]
    dry = [f"“{group}” has only {len(drawn[group])}" for group in drawn if group not in streams]
    short = (f"asked for {size} questions, {len(cases)} could be made",) if len(cases) < size else ()
    return tuple(cases), (*short, *dry)


def _in_turn(templates: Sequence[Iterator[Candidate]]) -> Iterator[Candidate]:
    """Yield from the templates one after the other until all are dry."""
    running = list(templates)
    while running:
        for template in list(running):
            candidate = next(template, None)
            if candidate is None:
                running.remove(template)
            else:
                yield candidate


def _fresh(stream: Iterator[Candidate], seen: set[str], chance: random.Random) -> Iterator[tuple[Candidate, str]]:
    """Yield candidates that were not drawn yet, each with one of its wordings."""
    for candidate in stream:
        key = f"{candidate.kind} of {candidate.about}"
        texts = [text for text in candidate.texts if text not in seen]
        if key not in seen and texts:
            text = chance.choice(texts)
            seen |= {key, text}
            yield candidate, text


def _case(candidate: Candidate, text: str, group: str, place: int, corpus: str, prefix: str) -> Case:
    """Return a candidate as a case. Graded are the documents of the first place of every fact."""
    firsts: dict[str, str] = {}
    for span in candidate.evidence:
        firsts.setdefault(span.fact, span.document)
    hops = "" if re.fullmatch(r"\d hops?", group) or not candidate.answerable else f"-{candidate.hops}h"
    return Case(
        id=f"{prefix}-{group.replace(' ', '')}{hops}-{place:03}",
        question=Question(text=text, corpora=(corpus,)),
        gold=Gold(
            answers=candidate.answers,
            wrong=candidate.wrong,
            grades=dict.fromkeys(sorted(firsts.values()), 1),
            spans=tuple(dict.fromkeys(candidate.evidence)),
            answerable=candidate.answerable,
        ),
        group=group,
    )
