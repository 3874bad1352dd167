"""Words of a text: content terms, a light English stemmer, entities, numbers, dates and negations. Pure.

A *term* is a lower-case stem of a content word, so that ``enforced`` and ``enforcement`` meet. What the terms are good
for (scoring sentences, wording queries) is decided in ``research.analysts``; retrieval has its own tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_STOP = """a about above after again against all also although always am among an and any are aren't as at be because
    been before being below between both but by came can can't cannot come could did didn't do does doesn't doing don't
    done down during each either else ever every few for from further get give given gives go goes had has have having
    he her here hers him his how however i i'd i'm i've if in into is isn't it it's its itself just know known let like
    made make makes many may me might mine more most much must my neither no nor not of off often on once one only onto
    or other others our ours out over own per please quite rather really same say says shall she should show since so
    some still such tell than that that's the their theirs them then there there's therefore these they thing things
    this those though through thus to too under until up upon us use used uses using very via want was wasn't we were
    what what's whatever when where whether which while who who's whom whose why will with within without won't would
    yes yet you your yours compare vs versus explain describe find list kind sort"""
STOPWORDS = frozenset(_STOP.split())
_NEGATIVE = "no not never none neither nor without cannot nothing nobody hardly lacks lack fails failed"
NEGATIONS = frozenset(_NEGATIVE.split())

_WORD = re.compile(r"[^\W_]+(?:[.'’_\-][^\W_]+)*|[^\W_]+", re.UNICODE)
_PART = re.compile(r"[.'’_\-]")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?"
DATE = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[-. ]{_MONTH}[-. ,]+\d{{4}}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    rf"|{_MONTH} \d{{4}}|\d{{1,2}}(?:/\d{{1,2}}/|\.\d{{1,2}}\.)\d{{4}}|(?:1[0-9]|20)\d{{2}}s?)\b",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?<![\w.])[$€£]?\d+(?:[.,]\d+)*%?(?![\w])")
_QUOTED = re.compile(r"“([^“”\n]{2,80})”|\"([^\"\n]{2,80})\"|``([^`\n]{2,60})``|`([^`\n<]{2,60})`")
_IDENTIFIER = re.compile(r"\b(?:[A-Za-z]\w*_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|[A-Za-z_]\w+(?:\.[A-Za-z_]\w+)+)\b")
_NAME = r"(?:[A-Z][\w’'+&-]*[\w+]|[A-Z]\.(?= [A-Z])|[A-Z]\b)"
_LINKS = r"(?:(?:of|the|de|van|von|der|la|du|al|bin|for)[ ](?=[A-Z]))?"
_RUN = re.compile(rf"(?<!\w){_NAME}(?:[ \-]{_LINKS}(?:{_NAME}|\d[\d.]*\b))*")
NUMBERED = re.compile(rf"\b(?!(?i:{_MONTH})[ \-])([A-Z][A-Za-z]{{1,9}})[ \-]#?0*(\d+(?:\.\d+)*)\b(?!,\d{{3}})")


def raw_words(text: str) -> list[str]:
    """Return the words of ``text`` in order, lower-cased, compounds whole."""
    return [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]


def _split(word: str) -> list[str]:
    """Return the parts of a compound that stand alone; ``f-strings``, ``3.12`` and ``u.s`` stay whole."""
    if "'" in word:
        word = word[:-2] if word.endswith("'s") else word.replace("'", "")
    parts = [part for part in _PART.split(word) if part]
    if len(parts) < 2:
        return [word]
    if "_" in word:
        return [word, *parts]
    if re.fullmatch(r"\d+(?:\.\d+)+", word) or min(len(p) for p in parts if not p.isdigit() or len(parts) > 1) < 2:
        return [word] if not any(p.isdigit() for p in parts) or "." in word else parts
    return parts


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the stem of a lower-case English word, by stripping one plural and one common ending.

    A lighter relative of Porter's algorithm ("An algorithm for suffix stripping", 1980): no measure, fewer rules, and
    ``enforce, enforced, enforcement`` or ``create, created, creation`` still meet. Numbers lose leading zeros.
    """
    if word[:1].isdigit():
        return word.lstrip("0") or "0" if word.isdigit() else word
    if len(word) < 4 or "_" in word or not word.isascii():
        return word
    return _undouble(_strip(_singular(word)))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")):
        return word[:-1]
    return word


