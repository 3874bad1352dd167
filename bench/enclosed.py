"""A command without a network but its own loopback: ``python -m bench.enclosed COMMAND...``.

A planted defect may open a socket that the program would never open; in here nobody is at the other end. Linux only,
without privileges where the kernel lets users have namespaces of their own.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Sequence

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def enclosed(command: Sequence[str]) -> list[str]:
    """Return the command that runs ``command`` enclosed, with this interpreter."""
    return [sys.executable, "-m", "bench.enclosed", *command]


def enclose() -> None:
    """Leave this process no network but a fresh loopback. Raises ``OSError`` where the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "this kernel gives no network namespace")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        name = b"lo".ljust(16, b"\0")
        flags = struct.unpack("16sh", fcntl.ioctl(probe, SIOCGIFFLAGS, name + bytes(2)))[1]
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh", name, flags | IFF_UP))


def main() -> None:
    enclose()
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
