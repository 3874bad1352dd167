"""What the far side of the reference question says: 18 pages of 1,000 words on three subjects, and a model.

The model answers by the fields of the schema and by the tagged blocks of the prompt, never by a prompt's words: three
tasks of three queries, three quotes a page, every other one told in other words, a report of about 1,500 tokens whose
sentences join two findings each, and a reason to each verdict. :class:`Endless` is never content: each answer of its
model asks for more.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from tools.fakes.paced_server import Article
from tools.fakes.persona import Answer, answer_to, asked_schema, blocks, smallest

QUESTION = "How are lighthouses built, how are canals paid for, and how are bridges kept in repair?"
SUBJECTS = ("lighthouses built", "canals paid", "bridges repaired")
PAGES = 6
"""Pages of each subject."""
SENTENCES = 40
"""Of each page; 23 words or so a sentence."""
PARAGRAPH = 4
QUOTES = 3
"""Of each page."""
SECTIONS, WRITTEN, ANSWERED = 5, 6, 3
"""Sections of the report, sentences of each, sentences of its answer."""
REASON = "the quotes name the same office, the same year and the same sum as the claim"

_ENTRY = re.compile(r"entry (\d+)\.(\d+)")
_SENTENCE = re.compile(r"In \d{4} the [^()]*\(entry \d+\.\d+\)\.")
_OFFICES = ("harbour office", "county surveyor", "board of works", "guild of masons", "water board", "toll committee")
_VERBS = ("ordered", "measured", "bought", "sold", "shipped", "inspected", "refused", "stored", "counted", "hauled")
_GOODS = ("granite blocks", "oak piles", "iron plates", "barrels of lime", "lamp oil", "copper sheets", "clay bricks")
_REASONS = (
    "storms had carried off the older works",
    "the tolls had paid for no more than that",
    "the engineer had asked for twice as much",
    "the town would not lend another penny",
    "the current had undermined two piers",
)
_SYLLABLES = ("bar", "dun", "kel", "mor", "nor", "pen", "ros", "tar", "ver", "wick", "holm", "stead", "ford", "mouth")


@lru_cache(maxsize=4096)
def article(number: int) -> Article:
    """Return page ``number``: every sentence ends in its own entry, so that it is seen which of them were shown."""
    draw = random.Random(number)
    subject = SUBJECTS[number % len(SUBJECTS)].split()[0]
    written = [_sentence(number, at, subject, draw) for at in range(SENTENCES)]
    paragraphs = [" ".join(written[at : at + PARAGRAPH]) for at in range(0, SENTENCES, PARAGRAPH)]
    return Article(title=f"{subject.capitalize()}, chapter {number}", paragraphs=tuple(paragraphs))


def _sentence(number: int, at: int, subject: str, draw: random.Random) -> str:
    town = "".join(draw.choice(_SYLLABLES) for _ in range(3)).capitalize()
    what = f"{draw.choice(_VERBS)} {draw.randrange(20, 9000)} {draw.choice(_GOODS)} for the {subject} of {town}"
    year = draw.randrange(1700, 1900)
    return f"In {year} the {draw.choice(_OFFICES)} {what}, because {draw.choice(_REASONS)} (entry {number}.{at})."


class Reference:
    """The reference question's far side. Fulfils ``tools.fakes.paced_server.Scene``."""

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """Return what the model says; what it is asked for is in the schema alone."""
        schema = asked_schema(body)
        if schema is None:
            return answer_to(body)
        prompt = "\n".join(str(message.get("content") or "") for message in body["messages"])
        fields = schema.get("properties", {})
        told = {name: self._field(name, field, prompt) for name, field in fields.items()}
        answer = answer_to(body)
        if "json" not in answer:
            return answer
        return {"json": {name: smallest(fields[name]) if value is None else value for name, value in told.items()}}

    def _field(self, name: str, field: Mapping[str, Any], prompt: str) -> Any:
        say = self.FIELDS.get(name)
        return say(self, field, prompt) if say else None

    def _tasks(self, field: Mapping[str, Any], prompt: str) -> Any:
        if any(blocks(prompt, name) for name in ("done", "notes", "finding")):
            return []
        return [_task(field["items"], subject, queries_of(subject)) for subject in SUBJECTS]

    def _quotes(self, field: Mapping[str, Any], prompt: str) -> Any:
        seen: dict[str, list[tuple[int, str]]] = {}
        for facts, text in blocks(prompt, "passage"):
            for quote in _SENTENCE.findall(text):
                page, at = _ENTRY.findall(quote)[0]
                if int(at) % (SENTENCES // QUOTES) == 0:
                    seen.setdefault(page, []).append((int(facts["number"]), quote))
        chosen = [entry for entries in seen.values() for entry in entries[:QUOTES]]
        said = [stated(quote) if place % 2 else "" for place, (_, quote) in enumerate(chosen)]
        return [
            smallest(field["items"]) | {"passage": number, "quote": quote, "statement": statement, "relevance": 0.9}
            for (number, quote), statement in zip(chosen, said, strict=True)
        ]

    def _enough(self, _: Mapping[str, Any], prompt: str) -> Any:
        return True

    def _missing(self, _: Mapping[str, Any], prompt: str) -> Any:
        return ""

    def _queries(self, _: Mapping[str, Any], prompt: str) -> Any:
        return []

    def _sections(self, field: Mapping[str, Any], prompt: str) -> Any:
        found = blocks(prompt, "finding")
        size = -(-len(found) // SECTIONS) or 1
        parts = [found[at : at + size] for at in range(0, len(found), size)]
        headings = [" ".join(_said(part[0][1]).split()[3:8]) for part in parts]
        if "sentences" in field["items"]["properties"]:
            told = [_written(part, WRITTEN) for part in parts]
            return [{"heading": h, "sentences": s} for h, s in zip(headings, told, strict=True)]
        ids = [[facts["id"] for facts, _ in part] for part in parts]
        return [{"heading": h, "findings": own} for h, own in zip(headings, ids, strict=True)]

    def _sentences(self, _: Mapping[str, Any], prompt: str) -> Any:
        return _written(blocks(prompt, "finding"), WRITTEN)

    def _answered(self, _: Mapping[str, Any], prompt: str) -> Any:
        shown = blocks(prompt, "sentence")
        if shown:
            return [{"text": text, "findings": facts["findings"].split()} for facts, text in shown[::12][:ANSWERED]]
        return _written(blocks(prompt, "finding"), ANSWERED)

    def _verdicts(self, field: Mapping[str, Any], prompt: str) -> Any:
        said = smallest(field["items"]) | {"reason": REASON, "verdict": "supported"}
        return [said | {"number": int(facts["number"])} for facts, _ in blocks(prompt, "claim")]

    FIELDS: ClassVar[dict[str, Any]] = {
        "tasks": _tasks,
        "quotes": _quotes,
        "enough": _enough,
        "missing": _missing,
        "queries": _queries,
        "sections": _sections,
        "sentences": _sentences,
        "answer": _answered,
        "verdicts": _verdicts,
    }

    def found(self, query: str) -> Sequence[str]:
        """Return the six pages of the query's subject; the other queries of a task find them in another order."""
        place = next((at for at, subject in enumerate(SUBJECTS) if subject.split()[0] in query), 0)
        pages = [f"/page/{place + len(SUBJECTS) * number}" for number in range(PAGES)]
        turn = len(query) % PAGES
        return [*pages[turn:], *pages[:turn]]

    def page(self, path: str) -> Article | None:
        """Return the page with the number that the path ends in."""
        number = path.removeprefix("/page/")
        return article(int(number)) if number.isdecimal() else None

    def shown(self, body: Mapping[str, Any]) -> Sequence[str]:
        """Return the entries that a reading shows, as ``page.sentence``."""
        schema = asked_schema(body) or {}
        if "quotes" not in schema.get("properties", {}):
            return ()
        prompt = "\n".join(str(message.get("content") or "") for message in body["messages"])
        return [f"{page}.{at}" for page, at in dict.fromkeys(self._entries(prompt))]

    @staticmethod
    def _entries(prompt: str) -> list[tuple[int, int]]:
        return [(int(page), int(at)) for page, at in _ENTRY.findall(prompt)]


class Endless(Reference):
    """A far side that always has another page, and whose model always wants one."""

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """Return an answer that asks for more, with a new query in each."""
        if body.get("tools") and asked_schema(body) is None:
            calls = [{"name": "search", "arguments": {"query": query}} for query in self._new(str(body), 2)]
            return {"tool_calls": calls}
        return super().answer(body)

    def _tasks(self, field: Mapping[str, Any], prompt: str) -> Any:
        return [_task(field["items"], name, self._new(name + prompt, 3)) for name in self._new(prompt, 4)]

    def _enough(self, _: Mapping[str, Any], prompt: str) -> Any:
        return False

    def _missing(self, _: Mapping[str, Any], prompt: str) -> Any:
        return "all that is not known yet"

    def _queries(self, _: Mapping[str, Any], prompt: str) -> Any:
        return self._new(prompt, 3)

    @staticmethod
    def _new(seed: str, number: int) -> list[str]:
        draw = random.Random(seed)
        return [f"lighthouses of {draw.randrange(10**9)}" for _ in range(number)]

    def found(self, query: str) -> Sequence[str]:
        """Return six pages that nobody has seen yet."""
        draw = random.Random(query)
        return [f"/page/{draw.randrange(10**9)}" for _ in range(PAGES)]

    FIELDS: ClassVar[dict[str, Any]] = Reference.FIELDS | {
        "tasks": _tasks,
        "enough": _enough,
        "missing": _missing,
        "queries": _queries,
    }


def queries_of(subject: str) -> list[str]:
    """Return three queries of one subject."""
    return [f"{subject} by whom", f"history of {subject}", f"{subject} and what it cost"]


def stated(quote: str) -> str:
    """Return a quote's sentence without its entry."""
    return _ENTRY.sub("", quote).replace("()", "").replace(" .", ".").strip()


def _task(item: Mapping[str, Any], objective: str, queries: Sequence[str]) -> dict[str, Any]:
    task = {"objective": f"Find out how {objective} were handled over the years", "queries": list(queries)}
    wanted = {"wanted": "offices, years and sums, in the words of a source"}
    known = {name: value for name, value in (task | wanted).items() if name in item["properties"]}
    told: dict[str, Any] = smallest(item) | known | ({"effort": "normal"} if "effort" in item["properties"] else {})
    return told


def _said(text: str) -> str:
    return text.partition("\n")[0].partition(": ")[2]


def _written(found: Sequence[tuple[Mapping[str, str], str]], most: int) -> list[dict[str, Any]]:
    """Return sentences that each join two findings in other words, 45 tokens or so."""
    pairs = [found[at : at + 2] for at in range(0, len(found), 2)][:most]
    sentences = []
    for pair in pairs:
        facts = [stated(_said(text)).rstrip(".").partition(", because ")[0] for _, text in pair]
        told = ", while ".join(f"{fact[:1].lower()}{fact[1:]}" for fact in facts) + ", by its own accounts"
        sentences.append({"text": f"{told[:1].upper()}{told[1:]}.", "findings": [facts["id"] for facts, _ in pair]})
    return sentences
