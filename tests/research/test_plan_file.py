"""A plan from a file: what `show --plan --json` prints is read back; what is wrong is named with its field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import UsageFault
from research.plan_file import plan_from
from research.records import Plan, Question, Task, plain

QUESTION = Question(text="Why?", corpora=("notes",), web=True)
WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20).filter(
    str.strip
)
TASK: dict[str, Any] = {"objective": "find out", "queries": ["one", "two"], "type": "corpus", "corpus": "notes"}


def read(value: Any, branches: int = 4) -> Plan:
    return plan_from(msgspec.json.encode(value), QUESTION, branches, "plan.json")


@given(
    st.lists(
        st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=4, unique_by=lambda t: t[0]
    )
)
def test_a_printed_plan_is_read_back(tasks: list[tuple[str, list[str]]]) -> None:
    """Tasks come back with their ids, so an unchanged plan asks the same of the same places."""
    made = tuple(Task.make(objective, tuple(queries), "web") for objective, queries in tasks)
    plan = Plan(tasks=made, rationale="so", dropped=("that",))
    assert read(plain(plan)) == plan


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    """Some editors begin a file of UTF-8 with one."""
    data = b"\xef\xbb\xbf" + msgspec.json.encode({"tasks": [TASK]})
    assert plan_from(data, QUESTION, 4, "plan.json") == read({"tasks": [TASK]})


def test_an_edited_task_gets_an_id_of_its_own() -> None:
    """A stale id and the round of a later branch are not taken over."""
    old = plain(Task.make("old words", ("q",), "web", round=2))
    (task,) = read({"tasks": [{**old, "objective": "new words"}]}).tasks
    assert task == Task.make("new words", ("q",), "web")


def test_what_is_wanted_and_the_effort_are_read() -> None:
    """What a planner decides of a task can be written by a person, too; the questions of a chain are kept."""
    rest = {"wanted": "a year", "effort": "deep", "asks": ["who?"], "rounds": 3}
    (task,) = read({"tasks": [{**TASK, **rest}]}).tasks
    assert (task.wanted, task.effort, task.asks, task.rounds) == ("a year", "deep", ("who?",), 3)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "the whole must be an object"),
        ({"task": []}, "task is no field"),
        ({}, "tasks must be a list"),
        ({"tasks": []}, "tasks is empty"),
        ({"tasks": [1]}, r"tasks\[0\] must be an object"),
        ({"tasks": [{**TASK, "objectiv": "x"}]}, r"tasks\[0\]\.objectiv is no field"),
        ({"tasks": [{k: v for k, v in TASK.items() if k != "queries"}]}, r"tasks\[0\]: .*`queries`"),
        ({"tasks": [{**TASK, "queries": "one"}]}, r"tasks\[0\]\.queries: Expected `array`"),
        ({"tasks": [{**TASK, "queries": []}]}, r"tasks\[0\]\.queries must be 1 to"),
        ({"tasks": [{**TASK, "objective": "  "}]}, r"tasks\[0\]\.objective is empty"),
        ({"tasks": [{**TASK, "objective": "x" * 3000}]}, r"tasks\[0\] has a text of more"),
        ({"tasks": [{**TASK, "type": "shell"}]}, r"tasks\[0\]\.type"),
        (
            {"tasks": [{**TASK, "corpus": "other"}]},
            r"tasks\[0\]\.corpus must be a corpus of the run \(notes\), not other",
        ),
        ({"tasks": [{**TASK, "type": "web"}]}, r"tasks\[0\]\.corpus must be null"),
        ({"tasks": [{**TASK, "type": "web", "corpus": None, "label": "private"}]}, r"tasks\[0\]\.label is private"),
        ({"tasks": [{**TASK, "effort": "heroic"}]}, r"tasks\[0\]\.effort: Invalid enum value 'heroic'"),
        ({"tasks": [{**TASK, "asks": [" "]}]}, r"tasks\[0\]\.asks is empty"),
        ({"tasks": [{**TASK, "asks": ["why?"] * 21}]}, r"tasks\[0\]\.asks must be at most 20 texts"),
        ({"tasks": [TASK, TASK]}, "“find out” twice"),
        ({"tasks": [{**TASK, "objective": str(n)} for n in range(5)]}, "give --branches 5"),
        ({"tasks": [{**TASK, "objective": str(n)} for n in range(33)]}, "33 tasks, and a run has at most 32 branches$"),
    ],
)
def test_what_is_wrong_is_named(value: Any, said: str) -> None:
    """One sentence with the file and the field, before anything is spent."""
    with pytest.raises(UsageFault, match=said) as caught:
        read(value)
    assert str(caught.value).startswith("plan.json ")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b" " * 5_000_000])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    """Cut, binary, deeply nested and endless files get the same kind of sentence."""
    with pytest.raises(UsageFault, match=r"plan\.json is no plan"):
        plan_from(data, QUESTION, 4, "plan.json")


def test_a_run_that_is_not_on_the_web_gets_no_web_branch() -> None:
    """A file cannot widen what the run may read."""
    task = {"objective": "o", "queries": ["q"], "type": "web"}
    with pytest.raises(UsageFault, match="not on the web"):
        plan_from(msgspec.json.encode({"tasks": [task]}), Question(text="?", corpora=("notes",)), 4, "plan.json")
