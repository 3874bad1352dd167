"""``research doctor``: what is installed, set and writable, without a call over the network unless ``--network``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

import typer

from research.cli import arguments as take
from research.cli.output import emit, emit_json, table
from research.cli.session import session_of
from research.errors import ResearchError

if TYPE_CHECKING:
    from research.settings import Settings

OURS = ("research", "tools", "graphs", "evals")
LIBRARIES = ("langgraph", "langchain-core", "langchain", "chromadb", "msgspec", "httpx", "typer")
ENOUGH_DISK = 1_000_000_000
LEAST_DISK = 50_000_000


class Check(NamedTuple):
    """One thing that was looked at. Only ``fail`` makes the command exit with 1."""

    name: str
    state: Literal["ok", "note", "fail"]
    detail: str


def doctor(
    context: typer.Context,
    network: Annotated[bool, typer.Option("--network", help="Also connect to the configured servers.")] = False,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Check the installation, the home, the corpora and the settings."""
    settings = session_of(context).load({"home": home})
    checks = [
        *installation(),
        *packages(),
        *state(settings.home),
        *stores(settings),
        *corpora(settings),
        embedder(settings),
        reranker(settings),
        *services(settings, network=network),
        browser(settings),
        *searches(settings),
    ]
    if json:
        emit_json([check._asdict() for check in checks])
    else:
        emit(table(("CHECK", "STATE", "DETAIL"), checks, widest=160))
    raise typer.Exit(int(any(check.state == "fail" for check in checks)))


def installation() -> Iterator[Check]:
    """Look at Python and the libraries."""
    from importlib import metadata

    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "ok" if sys.version_info >= (3, 11) else "fail", f"{version} at {sys.executable}")
    for name in LIBRARIES:
        try:
            yield Check(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, "fail", f"not installed: pip install {name}")


def packages(root: Path | None = None) -> Iterator[Check]:
    """Look at whether the four packages are this project's: other distributions also ship an ``evals``."""
    from importlib import metadata
    from importlib.util import find_spec

    import research

    root = root or Path(research.__file__).parents[1]
    owners = metadata.packages_distributions()
    for name in OURS:
        spec = find_spec(name)
        origin = Path(spec.origin) if spec and spec.origin else None
        others = sorted({owner for owner in owners.get(name, []) if owner != "research"})
        if origin is None or origin.parents[1] != root:
            yield Check(f"package {name}", "fail", f"is {origin or 'missing'} and not in {root}")
        elif others:
            detail = f"{', '.join(others)} ships a package of this name, too; uninstall it or use another environment"
            yield Check(f"package {name}", "fail" if root.name == "site-packages" else "note", detail)
        else:
            yield Check(f"package {name}", "ok", str(origin.parent))


def state(home: Path) -> Iterator[Check]:
    """Look at the home: version, rights, space."""
    import shutil

    from research.settings import check_home

    try:
        check_home(home)
    except ResearchError as error:
        yield Check("home", "fail", str(error))
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield _unwritable(home, existing)
        return
    yield Check("home writable", "ok", str(home) if home.exists() else f"{home} (made on first use)")
    free = shutil.disk_usage(existing).free
    state: Literal["ok", "note", "fail"] = "ok" if free >= ENOUGH_DISK else "note" if free >= LEAST_DISK else "fail"
    yield Check("disk", state, f"{free / 1e9:.1f} GB free")


def _unwritable(home: Path, existing: Path) -> Check:
    """A home that is there can still be read; where none can be made, nothing can be done."""
    if home.is_dir() and os.access(home, os.R_OK | os.X_OK):
        detail = f"{home} cannot be written: what is in it can be read, but runs cannot be started in it"
        return Check("home writable", "note", f"{detail}; for that choose another folder with --home")
    return Check("home writable", "fail", f"{existing} cannot be written; choose another folder with --home")


def stores(settings: Settings) -> Iterator[Check]:
    """Look through the rows of the runs and of the library."""
    from research import app

    for store in app.check_stores(settings):
        yield Check(store.name, "fail" if store.problem else "ok", store.problem or store.looked)


def corpora(settings: Settings) -> Iterator[Check]:
    """Look at every corpus and at what will embed the next one."""
    from research import app

    try:
        rows = app.corpora(settings)
    except ResearchError as error:
        yield Check("corpora", "fail", str(error))
        return
    for row in rows:
        whole = row.state == "whole"
        held = f"{row.state}, {row.files:,} files, {row.passages:,} passages"
        detail = row.problem or f"{held}, {row.embedder}{next_embedder(row.embedder)}, {row.label}"
        yield Check(f"corpus {row.name}", "ok" if whole else "note", detail)
    if not rows:
        yield Check("corpora", "note", "none yet: research index FOLDER --corpus NAME")


