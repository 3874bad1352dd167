"""The cross-encoder ms-marco-MiniLM-L6-v2 on onnxruntime: how well a passage answers a query, both read at once.

Trained on MS MARCO's queries and passages (Nogueira and Cho, "Passage Re-ranking with BERT", 2019; Reimers and
Gurevych, "Sentence-BERT", 2019). Its scores are logits: only their order means anything. Bringing the model is in
``tools.cross_encoder_setup``, what is made of the scores in ``research.reranked``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import SettingMissing
from tools.tokenizer_file import open_tokenizer

MODEL = "ms-marco-MiniLM-L6-v2"
GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"
MOST_TOKENS = 512
"""Of query and passage together; what is beyond is not read."""
BATCH = 10
"""Pairs a run of the model, padded to the longest of them only."""
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def cross_encoder_folder(home: Path) -> Path:
    """Return where the model is kept below the program's data directory."""
    return home / "models" / MODEL


def need_packages() -> None:
    """Raise ``SettingMissing``, with the command that installs it, when a library that runs the model is missing."""
    missing = [name for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]
    if missing:
        raise SettingMissing(f"{MODEL} needs the package {missing[0]}: pip install 'research[embeddings]'")


class CrossEncoder:
    """Implements ``research.ports.Reranker``; loads the model at the first call.

    ``folder`` holds ``model.onnx`` and ``tokenizer.json``.
    """

    name = MODEL

    def __init__(self, folder: Path) -> None:
        """Remember ``folder``; raises ``SettingMissing`` when the model, or what runs it, is not there."""
        missing = [name for name in (GRAPH, TOKENIZER) if not (folder / name).is_file()]
        if missing:
            raise SettingMissing(
                f"bring the model {MODEL} with `research setup reranker`: {' and '.join(missing)} of it "
                f"{'is' if len(missing) == 1 else 'are'} not in {folder}"
            )
        need_packages()
        self._folder = folder
        self._loaded: tuple[Any, Any] | None = None
        self._loading = threading.Lock()

    def scores(self, query: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """Return one score per passage, the more the better. Blocks; raises ``SettingMissing`` for a damaged model."""
        session, tokenizer = self._load()
        encoded = tokenizer.encode_batch([(query, passage) for passage in passages])
        found = np.zeros(len(passages), dtype=np.float32)
        order = sorted(range(len(passages)), key=lambda at: len(encoded[at].ids))
        for at in range(0, len(order), BATCH):
            batch = order[at : at + BATCH]
            found[batch] = self._scored(session, [encoded[place] for place in batch])
        return found

    def _scored(self, session: Any, pairs: Sequence[Any]) -> NDArray[np.float32]:
        from onnxruntime.capi import onnxruntime_pybind11_state as faults

        longest = max(len(pair.ids) for pair in pairs)
        offered = {name: np.zeros((len(pairs), longest), dtype=np.int64) for name in INPUTS}
        for row, pair in enumerate(pairs):
            for name, values in zip(INPUTS, (pair.ids, pair.attention_mask, pair.type_ids), strict=True):
                offered[name][row, : len(values)] = values
        try:
            logits = session.run(None, {entry.name: offered[entry.name] for entry in session.get_inputs()})[0]
        except (faults.InvalidArgument, faults.Fail, faults.RuntimeException) as error:
            raise self._damaged() from error
        if logits.shape != (len(pairs), 1):
            raise self._damaged()
        column: NDArray[np.float32] = logits[:, 0].astype(np.float32)
        return column

    def _load(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._opened()
            return self._loaded

    def _opened(self) -> tuple[Any, Any]:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as faults

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            tokenizer = open_tokenizer(self._folder / TOKENIZER)
            graph = str(self._folder / GRAPH)
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except (faults.Fail, faults.InvalidProtobuf, faults.InvalidGraph, faults.NoSuchFile, ValueError) as error:
            raise self._damaged() from error
        if not {entry.name for entry in session.get_inputs()} <= set(INPUTS):
            raise self._damaged()
        tokenizer.enable_truncation(max_length=MOST_TOKENS)
        tokenizer.no_padding()
        return session, tokenizer

    def _damaged(self) -> SettingMissing:
        return SettingMissing(
            f"the model in {self._folder} is damaged or another one; delete that folder and run "
            "`research setup reranker`"
        )
