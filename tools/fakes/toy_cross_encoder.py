"""A tiny real cross-encoder: its score is how many pairs of equal words a query and a passage have.

An ONNX graph and a tokenizer, read by the same libraries as the real model's, so that everything around the model can
be tried without it. Words that were not named when it was made are unknown to it and count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tools.onnx_bert import FLOAT, INT64, OnnxGraph, tensor_info

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def toy_files(texts: Iterable[str]) -> dict[str, bytes]:
    """Return ``model.onnx`` and ``tokenizer.json`` of a model that knows the words of ``texts``."""
    return {"model.onnx": _graph(), "tokenizer.json": _tokenizer(texts).encode()}


def write_toy(folder: Path, texts: Iterable[str]) -> None:
    """Put the toy into ``folder``, as the real model lies there."""
    folder.mkdir(parents=True)
    for name, data in toy_files(texts).items():
        (folder / name).write_bytes(data)


def _graph() -> bytes:
    graph = OnnxGraph()
    ids, kinds = "input_ids", graph.add("Cast", "token_type_ids", to=FLOAT)
    known = graph.add("Cast", graph.add("Greater", ids, graph.ints([len(SPECIAL) - 1])), to=FLOAT)
    known = graph.add("Mul", known, graph.add("Cast", "attention_mask", to=FLOAT))
    in_passage = graph.add("Mul", known, kinds)
    in_query = graph.add("Sub", known, in_passage)
    rows, columns = graph.ints([2]), graph.ints([1])
    same = graph.add("Equal", graph.add("Unsqueeze", ids, rows), graph.add("Unsqueeze", ids, columns))
    pairs = graph.add("Mul", graph.add("Unsqueeze", in_query, rows), graph.add("Unsqueeze", in_passage, columns))
    pairs = graph.add("Mul", pairs, graph.add("Cast", same, to=FLOAT))
    total = graph.add("ReduceSum", pairs, graph.ints([1, 2]), keepdims=1)
    graph.add("Reshape", total, graph.ints([-1, 1]), output="logits")
    inputs = [tensor_info(name, INT64, ("batch", "tokens")) for name in (ids, "attention_mask", "token_type_ids")]
    return graph.model(inputs, [tensor_info("logits", FLOAT, ("batch", 1))])


def _tokenizer(texts: Iterable[str]) -> str:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    split = pre_tokenizers.Whitespace()
    words = dict.fromkeys(word for text in texts for word, _ in split.pre_tokenize_str(text.lower()))
    numbers = {word: number for number, word in enumerate((*SPECIAL, *words))}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = split
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, numbers[name]) for name in ("[CLS]", "[SEP]")],
    )
    return str(tokenizer.to_str())
