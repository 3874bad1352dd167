"""Documents become corpora by the real indexer, and a ranking names them by their own ids."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.records import Document, Outcome
from research.app.records import Home
from research.app.systems import SYSTEMS, open_system, system_kind
from research.app.systems.answering import CHANGES
from research.app.systems.bm25 import PlainBm25
from research.app.systems.materials import FEW, Shelf, file_name, file_text, write_documents
from research.errors import SettingMissing, StoreProblem, UnknownName, UsageFault
from research.options import Rerank, RunOptions
from research.records import Question
from research.settings import Settings, load
from tools.corpus_folder import corpus_names
from tools.cross_encoder import cross_encoder_folder
from tools.embeddings import HashingEmbedder
from tools.fakes.toy_cross_encoder import write_toy

PLACES = (
    Document(id="tarn", title="Tarn", text="A mountain lake is left behind by a glacier."),
    Document(id="weir", title="Weir", text="A low barrier across a river raises its level for a mill."),
    Document(id="lock/1", title="Lock", text="A chamber with gates lifts boats between two levels of a canal."),
    Document(id="../../etc", title="", text="Salt is won from sea water in shallow pans."),
)


def settings(home: Path) -> Settings:
    """Settings of a user whose home is new."""
    return load({"home": str(home)}, {})


async def ranked(name: str, corpora: dict[str, Sequence[Document]], home: Path, *texts: str) -> list[Outcome]:
    """The outcomes of a system on questions to all corpora."""
    user = settings(home / "user")
    async with open_system(name, corpora, user, user.options(), home=home / "evals", say=lambda line: None) as system:
        return [await system(Question(text=text, corpora=tuple(corpora))) for text in texts]


@pytest.mark.parametrize("name", ["lexical", "dense", "fused", "bm25"])
async def test_a_ranking_names_documents_by_their_ids(name: str, tmp_path: Path) -> None:
    """The document that holds the question's words comes first, whatever its id is, and none comes twice."""
    canal, salt = await ranked(name, {"waters": PLACES}, tmp_path, "boats in a canal", "sea salt")
    assert canal.ranked is not None and canal.ranked[0] == "lock/1"
    assert salt.ranked is not None and salt.ranked[0] == "../../etc"
    assert len(set(canal.ranked)) == len(canal.ranked)
    assert canal.answer is None and canal.seconds > 0


async def test_a_cross_encoder_in_the_users_home_has_a_say(tmp_path: Path) -> None:
    """With --rerank cross-encoder the corpus is asked with it; without its files nothing is indexed, and it is said."""
    user = load({"home": str(tmp_path / "user"), "rerank": "cross-encoder"}, {})

    async def found() -> tuple[str, ...]:
        opened = open_system("fused", {"waters": PLACES}, user, user.options(), home=tmp_path / "e", say=print)
        async with opened as system:
            question = Question(text="river barrier mill or canal boats or lake", corpora=("waters",))
            return (await system(question)).ranked or ()

    with pytest.raises(SettingMissing, match="research setup reranker"):
        await found()
    assert corpus_names(tmp_path / "e" / "corpora") == []
    pytest.importorskip("onnxruntime")
    folder = cross_encoder_folder(tmp_path / "user")
    tops = []
    for known in ("river barrier mill", "canal boats lake"):
        write_toy(folder, [known])
        tops.append((await found())[0])
        shutil.rmtree(folder)
    assert tops == ["weir", "lock/1"]


@pytest.mark.parametrize("rerank", ["features", "model", "cross-encoder"])
def test_a_system_without_a_model_asks_none_to_rank(rerank: Rerank) -> None:
    """Extractive keeps the choice that needs no model, and takes the default for the one that does."""
    given = RunOptions(rerank=rerank, model="openai:m")
    assert CHANGES["extractive"](given).rerank == ("features" if rerank == "model" else rerank)
    assert CHANGES["workflow"](given).rerank == rerank


@pytest.mark.parametrize("name", ["lexical", "bm25"])
async def test_a_title_is_searched(name: str, tmp_path: Path) -> None:
    """A word that only the title has finds its document."""
    (found,) = await ranked(name, {"waters": PLACES}, tmp_path, "tarn")
    assert found.ranked == ("tarn",)


@pytest.mark.parametrize("name", ["lexical", "fused", "bm25"])
async def test_documents_with_the_same_text_stay_apart(name: str, tmp_path: Path) -> None:
    """Three documents that read the same are three places of the ranking."""
    same = [Document(id=id, title="Ford", text="Carts cross the stream at the ford.") for id in "abc"]
    (found,) = await ranked(name, {"waters": [*same, *PLACES]}, tmp_path, "carts cross the stream")
    assert found.ranked is not None and set(found.ranked[:3]) == {"a", "b", "c"}


async def test_files_are_named_by_code(tmp_path: Path) -> None:
    """An id that is a path is no path, and every file stands where the indexer looks."""
    await ranked("lexical", {"waters": PLACES}, tmp_path, "salt")
    (folder,) = (tmp_path / "evals" / "documents").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [f"d{n:06}.txt" for n in range(4)]


