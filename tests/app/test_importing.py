"""Importing without what is unused: what is left out, what of it can be had afterwards, and what asks for the whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LIBRARIES = """
import sys
from research.app.importing import BARE, OPTIONAL, lean_imports
with lean_imports():
    import langchain.chat_models, langchain_openai, graphs.runs
left = [name for name in sys.modules if name.startswith(("langsmith.types.", "langgraph_sdk.", "openai.types.resp"))]
assert len(left) < 10, left
assert not [name for name in (*BARE, *OPTIONAL) if name in sys.modules]
import openai
kept = openai.types
import langsmith, langsmith.types, langgraph_sdk
assert kept.CompletionUsage and kept.responses.Response and openai.types.responses.Response
assert langsmith.types.Run and langgraph_sdk.get_client and not hasattr(langgraph_sdk, "nothing")
"""
WHOLE = """
import sys
from research.app.importing import lean_imports
with lean_imports(bare=("large", "absent", "large.deep.none")):
    import large.one
    assert large.one.VALUE == 1 and "large.two" not in sys.modules
    from large import TWO
    assert TWO == 2 and sys.modules["large"].TWO == 2
import large
assert large.TWO == 2
"""


def test_what_is_left_out_is_not_loaded_and_can_be_imported_afterwards() -> None:
    """Neither hidden packages nor the beginnings of bare ones stay in the way of a later import."""
    run(LIBRARIES)


def test_a_package_gives_its_modules_alone_until_more_of_it_is_wanted(tmp_path: Path) -> None:
    """What stands in a package's own file is loaded when it is first asked for."""
    package = tmp_path / "large"
    package.mkdir()
    (package / "__init__.py").write_text("from large.two import TWO\n", encoding="utf-8")
    (package / "one.py").write_text("VALUE = 1\n", encoding="utf-8")
    (package / "two.py").write_text("TWO = 2\n", encoding="utf-8")
    run(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{WHOLE}")


def run(code: str) -> None:
    """Run ``code`` in a process of its own."""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
