"""Which embedder a corpus is asked and indexed with.

A corpus knows who made it. Unless the user named another, it is asked with that one; a new corpus gets the sentence
model where it has been set up, else the built-in embedder that needs nothing.
"""

from __future__ import annotations

from research.app.records import Home, corpora
from research.errors import SettingMissing, UnknownName
from research.ports import Embedder
from research.settings import Settings

OPENAI = "https://api.openai.com/v1"
OLLAMA = "http://127.0.0.1:11434"


def embedder_for(corpus: str, settings: Settings, wanted: str | None = None) -> Embedder:
    """Return a corpus's embedder: the one ``wanted`` or set, else the one that made it, else the best there is."""
    name = wanted or settings.embedder
    if name != "auto":
        return open_embedder(name, settings)
    made_by = next((row.embedder for row in corpora(settings) if row.name == corpus), "")
    return open_embedder(made_by, settings) if made_by else _best(settings)


def _best(settings: Settings) -> Embedder:
    try:
        return open_embedder("minilm", settings)
    except SettingMissing:
        return open_embedder("hashing", settings)


def open_embedder(name: str, settings: Settings) -> Embedder:
    """Return an embedder by its setting (``hashing``, ``minilm``, ``openai:MODEL``, ``ollama:MODEL``) or full name."""
    from tools.embeddings import HashingEmbedder
    from tools.minilm import MiniLMEmbedder, minilm_folder

    if name in ("hashing", HashingEmbedder.name):
        return HashingEmbedder()
    if name in ("minilm", MiniLMEmbedder.name):
        return MiniLMEmbedder(minilm_folder(Home(settings).root))
    provider, _, model = name.partition(":")
    if provider in ("openai", "ollama") and model:
        return _service(provider, model, settings)
    raise UnknownName(f"there is no embedder {name[:60]}; choose hashing, minilm, openai:MODEL or ollama:MODEL")


def _service(provider: str, model: str, settings: Settings) -> Embedder:
    from tools.embedding_services import OllamaEmbedder, OpenAIEmbedder

    if provider == "ollama":
        return OllamaEmbedder(model, settings.base_url or OLLAMA)
    secret = settings.keys.get("RESEARCH_API_KEY" if settings.base_url else "OPENAI_API_KEY")
    if secret is None and settings.base_url is None:
        raise SettingMissing(f"the embedder openai:{model} needs a key: set OPENAI_API_KEY")
    return OpenAIEmbedder(model, settings.base_url or OPENAI, key=secret.reveal() if secret else None)
