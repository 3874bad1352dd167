"""A folder of documents of any size for ``bench.corpus_growth``: real texts first, then recombined ones.

The real ones are encyclopaedia pages, abstracts, proposals and transcripts of the shared data folder, shuffled with a
seed, so that every size has the same mixture of short and long ones. Where they do not reach, a document is made like
one of them: as many paragraphs and sentences, each sentence a real one of another document of its kind, and a title put
together from two real ones. So words, names and mentioned titles are as frequent as they are in real text.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import random
import re
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from research.chunks import chunk
from research.clean import clean_text
from research.records import Record
from tools.folder_files import MEDIA

SEED = 20_261_107
FOLDER_FILES = 1_000
"""Files of one sub-folder."""
PAGES = ("hotpotqa-train100", "hotpotqa-train500", "musique-train100")
ABSTRACTS = ("scifact-train", "cranfield")
ARCHIVES = {"peps_rst.tar.gz": ".rst", "eips_md.tar.gz": ".md"}
ASKED = ("multihop/hotpotqa-train100", "multihop/musique-train100", "retrieval/scifact-train", "retrieval/cranfield")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_PARAGRAPH = re.compile(r"\n\s*\n")


class Text(Record):
    """A document: its title (empty where it stands in the text), its text, its kind, and the suffix of its file."""

    title: str
    text: str
    kind: str
    suffix: str = ".md"

    @property
    def written(self) -> str:
        """What its file holds."""
        return f"# {self.title}\n\n{self.text}\n" if self.title else self.text

    @property
    def passages(self) -> int:
        """How many passages it is cut into."""
        return len(chunk(clean_text(self.written), MEDIA[self.suffix]))


class Made(Record):
    """What a folder holds: documents, of which so many are ``real``, and passages."""

    documents: int
    real: int
    passages: int


def real_texts(data: Path) -> list[Text]:
    """Return every document of the shared data once, shuffled with the seed."""
    found = {text.text: text for text in itertools.chain(_pages(data), _abstracts(data), _long(data))}
    texts = [found[key] for key in sorted(found) if key.strip()]
    random.Random(SEED).shuffle(texts)
    return texts


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _pages(data: Path) -> Iterator[Text]:
    for name in PAGES:
        for row in _lines(data / "multihop" / name / "corpus.jsonl"):
            yield Text(title=row["title"], text=row["text"], kind="pages")
    for line in (data / "multihop" / "musique-train200" / "questions.jsonl").open(encoding="utf-8"):
        for page in json.loads(line)["paragraphs"]:
            yield Text(title=page["title"], text=page["paragraph_text"], kind="pages")
    with gzip.open(data / "multihop" / "nq-oracle" / "nq-open-oracle.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            (page,) = json.loads(line)["ctxs"][:1]
            yield Text(title=page["title"], text=page["text"], kind="pages")


def _abstracts(data: Path) -> Iterator[Text]:
    for name in ABSTRACTS:
        for row in _lines(data / "retrieval" / name / "corpus.jsonl"):
            yield Text(title=" ".join(row["title"].split()), text=row["text"], kind="abstracts")


def _long(data: Path) -> Iterator[Text]:
    for name, suffix in ARCHIVES.items():
        with tarfile.open(data / "worlds" / name) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name.endswith(suffix) else None
                if file is not None:
                    yield Text(title="", text=file.read().decode("utf-8", "replace"), kind=name, suffix=suffix)
    with zipfile.ZipFile(io.BytesIO((data / "worlds/earnings-calls/MSFT_Input_Text.zip").read_bytes())) as calls:
        for name in sorted(calls.namelist()):
            if name.endswith(".txt"):
                yield Text(title=Path(name).stem, text=calls.read(name).decode("utf-8", "replace"), kind="calls")


def recombined(texts: Sequence[Text]) -> Iterator[Text]:
    """Yield documents made of the sentences of real ones, without end, each time the same."""
    rng = random.Random(SEED + 1)
    pools: dict[str, list[str]] = {}
    titles: dict[str, list[str]] = {}
    for text in texts:
        pools.setdefault(text.kind, []).extend(_SENTENCE.split(text.text))
        titles.setdefault(text.kind, []).append(text.title or f"{text.kind} {len(titles.get(text.kind, ()))}")
    while True:
        like = rng.choice(texts)
        pool, names = pools[like.kind], titles[like.kind]
        parts = [
            " ".join(rng.choice(pool) for _ in _SENTENCE.split(paragraph)) for paragraph in _PARAGRAPH.split(like.text)
        ]
        one, other = rng.choice(names).split(), rng.choice(names).split()
        title = " ".join([*one[: (len(one) + 1) // 2], *other[len(other) // 2 :]])
        yield Text(title=title, text="\n\n".join(parts), kind=like.kind)


def make_folder(data: Path, folder: Path, passages: int) -> Made:
    """Write documents into ``folder`` until they have so many passages."""
    texts = real_texts(data)
    documents = real = made = 0
    for number, text in enumerate(itertools.chain(texts, recombined(texts))):
        if made >= passages:
            break
        path = folder / f"{number // FOLDER_FILES:04}" / f"{number:07}{text.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.written, encoding="utf-8")
        documents, made = documents + 1, made + text.passages
        real += number < len(texts)
    return Made(documents=documents, real=real, passages=made)


def one_more(data: Path, folder: Path) -> Path:
    """Write one more document, of one passage, that is in no folder of any size."""
    texts = real_texts(data)
    pages = (text for text in recombined([text for text in texts if text.kind == "abstracts"][::-1]))
    path = folder / "one-more.md"
    path.write_text(next(text for text in pages if text.passages == 1).written, encoding="utf-8")
    return path


def questions(data: Path, count: int) -> list[str]:
    """Return different questions and claims about the real texts, as many of each data set."""
    rng = random.Random(SEED + 2)
    lists = [[row["text"] for row in _lines(data / name / "queries.jsonl")] for name in ASKED]
    for one in lists:
        rng.shuffle(one)
    return list(dict.fromkeys(itertools.chain.from_iterable(zip(*lists, strict=False))))[:count]
