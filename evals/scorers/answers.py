"""Whether the answer is right, and whether a system knows when it has none. No judge model is asked.

``exact_match`` and ``answer_f1`` are SQuAD's and HotpotQA's, for golds of one part, to stand beside published figures:
they suit short answers. ``answer_accuracy`` is this project's, for sentences as well as for single words. An answer is
right when, within its first :data:`LONGEST` words,

- every part of the gold has one of its wordings there, as whole words (``evals.scorers.normalise`` says what is one
  word, date and number), and
- no wording of ``gold.wrong`` is given as the answer: ``evals.scorers.deciding`` says what that means. Naming a wrong
  wording is no fault as long as the answer decides against it; naming both sides and deciding nothing is one.

A question in the answer, such as the one asked, answers nothing. A part that is yes or no is answered by the first
sentence that begins with yes or no, or with ``the answer is`` and that (``wrong`` is then not looked at). An answerable
case that a system abstains on counts as wrong. A system without answers is not scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from evals.records import Case, Outcome, Score
from evals.scorers.deciding import decides, sides
from evals.scorers.normalise import Token, places, squad, tokens
from evals.suite import Metric
from research.sentences import sentences

LONGEST = 150
"""Words of an answer that are read: listing everything is not answering."""

_POLAR = ("yes", "no")
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
    read = list(_read(outcome.answer))
    if not all(_stands(part, read) for part in parts):
        return Score(value=0.0)
    wrong = [plain for wording in case.gold.wrong if (plain := _wording(wording))]
    if not wrong or any(_polar(part) for part in parts):
        return Score(value=1.0)
    right = [wording for part in parts for wording in part]
    return Score(value=float(decides(read, sides(right, wrong, case.question.text))))


def _wording(text: str) -> tuple[Token, ...]:
    """Return the tokens of a wording without its leading article."""
    plain = tokens(text)
    return plain[1:] if len(plain) > 1 and plain[0].form in _ARTICLES else plain


def _read(answer: str) -> Iterator[tuple[tuple[Token, ...], bool]]:
    """Yield the tokens of the sentences up to the limit, less questions, and whether each is prose or a heading."""
    left = LONGEST
    for span in sentences(answer):
        plain = tokens(answer[span.start : span.end])[:left]
        left -= len(plain)
        if plain and not answer[: span.end].endswith("?"):
            yield plain, span.kind in ("prose", "heading")


def _stands(part: Sequence[Sequence[Token]], read: Sequence[tuple[Sequence[Token], bool]]) -> bool:
    polar = {wording[0].form for wording in part if _polar([wording])}
    if polar:
        return next((said for text, _ in read if (said := _opening(text)) in _POLAR), "") in polar
    return any(places(wording, text) for wording in part for text, _ in read)


def _opening(text: Sequence[Token]) -> str:
    """Return the first word of a sentence, past ``the answer is``."""
    forms = [token.form for token in text]
    past = forms.index("answer") if "answer" in forms[:2] else -1
    return next((form for form in forms[past + 1 :] if past < 0 or form != "is"), "")


def _polar(part: Sequence[Sequence[Token]]) -> bool:
    return any(len(wording) == 1 and wording[0].form in _POLAR for wording in part)


ANSWER_ACCURACY = Metric(
    "answer_accuracy", _accuracy, "share of right answers over the answerable: every part named, no wrong side taken"
)


def _abstention(case: Case, outcome: Outcome) -> Score | None:
    if case.gold.answerable is None or outcome.abstained is None:
        return None
    return Score(value=float(outcome.abstained is not case.gold.answerable))


def _over(answerable: bool) -> Callable[[Case, Outcome], Score | None]:
    def judge(case: Case, outcome: Outcome) -> Score | None:
        return _abstention(case, outcome) if case.gold.answerable is answerable else None

    return judge


ABSTENTION_ACCURACY = Metric(
    "abstention_accuracy", _abstention, "share of cases answered when answerable and declined when not"
)
REFUSED = Metric("refused", _over(False), "share of the unanswerable cases that were declined")
ANSWERED = Metric("answered", _over(True), "share of the answerable cases that were not declined")
