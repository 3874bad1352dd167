"""What a provider's refusal means: whether to send again, whether to send less, and what it may say of itself."""

from __future__ import annotations

from typing import Any

import pytest

from bench.faults_cases import SPENT, TOO_LONG
from research.errors import EffectFailed
from research.requests import Message, ModelRequest
from tools.chat_models import open_model
from tools.fakes.faults import WireFault
from tools.fakes.openai_server import OpenAIServer
from tools.tokens import prompt_bound

SPEC = "openai:gpt-4o-mini"
KEY = "q7.51Hd93kQpZ7vLm2xTn8w"
ASKED = ModelRequest(model=SPEC, role="reader", messages=(Message(role="user", content="Hello"),), max_tokens=50)


async def failing(status: int, headers: dict[str, str] | None = None, body: Any = None) -> EffectFailed:
    """What the client raises on such an answer, which repeats the key in its words."""
    fault = WireFault(name="x", status=status, headers=headers or {}, body=body)
    async with OpenAIServer(every=(1, fault)) as server:
        opened = open_model(SPEC, base_url=server.base_url, api_key=KEY, counter=prompt_bound(SPEC))
        with pytest.raises(EffectFailed) as caught:
            await opened.complete(ASKED, max_tokens=50, timeout=10)
    assert len(server.requests) == 1
    assert KEY[:8] not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", TOO_LONG)
async def test_too_long_a_prompt_is_known_in_every_wording(kind: str) -> None:
    """It is not sent again as it is, but may be with less in it."""
    failure = await failing(400, body={"error": TOO_LONG[kind]})
    assert (failure.too_long, failure.retryable) == (True, False)
    assert "the prompt is too long" in str(failure)


async def test_too_large_a_request_is_too_long() -> None:
    """Status 413 says so without words."""
    assert (await failing(413)).too_long


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500])
async def test_no_other_refusal_is_taken_for_a_long_prompt(status: int) -> None:
    """A rejected request, and a server that failed, keep their own meaning."""
    assert not (await failing(status)).too_long


@pytest.mark.parametrize("kind", SPENT)
async def test_spent_money_is_not_waited_for(kind: str) -> None:
    """A quota or a limit of money comes as 429, too, and no second try helps."""
    failure = await failing(429, {"Retry-After": "1"}, {"error": SPENT[kind]})
    assert (failure.retryable, failure.limited) == (False, False)
    assert "quota is used up" in str(failure)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "2"}, 2.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "abc"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, None),
        ({"Date": "Wed, 21 Oct 2099 07:27:30 GMT", "Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, 30.0),
        ({"Date": "Wed, 21 Oct 2099 07:29:00 GMT", "Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, None),
        ({}, None),
    ],
)
async def test_when_to_come_again_is_a_number_or_a_date_after_that_of_the_answer(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Junk, times in the past and a date with nothing to hold it against leave the pause to the gate."""
    failure = await failing(429, headers)
    assert (failure.retry_after, failure.retryable, failure.limited) == (seconds, True, True)


@pytest.mark.parametrize(("told", "again"), [("false", False), ("true", True), ("perhaps", True)])
async def test_the_servers_word_on_trying_again_counts(told: str, again: bool) -> None:
    """It knows better than the status; what is neither yes nor no is not heard."""
    assert (await failing(429, {"x-should-retry": told})).retryable is again


@pytest.mark.parametrize("hidden", ["\u00ad", "\u200b", "\x1b[0m", "\u2066"])
async def test_a_key_is_not_told_with_what_nobody_sees_inside_it(hidden: str) -> None:
    """A server that repeats the key with invisible characters in it does not get it shown once they are dropped."""
    failure = await failing(400, body={"error": {"message": f"bad key {hidden.join(KEY)} sent", "code": "x"}})
    assert "bad key … sent" in str(failure)
