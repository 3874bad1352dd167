"""What can be said of a report without a judge: its citations, its sources, its length.

All of it is read off the Markdown (``evals.markdown``), so any tool's reports can be measured. Whether a quote is in
its source is measured by ``evals.scorers.citations`` on outcomes that carry their quotes; how much of the prompt a
report touches, by ``evals.scorers.coverage``; how good it is, by a judge (``evals.judging``).

A sentence is *factual* when it holds a digit, a name (a capitalised run or an identifier; the first word of a sentence
counts only within a run) or something in quotation marks or 《》, and neither asks (``?``) nor only announces (``:``).
Names in Chinese characters are not seen, so the rate for Chinese reports rests on figures, Latin names and quotations.
A sentence is *cited* when it carries a mark itself: one mark at the end of a paragraph covers one sentence. Sentences
that repeat the prompt are left out of everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

from evals.markdown import BodySentence, Parsed, Reference, own_words
from evals.records import Case, Outcome, Score
from evals.scorers.costs import amount
from evals.suite import Metric
from research.urls import canonical_url
from research.words import entities

Way = Literal["higher", "lower", "neither"]
READ_FOR_NAMES = 1_000
"""Names are looked for in so many characters of a sentence."""

_DIGIT = re.compile(r"\d")
_QUOTATION = re.compile(r"“[^“”]{1,200}”|\"[^\"]{1,200}\"|《[^《》]{1,200}》|「[^「」]{1,200}」")
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[^\W\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+(?:[.'’-][^\W\u3400-\u9fff\uf900-\ufaff]+)*")


def factual(text: str) -> bool:
    """Return whether a sentence states something that wants a source; see the module's docstring."""
    said = text.rstrip(" \"'”’)）*")
    if said.endswith(("?", "？", ":", "：")):
        return False
    return bool(_DIGIT.search(text) or _QUOTATION.search(text) or entities(text[:READ_FOR_NAMES]))


def length(text: str) -> int:
    """Return the number of words; each Chinese character is one."""
    return len(_CHINESE.findall(text)) + len(_WORD.findall(text))


def sources(report: Parsed) -> list[tuple[str, ...]]:
    """Return the names by which each listed source may be known again: its canonical URL and its title.

    An entry that is repeated as a whole (number and URL) is one source. A report without a list has the URLs of its
    links as sources, each once.
    """
    listed = report.listed()
    if not listed:
        urls = [mark.url for sentence in report.sentences for mark in sentence.marks if mark.url]
        return [(url,) for url in dict.fromkeys(map(_canonical, urls))]
    entries = dict.fromkeys((entry.label or str(at), _canonical(entry.url), entry) for at, entry in enumerate(listed))
    once = {(label, url): entry for label, url, entry in reversed(list(entries))}
    return [_names(entry, url) for (_, url), entry in reversed(list(once.items()))]


def _names(entry: Reference, url: str) -> tuple[str, ...]:
    title = " ".join(entry.title.lower().split())
    return tuple(name for name in (url, f"title {title}" if len(title) >= 8 else "") if name)


def _canonical(url: str) -> str:
    try:
        return canonical_url(url).removesuffix("/")
    except ValueError:
        return url


def _metric(
    name: str, says: str, read: Callable[[Parsed], float | str], *, better: Way = "higher", counts: bool = False
) -> Metric:
    """Make a metric of what ``read`` returns: a value, or a text that says why there is none."""

    def judge(case: Case, outcome: Outcome) -> Score | None:
        if outcome.report is None:
            return None
        value = read(own_words(outcome.report, case.question.text))
        return Score(value=None, why=value) if isinstance(value, str) else Score(value=value)

    return Metric(name, judge, says, amount if counts else None, better)


def _resolving(report: Parsed) -> float | str:
    marks = [mark for sentence in report.sentences for mark in sentence.marks]
    if not marks:
        return "the report has no citation mark"
    return sum(report.resolves(mark) for mark in marks) / len(marks)


def _claims(report: Parsed) -> list[BodySentence]:
    return [sentence for sentence in report.sentences if factual(sentence.text)]


def _uncited(report: Parsed) -> float | str:
    claims = _claims(report)
    return sum(not claim.marks for claim in claims) / len(claims) if claims else "the report has no factual sentence"


def _density(report: Parsed) -> float | str:
    claims = _claims(report)
    return sum(len(claim.marks) for claim in claims) / len(claims) if claims else "the report has no factual sentence"


def _duplicates(report: Parsed) -> float | str:
    known = sources(report)
    return _repeated(known) / len(known) if known else "the report names no source"


def _repeated(known: Iterable[tuple[str, ...]]) -> int:
    seen: set[str] = set()
    again = 0
    for names in known:
        again += bool(seen & set(names))
        seen.update(names)
    return again


def _words(report: Parsed) -> float:
    return float(sum(length(sentence.text) for sentence in report.sentences))


CITATIONS_RESOLVE = _metric(
    "citations_resolve", "share of citation marks that name an entry of the reference list or a URL", _resolving
)
UNCITED_RATE = _metric(
    "uncited_rate", "share of factual sentences that carry no citation themselves", _uncited, better="lower"
)
DUPLICATE_SOURCES = _metric(
    "duplicate_sources",
    "share of listed sources whose canonical URL or title stands in the list before",
    _duplicates,
    better="lower",
)
SOURCES = _metric(
    "sources",
    "distinct sources a report",
    lambda report: float(len(sources(report)) - _repeated(sources(report))),
    better="neither",
    counts=True,
)
WORDS = _metric("words", "words of the body; a Chinese character is one", _words, better="neither", counts=True)
CITATIONS_PER_CLAIM = _metric(
    "citations_per_claim", "citation marks a factual sentence", _density, better="neither", counts=True
)
