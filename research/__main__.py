"""``python -m research`` is the command ``research``."""

from __future__ import annotations

from research.cli import main

if __name__ == "__main__":
    main()
