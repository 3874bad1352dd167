"""What a question asks of the heads of documents: whose entry, which keys, under which conditions. Pure, English only.

A head is the block of ``Key: value`` lines that opens a mail, a proposal, a page with front matter or a catalogue
entry. A question such as ``Who wrote X?`` or ``Which reports by Ann Lee have the status “Final”?`` is read as a lookup
in such heads: forwards from an entry that it names, or backwards from a value. A question that nests one description
in another (``the author of the report that replaced X``) is no lookup; following it step by step is done elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from research.analysts.naming import (
    AUTHOR,
    CREATED,
    POLAR,
    SLOT,
    STATES,
    STATUS,
    WROTE,
    Condition,
    Name,
    keys_of,
    named,
)
from research.records import Record
from research.words import STOPWORDS, terms

Operation = Literal[
    "value", "count", "first", "last", "lowest", "highest", "same", "share", "more", "fewer", "before", "after", "holds"
]
"""What is made of the lines; ``holds``: whether the subject's own line has the asked value in it."""


class Ask(Record):
    """A lookup. ``keys`` are read in the entries of ``subjects``; ``back`` in all others, for a subject as a value.

    ``noun`` is the series that bare numbers belong to (``PEP``). ``others`` leaves the subject's own entry out.
    """

    subjects: tuple[Name, ...]
    keys: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    operation: Operation = "value"
    noun: str = ""
    value: str = ""
    """Whom or what the line has to hold, where the question is whether it does (``holds``)."""


class _Relation(NamedTuple):
    """A verb or noun between an agent and a patient, and the keys under which the entry of each names the other."""

    verb: str
    of_patient: frozenset[str]
    of_agent: frozenset[str] = frozenset()
    agent_noun: str = ""
    patient_noun: str = ""


_RELATIONS = (
    _Relation(
        WROTE,
        AUTHOR,
        agent_noun=r"(?:co-?)?authors?",
    ),
    _Relation(r"sponsor(?:s|ed)?", keys_of("sponsor"), agent_noun="sponsors?"),
    _Relation(
        r"(?:delegated)", keys_of("delegate bdfl-delegate pep-delegate"), agent_noun=r"(?:[A-Z]{2,6}-)?[Dd]elegates?"
    ),
    _Relation(
        r"(?:supersede[sd]?|replace[sd]?|obsolete[sd]?|succeed(?:s|ed)?)",
        keys_of("superseded-by obsoleted-by replaced-by"),
        keys_of("replaces supersedes obsoletes"),
        agent_noun=r"(?:successors?|replacements?)",
        patient_noun=r"predecessors?",
    ),
    _Relation(
        r"(?:require[sd]?|depends? on)",
        keys_of("required-by"),
        keys_of("requires depends-on dependencies"),
        patient_noun=r"(?:requirements?|dependenc(?:y|ies))",
    ),
)
_ATTRIBUTES: tuple[tuple[str, frozenset[str]], ...] = (
    (r"when was|what date|which date|creation date|(?:which|what) year|date from|created|older|newer|oldest|newest"
     r"|earli(?:er|est)|lat(?:er|est)", CREATED),
    (r"status", STATUS),
    (r"(?:what|which|the) type", keys_of("type")),
    (r"category", keys_of("category")),
    (r"topics?", keys_of("topic topics")),
    (r"title", keys_of("title")),
    (r"versions? (?:of|is|does|do|was|did|are)|\w+ version\b", keys_of("version *-version")),
    (r"(?:more|fewer|most|fewest) authors|more people as|authors?", AUTHOR),
    (r"resolution", keys_of("resolution")),
)  # fmt: skip
_NOBILIARY = "van von de der den di da del della la le du bin al el ter ten dos y"
_PARTICLES = frozenset(_NOBILIARY.split())
_NEGATED = re.compile(r"(?i)\b(?:not|never|no|nor|neither|except|excluding|besides|without|nobody|but)\b|n['’]t\b")
_EITHER_WAY = re.compile(r"(?i)\b(?:before or after|after or before|older or newer|newer or older|earlier or later)\b")
_STATE_ASKED = re.compile(rf"(?i)is ⟦(\d+)⟧ (?:now |currently |still )?(?:an? )?({STATES})(?: now)?\W*$")
_SAID = """write wrote written writes co co-write co-wrote co-written co-author author authors authored coauthor
    name names named list lists listed among sponsor sponsors sponsored delegate delegated require requires required
    depend depends replace replaces replaced supersede supersedes superseded obsolete obsoletes obsoleted succeed
    succeeds succeeded successor replacement predecessor requirement dependency create created creation published last
    first early earlier earliest old older oldest recent recently late latest later new newer newest lowest highest
    numbered number document documents people person total altogether title titled entitled called report memo note
    proposal paper page article entry file standard specification item date dated year status state type category topic
    topics version versions resolution current currently today target targets share shared common more fewer fewest"""
