"""The embedder that needs nothing: hashed words and character n-grams.

Its vectors say which spellings two texts share, not which meanings; it is there so that a corpus works on a bare
machine. A sentence model is in ``tools.minilm``, embedding services are in ``tools.embedding_services``.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 512
GRAM = (3, 4)
"""Lengths of the character n-grams, word borders included."""
GRAM_SHARE = 1.0
"""How much all n-grams of a word together count, against 1 for the word itself."""
INLINE = 4
"""Texts: up to this many are embedded on the event loop, where a thread would cost more than the work."""

_WORD = re.compile(r"\w+")
_FUNCTION_WORDS = (
    "a an and are as at be been but by can did do does for from had has have how i if in into is it its not of on or "
    "so than that the their then there these they this to was we were what when where which while who why will with "
    "would you"
)
_COMMON = frozenset(_FUNCTION_WORDS.split())


@lru_cache(maxsize=400_000)
def _hashed(feature: str) -> int:
    """Return 64 bits that are the same in every process, unlike ``hash``."""
    return int.from_bytes(hashlib.blake2b(feature.encode("utf-8", "replace"), digest_size=8).digest(), "big")


@lru_cache(maxsize=200_000)
def _features(word: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the dimensions a word touches and the signed weight of each: the word itself, then its n-grams."""
    marked = f"<{word}>"
    grams = [marked[at : at + n] for n in GRAM for at in range(len(marked) - n + 1)] if len(word) > 2 else []
    hashes = [_hashed(f"w {word}"), *(_hashed(gram) for gram in grams)]
    weights = np.full(len(hashes), math.sqrt(GRAM_SHARE / max(1, len(grams))))
    weights[0] = 1.0
    signs = np.array([1.0 if value & 1 else -1.0 for value in hashes])
    return np.array([(value >> 1) % DIMENSIONS for value in hashes], dtype=np.int64), weights * signs


class HashingEmbedder:
    """Words and character n-grams, term frequency damped to ``1 + ln(tf)``, hashed with signs into 512 dimensions.

    Feature hashing with signs: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (ICML 2009).
    The same text gives the same vector in every process and on every machine.
    """

    name = f"hashing-{DIMENSIONS}-1"
    dimensions = DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per text; a text without a word gives zeros."""
        if len(texts) <= INLINE:
            return self.vectors(texts)
        return await asyncio.to_thread(self.vectors, texts)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what :meth:`embed` returns, at once."""
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = _vector(text)
        return rows


def _vector(text: str) -> NDArray[np.float64]:
    counts = Counter(match[0] for match in _WORD.finditer(text.lower()))
    kept = [word for word in counts if word not in _COMMON] or list(counts)
    if not kept:
        return np.zeros(DIMENSIONS)
    features = [_features(word[:64]) for word in kept]
    damped = np.log([counts[word] for word in kept]) + 1
    places = np.concatenate([place for place, _ in features])
    weights = np.concatenate([weight for _, weight in features])
    weights *= np.repeat(damped, [len(place) for place, _ in features])
    vector = np.bincount(places, weights=weights, minlength=DIMENSIONS).astype(np.float64)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
