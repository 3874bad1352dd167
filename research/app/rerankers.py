"""Which second opinion the hits of a run get: none, a language model's, or a cross-encoder's on this machine."""

from __future__ import annotations

from research.app.records import Home
from research.errors import SettingMissing, UsageFault
from research.options import RunOptions
from research.ports import Reranker
from research.settings import Settings


def check_rerank(options: RunOptions, settings: Settings) -> None:
    """Raise what is wrong with the choice, before anything is begun; the cross-encoder's files are looked for later."""
    if options.rerank == "model" and not options.uses_model:
        raise SettingMissing("--rerank model needs a language model: add --model provider:model")
    flagged = settings.origins.get("rerank", "").startswith("flag")
    if options.rerank == "cross-encoder" and not options.corpora and flagged:
        raise UsageFault("--rerank cross-encoder reorders what a corpus finds, so it needs one: add --corpus NAME")


def open_reranker(options: RunOptions, settings: Settings) -> Reranker | None:
    """Return the cross-encoder where the options ask for it; it loads its model at the first question.

    Raises ``SettingMissing``, naming the command that brings it, when it is not in the home.
    """
    if options.rerank != "cross-encoder":
        return None
    from tools.cross_encoder import CrossEncoder, cross_encoder_folder

    return CrossEncoder(cross_encoder_folder(Home(settings).root))
