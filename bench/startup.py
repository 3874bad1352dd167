"""How long the commands that should answer at once take, as a ratio to ``python -c pass``.

``python -m bench.startup [RUNS]`` prints a table of medians; the machine should be quiet.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""The caller's, but for the variable that would have every module compiled again in each run."""
COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "research --help": ("-m", "research", "--help"),
    "research runs": ("-m", "research", "runs"),
    "research config show": ("-m", "research", "config", "show"),
}


def seconds(arguments: Sequence[str], home: str) -> float:
    """Return the wall time of one process."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], env={**ENVIRONMENT, "RESEARCH_HOME": home}, capture_output=True, check=True
    )
    return time.perf_counter() - begun


def measure(runs: int) -> dict[str, float]:
    """Return the median seconds of each command; the commands take turns, so that a busy moment hits all of them."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(runs + 1):
            for name, arguments in COMMANDS.items():
                taken[name].append(seconds(arguments, home))
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    medians = measure(runs)
    bare = medians["python -c pass"]
    print(f"{'command':24}{'median of ' + str(runs):>14}{'ratio':>8}")
    for name, median in medians.items():
        print(f"{name:24}{median:>12.3f} s{median / bare:>8.1f}")


if __name__ == "__main__":
    main()
