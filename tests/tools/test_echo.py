"""The echoing model: answers that are used, with the secret in every free text."""

from __future__ import annotations

from tools.fakes.echo import EchoingModel
from tools.fakes.persona import answer_to

SCHEMA = {
    "type": "object",
    "properties": {
        "quotes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "passage": {"type": "integer"},
                    "quote": {"type": "string"},
                    "statement": {"type": "string"},
                    "relevance": {"type": "number"},
                },
            },
        }
    },
}
PROMPT = '<task-1>\nwalls\n</task-1>\n<passage-1 number="1">\nThe walls are four metres high.\n</passage-1>'


def test_free_texts_carry_the_forms_in_turn_and_the_rest_stays() -> None:
    """A quote stays verbatim, a statement is followed by the next form."""
    body = {
        "messages": [{"role": "user", "content": PROMPT}],
        "response_format": {"json_schema": {"schema": SCHEMA}},
    }
    echo = EchoingModel(["one", "two"])
    sensible = answer_to(body)["json"]["quotes"][0]
    said = [echo(body)["json"]["quotes"][0] for _ in range(2)]
    assert [quote["quote"] for quote in said] == [sensible["quote"]] * 2
    assert [quote["statement"] for quote in said] == [f"{sensible['statement']} one", f"{sensible['statement']} two"]
    assert echo.echoed == 2
