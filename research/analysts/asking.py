"""What kind of answer a question wants, and which sentences look like one. Pure, English only.

The kinds are those of question answering's classic taxonomies, cut down to what a pattern can tell; a question of no
known kind is ``text`` and any sentence fits it.
"""

from __future__ import annotations

import re
from typing import Literal

from research.words import DATE, NUMBER, NUMBERED, STOPWORDS, terms

Kind = Literal["person", "date", "number", "reason", "manner", "definition", "place", "text"]

_PATTERNS: dict[Kind, str] = {
    "number": r"\bhow (?:many|much|long|old|large|big|far|tall|high|often)\b|\bwhat (?:percentage|number|share)\b"
    r"|^\W*what (?:is|are|was|were) [^,?]*?\b(?:length|size|revenue|price|cost|height|width|depth|weight|age|speed"
    r"|distance|population|temperature|margin|profit)\b(?! of \w+ing\b)",
    "date": r"^\W*(?:\w+ ){0,3}?when (?:is|are|was|were|did|does|do|will|has|have)\b|\bwhen\?$"
    r"|\b(?:what|which) (?:year|date|day|month)\b",
    "person": r"^\W*(?:\w+ ){0,3}?(?:who|whose|whom)\b|\bauthors? of\b",
    "reason": r"\b(?:advantages|disadvantages|benefits|drawbacks)\b|^\W*why\b|\bwhy\?$"
    r"|\bwhy (?:is|are|was|were|do|does|did|should)\b|\breasons? (?:for|that|why)\b|\brationale\b",
    "place": r"^\W*where\b|\b(?:what|which) (?:city|country|state|place)\b",
    "manner": r"^\W*how\b",
    "definition": r"^\W*(?:what (?:is|are|was|were)|define|what does .* (?:do|mean|propose)) (?!.* of ).*",
}
_KINDS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _PATTERNS.items()}
_NAME = re.compile(r"\b[A-ZÀ-Þ][\w'’]+ (?:[A-Z]\. |(?:van|de|von|der|of) )*[A-ZÀ-Þ][\w'’]+")
_ACTING = re.compile(r"\b([A-ZÀ-Þ][a-zà-ÿ'’-]+) (?:who|wrote|said|became|\w+ed)\b")
_NUMERAL = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?)\b"
)
_REASON = re.compile(
    r"\b(?:because|since|in order to|so that|due to|therefore|thus|rationale|motivat\w+|reason\w*"
    r"|to (?:avoid|allow|enable|prevent|reduce|make|provide|support|improve)|allow(?:s|ing)|obstacle|bottleneck"
    r"|problem\w*|difficult\w*|avoids?|benefit\w*|advantage\w*|instead of|otherwise)\b",
    re.IGNORECASE,
)
_MANNER = re.compile(
    r"\bby (?:\w+ly )?(?:\w+ing|a|an|the)\b|\b(?:using|through|via|before|after|first|then|each|every|must|unlike"
    r"|whereas|while|instead|rather than|only when|with (?:a|an|the)|step|differ\w*)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(r"\b(?:in|at|near|from|to|of) (?:the )?[A-Z]\w+|https?://")
_IS = re.compile(
    r"\b(?:(?:is|are|was|were) (?:an?|the|one|another|just|simply|basically|used|defined|called|known|those|any)\b"
    r"|means?|refers? to|defines?|denotes?|stands? for|describes?|proposes?|introduces?|provides?|adds?|aims?"
    r"|specif(?:y|ies)|extends?|changes?|creates?|known as|called)\b"
)
_BARELY = re.compile(r"\b(?:is|are|was|were) the \w+\W*$")
"""``It is the cause.``: what a thing is in the sentence before, and no definition."""
_NUMBERED = re.compile(r"\b[a-z]+-\d+\b")
_SHORT_YEAR = re.compile(r"['’]\d\d\b|:[\w-]+:`\d+`")
"""``'16``, and a role such as ``:rfc:`2822```: no number of anything."""
_TOLD = frozenset({"reason", "manner", "definition"})
_NAMED = re.compile(r"\s*(?::|—|–| - )")
HEADERS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), frozenset(keys.split()))
    for pattern, keys in (
        (r"\bwho\b.*?\b(?:wrote|written|proposed|created|designed|authored|invented)\b|\bauthors?\b", "author authors"),
        (r"\bsponsor\w*\b", "sponsor"),
        (r"\bdelegate\b|\bwho (?:accepted|approved|decided|rejected)\b", "bdfl-delegate pep-delegate"),
        (r"\bwhen\b.*?\b(?:created|written|proposed|started|published)\b|\bcreation date\b", "created date published"),
        (r"\bstatus\b|\b(?:accepted|rejected|withdrawn|deferred)\b", "status"),
        (r"\b(?:replaced|superseded|obsoleted|successors?)\b", "superseded-by obsoleted-by"),
        (
            r"\b(?:does|did|do)\b.*?\b(?:replace|supersede)\b|\b(?:replaces|supersedes)\b",
            "replaces supersedes obsoletes",
        ),
        (r"\b(?:requires?|depends?|dependenc(?:y|ies))\b", "requires"),
        (
            r"\bversions? of python\b|\bpython versions?\b|\b(?:which|what) (?:\w+ )?(?:version|release)\b",
            "python-version version",
        ),
        (r"\b(?:title|titled|called)\b", "title"),
        (r"\bcategor(?:y|ies)\b", "category type topic"),
        (r"\bwhere\b.*\bdiscuss(?:ed|ions?)\b|\bdiscussions?-to\b", "discussions-to"),
        (r"\bresolution\b", "resolution"),
    )
)
"""Which header lines (``Author:``, ``Created:`` …, of mail-like heads and front matter) answer which wording."""


