"""What a branch lacks without a model, and the queries that might bring it. Pure.

Whether to search again is decided in ``research.analysts.extractive``; the hops of a chain have a file of their own,
``research.analysts.following``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from research.analysts.asking import fits, header_keys, kind_of
from research.analysts.comparing import lists
from research.analysts.composing import ANSWERS
from research.analysts.entries import titled
from research.analysts.lookup import SURE
from research.analysts.querying import line_queries, queries_for
from research.analysts.relations import ask_of
from research.records import Finding, Gap, Task
from research.words import NUMBERED, documents, entities, keywords, terms

COVERED = 0.7
"""The relevance from which a finding answers its task, so that the branch need not search again."""
_TYPED = frozenset({"person", "date", "number", "place", "reason"})
_SHOWN = 5
"""Words that are named as nowhere found."""
_REFERENCE = re.compile(r"(?:superseded-by|obsoleted-by|replaces|supersedes|requires):\s*(.+)", re.IGNORECASE)


def lacking(task: Task, findings: Sequence[Finding]) -> Gap | None:
    """Return what no finding covers, with queries for it; ``None`` when the task is answered or nothing is left."""
    kind = kind_of(task.objective)
    fitting = [f for f in findings if kind not in ("person", "date", "number") or fits(kind, f.quote)]
    if any(finding.relevance >= COVERED for finding in fitting):
        return None
    if heads := _named_for_head(task.objective, findings):
        return Gap(task=task.id, missing=f"the heads of: {', '.join(heads)}", queries=heads)
    names = [name for name in entities(task.objective) if len(terms(name)) > 1 or documents(name)]
    seen = {term for finding in findings for term in terms(f"{finding.statement} {finding.quote}")}
    open_words = [word for word in keywords(task.objective) if not set(terms(word)) <= seen]
    if not findings:
        words = [word for word in keywords(task.objective) if word not in " ".join(names).split()]
        alone = [" ".join(words)] if len(words) > 1 or not names else []
        queries = [task.objective, *alone, *(f"{name} {' '.join(words[:2])}" for name in names)]
        queries.extend(queries_for(task.objective))
        return Gap(task=task.id, missing=f"nothing found on: {task.objective}", queries=tuple(queries))
    if not set(open_words) and fitting:
        return None
    found = found_names(task.objective, findings)
    tail = " ".join(open_words) or " ".join(keywords(task.objective)[:2])
    queries = [f"{name} {tail}" for name in found[:2]] + [task.objective]
    return Gap(task=task.id, missing=f"{task.objective} ({_open(open_words, kind)})", queries=tuple(queries))


def _open(words: Sequence[str], kind: str) -> str:
    """Return in words what no sentence that was found has."""
    named = list(dict.fromkeys(words))[:_SHOWN]
    wanted = kind if kind in _TYPED else "answer"
    return f"no sentence that was found has {', '.join(named)}" if named else f"no {wanted} was found"


def side_missing(task: Task, findings: Sequence[Finding]) -> Gap | None:
    """Return what a comparison in the heads of documents lacks, where it has the head of one of them at least."""
    ask = ask_of(task.objective)
    read = [titled("", finding.title) for finding in findings if finding.relevance >= SURE]
    if ask is None or len(ask.subjects) < 2 or not read:
        return None
    without = [name for name in ask.subjects if not any(entry.is_named(name) for entry in read)]
    if not without:
        return None
    names = " and ".join(name.text for name in without)
    queries = tuple(query for name in without for query in (name.text, f"title: {name.text}"))
    return Gap(task=task.id, missing=f"{names}, for: {task.objective}", queries=queries)


def more_of(task: Task, findings: Sequence[Finding]) -> Gap | None:
    """Return a gap where a lookup found some of the documents that it asks for: one search may leave some out."""
    ask = ask_of(task.objective)
    listed = ask is not None and ask.back and (ask.operation != "value" or lists(task.objective))
    if not listed or not any(finding.relevance >= SURE for finding in findings):
        return None
    return Gap(task=task.id, missing=f"whether there are more: {task.objective}", queries=line_queries(task.objective))


def _named_for_head(objective: str, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return queries for the heads of the documents that the best sentences name, where a head's line is asked for.

    ``PEP 557 introduced it`` tells whose ``Python-Version`` answers in which version it was introduced.
    """
    if not header_keys(objective) or documents(objective) or ask_of(objective) is not None:
        return ()
    good = sorted((f for f in findings if f.relevance >= ANSWERS), key=lambda finding: -finding.relevance)
    named = [match.group() for finding in good for match in NUMBERED.finditer(finding.statement)]
    series = {entry.series for finding in findings if (entry := titled("", finding.title)).number}
    own = [name for name in dict.fromkeys(named) if name.split()[0].upper() in series]
    return tuple(f"{name} title author status created" for name in own[:2])


def found_names(objective: str, findings: Sequence[Finding]) -> list[str]:
    """Return what the best findings name and the objective does not, the documents they refer to first."""
    good = [finding for finding in findings if finding.relevance >= ANSWERS]
    best = sorted(good, key=lambda finding: -finding.relevance)[:3]
    known = set(terms(objective))
    names: list[str] = []
    for finding in best:
        names.extend(_referred(objective, finding))
    for finding in best:
        names.extend(name for name in entities(finding.statement) if not set(terms(name)) <= known)
    return list(dict.fromkeys(names))


def _referred(objective: str, finding: Finding) -> list[str]:
    """Return the documents that a header line such as ``Superseded-By: 443`` points to, named as the objective does."""
    line = _REFERENCE.match(finding.statement)
    kinds = re.findall(r"\b([A-Z]{2,9})s?\b", objective)
    if line is None or not kinds:
        return []
    return [f"{kinds[0]} {number}" for number in re.findall(r"\d+", line.group(1))]
