"""Which search services a run asks, what each needs, and how the user says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from research.errors import SettingMissing, UnknownName, UsageFault
from research.options import RunOptions
from research.service_tables import McpServer
from research.services import KEYLESS, SERVICES, Given, asked, check, needs
from research.settings import Settings, load

KEY = "tvly-0123456789"


def loaded(tmp_path: Path, text: str = "", environment: dict[str, str] | None = None, **flags: object) -> Settings:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    return load({"home": str(tmp_path), "web": True, **flags}, environment or {})


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (Given(), KEYLESS),
        (Given(keys=("OPENAI_API_KEY",)), KEYLESS),
        (Given(addresses={"searxng": "http://a.test"}), ("searxng",)),
        (Given(keys=("EXA_API_KEY", "TAVILY_API_KEY", "BRAVE_API_KEY")), ("tavily", "brave", "exa")),
        (Given(addresses={"tavily": "http://a.test"}, keys=("TAVILY_API_KEY",)), ("tavily",)),
        (Given(mcp=("notes",)), ("mcp.notes",)),
        (Given(keys=("BRAVE_API_KEY",), mcp=("notes",)), ("brave", "mcp.notes")),
        (Given(named=("arxiv", "arxiv"), keys=("BRAVE_API_KEY",)), ("arxiv",)),
        (Given(named=("arxiv",), flagged=("searxng",)), ("arxiv", "searxng")),
    ],
)
def test_what_is_configured_is_asked_and_without_that_what_needs_no_key(given: Given, names: tuple[str, ...]) -> None:
    """Names that the user lists come before all; a server given on the same command line is asked besides."""
    assert asked(given) == names


def test_the_keyless_services_are_the_documented_ones() -> None:
    """DuckDuckGo is asked only by name, for its connection is not ours."""
    assert KEYLESS == ("wikipedia", "openalex", "crossref", "semantic_scholar", "arxiv")


@pytest.mark.parametrize(
    ("name", "given", "error", "words"),
    [
        ("brave", Given(), SettingMissing, "BRAVE_API_KEY"),
        ("exa", Given(keys=("BRAVE_API_KEY",)), SettingMissing, "EXA_API_KEY"),
        ("tavily", Given(), SettingMissing, "TAVILY_API_KEY"),
        ("searxng", Given(), SettingMissing, "--searx URL"),
        ("wikipdia", Given(), UnknownName, "did you mean wikipedia"),
        ("mcp.notse", Given(mcp=("notes",)), UnknownName, r"\[mcp.notse\]"),
        ("zzz", Given(), UnknownName, "research doctor"),
    ],
)
def test_what_is_missing_is_named(name: str, given: Given, error: type[Exception], words: str) -> None:
    """One sentence with the variable, the flag or the nearest name."""
    with pytest.raises(error, match=words):
        check(name, given)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_with_what_a_service_needs_it_can_be_asked(service: object) -> None:
    """The key alone, or the address alone for a server of one's own, is enough."""
    name, key = service.name, service.key  # type: ignore[attr-defined]
    check(name, Given(keys=(key,), addresses={"searxng": "http://a.test"}))
    assert needs(service)  # type: ignore[arg-type]


def test_names_addresses_and_servers_stand_in_the_config_file(tmp_path: Path) -> None:
    """They are stored with a run, so that it asks the same services when it is resumed; no value of a key is."""
    text = """
    searches = ["wikipedia", "mcp.notes"]
    contact = "ann@example.org"
    [search_urls]
    wikipedia = "https://de.wikipedia.org"
    [mcp.notes]
    command = ["notes-server", "--stdio"]
    tool = "find"
    env = ["NOTES_KEY"]
    [pace.arxiv]
    every = 0.5
    """
    settings = loaded(tmp_path, text, {"NOTES_KEY": "secret-1234"})
    options = settings.options()
    assert isinstance(options, RunOptions)
    assert options.searches == ("wikipedia", "mcp.notes")
    assert options.search_urls == {"wikipedia": "https://de.wikipedia.org"}
    assert settings.contact == "ann@example.org"
    assert settings.mcp == {
        "notes": McpServer(command=("notes-server", "--stdio"), tool="find", argument="query", env=("NOTES_KEY",))
    }
    assert settings.passed["NOTES_KEY"].reveal() == "secret-1234"
    assert "secret-1234" not in f"{settings!r} {options!r}"
    assert settings.pace["arxiv"].every == 0.5


def test_a_key_in_the_environment_is_enough_and_a_flag_wins(tmp_path: Path) -> None:
    """--search names exactly what is asked; without --web nothing is."""
    assert loaded(tmp_path, environment={"TAVILY_API_KEY": KEY}).options().searches == ("tavily",)
    flagged = loaded(tmp_path, environment={"TAVILY_API_KEY": KEY}, searches=["arxiv"], searx="http://a.test")
    assert flagged.options().searches == ("arxiv", "searxng")
    assert loaded(tmp_path, "searches = ['arxiv']", web=None).options().searches == ()


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("search_urls = 3", UsageFault, "table"),
        ("[search_urls]\nwikipdia = 'http://a.test'", UnknownName, "did you mean wikipedia"),
        ("[search_urls]\nsearxng = 'http://a.test'", UsageFault, "--searx"),
        ("[search_urls]\nwikipedia = 'a.test'", UsageFault, "http or https"),
        ("[search_urls]\nwikipedia = 'http://u:p@a.test'", UsageFault, "http or https"),
        ("contact = 'ann'", UsageFault, "mail address"),
        ("[mcp]\nnotes = 3", UsageFault, r"\[mcp.NAME\]"),
        ("[mcp.notes]\ntool = 'x'", UsageFault, "command"),
        ("[mcp.notes]\ncommand = ['x']\nurl = 'http://a.test'", UsageFault, "not both"),
        ("[mcp.notes]\ncommand = 'x --stdio'", UsageFault, "list of texts"),
        ("[mcp.notes]\ncommand = []", UsageFault, "list of texts"),
        ("[mcp.notes]\nurl = 'x'", UsageFault, "http or https"),
        ("[mcp.notes]\nurl = 'http://a.test'\nargumnt = 'q'", UnknownName, "did you mean argument"),
        ("[mcp.notes]\nurl = 'http://a.test'\ntool = ''", UsageFault, "names"),
        ("[mcp.notes]\ncommand = ['x']\nenv = ['A=secret']", UsageFault, "names of environment variables"),
        ("[mcp.notes]\nurl = 'http://a.test'\nenv = ['A']", UsageFault, "started by a command"),
        ("[mcp.'no tes']\nurl = 'http://a.test'", UsageFault, "letters, digits"),
        ("[pace.arxiv]\nevery = 61", UsageFault, "at most 60"),
        ("[pace.arxiv]\nevery = '3'", UsageFault, "at most 60"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(tmp_path: Path, text: str, error: type[Exception], words: str) -> None:
    """The sentence names the file and what was expected there."""
    with pytest.raises(error, match=words) as caught:
        loaded(tmp_path, text)
    assert "config.toml" in str(caught.value)


def test_the_table_of_the_docs_is_that_of_the_program() -> None:
    """Each service has a row, which names its key."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "web.md").read_text(encoding="utf-8")
    section = page.partition("## Searching")[2].partition("\n## ")[0]
    table = {line.split("`")[1]: line for line in section.splitlines() if line.startswith("| `")}
    assert set(table) == {service.name for service in SERVICES} | {"mcp.NAME"}
    assert all(service.key in table[service.name] for service in SERVICES)
