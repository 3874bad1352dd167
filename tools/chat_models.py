"""Language models of any provider, through LangChain's ``init_chat_model``: fulfils ``ports.ChatModel``.

Opens ``provider:model`` or an OpenAI-compatible endpoint, sends one request without retries, and turns whatever comes
back into a ``ModelReply`` or an ``EffectFailed`` that says whether sending again may help and whether the far side may
have charged. Retries, budgets and the record of calls are the gate's; counting and prices are handed in.

``init_chat_model`` adds 0.05 s to the import of the provider's class (measured on ``langchain_openai``, 0.8 s on top of
langgraph), so there is no shorter way worth its code. Everything heavy is imported when a model is opened.
"""

from __future__ import annotations

import asyncio
import difflib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import msgspec

from research.errors import EffectFailed, SettingMissing, UnknownName, UsageFault
from research.ports import ChatModel, Price
from research.requests import ModelReply, ModelRequest
from tools.chat_forms import (
    REPLY,
    Form,
    Forms,
    calls_in,
    reply_tool,
    schema_in_words,
    schema_option,
    tools_in_words,
)
from tools.chat_messages import outgoing, reply_of, tool_of
from tools.chat_transport import clients, guard
from tools.provider_errors import call_errors, cut_completion, failure_of, rejection

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

KEY_VARIABLES: Mapping[str, str] = {
    "anthropic": "ANTHROPIC_API_KEY",
    "azure_ai": "AZURE_AI_API_KEY",
    "azure_openai": "AZURE_OPENAI_API_KEY",
    "cohere": "COHERE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
    "nvidia": "NVIDIA_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PPLX_API_KEY",
    "together": "TOGETHER_API_KEY",
    "upstage": "UPSTAGE_API_KEY",
    "xai": "XAI_API_KEY",
}
"""The environment variable that holds each provider's key; it is read by ``research.settings``."""

OWN_CREDENTIALS = ("bedrock", "bedrock_converse", "google_vertexai", "huggingface", "ibm", "litellm", "ollama")
"""Providers that take no key, or find their credentials by themselves."""
PROVIDERS = (*sorted(KEY_VARIABLES), *OWN_CREDENTIALS)
ALIASES = {"google": "google_genai", "gemini": "google_genai", "mistral": "mistralai", "azure": "azure_openai"}
EXTRAS = {"openai": "openai", "anthropic": "anthropic", "google_genai": "google", "ollama": "ollama"}
ADDRESSES: Mapping[str, str] = {
    "anthropic": "https://api.anthropic.com",
    "google_genai": "https://generativelanguage.googleapis.com",
    "ollama": "http://127.0.0.1:11434",
    "openai": "https://api.openai.com/v1",
}
"""Where the providers are that can be reached with a key alone; the classes would also heed variables of their own."""
PROXIES: Mapping[str, str] = {"anthropic": "anthropic_proxy", "openai": "openai_proxy"}
"""What the classes would else take from ANTHROPIC_PROXY and OPENAI_PROXY: prompts would go to that host."""
WITHOUT_AIOHTTP = ("openai", "google_genai")
PACKAGES = {"azure_openai": "langchain-openai", "bedrock": "langchain-aws", "bedrock_converse": "langchain-aws"}

WINDOW = 128_000
LOCAL_WINDOW = 32_768
OLLAMA_WINDOW = 16_384
"""Tokens assumed where nobody says; Ollama's own default of 4,096 cuts longer prompts silently, so it is told."""


def open_model(
    spec: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    price: Price | None = None,
    window: int | None = None,
    counter: Callable[[ModelRequest], int],
) -> ChatModel:
    """Return the model ``spec`` names; nothing is sent yet.

    ``spec`` is ``provider:model``; with ``base_url`` a bare model name means an OpenAI-compatible endpoint, which needs
    no key. ``counter`` bounds prompt tokens. Raises ``UsageFault``, ``UnknownName`` or ``SettingMissing``.
    """
    provider, name = parse_spec(spec, compatible=base_url is not None)
    variable = KEY_VARIABLES.get(provider)
    if api_key is None and variable is not None:
        if base_url is None:
            raise SettingMissing(f"{provider}:{name} needs a key: set {variable}")
        api_key = "none"
    size = window or assumed_window(provider, base_url)
    server = base_url or ADDRESSES.get(provider)
    with _as_if_not_installed("aiohttp") if provider in WITHOUT_AIOHTTP else nullcontext():
        chat = _open_chat(provider, name, _options(provider, server, base_url is not None, api_key, size))
    return LangChainModel(
        f"{provider}:{name}",
        chat,
        price=price,
        window=size,
        counter=counter,
        compatible=base_url is not None,
        key=api_key,
    )