_KNOWN = frozenset(terms(_SAID))
"""What may be said in a lookup besides its relation, its subject and its conditions."""
LINKS = frozenset(key for relation in _RELATIONS[3:] for key in (*relation.of_patient, *relation.of_agent))
"""Keys whose values are other documents."""
_PERSON = r"(?P<who>[^\W_][^\s,?⟦⟧]*(?: (?!(?:or|and|the|that|which|as|is|are|was|were)\b)[^\s,?⟦⟧]+){0,4}?)"
_HELD = rf"(?:{SLOT}|{_PERSON})"
_POINTERS = "the a an it its they that this each any all one which what who whom other most"
_DEICTIC = frozenset(_POINTERS.split())


def ask_of(question: str) -> Ask | None:
    """Return the lookup that the question asks for, or ``None`` when it is none that is understood.

    A question of which a content word is left over asks for more than the lookup would answer: that is none.
    """
    text, names, conditions = named(question)
    if _NEGATED.search(text) or _EITHER_WAY.search(text):
        return None
    noun = _noun(question) or next((name.series for name in names if name.series), "")
    state = _STATE_ASKED.match(text)
    if state and not conditions:
        return Ask(subjects=(names[int(state[1])],), keys=STATUS, operation="holds", noun=noun, value=state[2])
    relations = [(relation, found) for relation in _RELATIONS if (found := _related(relation, text))]
    operation = _operation(text)
    if len(relations) > 1 or (relations and (len(names) > 1 or _further(text, relations[0][1], operation))):
        return None
    if relations:
        relation, found = relations[0]
        whether = _whether(relation, found, text, names)
        if whether is not None or POLAR.match(text):
            return None if conditions else whether
        rest = text.replace(found.words, " ", 1)
        if _left(rest, noun) or re.search(SLOT, rest) or (conditions and found.known == "patient"):
            return None
        return _of_relation(relation, found, names, conditions, operation, noun)
    keys = _attribute(text)
    nested = re.search(r"\bthe [\w -]+ (?:of|by|that|which) (?!⟦)", text) is not None
    if keys and names and not conditions and not nested and not _left(text, noun):
        return Ask(subjects=tuple(names), keys=keys, operation=operation, noun=noun)
    return None


def _further(text: str, found: _Found, operation: Operation) -> bool:
    """Return whether more is asked of what the relation leads to: its date, its status, its author, what else."""
    rest = text.replace(found.words, " ", 1)
    ordered = operation in ("first", "last")
    attributes = [keys for pattern, keys in _ATTRIBUTES if re.search(rf"\b(?:{pattern})\b", rest, re.IGNORECASE)]
    nouns = "|".join(noun for relation in _RELATIONS for noun in (relation.agent_noun, relation.patient_noun) if noun)
    verbs = "|".join(relation.verb for relation in _RELATIONS)
    asked = any(keys is not CREATED or not ordered for keys in attributes) or re.match(r"when\b", rest, re.IGNORECASE)
    return bool(asked) or re.search(rf"\b(?:{nouns}|{verbs}|other)\b", rest, re.IGNORECASE) is not None


def hangs(question: str) -> bool:
    """Return whether the question is about a thing that it describes by something else that it names."""
    text, names, _ = named(question)
    return bool(names) and ask_of(question) is None and _nested(text)


def _left(text: str, noun: str) -> bool:
    """Return whether the text says more than a lookup does: a topic, a second person, a year."""
    own = {term for word in (noun, f"{noun}s") for term in terms(word)}
    plain = re.sub(rf"{SLOT}|\b[A-Z]\w+(?= versions?\b)", " ", text)
    return any(term not in _KNOWN and term not in own for term in terms(plain))


def _whether(relation: _Relation, found: _Found, text: str, names: Sequence[Name]) -> Ask | None:
    """Return the lookup of ``Did Ann Lee write X?`` and ``Was X written by Ann Lee?``: whether X's line has her."""
    slots = re.findall(SLOT, text)
    alone = len(slots) == 1 and found.known == "agent" and bool(found.who) and not relation.of_agent
    rest = re.sub(SLOT, " ", text.replace(found.words, " ", 1))
    if not alone or not POLAR.match(text) or _left(rest, "") or re.search(r"(?i)\b(?:alone|only|first|or|and)\b", rest):
        return None
    return Ask(subjects=(names[int(slots[0])],), keys=relation.of_patient, operation="holds", value=found.who)


def _noun(question: str) -> str:
    """Return the series that the question speaks of: ``PEP`` in ``Which PEPs …``; or of what it names."""
    found = re.search(r"\b([A-Z]{2,8})s?\b", question)
    return found.group(1).removesuffix("s") if found else ""


class _Found(NamedTuple):
    """Where a relation was seen: which side is known, and what it is: a slot's number or a person's name."""

    known: Literal["agent", "patient"]
    slot: str
    who: str
    words: str = ""


