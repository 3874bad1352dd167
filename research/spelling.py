"""“Did you mean …?”, worded once. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return ``; did you mean X or Y?`` for the known names nearest to ``name``, or nothing when none is near."""
    from difflib import get_close_matches

    lowered = {candidate.lower(): candidate for candidate in known}
    near = get_close_matches(name.lower(), lowered, n=2, cutoff=cutoff)
    return f"; did you mean {' or '.join(lowered[one] for one in near)}?" if near else ""
