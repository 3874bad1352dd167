"""Embedders that are services: an OpenAI-compatible endpoint, and Ollama. One small class over httpx.

Keys are passed in and appear in no message. Texts leave the process: whether they may leave the machine is decided by
whoever makes the embedder. Retrying is the gate's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from research.errors import EffectFailed

BATCH = 64
"""Texts a request: below the limits of the known services, and small enough to report progress."""
TIMEOUT = httpx.Timeout(120.0, connect=10.0)
RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class ServiceEmbedder:
    """What the two services share. ``dimensions`` is 0 until the first answer says it."""

    def __init__(self, name: str, model: str, url: str, *, key: str | None = None) -> None:
        self.name = name
        self.dimensions = 0
        self._model = model
        self._url = url
        self._key = key

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row per text. Raises ``EffectFailed`` when the service fails or answers nonsense."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        rows: list[NDArray[np.float32]] = []
        async with httpx.AsyncClient(
            timeout=TIMEOUT, headers=headers, trust_env=False, follow_redirects=False
        ) as client:
            for at in range(0, len(texts), BATCH):
                batch = list(texts[at : at + BATCH])
                rows.append(self._checked(await self._ask(client, batch), len(batch)))
        return np.concatenate(rows) if rows else np.zeros((0, self.dimensions), dtype=np.float32)

    async def _ask(self, client: httpx.AsyncClient, batch: list[str]) -> list[Any]:
        try:
            answer = await client.post(self._url, json={"model": self._model, "input": batch})
        except httpx.HTTPError as error:
            raise EffectFailed(
                f"the embedding service {self.name} did not answer: {type(error).__name__}", retryable=True
            ) from error
        if answer.status_code != 200:
            raise EffectFailed(
                f"the embedding service {self.name} answered with HTTP {answer.status_code}",
                retryable=answer.status_code in RETRYABLE,
            )
        try:
            return self._rows(answer.json())
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise EffectFailed(f"the embedding service {self.name} answered with something else") from error

    def _rows(self, answer: Any) -> list[Any]:
        raise NotImplementedError

    def _checked(self, rows: list[Any], wanted: int) -> NDArray[np.float32]:
        """Return unit rows; a wrong number of rows, a changed width or a value that is no number is refused."""
        try:
            vectors = np.array(rows, dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise EffectFailed(f"the embedding service {self.name} answered with something else") from error
        if vectors.ndim != 2 or len(vectors) != wanted or not np.isfinite(vectors).all():
            raise EffectFailed(f"the embedding service {self.name} did not give one vector for each text")
        if self.dimensions not in (0, vectors.shape[1]):
            raise EffectFailed(f"the embedding service {self.name} changed its vectors' length")
        self.dimensions = vectors.shape[1]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)


class OpenAIEmbedder(ServiceEmbedder):
    """``POST {base_url}/embeddings`` as OpenAI, vLLM, LM Studio and others speak it."""

    def __init__(self, model: str, base_url: str, *, key: str | None = None) -> None:
        super().__init__(f"openai:{model}", model, base_url.rstrip("/") + "/embeddings", key=key)

    def _rows(self, answer: Any) -> list[Any]:
        return [entry["embedding"] for entry in sorted(answer["data"], key=lambda entry: entry["index"])]


class OllamaEmbedder(ServiceEmbedder):
    """``POST {base_url}/api/embed`` as Ollama speaks it."""

    def __init__(self, model: str, base_url: str = "http://127.0.0.1:11434") -> None:
        super().__init__(f"ollama:{model}", model, base_url.rstrip("/") + "/api/embed")

    def _rows(self, answer: Any) -> list[Any]:
        return list(answer["embeddings"])
