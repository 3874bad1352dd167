"""Whether Inspect, the ``evals`` extra, is installed: asked without importing it."""

from __future__ import annotations

from importlib.util import find_spec

from research.errors import SettingMissing


def require_inspect() -> None:
    """Raise ``SettingMissing`` with the command that installs Inspect, when it is not installed."""
    if find_spec("inspect_ai") is None:
        raise SettingMissing("evals need inspect-ai; install it with: pip install 'research[evals]'")
