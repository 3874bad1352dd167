"""What ``research verify --live`` prints of the cited pages as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.cli.output import emit, table
from research.cli.running import Advice, run

if TYPE_CHECKING:
    from research.app.live import LiveResult, LiveSource
    from research.settings import Settings

UNBEGUN = "interrupted; nothing of the run was changed"


def checked_live(id: str | None, settings: Settings) -> LiveResult:
    """Return what the cited pages of a run are now."""
    from research.app.live import verify_live

    return run(lambda signals: verify_live(id, settings), Advice(unbegun=UNBEGUN))


def print_live(result: LiveResult) -> None:
    """Print one line for each cited page, and each lost quote below."""
    from research.records import counted

    if not result.sources:
        emit("no source is cited, so there is no page to look at\n")
        return
    rows = [(one.state, _standing(one), one.url or one.title, _told(one)) for one in result.sources]
    emit(table(("PAGE", "QUOTES", "CITED FROM", "NOW"), rows, widest=120))
    unsure = sum(not one.holds for one in result.sources)
    if unsure:
        emit(
            f"not every quote is known to stand on {counted(unsure, 'page')}; the stored copies stay as they are: "
            f"research show {result.run} --sources\n"
        )


def _standing(source: LiveSource) -> str:
    if source.state in ("could not check", "local"):
        return "not asked" if source.state == "local" else "unknown"
    return f"{source.standing} of {source.quotes} stand"


def _told(source: LiveSource) -> str:
    """Say what a person needs to know of a page besides its state."""
    parts = [f"answers from {source.now_at}" if source.now_at else "", source.why]
    if source.lost and source.state != "gone":
        parts.append(f"lost: {', '.join(source.lost)}")
    return "; ".join(part for part in parts if part)
