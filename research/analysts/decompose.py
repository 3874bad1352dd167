"""From a question to its parts, by patterns of English. Pure.

A part is a question or phrase that can be understood alone: the subject of an earlier clause is carried into one that
only says "it". What a part is searched for with is worded in ``research.analysts.querying``; which corpora and how many
branches the parts are given is decided in the extractive analyst's plan.
"""

from __future__ import annotations

import re

from research.analysts.following import first_asks
from research.analysts.relations import ask_of
from research.records import Record
from research.sentences import sentences
from research.words import documents, entities, terms

LONGEST = 2000
"""Characters of a question that are looked at."""

_ASK = r"(?:who|whose|whom|what|when|where|why|how|which)\b"
_AUX = r"(?:is|are|was|were|do|does|did|can|could|has|have|had|should|will|would)"
_SUBJECT = r"(?:it|they|he|she|this|that|these|those|there|the|a|an|its|their|his|her|any|[A-Z]\w*)\b"
_CLAUSE = re.compile(
    rf"[,;]?\s+(?:and|but|or)(?: also)?\s+(?=(?i:{_ASK})|(?i:{_AUX}) {_SUBJECT})|;\s+|,\s+(?=(?i:{_ASK}) (?i:{_AUX})\b)"
)
_BARE = re.compile(r"^(?:and )?(why|when|where|how|who)\s*\??$", re.IGNORECASE)
_IMPERATIVE = re.compile(
    r"^(?:please\s+)?(?:compare|contrast|explain|describe|list|name|find|tell|give|show|summari[sz]e|outline|discuss|define"
    r"|what|who|when|where|why|how|which|is|are|does|do|did|can|should)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(its|their|his|her|it|they|them|he|she|him)\b", re.IGNORECASE)
_X, _Y = r"(?P<x>[^,;?]+?)", r"(?P<y>[^,;?]+?)"
_END = r"(?:,?\s+(?:in terms of|with respect to|with regard to|regarding|as to)\s+(?P<aspect>[^?;]+?))?\s*[?.!]*$"
_VERSUS = r"(?:versus|vs\.?)"
_CONTRASTS = tuple(
    re.compile(pattern + _END, re.IGNORECASE)
    for pattern in (
        rf"^(?:please )?(?:compare|contrast)(?: and contrast)? {_X},? (?:and|with|to|against|{_VERSUS}) {_Y}",
        rf"\b(?:differences?|distinctions?|similarit(?:y|ies)|comparison) (?:between|of) {_X},? and {_Y}",
        rf"^how (?:do|does|did|is|are|was|were) {_X} (?:differ(?:ent)? from|compared? (?:to|with)) {_Y}",
        rf"^(?:how|in what way) (?:do|does|did|is|are|was|were) {_X},? and {_Y} (?:differ(?:ent)?|compare)",
        rf"^what (?:distinguishes|separates|sets) {_X} (?:apart )?from {_Y}",
        rf"^(?:what about )?{_X} {_VERSUS} {_Y}",
    )
)
_EITHER = re.compile(
    r"^(?P<ask>(?i:who|which|what|is|are|was|were|do|does)\b[^?]*?)(?:,|:| between)?\s+(?:the\s+)?"
    r"(?P<x>[A-Z\"“][^,?]*?),? or (?:the\s+)?(?P<y>[A-Z\"“][^,?]*?)\s*\?*$"
)
_BOTH = re.compile(
    r"^(?:are|is|were|was|do|does|did|have|has) (?:both )?(?:the )?(?P<x>[A-Z\"“].*?) and (?:the )?(?P<y>[A-Z\"“].*?)"
    r"(?:,)? (?:both|the same|from the same|in the same|located)\b(?P<ask>[^?]*)\?*$",
    re.IGNORECASE,
)
_COMMON_HEAD = re.compile(r"^(?P<head>(?:the |a )?[\w -]+? (?:of|in|for) )(?P<rest>.+)$", re.IGNORECASE)
_DOCUMENT = r"(?:[A-Z][A-Za-z]{1,9}[ -]\d[\d.]*)"
_LIST = re.compile(rf"{_DOCUMENT}(?:, (?:and )?{_DOCUMENT})*,? and {_DOCUMENT}")


