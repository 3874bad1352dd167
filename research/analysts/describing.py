"""Descriptions inside a question ("the country where X was born", "X's author"), each as a question of its own. Pure.

A description is what stands for a name that the question does not tell. English puts what it hangs on to its right, so
the last one of a question is the innermost. Following the questions one after another is in
``research.analysts.following``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SLOT = re.compile(r"⟨(\d+)⟩")
_MASK = r"«\d+»"
_TOKEN = rf"(?:{_MASK}|⟨\d+⟩)"
_CAPITAL = r"(?:[A-ZÀ-ÞŁŠŽ][\w.'’&+-]*|\d[\w.,-]*\b)"
_JOIN = r"(?:of|the|de|la|van|von|der|du|and|in|to|for|a|an|&|al|bin|with|und|et|le|les|los|y)"
_RUN = rf"(?:{_TOKEN}|{_CAPITAL})(?:,? (?:{_TOKEN}|{_CAPITAL})|(?: {_JOIN}){{1,2}} {_CAPITAL})*"
_NO_NOUN = (
    r"(?:is|was|are|were|do|does|did|has|have|had|will|would|can|could|should|born|by|on|at|from|with|as|or|but|who"
    r"|that|which|where|when|during|after|before|under|over|into|than|also|not)\b"
)
_THING = (
    rf"(?:the {_RUN} (?!{_JOIN}\b|{_NO_NOUN})[a-z]+(?<!ed)(?<!ing)(?= )"
    rf"|(?:the )?{_RUN}(?: (?!{_JOIN}\b|born\b)[a-z]+(?<!ed)(?=[?,.]|$))?)"
)
_NOUN = r"(?P<noun>(?:[\w-]+ ){0,3}?(?:[a-z][\w-]+|[A-Z]{2,8}))"
_BE = r"(?:is|was|are|were)"
_DOING = r"(?:containing|producing|publishing|performing|premiering|bordering|housing|featuring|starring|released by)"
_STATE = (
    r"(?:located|born|found|situated|based|set|held|released|filmed|produced|formed|fought|built|published|buried"
    r"|licensed to \w+|a citizen|from|in|headquartered)"
)
_BORN = r"(?:birth ?place|(?:place|city|town) of birth|birth city)"
_BIRTH = re.compile(_BORN, re.IGNORECASE)
_KINDS = r"(?:first|second|third|last|next|best|worst|national|largest|biggest|new|old|own|\d+)\b"
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("owned", rf"(?P<rest>{_RUN})['’]s? (?P<noun>(?:main |birth |home |alma )?[a-z][\w-]+(?: of birth)?)"),
        ("of", rf"\bthe {_NOUN} (?P<link>of|by|for) (?P<rest>{_THING})"),
        ("done", rf"\bthe {_NOUN} (?P<rest>(?:\w+ed|written|made|won|{_DOING})(?: by| for| in| as)? {_THING})"),
        ("of", rf"(?:\bthe |(?<!the )\b)(?P<noun>{_BORN}) (?P<link>of) (?P<rest>{_THING})"),
        ("where", rf"\b(?:the|a) {_NOUN},? (?:where|in which|on which|at which) (?P<rest>(?:[^?,;]|, (?=[A-Z]))+)"),
        ("who", r"\bthe (?P<noun>person|man|woman|individual|one) (?:who|that) (?P<rest>[^?,;]+)"),
        ("that", rf"\b(?:the|a|an) {_NOUN},? (?:that|which|who) (?P<rest>[^?,;]+)"),
        ("bare", rf"\bthe {_NOUN} (?P<rest>{_RUN} (?:{_BE}|\w+ed|\w+s)\b[^?,;]*)"),
        ("whose", rf"\b(?:the|a|an) {_NOUN} whose (?P<rest>[^?,;]+)"),
    )
)
_MAKERS = {
    "author": "wrote", "writer": "wrote", "director": "directed", "performer": "performed", "singer": "sang",
    "composer": "composed", "producer": "produced", "founder": "founded", "inventor": "invented",
    "creator": "created", "developer": "developed", "designer": "designed", "publisher": "published",
    "teacher": "taught", "owner": "owns",
}  # fmt: skip
_PERSONS = """spouse wife husband father mother sibling brother sister child son daughter mayor president king queen
    chief executive delegate sponsor leader head coach manager governor minister star architect discoverer"""
_PEOPLE = frozenset(_PERSONS.split())
_UNLIKE = re.compile(rf"\b(?:{_BE}|of|that|who|which|where|whose|did|do|does|the|named|known|considered|used)\b")
_ABSTRACT = """name term kind type number amount percentage part end start beginning use time year purpose meaning
    role effect impact influence difference importance idea view opinion approach strategy goal plan target problem
    reason success failure future history performance behavior behaviour growth revenue profit income sales earnings
    price cost value rate share margin size length height width weight age speed temperature performance population"""
_NO_THING = frozenset(_ABSTRACT.split())
"""Nouns of measures and of what is thought or done: what they stand for is no thing that more could be asked of."""
_OUTER = re.compile(
    r"\W*(?:(?:what|who|which|where|whom)(?: (?:[\w-]+ ){0,2}(?:is|was|are|were)(?: all)?)?(?: the (?:name|names) of)?"
    r"|(?:please )?(?:name|list|give|find)(?: all| every| each)?)?\W*",
    re.IGNORECASE,
)
_WHEN = re.compile(r"(?: (?:in|during|at|on|as of|since|until|before|after) [\w ,-]*)?\W*")
"""What may stand before a description that is all that is asked for, and, at most when or where, after it."""
_DOES = re.compile(r"\b(?:do|does|did|will|can|could|has|have|had) $")
_PAST = re.compile(rf"(?P<who>{_RUN}) (?:(?P<done>[a-z]+ed)|(?P<irregular>wrote|won|made|built|led|founded|drew))$")
_PASSIVE = re.compile(rf"(?P<who>{_RUN}) {_BE} (?P<done>[a-z]+ed) by$")
_PARTICIPLES = {"wrote": "written", "drew": "drawn"}
_LISTED = re.compile(rf",? (?:and |or )(?:the )?(?:{_TOKEN}|{_CAPITAL})")
_MARKS = str.maketrans(dict.fromkeys("«»⟨⟩", " "))
_TITLED = re.compile(r"the ([A-Za-z][\w-]*) titled ([“\"][^”\"]+[”\"])")
_QUOTED = re.compile(r"[“\"][^”\"]+[”\"]|\b[A-Z]{2,8}[ -]#?\d+\b")


class Described(NamedTuple):
    """A description: where it stands, the questions that it answers to (several wordings of one), its noun."""

    start: int
    end: int
    asks: tuple[str, ...]
    noun: str


def masked(text: str) -> tuple[str, list[str]]:
    """Return the text with marks for quoted titles and numbered documents, and what each mark stands for."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"«{len(kept) - 1}»"

    text = text.translate(_MARKS)
    text = re.sub(r"\bthe \w+ that is (?=the \w+ of )", "", text)
    return _QUOTED.sub(keep, _TITLED.sub(keep, text)), kept


