"""``python -m bench.picture`` prints the compiled graph as Mermaid; ``--write`` puts it in the README."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from graphs.orchestrator import build_graph

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"(<!-- picture -->\n```mermaid\n)(.*?)(```)", re.S)


def picture() -> str:
    """Return the Mermaid text: nodes and edges of the compiled graph, without styles that a reader must skip."""
    drawn = build_graph().get_graph(xray=True).draw_mermaid(with_styles=False)
    names = drawn.replace("\\3a", "_").replace("__start__", "begin").replace("__end__", "finish")
    return names.replace("\t", "  ")


def main() -> None:
    """Print the picture, or write it where the README shows it."""
    if "--write" in sys.argv[1:]:
        text = README.read_text(encoding="utf-8")
        README.write_text(BLOCK.sub(lambda match: match[1] + picture() + match[3], text), encoding="utf-8")
    else:
        sys.stdout.write(picture())


if __name__ == "__main__":
    main()