def assumed_window(provider: str, base_url: str | None) -> int:
    """Return the context window, in tokens, that a model is taken to have where nobody says."""
    return OLLAMA_WINDOW if provider == "ollama" else LOCAL_WINDOW if base_url else WINDOW


@contextmanager
def _as_if_not_installed(module: str) -> Iterator[None]:
    """Keep an optional package from being imported meanwhile.

    OpenAI's client imports aiohttp, where it is installed, for a transport that nobody asks for here: 0.15 s, a tenth
    of the time to the first call. Google's would send by it, past the bounds of ``tools.chat_transport``. Afterwards it
    is as it was.
    """
    modules = cast("dict[str, object]", sys.modules)
    missing = object()
    before = modules.get(module, missing)
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]
        if before is not missing:
            modules[module] = before


def parse_spec(spec: str, *, compatible: bool = False) -> tuple[str, str]:
    """Return provider and model name. ``compatible``: a spec without a known provider names an endpoint's model."""
    prefix, colon, name = spec.strip().partition(":")
    provider = ALIASES.get(prefix.lower(), prefix.lower())
    if colon and provider in PROVIDERS and name.strip():
        return provider, name.strip()
    if compatible and spec.strip() and provider not in PROVIDERS:
        return "openai", spec.strip()
    if not colon or not prefix or not name.strip():
        raise UsageFault(f"“{spec}” is not a model: write provider:model, for example openai:gpt-4o-mini")
    near = difflib.get_close_matches(provider, (*PROVIDERS, *ALIASES), n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(PROVIDERS)}"
    raise UnknownName(f"there is no provider “{prefix}”: {hint}")


def _options(provider: str, server: str | None, compatible: bool, api_key: str | None, window: int) -> dict[str, Any]:
    """Return the options of the provider's class; ``server`` is always told, so that no variable can name another."""
    options = clients(provider, plain=_plain(server))
    if server is not None:
        options["base_url"] = server
    if provider == "ollama":
        return options | {"num_ctx": window}
    options["max_retries"] = 0
    if provider in PROXIES:
        options[PROXIES[provider]] = ""
    if api_key is not None:
        options["api_key"] = api_key
    if provider == "google_genai":
        options["vertexai"] = False
    if provider == "openai" and compatible:
        options["use_responses_api"] = False
    return options


def _plain(server: str | None) -> bool:
    return server is not None and server.startswith("http://")


def _open_chat(provider: str, name: str, options: dict[str, Any]) -> BaseChatModel:
    try:
        # Its clients look whether this module is loaded, and take it for whole while Chroma loads it in another thread.
        import httpx  # noqa: F401
        from langchain.chat_models import init_chat_model

        chat: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
        if provider == "anthropic":
            guard(chat, plain=_plain(options.get("base_url")))
        return chat
    except ImportError:
        package = PACKAGES.get(provider, f"langchain-{provider.replace('_', '-')}")
        command = f"pip install 'research[{EXTRAS[provider]}]'" if provider in EXTRAS else f"pip install {package}"
        raise SettingMissing(f"{provider} models need an extra that is not installed: {command}") from None
    except ValueError:  # pydantic's complaint repeats its input, and with it the key
        raise SettingMissing(
            f"{provider}:{name} could not be opened: a key or setting of {provider} is missing"
        ) from None


