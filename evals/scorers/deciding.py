"""Which side an answer takes when it names a right wording and a wrong one.

An answer may have to name both ("PEP 1 (2000) was created before PEP 8 (2001)"), but two header lines that name both
answer nothing. So an answer that names a wrong wording is right only when it decides:

1. A wording is *set aside* by ``not``, ``no longer``, ``from``, ``instead of``, ``succeeding``, ``had been`` … just
   before it, or by ``until``, ``is outdated``, ``is wrong`` … just after it. A sentence that sets one side aside gives
   the other, if it names it.
2. A *comparing word* (``first``, ``before``, ``later``, ``more``, ``older`` …) speaks of the wording last named before
   it (``PEP 1 came first``), or of the next one where there is none, where ``is`` or ``was`` leads to it (``the first
   was PEP 1``) or where it speaks of a page (``a newer page says Lund``). It gives that wording when it points the way
   the question's own comparing words point (``before`` for ``which was first?``), and the other side when it points the
   other way (``PEP 8 was created after PEP 1``). Where the question compares nothing, words of time alone count, and
   the latest is wanted: ``now`` and ``newer`` give, ``formerly`` and ``older`` set aside. Of two wordings joined by
   ``and`` or ``or`` (``which was first, PEP 1 or PEP 8``) it chooses neither.
3. A sentence that is nothing but one side's wording (``PEP 1.``, ``The answer is PEP 1.``) gives it.

A sentence that names one side alone and has more than :data:`ASIDE` words which are neither numbers, stop words nor the
question's is taken for a quotation about something else and decides nothing; nor do header lines, tables and code.

The answer decides for the right side when no sentence gives a wrong one and a sentence gives the right one, or every
wrong wording is set aside. An answer that names no wrong wording is right as it stands, but where the question compares
the right one must stand in a sentence that may decide. This reads English only, and it is strict: an answer that names
both sides and is not understood counts as undecided.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from evals.scorers.normalise import Token, places, tokens
from research.words import STOPWORDS

ASIDE = 6
"""Words a sentence about one side may have besides the question's."""

_EARLY = "first earlier earliest sooner soonest before older oldest prior precedes preceded predates predated"
_LATE = "later latest last after newer newest recent recently younger youngest postdates postdated"
_LESS = "fewer fewest less least smaller smallest shorter shortest lower lowest"
_MORE = "more most larger largest longer longest greater greatest higher highest bigger biggest"
_PAST = "formerly previously originally former outdated obsolete stale old once"
_PRESENT = "now currently current today nowadays updated"
TIMES = {**dict.fromkeys(_EARLY.split(), -1), **dict.fromkeys(_LATE.split(), 1)}
AMOUNTS = {**dict.fromkeys(_LESS.split(), -1), **dict.fromkeys(_MORE.split(), 1)}
NOWADAYS = {**dict.fromkeys(_PAST.split(), -1), **dict.fromkeys(_PRESENT.split(), 1)}
_NOT = frozenset({"not", "t", "never", "nor", "no", "unlike"})
_ASIDE_BEFORE = (_NOT - {"no"}) | {"from", "instead", "rather", "succeeding", "succeeded", "replacing", "replaced"}
_ASIDE_PAIRS = frozenset({("no", "longer"), ("had", "been"), ("had", "found")})
_UNTIMED = frozenset({"first", "last", "before", "after", "prior"})
_DENIALS = _NOT - {"no", "t"}
_SHORTENED = "isn wasn aren weren don doesn didn hasn haven hadn couldn wouldn"
_SHORT = frozenset(_SHORTENED.split())
_YET = frozenset({"only", "until", "before", "after", "just", "merely"})
_GUESSES = frozenset({"perhaps", "possibly", "maybe", "either"})
_MODALS = frozenset({"may", "might", "could"})
_ASIDE_AFTER = frozenset({"until", "outdated", "obsolete", "incorrect", "wrong", "false", "mistaken", "erroneous"})
_DONE = frozenset({"built", "made", "seen", "sold", "written", "known", "shown", "held"})
_DATES = frozenset({"date", "dates", "dated", "dating", "comes", "came"})
_IS = frozenset({"is", "was", "are", "were"})
_PAGES = "account accounts page pages source sources document documents version record report text article entry"
_SOURCES = frozenset(_PAGES.split())
_THE = frozenset({"the", "a", "an"})
_NAMING = frozenset({"pep", "eip", "titled", "called"})


_AGES = {word: sign for word, sign in TIMES.items() if word not in _UNTIMED}
"""Words that compare two accounts where the question compares nothing: ``first`` and ``after`` order events instead."""