_UNKNOWN = re.compile(
    rf"(?:which|what) (?!{_AUX}\b|(?:the|a|an)\b)((?:[\w-]+ ){{1,2}}?)((?!{_AUX}\b)\w+(?:ed|es|s) .+)", re.IGNORECASE
)
_SERIES = re.compile(rf",\s+(?={_ASK} )", re.IGNORECASE)
_ENDS_SERIES = re.compile(rf",\s+and\s+(?={_ASK} )", re.IGNORECASE)
"""``What is X, who proposed it, and why …``: commas part the clauses where the last one is joined by ``and``."""
_REQUEST = re.compile(
    r"(?i)(?:^|[\s,;:])(?:(?:can|could|would|will) you |please |kindly )*(?:tell me|let me know|explain(?: to me)?"
    rf"|i(?:'d| would) like to (?:know|understand|find out)|i (?:want|need) to know)\s+(?={_ASK})"
)
"""Where a long sentence comes to what it asks."""

_BACKGROUND = 8
"""Content words before a request that make them its background."""


class Part(Record):
    """A part of the question.

    ``contrast`` marks the whole comparison, beside its sides. A part may need several hops: see
    ``research.analysts.following``.
    """

    objective: str
    contrast: bool = False


def decompose(question: str) -> tuple[Part, ...]:
    """Return the parts of the question in its order, at least one; a simple question is its own only part."""
    text = " ".join(question[:LONGEST].split())
    asked = [text[span.start : span.end] for span in sentences(text)]
    asked = _asked(asked) or [text]
    parts: list[Part] = []
    before = ""
    for sentence in asked:
        lookup = ask_of(_finish(sentence))
        together = lookup is not None and len(lookup.subjects) > 1 and lookup.operation != "value"
        told, request = _requested(sentence)
        before = told or before
        for clause in [sentence] if together else _clauses(request):
            whole = _direct(_about(_carry(clause, before), told)) if told else _carry(clause, before)
            parts.extend(_whole(whole) or _compared(whole) or _listed(whole) or [Part(objective=_finish(whole))])
            before = clause if entities(clause) or not before else before
    unique = {part.objective.casefold(): part for part in parts}
    return tuple(unique.values())


def _asked(found: list[str]) -> list[str]:
    """Return the sentences that ask; what merely tells the background is no task of its own."""
    asking = [s for s in found if s.endswith("?") or _IMPERATIVE.match(s)]
    if len(asking) == 1 and len(found) > 1 and not entities(asking[0]):
        return [" ".join(found)]
    return [s for s in asking if terms(s)] or [s for s in found if terms(s)]


def _clauses(sentence: str) -> list[str]:
    series = re.match(rf"{_ASK}", sentence, re.IGNORECASE) is not None and _ENDS_SERIES.search(sentence) is not None
    split = _CLAUSE.split(_SERIES.sub("; ", sentence) if series else sentence)
    pieces = [piece.strip(" ,;") for piece in split]
    if not _IMPERATIVE.match(pieces[0]) and not entities(pieces[0]):
        return [sentence]  # "At the last census, what was …": it only says where to look.
    return [piece for piece in pieces if _worth(piece)] or [sentence]


def _requested(sentence: str) -> tuple[str, str]:
    """Return what a long sentence tells before it comes to its request ("… so please tell me what …"), and that."""
    found = _REQUEST.search(sentence)
    if found is None or len(terms(sentence[: found.start()])) < _BACKGROUND:
        return "", sentence
    return sentence[: found.start()].strip(" ,;"), sentence[found.end() :]


def _about(clause: str, told: str) -> str:
    """Return the clause with what was told before it named as its subject, where it names nothing itself."""
    named = [name for name in entities(told) if documents(name)] or entities(told)[-2:]
    if not named or entities(clause):
        return clause
    return f"{clause.rstrip(' ?.')} about {' and '.join(dict.fromkeys(named))}?"


def _direct(clause: str) -> str:
    """Return ``when will it end?`` for ``when it will end?``, as it stands after ``tell me``."""
    found = re.match(rf"(?i)({_ASK}) (?!{_AUX}\b)(.+?) ({_AUX}) (\S.*)$", clause)
    return "{} {} {} {}".format(*found.group(1, 3, 2, 4)) if found else clause


def _worth(piece: str) -> bool:
    return bool(terms(piece)) or _PRONOUN.search(piece) is not None or _BARE.match(piece) is not None


def _finish(clause: str) -> str:
    clause = clause.strip(" ,;.")
    asks = re.match(rf"(?:{_ASK}|{_AUX}\b)", clause, re.IGNORECASE)
    if asks and not clause.endswith("?"):
        clause += "?"
    return clause[:1].upper() + clause[1:]


