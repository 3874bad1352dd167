"""Systems that are not ours: another tool's command, and answers that stand in a file.

A command gets one JSON object on its standard input (``question``; ``corpora``: name to a folder of files;
``documents``: name to an object from file name to document id; ``seconds``: how long it may take) and prints an outcome
(``evals.records.Outcome``) as JSON. No shell sees the command line, and this program's keys are not in its environment:
a command that needs a key reads it itself. What cannot be used raises ``EffectFailed``: its case is a failed one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shlex
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import asdict

from evals.records import Corpora, Outcome, System
from research.app.systems.documents import documents_of
from research.app.systems.materials import file_name, write_documents
from research.budget import Caps
from research.errors import EffectFailed, UsageFault
from research.options import RunOptions
from research.records import Question, Usage, encode
from research.settings import environment_without_keys
from tools.clock import SystemClock
from tools.reaping import reaped

PATIENCE = 600.0
"""Seconds a command may take where the options cap none."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a command's answer."""
LAST = 64 * 1024
"""Bytes kept of the end of what a command says on its standard error."""


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
    patience = options.caps.seconds or PATIENCE

    async def system(question: Question) -> Outcome:
        async with turn:
            for name in question.corpora:
                if name not in written:
                    written[name] = await asyncio.to_thread(_written, name, corpora, folder)
        given = {
            "question": question.text,
            "corpora": {name: str(written[name][0]) for name in question.corpora},
            "documents": {name: written[name][1] for name in question.corpora},
            "seconds": patience,
        }
        began = clock.monotonic()
        answer = await _answer(words, encode(given).encode(), patience)
        outcome = _checked(answer, {id for name in question.corpora for id in written[name][1].values()})
        return msgspec.structs.replace(outcome, seconds=clock.monotonic() - began, caps=_caps(options))

    return system


def _caps(options: RunOptions) -> Caps:
    """Return the one cap that a command is held to."""
    return Caps(seconds=options.caps.seconds)


def _written(name: str, corpora: Corpora, folder: Path) -> tuple[Path, dict[str, str]]:
    documents = documents_of(corpora, [name])
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
            env=environment_without_keys(),
        )
    except OSError as error:
        raise EffectFailed(f"the command {words[0]} cannot be started: {error.strerror}") from error
    ended = False
    try:
        async with asyncio.timeout(patience):
            printed, told = await _exchange(process, given)
            ended = len(printed) <= LARGEST
    except TimeoutError:
        raise EffectFailed(f"the command {words[0]} did not end within {patience:g} s") from None
    finally:
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await reaped(process)
    if not ended:
        raise EffectFailed(f"the command {words[0]} printed more than {LARGEST:,} bytes")
    if process.returncode:
        last = told.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise EffectFailed(f"the command {words[0]} ended with code {process.returncode}: {last[0][:200]}")
    return printed


async def _exchange(process: Process, given: bytes) -> tuple[bytes, bytes]:
    """Hand the command its question, and return its answer and its last words; it may still be running.

    Of an answer that is too large, no more than a piece beyond ``LARGEST`` is read.
    """
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    feeding, telling = asyncio.create_task(_feed(process.stdin, given)), asyncio.create_task(_tail(process.stderr))
    try:
        printed = await _head(process.stdout)
        if len(printed) > LARGEST:
            return printed, b""
        _, told = await asyncio.gather(feeding, telling)
        await process.wait()
        return printed, told
    finally:
        feeding.cancel()
        telling.cancel()
        await asyncio.gather(feeding, telling, return_exceptions=True)


async def _feed(pipe: asyncio.StreamWriter, given: bytes) -> None:
    """Write all of ``given``; a command that does not read it is judged by its answer."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(given)
        await pipe.drain()
    pipe.close()


async def _head(pipe: asyncio.StreamReader) -> bytes:
    held = bytearray()
    while len(held) <= LARGEST and (piece := await pipe.read(LAST)):
        held += piece
    return bytes(held)


async def _tail(pipe: asyncio.StreamReader) -> bytes:
    held = b""
    while piece := await pipe.read(LAST):
        held = (held + piece)[-LAST:]
    return held


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
    _check_numbers(outcome)
    citations = tuple(msgspec.structs.replace(one, start=-1, end=-1) for one in outcome.citations)
    return msgspec.structs.replace(outcome, citations=citations, resumed=None, judged={})


def _check_numbers(outcome: Outcome) -> None:
    """Raise ``EffectFailed`` for a number that no measurement can give."""
    if outcome.confidence is not None and not 0 <= outcome.confidence <= 1:
        raise EffectFailed(f"the command printed the confidence {outcome.confidence:g}, which is not from 0 to 1")
    usage = outcome.usage or Usage()
    used = {"seconds": outcome.seconds, **{f"usage.{name}": value for name, value in asdict(usage).items()}}
    for name, value in used.items():
        if value is not None and value < 0:  # JSON has no infinity
            raise EffectFailed(f"the command printed {name} {value:g}, which is not a number from 0 up")


QUESTIONS = ("prompt", "question", "query")
REPORTS = ("article", "report")


def filed(path: Path) -> System:
    """Return the system that gives the answers of a JSONL file, found by the question's text.

    A row has the question (``prompt``, ``question`` or ``query``) and a report (``article`` or ``report``), an
    ``answer``, or both; where there is only one, it is taken for both. Raises ``UsageFault`` for a row that does not.
    The seconds are those of finding the answer, not of making it.
    """
    answers, clock = _rows(path.expanduser()), SystemClock()

    async def system(question: Question) -> Outcome:
        began = clock.monotonic()
        outcome = answers.get(_same(question.text))
        if outcome is None:
            raise EffectFailed(f"{path} has no answer to “{question.text[:80]}”")
        return msgspec.structs.replace(outcome, seconds=clock.monotonic() - began)

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
