"""What a language model is asked to fill in, as small records, and their JSON Schemas in OpenAI's strict form.

A field with a default is asked for like the others, and forgiven where a model leaves it out: the answer is of use
without it. What of a filled-in reply is let through is in ``research.analysts.acceptance``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args

import msgspec

from research.records import Effort, Record, VerdictName
from research.requests import ToolSpec


class PlannedTask(Record):
    """A task as the planner words it; ``source`` is ``web`` or ``corpus:NAME``, ``wanted`` what would settle it.

    ``effort`` is asked for as one of three words; another is no reason to ask again and counts as normal.
    """

    objective: str
    queries: tuple[str, ...]
    source: str
    wanted: str
    effort: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(get_args(Effort))})] = "normal"


class PlanReply(Record):
    """The planner's tasks, best first, and its reason."""

    rationale: str
    tasks: tuple[PlannedTask, ...]


class ReadQuote(Record):
    """A quote from the passage with that number (from 1)."""

    passage: int
    quote: str
    statement: str = ""
    relevance: float = 0.5


class ReadReply(Record):
    """What the reader found worth quoting."""

    quotes: tuple[ReadQuote, ...]


class JudgeReply(Record):
    """Whether a task is settled, else what is missing and new queries for it."""

    enough: bool
    missing: str = ""
    queries: tuple[str, ...] = ()


class WrittenSentence(Record):
    """A sentence of the report, and the ids of the findings that support it."""

    text: str
    findings: tuple[str, ...]


class WrittenSection(Record):
    """A heading and its sentences."""

    heading: str
    sentences: tuple[WrittenSentence, ...]


class WrittenDisagreement(Record):
    """The ids of findings that cannot all hold."""

    findings: tuple[str, ...]


class WriteReply(Record):
    """The whole report: the answer, then the sections."""

    answer: tuple[WrittenSentence, ...]
    sections: tuple[WrittenSection, ...]
    disagreements: tuple[WrittenDisagreement, ...] = ()


class OutlinedSection(Record):
    """A heading and the ids of the findings that its section is written from."""

    heading: str
    findings: tuple[str, ...]


class OutlineReply(Record):
    """The sections of a report that is written in parts, and which findings contradict one another."""

    sections: tuple[OutlinedSection, ...]
    disagreements: tuple[WrittenDisagreement, ...] = ()


class SectionReply(Record):
    """The sentences of one section."""

    sentences: tuple[WrittenSentence, ...]


class AnswerReply(Record):
    """The sentences of the answer."""

    answer: tuple[WrittenSentence, ...]


class ClaimVerdict(Record):
    """The verdict on the claim with that number (from 1), after its reason, so that the reason is thought of first."""

    number: int
    reason: str
    verdict: VerdictName


class CheckReply(Record):
    """The checker's verdicts on the claims of one call."""

    verdicts: tuple[ClaimVerdict, ...]


class Rewritten(Record):
    """The sentence with that number (from 1) as its quotes support it; an empty text where they support none."""

    number: int
    text: str
    findings: tuple[str, ...]


class RepairReply(Record):
    """Sentences that failed the check, written anew."""

    repairs: tuple[Rewritten, ...]


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


def _tool(name: str, description: str, argument: str, about: str) -> ToolSpec:
    parameters = {
        "type": "object",
        "properties": {argument: _text(about)},
        "required": [argument],
        "additionalProperties": False,
    }
    return ToolSpec(name=name, description=description, parameters=parameters)


TOOLS = (
    _tool("search", "Look for texts.", "query", "A short query in the words of a text that holds the answer."),
    _tool("open", "Read a text that a search found.", "handle", "The handle of the text, as listed."),
)


def schema_of(kind: type[Record], sources: Sequence[str] = ()) -> dict[str, Any]:
    """Return the JSON Schema of ``kind``, with no references, every field required and no other field allowed.

    ``sources`` narrows the field ``source`` to an enumeration. OpenAI's strict mode wants all of this; other providers
    accept it.
    """
    (schema,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    found = _strict(schema, components, sources)
    assert isinstance(found, dict)
    return found


def _strict(value: object, components: Mapping[str, Any], sources: Sequence[str]) -> object:
    if isinstance(value, list):
        return [_strict(item, components, sources) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _strict(components[value["$ref"]], components, sources)
    if value.get("type") == "object":
        fields = {key: _strict(field, components, sources) for key, field in value["properties"].items()}
        if "source" in fields and sources:
            fields["source"] = {"type": "string", "enum": list(sources)}
        return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    if "enum" in value:
        return {"type": "string", "enum": value["enum"]}
    return {key: _strict(item, components, sources) for key, item in value.items() if key not in ("title", "default")}
