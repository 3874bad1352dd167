"""The Chroma collection is brought into agreement with its database by what was added, or by all ids where in doubt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings
from numpy.typing import NDArray

from tools.corpus_rows import Change, Facts, FileRow, PassageRow
from tools.corpus_store import CorpusStore
from tools.embeddings import HashingEmbedder
from tools.vectors import DenseIndex

NAME = HashingEmbedder.name


def vector(text: str) -> NDArray[np.float32]:
    return HashingEmbedder().vectors([text])[0]


def put(store: CorpusStore, *texts: str) -> None:
    """Store a document of one passage for each text; its vector's hash is made of the text."""
    changes, vectors = [], {}
    for text in texts:
        key = text.replace(" ", "").ljust(64, "0")
        row = PassageRow(source=text, start=0, end=len(text), title=text, heading="", text=text, vector=key)
        file = FileRow(name=text, size=1, mtime_ns=1, sha256="", label="public", source=text)
        changes.append(Change(file=file, passages=(row,)))
        vectors[key] = vector(text)
    store.replace(changes, vectors, done=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CorpusStore]:
    with closing(CorpusStore(tmp_path)) as made:
        made.write_facts(Facts(embedder=NAME, dimensions=512, label="public", folder="/"))
        put(made, "apples", "pears", "plums")
        yield made


def agree(store: CorpusStore) -> int:
    with closing(DenseIndex(store.path.parent, NAME)) as index:
        return index.agree(store)


def nearest(store: CorpusStore, text: str) -> str:
    """What Chroma holds nearest to a text, after agreeing."""
    with closing(DenseIndex(store.path.parent, NAME)) as index:
        index.agree(store)
        (id,) = index.search(vector(text), 1)
        return store.passages([id])[id].text


@contextmanager
def collection(store: CorpusStore) -> Iterator[chromadb.Collection]:
    client = chromadb.PersistentClient(
        str(store.path.parent / "chroma"), settings=Settings(_env_file=None, anonymized_telemetry=False)
    )
    try:
        (found,) = client.list_collections()
        yield found
    finally:
        client.close()


def held(store: CorpusStore) -> Sequence[str]:
    with collection(store) as found:
        return sorted(found.get(include=[])["ids"])


def test_only_what_is_new_is_added(store: CorpusStore) -> None:
    """Three, then none, then the one that came; and the collection is marked with what the database holds."""
    assert [agree(store), agree(store)] == [3, 0]
    put(store, "quinces")
    assert agree(store) == 1
    with collection(store) as found:
        count, last, digest = store.entries()
        assert found.metadata == {"last_passage": last, "entries_digest": digest}
        assert found.count() == count == 4


def test_what_was_removed_goes(store: CorpusStore) -> None:
    """A document that left the database leaves the collection, while another comes."""
    agree(store)
    store.remove(["pears"])
    put(store, "quinces")
    assert agree(store) == 2
    assert len(held(store)) == 3
    assert nearest(store, "pears") != "pears"


def test_entries_that_came_or_went_behind_its_back_are_mended(store: CorpusStore) -> None:
    """As after a kill between adding and marking: the number tells, and then all ids are compared."""
    agree(store)
    before = held(store)
    with collection(store) as found:
        found.delete(ids=[before[0]])
    assert agree(store) == 1
    with collection(store) as found:
        found.add(ids=["99-strange"], embeddings=[vector("strange").tolist()])
    assert agree(store) == 1
    assert held(store) == before


def test_a_database_put_back_from_a_copy_is_told_from_its_later_self(store: CorpusStore, tmp_path: Path) -> None:
    """As many passages with the same ids, but other ones: the collection follows the database."""
    agree(store)
    shutil.copytree(tmp_path, tmp_path / "copy", ignore=shutil.ignore_patterns("chroma*", "copy"))
    put(store, "quinces")
    agree(store)
    with closing(CorpusStore(tmp_path / "copy")) as other:
        put(other, "medlars")
        shutil.copytree(tmp_path / "chroma", tmp_path / "copy" / "chroma")
        assert other.entries()[:2] == store.entries()[:2]
        assert agree(other) == 2
        assert nearest(other, "medlars") == "medlars"


def test_an_unmarked_collection_is_compared_and_then_marked(store: CorpusStore) -> None:
    """One of an earlier version has no mark: nothing is added, and the next time the mark is enough."""
    agree(store)
    with collection(store) as found:
        found.modify(metadata={"made": "earlier"})
    assert agree(store) == 0
    with collection(store) as found:
        assert found.metadata == dict(zip(("last_passage", "entries_digest"), store.entries()[1:], strict=True))


def test_the_digest_covers_each_passage_up_to_the_last(store: CorpusStore) -> None:
    """It changes with a passage that comes or goes, and not with what lies beyond."""
    whole = store.entries()
    put(store, "quinces")
    assert store.entries(whole[1]) == whole != store.entries()
    store.remove(["pears"])
    assert store.entries(whole[1])[2] != whole[2]
    assert store.entries(0)[:2] == (0, 0)
