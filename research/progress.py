"""Live progress: what a run tells a listener as it happens, with what was spent at the end of each stage.

What is done with an event is the listener's work; when there is something to tell, the gate and the graph know.
"""

from __future__ import annotations

from collections.abc import Callable

from research.budget import Caps
from research.ledger import Ledger
from research.ports import Listener
from research.records import Event
from research.requests import Request
from research.spending import against


class Progress:
    """One per gate. ``elapsed`` returns the seconds the run has been worked on; without a listener nothing is told."""

    def __init__(
        self, run: str, listen: Listener | None, *, ledger: Ledger, caps: Caps, elapsed: Callable[[], float]
    ) -> None:
        self._run = run
        self._listen = listen
        self._ledger = ledger
        self._caps = caps
        self._elapsed = elapsed

    def tell(self, kind: str, branch: str, detail: str) -> None:
        """Send one event to the listener; at the end of a branch, a round and the run also what was spent."""
        if self._listen is None:
            return
        self._listen(Event(run=self._run, kind=kind, branch=branch, detail=detail))
        if kind in ("branch.ended", "round.ended"):
            used = self._ledger.usage(None, self._elapsed())
            self._listen(Event(run=self._run, kind="spent", detail=against(used, self._caps), usage=used))
        elif kind == "published":
            for name in self._ledger.branches():
                self._listen(Event(run=self._run, kind="spent", branch=name, usage=self._ledger.usage(name)))


def spoken(request: Request) -> str:
    """Return a request in a few words, for people."""
    if request.kind == "model":
        return f"model {request.role}"
    if request.kind == "fetch":
        return f"fetch {request.url}"
    if request.kind == "search":
        return f"search {request.provider} “{request.query}”"
    return f"{request.kind} “{request.query}”"
