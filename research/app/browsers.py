"""The browser that runs scripts of pages, found on this machine where the user switched it on."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from research.errors import SettingMissing

if TYPE_CHECKING:
    from tools.rendering import Chromium

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""What the browser is called, in the order in which it is looked for."""
MISSING = (
    "--javascript needs a Chromium, and none is on the PATH: install it "
    "(on Debian and Ubuntu with `apt-get install chromium`)"
)


def found_browser() -> str | None:
    """Return the path of the browser, or ``None`` where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def check_browser(javascript: bool) -> None:
    """Raise ``SettingMissing`` when scripts are to run and there is no browser to run them."""
    if javascript and found_browser() is None:
        raise SettingMissing(MISSING)


def open_browser(javascript: bool) -> Chromium | None:
    """Return the browser of a run whose pages' scripts may run. Raises as :func:`check_browser`."""
    if not javascript:
        return None
    from tools.rendering import Chromium

    program = found_browser()
    if program is None:
        raise SettingMissing(MISSING)
    return Chromium(program)