_THING = re.compile(r"\W*(?!(?:is|are|do|does|did|can)\b)[\w.'’+-]+(?: [\w.'’+-]+){0,2}\W*", re.IGNORECASE)
"""A few words that only name a thing are asked for what it is."""
_FROM = re.compile(
    r"(?i)^(\W*(?:according to|as (?:told|stated|described|reported) (?:by|in)) [^,?;]{1,80}),\s+"
    r"(?=(?:who|whose|whom|what|which|when|where|why|how|is|are|was|were|do|does|did|has|have|can)\b)"
)


def opening(question: str) -> tuple[str, str]:
    """Return ``According to the newest page`` or the like, with which a question opens, or "", and the question."""
    found = _FROM.match(question)
    return (found.group(1), question[found.end() :]) if found else ("", question)


def kind_of(question: str) -> Kind:
    """Return what kind of answer the question wants."""
    _, question = opening(question)
    for kind, pattern in _KINDS.items():
        if pattern.search(question):
            return kind
    return "definition" if _THING.fullmatch(question) and not header_keys(question) else "text"


_SINGLE = re.compile(
    r"^\W*(?:(?:in|on|at|from|to|by|of|for|according to [\w ]+,) ?)?(?:(?:in|on|at|from|to|by|of|for) )?"
    r"(?:who|whose|whom|when|where|how (?:many|much|old|long|far|tall|high)|(?:which|what) (?!\w+s\b)\w+)\b",
    re.IGNORECASE,
)


def single(question: str) -> bool:
    """Return whether the question wants one name, date, number or place, and not a list or an explanation."""
    several = re.search(
        r"\b(?:who|which|what) (?:were|are|\w+s (?:does|do|did|are|were|have))\b", question, re.IGNORECASE
    )
    return _SINGLE.match(question) is not None and several is None and kind_of(question) not in _TOLD


def header_keys(question: str) -> dict[str, set[str]]:
    """Return the header keys (lower case) that answer the question, each with the terms of the question it covers."""
    wanted: dict[str, set[str]] = {}
    for pattern, keys in HEADERS:
        for match in pattern.finditer(question):
            for key in keys:
                wanted.setdefault(key, set()).update(terms(match.group().split(" ")[-1]))
    return wanted


def _person(text: str, subject: frozenset[str]) -> bool:
    """Return whether the text has what may be a person's name: ``Ann Lee``, ``ANN LEE``, but not ``This PEP``.

    One word is a name where somebody does something, and the question does not say who: ``Lee learned``.
    """
    for match in _NAME.finditer(text):
        first, last = match.group().split()[0], match.group().split()[-1]
        if first.lower() not in STOPWORDS and (not last.isupper() or first.isupper()):
            return True
    acting = (match.group(1) for match in _ACTING.finditer(text))
    return any(word.lower() not in STOPWORDS and not set(terms(word)) & subject for word in acting)


def fits(kind: Kind, text: str, subject: frozenset[str] = frozenset()) -> bool:
    """Return whether ``text`` looks like an answer of that kind; ``subject`` holds the terms being defined."""
    if kind == "person":
        return _person(text, subject)
    if kind == "date":
        return DATE.search(_NUMBERED.sub(" ", NUMBERED.sub(" ", text))) is not None
    if kind == "number":
        plain = _SHORT_YEAR.sub(" ", NUMBERED.sub(" ", DATE.sub(" ", text)))
        return NUMBER.search(plain) is not None or _NUMERAL.search(text.lower()) is not None
    if kind == "reason":
        return _REASON.search(text) is not None
    if kind == "manner":
        return _MANNER.search(text) is not None
    if kind == "place":
        return _PLACE.search(text) is not None
    if kind == "definition":
        return _defines(text, subject)
    return True


def _defines(text: str, subject: frozenset[str]) -> bool:
    """Return whether the sentence says what its subject is, or begins with it as a label ("Journal: …")."""
    label = _NAMED.split(text, maxsplit=1)[0]
    if subject and label != text and set(terms(label)) == subject:
        return True
    verb = None if _BARELY.search(text) else _IS.search(text)
    before = text[: verb.start()] if verb is not None else ""
    return verb is not None and len(before.split()) <= 10 and subject <= set(terms(before))


REPHRASED: dict[Kind, str] = {
    "person": "author name",
    "date": "date year created",
    "number": "number amount",
    "reason": "rationale motivation because",
    "place": "location",
    "manner": "using steps",
    "definition": "definition",
    "text": "",
}
"""Words that a passage with such an answer is likely to hold: the third query of a task."""