async def test_equal_documents_are_indexed_once(tmp_path: Path) -> None:
    """The second eval finds the index of the first and says nothing of indexing; a changed text makes another."""
    said: list[str] = []
    user = settings(tmp_path / "user")

    async def open_over(documents: Sequence[Document]) -> None:
        home = tmp_path / "evals"
        async with open_system("fused", {"w": documents}, user, user.options(), home=home, say=said.append):
            pass

    await open_over(PLACES)
    assert len(said) == 1 and "indexing 4 documents of w" in said[0]
    await open_over(PLACES)
    assert len(said) == 1
    await open_over(PLACES[:3])
    assert len(said) == 2
    assert len(corpus_names(tmp_path / "evals" / "corpora")) == 2


async def test_an_index_that_was_stopped_goes_on(tmp_path: Path) -> None:
    """Documents written and not yet indexed by a run that died: the next one finds them all."""

    class Dies(HashingEmbedder):
        """Takes the index down."""

        async def embed(self, texts: Sequence[str]) -> Any:
            raise ConnectionAbortedError

    home = Home(settings(tmp_path))
    with pytest.raises(ConnectionAbortedError):
        await Shelf({"w": PLACES}, home, Dies(), lambda line: None).prepare()
    shelf = Shelf({"w": PLACES}, home, HashingEmbedder(), lambda line: None)
    async with shelf.open(["w"]) as held:
        (shelved,) = held.values()
        assert not shelved.corpus.partial
        assert {shelved.ids[hit.url] for hit in await shelved.corpus.retrieve("barrier gates salt glacier", 9)} == {
            document.id for document in PLACES
        }
    shelf.close()


async def test_what_has_no_text_is_named(tmp_path: Path) -> None:
    """An empty document is told to the user by its id."""
    said: list[str] = []
    user = settings(tmp_path / "user")
    corpora = {"w": [*PLACES, Document(id="blank", title="Blank", text=" \n")]}
    async with open_system("fused", corpora, user, user.options(), home=tmp_path / "evals", say=said.append):
        pass
    assert any("blank" in line and "empty" in line for line in said)


async def test_many_corpora_do_not_stay_open(tmp_path: Path) -> None:
    """A corpus for each case: no more than a few are open at once, and each is answered from."""
    corpora = {f"case {n}": [PLACES[n]] for n in range(4)}
    shelf = Shelf(corpora, Home(settings(tmp_path)), HashingEmbedder(), lambda line: None, most_open=2)
    for number, name in enumerate(corpora):
        async with shelf.open([name]) as held:
            (shelved,) = held.values()
            hits = await shelved.corpus.retrieve(PLACES[number].text, 3)
            assert {shelved.ids[hit.url] for hit in hits} == {PLACES[number].id}
        assert len(shelf._open) <= 2
    shelf.close()


async def test_a_corpus_in_use_stays_open(tmp_path: Path) -> None:
    """One case holds its corpus while others come and go, with room for one: only those are closed."""
    corpora = {f"case {n}": [PLACES[n]] for n in range(3)}
    shelf = Shelf(corpora, Home(settings(tmp_path)), HashingEmbedder(), lambda line: None, most_open=1)
    async with shelf.open(["case 0"]) as held:
        for name in ("case 1", "case 2"):
            async with shelf.open([name]):
                pass
        (shelved,) = held.values()
        assert [shelved.ids[hit.url] for hit in await shelved.corpus.retrieve("mountain lake", 3)] == ["tarn"]
    shelf.close()


async def test_an_index_is_of_one_embedder(tmp_path: Path) -> None:
    """Vectors of another embedder are another corpus, indexed beside the first."""

    class Other(HashingEmbedder):
        """The same vectors under another name."""

        name = "other"

    said: list[str] = []
    for embedder in (HashingEmbedder(), Other()):
        shelf = Shelf({"w": PLACES}, Home(settings(tmp_path)), embedder, said.append)
        async with shelf.open(["w"]) as held:
            (shelved,) = held.values()
            assert await shelved.corpus.lists("salt", 2)
        shelf.close()
    assert len(said) == len(corpus_names(tmp_path / "corpora")) == 2


