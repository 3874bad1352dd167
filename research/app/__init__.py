"""Puts the real tools into the real graph. With the command line, the only place that sees everything.

``running`` asks and resumes, ``estimating`` says beforehand what asking would cost, ``indexing`` fills a corpus,
``records`` reads what runs left behind (SQLite alone, so that it answers at once), ``world`` opens the ports. A name is
imported when it is first used, and heavy libraries by the functions that need them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from research.app.estimating import Estimate, estimate
    from research.app.indexing import index, setup_embeddings, setup_reranker
    from research.app.records import BrokenQuote, VerifyResult, corpora, lost_runs, runs, show, show_plan, verify
    from research.app.running import RunHandle, ask, resume
    from research.app.store_checks import check_stores

__all__ = [
    "BrokenQuote",
    "Estimate",
    "RunHandle",
    "VerifyResult",
    "ask",
    "check_stores",
    "corpora",
    "estimate",
    "index",
    "lost_runs",
    "resume",
    "runs",
    "setup_embeddings",
    "setup_reranker",
    "show",
    "show_plan",
    "verify",
]
HOMES = {
    "ask": "running",
    "resume": "running",
    "check_stores": "store_checks",
    "RunHandle": "running",
    "Estimate": "estimating",
    "estimate": "estimating",
    "index": "indexing",
    "setup_embeddings": "indexing",
    "setup_reranker": "indexing",
}


def __getattr__(name: str) -> Any:
    """Import what was asked for; ``records`` holds whatever ``HOMES`` does not name."""
    if name not in __all__:
        raise AttributeError(f"research.app has no {name}")
    return getattr(import_module(f"research.app.{HOMES.get(name, 'records')}"), name)
