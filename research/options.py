"""What a user may choose for one run, and what is stored with the run so that it can be resumed. No secrets.

Reading flags, environment and config file into this is the work of ``research.settings``.
"""

from __future__ import annotations

from typing import Literal

from research.budget import Caps
from research.records import Record

Rerank = Literal["features", "model", "cross-encoder"]


class RunOptions(Record):
    """The options of one run. ``None`` means: not set, so the default described in ``research ask --help`` holds."""

    corpora: tuple[str, ...] = ()
    web: bool = False
    searx: str | None = None
    tavily: str | None = None
    allow_hosts: tuple[str, ...] = ()
    model: str | None = None
    base_url: str | None = None
    mode: Literal["auto", "workflow", "hybrid", "agent"] = "auto"
    rerank: Rerank = "features"
    branches: int = 4
    rounds: int = 2
    caps: Caps = Caps()
    branch_caps: Caps = Caps()
    approve: bool = False
    allow_partial: bool = False
    value: int = 3
    reliability: int = 3
    maturity: int = 2
