"""Starts the browser of ``tools.rendering``: ``python -m tools.browser_child PROGRAM ARGUMENT...``.

It leaves the browser no network at all and hands it this process's two pipes as the descriptors 3 and 4, on which
``--remote-debugging-pipe`` speaks. The browser is the first process of a namespace of processes: when it ends, when
SIGTERM asks for it or when this process dies, the kernel ends all that it started, also what left its process group
(its crash handlers do), and this process ends after the last of them. Where the kernel gives no such namespaces it
ends with ``NO_NAMESPACE`` and starts nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x10000000, 0x20000000, 0x40000000, 1
ENDS = frozenset({signal.SIGTERM, signal.SIGCHLD})
NO_NAMESPACE = 77
"""The exit code when the browser could not be enclosed."""


def enclose() -> bool:
    """Have what is started next in namespaces of network and processes of its own; whether that worked.

    Where privileges lack, a user namespace gives them.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNET | CLONE_NEWPID) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID) != 0:
        return False
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(line)
    return True


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    if not enclose():
        sys.exit(NO_NAMESPACE)
    die_with_parent()
    os.dup2(0, 3)
    os.dup2(1, 4)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    browser = os.fork()
    if browser == 0:
        die_with_parent()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        os.execv(sys.argv[1], sys.argv[1:])
    signal.sigwait(ENDS)
    os.kill(browser, signal.SIGKILL)
    os.waitpid(browser, 0)


if __name__ == "__main__":
    main()
