"""The bounds of prompt tokens, against the public tokenizer and against what the loopback server counts."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.requests import Message, ModelRequest, ToolCall, ToolSpec
from tools.fakes.wire import count_prompt
from tools.tokens import byte_bound, encoding_of, prompt_bound, valid, vocabulary

SAMPLES = [
    "The quick brown fox jumps over the lazy dog. " * 20,
    "Größe, naïveté, coöperation, smörgåsbord; l’été est à Orléans.",
    "北京是中华人民共和国的首都。東京は日本の首都です。서울은 대한민국의 수도이다.",
    "Москва — столица России. القاهرة عاصمة مصر. दिल्ली भारत की राजधानी है। กรุงเทพฯ",
    "👩‍👩‍👧‍👦🏳️‍🌈🧑🏿‍🚀 e\u0301 \u200d\ufeff ﷽ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "def f(x):\n\treturn {'a': [1, 2, 3], \"b\": x ** 2}  # noqa\n\n\n",
    "0123456789" * 30 + " 3.14159e-10 0xDEADBEEF",
    "<|endoftext|><|im_start|>system<|im_end|>",
    "zqxjkvbpw" * 100,
    " \n\t" * 200,
    "",
]


@lru_cache(maxsize=1)
def o200k() -> Any:
    import bpe_openai

    return bpe_openai.get_encoding("o200k_base")


def actual(text: str) -> int:
    return len(o200k().encode_ordinary(text))


def asking(*contents: str, **rest: Any) -> ModelRequest:
    messages = tuple(Message(role="user", content=content) for content in contents)
    return ModelRequest(model="m", role="reader", messages=messages, max_tokens=10, **rest)


@pytest.mark.parametrize("text", SAMPLES)
def test_the_bound_of_a_known_model_is_tight(text: str) -> None:
    """For OpenAI's models the bound is the true count and a few tokens of chat format."""
    assert actual(text) < prompt_bound("openai:gpt-4o-mini")(asking(text)) <= actual(text) + 8


@pytest.mark.parametrize("text", SAMPLES)
def test_the_bound_of_an_unknown_model_is_no_less(text: str) -> None:
    """For anybody else's model the bound is not below the count of any byte-level tokenizer."""
    assert prompt_bound("ollama:llama3.2:3b")(asking(text)) > len(text.encode()) >= actual(text)


@given(st.text(max_size=300))
def test_no_text_is_undercounted(text: str) -> None:
    """Whatever the text, both bounds are at least the true count."""
    assert byte_bound(text) >= actual(text)
    assert prompt_bound("openai:gpt-4.1")(asking(text)) >= actual(text)


LANGUAGES = (
    ("Basic Latin and Latin-1", " ", "ÿ"),
    ("Cyrillic", "\u0400", "\u04ff"),
    ("Hebrew and Arabic", "\u0590", "\u06ff"),
    ("Devanagari to Thai", "\u0900", "\u0e7f"),
    ("kana", "\u3040", "\u30ff"),
    ("Han", "\u4e00", "\u9fff"),
    ("Hangul", "\uac00", "\ud7a3"),
    ("emoji", "\U0001f300", "\U0001faff"),
    ("joiners and selectors", "\u200b", "\u200f"),
    ("other planes", "\U00010300", "\U0001d7ff"),
)
CODE = (
    "def f(x):\n\treturn x\n",
    "</div>",
    "{}[]();\n",
    "    " * 4,
    "0x1F",
    "a_b.c->d",
    "```json\n",
    '\\"',
    "\r\n",
    "<|end|>",
)
writing = st.one_of(
    *(
        st.text(st.characters(min_codepoint=ord(first), max_codepoint=ord(last)), max_size=40)
        for _, first, last in LANGUAGES
    ),
    st.lists(st.sampled_from(CODE), max_size=12).map("".join),
)
mixed = st.lists(writing, max_size=5).map(" ".join)


