"""Canary listeners: a network of its own in which private and metadata addresses are there, and must get nothing.

:func:`enclosed` runs a bench again inside a network namespace (as an ordinary user: with a user namespace), where
addresses that no fetch may reach are added to the loopback device. :class:`Canaries` listens on all of them and notes
each connection; :meth:`Canaries.tried` connects once itself, so that silence means something.
"""

from __future__ import annotations

import selectors
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
ADDRESSES = (
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "10.0.0.1", "172.16.0.1", "192.168.0.1"),
    *("192.168.1.1", "0.0.0.1", "fd00::1", "fd00:ec2::254", "fe80::1"),
)
"""Clouds' metadata services and private networks."""
PORTS = (80, 443, 8080, 8443, 22, 6379, 11434)
INSIDE = "--enclosed"
WAYS = (("unshare", "--user", "--map-root-user", "--net"), ("unshare", "--net"))


def enclosed(module: str, arguments: Sequence[str]) -> int | None:
    """Run ``module`` inside a network of its own and return its exit code; ``None`` where that cannot be made."""
    way = next((way for way in WAYS if _works(way)), None)
    if way is None or shutil.which("ip") is None:
        return None
    command = [*way, sys.executable, "-m", module, INSIDE, *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _works(way: Sequence[str]) -> bool:
    if shutil.which(way[0]) is None:
        return False
    return subprocess.run([*way, "true"], check=False, capture_output=True).returncode == 0


class Canaries:
    """Listeners on every address of this network, for as long as the ``with`` block lasts."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._open = True
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Canaries:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for address in ADDRESSES:
            length = "128" if ":" in address else "32"
            subprocess.run(
                ["ip", "address", "add", f"{address}/{length}", "dev", "lo"], check=False, capture_output=True
            )
        for port in PORTS:
            for family, everywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                listener = socket.socket(family, socket.SOCK_STREAM)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind((everywhere, port))
                listener.listen(16)
                self._selector.register(listener, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open = False
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # each is a socket

    def _listen(self) -> None:
        while self._open:
            for key, _ in self._selector.select(0.05):
                connection, peer = key.fileobj.accept()  # type: ignore[union-attr]  # likewise
                own = connection.getsockname()
                self.got.append(f"{own[0]}:{own[1]} was reached from {peer[0]}")
                connection.close()

    def tried(self) -> bool:
        """Connect to a metadata and a private address, and return whether both were noticed; forgets them again."""
        for address in ("169.254.169.254", "10.0.0.1"):
            socket.create_connection((address, 80), 2.0).close()
        deadline = threading.Event()
        for _ in range(40):
            if len(self.got) >= 2:
                break
            deadline.wait(0.05)
        noticed, self.got[:] = len(self.got) == 2, []
        return noticed
