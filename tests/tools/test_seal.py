"""The seal: a digest is that of one row at one place, and its key is made once and kept whole."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import StoreProblem
from tools.seal import Seal, open_seal

values = st.lists(st.none() | st.text() | st.binary() | st.integers() | st.floats(allow_nan=False), max_size=5)


@given(values, values)
def test_a_digest_is_that_of_its_values_alone(one: list[object], two: list[object]) -> None:
    """What holds for one row holds for no other, whatever its types and wherever its borders are."""
    seal = Seal(bytes(32))
    same = len(one) == len(two) and all(
        type(a) is type(b) and repr(a) == repr(b) for a, b in zip(one, two, strict=True)
    )
    assert seal.holds(seal.sign(*one), *two) is same
    assert not Seal(b"x" * 32).holds(seal.sign(*one), *one)


@pytest.mark.parametrize("digest", [None, "", b"", 0, b"\x00" * 16])
def test_what_is_no_digest_holds_for_nothing(digest: object) -> None:
    """A digest of another type or length is refused like a wrong one."""
    assert not Seal(bytes(32)).holds(digest, "a")


def test_the_key_is_shown_nowhere() -> None:
    """Neither the representation nor the text of a seal has the key in it."""
    assert "k" * 4 not in f"{Seal(b'k' * 32)!r} {Seal(b'k' * 32)}"


def opened(folder: Path) -> bytes:
    """What one process signs with the key that it made or found."""
    return open_seal(folder / "key", (folder / "runs.db",), create=True).sign("row")


def test_processes_that_begin_at_once_make_one_key(tmp_path: Path) -> None:
    """The first commands of a new home sign alike, and leave no draft behind."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        signed = pool.map(opened, [tmp_path] * 24)
    assert len(set(signed)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_key_that_is_lost_or_damaged_is_said_and_never_made_anew(tmp_path: Path) -> None:
    """Where signed rows are, a missing key, one with a flipped bit and a short one are each refused by name."""
    path = tmp_path / "key"
    open_seal(path, (), create=True)
    whole = path.read_bytes()
    (tmp_path / "runs.db").touch()
    for damaged in (bytes([whole[0] ^ 1]) + whole[1:], whole[:-1], b"", whole + b"x", whole[:32]):
        path.write_bytes(damaged)
        with pytest.raises(StoreProblem, match=r"key.*damaged.*--home"):
            open_seal(path, (tmp_path / "runs.db",), create=True)
    path.unlink()
    with pytest.raises(StoreProblem, match=r"key.*cannot be read.*--home"):
        open_seal(path, (tmp_path / "runs.db",), create=True)
    assert not path.exists()


def test_bytes_that_look_like_two_values_are_one() -> None:
    """The length of each value is a part of what is signed, so no border can be moved into a value."""
    seal = Seal(bytes(32))
    assert seal.sign(b"xint:5") != seal.sign(b"x", 5)
    assert seal.sign(b"xbytes:y", b"z") != seal.sign(b"x", b"ybytes:z")
