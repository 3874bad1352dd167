"""Puts the real tools into the real graph. With the command line, the only place that sees everything.

``running`` asks and resumes, ``indexing`` fills a corpus, ``records`` reads what runs left behind (SQLite alone, so
that it answers at once), ``world`` opens the ports. Heavy libraries are imported by the functions that need them.
"""

from research.app.indexing import index, setup_embeddings
from research.app.records import BrokenQuote, VerifyResult, corpora, runs, show, show_plan, verify
from research.app.running import RunHandle, ask, resume

__all__ = [
    "BrokenQuote",
    "RunHandle",
    "VerifyResult",
    "ask",
    "corpora",
    "index",
    "resume",
    "runs",
    "setup_embeddings",
    "show",
    "show_plan",
    "verify",
]
