"""What sees a run from outside of the code that is judged: Python's audit hook, a decoy home, encodings of a secret.

:class:`Audit` notes what a run opens, connects to and starts; :class:`Decoy` is a home folder of the user that must
stay as it is, and holds canaries; :func:`spellings` are the ways in which a canary is looked for. Canary listeners are
in ``bench.canaries``, what is judged of it all in ``bench.invariants``.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

SECRETS = {
    "OPENAI_API_KEY": "sk-canary/9Qw+7Zt=Lm4_Rk2~Vx",
    "TAVILY_API_KEY": "tvly-canary/3Hd+8Pn=Yb6_Jc1~Gs",
    "RESEARCH_API_KEY": "own-canary/5Fk+2Wq=Tz8_Dv9~Mn",
}
"""Keys that are set, look like none that are known, and hold characters that encodings change."""

NETWORK = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"})
PROCESSES = frozenset(
    {
        *("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.spawn"),
        *("pty.spawn", "pickle.find_class"),
    }
)
CHANGES = frozenset(
    {
        *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
        *("os.chown", "os.utime", "shutil.rmtree", "shutil.copyfile", "shutil.move", "tempfile.mkstemp"),
    }
)
CHROMA = "chroma"
CHROMA_ROWS = (
    "name FROM collections",
    "embedding_id FROM embeddings",
    "key, string_value, int_value FROM embedding_metadata",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


HANDLES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.chmod": ((0, 2),),
    "os.utime": ((0, 3),),
}
"""Of the events of Python's audit hook: which argument is a path, and which one the handle that it is relative to."""


def _placed(event: str, args: tuple[Any, ...]) -> list[Any]:
    """Return the arguments with paths that are relative to a handle made whole, by what Linux says that handle is."""
    whole = list(args)
    for path, handle in HANDLES.get(event, ()):
        if handle < len(args) and isinstance(args[handle], int) and args[handle] >= 0:
            whole[path] = str(Path(f"/proc/self/fd/{args[handle]}").readlink() / os.fsdecode(args[path]))
    return whole


class Act(NamedTuple):
    """One thing the process did: ``what`` is the audit event, ``where`` the path, address or command."""

    what: str
    where: str
    writes: bool = False


class Audit:
    """Notes the acts of this process while it watches. The hook stays for the life of the process."""

    def __init__(self) -> None:
        self._acts: list[Act] | None = None
        sys.addaudithook(self._hook)

    @contextmanager
    def watching(self) -> Iterator[list[Act]]:
        """Note every act of the block in the list that is handed out."""
        acts: list[Act] = []
        self._acts = acts
        try:
            yield acts
        finally:
            self._acts = None

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        acts = self._acts
        if acts is None:
            return
        if event == "open":
            path, mode, flags = args
            if not isinstance(path, int):
                writes = bool(isinstance(flags, int) and flags & WRITING) or any(
                    sign in (mode or "") for sign in "wax+"
                )
                acts.append(Act("open", os.fsdecode(path), writes))
        elif event == "sqlite3.connect":
            acts.append(Act("open", os.fsdecode(args[0]), True))
        elif event in NETWORK:
            acts.append(Act(event, repr(args[1:] if event != "socket.getaddrinfo" else args[:2])))
        elif event in PROCESSES:
            acts.append(Act(event, repr(args[:2])))
        elif event in CHANGES:
            acts.append(Act(event, repr(_placed(event, args)), True))


class Decoy:
    """A user's home with things to steal, and a folder that other programs share; neither may change."""

    FILES = (".ssh/id_rsa", ".aws/credentials", ".netrc", ".config/research/config.toml", "shared/notes.md")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for number, name in enumerate(self.FILES):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"canary {number} of a home that nobody may read\n", encoding="utf-8")
        self.before = hashes(folder)

    def changed(self) -> list[str]:
        """Return what is not as it was."""
        return differing(self.before, hashes(self.folder))


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below ``folder``, and where every link leads."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def kept_in(corpora: Path) -> dict[str, str]:
    """Return the hashes of what corpora hold: of Chroma's folders the rows, for its files are written on opening."""
    own = {name: hash for name, hash in hashes(corpora).items() if CHROMA not in Path(name).parts}
    return own | {str(path.relative_to(corpora)): _rows(path) for path in corpora.glob(f"*/{CHROMA}/chroma.sqlite3")}


def _rows(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        rows = [connection.execute(f"SELECT {what}").fetchall() for what in CHROMA_ROWS]
    return hashlib.sha256(repr([sorted(map(repr, some)) for some in rows]).encode()).hexdigest()


def differing(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return the names that came, went or changed."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


@cache
def spellings(secret: str) -> dict[str, bytes]:
    """Return ``secret`` in the ways in which it may stand in a file: as it is, and in fifteen encodings."""
    data = secret.encode()
    # Of Base64 the inner part: what stands around it shifts the first and last characters.
    shifted = [
        base64.b64encode(b"\0" * shift + data)[4 if shift else 0 :][: len(data) // 3 * 4 - 8] for shift in range(3)
    ]
    return {
        "plain": data,
        **{f"base64 ({shift})": part for shift, part in enumerate(shifted)},
        **{f"base64url ({shift})": part.translate(bytes.maketrans(b"+/", b"-_")) for shift, part in enumerate(shifted)},
        "base32": base64.b32encode(data).rstrip(b"=")[:-2],
        "base85": base64.b85encode(data)[:-5],
        "hex": data.hex().encode(),
        "HEX": data.hex().upper().encode(),
        "percent": quote(secret, safe="").encode(),
        "every byte in percent": "".join(f"%{byte:02X}" for byte in data).encode(),
        "JSON escapes": "".join(f"\\u{byte:04x}" for byte in data).encode(),
        "HTML entities": "".join(f"&#{byte};" for byte in data).encode(),
        "UTF-16 (little)": secret.encode("utf-16-le"),
        "UTF-16 (big)": secret.encode("utf-16-be"),
        "backwards": data[::-1],
        "rot13": codecs.encode(secret, "rot13").encode(),
    }


def found_in(data: bytes, secrets: dict[str, str]) -> list[str]:
    """Return which secrets stand in ``data``, and how they are written there."""
    return [
        f"{name}, {how}" for name, secret in secrets.items() for how, part in spellings(secret).items() if part in data
    ]
