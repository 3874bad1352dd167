"""From a question to its parts, and from a part to its search queries, by patterns of English. Pure.

A part is a question or phrase that can be understood alone: the subject of an earlier clause is carried into one that
only says "it". Which corpora and how many branches the parts are given is decided in the extractive analyst's plan.
"""

from __future__ import annotations

import re

from research.analysts.asking import REPHRASED, header_keys, kind_of
from research.analysts.following import first_asks
from research.analysts.relations import ask_of
from research.records import Record
from research.sentences import sentences
from research.words import documents, entities, keywords, terms

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


_UNKNOWN = re.compile(rf"(?:which|what) ((?:[\w-]+ ){{1,2}}?)((?!{_AUX}\b)\w+(?:ed|es|s) .+)", re.IGNORECASE)

_WRITTEN = ("author", "requires", "replaces", "superseded-by", "sponsor", "pep-delegate")
"""The commonest of the keys that mean the same, in heads of documents."""


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
        for clause in _clauses(sentence):
            whole = _carry(clause, before)
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
    pieces = [piece.strip(" ,;") for piece in _CLAUSE.split(sentence)]
    if not _IMPERATIVE.match(pieces[0]) and not entities(pieces[0]):
        return [sentence]  # "At the last census, what was …": it only says where to look.
    return [piece for piece in pieces if _worth(piece)] or [sentence]


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
        return f"{subject_of(before)}: {bare.group(1).lower()}?"
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
    unknown = re.match(
        r"(?:which|what) ((?:[\w-]+ ){1,2}?)((?!(?:is|are|was|were|do|does|did)\b)\w+(?:ed|es|s) .+)",
        clause,
        re.IGNORECASE,
    )
    if unknown:
        return f"the {unknown.group(1)}that {unknown.group(2).rstrip(' ?.')}"
    who = re.match(rf"who ((?!{_AUX}\b)\w+ .+)", clause, re.IGNORECASE)
    if who:
        named = entities(who.group(1))
        return named[-1] if named else f"the person who {who.group(1).rstrip(' ?.')}"
    named = [name for name in entities(clause) if not clause.startswith(name)] or entities(clause)
    if named:
        return named[-1]
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


def queries_for(objective: str) -> tuple[str, ...]:
    """Return one to three search queries: the key words, the names alone, the names with words of such an answer.

    Where the head of a numbered document is asked for, those words are the usual keys of such a head.
    """
    words = " ".join(keywords(objective)) or objective
    named = " ".join(entities(objective))
    about_head = documents(objective) and header_keys(objective)
    hint = "title author status created" if about_head else REPHRASED[kind_of(objective)]
    candidates = [objective, *_head_queries(objective), words]
    if len(terms(named)) > 1 or documents(named):
        candidates.append(named)
    if hint:
        candidates.append(f"{named or words} {hint}")
    return distinct(candidates, ())


def _head_queries(objective: str) -> list[str]:
    """Return queries for the heads of the documents that name what a lookup is about; see ``relations``."""
    ask = ask_of(objective)
    if ask is None or not ask.back:
        return []
    key = next((key for key in _WRITTEN if key in ask.back), sorted(ask.back)[0])
    names = [name.number or name.text for name in ask.subjects]
    return [f"{key} {name} {ask.noun} title author status type created" for name in names]


def distinct(queries: list[str], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the queries, in order, whose set of terms is new among themselves and against ``asked``."""
    seen = {query_key(query) for query in asked}
    kept: list[str] = []
    for query in queries:
        key = query_key(query)
        if query.strip() and key not in seen:
            seen.add(key)
            kept.append(query.strip()[:300])
    return tuple(kept)


def query_key(query: str) -> frozenset[str]:
    """Return what makes two queries the same: their set of terms."""
    return frozenset(terms(query)) or frozenset(query.casefold().split())