def test_a_document_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """The disk refuses in the middle of a file: nothing has its name, and the next try writes it."""
    document = Document(id="long", text="A long text. " * 20_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StoreProblem, match="cannot be written"):
            write_documents([document], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    path = tmp_path / file_name(0, document)
    assert not path.exists() and list(tmp_path.iterdir())
    write_documents([document], tmp_path)
    assert path.read_text(encoding="utf-8") == file_text(document)


async def test_the_seconds_of_a_case_are_those_of_its_work(tmp_path: Path) -> None:
    """A case that must wait until its corpus is indexed, which takes a hundred times as long, is not charged for it."""
    name = "lexical"
    corpora = {f"case {n}": PLACES for n in range(FEW)} | {"case": [Document(id="ford", text="A ford is shallow.")]}
    user = settings(tmp_path / "user")
    async with open_system(name, corpora, user, user.options(), home=tmp_path / "e", say=lambda x: None) as system:
        await system(Question(text="What is salt won from?", corpora=("case 0",)))  # loads what the first case loads
        began = time.monotonic()
        outcome = await system(Question(text="What is a ford?", corpora=("case",)))
        whole = time.monotonic() - began
    assert 0 < outcome.seconds < whole / 2


async def test_several_corpora_are_ranked_as_one(tmp_path: Path) -> None:
    """A question that names two corpora finds documents of both."""
    found = await ranked("fused", {"one": PLACES[:2], "two": PLACES[2:]}, tmp_path, "glacier canal")
    assert found[0].ranked is not None and set(found[0].ranked[:2]) == {"tarn", "lock/1"}


@pytest.mark.parametrize("name", ["fused", "bm25"])
async def test_a_question_without_a_corpus_is_refused(name: str, tmp_path: Path) -> None:
    """Nothing to search is a fault and no empty ranking."""
    user = settings(tmp_path)
    async with open_system(name, {"w": PLACES}, user, user.options(), home=tmp_path / "e", say=lambda x: None) as ask:
        with pytest.raises(UsageFault, match="no corpus"):
            await ask(Question(text="salt"))


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (Document(id="1", title="Two  words", text="Body."), "Two words\n=========\n\nBody."),
        (Document(id="1", text="Body."), "Body."),
        (Document(id="1", title="Empty", text=""), ""),
        (Document(id="1", title="A", text="# B\n\nBody.", suffix=".md"), "# B\n\nBody."),
        (Document(id="1", title="Own", text="Body.", suffix=".md"), "Own\n===\n\nBody."),
        (Document(id="1", title="A", text="<p>Body", suffix=".html"), "<p>Body"),
        (Document(id="1", title="Same", text="Same\n====\n\nBody."), "Same\n====\n\nBody."),
    ],
)
def test_a_text_that_says_no_title_gets_it_as_a_heading(document: Document, text: str) -> None:
    """Plain text is given its title as a person would write it; markup that has a title stays as it is."""
    assert file_text(document) == text


def test_plain_bm25_is_the_formula() -> None:
    """One query word in one of two texts: ln(1 + 1.5 / 1.5) times tf / (tf + k1 * (1 - b + b * length / mean))."""
    index = PlainBm25(["salt salt mill", "mill"])
    assert index.scores("Salting the")[0] == pytest.approx(0.693147 * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2)), rel=1e-5)
    assert index.best("salt", 5) == [0]
    assert index.best("nothing", 5) == []


def test_plain_bm25_agrees_with_a_reference(shared_data: Path) -> None:
    """On Cranfield the scores equal those of bm25s to six digits, given the same words."""
    bm25s = pytest.importorskip("bm25s")
    from evals.suite import Request
    from evals.suites.retrieval import SUITE
    from research.app.systems.bm25 import K1, B, porter, words

    loaded = SUITE.load(Request(data=shared_data / "retrieval" / "cranfield", seed=0))
    texts = [f"{document.title} {document.text}" for documents in loaded.corpora.values() for document in documents]
    stems = porter(word for text in texts for word in words(text))
    reference = bm25s.BM25(method="lucene", k1=K1, b=B)
    reference.index([[s for word in words(text) for s in stems[word]] for text in texts], show_progress=False)
    ours = PlainBm25(texts)
    for case in loaded.cases[:20]:
        known = [word for word in words(case.question.text) if word in stems]
        theirs = reference.get_scores([stem for word in known for stem in stems[word]])
        assert ours.scores(" ".join(known)) == pytest.approx(theirs, rel=1e-4, abs=1e-4)


def test_every_system_is_described() -> None:
    """A name leads to its kind, which says what it gives and is."""
    assert all(kind.name == name and kind.gives and kind.says for name, kind in SYSTEMS.items())
    assert system_kind("command:cat -").gives and system_kind("file:answers.jsonl").gives


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("lexicla", UnknownName, "did you mean lexical"),
        ("zzz", UnknownName, "known: lexical"),
        ("command:", UsageFault, "names nothing"),
        ("file: ", UsageFault, "names nothing"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(name: str, error: type[Exception], words: str) -> None:
    """A mistyped system is no system."""
    with pytest.raises(error, match=words):
        system_kind(name)


@pytest.mark.parametrize("name", [name for name, kind in SYSTEMS.items() if kind.needs])
async def test_a_missing_model_is_said_before_anything_is_indexed(name: str, tmp_path: Path) -> None:
    """The systems that need a model name the flag, and leave no trace."""
    user = settings(tmp_path / "user")
    with pytest.raises(SettingMissing, match="--model"):
        async with open_system(name, {"w": PLACES}, user, user.options(), home=tmp_path / "e", say=lambda line: None):
            pass
    assert not (tmp_path / "e").exists()


def test_a_document_that_a_system_changed_is_put_right(tmp_path: Path) -> None:
    """A command may write where it reads; the next system gets the documents of the suite, and no others' edits."""
    write_documents(PLACES, tmp_path)
    path = tmp_path / file_name(0, PLACES[0])
    whole = path.read_bytes()
    path.write_text("The answer is 42.", encoding="utf-8")
    write_documents(PLACES, tmp_path)
    assert path.read_bytes() == whole
