"""Named patterns of text that tries to instruct the model that reads it, counted for people. Pure.

No count changes what happens: a page that tries is read like any other, as data, and its quotes stand or fall like any
others. What holds against such text is in ``research.access`` and ``research.prompts``. A text without signs is not
safe: whoever words an order as a plain sentence leaves none. How many attacks each pattern finds, and in how many
honest texts it is wrong, is measured by ``python -m bench.injection_signs``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal

from research.records import Record, ident

HIDDEN = "hidden text"
PIECE = 200_000
"""Code points that are searched in one go."""
MOST = 1_000
"""Matches of one pattern that are counted in one text; a page that repeats itself is no worse than that."""

_GAP = r"[^.!?\n]{0,60}?"
"""What may stand between two words of a sentence. One gap a pattern, so that a text is read in linear time."""
_READER = (
    r"(?:ai|a\.i\.|llms?|language models?|ai assistants?|assistants?|chat ?bots?|chatgpt|gpt|claude|gemini|ai agents?)"
)
_REPLY = r"(?:reply|response|answer|output|summary|report|message)"
_CODE = (
    r"(?:following|subsequent|below|this|provided|given) "
    r"code (?:snippet|block|excerpt|section|segment|fragment|piece)\b"
)

_ZERO_WIDTH = "\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff"
_HIDDEN = (
    "[\U000e0000-\U000e007f]+"  # tag characters, which spell ASCII and show nothing
    "|[\U000e0100-\U000e01ef]{2,}"  # variation selectors in a row, which can spell bytes
    "|[\u202a-\u202e\u2066-\u2069]+"  # text that is shown in another order than it is read
    f"|[{_ZERO_WIDTH}]{{3,}}"
)

_OUTSIDE = r"(?:https?:|\bwww\.)"

PATTERNS: Mapping[str, re.Pattern[str]] = {
    "asks to ignore instructions": re.compile(
        r"\b(?:ignor\w{1,3}|disregard\w{0,3}|forget|overrid\w{1,3}|bypass|neglect|do not follow|stop following)\b"
        + _GAP
        + r"\b(?:instructions?|prompts?|guidelines|directions|orders|commands you|rules you"
        r"|you were told|told before)\b"
        r"|\bstrictly adhere to the following\b|(?:^|\n)\W{0,4}(?:your )?new instructions?\s?:"
    ),
    "speaks as system or user": re.compile(
        r"(?:^|\n)[ \t>*#\[(]{0,6}(?:system|assistant|human|ai)(?: (?:prompt|message|instructions?|note|override))?"
        r"[*\])]{0,3}:[ \t]{1,4}(?=\w)"
        r"|(?:^|\n)[ \t]{0,4}#{2,4} ?(?:system|instructions?|response|human|assistant)\b[ \t]{0,4}:"
    ),
    "claims that the task is done": re.compile(
        r"\b(?:answer|response|result|status|output)\s{0,4}:\s{0,4}(?:the |your |this )?"
        r"(?:task|request|job|question|assignment)\s{1,3}(?:is |was |has been )?"
        r"(?:complet\w{1,3}|done|finished|answered)\b"
    ),
    "asks to call a tool or visit an address": re.compile(
        r"\b(?:call|invoke|trigger|execute)\s{1,3}(?:the |an? |your |this )?[\w.-]{0,40}\s{0,3}\b(?:tool|plugin)\b"
        r"|(?<![\w-])(?:send|post|forward|upload|submit|transmit|exfiltrate) "
        r"(?:it|them|this|these|that|all|everything|an?|the)"
        rf"\b[^!?\n]{{0,60}}?{_OUTSIDE}"
        rf"|\b(?:visit|open|fetch|navigate to|go to|download)\b[^!?\n]{{0,20}}?{_OUTSIDE}\S{{1,120}}"
        r" and (?:follow|do|run|report|summari[sz]e|execute|include)\b"
    ),
    "asks for an act in the user's name": re.compile(
        r"\bplease (?:\w{1,12}ly )?(?:grant|transfer|send|delete|share|move|access|retrieve|deposit|withdraw|unlock"
        r"|disable|schedule|cancel|book|pay|buy|order|redirect|modify|change|update|generate|provide|export|download"
        r"|manage|remove|execute)\b"
        + _GAP
        + r"(?:\bmy\b|\bme\b|\buser's\b|\b(?:account|user|server|project|case|patient|student) (?:number|id)\b|\$ ?\d)"
        r"|\b(?:transfer|withdraw|send|deposit)\b[^.!?\n]{0,20}?(?:\$ ?\d|\bbitcoins?\b|\btransaction to\b)"
        r"|(?:^|\n)[ \t]{0,4}todo: "
        r"(?:send|transfer|pay|delete|forward|share|e-?mail|post|visit|change|invite|book|reserve)\b"
    ),
    "asks to act unseen": re.compile(
        r"\bwithout (?:asking|telling|notifying|informing|consulting|alerting)(?: for)? (?:me|permission|confirmation"
        r"|the (?:user|owner|person|human))\b"
        r"|\b(?:do not|don't|never) (?:tell|inform|notify|alert|mention (?:this|it|these|that) to"
        r"|reveal (?:this|it) to) (?:the |your )?(?:users?|humans?|anyone|reader|operator)\b"
    ),
    "asks for secrets or prompts": re.compile(
        r"\b(?:reveal|repeat|print|show|output|display|leak|disclose|exfiltrate|send|share|retrieve|tell me|give me)\b"
        + _GAP
        + r"(?:\b(?:system|initial|original|hidden|secret) (?:prompt|instructions)|\byour (?:prompt|rules)\b"
        r"|\b(?:saved|my|user's|your|stored|all) (?:passwords?|credentials|api[ _-]?keys?|secrets?|access tokens?)\b)"
    ),
    "asks to state or recommend something": re.compile(
        r"\b(?:add|include|append|augment|enhance|modify|alter|adjust|embed|integrate|insert|incorporate|mention|provide"
        r"|render|write|replace|substitute|remove|misspell|scramble|rearrange|anagram|combine|group|use|suggest|express"
        r"|encrypt|encode|weave|craft|produce|generate|format|present|deliver|convert|start|begin|end)\b"
        + _GAP
        + rf"\byour (?:\w{{1,12}} )?{_REPLY}\b|\bin your (?:final )?{_REPLY}\b"
        r"|\byou (?:must|should|have to|need to|will) (?:always |only |now )?(?:say|state|conclude|recommend"
        r"|respond|reply|answer|output|rank)\b|\b(?:respond|reply|answer) (?:only )?with (?:only |the words? |exactly )"
    ),
    "brings code to put in": re.compile(
        rf"\b{_CODE}[^.!?\n]{{0,60}}?\b(?:your|you)\b|\byour\b[^.!?\n]{{0,60}}?\b{_CODE}"
        rf"|\bdon't (?:hesitate|forget) to\b[^.!?\n]{{0,40}}?\b{_CODE}"
    ),
    "gives the reader a role": re.compile(
        r"\byou are (?:now|no longer) (?:an? |my |the |called |bound |in |under |free |restricted |unrestricted )"
        r"|\bfrom now on,? you\b|(?:^|[.!?:;\n] ?)pretend (?:to be|that you|you are)\b"
        rf"|\bact as (?:an? |my |if you )(?:\w{{1,15}} ){{0,2}}{_READER}\b"
        r"|\b(?:developer|dan|jailbreak|god) mode (?:is )?(?:on|enabled|activated)\b"
        r"|\byour (?:new|real|true) (?:task|role|goal|instructions?|purpose) (?:is|are)\b"
    ),
    "addresses the model": re.compile(
        r"\b(?:important|urgent|special) (?:message|notice|note|instructions?) (?:from|for|to) (?:the |all |any |an? )?"
        rf"(?:{_READER}|user|system|developer|me|you)\b|\bimportant\s?!!"
        r"|\b(?:if you are|attention|dear|note to|hey|hello|message (?:to|for)|instructions? (?:to|for))[ ,:]{1,3}"
        rf"(?:an? |the |all |any )?{_READER}\b"
        rf"|\bas an? {_READER},? you\b|\b(?:any|all|every) {_READER} (?:reading|that reads?|who reads?|must|should)\b"
    ),
    "forged delimiter": re.compile(
        r"<\|[a-z_]{2,30}\|>|\[/?inst\]|<</?sys>>|</?(?:start|end)_of_turn>"
        r"|</?(?:system|instructions?|assistant|user_query|system_prompt|tool_result|tool_call|function_results|information)>"
        r"|</?(?:passage|hit|finding|quote|claim|sentence|task|done)-\d{4,20}[ >]"
        r"|---\s{0,3}(?:begin|end|start)(?: of)?(?: the)? (?:system|prompt|user|context|instructions?|document)\b"
    ),
    HIDDEN: re.compile(_HIDDEN),
}
"""Patterns by what a text does that they match, in words for people. All but the last one read lower-cased text."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "asks to ignore instructions": (
        "instruction",
        "prompt",
        "guidelines",
        "directions",
        "orders",
        " you",
        "told",
        "adhere",
    ),
    "speaks as system or user": ("system", "assistant", "human", "ai", "##"),
    "claims that the task is done": ("task", "request", "job", "question", "assignment"),
    "asks to call a tool or visit an address": ("tool", "plugin", "http", "www."),
    "asks for an act in the user's name": ("please", "transfer", "withdraw", "send", "deposit", "todo"),
    "asks to act unseen": ("without", "do not", "don't", "never"),
    "asks for secrets or prompts": (
        "prompt",
        "instructions",
        "rules",
        "password",
        "credential",
        "key",
        "secret",
        "token",
    ),
    "asks to state or recommend something": ("your", "you ", " with "),
    "brings code to put in": (" code ",),
    "gives the reader a role": ("you", "pretend", "act as", " mode "),
    "addresses the model": (
        *("important", "urgent", "special", "if you are", "attention", "dear", "note", "hey", "hello", "message"),
        *("instruction", "as a", "any", "all", "every"),
    ),
    "forged delimiter": ("<", "[", "---"),
}
"""Of each pattern, words of which every match holds one: a text that has none of them need not be searched."""

