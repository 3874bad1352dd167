"""Reading stored values back: what is signed and yet no value of this program is damage, told in a sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from research.errors import StoreProblem


@contextlib.contextmanager
def readable(run: str) -> Iterator[None]:
    """Turn what cannot be built from the stored values of ``run`` into ``StoreProblem``."""
    try:
        yield
    except (msgspec.DecodeError, RecursionError) as error:
        raise StoreProblem(
            f"what is stored of the run {run} is not what this program writes ({type(error).__name__}: "
            f"{str(error)[:200]}); `research resume {run} --from-journal` goes back to the last good point"
        ) from error
