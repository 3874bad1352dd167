"""Opening the models of the roles: one client a model, each with its own server and key, and a price for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from research.app.estimating import estimate
from research.app.world import check_price, key_for, open_judgement, placed_model
from research.budget import Caps
from research.errors import SettingMissing, UsageFault
from research.options import Chosen, RunOptions
from research.settings import Settings, load

LOCAL = "http://127.0.0.1:9/v1"
KEYS = {"OPENAI_API_KEY": "sk-openai-own", "RESEARCH_API_KEY": "key-of-a-server"}


def settings_of(tmp_path: Path, **flags: Any) -> Settings:
    """Settings in an empty home, with two keys."""
    return load({"home": str(tmp_path), **flags}, KEYS)


def test_a_model_of_several_roles_is_opened_once_and_the_report_names_all(tmp_path: Path) -> None:
    """Three roles share one client, two another; who did what is in the analyst's name."""
    settings = settings_of(
        tmp_path, model="openai:big", roles=[f"reader=openai:small@{LOCAL}", f"checker=openai:small@{LOCAL}"]
    )
    judgement = open_judgement(settings.options(), settings)
    assert len({id(model) for model in judgement.models.values()}) == 2
    assert judgement.analyst.name == (
        "language model openai:big (planner, researcher, writer), openai:small (reader, checker)"
    )
    assert open_judgement(RunOptions(model="openai:big"), settings).analyst.name == "language model openai:big"


@pytest.mark.parametrize(
    ("model", "placed", "key"),
    [
        ("openai:m", Chosen("openai:m", LOCAL), "key-of-a-server"),
        ("m", Chosen("m", LOCAL), "key-of-a-server"),
        ("anthropic:m", Chosen("anthropic:m"), None),
        ("m@http://b/v1", Chosen("m", "http://b/v1"), "key-of-a-server"),
    ],
)
def test_base_url_serves_models_of_its_own_kind(tmp_path: Path, model: str, placed: Chosen, key: str | None) -> None:
    """The server of --model takes the roles of the same provider; a server is sent no provider's key."""
    settings = settings_of(tmp_path, model="openai:main", base_url=LOCAL, roles=[f"writer={model}"])
    options = settings.options()
    found = placed_model(options.models()["writer"], options)
    assert found == placed
    secret = key_for(found, settings)
    assert (secret.reveal() if secret else None) == key


def test_a_provider_s_key_goes_to_the_provider_alone(tmp_path: Path) -> None:
    """Without a server of its own OpenAI's model is sent OpenAI's key."""
    settings = settings_of(tmp_path)
    secret = key_for(Chosen("openai:gpt-4o"), settings)
    assert secret is not None
    assert secret.reveal() == "sk-openai-own"


def test_a_role_without_its_provider_s_key_is_told_before_anything_begins(tmp_path: Path) -> None:
    """The missing variable is named."""
    settings = settings_of(tmp_path, model="openai:big", roles=["writer=anthropic:m"])
    with pytest.raises(SettingMissing, match="set ANTHROPIC_API_KEY"):
        open_judgement(settings.options(), settings)


def test_a_cap_on_money_needs_the_price_of_every_model(tmp_path: Path) -> None:
    """The one that is not known is named, whichever role it has."""
    settings = settings_of(tmp_path)
    options = RunOptions(model="openai:gpt-4o", roles={"checker": f"openai:odd@{LOCAL}"}, caps=Caps(nano_usd=10**9))
    with pytest.raises(UsageFault, match="the price of openai:odd is not known"):
        check_price(options, settings)
    check_price(RunOptions(model="openai:gpt-4o", caps=Caps(nano_usd=10**9)), settings)


async def test_a_dry_run_prices_each_step_at_its_role_s_model(tmp_path: Path) -> None:
    """A cheap reader makes the whole cheaper than the big model alone, and dearer than the small one alone."""
    found = []
    for options in (
        RunOptions(web=True, searx="http://127.0.0.1:9", model="openai:gpt-4o-mini"),
        RunOptions(web=True, searx="http://127.0.0.1:9", model="openai:gpt-4o", roles={"reader": "openai:gpt-4o-mini"}),
        RunOptions(web=True, searx="http://127.0.0.1:9", model="openai:gpt-4o"),
    ):
        whole = await estimate("How are budgets enforced?", options, settings_of(tmp_path))
        assert whole.most.usd is not None
        assert sum(step.most * (step.most_cost.usd or 0) for step in whole.steps) == pytest.approx(whole.most.usd)
        found.append(whole.most.usd)
    assert found[0] < found[1] < found[2]
