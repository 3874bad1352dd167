"""The cross-encoder: pairs are scored as the graph says, only checked files become the model, and a corpus heeds it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from research.errors import SettingMissing, StoreProblem
from research.reranked import HEAD
from tools.clock import SystemClock
from tools.corpus import open_corpus
from tools.cross_encoder import MODEL, CrossEncoder, cross_encoder_folder
from tools.cross_encoder_setup import ANSWERS, ASKED, FILES, STRANGER, setup_cross_encoder
from tools.downloads import Download
from tools.embeddings import HashingEmbedder
from tools.fakes.toy_cross_encoder import toy_files, write_toy
from tools.indexing import index_folder
from tools.library import FileLibrary
from tools.parse import ChildParser
from tools.seal import Seal

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

TEXTS = (ASKED, ANSWERS, STRANGER)


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[str]:
    """A server on loopback with these files; whatever else is asked of it is not there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files.get(self.path.lstrip("/"))
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wanted(url: str, files: Mapping[str, bytes], **hashes: str) -> dict[str, Download]:
    """What is expected of the server; ``hashes`` are by the first part of a file's name."""
    return {
        name: Download(
            where=f"{url}/{name}", sha256=hashes.get(name.partition(".")[0], hashlib.sha256(data).hexdigest())
        )
        for name, data in files.items()
    }


def test_a_pair_is_scored_as_a_pair(tmp_path: Path) -> None:
    """Query and passage are told apart, padding counts for nothing, and what is beyond the limit is not read."""
    write_toy(tmp_path / "m", ["novel bridge spring wrote"])
    encoder = CrossEncoder(tmp_path / "m")
    passages = ["wrote a novel", "novel novel novel", "bridge", "", "other " * 600 + "novel wrote", "NOVEL in spring"]
    assert encoder.scores("Who wrote the novel?", passages).tolist() == [2, 3, 0, 0, 0, 1]
    many = encoder.scores("novel", ["novel " * (n % 7) for n in range(31)])
    assert many.tolist() == [n % 7 for n in range(31)]
    assert many.dtype == np.float32


async def test_two_checked_files_become_the_model(tmp_path: Path) -> None:
    """Downloaded, checked, tried and put in place whole; a second set-up downloads nothing."""
    files, said = toy_files(TEXTS), []
    with serving(files) as url:
        folder = await setup_cross_encoder(tmp_path, say=said.append, files=wanted(url, files))
    assert folder == cross_encoder_folder(tmp_path) == tmp_path / "models" / MODEL
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert [path.name for path in folder.parent.iterdir()] == [MODEL]
    assert said == [*(f"downloading {url}/{name}" for name in files), f"the model is in {folder} and works"]
    assert await setup_cross_encoder(tmp_path, say=said.append, files=wanted(url, files)) == folder


@pytest.mark.parametrize("changed", ["model", "tokenizer"])
async def test_a_file_with_another_hash_is_not_opened(tmp_path: Path, changed: str) -> None:
    """Nothing is left behind, and the file is named."""
    files = toy_files(TEXTS)
    with serving(files) as url, pytest.raises(SettingMissing) as caught:
        await setup_cross_encoder(tmp_path, say=print, files=wanted(url, files, **{changed: "0" * 64}))
    assert f"{changed}." in str(caught.value)
    assert "not 0000000000000000…, so it was not opened" in str(caught.value)
    assert list((tmp_path / "models").iterdir()) == []


async def test_what_cannot_be_had_is_a_sentence(tmp_path: Path) -> None:
    """A server that has no such file, and none at all, with what else can be done."""
    files = toy_files(TEXTS)
    with serving({}) as url, pytest.raises(SettingMissing, match=r"HTTP 404; from a machine that has them"):
        await setup_cross_encoder(tmp_path, say=print, files=wanted(url, files))
    with pytest.raises(SettingMissing, match=r"model\.onnx of ms-marco-MiniLM-L6-v2 cannot be brought .*no answer"):
        await setup_cross_encoder(tmp_path, say=print, files=wanted("http://127.0.0.1:9", files))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreProblem):
        await setup_cross_encoder(tmp_path / "file", say=print, files={})


async def test_a_model_that_scores_no_answer_above_a_stranger_is_refused(tmp_path: Path) -> None:
    """The right hash is not enough: it must work, also where it was copied by hand."""
    files = toy_files(["nothing that is asked"])
    with serving(files) as url, pytest.raises(SettingMissing, match="wrong scores"):
        await setup_cross_encoder(tmp_path, say=print, files=wanted(url, files))
    assert list((tmp_path / "models").iterdir()) == []
    write_toy(cross_encoder_folder(tmp_path), ["nothing that is asked"])
    with pytest.raises(SettingMissing, match="wrong scores"):
        await setup_cross_encoder(tmp_path, say=print, files={})


