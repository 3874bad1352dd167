"""Checkpoints on disk: LangGraph's SQLite saver with a serialiser that knows plain JSON and nothing else.

LangGraph's default serialiser imports and calls what the bytes name. This one writes JSON; the three values of
LangGraph's own that are not JSON (``Send``, ``Interrupt``, an error) are tagged objects of fixed shape. What cannot be
said so is refused when it is written, so a doctored checkpoint can at worst hold other data, never code.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Interrupt, Send

from research.errors import StoreProblem

TAG = "\u0000"


class StrictJson:
    """A LangGraph ``SerializerProtocol``: plain JSON in, plain JSON out; anything else raises ``StoreProblem``."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return "json", json.dumps(_lower(obj), ensure_ascii=False, allow_nan=False).encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        kind, payload = data
        if kind != "json":
            raise StoreProblem(f"a checkpoint of type {kind!r} was not written by this program")
        try:
            return _raise(json.loads(payload))
        except (ValueError, TypeError, KeyError) as error:
            raise StoreProblem(f"a checkpoint is damaged: {error}") from error


def _lower(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Send):
        return {TAG: "send", "node": value.node, "arg": _lower(value.arg)}
    if isinstance(value, Interrupt):
        return {TAG: "interrupt", "id": value.id, "value": _lower(value.value)}
    if isinstance(value, BaseException):
        return {TAG: "error", "text": f"{type(value).__name__}: {value}"}
    if isinstance(value, dict):
        if any(not isinstance(key, str) or key == TAG for key in value):
            raise StoreProblem("only plain JSON may be checkpointed: a key is not a plain string")
        return {key: _lower(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_lower(item) for item in value]
    raise StoreProblem(f"only plain JSON may be checkpointed, not {type(value).__name__}")


def _raise(value: Any) -> Any:
    if isinstance(value, list):
        return [_raise(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(TAG)
    if kind is None:
        return {key: _raise(item) for key, item in value.items()}
    if kind == "send":
        return Send(value["node"], _raise(value["arg"]))
    if kind == "interrupt":
        return Interrupt(_raise(value["value"]), id=value["id"])
    if kind == "error":
        return value["text"]
    raise ValueError(f"unknown tag {kind!r}")


@asynccontextmanager
async def open_saver(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """Open the checkpoint store; LangGraph's saver sets neither ``synchronous`` nor ``busy_timeout`` itself."""
    try:
        async with _saver(path) as saver:
            yield saver
    except aiosqlite.Error as error:
        raise StoreProblem(f"{path} cannot be used: {error}; what was recorded before is kept") from error


@asynccontextmanager
async def _saver(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    connection = await aiosqlite.connect(path)
    try:
        await connection.execute("PRAGMA busy_timeout=10000")
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=NORMAL")
        saver = AsyncSqliteSaver(connection, serde=StrictJson())
        if type(saver.serde) is not StrictJson:
            raise StoreProblem("LangGraph replaced the strict serialiser; this version of it cannot be used")
        try:
            yield saver
        finally:
            # A step that was cancelled between writing and committing leaves a transaction open, and closing a
            # connection does not end one: the file would stay locked until the process ends.
            async with saver.lock:
                await connection.rollback()
                await connection.close()
    finally:
        await connection.close()