class Mention(NamedTuple):
    """A wording in a sentence, from token ``first`` to before token ``after``. ``right`` says which side's it is."""

    first: int
    after: int
    right: bool


class Sides(NamedTuple):
    """The wordings of both sides, as tokens; the words of the question, and which way its comparing words point."""

    right: Sequence[Sequence[Token]]
    wrong: Sequence[Sequence[Token]]
    asked: frozenset[str]
    way: int


def sides(right: Sequence[Sequence[Token]], wrong: Sequence[Sequence[Token]], question: str) -> Sides:
    """Return the sides of a question. Its titles (``“…”``, ``"…"``) hold words to compare with, but compare nothing."""
    plain = tokens(re.sub(r"“[^”]*”|\"[^\"]*\"", " ", question))
    return Sides(right, wrong, frozenset(token.form for token in tokens(question)), way(plain))


def way(question: Sequence[Token]) -> int:
    """Return -1 for a question that asks for the first or least, 1 for the last or most, 0 for neither or both."""
    signs = {_sign(question, at, {**TIMES, **AMOUNTS}) for at in range(len(question))} - {0}
    return signs.pop() if len(signs) == 1 else 0


def _sign(text: Sequence[Token], at: int, words: Mapping[str, int]) -> int:
    """Return which way the word at ``at`` points; but not of ``before 2001`` or ``first built``."""
    follower = text[at + 1].form if at + 1 < len(text) else " "
    dated = text[at].form in ("before", "after") and (follower[0].isdigit() or follower == "had")
    adverb = text[at].form in ("first", "last") and (follower.endswith("ed") or follower in _DONE)
    return 0 if dated or adverb else words.get(text[at].form, 0)


def denied(text: Sequence[Token], at: int) -> bool:
    """Return whether the wording that begins at ``at`` is denied just before it; ``not only`` denies nothing."""
    low = max(0, at - 2)
    before = [token.form for token in text[low:at]]
    short = any(one.form in _SHORT and other.form == "t" for one, other in pairwise(text[max(0, low - 1) : at]))
    denying = short or before in (["instead", "of"], ["rather", "than"]) or not _DENIALS.isdisjoint(before)
    return denying and _YET.isdisjoint(before)


def guessed(text: Sequence[Token], at: int) -> bool:
    """Return whether a guess is announced before the wording that begins at ``at``: ``perhaps``, ``it may be``."""
    before = [token.form for token in text[:at]]
    modal = any(one in _MODALS and other in ("be", "have") for one, other in pairwise(before))
    return modal or not _GUESSES.isdisjoint(before)


def mentions(sentence: Sequence[Token], sides: Sides) -> list[Mention]:
    """Return the wordings in a sentence in order; of two that overlap the longer is taken, or the right one."""
    found = [Mention(a, b, True) for wording in sides.right for a, b in places(wording, sentence)]
    found += [Mention(a, b, False) for wording in sides.wrong for a, b in places(wording, sentence)]
    kept: list[Mention] = []
    for mention in sorted(set(found), key=lambda m: (m.first - m.after, not m.right, m.first)):
        if all(mention.after <= other.first or other.after <= mention.first for other in kept):
            kept.append(mention)
    return sorted(kept)


def decides(sentences: Sequence[tuple[Sequence[Token], bool]], sides: Sides) -> bool:
    """Return whether an answer takes the right side. ``sentences``: tokens, and whether the sentence may decide."""
    for_right, stated, open_wrong, wrong = False, False, False, False
    for sentence, prose in sentences:
        named = mentions(sentence, sides)
        speaks = prose and bool(named) and _speaks(sentence, named, sides)
        given, aside = _given(sentence, named, sides.way) if speaks else (set[bool](), set[Mention]())
        if False in given:
            return False
        for_right = for_right or True in given
        stated = stated or (speaks and any(mention.right for mention in named))
        wrong = wrong or any(not mention.right for mention in named)
        open_wrong = open_wrong or any(not mention.right and mention not in aside for mention in named)
    return for_right or (not open_wrong and (stated or wrong or not sides.way))


def _speaks(sentence: Sequence[Token], named: Sequence[Mention], sides: Sides) -> bool:
    """Return whether a sentence is about the question: it names both sides, or little besides the question's words."""
    if len({mention.right for mention in named}) == 2:
        return True
    known = sides.asked | STOPWORDS | TIMES.keys() | AMOUNTS.keys() | NOWADAYS.keys()
    rest = [form for form in _besides(sentence, named) if form not in known and not form[0].isdigit()]
    return len(rest) <= ASIDE


