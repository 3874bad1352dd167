"""The reference question's far side as a process of its own, so that its work is not counted as the program's.

``python -m bench.reference_question_far --log FILE [--share 0.1 --seed 1] [--endless]`` prints the addresses of the
model and of the web, and serves until its input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from bench.reference_question_scene import Endless, Reference
from tools.fakes.paced_server import PacedServer


async def serve(options: argparse.Namespace) -> None:
    """Serve until nobody holds the other end of the input any more."""
    scene = Endless() if options.endless else Reference()
    async with PacedServer(scene, options.log, share=options.share, seed=options.seed) as server:
        sys.stdout.write(f"{server.model.base_url} {server.web_url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Read the options and serve."""
    flags = argparse.ArgumentParser(prog="python -m bench.reference_question_far", description=__doc__)
    flags.add_argument("--log", type=Path, required=True)
    flags.add_argument("--share", type=float, default=0.0, help="part of the requests that is spoiled")
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--endless", action="store_true", help="a model that never finishes")
    asyncio.run(serve(flags.parse_args()))


if __name__ == "__main__":
    main()
