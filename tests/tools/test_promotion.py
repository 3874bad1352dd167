"""Adding pages to a corpus and forgetting them, with the real stores: only what was shown, and only as it was shown."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from research.app.memory import matching
from research.errors import SettingMissing, StoreProblem, UnknownName, UsageFault
from tools.corpus import open_corpus
from tools.corpus_rows import Facts
from tools.corpus_store import CorpusStore
from tools.embeddings import HashingEmbedder
from tools.promoted import Promoted
from tools.promotion import Held, NewPage, add, forget, held

NOW = "2026-11-23T10:00:00+00:00"


class OtherEmbedder(HashingEmbedder):
    """The same vectors under another name."""

    name = "other-1"


def page(url: str, text: str, run: str = "20261123-100000-aaaaaa") -> NewPage:
    """A page as a run cited it."""
    source = hashlib.sha256(text.encode()).hexdigest()
    origin = Promoted(url=url, source=source, run=run, approver="ann", approved=NOW, retrieved=NOW)
    return NewPage(origin=origin, title="Title", media="text/html", text=text)


ONE = page("https://a.example/one", "A call is reserved in the budget of a run before it is sent.")
TWO = page("https://docs.b.example/two", "The owner of a run holds a lock of the system.", run="20261124-100000-bbbbbb")


async def filled(folder: Path) -> Path:
    """A corpus of two pages."""
    await add(folder, [ONE, TWO], HashingEmbedder(), label="private", seen=held(folder))
    return folder


async def test_what_changed_since_it_was_shown_is_refused(tmp_path: Path) -> None:
    """An approval of a corpus as it was does nothing to the corpus as it is."""
    folder = await filled(tmp_path / "web")
    now = held(folder)
    for seen in (Held(), msgspec.structs.replace(now, label="public"), msgspec.structs.replace(now, pages=())):
        with pytest.raises(UsageFault, match="changed while you were asked"):
            await add(folder, [ONE], HashingEmbedder(), label="private", seen=seen)
        with pytest.raises(UsageFault, match="changed while you were asked"):
            await forget(folder, [ONE.origin], by="bea", now=NOW, seen=seen)
    assert held(folder) == now


async def test_a_text_that_is_not_the_one_shown_is_refused(tmp_path: Path) -> None:
    """The text must have the hash that was approved."""
    other = msgspec.structs.replace(ONE, text=f"{ONE.text} And something else.")
    with pytest.raises(UsageFault, match="is not the one that was shown"):
        await add(tmp_path / "web", [other], HashingEmbedder(), label="private", seen=Held())
    assert held(tmp_path / "web") == Held()


async def test_a_newer_text_takes_the_place_of_the_older(tmp_path: Path) -> None:
    """One address has one text: nothing of the older one is found any more."""
    folder = await filled(tmp_path / "web")
    newer = page(ONE.origin.url, "No call is ever reserved, and every one is billed at the end.")
    done = await add(folder, [newer], HashingEmbedder(), label="private", seen=held(folder))
    assert (done.pages, done.left) == (1, 2)
    corpus = open_corpus(folder, HashingEmbedder())
    try:
        hits = await corpus.retrieve("Is a call reserved in the budget?", 10)
    finally:
        corpus.close()
    assert {hit.source for hit in hits} == {newer.origin.source, TWO.origin.source}


async def test_another_embedder_or_another_user_of_the_corpus_is_refused(tmp_path: Path) -> None:
    """Vectors of two embedders are not mixed, and a corpus that is being asked does not change."""
    folder = await filled(tmp_path / "web")
    before = held(folder)
    with pytest.raises(SettingMissing, match="other-1"):
        await add(folder, [ONE], OtherEmbedder(), label="private", seen=before)
    corpus = open_corpus(folder, HashingEmbedder())
    try:
        with pytest.raises(StoreProblem, match="another process is using"):
            await forget(folder, [ONE.origin], by="bea", now=NOW, seen=before)
    finally:
        corpus.close()
    assert held(folder) == before


async def test_an_emptied_corpus_is_as_if_nothing_had_been_added(tmp_path: Path) -> None:
    """When its last page is forgotten it says nothing of itself, and a later one is private again."""
    folder = tmp_path / "web"
    await add(folder, [ONE], HashingEmbedder(), label="public", seen=Held())
    await forget(folder, [ONE.origin], by="bea", now=NOW, seen=held(folder))
    left = held(folder)
    assert (left.generation, left.label, left.pages) == ("", "", ())
    assert [(gone.url, gone.approver) for gone in left.forgotten] == [(ONE.origin.url, "bea")]


def test_the_index_of_a_folder_is_no_place_for_pages(tmp_path: Path) -> None:
    """It is refused as soon as it is looked at."""
    store = CorpusStore(tmp_path)
    store.write_facts(Facts(embedder="e", dimensions=1, label="public", folder="/documents", state="whole"))
    store.close()
    with pytest.raises(UsageFault, match="is the index of /documents"):
        held(tmp_path)


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("https://a.example/one", "the page https://a.example/one"),
        ("HTTPS://A.example:443/one#part", "the page https://a.example/one"),
        (ONE.origin.source[:8], f"the text {ONE.origin.source[:12]}"),
        ("20261124", "the run 20261124-100000-bbbbbb"),
        ("b.example", "the site b.example"),
    ],
)
def test_a_page_is_named_in_five_ways(what: str, named: str) -> None:
    """Address in any spelling, hash, run, site, and a site by the domain above it; one page is meant each time."""
    words, pages = matching("web", what, [ONE.origin, TWO.origin])
    assert (words, len(pages)) == (named, 1)


@pytest.mark.parametrize(("what", "error"), [("example", None), ("ample", UnknownName), ("20261", UnknownName)])
def test_no_page_is_named_by_halves(what: str, error: type[Exception] | None) -> None:
    """A site is whole labels of a name, and a run is named by its date at least."""
    if error is None:
        assert len(matching("web", what, [ONE.origin, TWO.origin])[1]) == 2
        return
    with pytest.raises(error):
        matching("web", what, [ONE.origin, TWO.origin])


def test_what_names_two_runs_is_refused() -> None:
    """A beginning that two runs share names neither."""
    other = msgspec.structs.replace(TWO.origin, run="20261123-110000-cccccc")
    with pytest.raises(UsageFault, match="give more of it"):
        matching("web", "20261123", [ONE.origin, other])
