"""Where a setting comes from, what it may be, and that a key is never shown."""

from __future__ import annotations

import copy
import json
import os
import pickle
import pwd
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.budget import Caps
from research.caps import parse_cap
from research.errors import BadBudget, ResearchError, UnknownName, UsageFault, WrongVersion
from research.options import RunOptions
from research.ports import Price
from research.secret import Secret, redact
from research.settings import check_home, load, prepare_home, user_name, wants_colour

KEY = "sk-very-secret-1234"


def write_config(home: Path, text: str) -> None:
    """Put a config file in a home."""
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text, encoding="utf-8")


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    """An empty home and environment give the options that a run has by default."""
    settings = load({"home": str(tmp_path)}, {})
    assert settings.options() == RunOptions()
    assert set(settings.origins.values()) == {"flag --home", "default"}


def test_a_flag_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    """Each setting comes from the first place that has it, and remembers which that was."""
    write_config(tmp_path, "branches = 2\nrounds = 3\nmax_usd = 1\n")
    settings = load({"home": str(tmp_path), "branches": "6"}, {"RESEARCH_BRANCHES": "5", "RESEARCH_ROUNDS": "4"})
    assert (settings.branches, settings.rounds, settings.caps.nano_usd) == (6, 4, 1_000_000_000)
    origins = [settings.origins[name] for name in ("branches", "rounds", "max_usd", "mode")]
    assert origins == ["flag --branches", "environment RESEARCH_ROUNDS", str(tmp_path / "config.toml"), "default"]


def test_every_setting_can_stand_in_the_file(tmp_path: Path) -> None:
    """A full config file is read whole, with prices in dollars a million tokens."""
    write_config(
        tmp_path,
        """
        model = "openai:m"
        base_url = "http://localhost:1/v1"
        searx = "http://localhost:2"
        allow_hosts = ["localhost:8080"]
        corpora = ["papers", "notes"]
        web = true
        embedder = "ollama:nomic"
        mode = "hybrid"
        rerank = "cross-encoder"
        max_tokens_total = 50_000
        branch_max_seconds = 1.5
        [prices."openai:m"]
        prompt = 0.25
        completion = 2
        [windows]
        "openai:m" = 8192
        """,
    )
    settings = load({"home": str(tmp_path)}, {})
    assert settings.prices == {"openai:m": Price(prompt=250.0, completion=2000.0)}
    assert settings.windows == {"openai:m": 8192}
    assert settings.options(approve=True) == RunOptions(
        corpora=("papers", "notes"),
        web=True,
        searx="http://localhost:2",
        searches=("searxng",),
        allow_hosts=("localhost:8080",),
        model="openai:m",
        base_url="http://localhost:1/v1",
        mode="hybrid",
        rerank="cross-encoder",
        caps=Caps(tokens=50_000),
        branch_caps=Caps(seconds=1.5),
        approve=True,
    )


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("modle = 'x'", UnknownName, "no setting modle; did you mean mode or model?"),
        ("branches = '4'", UsageFault, "config.toml: branches must be a whole number from 1 to 32, not '4'"),
        ("branches = true", UsageFault, "branches must be a whole number"),
        ("web = 1", UsageFault, "web must be true or false"),
        ("max_usd = 0", BadBudget, "max_usd must be more than 0"),
        ("max_usd = nan", BadBudget, "max_usd must be a finite number of dollars"),
        ("corpora = ['a/../b']", UsageFault, "corpora must be one or more names"),
        ("x = = 1", UsageFault, "config.toml is not valid TOML: Invalid value (at line 1"),
        ("openai_api_key = 'sk'", UsageFault, "keys are read from the environment only"),
        ("home = '/x'", UsageFault, "home cannot be set here"),
        ("[prices]\n'openai:m' = {prompt = -1, completion = 1}", UsageFault, "prices.openai:m must have prompt"),
        ("[prices]\n'a:m' = {prompt = 1, completion = 1, cached = -1}", UsageFault, "prices.a:m must have prompt"),
        ("[prices]\n'a:m' = {prompt = 1, completion = 1, cached = 2}", UsageFault, "a dearer price for cached tokens"),
        ("[prices]\n'a:m' = {prompt = 1, cached = 1}", UsageFault, "and may have cached"),
        ("[windows]\n'openai:m' = 'big'", UsageFault, "windows.openai:m must be a whole number of tokens"),
        ("prices = 3", UsageFault, "prices must be a table"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path: Path, text: str, error: type[Exception], words: str) -> None:
    """An unknown key, a wrong type or broken TOML is told with file and key, and what was meant if it is near."""
    write_config(tmp_path, text)
    with pytest.raises(error) as told:
        load({"home": str(tmp_path)}, {})
    assert words in str(told.value)
    assert str(tmp_path) in str(told.value)


