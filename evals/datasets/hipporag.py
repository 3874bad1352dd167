"""The shape of HippoRAG's samples: ``X.json`` with the questions and ``X_corpus.json`` with the passages.

The questions are rows of MuSiQue (with ``paragraphs``) or of HotpotQA and 2WikiMultihopQA (with ``context``); the
corpus is an array of ``{"title", "text"}`` or, in the first release, ``{title: [sentence]}``. A gold passage is found
in the corpus by its title and its text (white space apart), else by its title where only one passage has it.

Source: OSU-NLP-Group/HippoRAG, ``data/`` (first release) and ``reproduce/dataset/``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from evals.datasets import hotpotqa, musique
from evals.datasets.pooled import CORPUS, Asked, case
from evals.datasets.rows import Unique, first_keys, is_array, json_rows, json_whole
from evals.datasets.shapes import JSON_ENDS, Shape, is_json, json_files
from evals.records import Document
from evals.suite import Loaded
from research.errors import UsageFault
from research.records import Record, counted


class _Passage(Record):
    title: str
    text: str


def fits(path: Path) -> bool:
    """Tell whether a path is the questions of a pair, or a folder with exactly one pair.

    Raises ``UsageFault`` for a folder with several pairs.
    """
    return _questions_file(path) is not None


def load(path: Path) -> Loaded:
    """Load a pair, given the file of its questions or the folder it is alone in."""
    file = _questions_file(path)
    if file is None:
        raise UsageFault(f"{path} is no X.json with an X_corpus.json beside it")
    documents, repeated = _documents(_corpus_of(file))
    passages = _Passages(documents)
    unique, cases = Unique("id"), []
    for asked in _questions(file):
        unique.add(asked.id, asked.row)
        cases.append(case(asked, passages.gold(asked)))
    notes = (f"{counted(repeated, 'passage')} of the corpus left out that stood there before",) if repeated else ()
    return Loaded(tuple(cases), {CORPUS: documents}, notes)


class _Passages:
    """Finds the document that is a gold passage."""

    def __init__(self, documents: tuple[Document, ...]) -> None:
        self._exact = {_key(one.title, one.text): one.id for one in documents}
        self._titled: dict[str, list[str]] = defaultdict(list)
        for one in documents:
            self._titled[one.title.strip()].append(one.id)

    def gold(self, asked: Asked) -> Iterator[str]:
        """Yield the ids of a question's gold passages; raises ``UsageFault`` for one that the corpus has not."""
        for title, text, gold in asked.passages:
            if not gold:
                continue
            titled = self._titled.get(title.strip(), [])
            found = self._exact.get(_key(title, text)) or (titled[0] if len(titled) == 1 else None)
            if found is None:
                raise asked.row.fault(f"the gold passage {title!r} is not in the corpus")
            yield found


def _questions(file: Path) -> Iterator[Asked]:
    keys = first_keys(file)
    if "supporting_facts" in keys:
        return hotpotqa.questions(file)
    if "paragraphs" in keys:
        return musique.questions(file)
    raise UsageFault(f"{file}: the questions have neither supporting_facts nor paragraphs, so no gold passages")


def _documents(path: Path) -> tuple[tuple[Document, ...], int]:
    """Return the passages, each once, and how many were repetitions."""
    passages = list(_passages(path))
    different = dict.fromkeys(passages)
    documents = tuple(Document(id=str(n), title=title, text=text) for n, (title, text) in enumerate(different))
    return documents, len(passages) - len(documents)


def _passages(path: Path) -> Iterator[tuple[str, str]]:
    if is_array(path):
        yield from ((row.value.title, row.value.text) for row in json_rows(path, _Passage))
    else:
        for title, sentences in json_whole(path, dict[str, list[str]]).items():
            yield title, hotpotqa.joined(sentences)


def _questions_file(path: Path) -> Path | None:
    if path.is_file():
        return path if is_json(path) and _corpus_of(path).is_file() else None
    pairs = [file for file in json_files(path) if _corpus_of(file).is_file()]
    if len(pairs) > 1:
        raise UsageFault(f"{path} holds {', '.join(pair.name for pair in pairs)}; give --data one of these files")
    return pairs[0] if pairs else None


def _corpus_of(file: Path) -> Path:
    end = next(end for end in sorted(JSON_ENDS, key=len, reverse=True) if file.name.endswith(end))
    return file.with_name(f"{file.name.removesuffix(end)}_corpus{end}")


def _key(title: str, text: str) -> tuple[str, str]:
    return title.strip(), "".join(text.split())


SHAPE = Shape("HippoRAG", "X.json and, beside it, X_corpus.json", fits, load)
