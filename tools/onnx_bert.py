"""Writing a BERT encoder's weights (safetensors) as an ONNX file, with nothing but the two file formats.

ONNX is a protobuf message; the dozen fields used here are written by hand, because the ``onnx`` package is large and
would serve this one function. Field numbers: ``onnx.proto3`` (ONNX 1.x, stable by its compatibility rules). Running
the file is in ``tools.minilm``, bringing the weights in ``tools.minilm_setup``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32] | NDArray[np.int64]
OPSET = 17
"""The first operator set with LayerNormalization."""
IR_VERSION = 8
FLOAT, INT64 = 1, 7


def safetensors(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the float32 tensors of a safetensors file by name; raises ``ValueError`` when it is not one."""
    if len(data) < 8:
        raise ValueError("not a safetensors file")
    length = struct.unpack("<Q", data[:8])[0]
    if length > len(data) - 8:
        raise ValueError("not a safetensors file")
    header = json.loads(data[8 : 8 + length])
    body = memoryview(data)[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(body[begin:end], dtype="<f4").reshape(entry["shape"])
    return tensors


def bert_encoder(weights: dict[str, NDArray[np.float32]], *, heads: int) -> bytes:
    """Return an ONNX model of the encoder: ``input_ids``, ``attention_mask`` [batch, tokens] int64 to
    ``last_hidden_state`` [batch, tokens, width] float32. Architecture: Devlin et al., "BERT" (2019).

    Raises ``KeyError`` when a weight is missing. One segment only: the token type is always 0.
    """
    graph = OnnxGraph()
    hidden = _embedded(graph, weights)
    masked = graph.add("Cast", "attention_mask", to=FLOAT)
    masked = graph.add("Unsqueeze", graph.add("Sub", graph.constant(np.float32(1)), masked), graph.ints([1, 2]))
    masked = graph.add("Mul", masked, graph.constant(np.float32(-10_000)))
    for layer in count():
        prefix = f"encoder.layer.{layer}."
        if prefix + "attention.self.query.weight" not in weights:
            break
        hidden = _layer(graph, weights, prefix, hidden, masked, heads)
    graph.add("Identity", hidden, output="last_hidden_state")
    width = weights["embeddings.word_embeddings.weight"].shape[1]
    inputs = [tensor_info(name, INT64, ("batch", "tokens")) for name in ("input_ids", "attention_mask")]
    return graph.model(inputs, [tensor_info("last_hidden_state", FLOAT, ("batch", "tokens", width))])


def _embedded(graph: OnnxGraph, weights: dict[str, NDArray[np.float32]]) -> str:
    """Words, plus positions with the one token type already added, normalised."""
    words = graph.add("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "input_ids")
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.add("Slice", graph.add("Shape", "input_ids"), graph.ints([1]), graph.ints([2]))
    positions = graph.add("Slice", graph.constant(places), graph.ints([0]), length, graph.ints([0]))
    return _normalised(graph, weights, "embeddings.LayerNorm", graph.add("Add", words, positions))


def _layer(
    graph: OnnxGraph, weights: dict[str, NDArray[np.float32]], prefix: str, hidden: str, masked: str, heads: int
) -> str:
    """One transformer layer, normalised after each of its two halves."""
    width = weights[prefix + "attention.self.query.weight"].shape[0]
    split = graph.ints([0, 0, heads, width // heads])

    def projected(name: str, order: Sequence[int]) -> str:
        flat = _linear(graph, weights, f"{prefix}attention.self.{name}", hidden)
        return graph.add("Transpose", graph.add("Reshape", flat, split), perm=order)

    scores = graph.add("MatMul", projected("query", (0, 2, 1, 3)), projected("key", (0, 2, 3, 1)))
    scores = graph.add("Mul", scores, graph.constant(np.float32((width // heads) ** -0.5)))
    shares = graph.add("Softmax", graph.add("Add", scores, masked), axis=-1)
    mixed = graph.add("MatMul", shares, projected("value", (0, 2, 1, 3)))
    mixed = graph.add("Reshape", graph.add("Transpose", mixed, perm=(0, 2, 1, 3)), graph.ints([0, 0, width]))
    mixed = _linear(graph, weights, prefix + "attention.output.dense", mixed)
    hidden = _normalised(graph, weights, prefix + "attention.output.LayerNorm", graph.add("Add", mixed, hidden))
    wide = _gelu(graph, _linear(graph, weights, prefix + "intermediate.dense", hidden))
    narrow = _linear(graph, weights, prefix + "output.dense", wide)
    return _normalised(graph, weights, prefix + "output.LayerNorm", graph.add("Add", narrow, hidden))


def _linear(graph: OnnxGraph, weights: dict[str, NDArray[np.float32]], name: str, value: str) -> str:
    product = graph.add("MatMul", value, graph.constant(np.ascontiguousarray(weights[name + ".weight"].T)))
    return graph.add("Add", product, graph.constant(weights[name + ".bias"]))


def _normalised(graph: OnnxGraph, weights: dict[str, NDArray[np.float32]], name: str, value: str) -> str:
    scale, bias = graph.constant(weights[name + ".weight"]), graph.constant(weights[name + ".bias"])
    return graph.add("LayerNormalization", value, scale, bias, axis=-1, epsilon=1e-12)


def _gelu(graph: OnnxGraph, value: str) -> str:
    """``x (1 + erf(x / sqrt 2)) / 2``: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016)."""
    bent = graph.add("Erf", graph.add("Div", value, graph.constant(np.float32(2**0.5))))
    shifted = graph.add("Add", bent, graph.constant(np.float32(1)))
    return graph.add("Mul", graph.add("Mul", value, shifted), graph.constant(np.float32(0.5)))


class OnnxGraph:
    """Nodes and constants in the order they were added; every value gets a name of its own."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._names = count()

    def constant(self, value: NDArray[np.float32] | np.float32) -> str:
        """Add a constant and return its name."""
        return self._tensor(np.asarray(value, dtype="<f4"), FLOAT)

    def ints(self, values: Sequence[int]) -> str:
        """Add a constant vector of integers and return its name."""
        return self._tensor(np.asarray(values, dtype="<i8"), INT64)

    def _tensor(self, value: Array, kind: int) -> str:
        name = f"c{next(self._names)}"
        parts = [
            *(_field(1, size) for size in value.shape),
            _field(2, kind),
            _field(8, name),
            _field(9, value.tobytes()),
        ]
        self._constants.append(_field(5, b"".join(parts)))
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: int | float | Sequence[int]) -> str:
        """Add a node with one output and return that output's name."""
        name = output or f"v{next(self._names)}"
        parts = [*(_field(1, value) for value in inputs), _field(2, name), _field(4, operator)]
        parts += [_field(5, _attribute(key, value)) for key, value in attributes.items()]
        self._nodes.append(_field(1, b"".join(parts)))
        return name

    def model(self, inputs: Sequence[bytes], outputs: Sequence[bytes]) -> bytes:
        """Return the file, with inputs and outputs as :func:`tensor_info` describes them."""
        parts = [*self._nodes, _field(2, "encoder"), *self._constants]
        parts += [*(_field(11, value) for value in inputs), *(_field(12, value) for value in outputs)]
        return _field(1, IR_VERSION) + _field(8, _field(2, OPSET)) + _field(7, b"".join(parts))


def _attribute(name: str, value: int | float | Sequence[int]) -> bytes:
    if isinstance(value, float):
        return _field(1, name) + _field(2, value) + _field(20, 1)
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    return _field(1, name) + b"".join(_field(8, number) for number in value) + _field(20, 7)


def tensor_info(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    """Return the name, type and shape of an input or output; a size that varies has a name."""
    sizes = [_field(1, _field(2, size) if isinstance(size, str) else _field(1, size)) for size in shape]
    tensor = _field(1, kind) + _field(2, b"".join(sizes))
    return _field(1, name) + _field(2, _field(1, tensor))


def _field(number: int, value: int | float | str | bytes) -> bytes:
    """Return one protobuf field: an integer as varint, a float as 4 bytes, text and messages with their length."""
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value % 2**64)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Return an unsigned integer in protobuf's base-128 form."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
