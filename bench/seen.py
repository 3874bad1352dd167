"""One finished run as its witnesses saw it: part of ``bench.invariants``, which judges it.

The run's files are read here with ``sqlite3`` alone, so that a fault in the program's own readers hides nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.witnesses import Act
from research.options import RunOptions
from research.render import to_json, to_markdown
from research.report import Report

ANSWERED = ("search", "answered")


@dataclass(frozen=True)
class Seen:
    """One finished run and what its witnesses saw.

    ``open_to`` are the addresses (host, port) that the run's own settings open; ``told`` is what a terminal got;
    ``sent`` are the queries and addresses that left for the web; ``private`` are words of the private corpus;
    ``changed`` names what of the user's home and of the shared stores is not as it was; ``tokens``, ``nano_usd``,
    ``calls`` and ``begun`` are the far side's own count; ``canaries`` is what canary listeners got;
    ``readable`` are further folders that may be read.
    """

    home: Path
    run: str
    options: RunOptions
    report: Report | None
    error: str = ""
    acts: Sequence[Act] = ()
    open_to: frozenset[tuple[str, int]] = frozenset()
    told: str = ""
    sent: Sequence[str] = ()
    private: Sequence[str] = ()
    changed: Sequence[str] = ()
    tokens: int = 0
    nano_usd: float = 0.0
    calls: int = 0
    begun: Sequence[float] = ()
    canaries: Sequence[str] = ()
    readable: Sequence[str] = ()

    @cached_property
    def calls_made(self) -> list[dict[str, Any]]:
        """The journal's rows of this run."""
        query = (
            "SELECT i.branch, i.kind, i.key, i.request, o.status, o.payload FROM intents i "
            "LEFT JOIN outcomes o ON o.seq = i.seq WHERE i.run = ? ORDER BY i.seq"
        )
        return self._rows(query)

    @cached_property
    def records(self) -> dict[str, list[Any]]:
        """The run's records by kind."""
        kept: dict[str, list[Any]] = {}
        for row in self._rows("SELECT kind, json FROM records WHERE run = ?"):
            kept.setdefault(row["kind"], []).append(json.loads(row["json"]))
        return kept

    def _rows(self, query: str) -> list[dict[str, Any]]:
        path = self.home / "runs.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, (self.run,))]

    @cached_property
    def types(self) -> dict[str, str]:
        """The type of every branch that was planned, by its name in the journal."""
        return {task["id"]: task["type"] for begun in self.records.get("round", []) for task in begun["plan"]["tasks"]}

    @cached_property
    def sources(self) -> dict[str, set[str]]:
        """The texts that this run fetched or retrieved, each with the places it was found at."""
        found: dict[str, set[str]] = {}
        for row in self.calls_made:
            if row["status"] == "answered" and row["kind"] in ("fetch", "retrieve"):
                reply = json.loads(row["payload"])
                places = [reply["source"]] if row["kind"] == "fetch" else reply["hits"]
                for place in places:
                    id = place["id"] if row["kind"] == "fetch" else place["source"]
                    found.setdefault(id, set()).add(place.get("url", ""))
        return found

    @cached_property
    def offered(self) -> set[str]:
        """The addresses that search services answered with."""
        replies = [json.loads(row["payload"]) for row in self.calls_made if (row["kind"], row["status"]) == ANSWERED]
        return {hit["url"] for reply in replies for hit in reply["hits"]}

    @cached_property
    def shown(self) -> tuple[str, str]:
        """The report as Markdown and as JSON."""
        return (to_markdown(self.report), to_json(self.report)) if self.report is not None else ("", "")
