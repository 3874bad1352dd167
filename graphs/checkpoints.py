"""LangGraph's checkpoints over our own store, with a serialiser that knows plain JSON and nothing else.

LangGraph's default serialiser imports and calls what the bytes name. This one writes JSON; the three values of
LangGraph's own that are not JSON (``Send``, ``Interrupt``, an error) are tagged objects of fixed shape. What cannot be
said so is refused when it is written, so a doctored checkpoint can at worst hold other data, never code.

The store (``research.ports.Checkpoints``) is handed in: it fences writers and notices changed rows, which LangGraph's
own SQLite saver does not.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.base import Checkpoint as Snapshot
from langgraph.types import Interrupt, Send

from research.errors import StoreProblem
from research.ports import Checkpoint, Checkpoints, PendingWrite
from research.records import Record

TAG = "\u0000"


class Shape(Record):
    """What LangGraph takes for granted of a checkpoint that it reads."""

    v: int
    id: str
    ts: str
    channel_values: dict[str, Any]
    channel_versions: dict[str, Any]
    versions_seen: dict[str, dict[str, Any]]


class MetadataShape(Record):
    """The same, of its metadata."""

    step: int


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
        except (ValueError, TypeError, KeyError, RecursionError) as error:
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


class StoredSaver(BaseCheckpointSaver[int]):
    """A LangGraph checkpointer over ``research.ports.Checkpoints``; asynchronous only."""

    def __init__(self, store: Checkpoints) -> None:
        super().__init__(serde=StrictJson())
        if type(self.serde) is not StrictJson:
            raise StoreProblem("LangGraph replaced the strict serialiser; this version of it cannot be used")
        self._store = store

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that ``config`` names, or the latest of its thread and name space."""
        asked = config["configurable"]
        row = await self._store.latest(
            str(asked["thread_id"]), asked.get("checkpoint_ns", ""), get_checkpoint_id(config)
        )
        return await self._tuple(row) if row else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield the checkpoints that are kept, the latest first."""
        asked = config["configurable"] if config else {}
        ceiling = get_checkpoint_id(before) if before else None
        threads = [str(asked["thread_id"])] if config else await self._store.threads()
        for row in [row for thread in threads for row in await self._store.every(thread)]:
            if limit is not None and limit <= 0:
                return
            if row.ns != asked.get("checkpoint_ns", row.ns) or (ceiling and row.id >= ceiling):
                continue
            if config and row.id != (get_checkpoint_id(config) or row.id):
                continue
            found = await self._tuple(row)
            if all(found.metadata.get(name) == value for name, value in (filter or {}).items()):
                limit = None if limit is None else limit - 1
                yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Snapshot,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint and return the configuration that names it."""
        asked = config["configurable"]
        row = Checkpoint(
            thread=str(asked["thread_id"]),
            ns=asked.get("checkpoint_ns", ""),
            id=checkpoint["id"],
            parent=asked.get("checkpoint_id"),
            value=self.serde.dumps_typed(checkpoint)[1],
            metadata=self.serde.dumps_typed(get_checkpoint_metadata(config, metadata))[1],
        )
        await self._store.put(row)
        return _named(row.thread, row.ns, row.id)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what one task wrote before its step was checkpointed."""
        asked = config["configurable"]
        rows = [
            PendingWrite(
                thread=str(asked["thread_id"]),
                ns=asked.get("checkpoint_ns", ""),
                checkpoint=asked["checkpoint_id"],
                task=task_id,
                path=task_path,
                place=WRITES_IDX_MAP.get(channel, place),
                channel=channel,
                value=self.serde.dumps_typed(value)[1],
            )
            for place, (channel, value) in enumerate(writes)
        ]
        await self._store.put_writes(rows, replace=all(channel in WRITES_IDX_MAP for channel, _ in writes))

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        await self._store.delete(str(thread_id))

    async def _tuple(self, row: Checkpoint) -> CheckpointTuple:
        writes = await self._store.writes(row.thread, row.ns, row.id)
        value, metadata = self._checked(row, row.value, Shape), self._checked(row, row.metadata, MetadataShape)
        return CheckpointTuple(
            _named(row.thread, row.ns, row.id),
            value,
            metadata,
            _named(row.thread, row.ns, row.parent) if row.parent else None,
            [(write.task, write.channel, self.serde.loads_typed(("json", write.value))) for write in writes],
        )

    def _checked(self, row: Checkpoint, data: bytes, shape: type[Shape] | type[MetadataShape]) -> Any:
        """Return what ``data`` says. Raises ``StoreProblem`` when it has not the shape of a checkpoint."""
        value = self.serde.loads_typed(("json", data))
        try:
            msgspec.convert(value, shape, strict=True)
        except msgspec.ValidationError as error:
            raise StoreProblem(
                f"the checkpoint {row.id} of the run {row.thread} is not one ({error}); "
                f"`research resume {row.thread} --from-journal` goes back to the last good point"
            ) from error
        return value


def _named(thread: str, ns: str, id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": id}}
