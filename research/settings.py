"""The only reader of the environment and of config files: one frozen value, handed down.

A setting comes from the first of: the flag, ``RESEARCH_<NAME>`` in the environment, ``config.toml`` (in the home, else
in the user's config folder), the default. Keys come from the environment only. What each setting is called and what it
accepts is one table, ``SETTINGS``. What the values do is told by ``research.options`` and ``research.budget``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from research.budget import Caps
from research.errors import BadBudget, StoreProblem, UnknownName, UsageFault, WrongVersion
from research.options import Clarify, RunOptions
from research.pacing import Limit
from research.ports import Price
from research.records import Length, Record
from research.requests import ROLES, Role
from research.scanner import Scanner
from research.secret import Secret
from research.service_tables import McpServer, read_mcp, read_search_urls
from research.services import Given, asked
from research.source_kinds import read_source_kinds
from research.spelling import nearest
from research.values import KINDS, SETTINGS, Setting, read_pace, read_prices, read_roles, read_windows

LAYOUT = 2
"""The number of the home's layout; a change of what lies where, or of a table, raises it."""

SHOWN_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "TAVILY_API_KEY", "RESEARCH_API_KEY")
KEYS = (
    *SHOWN_KEYS,
    *("AZURE_AI_API_KEY", "AZURE_OPENAI_API_KEY", "COHERE_API_KEY", "DEEPSEEK_API_KEY", "FIREWORKS_API_KEY"),
    *("GROQ_API_KEY", "MISTRAL_API_KEY", "NVIDIA_API_KEY", "OPENROUTER_API_KEY", "PPLX_API_KEY", "TOGETHER_API_KEY"),
    *("UPSTAGE_API_KEY", "XAI_API_KEY", "BRAVE_API_KEY", "EXA_API_KEY", "SEMANTIC_SCHOLAR_API_KEY"),
)
"""Read from the environment and from nowhere else. ``RESEARCH_API_KEY`` is for the server behind ``base_url``."""
TABLES = {
    "prices": read_prices,
    "windows": read_windows,
    "pace": read_pace,
    "search_urls": read_search_urls,
    "mcp": read_mcp,
    "source_kinds": read_source_kinds,
}
"""Tables of the config file that nothing else can set, and how each is read."""


class Settings(Record):
    """Every setting, where each came from (``origins``), and the keys. ``None`` is not set."""

    home: Path
    model: str | None
    base_url: str | None
    searx: str | None
    tavily: str | None
    searches: tuple[str, ...]
    contact: str
    allow_hosts: tuple[str, ...]
    sites: tuple[str, ...]
    deny_sites: tuple[str, ...]
    since: str
    until: str
    ignore_robots: bool
    fresh: bool
    javascript: bool
    corpora: tuple[str, ...]
    web: bool
    embedder: str
    mode: str
    rerank: str
    branches: int
    rounds: int
    concurrency: int
    approval_hours: int
    cache: bool
    length: Length
    language: str
    value: int
    reliability: int
    maturity: int
    caps: Caps
    branch_caps: Caps
    roles: dict[Role, str]
    prices: dict[str, Price]
    windows: dict[str, int]
    pace: dict[str, Limit]
    search_urls: dict[str, str]
    mcp: dict[str, McpServer]
    source_kinds: dict[str, str]
    passed: dict[str, Secret]
    keys: dict[str, Secret]
    origins: dict[str, str]

    def scanner(self) -> Scanner:
        """Return what finds the values of the keys that are set, and of what other programs are passed."""
        return Scanner({**self.keys, **self.passed})

    def options(
        self,
        *,
        approve: bool = False,
        plan_only: bool = False,
        clarify: Clarify = "no",
        allow_partial: bool = False,
    ) -> RunOptions:
        """Return what a new run is started with."""
        return RunOptions(
            corpora=self.corpora,
            web=self.web,
            searx=self.searx,
            tavily=self.tavily,
            searches=asked(self.search_choice()) if self.web else (),
            search_urls=self.search_urls,
            allow_hosts=self.allow_hosts,
            sites=self.sites,
            deny_sites=self.deny_sites,
            since=self.since,
            until=self.until,
            source_kinds=self.source_kinds,
            ignore_robots=self.ignore_robots,
            fresh=self.fresh,
            javascript=self.javascript,
            model=self.model,
            roles=self.roles,
            base_url=self.base_url,
            mode=self.mode,  # type: ignore[arg-type]  # SETTINGS accepts no other word
            rerank=self.rerank,  # type: ignore[arg-type]  # likewise
            branches=self.branches,
            rounds=self.rounds,
            caps=self.caps,
            branch_caps=self.branch_caps,
            approve=approve,
            approval_hours=self.approval_hours,
            plan_only=plan_only,
            clarify=clarify,
            allow_partial=allow_partial,
            cache=self.cache,
            length=self.length,
            language=self.language,
            value=self.value,
            reliability=self.reliability,
            maturity=self.maturity,
        )

    def search_choice(self) -> Given:
        """Return what decides which search services are asked; ``research.services.asked`` says which those are."""
        own = {"searxng": self.searx, "tavily": self.tavily}
        flags = {"searxng": "searx", "tavily": "tavily"}
        return Given(
            named=self.searches,
            flagged=tuple(name for name, flag in flags.items() if self.origins.get(flag, "").startswith("flag")),
            addresses={name: address for name, address in own.items() if address},
            keys=tuple(self.keys),
            mcp=tuple(self.mcp),
        )


