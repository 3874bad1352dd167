"""What is known of Inspect, the ``evals`` extra, without importing it: whether it is installed, and its logs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from research.errors import SettingMissing


def require_inspect() -> None:
    """Raise ``SettingMissing`` with the command that installs Inspect, when it is not installed."""
    if find_spec("inspect_ai") is None:
        raise SettingMissing("evals need inspect-ai; install it with: pip install 'research[evals]'")


def log_paths(folder: Path) -> list[Path]:
    """Return the logs in ``folder``, the one written last first."""
    return sorted(folder.glob("*.eval"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
