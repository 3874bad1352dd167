"""The sentence embedder all-MiniLM-L6-v2 on onnxruntime: 384 dimensions, 256 tokens.

Mean pooling over the tokens and unit length, as its authors use it (Reimers and Gurevych, "Sentence-BERT", 2019; Wang
et al., "MiniLM", 2020). Bringing the model is in ``tools.minilm_setup``.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import SettingMissing
from tools.tokenizer_file import open_tokenizer

MODEL = "all-MiniLM-L6-v2"
GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"
DIMENSIONS = 384
MOST_TOKENS = 256
BATCH = 8
"""Texts a run of the model, padded to the longest of them only: 3 times faster than padding to 256. More take longer
each: what the layers hand on no longer fits the processor's caches."""
RUNS = 8
"""Runs at once, on as many cores; each takes some 40 MB."""


def minilm_folder(home: Path) -> Path:
    """Return where the model is kept below the program's data directory."""
    return home / "models" / MODEL


class MiniLMEmbedder:
    """Loads the model at the first call. ``folder`` holds ``model.onnx`` and ``tokenizer.json``."""

    name = MODEL
    dimensions = DIMENSIONS

    def __init__(self, folder: Path) -> None:
        """Remember ``folder``; raises ``SettingMissing`` when the model is not there."""
        if not ((folder / GRAPH).is_file() and (folder / TOKENIZER).is_file()):
            raise SettingMissing(f"the model {MODEL} is not in {folder}; bring it with `research setup embeddings`")
        self._folder = folder
        self._loaded: tuple[Any, Any] | None = None
        self._loading = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row per text; what is beyond 256 tokens of a text is not read."""
        return await asyncio.to_thread(self.vectors, texts)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what :meth:`embed` returns, blocking. Raises ``SettingMissing`` when the model cannot be run."""
        session, tokenizer = self._load()
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        encoded = tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda at: len(encoded[at].ids), reverse=True)
        batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        tokens = ([encoded[place].ids for place in batch] for batch in batches)
        with ThreadPoolExecutor(max_workers=min(RUNS, os.cpu_count() or 1)) as pool:
            for batch, made in zip(batches, pool.map(lambda ids: _pooled(session, ids), tokens), strict=True):
                rows[batch] = made
        return rows

    def _load(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._folder)
            return self._loaded


def _load(folder: Path) -> tuple[Any, Any]:
    try:
        import onnxruntime
        import tokenizers  # noqa: F401  (opened below; that it is missing is told here)
    except ImportError as error:
        raise SettingMissing(f"{MODEL} needs the package {error.name}: pip install 'research[embeddings]'") from error
    from onnxruntime.capi import onnxruntime_pybind11_state as faults

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # A core a run: threads that share one run wait for one another, spinning, and took twice the processor time.
    options.intra_op_num_threads = 1
    try:
        tokenizer = open_tokenizer(folder / TOKENIZER)
        session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
    except (faults.Fail, faults.InvalidProtobuf, faults.InvalidGraph, faults.NoSuchFile, ValueError) as error:
        raise SettingMissing(
            f"the model in {folder} is damaged; delete that folder and run `research setup embeddings`"
        ) from error
    tokenizer.enable_truncation(max_length=MOST_TOKENS)
    tokenizer.no_padding()
    return session, tokenizer


def _pooled(session: Any, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Return the mean of each text's token vectors, at unit length."""
    longest = max(len(ids) for ids in tokens)
    ids = np.zeros((len(tokens), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    offered = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    wanted = {entry.name: offered[entry.name] for entry in session.get_inputs()}
    hidden = session.run(None, wanted)[0]
    mean = (hidden * mask[:, :, None]).sum(axis=1) / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    unit: NDArray[np.float32] = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    return unit.astype(np.float32)
