"""The systems under test: this project's own modes and their baselines, each made of the real parts.

``kinds`` names them, ``opening`` opens one over an eval's documents. ``materials`` brings the documents into corpora,
``retrieval`` and ``bm25`` rank them, ``answering`` asks the whole pipeline, ``checking`` judges claims, ``planning``
makes plans, ``foreign`` runs another tool's command or reads its answers from a file. What flows in and out is in
``evals.records``; what becomes of it is the eval's business.
"""

from research.app.systems.kinds import SYSTEMS, SystemKind, system_kind
from research.app.systems.opening import open_system

__all__ = ["SYSTEMS", "SystemKind", "open_system", "system_kind"]