def _related(relation: _Relation, text: str) -> _Found | None:
    """Return the known side of the relation, or ``None`` when the text does not speak of it with a bare name."""
    verb, end = relation.verb, r"(?=[?.,]|$| (?:have|has|were|was|is|create|writ|wrote|or|and|as|among)\b)"
    patterns: list[tuple[Literal["agent", "patient"], str]] = [
        ("agent", rf"\b(?:did|does|do|has|have|had) {_HELD} {verb}\b"),
        ("agent", rf"(?<=\w )(?:that|which) {_HELD} {verb}\b"),
        ("agent", rf"\b{verb} by {_HELD}{end}"),
        ("patient", rf"\bby (?:which|what|whom) (?:[\w-]+ )?(?:was|is|were|are) {SLOT} {verb}\b"),
        ("patient", rf"\b{verb} {SLOT}"),
        ("patient", rf"\blists? {SLOT} among [^?]*\b{verb}\b"),
    ]
    if relation.of_patient is AUTHOR:
        patterns += [
            ("agent", rf"\bnames? {_HELD} as an? (?:co-?)?author"),
            ("agent", rf"\bis {_HELD} listed among the authors"),
            ("agent", rf"\bhow many of {_HELD}'s [A-Z]\w*"),
            ("agent", rf"\b(?:(?-i:[A-Z]{{2,8}})|\w+s) by {_HELD}{end}"),
        ]
    if relation.agent_noun:
        patterns += [
            ("patient", rf"\b{relation.agent_noun} (?:of|for) {SLOT}"),
            ("patient", rf"\b{relation.agent_noun} (?:does|did|do|has|have) {SLOT}"),
            ("patient", rf"{SLOT}'s {relation.agent_noun}\b"),
        ]
    if relation.patient_noun:
        patterns += [("agent", rf"\b{relation.patient_noun} (?:of|for) {SLOT}")]
    for known, pattern in patterns:
        match = re.search(pattern, text, re.IGNORECASE)
        if match is None:
            continue
        slot = next((group for group in match.groups() if group and group.isdigit()), "")
        who = (match.groupdict().get("who") or "").strip()
        if slot or (who[:1] and not _strangers(who)):
            return _Found(known, slot, "" if slot else who, match.group())
    return _Found("agent", "", "") if re.search(rf"\b{verb}\b", text, re.IGNORECASE) and _nested(text) else None


def _strangers(who: str) -> bool:
    """Return whether the words are no name: they begin with a pointer, or hold words that no name has."""
    words = who.split()
    small = [word for word in words if word.islower() and word not in _PARTICLES]
    mixed = bool(small) and len(small) < len(words)
    return mixed or words[0].lower() in _DEICTIC | STOPWORDS or any(word in STOPWORDS for word in words)


def _nested(text: str) -> bool:
    """Return whether the text describes something instead of naming it."""
    return re.search(r"\bthe (?!status|author)[\w -]+ (?:that|which|of|by|for) ", text) is not None


def _of_relation(
    relation: _Relation,
    found: _Found,
    names: list[Name],
    conditions: list[Condition],
    operation: Operation,
    noun: str,
) -> Ask | None:
    if not found.slot and not found.who:
        return None
    subject = names[int(found.slot)] if found.slot else Name(text=found.who)
    ahead, back = (
        (relation.of_agent, relation.of_patient) if found.known == "agent" else (relation.of_patient, relation.of_agent)
    )
    keys = ahead if found.slot else frozenset[str]()
    return (
        Ask(subjects=(subject,), keys=keys, back=back, conditions=tuple(conditions), operation=operation, noun=noun)
        if keys or back
        else None
    )


def _attribute(text: str) -> frozenset[str]:
    """Return the keys of the one attribute that is asked for, none when there are several."""
    found = [keys for pattern, keys in _ATTRIBUTES if re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE)]
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else frozenset()


_OPERATIONS: tuple[tuple[Operation, str], ...] = (
    ("count", r"\bhow many\b|\bnumber of (?!the\b)(?:[\w-]+ )?\w+s\b"),
    ("lowest", r"\blowest-numbered\b|\blowest\b"),
    ("highest", r"\bhighest-numbered\b|\bhighest\b"),
    ("more", r"\b(?:more|most) (?:authors|people)\b"),
    ("fewer", r"\b(?:fewer|fewest) (?:authors|people)\b"),
    ("same", r"\bthe same\b"),
    ("share", r"\bshare\b"),
    ("before", r"^(?:was|is|were) .*\b(?:before|older than|earlier than)\b"),
    ("after", r"^(?:was|is|were) .*\b(?:after|(?:newer|younger|later) than)\b"),
    ("first", r"\b(?:first|earliest|oldest|older|earlier)\b"),
    ("last", r"\b(?:last|latest|newest|newer|later|most recent|most recently)\b"),
)


def _operation(text: str) -> Operation:
    return next((name for name, pattern in _OPERATIONS if re.search(pattern, text, re.IGNORECASE)), "value")