_ENDINGS = (
    ("ization", "iz"),
    ("isation", "iz"),
    ("ation", "at"),
    ("uction", "uc"),
    ("ition", ""),
    ("erent", "er"),
    ("ement", ""),
    ("ment", ""),
    ("ness", ""),
    ("ance", ""),
    ("ence", ""),
    ("sion", "s"),
    ("ion", ""),
    ("ing", ""),
    ("ied", "y"),
    ("ed", ""),
    ("ly", ""),
    ("osal", "os"),
    ("oval", "ov"),
    ("ival", "iv"),
    ("usal", "us"),
    ("ise", "iz"),
    ("ive", ""),
    ("e", ""),
)


_LATE = ("ance", "ence", "ition", "ive", "ion", "ly")


def _strip(word: str) -> str:
    for ending, instead in _ENDINGS:
        if word.endswith(ending):
            kept = word[: -len(ending)] + instead
            long_enough = 4 if ending in _LATE else 3
            if len(kept) >= long_enough and re.search("[aeiouy]", kept):
                return kept
            if ending in ("ing", "ed"):
                return word
    return word


def _undouble(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def terms(text: str) -> list[str]:
    """Return the content terms of ``text`` in order, with repeats: stems of everything but stop words."""
    found: list[str] = []
    for word in raw_words(text):
        if word in STOPWORDS:
            continue
        for part in _split(word):
            if part not in STOPWORDS and (len(part) > 1 or part.isdigit() or not part.isascii()):
                found.append(stem(part))
    return found


def keywords(text: str) -> list[str]:
    """Return the content words of ``text`` as written, in order, with repeats: the words of a search query."""
    return [re.sub(r"['’]s$", "", word) for word in _WORD.findall(text) if terms(word)]


def entities(text: str) -> list[str]:
    """Return what ``text`` names, in order, once each: quoted strings, identifiers, capitalised runs, ``PEP 572``.

    A capitalised word that merely opens a sentence is left out when it is a stop word or stands alone.
    """
    found: list[tuple[int, str]] = []
    for match in _QUOTED.finditer(text):
        found.append((match.start(), next(group for group in match.groups() if group)))
    for pattern in (_IDENTIFIER, _RUN):
        for match in pattern.finditer(text):
            found.extend((match.start(), name) for name in _named(text, match))
    kept: list[str] = []
    for _, name in sorted(found):
        if not any(name.lower() in other.lower() for other in kept):
            kept.append(name)
    return kept


def _named(text: str, match: re.Match[str]) -> Iterable[str]:
    name, start = match.group().rstrip("."), match.start()
    while name.split(" ")[0].lower() in STOPWORDS | {"compare", "give"}:
        _, _, rest = name.partition(" ")
        start += len(name) - len(rest)
        name = rest
    name = re.sub(r"['’]s$", "", name)
    opens = not text[:start].rstrip() or text[:start].rstrip()[-1] in ".!?:\n"
    plain = name[1:].islower() and " " not in name and "_" not in name
    if len(name) > 1 and not (opens and plain) and name.lower() not in STOPWORDS:
        yield name


def numbers(text: str) -> set[str]:
    """Return the numbers of ``text`` without signs of grouping, money or per cent, months of dates included."""
    found = {match.group().strip("$€£%").replace(",", "") for match in NUMBER.finditer(text)}
    for match in DATE.finditer(text):
        found.update(part.lstrip("0") for part in re.findall(r"\d+", match.group()))
    return {number.lstrip("0") or "0" if number.isdigit() else number for number in found if number}


def years(text: str) -> set[str]:
    """Return the years named in ``text``."""
    return {year for match in DATE.finditer(text) for year in re.findall(r"(?:1[0-9]|20)\d{2}", match.group())}


def negations(text: str) -> int:
    """Return how many negating words ``text`` has."""
    return sum(1 for word in raw_words(text) if word in NEGATIONS or word.endswith("n't"))


def documents(text: str) -> list[tuple[str, str]]:
    """Return numbered document names such as ``("pep", "572")`` in order, whatever joins name and number."""
    return [(match.group(1).lower(), match.group(2)) for match in NUMBERED.finditer(text)]
