"""Filling a corpus, and bringing the models that make it better."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from research.app.embedders import embedder_for
from research.app.records import Home
from research.app.stores import open_library
from research.records import Label
from research.settings import Settings, prepare_home
from tools.clock import SystemClock
from tools.corpus_folder import corpus_folder

if TYPE_CHECKING:
    from tools.indexing import IndexProgress, IndexSummary


def label_for(was: str, *, public: bool | None, rebuild: bool) -> Label:
    """Return the label that a corpus gets which ``was`` private, public or (empty) not there.

    What was not said stays as it was, but for a rebuilt corpus: it may hold other documents, and nothing becomes public
    that was never called so.
    """
    if public is None:
        return "public" if was == "public" and not rebuild else "private"
    return "public" if public else "private"


async def index(
    folder: Path,
    corpus: str,
    settings: Settings,
    *,
    public: bool = False,
    rebuild: bool = False,
    embedder: str | None = None,
    progress: Callable[[IndexProgress], None],
) -> IndexSummary:
    """Index ``folder`` as ``corpus``; what did not change is not read again. Killed, it goes on where it stopped."""
    from tools.indexing import index_folder
    from tools.parse import ChildParser

    prepare_home(settings.home)
    home = Home(settings)
    library = open_library(home, SystemClock())
    parser = ChildParser()
    try:
        return await index_folder(
            folder,
            corpus_folder(home.corpora, corpus),
            parser,
            library,
            embedder_for(corpus, settings, embedder),
            public=public,
            rebuild=rebuild,
            progress=progress,
        )
    finally:
        await parser.aclose()
        library.close()


async def setup_embeddings(settings: Settings, say: Callable[[str], None]) -> None:
    """Bring all-MiniLM-L6-v2, check it and try it. Raises ``SettingMissing`` when no way works."""
    from tools.minilm_setup import setup_minilm

    await setup_minilm(Home(settings).root, say=say)


async def setup_reranker(settings: Settings, say: Callable[[str], None]) -> None:
    """Bring the cross-encoder ms-marco-MiniLM-L6-v2, check it and try it. Raises ``SettingMissing``."""
    from tools.cross_encoder_setup import setup_cross_encoder

    await setup_cross_encoder(Home(settings).root, say=say)