_MASKED = re.compile(f"[{_ZERO_WIDTH}]")


def signs_in(text: str) -> dict[str, int]:
    """Return how often each pattern stands in ``text``, without those that do not; in the order of the table.

    Takes time in proportion to the text, whatever it says. Control and tag characters are gone from a stored text
    (``research.clean``): of hidden text only zero-width characters and variation selectors can be found there; what
    was there before is counted by :func:`hidden_in`, where a page is parsed.
    """
    return added(_signs(piece) for piece in _pieces(text))


def hidden_in(text: str) -> int:
    """Return how many runs of characters that show nothing, or reorder what is shown, stand in ``text``."""
    return 0 if text.isascii() else _matches(PATTERNS[HIDDEN], text)


def _signs(text: str) -> dict[str, int]:
    read = _folded(text)
    found = {
        name: _matches(pattern, read)
        for name, pattern in PATTERNS.items()
        if name in _NEEDED and any(word in read for word in _NEEDED[name])
    }
    hidden = 0 if text.isascii() else _matches(PATTERNS[HIDDEN], text)
    return {name: count for name, count in {**found, HIDDEN: hidden}.items() if count}


def _pieces(text: str) -> Iterator[str]:
    """Yield the text in pieces of whole lines where there are any, so that other threads get their turn between."""
    at = 0
    while at < len(text):
        end = text.rfind("\n", at, at + PIECE) + 1 if at + PIECE < len(text) else len(text)
        end = end if end > at else at + PIECE
        yield text[at:end]
        at = end


