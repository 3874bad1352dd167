"""Starts the browser of ``tools.rendering``: ``python -m tools.browser_child PROGRAM ARGUMENT...``.

It leaves the browser no network at all, has it die with its parent, and hands it this process's two pipes as the
descriptors 3 and 4, on which ``--remote-debugging-pipe`` speaks. Where the kernel gives no network namespace it ends
with ``NO_NAMESPACE`` and starts nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x10000000, 0x40000000, 1
NO_NAMESPACE = 77
"""The exit code when the network could not be taken away."""


def leave_the_network() -> bool:
    """Move into a network namespace of its own, with a user namespace where privileges lack; whether that worked."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if libc.unshare(CLONE_NEWNET) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(line)
    return True


def main() -> None:
    if not leave_the_network():
        sys.exit(NO_NAMESPACE)
    os.dup2(0, 3)
    os.dup2(1, 4)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
