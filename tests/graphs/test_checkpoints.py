"""Checkpoints are plain JSON: they read back as they were, and nothing in them can run."""

from __future__ import annotations

import json
import pickle
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Interrupt, Send
from parts import TWO, Setup, checkpoints

from graphs.checkpoints import StoredSaver, StrictJson
from graphs.state import VERSION, merge
from research.errors import StoreProblem, WrongVersion

plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "\x00"), inner),
    max_leaves=20,
)


@given(plain_json)
def test_plain_json_reads_back_as_it_was(value: Any) -> None:
    """What the state holds comes back equal."""
    serializer = StrictJson()
    assert serializer.loads_typed(serializer.dumps_typed(value)) == value


@given(plain_json)
def test_sends_and_interrupts_read_back_as_they_were(value: Any) -> None:
    """LangGraph's own two types survive, wherever they stand."""
    serializer = StrictJson()
    held = {"tasks": [Send("branch", value)], "interrupts": [Interrupt(value, id="i")]}
    back = serializer.loads_typed(serializer.dumps_typed(held))
    assert back["tasks"] == held["tasks"]
    assert (back["interrupts"][0].value, back["interrupts"][0].id) == (value, "i")


@pytest.mark.parametrize("value", [{1, 2}, Path("/tmp"), b"bytes", object(), {1: "a"}, {"\x00": "send"}])
def test_what_is_not_plain_json_is_refused_when_it_is_written(value: Any) -> None:
    """Nothing is turned into something else in silence."""
    with pytest.raises(StoreProblem, match="plain JSON"):
        StrictJson().dumps_typed({"field": value})


class Planted:
    """A value whose reading would run code."""

    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return (exec, ("raise SystemExit('code ran')",))


@pytest.mark.parametrize(
    "planted",
    [
        ("pickle", pickle.dumps(Planted())),
        JsonPlusSerializer().dumps_typed(Path("/etc/passwd")),
        ("json", b'{"lc": 2, "type": "constructor", "id": ["os", "system"], "args": ["true"]}'),
        ("json", b'{"\\u0000": "exec", "code": "1"}'),
        ("json", b"{not json"),
    ],
)
def test_planted_bytes_run_no_code(planted: tuple[str, bytes]) -> None:
    """Foreign types are refused, and a constructor's description stays a dict."""
    try:
        read = StrictJson().loads_typed(planted)
    except StoreProblem:
        return
    assert read == json.loads(planted[1])


def test_merging_is_idempotent_and_keeps_the_newest() -> None:
    """A step that runs twice changes nothing."""
    once = merge({"a": {"n": 1}}, {"b": {"n": 2}})
    assert merge(once, {"b": {"n": 2}}) == once
    assert merge(None, {"a": {"n": 3}}) == {"a": {"n": 3}}


async def test_the_saver_uses_the_strict_serialiser(tmp_path: Path) -> None:
    """LangGraph has not put its own serialiser in the place of ours."""
    with checkpoints(tmp_path) as store:
        assert type(StoredSaver(store).serde) is StrictJson


async def test_every_checkpoint_on_disk_is_json(tmp_path: Path) -> None:
    """After a whole run, no row of the file holds anything but JSON."""
    await Setup(tmp_path, history=True).work(TWO)
    query = (
        "SELECT value FROM checkpoints UNION ALL SELECT metadata FROM checkpoints UNION ALL SELECT value FROM writes"
    )
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        stored = database.execute(query).fetchall()
    assert stored
    for (value,) in stored:
        json.loads(value)


async def test_only_the_latest_checkpoint_of_each_name_space_is_kept(tmp_path: Path) -> None:
    """A resume needs no other, so the file does not grow with the square of the steps."""
    await Setup(tmp_path).work(TWO)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        counts = database.execute("SELECT ns, count(*) FROM checkpoints GROUP BY ns").fetchall()
    assert len(counts) > 1
    assert {count for _, count in counts} == {1}


@pytest.mark.parametrize("change", ["value = replace(value, 'b', 'c')", "thread = 'other'", "digest = x'00'"])
async def test_a_checkpoint_that_was_changed_is_refused(tmp_path: Path, change: str) -> None:
    """A changed value, a row in another's place and a wrong digest are each named."""
    setup = Setup(tmp_path)
    await setup.work(TWO)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        database.execute(f"UPDATE checkpoints SET {change} WHERE ns = ''")
        database.commit()
    if change.startswith("thread"):
        with checkpoints(tmp_path) as store, pytest.raises(StoreProblem, match="the checkpoint"):
            await store.latest("other", "")
        return
    with pytest.raises(StoreProblem, match="the checkpoint"):
        await setup.work(TWO)


async def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    """A run whose state another version wrote is not mixed with this one's."""
    setup = Setup(tmp_path)
    await setup.work(TWO)
    with checkpoints(tmp_path) as store:
        latest = await store.latest("run-1", "")
        assert latest is not None
        value = latest.value.replace(f'"version": {VERSION}'.encode(), b'"version": 99')
        assert value != latest.value
        await store.put(msgspec.structs.replace(latest, value=value))
    with pytest.raises(WrongVersion, match="99"):
        await setup.work(TWO)


async def test_a_run_cut_off_between_a_steps_writes_and_the_next_checkpoint_goes_on(tmp_path: Path) -> None:
    """Whichever root checkpoint is the last that was saved, the run goes on to its report and asks nothing again."""
    setup = Setup(tmp_path, history=True)
    expected = await setup.work(TWO)
    whole = sqlite3.connect(tmp_path / "runs.db")
    ids = [row[0] for row in whole.execute("SELECT id FROM checkpoints WHERE ns = '' ORDER BY id")]
    assert len(ids) > 8
    asked = len(setup.search.asked)
    for last in reversed(ids):
        for table, column in (("checkpoints", "id"), ("writes", "checkpoint")):
            whole.execute(f"DELETE FROM {table} WHERE ns = '' AND {column} > ?", (last,))
        whole.commit()
        assert await setup.work(TWO) == expected
    whole.close()
    assert len(setup.search.asked) == asked


async def test_the_saver_keeps_langgraphs_contract(tmp_path: Path) -> None:
    """The conformance kit of LangGraph's checkpointers passes in full."""

    @checkpointer_test(name="StoredSaver")
    async def savers() -> AsyncIterator[StoredSaver]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        with checkpoints(folder, history=True) as store:
            yield StoredSaver(store)

    found = await validate(savers)
    assert found.passed_all_base(), found.to_dict()
