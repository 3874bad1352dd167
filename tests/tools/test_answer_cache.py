"""The cache of answers: equal requests alone, signed rows, and a file that can be emptied whatever is in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import StoreProblem
from research.requests import Message, ModelReply, ModelRequest, TokenCount, ToolSpec
from tools.answer_cache import REMEDY, SCHEMA, VERSION, AnswerCache, count, empty
from tools.database import Database
from tools.seal import Seal

SEAL = Seal(b"k" * 32)
ASKED = ModelRequest(model="openai:m", role="reader", messages=(Message(role="user", content="a"),), max_tokens=100)
REPLY = ModelReply(text="yes – ✓", stop="end", usage=TokenCount(prompt=3, completion=2), data={"a": [1, None, "é"]})
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists)
WAYS = {"openai:m": "one server"}


class Told(list[str]):
    """What was said of changed rows."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the answers are."""
    return tmp_path / "cache.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """The open file."""
    with closing(Database(path, SCHEMA, VERSION, remedy=REMEDY)) as opened:
        yield opened


def cache(database: Database, told: Told, *, ways: dict[str, str] | None = None, seal: Seal = SEAL) -> AnswerCache:
    """The cache as one run sees it."""
    return AnswerCache(database, seal, run="run-1", ways=WAYS if ways is None else ways, tell=told.append)


async def test_a_model_of_which_it_is_not_known_how_it_is_reached_is_not_kept(database: Database) -> None:
    """One name at two servers is two models: the answer of neither is given out for the other's."""
    told = Told()
    await cache(database, told, ways={}).keep(ASKED, REPLY)
    await cache(database, told).keep(ASKED, REPLY)
    assert await cache(database, told, ways={}).find(ASKED) is None
    assert len(await database.run(lambda connection: connection.execute("SELECT key FROM answers").fetchall())) == 1


async def test_an_answer_is_found_again_whole(database: Database) -> None:
    """All of a reply comes back, to the run that kept it and to another; a request that was never answered has none."""
    told = Told()
    assert await cache(database, told).find(ASKED) is None
    await cache(database, told).keep(ASKED, REPLY)
    assert await cache(database, told).find(ASKED) == REPLY
    assert told == []


@pytest.mark.parametrize(
    "other",
    [
        {"model": "openai:n"},
        {"role": "writer"},
        {"messages": (Message(role="user", content="b"),)},
        {"messages": (Message(role="system", content="a"),)},
        {"max_tokens": 101},
        {"schema": {"type": "object"}},
        {"tools": (ToolSpec(name="t", description="", parameters={}),)},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_any_other_request_has_no_answer(database: Database, other: dict[str, object]) -> None:
    """Each part of a request counts."""
    told = Told()
    await cache(database, told).keep(ASKED, REPLY)
    assert await cache(database, told).find(msgspec.structs.replace(ASKED, **other)) is None


async def test_another_server_is_another_model(database: Database) -> None:
    """The same name reached another way has answers of its own."""
    told = Told()
    await cache(database, told).keep(ASKED, REPLY)
    elsewhere = cache(database, told, ways={"openai:m": "another server"})
    assert await elsewhere.find(ASKED) is None
    await elsewhere.keep(ASKED, msgspec.structs.replace(REPLY, text="no"))
    assert await cache(database, told).find(ASKED) == REPLY


@pytest.mark.parametrize("column", ["key", "model", "run", "reply", "digest"])
async def test_a_changed_row_is_no_answer_and_is_named(path: Path, database: Database, column: str) -> None:
    """Whatever was changed: nothing is returned, one sentence says so, and the next answer takes its place."""
    told = Told()
    await cache(database, told).keep(ASKED, REPLY)
    other = msgspec.structs.replace(ASKED, max_tokens=7)
    await cache(database, told).keep(other, msgspec.structs.replace(REPLY, text="other"))
    with sqlite3.connect(path) as connection:
        if column == "key":  # the two rows change places
            keys = [row[0] for row in connection.execute("SELECT key FROM answers ORDER BY key")]
            for old, new in ((keys[0], "x"), (keys[1], keys[0]), ("x", keys[1])):
                connection.execute("UPDATE answers SET key = ? WHERE key = ?", (new, old))
        else:
            connection.execute(f"UPDATE answers SET {column} = 'other'")
    connection.close()
    assert await cache(database, told).find(ASKED) is None
    assert len(told) == 1 and "is not what was written, so it is asked again" in told[0] and REMEDY in told[0]
    await cache(database, told).keep(ASKED, REPLY)
    assert await cache(database, told).find(ASKED) == REPLY


async def test_a_row_of_another_key_is_no_answer(database: Database) -> None:
    """A cache from another home is signed with its key."""
    told = Told()
    await cache(database, told, seal=Seal(b"o" * 32)).keep(ASKED, REPLY)
    assert await cache(database, told).find(ASKED) is None and len(told) == 1


async def test_it_is_emptied_so_that_nothing_is_left(path: Path, database: Database) -> None:
    """The number of answers is returned, and no byte of them is in the file or its log."""
    secret = "a very particular sentence"
    await cache(database, Told()).keep(ASKED, msgspec.structs.replace(REPLY, text=secret))
    assert count(path) == 1
    assert empty(path) == 1
    assert count(path) == 0
    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert secret.encode() not in left
    assert await cache(database, Told()).find(ASKED) is None


@pytest.mark.parametrize("data", [b"rubbish" * 500, b""], ids=["no database", "empty"])
def test_what_cannot_be_read_is_taken_away(path: Path, data: bytes) -> None:
    """A file that is no database is emptied, too, and a new one can be begun."""
    path.write_bytes(data)
    assert empty(path) == 0
    Database(path, SCHEMA, VERSION).close()
    assert count(path) == 0


def test_a_file_of_another_layout_is_refused_and_taken_away(path: Path) -> None:
    """It is not read, and emptying it takes it away."""
    Database(path, SCHEMA, VERSION).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    with pytest.raises(Exception, match="layout"):
        count(path)
    assert empty(path) == 0 and not path.exists()


def test_a_damaged_file_says_what_to_do(path: Path) -> None:
    """The sentence names the command that empties it."""
    path.write_bytes(b"rubbish" * 500)
    with pytest.raises(StoreProblem, match="research cache clear"):
        Database(path, SCHEMA, VERSION, remedy=REMEDY)


@given(
    text=st.text(), data=st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists)
)
async def test_every_reply_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: object
) -> None:
    """Any text that can be written down, lone surrogates aside, which no reply holds."""
    folder = tmp_path_factory.mktemp("replies")
    clean = text.encode("utf-8", "replace").decode()
    reply = ModelReply(text=clean, stop="tools", data=data)
    with closing(Database(folder / "cache.db", SCHEMA, VERSION)) as database:
        await cache(database, Told()).keep(ASKED, reply)
        assert await cache(database, Told()).find(ASKED) == reply