def unmasked(text: str, kept: list[str]) -> str:
    """Return the text with the marks replaced by what they stand for."""
    whole = re.sub(_MASK, lambda match: kept[int(match.group()[1:-1])], text)
    return whole if whole == text else unmasked(whole, kept)  # a title may hold a numbered document


def innermost(text: str) -> Described | None:
    """Return the last description in a masked question that is not all that is asked for, else ``None``."""
    found: list[Described] = []
    for name, pattern in _SHAPES:
        for at in range(len(text)):
            match = pattern.match(text, at) if at == 0 or text[at - 1] in ' (“"' else None
            described = _described(name, match, text) if match else None
            if described:
                found.append(described)
    best = max(found, key=lambda one: (one.start, one.end), default=None)
    if best is None or (_OUTER.fullmatch(text[: best.start]) and _WHEN.fullmatch(text[best.end :])):
        return None
    return best


def _described(name: str, match: re.Match[str], text: str) -> Described | None:
    noun, rest = match["noun"].strip(), match["rest"].rstrip(" .")
    last = noun.split()[-1]
    if name == "of" and match["link"] == "by" and re.fullmatch(r"\w+(?:ed|en)", last) and " " in noun:
        name, noun, rest = "done", noun.removesuffix(f" {last}"), f"{last} by {rest}"
        last = noun.split()[-1]
    if name == "bare" and re.match(r"\d", rest):
        return None  # "the past 10 years": an amount, and nobody's doing
    if last in _NO_THING or not _names(rest) or (_UNLIKE.search(noun) and (name == "bare" or not _BIRTH.search(noun))):
        return None
    if name == "of" and re.match(_KINDS, noun) and last.removesuffix("s") not in {*_PEOPLE, *_MAKERS}:
        return None
    if name == "owned" and (re.match(_KINDS, noun) or re.search(rf"[^?] {_CAPITAL},? $", text[: match.start()])):
        return None
    if name in ("that", "where", "who", "bare", "whose"):
        rest = _clause(name, rest, subject=_is_subject(text[: match.start()]))
    if name == "of" and _DOES.search(text[: match.start()]) and not text[match.end() :].strip(" ?."):
        rest = re.sub(r" [a-z]+$", "", rest)  # what the described one does: "did the author of PEP 1 write?"
    end = match.end() if name in ("owned", "done") else match.start("rest") + len(rest)
    if name in ("owned", "of", "done") and _LISTED.match(text, end):
        return None
    asks = _asks(name, noun, rest, match.groupdict().get("link") or "of")
    return Described(match.start(), end, asks, last) if asks else None