@given(
    messages=st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), mixed), min_size=1, max_size=4),
    field=mixed,
    described=mixed,
    model=st.sampled_from(
        ["openai:gpt-4o", "openai:gpt-4-turbo", "openai:gpt-5-mini", "anthropic:claude", "ollama:qwen3:4b"]
    ),
)
def test_whole_requests_in_all_languages_are_never_undercounted(
    messages: list[tuple[Any, str]], field: str, described: str, model: str
) -> None:
    """Scripts, code and emoji, with a schema and a tool: no less than what OpenAI's vocabularies count."""
    schema = {"type": "object", "properties": {field or "a": {"type": "string", "description": described}}}
    tool = ToolSpec(name="look", description=described, parameters=schema)
    request = ModelRequest(
        model=model,
        role="reader",
        messages=tuple(Message(role=role, content=content) for role, content in messages),
        max_tokens=10,
        schema=schema,
        tools=(tool,),
    )
    spelled = json.dumps(schema, ensure_ascii=False)
    texts = [*(content for _, content in messages), spelled, described, spelled]
    encoding = encoding_of(model)
    known = [encoding] if encoding else ["o200k_base", "cl100k_base"]
    for name in known:
        words = vocabulary(name)
        assert words is not None
        assert prompt_bound(model)(request) >= sum(words.count(text) for text in texts) + 3 * len(messages) + 3


@given(st.lists(st.characters(categories=None), max_size=50))
def test_invalid_unicode_is_counted_as_it_is_sent(characters: list[str]) -> None:
    """Lone surrogates stop nothing, and count as the replacement character they are sent as."""
    text = "".join(characters)
    sent = valid(text)
    assert sent.encode().decode() == sent
    assert prompt_bound("openai:gpt-4o")(asking(text)) >= actual(sent)
    assert prompt_bound("somebody:else")(asking(text)) >= actual(sent)


def test_schema_tools_and_calls_are_counted() -> None:
    """All that travels with the messages is inside the bound, and the bound is not far above it."""
    parameters = {"type": "object", "properties": {"query": {"type": "string", "description": "What to look for."}}}
    call = ToolCall(id="call_1", name="search", arguments={"query": "bridges over the Sable, built before 1940"})
    request = ModelRequest(
        model="openai:gpt-4o",
        role="researcher",
        messages=(
            Message(role="system", content="Be brief. " * 40),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content="Found nothing.", tool_call_id="call_1"),
        ),
        max_tokens=100,
        schema={"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(20)}},
        tools=(ToolSpec(name="search", description="Look for texts.", parameters=parameters),),
    )
    function = {"name": "search", "arguments": json.dumps(call.arguments)}
    body = {
        "messages": [
            {"role": "system", "content": request.messages[0].content},
            {"role": "assistant", "content": None, "tool_calls": [{"function": function}]},
            {"role": "tool", "content": "Found nothing.", "tool_call_id": "call_1"},
        ],
        "tools": [{"function": {"name": "search", "description": "Look for texts.", "parameters": parameters}}],
        "response_format": {"json_schema": {"schema": request.schema}},
    }
    counted = count_prompt(body)
    assert counted <= prompt_bound("openai:gpt-4o")(request) <= 1.6 * counted
    assert counted <= prompt_bound("anthropic:claude-sonnet-4-5")(request)


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("openai:gpt-4o-mini-2024-07-18", "o200k_base"),
        ("openai:gpt-4.1", "o200k_base"),
        ("openai:gpt-5-mini", "o200k_base"),
        ("openai:o3", "o200k_base"),
        ("openai:ft:gpt-4o:acme", "o200k_base"),
        ("openrouter:openai/gpt-4o", "o200k_base"),
        ("gpt-4o", "o200k_base"),
        ("openai:gpt-4-turbo", "cl100k_base"),
        ("openai:gpt-3.5-turbo", "cl100k_base"),
        ("openai:olmo-2", None),
        ("openai:gpt-oss:20b", None),
        ("llama3.2:3b", None),
        ("anthropic:claude-sonnet-4-5", None),
    ],
)
def test_vocabularies_go_by_name(model: str, encoding: str | None) -> None:
    """OpenAI's names have a vocabulary, look-alikes and everybody else have none."""
    assert encoding_of(model) == encoding


def test_a_vocabulary_that_cannot_be_loaded_is_none() -> None:
    """A wheel without the encoding makes counting fall back to bytes instead of stopping a run."""
    assert vocabulary("no_such_base") is None


def test_counting_loads_the_extension_and_not_the_package() -> None:
    """The package decodes vocabularies for half a second when it is imported; counting does without."""
    code = (
        "import sys; from tools.tokens import vocabulary\n"
        "words = vocabulary('o200k_base'); print(words.count('hello world'), 'bpe_openai.compat' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["2", "False"]