def _matches(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in islice(pattern.finditer(text), MOST))


def _folded(text: str) -> str:
    """Return the text as the patterns read it: compatibility forms and case folded, nothing invisible inside words."""
    plain = text if text.isascii() else _MASKED.sub("", unicodedata.normalize("NFKC", text)).replace("\u2019", "'")
    return plain.lower()


def added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of counts by pattern, in the order of the table."""
    listed = list(counts)
    sums = {name: min(MOST, sum(count.get(name, 0) for count in listed)) for name in PATTERNS}
    return {name: number for name, number in sums.items() if number}


def spoken(signs: Mapping[str, int]) -> str:
    """Return counts in words: ``asks to ignore instructions (twice), hidden text (3 times)``."""
    return ", ".join(f"{name}{_times(number)}" for name, number in signs.items())


def _times(number: int) -> str:
    if number == 1:
        return ""
    more = f"{number:,} times" if number < MOST else f"{MOST:,} times or more"
    return f" ({'twice' if number == 2 else more})"


class Attempt(Record):
    """A page, or what a search service said of it, that tried to instruct its reader: the patterns, and how often each.

    ``source`` is the id of the page's stored text, empty for a search result.
    """

    url: str
    title: str
    where: Literal["page", "search result"]
    signs: dict[str, int]
    source: str = ""

    @property
    def id(self) -> str:
        """The name of the record: the same words at the same place are one attempt."""
        return ident("a", self.url, self.where, self.source, self.title, self.signs)


def attempts_in(stored: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Return one attempt for each place, by address: whichever branch met it first, and however often."""
    places: dict[tuple[str, str, str], list[Attempt]] = {}
    for attempt in sorted(stored, key=lambda one: (one.url, one.where, one.source, one.id)):
        places.setdefault((attempt.url, attempt.where, attempt.source), []).append(attempt)
    return tuple(_merged(same) for same in places.values())


def _merged(same: Sequence[Attempt]) -> Attempt:
    signs = added(attempt.signs for attempt in same)
    first = same[0]
    return Attempt(url=first.url, title=first.title, where=first.where, signs=signs, source=first.source)