def test_a_file_that_is_not_text_is_a_sentence(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are told with the file's name."""
    (tmp_path / "config.toml").write_bytes(b"\xff\x00")
    with pytest.raises(UsageFault, match=r"config\.toml is not UTF-8 text"):
        load({"home": str(tmp_path)}, {})


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"mode": "agnet"}, "--mode must be auto, workflow, hybrid or agent, not “agnet”"),
        ({"rerank": "best"}, "--rerank must be features, model or cross-encoder, not “best”"),
        ({"searx": "localhost:8080"}, "--searx must be an http or https URL"),
        ({"model": "openai:x@http://127.0.0.1:99999/v1"}, "--model must be"),
        ({"model": "openai:x@http://[::1/v1"}, "--model must be"),
        ({"model": "openai:x@ftp://h/v1"}, "--model must be"),
        ({"model": "@http://h/v1"}, "--model must be"),
        ({"base_url": "http://"}, "--base-url must be an http or https URL"),
        ({"branches": "0"}, "--branches must be a whole number from 1 to 32"),
        ({"value": "6"}, "--value must be a whole number from 1 to 5"),
        ({"allow_hosts": ["localhost"]}, "--allow-host must be one or more HOST:PORT"),
        ({"allow_hosts": ["localhost:70000"]}, "--allow-host must be one or more HOST:PORT"),
        ({"corpora": [""]}, "--corpus must be one or more names"),
        ({"embedder": "word2vec"}, "--embedder must be auto, hashing, minilm"),
        ({"branch_max_calls": "1.5"}, "--branch-max-calls must be a whole number of calls, not 1.5"),
    ],
)
def test_a_wrong_flag_is_named(tmp_path: Path, flags: dict[str, object], words: str) -> None:
    """What a flag must be is said with the flag's own spelling."""
    with pytest.raises(UsageFault) as told:
        load({"home": str(tmp_path), **flags}, {})
    assert words in str(told.value)


def test_a_mistyped_variable_is_no_silent_default(tmp_path: Path) -> None:
    """RESEARCH_MAX_USDD would be an unlimited budget, so it is refused; a variable that is near none is not ours."""
    with pytest.raises(UnknownName, match="did you mean RESEARCH_MAX_USD"):
        load({"home": str(tmp_path)}, {"RESEARCH_MAX_USDD": "1"})
    assert load({"home": str(tmp_path)}, {"RESEARCH_TEAM_CHANNEL": "x"}).caps == Caps()


@given(st.one_of(st.floats(), st.integers(), st.text(max_size=12)))
def test_a_cap_is_a_positive_number_or_a_sentence(given: object) -> None:
    """Any text either is a cap above zero or raises BadBudget; nothing else comes out."""
    for name in ("--max-tokens-total", "--max-usd", "--max-calls", "--max-seconds"):
        try:
            assert parse_cap(name, str(given)) > 0
        except BadBudget as error:
            assert name in str(error)


