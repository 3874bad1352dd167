"""Whether the answer is right, and whether a system knows when it has none. No judge model is asked.

``exact_match`` and ``answer_f1`` are SQuAD's and HotpotQA's, for golds of one part, to stand beside published figures:
they suit short answers. ``answer_accuracy`` is this project's, for sentences as well as for single words. An answer is
right when, within its first :data:`LONGEST` words,

- every part of the gold has one of its wordings there, as whole words (``evals.scorers.normalise`` says what is one
  word, date and number) in a sentence that does not list candidates (:data:`FEW`), and
- no wording of ``gold.wrong`` is given as the answer: ``evals.scorers.deciding`` says what that means. Naming a wrong
  wording is no fault as long as the answer decides against it; naming both sides and deciding nothing is one.

A wording right after ``not``, ``never``, ``unlike``, ``instead of`` or after ``may be``, ``possibly``, ``either`` in
its sentence is denied or guessed and does not stand there. A question in the answer, such as the one asked, answers
nothing. A part that is yes or no is answered by the first sentence that begins with yes or no, or with ``the answer
is`` and that (``wrong`` is then not looked at); ``No source says`` is no such sentence. An answerable case that a
system abstains on counts as wrong. A system without answers is not scored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from evals.records import Case, Outcome, Score
from evals.scorers.deciding import decides, denied, guessed, sides
from evals.scorers.normalise import Token, places, squad, tokens
from evals.suite import Metric
from research.sentences import sentences

LONGEST = 150
"""Words of an answer that are read: listing everything is not answering."""

SHORT, FEW = 4, 4
"""Words of a listed thing; and how many things may be listed, besides twice as many as the answer has parts."""

_BETWEEN = re.compile(r"(?<!\d),|,(?!\d)|[;/|\n•]")
_POLAR = ("yes", "no")
_OPENING = re.compile(
    r"[\W_]*(?:(?:the\s+)?answer\b\W*(?:is\b\W*)?)?(yes|no)"
    r"(?=[\W_]*$|[*_\"”’')]*(?:[,;:!—–]|\.(?!\s*\d)|\s+[(—–-])"
    r"|[*_]*\s+(?:it|they|he|she|there|this|that|these|those|both|neither|we|I)\b)",
    re.IGNORECASE,
)
"""``Yes`` or ``no`` as an answer: alone, before punctuation or before a clause; not ``No source`` nor ``No. 5``."""
_ARTICLES = ("the", "a", "an")


def _compared(figure: Callable[[str, str], float]) -> Callable[[Case, Outcome], Score | None]:
    def judge(case: Case, outcome: Outcome) -> Score | None:
        if not _judged(case, outcome) or len(case.gold.answers) != 1:
            return None
        wordings = [plain for wording in case.gold.answers[0] if (plain := squad(wording))]
        if not wordings:
            return Score(value=None, why="the gold answer has no word after normalisation")
        if outcome.abstained or outcome.answer is None:
            return Score(value=0.0)
        said = squad(outcome.answer)
        return Score(value=max(figure(said, wording) for wording in wordings))

    return judge


def _judged(case: Case, outcome: Outcome) -> bool:
    """Whether there is a right answer and the system gives answers; abstaining is giving one."""
    given = outcome.answer is not None or bool(outcome.abstained)
    return bool(case.gold.answers) and case.gold.answerable is not False and given


def _exact(said: str, wording: str) -> float:
    return float(said == wording)


def _f1(said: str, wording: str) -> float:
    if said != wording and not {said, wording}.isdisjoint({"yes", "no", "noanswer"}):
        return 0.0
    one, other = said.split(), wording.split()
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other))


EXACT_MATCH = Metric("exact_match", _compared(_exact), "share of answers equal to a gold wording, normalised as SQuAD")
ANSWER_F1 = Metric("answer_f1", _compared(_f1), "F1 of the words of the answer, normalised as SQuAD, best gold wording")


def _accuracy(case: Case, outcome: Outcome) -> Score | None:
    if not _judged(case, outcome):
        return None
    parts = [[plain for wording in part if (plain := _wording(wording))] for part in case.gold.answers]
    if not all(parts):
        return Score(value=None, why="a part of the gold answer has no letter or digit after normalisation")
    if outcome.abstained or outcome.answer is None:
        return Score(value=0.0)
    said = _told(list(_read(outcome.answer)), 2 * len(parts) + FEW)
    if not all(_stands(part, said) for part in parts):
        return Score(value=0.0)
    wrong = [plain for wording in case.gold.wrong if (plain := _wording(wording))]
    if not wrong or any(_polar(part) for part in parts):
        return Score(value=1.0)
    right = [wording for part in parts for wording in part]
    read = [(sentence.words, sentence.decides) for sentence in said]
    return Score(value=float(decides(read, sides(right, wrong, case.question.text))))


def _told(said: Sequence[_Said], most: int) -> list[_Said]:
    """Return the sentences that tell something: none that list more than ``most`` things, nor so many bare words."""
    bare = sum(len(sentence.words) <= SHORT for sentence in said)
    return [one for one in said if one.listed <= most and (len(one.words) > SHORT or bare <= most)]


def _wording(text: str) -> tuple[Token, ...]:
    """Return the tokens of a wording without its leading article."""
    plain = tokens(text)
    return plain[1:] if len(plain) > 1 and plain[0].form in _ARTICLES else plain


class _Said(NamedTuple):
    """A sentence as read; ``polar``: the yes or no it opens with; ``decides``: it is prose or a heading."""

    words: tuple[Token, ...]
    polar: str
    decides: bool
    listed: int


def _read(answer: str) -> Iterator[_Said]:
    """Yield the sentences up to the limit of words, less questions, whether quoted or not."""
    left = LONGEST
    for span in sentences(answer):
        text = answer[span.start : span.end]
        words = tokens(text)[:left]
        left -= len(words)
        if words and not text.rstrip(" \"'”’»)*_").endswith(("?", "？")):
            opening = _OPENING.match(text)
            yield _Said(words, opening[1].lower() if opening else "", span.kind in ("prose", "heading"), _listed(text))


def _listed(text: str) -> int:
    """Return how many short things the text lists, between commas, semicolons, strokes and line ends."""
    return sum(0 < len(item.split()) <= SHORT for item in _BETWEEN.split(text))


def _stands(part: Sequence[Sequence[Token]], said: Sequence[_Said]) -> bool:
    polar = {wording[0].form for wording in part if _polar([wording])}
    if polar:
        return next((sentence.polar for sentence in said if sentence.polar), "") in polar
    return any(_states(wording, sentence.words) for wording in part for sentence in said)


def _states(wording: Sequence[Token], text: Sequence[Token]) -> bool:
    return any(not denied(text, at) and not guessed(text, at) for at, _ in places(wording, text))


def _polar(part: Sequence[Sequence[Token]]) -> bool:
    return any(len(wording) == 1 and wording[0].form in _POLAR for wording in part)


ANSWER_ACCURACY = Metric(
    "answer_accuracy", _accuracy, "share of right answers over the answerable: every part named, no wrong side taken"
)


def _abstention(case: Case, outcome: Outcome) -> Score | None:
    if case.gold.answerable is None or outcome.abstained is None:
        return None
    return Score(value=float(_declined(outcome) is not case.gold.answerable))


def _declined(outcome: Outcome) -> bool:
    """Return whether the system says that it abstained, or says nothing at all."""
    return bool(outcome.abstained) or (outcome.answer is not None and not any(map(str.isalnum, outcome.answer)))


def _over(answerable: bool) -> Callable[[Case, Outcome], Score | None]:
    def judge(case: Case, outcome: Outcome) -> Score | None:
        return _abstention(case, outcome) if case.gold.answerable is answerable else None

    return judge


ABSTENTION_ACCURACY = Metric(
    "abstention_accuracy", _abstention, "share of cases answered when answerable and declined when not"
)
REFUSED = Metric("refused", _over(False), "share of the unanswerable cases that were declined")
ANSWERED = Metric("answered", _over(True), "share of the answerable cases that were not declined")