def _besides(sentence: Sequence[Token], named: Sequence[Mention]) -> list[str]:
    covered = {at for mention in named for at in range(mention.first, mention.after)}
    return [token.form for at, token in enumerate(sentence) if at not in covered]


def _given(
    sentence: Sequence[Token], named: Sequence[Mention], wanted: int
) -> tuple[Collection[bool], Collection[Mention]]:
    """Return the sides a sentence gives (True: the right one) and the wordings it sets aside."""
    aside = {mention for place, mention in enumerate(named) if _set_aside(sentence, named, place)}
    left = [mention for mention in named if mention not in aside]
    given = {mention.right for mention in left if aside} - {mention.right for mention in aside}
    for mention, gives in _compared(sentence, left, wanted):
        if gives:
            given.add(mention.right)
        else:
            aside.add(mention)
            given |= {other.right for other in named if other.right != mention.right}
            if mention.right:
                given.add(False)
    if len({mention.right for mention in named}) == 1 and not aside and _bare(sentence, named):
        given.add(named[0].right)
    return given, aside


def _set_aside(sentence: Sequence[Token], named: Sequence[Mention], place: int) -> bool:
    mention = named[place]
    low = max(named[place - 1].after if place else 0, mention.first - 2)
    high = min(named[place + 1].first if place + 1 < len(named) else len(sentence), mention.after + 3)
    words = [token.form for token in sentence[low : mention.first]]
    led = [token.form for token in sentence[max(0, mention.first - 3) : mention.first]]
    if "by" in words or not _ASIDE_PAIRS.isdisjoint(pairwise(led)):
        return "by" not in words
    before = set(words) - ({"from"} if not _DATES.isdisjoint(led) else set())
    after = {token.form for token in sentence[mention.after : high]}
    return bool(before & _ASIDE_BEFORE) or (bool(after & _ASIDE_AFTER) and not after & _NOT)


def _compared(sentence: Sequence[Token], named: Sequence[Mention], wanted: int) -> Iterator[tuple[Mention, bool]]:
    """Yield each wording that a comparing word speaks of, and whether the word points the way that is wanted."""
    covered = {at for mention in named for at in range(mention.first, mention.after)}
    paired = _pairs(sentence, named)
    for at, token in enumerate(sentence):
        if at in covered or not named or {other.form for other in sentence[max(0, at - 2) : at]} & _NOT:
            continue
        adverb = NOWADAYS.get(token.form, 0) if wanted == 0 else 0
        sign = adverb or _sign(sentence, at, {**TIMES, **AMOUNTS} if wanted else _AGES)
        if not sign:
            continue
        mention, turned = (
            _nearest(named, at) if adverb and not _of_page(sentence, at) else _subject(sentence, named, at)
        )
        if mention not in paired:
            yield mention, (sign == (wanted or 1)) is not turned


def _pairs(sentence: Sequence[Token], named: Sequence[Mention]) -> set[Mention]:
    """Return the wordings in ``PEP 1 or PEP 8`` and ``PEP 1 and the PEP titled X``: neither is told from the other."""
    found: set[Mention] = set()
    for one, other in pairwise(named):
        between = {token.form for token in sentence[one.after : other.first]} - _THE - _NAMING
        if one.right is not other.right and between in ({"or"}, {"and"}):
            found |= {one, other}
    return found


def _nearest(named: Sequence[Mention], at: int) -> tuple[Mention, bool]:
    """Return the wording with the fewest words between it and token ``at``; of two, the one that follows."""
    return min(named, key=lambda m: (m.first - at if m.first > at else at - m.after + 1, m.first < at)), False


def _subject(sentence: Sequence[Token], named: Sequence[Mention], at: int) -> tuple[Mention, bool]:
    """Return the wording that the comparing word at ``at`` speaks of, and whether it speaks of it as the other one."""
    before = [mention for mention in named if mention.after <= at]
    after = [mention for mention in named if mention.first > at]
    if after and (_led_to(sentence, after[0], at) or _of_page(sentence, at)):
        return after[0], False
    if before:
        return before[-1], False
    return after[0], sentence[at].form in ("before", "after", "than")


def _of_page(sentence: Sequence[Token], at: int) -> bool:
    return at + 1 < len(sentence) and sentence[at + 1].form in _SOURCES


def _led_to(sentence: Sequence[Token], mention: Mention, at: int) -> bool:
    low = mention.first - 1
    if low > at and sentence[low].form in _THE:
        low -= 1
    return low > at and sentence[low].form in _IS


def _bare(sentence: Sequence[Token], named: Sequence[Mention]) -> bool:
    return set(_besides(sentence, named)) <= STOPWORDS | {"answer", "therefore", "thus", "s"}
