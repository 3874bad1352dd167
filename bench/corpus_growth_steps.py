"""What a process does with its time while it indexes, seen from beside it: a thread looks at all stacks every few ms.

No hook in what is measured. A look counts for the time since the last one, to each thread that works in equal parts,
so the shares are of wall time and add up to 1. A thread works unless its innermost Python frame is one that waits. The
interpreter is told to hand its lock on at once, or the thread would only look where others let go of it to wait for the
disk; a C call that keeps the lock is seen when it ends, under the function that called it.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from types import FrameType

EVERY = 0.005
"""Seconds between two looks."""
SWITCH = 0.0001
"""Seconds after which the interpreter's lock is handed to who wants it."""
STEPS = (
    ("tools/vectors.py", "", "Chroma"),
    ("bench/corpus_growth_facts.py", "_unit_rows", "embed"),
    ("tools/minilm.py", "", "embed"),
    ("tools/embeddings.py", "", "embed"),
    ("research/linking.py", "", "names"),
    ("tools/names.py", "", "names"),
    ("tools/library.py", "", "library"),
    ("tools/database.py", "", "library"),
    ("research/chunks.py", "", "cut"),
    ("tools/corpus_store.py", "", "SQL and lexical index"),
    ("tools/folder_files.py", "", "read and parse"),
    ("research/clean.py", "", "read and parse"),
    ("tools/parse.py", "", "read and parse"),
)
"""File, function (empty: any), step. The first that stands anywhere in a stack is what a thread does."""
NAMES = tuple(dict.fromkeys(step for _, _, step in STEPS))
OTHER = "other"
WAITING = ("threading.py", "selectors.py", "queue.py", "concurrent/futures/thread.py")
"""Files whose functions a thread stands in while it waits, with the event loop's wait among them."""


def step_of(frame: FrameType) -> str:
    """Return the step that a stack belongs to; empty when its thread waits."""
    stack: list[tuple[str, str]] = []
    inner: FrameType | None = frame
    while inner is not None:
        stack.append((inner.f_code.co_filename, inner.f_code.co_name))
        inner = inner.f_back
    if stack[0][0].endswith(WAITING):
        return ""
    for file, function, step in STEPS:
        if any(name.endswith(file) and function in ("", called) for name, called in stack):
            return step
    return OTHER


class Sampler:
    """Looks at the other threads of its process from :meth:`start` to :meth:`stop`."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = defaultdict(float)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """Return the share of each step and of all else."""
        self._ended.set()
        self._thread.join()
        whole = sum(self._seen.values()) or 1.0
        return {name: self._seen[name] / whole for name in (*NAMES, OTHER)}

    def _look(self) -> None:
        own, last = threading.get_ident(), time.perf_counter()
        sys.setswitchinterval(SWITCH)
        while not self._ended.wait(EVERY):
            frames = sys._current_frames()
            now = time.perf_counter()
            working = [step for id, frame in frames.items() if id != own and (step := step_of(frame))] or [OTHER]
            for step in working:
                self._seen[step] += (now - last) / len(working)
            last = now
