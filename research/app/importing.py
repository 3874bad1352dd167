"""Importing the graph's and the models' libraries in less time and memory: no garbage collected, nothing unused.

LangChain and LangGraph bring LangSmith and HTTPX, and these bring, where they happen to be installed, a command line in
colours, a tracer and a process monitor, of which nothing is used here: six megabytes and a twentieth of a second. And
they bring packages for a few modules of them, whose others are some five hundred types that services send, and a client
for a server: twenty megabytes and a quarter of a second.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import cast

OPTIONAL = ("rich", "opentelemetry.sdk", "psutil")
"""Packages whose absence those who import them foresee, and whose presence changes nothing that is done here."""
BARE = ("langsmith.types", "langgraph_sdk", "openai.types", "openai.types.responses")
"""Packages of which single modules are imported, which do without what their ``__init__`` imports beside."""


@contextmanager
def lean_imports(bare: Sequence[str] = BARE) -> Iterator[None]:
    """Import the graph or a model's client meanwhile; it matters until the graph is there.

    What is garbage at its end stays for good, which each further time would add to. What was left out can be imported
    afterwards; what was loaded before stays as it is.
    """
    if "graphs.runs" in sys.modules:
        yield
        return
    kept_out = [name for name in OPTIONAL if name not in sys.modules]
    modules = cast("dict[str, object]", sys.modules)
    modules.update(dict.fromkeys(kept_out))
    stripped = {name: package for name in bare if name not in modules and (package := _bare(name))}
    modules.update(stripped)
    gc.disable()
    try:
        yield
    finally:
        for name in kept_out:
            del modules[name]
        for name, package in stripped.items():
            if modules.get(name) is package:
                del modules[name]
        gc.freeze()
        gc.enable()


def _bare(name: str) -> ModuleType | None:
    """Return the package without what its ``__init__`` does, ``None`` where it is not installed.

    Whoever wants more of it than its modules gets the whole.
    """
    folders: list[str] | None = None
    path = ""
    for part in name.split("."):
        path = f"{path}.{part}".removeprefix(".")
        spec = PathFinder.find_spec(path, folders)
        if spec is None or spec.submodule_search_locations is None:
            return None
        folders = list(spec.submodule_search_locations)
    package = ModuleType(name)
    package.__path__ = folders or []

    def whole(attribute: str) -> object:
        if sys.modules.get(name) is package:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    package.__dict__["__getattr__"] = whole
    return package