def next_embedder(name: str) -> str:
    """Say in parentheses what a corpus's embedder is good for and what the next one would bring."""
    if not name:
        return ""
    if name.startswith("hashing"):
        return " (spelling; minilm adds meaning: `research setup embeddings`, then index with --rebuild)"
    if ":" in name:
        return " (meaning, by a service)"
    return " (meaning, on this machine; openai:MODEL or ollama:MODEL may add more, and reads the texts)"


def embedder(settings: Settings) -> Check:
    """Say what a new corpus is embedded with, and what would be better."""
    from research.app.embedders import embedder_for

    try:
        name = embedder_for("", settings).name
    except ResearchError as error:
        return Check("embedder", "fail", str(error))
    if not name.startswith("hashing"):
        return Check("embedder", "ok", name)
    better = "`research setup embeddings` brings the sentence model all-MiniLM-L6-v2 (about 90 MB), which finds more"
    return Check("embedder", "note", f"{name}, built in; {better}")


def model(settings: Settings) -> Check:
    """Say which models are configured; whether they answer is told by ``research models``."""
    options = settings.options()
    if not options.uses_model:
        return Check("model", "note", "none: reports are extractive; set one with --model provider:model")
    try:
        options.models()
    except ResearchError as error:
        return Check("model", "fail", str(error))
    server = f" at {settings.base_url}" if settings.base_url else ""
    roles = [f"{role} {named}" for role, named in settings.roles.items()]
    main = [f"{settings.model}{server}"] if settings.model else []
    return Check("model", "ok", ", ".join([*main, *roles]) + " (`research models` asks them)")


def reranker(settings: Settings) -> Check:
    """Say what orders the hits of a run, and whether it is there."""
    from research.app.rerankers import check_rerank, open_reranker

    options = settings.options()
    try:
        check_rerank(options, settings)
        opened = open_reranker(options, settings)
        asked = options.models()
        if opened is not None:
            opened.scores("who wrote it", ["Ann Lee wrote it."])
    except ResearchError as error:
        return Check("reranker", "fail", str(error))
    if opened is not None:
        return Check("reranker", "ok", f"cross-encoder: {opened.name}, on this machine")
    if options.rerank == "model":
        return Check("reranker", "ok", f"model: {asked['reader'].spec} scores twice the hits that are read")
    more = "cross-encoder (`research setup reranker`, about 90 MB, nothing leaves the machine) or model"
    return Check("reranker", "ok", f"features, built in; --rerank adds {more}")


def services(settings: Settings, *, network: bool) -> Iterator[Check]:
    """Look at the model, its key and the search servers."""
    yield model(settings)
    names = sorted(settings.keys)
    yield Check("keys", "ok" if names else "note", f"set: {', '.join(names)}" if names else "none set")
    servers = (("searx", settings.searx), ("tavily", settings.tavily), ("base_url", settings.base_url))
    for name, url in servers:
        if url:
            yield _reached(name, url) if network else Check(name, "ok", f"{url} (not tried; --network tries)")


def browser(settings: Settings) -> Check:
    """Say whether scripts of pages could run."""
    from research.app.browsers import MISSING, found_browser

    program = found_browser()
    if program is None:
        return Check("browser", "fail" if settings.javascript else "note", MISSING)
    return Check(
        "browser", "ok", f"{program}; runs scripts of pages {'' if settings.javascript else 'with --javascript'}"
    )


def searches(settings: Settings) -> Iterator[Check]:
    """List the search services: those that ``--web`` would ask, and what each of the others needs."""
    from research.app.searching import problem_with
    from research.services import BY_NAME, MCP, asked, needs

    choice = settings.search_choice()
    used = asked(choice)
    for name in dict.fromkeys((*used, *BY_NAME, *(MCP + server for server in settings.mcp))):
        service = BY_NAME.get(name)
        covers = service.covers if service else "an MCP server of config.toml"
        problem = problem_with(name, settings)
        if name in used:
            yield Check(f"search {name}", "fail" if problem else "ok", problem or f"{covers}; asked by --web")
        elif problem:
            yield Check(f"search {name}", "note", f"{covers}; needs {needs(service) if service else problem}")
        else:
            yield Check(f"search {name}", "ok", f"{covers}; ready, asked with --search {name}")


def _reached(name: str, url: str) -> Check:
    """Connect to a server's port and hang up."""
    import socket

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=3).close()
    except OSError as error:
        return Check(name, "fail", f"{url} cannot be reached: {error.strerror or error}")
    return Check(name, "ok", f"{url} answers")
