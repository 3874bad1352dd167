"""What a user may choose for one run, and what is stored with the run so that it can be resumed. No secrets.

Reading flags, environment and config file into this is the work of ``research.settings``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from research.budget import Caps
from research.errors import SettingMissing
from research.records import Length, Record
from research.requests import ROLES, Role
from research.web_rules import WebRules

Rerank = Literal["features", "model", "cross-encoder"]
Clarify = Literal["no", "ask", "no terminal"]
"""``no terminal``: it was wished for where nobody can be asked."""


class Chosen(NamedTuple):
    """A model as the user names it, and the address of its server where it was given one of its own."""

    spec: str
    server: str | None = None


def chosen(text: str) -> Chosen:
    """Split ``provider:model@http://server/v1`` into the model and its server; other ``@`` belong to the name."""
    for scheme in ("@http://", "@https://"):
        spec, found, rest = text.partition(scheme)
        if found:
            return Chosen(spec, scheme[1:] + rest)
    return Chosen(text)


def spoken(roles: Sequence[Role]) -> str:
    """Return roles as words: ``the planner``, ``the planner and the reader``, ``the planner, the reader and …``."""
    *most, last = (f"the {role}" for role in roles)
    return f"{', '.join(most)} and {last}" if most else last


class RunOptions(Record):
    """The options of one run. ``None`` means: not set, so the default described in ``research ask --help`` holds."""

    corpora: tuple[str, ...] = ()
    web: bool = False
    searx: str | None = None
    tavily: str | None = None
    searches: tuple[str, ...] = ()
    search_urls: dict[str, str] = msgspec.field(default_factory=dict)
    allow_hosts: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    deny_sites: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    source_kinds: dict[str, str] = msgspec.field(default_factory=dict)
    ignore_robots: bool = False
    fresh: bool = False
    javascript: bool = False
    model: str | None = None
    roles: dict[Role, str] = msgspec.field(default_factory=dict)
    base_url: str | None = None
    mode: Literal["auto", "workflow", "hybrid", "agent"] = "auto"
    rerank: Rerank = "features"
    branches: int = 4
    rounds: int = 2
    caps: Caps = Caps()
    branch_caps: Caps = Caps()
    approve: bool = False
    approval_hours: int = 24
    plan_only: bool = False
    clarify: Clarify = "no"
    allow_partial: bool = False
    cache: bool = False
    length: Length = "normal"
    language: str = ""
    value: int = 3
    reliability: int = 3
    maturity: int = 2

    @property
    def rules(self) -> WebRules:
        """Which pages of the web count."""
        return WebRules(sites=self.sites, deny_sites=self.deny_sites, since=self.since, until=self.until)

    @property
    def uses_model(self) -> bool:
        """Whether a language model takes part."""
        return bool(self.model or self.roles)

    def models(self) -> dict[Role, Chosen]:
        """Return the model of each role, of none without a model; a role that has none of its own takes ``model``.

        Raises ``SettingMissing`` where that is missing, too.
        """
        if not self.uses_model:
            return {}
        without = [role for role in ROLES if role not in self.roles and not self.model]
        if without:
            raise SettingMissing(
                f"no model is set for {spoken(without)}: add --model provider:model for the roles that "
                "have none of their own, or --role ROLE=provider:model for each"
            )
        return {role: chosen(self.roles.get(role) or str(self.model)) for role in ROLES}

    def with_model(self, model: str | None, base_url: str | None = None) -> RunOptions:
        """Return the options with ``model`` in every role, or in none."""
        return msgspec.structs.replace(self, model=model, base_url=base_url, roles={})
