"""Several runs of the reference question at once in one process, and what they took of the machine, as JSON.

``python -m bench.reference_question_many RUNS HOME MODEL_URL WEB_URL``. Processor time and memory are of this process;
those of the children that read pages stand beside them.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path
from urllib.parse import urlsplit

from bench.reference_question_scene import QUESTION
from research.app.hands import HANDS
from research.app.running import ask
from research.options import RunOptions
from research.report import Report
from research.settings import Settings, load


async def once(options: RunOptions, settings: Settings) -> Report:
    """Work on one run to its report."""
    return await ask(QUESTION, options, settings, listen=unheard, on_start=unheard, hands=HANDS)


def unheard(event: object) -> None:
    """Take in an event or a handle, and do nothing."""


async def many(runs: int, options: RunOptions, settings: Settings) -> list[Report]:
    """Work on so many runs at once."""
    return await asyncio.gather(*(once(options, settings) for _ in range(runs)))


def largest() -> int:
    """Return the most memory this process has had so far, in KiB; the kernel's figure begins anew with a program."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def seconds(who: int) -> float:
    """Return the processor time of this process or of its children that have ended."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Work and print."""
    runs, home, model, web = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    options = RunOptions(
        web=True, searx=web, allow_hosts=(urlsplit(web).netloc,), model="openai:reference", base_url=model
    )
    settings = load({"home": home}, {})
    reports = asyncio.run(many(runs, options, settings))
    found = {"runs": runs, "statuses": [report.status for report in reports], "largest_kib": largest()}
    found |= {"own_s": seconds(resource.RUSAGE_SELF), "children_s": seconds(resource.RUSAGE_CHILDREN)}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
