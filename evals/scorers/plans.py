"""How well a question was split: against a human decomposition, and against the pages that answer it.

Words are compared as ``research.words`` stems them: content words without their common endings.

- A gold part is *covered* by a part of the outcome when the F1 of their sets of content words is at least
  :data:`ALIKE`. One part of the outcome covers one gold part only (the pairing that covers most is taken), so that
  repeating the whole question does not cover all of its parts.
- A page is *found* when all content words of its title, less a remark in brackets at its end, stand in one query or
  one part of the outcome. A title of stop words alone (``The Who``) must stand there word for word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from evals.estimating import amount
from evals.records import Case, Outcome, Score
from evals.suite import Metric
from research.words import raw_words, stem, terms

ALIKE = 0.7
"""The F1 from which two sub-questions are the same.

Different sub-questions of one question that reach it differ by little more than a name, and the pairing keeps one part
from standing for all of them.
"""


def _parts(case: Case, outcome: Outcome) -> Score | None:
    if not case.gold.parts or outcome.parts is None:
        return None
    gold = [_content(part) for part in case.gold.parts]
    if not all(gold):
        return Score(value=None, why="a gold part has no words")
    said = [_content(part) for part in dict.fromkeys(outcome.parts)]
    likely = [[place for place, words in enumerate(said) if _f1(part, words) >= ALIKE] for part in gold]
    return Score(value=_paired(likely) / len(gold))


def _pages(case: Case, outcome: Outcome) -> Score | None:
    if not case.gold.pages or (outcome.queries is None and outcome.parts is None):
        return None
    titles = [re.sub(r"(?<=\S)\s*\([^()]*\)\s*$", "", page) for page in dict.fromkeys(case.gold.pages)]
    if not all(map(raw_words, titles)):
        return Score(value=None, why="the title of a gold page has no words")
    said = (*(outcome.queries or ()), *(outcome.parts or ()))
    return Score(value=sum(any(_stands(title, text) for text in said) for title in titles) / len(titles))


def _stands(title: str, text: str) -> bool:
    """Return whether the content words of a title are in a text; a title without any must be there as it is."""
    content = frozenset(terms(title))
    return (
        content <= _content(text) if content else f" {' '.join(raw_words(title))} " in f" {' '.join(raw_words(text))} "
    )


def _width(case: Case, outcome: Outcome) -> Score | None:
    return None if outcome.parts is None else Score(value=float(len(outcome.parts)))


PART_RECALL = Metric("part_recall", _parts, f"share of the human sub-questions covered (word F1 of {ALIKE} or more)")
PAGE_RECALL = Metric("page_recall", _pages, "share of the evidence pages whose title stands in one query or part")
PLAN_WIDTH = Metric("plan_width", _width, "sub-questions a plan", summary=amount, better="neither")


def _content(text: str) -> frozenset[str]:
    """Return the stems of the content words, or of all words where none is a content word."""
    return frozenset(terms(text) or map(stem, raw_words(text)))


def _f1(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


def _paired(likely: Sequence[Sequence[int]]) -> int:
    """Return how many rows can be given a place of their own (maximum matching by augmenting paths)."""
    taken: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column in likely[row]:
            if column not in tried:
                tried.add(column)
                if column not in taken or place(taken[column], tried):
                    taken[column] = row
                    return True
        return False

    return sum(place(row, set()) for row in range(len(likely)))
