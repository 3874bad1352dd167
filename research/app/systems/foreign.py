"""Systems that are not ours: another tool's command, and answers that stand in a file.

A command gets one JSON object on its standard input (``question``; ``corpora``: name to a folder of files;
``documents``: name to an object from file name to document id) and prints an outcome (``evals.records.Outcome``) as
JSON. No shell sees the command line. What it cannot be used for raises ``EffectFailed``: its case is a failed one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from evals.records import Corpora, Outcome, System
from research.app.systems.materials import file_name, write_documents
from research.budget import Caps
from research.errors import EffectFailed, UsageFault
from research.options import RunOptions
from research.records import Question, encode
from tools.clock import SystemClock

PATIENCE = 600.0
"""Seconds a command may take where the options cap none."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a command's answer."""


def commanded(line: str, corpora: Corpora, options: RunOptions, folder: Path) -> System:
    """Return the system that runs ``line`` for each question; the documents are written below ``folder``.

    Raises ``UsageFault`` when the line cannot be parted into words.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageFault(f"the command of the system command:{line[:80]} cannot be read: {error}") from None
    written: dict[str, tuple[Path, dict[str, str]]] = {}
    turn, clock = asyncio.Lock(), SystemClock()

    async def system(question: Question) -> Outcome:
        async with turn:
            for name in question.corpora:
                if name not in written:
                    written[name] = await asyncio.to_thread(_written, name, corpora, folder)
        given = {
            "question": question.text,
            "corpora": {name: str(written[name][0]) for name in question.corpora},
            "documents": {name: written[name][1] for name in question.corpora},
        }
        began = clock.monotonic()
        answer = await _answer(words, encode(given).encode(), options.caps.seconds or PATIENCE)
        outcome = _checked(answer, {id for name in question.corpora for id in written[name][1].values()})
        return msgspec.structs.replace(outcome, seconds=clock.monotonic() - began, caps=_caps(options))

    return system


def _caps(options: RunOptions) -> Caps:
    """Return the one cap that a command is held to."""
    return Caps(seconds=options.caps.seconds)


def _written(name: str, corpora: Corpora, folder: Path) -> tuple[Path, dict[str, str]]:
    documents = corpora.get(name)
    if documents is None:
        raise UsageFault(f"a question names the corpus “{name[:80]}”, and the suite has no documents of that name")
    place = folder / hashlib.sha256(encode((name, tuple(documents))).encode()).hexdigest()[:24]
    write_documents(documents, place)
    return place, {file_name(number, one): one.id for number, one in enumerate(documents)}


async def _answer(words: Sequence[str], given: bytes, patience: float) -> bytes:
    """Return what the command printed. Raises ``EffectFailed`` when it fails, prints too much or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise EffectFailed(f"the command {words[0]} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(patience):
            printed, told = await process.communicate(given)
    except TimeoutError:
        raise EffectFailed(f"the command {words[0]} did not end within {patience:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        last = told.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise EffectFailed(f"the command {words[0]} ended with code {process.returncode}: {last[0][:200]}")
    if len(printed) > LARGEST:
        raise EffectFailed(f"the command {words[0]} printed {len(printed):,} bytes, {LARGEST:,} at most")
    return printed


def _checked(printed: bytes, known: set[str]) -> Outcome:
    """Return the printed outcome; what the harness finds out itself is not taken from it."""
    try:
        outcome = msgspec.json.decode(printed, type=Outcome)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EffectFailed(f"what the command printed is not an outcome: {error}") from None
    named = [*(outcome.ranked or ()), *(outcome.rationale or ()), *(one.document for one in outcome.citations)]
    strange = next((id for id in named if id and id not in known), None)
    if strange is not None:
        raise EffectFailed(f"the command named the document {strange[:80]}, which is none of the question's")
    places = [place for sentence in outcome.sentences or () for place in sentence.citations]
    if any(not 0 <= place < len(outcome.citations) for place in places):
        raise EffectFailed("a sentence that the command printed cites a number that has no citation")
    citations = tuple(msgspec.structs.replace(one, start=-1, end=-1) for one in outcome.citations)
    return msgspec.structs.replace(outcome, citations=citations, resumed=None)


QUESTIONS = ("prompt", "question", "query")
REPORTS = ("article", "report")


def filed(path: Path) -> System:
    """Return the system that gives the answers of a JSONL file, found by the question's text.

    A row has the question (``prompt``, ``question`` or ``query``) and a report (``article`` or ``report``), an
    ``answer``, or both; where there is only one, it is taken for both. Raises ``UsageFault`` for a row that does not.
    """
    answers = _rows(path.expanduser())

    async def system(question: Question) -> Outcome:
        outcome = answers.get(_same(question.text))
        if outcome is None:
            raise EffectFailed(f"{path} has no answer to “{question.text[:80]}”")
        return outcome

    return system


def _rows(path: Path) -> Mapping[str, Outcome]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFault(f"the answers {path} cannot be read: {error}") from None
    answers: dict[str, Outcome] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = msgspec.json.decode(line.encode(), type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise UsageFault(f"{where} is not a JSON object: {error}") from None
        question = _text(row, QUESTIONS)
        report, answer = _text(row, REPORTS), _text(row, ("answer",))
        if not question or not (report or answer):
            raise UsageFault(
                f"{where} needs a question ({', '.join(QUESTIONS)}) and an answer ({', '.join(REPORTS)}, answer)"
            )
        if _same(question) in answers:
            raise UsageFault(f"{where} answers a question that an earlier line answers: leave one of the two out")
        answers[_same(question)] = Outcome(report=report or answer, answer=answer or report)
    return answers


def _text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((row[name] for name in names if isinstance(row.get(name), str) and row[name].strip()), "")


def _same(question: str) -> str:
    """Return the question as it is looked up: white space apart, its exact words."""
    return " ".join(question.split())
