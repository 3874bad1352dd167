"""Importing the graph's libraries in less time and memory: without collecting garbage, and without what is optional.

LangGraph brings LangSmith and HTTPX, and these bring, where they happen to be installed, a command line with colours, a
tracer and a process monitor of which nothing is used here: six megabytes and a twentieth of a second.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

OPTIONAL = ("rich", "opentelemetry.sdk", "psutil")
"""Packages whose absence those who import them foresee, and whose presence changes nothing that is done here."""


@contextmanager
def lean_imports() -> Iterator[None]:
    """Import the graph meanwhile; it matters at the first time in a process only.

    What is garbage at its end stays for good, which each further time would add to. The optional packages can be
    imported again afterwards; those that were loaded before stay as they are.
    """
    if "graphs.runs" in sys.modules:
        yield
        return
    kept_out = [name for name in OPTIONAL if name not in sys.modules]
    modules = cast("dict[str, object]", sys.modules)
    modules.update(dict.fromkeys(kept_out))
    gc.disable()
    try:
        yield
    finally:
        for name in kept_out:
            del modules[name]
        gc.freeze()
        gc.enable()
