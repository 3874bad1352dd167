"""Whether the citations hold: they point at the gold spans, and the sentences say no more than they quote.

A citation that ``evals.locating`` did not find in its document is never right. A citation and a gold span *overlap*
when they share at least half of the span's characters, or half of the quote's if that is :data:`FRAGMENT` characters
or more (a fragment must be long enough to state something). A quote of more than :data:`LONGEST` characters, unless it
is at most twice as long as the span, overlaps nothing: quoting a whole page points at no place in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from evals.records import Case, Citation, CitedSentence, GoldSpan, Outcome, Score
from evals.scorers.normalise import SPELLED, is_figure, tokens, undated
from evals.suite import Metric
from research.words import NUMBERED, entities, stem

FRAGMENT = 20
LONGEST = 1000

_OPENING = """according additionally also although as at because both but by despite each finally first for from
    furthermore hence here however if in instead its later meanwhile moreover most nevertheless no on only other second
    similarly since so some such that the their then therefore these third this those though thus to under unlike when
    while with yes"""
_OPENERS = frozenset(_OPENING.split())
"""Words that may stand, capitalised, before a name at the beginning of a sentence."""


def overlaps(citation: Citation, span: GoldSpan) -> bool:
    """Return whether a citation points at a gold span, as this module's docstring says."""
    if citation.start < 0 or citation.document != span.document:
        return False
    quote, gold = citation.end - citation.start, span.end - span.start
    if quote > max(LONGEST, 2 * gold):
        return False
    shared = min(citation.end, span.end) - max(citation.start, span.start)
    return 0 < gold <= 2 * shared or (quote <= 2 * shared and shared >= FRAGMENT)


def _distinct(citations: Iterable[Citation]) -> list[Citation]:
    """Return the citations without repeats: one place, or one quote that was not found, counts once."""
    kept: dict[tuple[str, int, int, str], Citation] = {}
    for citation in citations:
        lost = "" if citation.start >= 0 else " ".join(citation.quote.split())
        kept.setdefault((citation.document, citation.start, citation.end, lost), citation)
    return list(kept.values())


def _precision(case: Case, outcome: Outcome) -> Score | None:
    if not case.gold.spans or (outcome.sentences is None and not outcome.citations):
        return None
    cited = _distinct(outcome.citations)
    if not cited:
        return None if outcome.abstained else Score(value=0.0)
    right = sum(any(overlaps(citation, span) for span in case.gold.spans) for citation in cited)
    return Score(value=right / len(cited))


def _recall(case: Case, outcome: Outcome) -> Score | None:
    if not case.gold.spans or (outcome.sentences is None and not outcome.citations):
        return None
    facts = {span.fact for span in case.gold.spans}
    cited = {span.fact for span in case.gold.spans if any(overlaps(c, span) for c in outcome.citations)}
    return Score(value=len(cited) / len(facts))


def _verbatim(case: Case, outcome: Outcome) -> Score | None:
    cited = _distinct(outcome.citations)
    return Score(value=sum(citation.start >= 0 for citation in cited) / len(cited)) if cited else None


def _unsupported(case: Case, outcome: Outcome) -> Score | None:
    """Judge every sentence; those in which an abstaining answer says, without citation, that it found nothing are not.

    A sentence's numbers and dates must stand in one of its quotes or in the question, and its names, whole, there or in
    the id of a document it cites; the number of a name such as PEP 8 may stand in one of these and its word in another.
    A number may also be that of the places cited, where they are several: ``Ann wrote 3 PEPs``, resting on three.
    """
    if outcome.sentences is None:
        return None
    said = [s for s in outcome.sentences if s.citations or not (outcome.abstained and s.answer)]
    if not said:
        return None
    return Score(value=sum(unsupported(s, outcome.citations, case.question.text) for s in said) / len(said))


def unsupported(sentence: CitedSentence, citations: Sequence[Citation], question: str) -> bool:
    """Return whether a sentence cites nothing, cites what is not there, says more than its quotes, or was so judged."""
    known = all(0 <= place < len(citations) for place in sentence.citations)
    if not sentence.citations or not known or sentence.verdict == "unsupported":
        return True
    cited = [citations[place] for place in sentence.citations]
    if any(citation.start < 0 for citation in cited):
        return True
    texts = [*dict.fromkeys(citation.quote for citation in cited), question]
    shown = [*texts, *dict.fromkeys(citation.document for citation in cited)]
    stated = {form for text in texts for form in _stated(text)} | _counted(cited)
    whole, numbered = _names(sentence.text)
    anywhere = {form for text in shown for form in _forms(text)}
    return (
        not _figures(sentence.text) <= stated
        or not anywhere.issuperset(form for name in numbered for form in name)
        or any(not any(set(name) <= _forms(text) for text in shown) for name in set(whole))
    )


def _counted(cited: Sequence[Citation]) -> set[str]:
    """Return the number of places cited, as a sentence may count them; one place is no count."""
    places = len(_distinct(cited))
    return {str(places)} if places > 1 else set()


def _figures(text: str) -> set[str]:
    """Return the numbers and dates of a sentence, but for the numbers in names such as PEP 8."""
    return {token.form for token in tokens(text) if is_figure(token) and not token.named}


@lru_cache(maxsize=4096)
def _stated(text: str) -> frozenset[str]:
    """Return every number that a text states outside names, also spelled out, and the years and months of dates."""
    forms = {token.form for token in tokens(text) if not token.named}
    parts = {form.rsplit("-", cut)[0] for form in forms if "-" in form[1:] for cut in (1, 2)}
    return frozenset(forms | parts | {SPELLED[form] for form in forms & SPELLED.keys()})


def _names(text: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return the stems of each capitalised name, and of each name with a number; the months of dates are not names.

    A capitalised word that opens the sentence and stands alone is not known to be a name and is left out.
    """
    plain = undated(text)
    numbered = [f"{match.group(1)} {match.group(2)}" for match in NUMBERED.finditer(plain)]
    whole = [name for name in entities(plain) if name[0].isupper() and name not in numbered]
    return [_stems(name) for name in whole], [_stems(name) for name in numbered]


def _stems(name: str) -> tuple[str, ...]:
    words = [token.form for token in tokens(name)]
    while words and words[0] in _OPENERS:
        words = words[1:]
    return tuple(stem(word) for word in words if word != "s")


@lru_cache(maxsize=4096)
def _forms(text: str) -> frozenset[str]:
    """Return the stems of a text's words, in whatever order (``Rossum, Guido van``)."""
    return frozenset(stem(token.form) for token in tokens(text))


CITATION_PRECISION = Metric("citation_precision", _precision, "share of the distinct citations that are at a gold span")
CITATION_RECALL = Metric("citation_recall", _recall, "share of the gold facts that are cited")
QUOTES_VERBATIM = Metric("quotes_verbatim", _verbatim, "share of the distinct quotes that stand in their document")
UNSUPPORTED_RATE = Metric(
    "unsupported_rate",
    _unsupported,
    "share of sentences without a citation that holds, or with a name, number or date that is in none of their quotes",
    better="lower",
)