def load(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings; ``flags`` are by setting name, absent or ``None`` when not given.

    ``environment`` is that of the process unless handed in. Raises ``UnknownName``, ``BadBudget`` and ``UsageFault``
    with a sentence that names the flag, the variable or the file and key.
    """
    world = dict(os.environ if environment is None else environment)
    given = {name: value for name, value in (flags or {}).items() if value not in (None, (), [])}
    home, home_origin = find_home(given.get("home"), world)
    path, config = _config(home, home_origin)
    _refuse_unknown(path, config, world)
    values: dict[str, Any] = {}
    origins = {"home": home_origin}
    for setting in SETTINGS:
        values[setting.name], origins[setting.name] = _value(setting, given, world, path, config)
    values["roles"], role_origins = _roles(given, world, path, config)
    origins |= role_origins
    for name, read in TABLES.items():
        values[name] = read(str(path), config.get(name, {}))
        origins[name] = str(path) if name in config else "default"
    named = {variable for server in values["mcp"].values() for variable in server.env}
    values["passed"] = {name: Secret(world[name]) for name in sorted(named) if name in world}
    keys = read_keys(world)
    caps, branch_caps = _caps(values, "max_"), _caps(values, "branch_max_")
    return Settings(home=home, caps=caps, branch_caps=branch_caps, keys=keys, origins=origins, **values)


def read_keys(environment: Mapping[str, str] | None = None) -> dict[str, Secret]:
    """Return the keys that are set in the environment, that of the process unless handed in."""
    world = os.environ if environment is None else environment
    return {name: Secret(world[name]) for name in KEYS if world.get(name, "").strip()}


def find_home(flag: str | None, world: Mapping[str, str] | None = None) -> tuple[Path, str]:
    """Return the folder that holds all state, and where that was said."""
    world = os.environ if world is None else world
    for given, origin in ((flag, "flag --home"), (world.get("RESEARCH_HOME"), "environment RESEARCH_HOME")):
        if given:
            try:
                return Path(given).expanduser().absolute(), origin
            except (RuntimeError, OSError) as error:
                raise UsageFault(
                    f"the home {given[:80]} ({origin}) is not a folder that can be found: {error}"
                ) from None
    from platformdirs import user_data_dir

    return Path(user_data_dir("research", appauthor=False)), "default"


def _config(home: Path, home_origin: str) -> tuple[Path, dict[str, Any]]:
    """Return the config file (the home's, or the user's where the home is the default one) and its content."""
    path = home / "config.toml"
    if home_origin == "default" and not path.is_file():
        from platformdirs import user_config_dir

        path = Path(user_config_dir("research", appauthor=False)) / "config.toml"
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return path, {}
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(f"{path} is not valid TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise UsageFault(f"{path} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise UsageFault(f"{path} cannot be read: {error.strerror}") from None


def _refuse_unknown(path: Path, config: Mapping[str, Any], world: Mapping[str, str]) -> None:
    """Refuse a key that no setting has, and a variable that is nearly one: a mistyped cap would be no cap."""
    names = [setting.name for setting in SETTINGS] + ["roles", *TABLES]
    for key in config:
        if key.upper() in KEYS or key.lower().endswith("api_key"):
            raise UsageFault(f"{path}: keys are read from the environment only; remove {key} and set {key.upper()}")
        if key == "home":
            raise UsageFault(f"{path}: home cannot be set here; use --home or RESEARCH_HOME")
        if key not in names:
            raise UnknownName(f"{path}: there is no setting {key}{nearest(key, names)}")
    variables = ["RESEARCH_HOME", "RESEARCH_API_KEY", "RESEARCH_ROLES", *(setting.variable for setting in SETTINGS)]
    for variable in world:
        hint = nearest(variable, variables, cutoff=0.9) if variable.startswith("RESEARCH_") else ""
        if hint and variable not in variables:
            raise UnknownName(f"the environment has {variable}, which is no setting{hint}")


def _value(
    setting: Setting, given: Mapping[str, Any], world: Mapping[str, str], path: Path, config: Mapping[str, Any]
) -> tuple[Any, str]:
    """Return a setting's value and origin. Raises ``UsageFault`` naming where the wrong value stands."""
    kind = KINDS[setting.kind]
    if setting.name in given:
        raw, place, origin = given[setting.name], setting.flag, f"flag {setting.flag}"
    elif world.get(setting.variable, "").strip():
        raw, place, origin = world[setting.variable].strip(), setting.variable, f"environment {setting.variable}"
    elif setting.name in config:
        raw, place, origin = config[setting.name], f"{path}: {setting.name}", str(path)
        if not isinstance(raw, kind.accepts) or (isinstance(raw, bool) and bool not in kind.accepts):
            raise UsageFault(f"{place} must be {kind.wanted}, not {raw!r}")
    else:
        return setting.default, "default"
    try:
        return kind.read(place, raw), origin
    except BadBudget:
        raise
    except ValueError:
        shown = str(raw) if isinstance(raw, str | int | float) else ", ".join(map(str, raw))
        raise UsageFault(f"{place} must be {kind.wanted}, not “{shown[:80]}”") from None


def _roles(
    given: Mapping[str, Any], world: Mapping[str, str], path: Path, config: Mapping[str, Any]
) -> tuple[dict[Role, str], dict[str, str]]:
    """Return the model of each role that was given one, and by ``roles.ROLE`` where that was said.

    Each role for itself has the value of the first place that names it.
    """
    places = (
        ("--role", "flag --role", given.get("roles", ())),
        ("RESEARCH_ROLES", "environment RESEARCH_ROLES", world.get("RESEARCH_ROLES", "").strip() or ()),
        (f"{path}: roles", str(path), config.get("roles", {})),
    )
    roles: dict[Role, str] = {}
    origins: dict[str, str] = {}
    for place, origin, raw in places:
        if not isinstance(raw, dict if origin == str(path) else str | list | tuple):
            raise UsageFault(f"{path}: roles must be a table, written [roles], not {raw!r}")
        for role, model in read_roles(place, raw).items():
            if role not in roles:
                roles[role], origins[f"roles.{role}"] = model, origin
    return {role: roles[role] for role in ROLES if role in roles}, origins


def _caps(values: dict[str, Any], prefix: str) -> Caps:
    taken = {name: values.pop(f"{prefix}{name}") for name in ("tokens_total", "usd", "calls", "seconds")}
    return Caps(tokens=taken["tokens_total"], nano_usd=taken["usd"], calls=taken["calls"], seconds=taken["seconds"])


def wants_colour(*, terminal: bool, environment: Mapping[str, str] | None = None) -> bool:
    """Return whether to colour: on a terminal that can, unless ``NO_COLOR`` is set (https://no-color.org)."""
    world = os.environ if environment is None else environment
    return terminal and not world.get("NO_COLOR") and world.get("TERM") != "dumb"


def user_name(environment: Mapping[str, str] | None = None) -> str:
    """Return who is at work: as the login says, else as the system calls the account; empty where neither does."""
    world = os.environ if environment is None else environment
    named = next((world[name] for name in ("LOGNAME", "USER", "USERNAME") if world.get(name, "").strip()), "")
    return named or _account()


def _account() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # no such list on this system, or nobody of that number in it
        return ""


def environment_without_keys(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment (that of the process unless handed in) for a program that must not have our keys."""
    world = os.environ if environment is None else environment
    return {name: value for name, value in world.items() if name not in KEYS}


def shield_from_inspect() -> None:
    """Take Inspect's own variables out of this process, and keep it from loading a ``.env`` file of the work folder.

    They could choose a model or load code for an eval, and a ``.env`` would bring keys that the user did not set.
    """
    for name in [name for name in os.environ if name.startswith("INSPECT_")]:
        del os.environ[name]
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"


def check_home(home: Path) -> None:
    """Raise ``WrongVersion`` when the home was written with another layout. Writes nothing."""
    try:
        written = (home / "VERSION").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as error:
        raise StoreProblem(f"{home / 'VERSION'} cannot be read: {error}") from None
    if written != str(LAYOUT):
        raise WrongVersion(
            f"{home} has layout {written[:20] or 'unknown'} and this program uses layout {LAYOUT}; "
            "use the version of the program that wrote it, or another folder with --home"
        )


def prepare_home(home: Path) -> None:
    """Make the home if need be, write its marker on first use, and check it. Raises ``StoreProblem``."""
    marker = home / "VERSION"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not marker.exists():
            draft = home / f"VERSION.{os.getpid()}"
            draft.unlink(missing_ok=True)
            with draft.open("x", encoding="utf-8") as file:  # made here: a link in its place would be followed
                file.write(f"{LAYOUT}\n")
            draft.replace(marker)
    except OSError as error:
        raise StoreProblem(f"the data folder {home} cannot be written: {error.strerror}") from None
    check_home(home)
