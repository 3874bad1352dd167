"""What one invocation of the command knows: its home, its settings, its secrets. Made in ``main``, handed down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from research.scanner import Scanner
    from research.settings import Settings

RENAMED = {
    "corpus": "corpora",
    "search": "searches",
    "allow_host": "allow_hosts",
    "site": "sites",
    "deny_site": "deny_sites",
    "role": "roles",
}


class Session:
    """``home_flag`` is that of ``research --home DIR COMMAND``; one after the command wins over it."""

    def __init__(self) -> None:
        self.home_flag: str | None = None
        self._settings: Settings | None = None

    def load(self, given: Mapping[str, Any]) -> Settings:
        """Return the settings under the given flags, without looking into the home."""
        from research.settings import load

        self.home_flag = given.get("home") or self.home_flag
        flags = {RENAMED.get(name, name): value for name, value in given.items() if value is not False}
        self._settings = load({**flags, "home": self.home_flag})
        return self._settings

    def open(self, given: Mapping[str, Any], *, write: bool = False) -> Settings:
        """Return the settings once the home was seen to be of this version; ``write`` makes it on first use."""
        from research.settings import check_home, prepare_home

        settings = self.load(given)
        (prepare_home if write else check_home)(settings.home)
        return settings

    def home(self) -> Path:
        """Return the folder of all state, also when no settings could be loaded."""
        from research.settings import find_home

        return self._settings.home if self._settings else find_home(self.home_flag)[0]

    def scanner(self) -> Scanner:
        """Return what finds the keys this invocation may have used, also when no settings could be loaded."""
        from research.scanner import Scanner
        from research.settings import read_keys

        return self._settings.scanner() if self._settings else Scanner(read_keys())


def session_of(context: typer.Context) -> Session:
    """Return the session that ``main`` made."""
    session = context.obj
    assert isinstance(session, Session)
    return session
