"""The child that reads untrusted bytes: ``python -m tools.parse_child``, spoken to by ``tools.parse`` and nobody else.

It has no network, may write no file, may start no program, and its memory, processor time and open files are limited;
it ends with its parent. A message, both ways, is two lengths (4 bytes each, big-endian), a JSON object and a body.
What is read how is in ``tools.page_text``.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

import msgspec

from research.errors import EffectFailed
from tools.page_text import read

MEMORY = 1_500_000_000
FILES = 32
LENGTHS = struct.Struct(">II")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CLOSED = ("socket.", "subprocess.", "shutil.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile")
CLOSED_CALLS = frozenset({"os.system", "os.kill", "os.killpg", "os.chmod", "os.chown", "os.utime", "os.truncate"})
CLOSED_NAMES = frozenset({"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink"})
CLONE_NEWUSER, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x10000000, 0x40000000, 1


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: refuse what reading a text never needs. It cannot be removed again in this process."""
    if event.startswith(CLOSED) or event in CLOSED_CALLS or event in CLOSED_NAMES:
        raise PermissionError(f"{event} is closed to the parser")
    if event == "open" and isinstance(args[2], int) and args[2] & WRITES:
        raise PermissionError("writing is closed to the parser")


def _close_the_world() -> None:
    """Give up what can be given up without privileges; where the kernel refuses a step, the next ones still hold."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if libc.unshare(CLONE_NEWNET) != 0:  # root may; others first need a user namespace of their own
            libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (OSError, ValueError):  # a lower limit is set already, or the system has no such limit
            continue
    sys.addaudithook(_refuse)


def _bound(seconds: float) -> None:
    """Let the kernel end this process when one item takes too long, even if the parent is gone. 0 lifts it."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(used + seconds) + 2 if seconds else hard
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)


def answer(header: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Return what was found in ``data``, or the sentence that says why nothing was."""
    try:
        found = read(data, header["media"], header["name"])
    except EffectFailed as failure:
        return {"failed": str(failure)}
    return msgspec.structs.asdict(found)


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the other end closes."""
    while len(lengths := source.read(LENGTHS.size)) == LENGTHS.size:
        head, body = LENGTHS.unpack(lengths)
        header = msgspec.json.decode(source.read(head), type=dict[str, Any])
        data = source.read(body)
        _bound(header["seconds"])
        reply = answer(header, data)
        _bound(0)
        text = reply.pop("text", "").encode()
        out = msgspec.json.encode(reply)
        sink.write(LENGTHS.pack(len(out), len(text)) + out + text)
        sink.flush()


def main() -> None:
    """Keep the two pipes, point the ordinary streams away from them, close the world and serve."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to where errors go, not into an answer
    _close_the_world()
    serve(source, sink)


if __name__ == "__main__":
    main()
