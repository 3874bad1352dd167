"""The JSON object in an answer: found in whatever a model puts around it, and never a part of a broken one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.reply_json import first_object, lacking

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text('abc{}[]"\\<>/think`', max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab{"', max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", min_size=1, max_size=4), VALUES, min_size=1, max_size=3)
AROUND = st.sampled_from(
    [
        "{0}",
        "```json\n{0}\n```",
        "Sure! Here it is:\n{0}\nHope this helps.",
        '<think>Maybe {{"no": 1}}?</think>\n{0}',
        "<THINKING>x</THINKING> {0}",
        'With the set {{a, b}} in mind: {0} Or {{"another": 2}}.',
    ]
)


@given(OBJECTS, AROUND, st.sampled_from([None, 1]))
def test_an_object_is_found_in_what_stands_around_it(value: dict[str, Any], around: str, indent: int | None) -> None:
    """Prose, fences, thinking and braces of prose around the object do not hide it."""
    assert first_object(around.format(json.dumps(value, indent=indent))) == value


@given(OBJECTS, st.data(), st.sampled_from(["", "Here: ", "```json\n", "<think>so</think>"]))
def test_no_beginning_of_an_object_is_taken_for_one(value: dict[str, Any], data: st.DataObject, before: str) -> None:
    """Cut anywhere, an object is no object, whatever whole objects it holds."""
    text = json.dumps(value)
    cut = data.draw(st.integers(0, len(text) - 1))
    assert first_object(before + text[:cut]) is None


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1}]',
        'The list: [ {"a": 1}, {"b": 2} ]',
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1} "c": 2}',
        '<think>{"a": 1}',
        '<think>one</think> <think>{"a": 1}',
        "{" * 100_000,
        '{"a":' * 100_000,
        "",
    ],
)
def test_what_is_no_whole_object_is_none(text: str) -> None:
    """Lists, fields given twice, broken objects with whole ones inside, thinking without an end, and depth."""
    assert first_object(text) is None


def test_strings_come_without_half_characters_and_controls() -> None:
    """What was found can be written down as UTF-8."""
    assert first_object('{"a\\ud800": ["b\\u0007"]}') == {"a": ["b"]}


def test_fields_that_are_asked_for_and_missing_are_named() -> None:
    """Only the top of the schema is looked at; what is no object lacks everything."""
    schema = {"required": ["a", "b"]}
    assert lacking({"b": 1, "c": 2}, schema) == ("a",)
    assert lacking(None, schema) == ("a", "b")
    assert lacking({"a": None, "b": 1}, schema) == ()


@pytest.mark.parametrize(("deep", "found"), [(40, True), (100, False), (500, False), (900, False), (5_000, False)])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_deeper_than_can_be_walked_is_none(deep: int, found: bool, opened: str, closed: str) -> None:
    """An answer that would exhaust the stack of whoever reads it on is no answer, and never an error."""
    inner = opened * deep + ("1" if opened != "[" else "") + closed * deep
    assert (first_object(f'{{"a": {inner}}}') is not None) == found
