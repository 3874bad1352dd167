"""Bringing the cross-encoder ms-marco-MiniLM-L6-v2 to a machine: two files of one revision of its repository.

Each file's SHA-256 is checked before it is opened, the model must score an answer above an unrelated sentence, and the
folder appears whole or not at all. Running the model is in ``tools.cross_encoder``, fetching in ``tools.downloads``.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from research.errors import SettingMissing, StoreProblem
from tools.cross_encoder import GRAPH, MODEL, TOKENIZER, CrossEncoder, cross_encoder_folder, need_packages
from tools.downloads import Download, WayFailed, check_digest, fetch_file

Say = Callable[[str], None]

REVISION = "https://huggingface.co/cross-encoder/ms-marco-MiniLM-L6-v2/resolve/c5ee24cb16019beea0893ab7796b1df96625c6b8"
"""Licence of the model: Apache-2.0."""
FILES = {
    GRAPH: Download(
        where=f"{REVISION}/onnx/model.onnx",
        sha256="5d3e70fd0c9ff14b9b5169a51e957b7a9c74897afd0a35ce4bd318150c1d4d4a",
    ),
    TOKENIZER: Download(
        where=f"{REVISION}/tokenizer.json",
        sha256="d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
    ),
}
"""91,011,230 and 711,396 bytes. The hashes are those that several independent public projects pin for this revision;
the tests of this project cannot fetch the files, so a hash that is wrong would show as a refused download."""

ASKED = "Who wrote the novel Middlemarch?"
ANSWERS = "The novel Middlemarch was written by George Eliot, who wrote six more."
STRANGER = "The bridge was closed for repairs in spring."


async def setup_cross_encoder(home: Path, *, say: Say, files: dict[str, Download] = FILES) -> Path:
    """Bring the model below ``home`` and return its folder; at once when it is there and works.

    ``say`` gets a line for each step. Raises ``SettingMissing`` with what was met, ``StoreProblem`` for the disk.
    """
    folder = cross_encoder_folder(home)
    need_packages()
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".setup-") as draft:
                made = Path(draft, "model")
                await asyncio.to_thread(made.mkdir)
                await _bring(made, say, files)
                await asyncio.to_thread(_prove, made)
                await asyncio.to_thread(made.rename, folder)
        except OSError as error:
            raise StoreProblem(f"the model cannot be stored in {folder}: {error.strerror or error}") from error
    else:
        await asyncio.to_thread(_check, folder, files)
        await asyncio.to_thread(_prove, folder)
    say(f"the model is in {folder} and works")
    return folder


async def _bring(folder: Path, say: Say, files: dict[str, Download]) -> None:
    for name, wanted in files.items():
        say(f"downloading {wanted.where}")
        try:
            await fetch_file(wanted, folder / name)
        except WayFailed as error:
            raise SettingMissing(
                f"{name} of {MODEL} cannot be brought to this machine: {error}; from a machine that has them, "
                f"{GRAPH} and {TOKENIZER} can be copied into models/{MODEL} in the home"
            ) from error


def _check(folder: Path, files: dict[str, Download]) -> None:
    """Raise ``SettingMissing`` when a file that lies there, perhaps copied by hand, is missing or another one."""
    for name, wanted in files.items():
        try:
            with (folder / name).open("rb") as opened:
                check_digest(hashlib.file_digest(opened, "sha256").hexdigest(), wanted)
        except FileNotFoundError as error:
            raise SettingMissing(
                f"{folder} lacks {name}; copy it there, or delete that folder and run this again"
            ) from error
        except WayFailed as error:
            raise SettingMissing(
                f"{name} in {folder} is another file: {error}; delete that folder and run this again"
            ) from error


def _prove(folder: Path) -> None:
    """Score an answer and a stranger; raises ``SettingMissing`` when the answer is not well above."""
    answer, stranger = CrossEncoder(folder).scores(ASKED, [ANSWERS, STRANGER])
    if not answer > stranger + 1:
        raise SettingMissing(f"the model in {folder} gives wrong scores; delete that folder and set it up again")