class LangChainModel:
    """One opened model. ``compatible`` marks an OpenAI-compatible endpoint that is not OpenAI's own."""

    def __init__(
        self,
        name: str,
        chat: BaseChatModel,
        *,
        price: Price | None,
        window: int,
        counter: Callable[[ModelRequest], int],
        compatible: bool,
        key: str | None,
    ) -> None:
        self.name = name
        self.price = price
        self.window = window
        self._chat = chat
        self._counter = counter
        self._compatible = compatible
        self._secrets = (key,) if key and key != "none" else ()
        self._forms = Forms()

    def __repr__(self) -> str:
        return f"<LangChainModel {self.name}>"

    def count(self, request: ModelRequest) -> int:
        """Return an upper bound of the request's prompt tokens in any form: it never undercounts and never fails."""
        return self._counter(request)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        """Send once, without retries. Raises ``EffectFailed``, retryable where the next try takes another form."""
        from langsmith import tracing_context

        form = self._form(request)
        errors = call_errors()
        try:
            # Tracing switched on for some other program by an environment variable would send private text away.
            with tracing_context(enabled=False):
                async with asyncio.timeout(timeout):
                    answer = await self._send(request, form, self._limits(max_tokens, timeout))
            reply = reply_of(answer, request)
        except TimeoutError:
            raise EffectFailed(f"{self.name}: no answer within {timeout} s", charged=True) from None
        except errors as error:
            cut = cut_completion(error)
            if cut is not None:
                return cut
            learnt = self._learnt(request, form, rejection(error))
            if learnt:
                raise EffectFailed(f"{self.name} {learnt}", retryable=True, retry_after=0.0) from None
            raise failure_of(error, self.name, self._secrets) from None
        if form is not None:
            self._forms.answered(form, reply, request.schema or {})
        if request.tools and not self._forms.tools and not reply.tool_calls:
            return msgspec.structs.replace(reply, tool_calls=calls_in(reply.text))
        return reply

    def _learnt(self, request: ModelRequest, form: Form | None, said: str) -> str:
        """Return what the provider's refusal teaches of the forms it takes, in words; empty where it is of no form."""
        if form is not None and self._forms.refused(form, said):
            return f"does not take {form}, and is asked for {self._forms.now}"
        if request.tools and self._forms.refused_tools(said):
            return "takes no tools, and is asked to name its calls in words"
        return ""

    def _form(self, request: ModelRequest) -> Form | None:
        """Return how the request's schema is asked for; beside tools of its own there is no room for another tool."""
        if request.schema is None:
            return None
        return "plain JSON" if request.tools and self._forms.now == "a forced tool call" else self._forms.now

    async def _send(self, request: ModelRequest, form: Form | None, options: dict[str, Any]) -> AIMessage:
        chat: Any = self._chat
        messages = request.messages
        if request.tools and self._forms.tools:
            chat = chat.bind_tools([tool_of(tool) for tool in request.tools])
        elif request.tools:
            messages = tools_in_words(request)
        if form == "a JSON schema" and self._by_completions(request):
            # As an argument of its own OpenAI's client walks it key by key, which is a third of its work for a call.
            said = {"response_format": schema_option(request.schema or {})}
            options["extra_body"] = {**options.get("extra_body", {}), **said}
        elif form == "a JSON schema":
            options["response_format"] = schema_option(request.schema or {})
        elif form == "a forced tool call":
            chat = self._chat.bind_tools([reply_tool(request.schema or {})], tool_choice=REPLY)
        elif form == "plain JSON":
            messages = schema_in_words(request)
        answer: AIMessage = await chat.ainvoke([outgoing(message) for message in messages], **options)
        return answer

    def _by_completions(self, request: ModelRequest) -> bool:
        """Return whether OpenAI's class is sure to send this as a chat completion, as it also does for a schema."""
        openai = self.name.partition(":")[0] == "openai"
        return openai and not request.tools and getattr(self._chat, "use_responses_api", None) is not True

    def _limits(self, max_tokens: int, timeout: float | None) -> dict[str, Any]:
        provider = self.name.partition(":")[0]
        if provider == "ollama":
            return {"options": {"num_predict": max_tokens, "num_ctx": self.window}}
        limit = "max_output_tokens" if provider == "google_genai" else "max_tokens"
        options: dict[str, Any] = {limit: max_tokens, "timeout": timeout}
        if provider == "openai" and self._compatible:
            # LangChain sends only the new name, max_completion_tokens, which some servers still ignore.
            options["extra_body"] = {"max_tokens": max_tokens}
        return options