def _names(text: str) -> bool:
    return re.search(rf"{_TOKEN}|\b[A-ZÀ-Þ0-9]", text) is not None


def _is_subject(before: str) -> bool:
    """Return whether the words before leave the verb to come after the description."""
    return re.search(r"\b(?:did|does|do|is|was|are|were|has|had|will|can) $", before) is not None


def _clause(name: str, rest: str, *, subject: bool) -> str:
    """Return the relative clause without what follows it in the sentence around it."""
    near = rf"(?:{_BE} )?\w+(?: by| on| in)? {_TOKEN}|{_TOKEN} (?!{_BE}\b)\w+|{_TOKEN} {_BE} [a-z]+ed by\b"
    short = re.match(near, rest) if name == "that" else None
    if short and "⟨" not in rest[short.end() :]:
        return short.group()
    state = re.match(rf".*? {_BE} {_STATE}\b", rest)
    if state and (subject or re.match(r" (?:leave|become|became|get|gain|join|start|fall)", rest[state.end() :])):
        return state.group()
    named = re.match(rf"(?:{_BE} )?\w+(?: by| on| in| the)* {_RUN}", rest) if subject else None
    return named.group() if named else rest


def _asks(name: str, noun: str, rest: str, link: str) -> tuple[str, ...]:
    plain = re.sub(r"^(?:only other|only|other|main|same) ", "", noun)
    last = plain.split()[-1]
    if name in ("of", "owned"):
        return _of(noun, plain, last, rest, link)
    if name == "who":
        return (f"Who {rest}?",)
    if name == "where":
        return (f"In which {plain} {_inverted(rest)}?",)
    if name == "whose":
        return (f"Which {plain}'s {rest}?",)
    if name == "done":
        if "numbered" in plain:
            return (f"Which is the {plain} {rest}?",)
        return (f"Which {plain} {rest}?",) if rest.split()[0].endswith("ing") else (f"Which {plain} is {rest}?",)
    active = re.match(rf"({_RUN}) (\w+?)s$", rest) if name == "that" else None
    if active:
        return (f"Which {plain} does {active[1]} {active[2]}?",)
    past, passive = _PAST.match(rest), _PASSIVE.match(rest)
    if name == "that" and past:
        done = past["done"] or _PARTICIPLES.get(past["irregular"], past["irregular"])
        return (f"Which {plain} was {done} by {past['who']}?",)
    if name == "that" and passive:
        return (f"Which {plain} {passive['done']} {passive['who']}?",)
    if name == "bare":
        return (f"Which {plain} {_inverted(rest)}?",)
    asking = "Who" if last in _MAKERS or last in _PEOPLE else f"Which {plain}"
    return (f"{asking} {rest}?",)


def _of(noun: str, plain: str, last: str, rest: str, link: str) -> tuple[str, ...]:
    if _BIRTH.search(plain) or _BIRTH.search(f"{plain} {link} {rest}"):
        bare = re.sub(r"^birth of ", "", rest)
        return (f"Where was {bare} born?",)
    if link == "by" or (link == "for" and last not in _PEOPLE):
        return (f"Which is the {noun.removeprefix('only ')} by {rest}?",) if link == "by" else ()
    single = last.removesuffix("s")
    verb = _MAKERS.get(single, "")
    if verb and plain == last:
        return (f"Who {verb} {rest}?", f"Who is the {single} of {rest}?")
    asks = "Who" if verb or single in _PEOPLE else "What"
    return (f"{asks} {'are' if single != last and verb else 'is'} the {plain} {link} {rest}?",)


def _inverted(rest: str) -> str:
    """Return the clause in the order of a question: its verb before its subject, where that is plain to see."""
    found = re.match(rf"(?P<subject>.+?) (?P<be>{_BE}|did|does|has|had|can) (?P<tail>.+)$", rest)
    return f"{found['be']} {found['subject']} {found['tail']}" if found else rest
