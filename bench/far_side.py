"""The far side of the reference run: one scripted model, search and three pages for each of four subjects.

It keeps a log that outlives the process that calls it, so that it can say what was sent to it and what it answered.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.scripted import ByteModel
from research.ports import Page
from research.records import Hit, ident
from research.requests import FetchRequest, ModelReply, ModelRequest, request_key
from tools.fakes.persona import in_own_words
from tools.fakes.scripted import ManualClock

SUBJECTS = ("walls", "journals", "locks", "fences")
PAGES = 3


class FarSide(ByteModel):
    """Model, search and pages of the reference run, with a log of one line for each call and each answer.

    A line is one ``write`` to a file opened for appending, before the answer is given: what was answered before a kill
    is in the log. The clock passes half a second for every call.
    """

    name = "scripted:reference"
    window = 1_000_000

    def __init__(self, log: Path, clock: ManualClock) -> None:
        self._log = log
        self._clock = clock

    async def _called(self, key: str) -> None:
        self._write(f"sent {key}")
        await self._clock.sleep(0.5)

    def _write(self, line: str) -> None:
        handle = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        key = f"model {request_key(request)[:16]}"
        await self._called(key)
        data = planned() if request.role == "planner" else self._played(request)
        reply = self.reply(request, data, max_tokens)
        used = reply.usage
        self._write(f"answered {key} {used.prompt + used.completion if used else 0}")
        return reply

    def _played(self, request: ModelRequest) -> Any:
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        shape = {"type": "json_schema", "json_schema": {"schema": request.schema}}
        data = in_own_words({"messages": messages, "response_format": shape})["json"]
        if "answer" in data and "sections" in data:  # one sentence a branch
            sentences = data["sections"][0]["sentences"]
            data["sections"][0]["sentences"] = sentences[:: max(1, len(sentences) // len(SUBJECTS))][: len(SUBJECTS)]
        return data

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        await self._called(f"search {query}")
        subject = next(subject for subject in SUBJECTS if subject in query)
        urls = [f"https://{subject}.example/{number}" for number in range(PAGES)]
        self._write(f"answered search {query} 0")
        return [Hit(handle=ident("h", url), title=url, score=1.0, url=url) for url in urls][:limit]

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        await self._called(f"fetch {request.url}")
        subject, number = request.url.removeprefix("https://").split(".example/")
        text = f"Of {subject} the reference says in its part {number} that they keep a run of the program whole."
        self._write(f"answered fetch {request.url} 0")
        return Page(url=request.url, title=f"On {subject}, part {number}", text=text)


def planned() -> dict[str, Any]:
    """Return the plan: one task a subject, each with two queries of its own."""
    tasks = [
        {
            "objective": f"How do {subject} keep a run of the program whole?",
            "queries": [f"{subject} of a run", f"what {subject} keep whole"],
            "source": "web",
            "wanted": "a statement",
        }
        for subject in SUBJECTS
    ]
    return {"rationale": "one task a subject", "tasks": tasks}


def logged(log: Path) -> list[list[str]]:
    """Return the far side's log: ``["sent", key…]`` and ``["answered", key…, tokens]`` lines, split at spaces."""
    return [line.split() for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
