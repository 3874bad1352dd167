"""The bench of a growing corpus: its texts, a small run of it, and the page it writes."""

from __future__ import annotations

import asyncio
import re
from itertools import islice
from pathlib import Path

import numpy as np

from bench.corpus_growth import BLOCK, PAGE, SIZES, TABLES, page, read, renewed, rows_of
from bench.corpus_growth_facts import (
    PARTS,
    Again,
    Asked,
    Indexed,
    Measured,
    Place,
    PlacedEmbedder,
    ask_all,
    first_index,
    index_again,
    index_in_steps,
    parts_of,
)
from bench.corpus_growth_steps import NAMES, Taken
from bench.corpus_growth_texts import Made, Text, make_folder, one_more, questions, recombined
from research.chunks import chunk

TEXTS = [
    Text(title="Ilvane Bridge", text="It was designed by Edda. It is old.\n\nIt was opened in 1931.", kind="pages"),
    Text(title="Edda Varnholt", text="She was born in Skerrow. She studied.", kind="pages"),
    Text(title="Soy and rice", text="Both grow. Both are eaten.", kind="abstracts"),
]


def measured(size: int, embedder: str = "hashing", p50: float = 0.01) -> Measured:
    """Made-up figures of one size."""
    return Measured(
        size=size,
        embedder=embedder,
        made=Made(documents=size // 2, real=10, passages=size),
        index=Indexed(passages=size, seconds=size / 100, cpu=1, peak=200, before=100),
        nothing=Again(seconds=0.1, added=0),
        one=Again(seconds=0.2, added=1),
        ask=Asked(first=0.5, p50=p50, p95=2 * p50, peak=150),
        parts=dict.fromkeys(PARTS, 1000 * size),
        steps=dict.fromkeys(NAMES, Taken(wall=size / 500, cpu=size / 1000)),
    )


def test_recombined_documents_are_made_of_the_sentences_of_their_kind() -> None:
    """The same each time, no two alike for long, shaped like a real one."""
    made = list(islice(recombined(TEXTS), 30))
    assert made == list(islice(recombined(TEXTS), 30))
    assert len({text.text for text in made}) > 10
    known = {
        "It was designed by Edda.",
        "It is old.",
        "It was opened in 1931.",
        "She was born in Skerrow.",
        "She studied.",
    }
    for text in made:
        if text.kind == "pages":
            assert set(re.split(r"(?<=\.)\s+", text.text)) <= known
            assert text.title.split()[0] in ("Ilvane", "Edda")


def test_a_folder_has_the_passages_asked_for(shared_data: Path, tmp_path: Path) -> None:
    """Counted as the indexer cuts them, from the same documents each time; one more is of one passage and new."""
    made = make_folder(shared_data, tmp_path / "one", 60)
    assert made == make_folder(shared_data, tmp_path / "two", 60)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert 60 <= made.passages < 200 and made.documents == made.real == len(files)
    text = one_more(shared_data, tmp_path / "one").read_text()
    assert len(chunk(text, "text/markdown")) == 1
    assert text not in {path.read_text() for path in files}
    assert len(set(questions(shared_data, 100))) == 100


def test_given_vectors_are_unit_rows_and_the_same_each_time() -> None:
    """Of the dimensions they say, each text another direction."""
    rows = asyncio.run(PlacedEmbedder().embed(["a", "b", "c"]))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows.shape == (3, PlacedEmbedder.dimensions) and abs(float(rows[0] @ rows[1])) < 0.5
    assert np.array_equal(rows, asyncio.run(PlacedEmbedder().embed(["x", "y", "z"])))


def test_a_small_size_is_measured(shared_data: Path, tmp_path: Path) -> None:
    """Index, questions, an index without a change and one with a document more: each part finds what it should."""
    place = Place(data=str(shared_data), root=str(tmp_path), embedder="hashing")
    made = make_folder(shared_data, place.documents, 20)
    index = asyncio.run(first_index(place))
    assert index.passages == made.passages
    assert min(index.seconds, index.cpu, index.peak, index.before) > 0
    asked = asyncio.run(ask_all(place))
    assert 0 < asked.p50 <= asked.p95
    assert asyncio.run(index_again(place)).added == 0
    one_more(shared_data, place.documents)
    assert asyncio.run(index_again(place)).added == 1
    assert all(parts_of(place)[part] > 0 for part in PARTS)
    steps = asyncio.run(index_in_steps(place))
    assert tuple(steps) == NAMES
    assert all(taken.wall > 0 for taken in steps.values())


def test_each_size_replaces_its_own_rows() -> None:
    """Those of other sizes and embedders stay, in the order of their sizes, and the plot is that of the rows."""
    empty = "before\n<!-- corpus-growth -->\n<!-- /corpus-growth -->\nafter\n"
    first = renewed(empty, [measured(10_000), measured(1_000), measured(1_000, "minilm")])
    again = renewed(first, [measured(1_000, p50=0.03)])
    assert again.startswith("before\n") and again.endswith("after\n")
    rows = read(again)
    assert list(rows) == [(1_000, "hashing"), (10_000, "hashing"), (1_000, "minilm")]
    assert rows[1_000, "hashing"]["Asking, and indexing again"][:2] == ["30", "60"]
    assert rows[10_000, "hashing"] == read(first)[10_000, "hashing"]
    assert "  line [30, 10]" in again and "  line [60, 20]" in again
    assert renewed(again, []) == again


def test_a_row_has_a_cell_for_each_column() -> None:
    """And times and bytes are those of the columns' names."""
    _, cells = rows_of(measured(1_000))
    assert {title: len(row) for title, row in cells.items()} == {t: len(columns) for t, (columns, _) in TABLES.items()}
    assert set(cells["Milliseconds a passage of each step alone, by the clock / of the processor"]) == {"2.00 / 1.00"}
    assert cells["Bytes on disk a passage"] == ["1,000"] * len(PARTS) + [f"{1000 * len(PARTS):,}"]


def test_the_page_shows_every_size() -> None:
    """``python -m bench.corpus_growth --write`` wrote it: each table has a row for each size."""
    block = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    assert block is not None
    rows = read(block[2])
    assert {int(size) for size in SIZES.split(",")} <= {size for size, embedder in rows if embedder == "hashing"}
    assert all(set(cells) == set(TABLES) for cells in rows.values())
    assert page(rows) == block[2]