async def test_a_copied_file_is_checked(tmp_path: Path) -> None:
    """A file that was copied by hand is held to the same hash, and one that is missing is named."""
    files = toy_files(TEXTS)
    write_toy(cross_encoder_folder(tmp_path), TEXTS)
    known = wanted("http://127.0.0.1:9", files)
    await setup_cross_encoder(tmp_path, say=print, files=known)
    with pytest.raises(SettingMissing, match=r"tokenizer\.json in .* is another file"):
        await setup_cross_encoder(tmp_path, say=print, files=wanted("http://127.0.0.1:9", files, tokenizer="0" * 64))
    (cross_encoder_folder(tmp_path) / "tokenizer.json").unlink()
    with pytest.raises(SettingMissing, match=r"lacks tokenizer\.json"):
        await setup_cross_encoder(tmp_path, say=print, files=known)


def test_the_real_files_are_pinned_to_a_revision() -> None:
    """A branch could change under its name: each address has a commit, and each file a hash."""
    for one in FILES.values():
        assert len(one.sha256) == 64
        assert "/resolve/main/" not in one.where
        assert one.where.startswith("https://")


def test_a_missing_model_names_the_command(tmp_path: Path) -> None:
    """Nothing is downloaded on the way."""
    with pytest.raises(SettingMissing, match="research setup reranker"):
        CrossEncoder(tmp_path)


def test_a_damaged_model_is_a_sentence(tmp_path: Path) -> None:
    """What the libraries cannot read, and a model of another kind, is to be set up again."""
    from tools.onnx_bert import FLOAT, INT64, OnnxGraph, tensor_info

    files = toy_files(TEXTS)
    graph = OnnxGraph()
    graph.add("Cast", "input_ids", to=FLOAT, output="out")
    shape = ("batch", "tokens")
    wide = graph.model([tensor_info("input_ids", INT64, shape)], [tensor_info("out", FLOAT, shape)])
    graph = OnnxGraph()
    graph.add("Cast", "pixels", to=FLOAT, output="out")
    foreign = graph.model([tensor_info("pixels", INT64, shape)], [tensor_info("out", FLOAT, shape)])
    for name, data in (
        ("model.onnx", b"no model"),
        ("model.onnx", wide),
        ("model.onnx", foreign),
        ("tokenizer.json", b"{"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b'{"model": {"type": "WordPiece", "vocab": {"a": "b"}}}'),
    ):
        for file, whole in files.items():
            (tmp_path / file).write_bytes(data if file == name else whole)
        with pytest.raises(SettingMissing, match="damaged or another one"):
            CrossEncoder(tmp_path).scores("novel", ["the novel", "x"])


async def test_a_corpus_heeds_the_cross_encoder(tmp_path: Path) -> None:
    """The head is reordered by both rankings, says why, and keeps its scores in order; the tail stays as it was."""
    documents = tmp_path / "documents"
    documents.mkdir()
    for n in range(30):
        more = "The seal is broken. " * n
        (documents / f"{n:02}.md").write_text(f"# Note {n}\n\nA quota is kept in the ledger of note {n}. {more}")
    library, parser = FileLibrary(tmp_path / "library", SystemClock(), Seal(bytes(32))), ChildParser()
    embedder, place = HashingEmbedder(), tmp_path / "corpora" / "notes"
    await index_folder(documents, place, parser, library, embedder)
    write_toy(tmp_path / "m", ["seal"])
    query = "Which seal of the ledger is a quota?"
    plain, heeding = open_corpus(place, embedder), open_corpus(place, embedder, reranker=CrossEncoder(tmp_path / "m"))
    before, after = await plain.retrieve(query, 28), await heeding.retrieve(query, 28)
    few = await heeding.retrieve(query, 4)
    plain.close()
    heeding.close()
    library.close()
    handles = [hit.handle for hit in before]
    assert [hit.handle for hit in after] != handles
    assert {hit.handle for hit in after[:HEAD]} == set(handles[:HEAD])
    assert after[HEAD:] == before[HEAD:]
    assert [hit.score for hit in after] == [hit.score for hit in before]
    assert few == after[:4]
    said = {hit.why[-1] for hit in after[:HEAD]}
    assert said == {f"cross-encoder rank {rank}" for rank in range(1, HEAD + 1)}
    best = next(hit for hit in after if hit.why[-1] == "cross-encoder rank 1")
    assert after.index(best) < handles.index(best.handle) or handles.index(best.handle) == 0
