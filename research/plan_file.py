"""A plan that a person wrote: the JSON that ``research show --plan --json`` prints, read strictly. Pure.

Whatever is wrong is said in one sentence that names the field. A task's id is the hash of what it asks for, so one that
stands in the file is not taken over, and neither is its round: what is read is a first round.
"""

from __future__ import annotations

import codecs
from typing import Any

import msgspec

from research.errors import UsageFault
from research.records import Plan, Question, Record, Task

LONGEST = 4 * 1024 * 1024
"""Bytes of a file that is read."""
LONGEST_TEXT = 2_000
"""Characters of an objective, a query or what is wanted."""
MOST_QUERIES = 20
MOST_TASKS = 32
"""The most that --branches takes (``research.values``)."""
KEPT = ("kind", "corpus", "wanted", "label", "asks", "rounds", "effort")
"""The fields of a task that are taken over beside those that make its id."""


def plan_from(data: bytes, question: Question, branches: int, place: str) -> Plan:
    """Return the plan in ``data`` for ``question``; ``place`` names the file. Raises ``UsageFault``."""
    if len(data) > LONGEST:
        raise UsageFault(f"{place} is no plan: it has more than {LONGEST:,} bytes")
    try:
        raw = msgspec.json.decode(data.removeprefix(codecs.BOM_UTF8))  # some editors write one
        _refuse_strange(raw, Plan, "")
        for number, task in enumerate(raw.get("tasks", [])):
            _refuse_strange(task, Task, f"tasks[{number}]")
            task.setdefault("id", "")
        plan = msgspec.convert(raw, Plan)
        tasks = tuple(_task(task, f"tasks[{number}]", question) for number, task in enumerate(plan.tasks))
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise UsageFault(f"{place} is no plan: {_spoken(error)}") from None
    except _Wrong as error:
        raise UsageFault(f"{place} is no plan for this question: {error}") from None
    twins = [task.objective for number, task in enumerate(tasks) if task.id in {other.id for other in tasks[:number]}]
    if twins:
        raise UsageFault(f"{place} has the task “{twins[0][:80]}” twice")
    if not tasks:
        raise UsageFault(f"{place} is no plan: tasks is empty")
    if len(tasks) > MOST_TASKS:
        raise UsageFault(f"{place} has {len(tasks)} tasks, and a run has at most {MOST_TASKS} branches")
    if len(tasks) > branches:
        raise UsageFault(
            f"{place} has {len(tasks)} tasks and the run {branches} branches; give --branches {len(tasks)}"
        )
    return msgspec.structs.replace(plan, tasks=tasks)


class _Wrong(ValueError):
    """A field whose value does not do; the message names it."""


def _refuse_strange(value: Any, kind: type[Record], where: str) -> None:
    """Raise when ``value`` is no object or has a field that ``kind`` has not: a mistyped field would go unnoticed."""
    if not isinstance(value, dict):
        raise _Wrong(f"{where or 'the whole'} must be an object")
    strange = [name for name in value if name not in kind.__struct_fields__]
    if strange:
        fields = ", ".join(kind.__struct_fields__)
        raise _Wrong(f"{f'{where}.' if where else ''}{strange[0][:40]} is no field; there are {fields}")
    if kind is Plan and not isinstance(value.get("tasks"), list):
        raise _Wrong("tasks must be a list")


def _task(task: Task, where: str, question: Question) -> Task:
    """Return the task of a first round with its own id, or raise what is wrong with it for this question."""
    texts = {"objective": (task.objective,), "queries": task.queries, "asks": task.asks}
    for name, text in ((name, text) for name, own in texts.items() for text in own):
        if not text.strip():
            raise _Wrong(f"{where}.{name} is empty")
    if not 1 <= len(task.queries) <= MOST_QUERIES:
        raise _Wrong(f"{where}.queries must be 1 to {MOST_QUERIES} texts")
    if len(task.asks) > MOST_QUERIES:
        raise _Wrong(f"{where}.asks must be at most {MOST_QUERIES} texts")
    if any(len(text) > LONGEST_TEXT for text in (task.objective, task.wanted, *task.queries, *task.asks)):
        raise _Wrong(f"{where} has a text of more than {LONGEST_TEXT:,} characters")
    if task.type == "corpus" and task.corpus not in question.corpora:
        known = ", ".join(question.corpora) or "none"
        raise _Wrong(f"{where}.corpus must be a corpus of the run ({known}), not {str(task.corpus)[:60]}")
    if task.type == "web" and (task.corpus is not None or not question.web):
        what = "corpus must be null for the type web" if question.web else "type is web, and the run is not on the web"
        raise _Wrong(f"{where}.{what}")
    if task.type == "web" and task.label == "private":
        raise _Wrong(f"{where}.label is private, and private text may not leave the machine by a search")
    rest = {name: getattr(task, name) for name in KEPT}
    return Task.make(task.objective, task.queries, task.type, **rest)


def _spoken(error: Exception) -> str:
    """Return what a parser found wrong, with the field's place as it is written in the file."""
    what, _, place = str(error).partition(" - at `$")
    where = place.rstrip("`").lstrip(".")
    return f"{where}: {what}" if where else what or type(error).__name__