def _carry(clause: str, before: str) -> str:
    """Return the clause with its pronoun replaced by the subject of the clause before, where it names none itself."""
    bare = _BARE.match(clause)
    if bare is not None and before:
        return f"{bare.group(1)} {subject_of(before)}?"
    pronoun = _PRONOUN.search(clause)
    if pronoun is None or not before or entities(clause[: pronoun.start()]):
        return clause
    subject = subject_of(before)
    if not subject:
        return clause
    word = pronoun.group().lower()
    rest = clause[pronoun.end() :]
    if word in ("its", "their", "his") or (word == "her" and re.match(r" \w+", rest)):
        owned = re.match(r"\s+(\w+(?:-\w+)*)", rest)
        if owned:
            article = "" if re.search(r"\bthe $", clause[: pronoun.start()]) else "the "
            return f"{clause[: pronoun.start()]}{article}{owned.group(1)} of {subject}{rest[owned.end() :]}"
    return f"{clause[: pronoun.start()]}{subject}{rest}"


def subject_of(clause: str) -> str:
    """Return what the clause is about: the last thing it names, or "the PEP that …", or its noun phrase."""
    unknown = _UNKNOWN.match(clause)
    if unknown:
        return f"the {unknown.group(1)}that {unknown.group(2).rstrip(' ?.')}"
    who = re.match(rf"who ((?!{_AUX}\b)\w+ .+)", clause, re.IGNORECASE)
    if who:
        named = entities(who.group(1))
        return named[-1] if named else f"the person who {who.group(1).rstrip(' ?.')}"
    named = [name for name in entities(clause) if not clause.startswith(name)] or entities(clause)
    if named:
        return named[-1]
    defined = re.match(rf"what {_AUX} (.+)", clause.rstrip("?. "), re.IGNORECASE)
    if defined and terms(defined[1]) and not re.search(rf"\b(?:of|{_AUX[3:-1]})\b", defined[1]):
        return defined[1]
    runs: list[list[str]] = [[]]
    for word in clause.rstrip("?. ").split():
        if terms(word):
            runs[-1].append(word)
        else:
            runs.append([])
    filled = [run for run in runs if run]
    if not filled:
        return ""
    last = filled[-1]
    return " ".join(last[:-1] if len(filled) == 1 and len(last) > 1 else last)


def _compared(clause: str) -> list[Part]:
    """Return the whole comparison and one part per side, or nothing when the clause compares nothing."""
    for pattern in _CONTRASTS:
        match = pattern.search(clause)
        if match is not None:
            return _sides(clause, match["x"].strip(), match["y"].strip(), match["aspect"])
    either = _EITHER.match(clause) or _BOTH.match(clause)
    if either is None:
        return []
    ask = either["ask"].strip(" ,:?")
    return [Part(objective=f"{side.strip()}: {ask}") for side in (either["x"], either["y"])]


def _sides(clause: str, x: str, y: str, aspect: str | None) -> list[Part]:
    x, y = re.sub(r"^(?:both|either) ", "", x), y
    shared = _COMMON_HEAD.match(x)
    if shared is not None and not _COMMON_HEAD.match(y):
        aspect, x = shared["head"].rsplit(" ", 2)[0], shared["rest"]
    whole = Part(objective=_finish(clause), contrast=True)
    if aspect:
        topic = aspect.strip()
        return [whole, *(Part(objective=f"{topic[:1].upper()}{topic[1:]} of {side}") for side in (x, y))]
    return [whole, *(Part(objective=f"What {_be(side)} {side}?") for side in (x, y))]


def _be(noun: str) -> str:
    last = noun.split()[-1].lower() if noun.split() else ""
    return "are" if last.endswith("s") and not last.endswith(("ss", "us", "is")) and last.isalpha() else "is"


def _whole(clause: str) -> list[Part]:
    """Return the clause as one part where it is a lookup, or a chain of questions that ends in one answer."""
    whole = _finish(clause)
    ask = ask_of(whole)
    one = ask is not None and (len(ask.subjects) == 1 or ask.operation != "value")
    return [Part(objective=whole)] if one or first_asks(whole) else []


def _listed(clause: str) -> list[Part]:
    """Return one part per listed document (``PEP 484, PEP 526 and PEP 572``), or nothing without such a list."""
    found = _LIST.search(clause)
    if found is None:
        return []
    names = re.findall(_DOCUMENT, found.group())
    head = re.sub(r"\b(?:each|both|all) of $", "", clause[: found.start()])
    return [Part(objective=_finish(f"{head}{name}{clause[found.end() :]}")) for name in names]