def test_caps_are_exact() -> None:
    """Dollars become nano-dollars without a rounding error; underscores may group digits."""
    assert parse_cap("--max-usd", "0.1") == 100_000_000
    assert parse_cap("--max-tokens-total", "1_000") == 1000
    assert parse_cap("--branch-max-seconds", "2.5") == 2.5


def test_a_key_comes_from_the_environment_and_is_never_shown(tmp_path: Path) -> None:
    """A key can be revealed where it is used; printing, pickling, copying and encoding do not give it away."""
    settings = load({"home": str(tmp_path)}, {"OPENAI_API_KEY": KEY, "GOOGLE_API_KEY": "  "})
    secret = settings.keys["OPENAI_API_KEY"]
    assert secret.reveal() == KEY
    assert list(settings.keys) == ["OPENAI_API_KEY"]
    assert KEY not in repr(settings) + str(secret) + f"{secret!r:>20}"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode, json.dumps):
        with pytest.raises(TypeError):
            leak(secret)


def test_redact_takes_keys_out_of_text() -> None:
    """A key inside an error text is replaced, the longer of two first."""
    assert redact(f"bad key {KEY}!", [Secret("sk-very"), Secret(KEY)]) == "bad key [secret]!"


def test_the_home_is_marked_on_first_use(tmp_path: Path) -> None:
    """The marker is written once; a home of another layout is refused with both numbers and what to do."""
    home = tmp_path / "new" / "home"
    check_home(home)
    assert not home.exists()
    prepare_home(home)
    prepare_home(home)
    (home / "VERSION").write_text("7", encoding="utf-8")
    with pytest.raises(WrongVersion, match=r"layout 7 .* layout 2; use the version .* --home"):
        prepare_home(home)


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """A file where the folder should be is told, not traced."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ResearchError, match="cannot be written"):
        prepare_home(tmp_path / "file" / "home")
    assert load({"home": str(tmp_path / "file")}, {}).branches == 4


def test_colour_is_for_terminals_that_want_it() -> None:
    """NO_COLOR and a dumb terminal are respected."""
    assert wants_colour(terminal=True, environment={"TERM": "xterm"})
    assert not wants_colour(terminal=True, environment={"NO_COLOR": "1"})
    assert not wants_colour(terminal=True, environment={"TERM": "dumb"})
    assert not wants_colour(terminal=False, environment={})


def test_settings_import_little() -> None:
    """Reading settings takes neither pydantic nor httpx nor platformdirs."""
    heavy = {"pydantic", "httpx", "platformdirs", "numpy"}
    code = f"import sys, research.settings; print(*sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize("language", ["German", "pt-BR", "Norwegian (Nynorsk)", "日本語", "  Old   English "])
def test_a_report_s_length_and_language_are_options_of_a_run(tmp_path: Path, language: str) -> None:
    """From a flag or the environment, in any letter case; white space within a name is one space."""
    settings = load({"home": str(tmp_path), "length": "LONG"}, {"RESEARCH_LANGUAGE": language})
    options = settings.options()
    assert (options.length, options.language) == ("long", " ".join(language.split()))


@pytest.mark.parametrize(
    "flags", [{"length": "huge"}, {"length": "3"}, {"language": "x"}, {"language": "de\n# x"}, {"language": "a" * 41}]
)
def test_a_length_or_language_that_is_none_is_refused(tmp_path: Path, flags: dict[str, str]) -> None:
    """A language is a name of letters: it stands in the rules of the writer."""
    with pytest.raises(UsageFault, match="must be"):
        load({"home": str(tmp_path), **flags}, {})


def test_who_approves_is_the_login_or_else_the_account() -> None:
    """A name is asked for only where neither the environment nor the system has one."""
    assert user_name({"USER": "ann"}) == "ann"
    assert user_name({"LOGNAME": "bob", "USER": "ann"}) == "bob"
    assert user_name({}) == pwd.getpwuid(os.getuid()).pw_name
