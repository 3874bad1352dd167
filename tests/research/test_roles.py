"""Where the model of each role comes from, what a wrong one is told, and the tables of the config file."""

from __future__ import annotations

from pathlib import Path

import pytest

from research.errors import SettingMissing, UnknownName, UsageFault
from research.options import Chosen, RunOptions, chosen
from research.pacing import Limit
from research.requests import ROLES
from research.settings import load


def write_config(home: Path, text: str) -> None:
    """Put a config file in a home."""
    (home / "config.toml").write_text(text, encoding="utf-8")


def test_each_role_has_the_model_of_the_first_place_that_names_it(tmp_path: Path) -> None:
    """A flag wins over the environment over the file, role by role, and each remembers where it is from."""
    write_config(tmp_path, '[roles]\nreader = "p:file"\nwriter = "p:file"\nchecker = "p:file"\n')
    flags = {"home": str(tmp_path), "model": "p:main", "roles": ["reader=p:flag"]}
    settings = load(flags, {"RESEARCH_ROLES": "reader=p:env, writer=p:env"})
    assert settings.roles == {"reader": "p:flag", "writer": "p:env", "checker": "p:file"}
    assert [settings.origins[f"roles.{role}"] for role in settings.roles] == [
        "flag --role",
        "environment RESEARCH_ROLES",
        str(tmp_path / "config.toml"),
    ]
    named = {role: model.spec for role, model in settings.options().models().items()}
    assert named == {"planner": "p:main", "researcher": "p:main", **settings.roles}


def test_a_model_alone_has_every_role(tmp_path: Path) -> None:
    """Without roles the one model does everything; without a model there is none."""
    options = load({"home": str(tmp_path), "model": "p:main"}, {}).options()
    assert options.models() == dict.fromkeys(ROLES, Chosen("p:main"))
    assert RunOptions().models() == {}
    assert not RunOptions().uses_model


def test_a_role_without_a_model_is_told_in_one_sentence() -> None:
    """Which roles lack one is named, and both ways to give them one."""
    options = RunOptions(roles=dict.fromkeys(ROLES[:3], "p:m"))
    with pytest.raises(SettingMissing, match="no model is set for the writer and the checker: add --model"):
        options.models()


def test_all_roles_by_themselves_need_no_model() -> None:
    """Five roles and no --model is a whole configuration."""
    assert len(RunOptions(roles={role: f"p:{role}" for role in ROLES}).models()) == len(ROLES)


@pytest.mark.parametrize(
    ("text", "spec", "server"),
    [
        ("openai:m", "openai:m", None),
        ("openai:m@http://localhost:1/v1", "openai:m", "http://localhost:1/v1"),
        ("m@https://a.example/v1", "m", "https://a.example/v1"),
        ("google_vertexai:claude@20250101", "google_vertexai:claude@20250101", None),
    ],
)
def test_a_model_may_name_its_server(text: str, spec: str, server: str | None) -> None:
    """An address behind an @ is the server; any other @ belongs to the name."""
    assert chosen(text) == Chosen(spec, server)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("raeder=p:m", UnknownName, "--role: there is no role raeder; did you mean reader?; the roles are planner"),
        ("p:m", UnknownName, "--role: there is no role p:m"),
        ("reader=", UsageFault, "--role: reader must be provider:model"),
        ("reader=a b", UsageFault, "reader must be provider:model"),
        ("reader=m@http://", UsageFault, "reader must be provider:model"),
        ("reader=m@http://user@host/", UsageFault, "reader must be provider:model"),
    ],
)
def test_a_wrong_role_is_named(tmp_path: Path, given: str, error: type[Exception], words: str) -> None:
    """A role that does not exist, no model, or a server that is no address is told with the flag."""
    with pytest.raises(error) as told:
        load({"home": str(tmp_path), "roles": [given]}, {})
    assert words in str(told.value)


def test_a_role_that_is_given_two_models_is_refused(tmp_path: Path) -> None:
    """The last one would win in silence."""
    with pytest.raises(UsageFault, match="reader is given twice, as p:a and as p:b"):
        load({"home": str(tmp_path), "roles": ["reader=p:a", "reader=p:b"]}, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("roles = 'p:m'", "roles must be a table, written [roles]"),
        ("[roles]\nreader = 3", "reader must be provider:model, or provider:model@http://server, not 3"),
        ("[pace]\nopenai = 60", "pace.openai must have requests, tokens or both"),
        ("[pace.openai]\nrequests = 0", "pace.openai must have requests, tokens or both"),
        ("[pace.openai]\nrequest = 60", "pace.openai must have requests, tokens or both"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, words: str) -> None:
    """The file and the key are told."""
    write_config(tmp_path, text)
    with pytest.raises(UsageFault) as told:
        load({"home": str(tmp_path)}, {})
    assert words in str(told.value)
    assert str(tmp_path) in str(told.value)


def test_the_pace_of_a_provider_is_read(tmp_path: Path) -> None:
    """Requests and tokens a minute, each on its own or both."""
    write_config(tmp_path, "[pace.openai]\nrequests = 60\ntokens = 90_000\n[pace.anthropic]\nrequests = 5\n")
    assert load({"home": str(tmp_path)}, {}).pace == {
        "openai": Limit(requests=60, tokens=90_000),
        "anthropic": Limit(requests=5),
    }


def test_a_judge_takes_the_place_of_every_role() -> None:
    """Options with another model have no role of their own left."""
    options = RunOptions(model="p:a", roles={"writer": "p:b"}, base_url="http://localhost:1/v1")
    assert options.with_model("p:judge") == RunOptions(model="p:judge")
    assert not options.with_model(None).uses_model
