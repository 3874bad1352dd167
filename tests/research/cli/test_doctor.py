"""What the doctor sees, piece by piece."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from research.cli.doctor import Check, installation, next_embedder, packages, reranker, searches, services, state
from research.services import KEYLESS, SERVICES
from research.settings import load


def states(checks: object) -> dict[str, str]:
    """State by name."""
    return {check.name: check.state for check in checks}  # type: ignore[attr-defined]


def test_the_installation_is_listed() -> None:
    """Python and every library that a run needs are named with their versions."""
    checks = {check.name: check for check in installation()}
    assert checks["python"].detail.endswith(sys.executable)
    assert {"langgraph", "chromadb", "langchain-core"} <= set(checks)
    assert all(check.state == "ok" for check in checks.values())


def test_the_four_packages_must_be_ours(tmp_path: Path) -> None:
    """A package that resolves outside this project is a failure that names where it is."""
    assert set(states(packages())) == {"package research", "package tools", "package graphs", "package evals"}
    elsewhere = list(packages(root=tmp_path))
    assert all(check.state == "fail" and str(tmp_path) in check.detail for check in elsewhere)


def test_a_home_is_looked_at_without_being_made(tmp_path: Path) -> None:
    """Rights and space are told of a folder that is not there yet; another layout is a failure."""
    home = tmp_path / "a" / "home"
    assert states(state(home))["home writable"] == "ok"
    assert not home.exists()
    (tmp_path / "VERSION").write_text("99", encoding="utf-8")
    assert states(state(tmp_path))["home"] == "fail"
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert states(state(tmp_path / "file" / "home"))["home writable"] == "fail"


def test_services_are_not_called_unless_asked(tmp_path: Path) -> None:
    """Without --network a server is only named; with it, one that refuses is a failure. No key is shown."""
    flags = {"home": str(tmp_path), "model": "openai:m", "searx": "http://127.0.0.1:1"}
    settings = load(flags, {"OPENAI_API_KEY": "sk-1234567890"})
    named = list(services(settings, network=False))
    assert states(named) == {"model": "ok", "keys": "ok", "searx": "ok"}
    assert "sk-1234567890" not in repr(named)
    assert states(services(settings, network=True))["searx"] == "fail"


def test_nothing_set_is_a_note_and_no_failure(tmp_path: Path) -> None:
    """A bare machine is healthy: it works without a model, a key or a server."""
    found = list(services(load({"home": str(tmp_path)}, {}), network=False))
    assert {check.state for check in found} == {"note"}
    assert Check("keys", "note", "none set") in found


def test_a_damaged_reranker_is_told(tmp_path: Path) -> None:
    """The files are opened, for that they are there says little."""
    folder = tmp_path / "models" / "ms-marco-MiniLM-L6-v2"
    folder.mkdir(parents=True)
    for name in ("model.onnx", "tokenizer.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    check = reranker(load({"home": str(tmp_path), "rerank": "cross-encoder", "corpora": ["a"]}, {}))
    assert check.state == "fail"
    assert "damaged or another one" in check.detail


@pytest.mark.parametrize(
    ("flags", "state", "said"),
    [
        ({}, "ok", "features, built in; --rerank adds cross-encoder (`research setup reranker`"),
        ({"rerank": "model", "model": "openai:m"}, "ok", "model: openai:m scores twice the hits that are read"),
        ({"rerank": "model"}, "fail", "--rerank model needs a language model"),
        ({"rerank": "cross-encoder", "corpora": ["a"]}, "fail", "with `research setup reranker`"),
    ],
)
def test_the_reranker_is_told_with_what_it_lacks(
    tmp_path: Path, flags: dict[str, object], state: str, said: str
) -> None:
    """What orders the hits of a run, whether it is there, and what else there is."""
    check = reranker(load({"home": str(tmp_path), **flags}, {}))
    assert (check.name, check.state) == ("reranker", state)
    assert said in check.detail


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hashing-512-1", "`research setup embeddings`"),
        ("all-MiniLM-L6-v2", "openai:MODEL or ollama:MODEL may add more"),
        ("openai:text-embedding-3-small", "by a service"),
    ],
)
def test_an_embedder_is_told_with_what_the_next_would_bring(name: str, said: str) -> None:
    """What the corpus's own is good for, and how to get the better one; of a corpus without one, nothing."""
    assert said in next_embedder(name)
    assert next_embedder("") == ""


def test_every_search_service_is_listed_with_what_it_needs(tmp_path: Path) -> None:
    """Those that --web asks come first; a key that cannot be one is a failure of one that is asked."""
    bare = list(searches(load({"home": str(tmp_path)}, {})))
    assert {check.name for check in bare} == {f"search {service.name}" for service in SERVICES}
    needs = {check.name: check.detail for check in bare if check.state == "note"}
    assert needs["search brave"].endswith("needs BRAVE_API_KEY")
    assert needs["search searxng"].endswith("needs --searx URL")
    assert [check.name for check in bare if "asked by --web" in check.detail] == [f"search {name}" for name in KEYLESS]
    keyed = list(searches(load({"home": str(tmp_path)}, {"BRAVE_API_KEY": "brv-1234", "EXA_API_KEY": "not a key"})))
    assert [(check.name, check.state) for check in keyed[:2]] == [("search brave", "ok"), ("search exa", "fail")]
    assert "brv-1234" not in repr(keyed)
    assert "not a key" not in repr(keyed)


def test_an_mcp_server_is_listed_with_what_it_lacks(tmp_path: Path) -> None:
    """A variable that it needs and that is not set is named."""
    text = "[mcp.notes]\ncommand = ['notes']\nenv = ['NOTES_KEY']\n"
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    lacking, ready = (load({"home": str(tmp_path)}, world) for world in ({}, {"NOTES_KEY": "secret-1234"}))
    (first, *_), (other, *_) = list(searches(lacking)), list(searches(ready))
    assert (first.name, first.state) == ("search mcp.notes", "fail")
    assert "NOTES_KEY" in first.detail
    assert (other.name, other.state) == ("search mcp.notes", "ok")
