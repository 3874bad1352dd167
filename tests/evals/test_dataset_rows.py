"""The row readers: what is read, what is refused, and that the refusal names file and line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evals.datasets.rows import Filled, Row, Unique, csv_rows, first_keys, json_rows, json_whole, tsv_rows, whole_number
from research.errors import UsageFault
from research.records import Record

HEADER = ("query-id", "corpus-id", "score")


class Note(Record):
    """A row to read."""

    id: Filled
    text: Filled
    marks: list[int] = []  # noqa: RUF012


class Cells(Record):
    """A row of a CSV file."""

    id: Filled
    text: str


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Writes a file and returns its path."""

    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def values(rows: Iterator[Row[Note]]) -> list[tuple[str, str]]:
    """The ids and texts of rows."""
    return [(row.value.id, row.value.text) for row in rows]


GOOD = b'{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n'
PAIR = [("a", "one"), ("b", "two")]


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        GOOD.rstrip(b"\n"),
        GOOD + b"\n \n",
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD,
        b'[{"id": "a", "text": "one"}, {"id": "b", "text": "two"}]',
        b'\xef\xbb\xbf [\r\n{"id": "a", "text": "one"},\r\n{"id": "b", "text": "two"}]\r\n',
    ],
)
def test_line_ends_marks_and_arrays_do_not_matter(written: Callable[[str, bytes], Path], data: bytes) -> None:
    """A JSONL file reads the same with Windows line ends, a byte-order mark, a blank end, or as one JSON array."""
    assert values(json_rows(written("x.jsonl", data), Note)) == PAIR


def test_a_byte_order_mark_belongs_on_the_first_line(written: Callable[[str, bytes], Path]) -> None:
    """On a later line, where two files were put together, it is an error that names the line."""
    one, two = GOOD.splitlines(keepends=True)
    with pytest.raises(UsageFault, match=r"x.jsonl, line 2: the JSON is malformed"):
        list(json_rows(written("x.jsonl", one + b"\xef\xbb\xbf" + two), Note))


def test_a_line_and_a_file_may_be_so_long_and_no_longer(written: Callable[[str, bytes], Path]) -> None:
    """The bound is of each line of JSONL, and of a JSON file as a whole; a byte more is refused before it is read."""
    lines, whole = written("x.jsonl", GOOD), b"[" + b",".join(GOOD.splitlines()) + b"]"
    longest = max(map(len, GOOD.splitlines(keepends=True)))
    assert values(json_rows(lines, Note, longest)) == PAIR
    with pytest.raises(UsageFault, match=rf"x.jsonl, line 1: longer than {longest - 1} bytes"):
        list(json_rows(lines, Note, longest - 1))
    array = written("x.json", whole)
    assert values(json_rows(array, Note, len(whole))) == PAIR and json_whole(array, list[Note], len(whole))
    for read in (lambda most: list(json_rows(array, Note, most)), lambda most: json_whole(array, list[Note], most)):
        with pytest.raises(UsageFault, match=rf"x.json is longer than {len(whole) - 1} bytes"):
            read(len(whole) - 1)


def test_a_gzipped_file_reads_like_a_plain_one(written: Callable[[str, bytes], Path]) -> None:
    """A name that ends in .gz is unpacked on the way."""
    assert values(json_rows(written("x.jsonl.gz", gzip.compress(GOOD)), Note)) == PAIR


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"id": "c"}', '"text" is missing'),
        (b'{"id": "c", "text": " "}', '"text" is empty'),
        (b'{"id": "c", "text": 5}', '"text" should be str, not int'),
        (b'{"id": "c", "text": null}', '"text" should be str, not null'),
        (b'{"id": "c", "text": "x", "marks": [1, "2"]}', '"marks[1]" should be int, not str'),
        (b'["c"]', "the row should be object, not array"),
        (b'{"id": "c", "text": "x"', "the JSON is malformed"),
        (b'{"id": "c", "text": "x"} {}', "the JSON is malformed"),
        (b'{"id": "c", "text": "\\ud800"}', "the JSON is malformed"),
        (b'{"id": "c", "text": "\xff"}', "not UTF-8"),
        (b'{"id": "c", "z": ' + b"[" * 100_000, "the JSON is nested too deeply"),
    ],
)
def test_a_malformed_line_is_named(written: Callable[[str, bytes], Path], line: bytes, says: str) -> None:
    """What is wrong with the third line is said of the third line."""
    path = written("queries.jsonl", GOOD + line + b"\n")
    with pytest.raises(UsageFault) as caught:
        list(json_rows(path, Note))
    assert f"queries.jsonl, line 3: {says}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_blank_line_within_is_named(written: Callable[[str, bytes], Path]) -> None:
    """A blank line is fine at the end and nowhere else."""
    with pytest.raises(UsageFault, match=r"x.jsonl, line 1: the line is blank"):
        list(json_rows(written("x.jsonl", b"\n" + GOOD), Note))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'[\n{"id": "a", "text": "x"},\n\n{"id":\n"b"}]', 'line 4, item 2: "text" is missing'),
        (b'[\n{"id":\n"a", "text": "x"},\n{"id": "b"}]', 'line 4, item 2: "text" is missing'),
        (b'[{"id": "a", "text": "x"},\n{"id": "b", "text": ""}]', 'line 2, item 2: "text" is empty'),
        (b'[\n{"id": "a", "text": "x"},\n{"id" "b"}]', "line 3"),
        (b'[{"id": "a", "text": "x"}\n', "the JSON is malformed"),
        (b"[]", "holds no rows"),
        (b'[{"id": "a"},\n"\xff"]', "line 2: not UTF-8"),
    ],
)
def test_a_malformed_item_of_an_array_is_named(written: Callable[[str, bytes], Path], data: bytes, says: str) -> None:
    """An item of a JSON array is named with the line that it starts on and its number."""
    with pytest.raises(UsageFault) as caught:
        list(json_rows(written("dev.json", data), Note))
    assert says in str(caught.value) and "dev.json" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("x.jsonl", b"", "holds no rows"),
        ("x.jsonl", b"\n\n", "holds no rows"),
        ("x.jsonl.gz", b"no gzip", "cannot be read"),
        ("x.jsonl.gz", gzip.compress(GOOD * 100, mtime=0)[:-20], "cannot be read"),
    ],
)
def test_an_empty_or_damaged_file_is_refused(
    written: Callable[[str, bytes], Path], name: str, data: bytes, says: str
) -> None:
    """No file is silently taken for one without rows."""
    with pytest.raises(UsageFault, match=says):
        list(json_rows(written(name, data), Note))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """The path is in the sentence."""
    with pytest.raises(UsageFault, match=r"none\.jsonl does not exist"):
        list(json_rows(tmp_path / "none.jsonl", Note))
    with pytest.raises(UsageFault, match="cannot be read"):
        list(json_rows(tmp_path, Note))


def test_a_whole_json_value_is_read_or_refused(written: Callable[[str, bytes], Path]) -> None:
    """A file that is one object comes as its type; an error in it has its line."""
    assert json_whole(written("a.json", b'{"x": ["y"]}'), dict[str, list[str]]) == {"x": ["y"]}
    with pytest.raises(UsageFault, match=r"b.json, line 2: the JSON is malformed"):
        json_whole(written("b.json", b'{"x":\n?}'), dict[str, list[str]])


def test_csv_lines_are_right_after_cells_that_span_lines(written: Callable[[str, bytes], Path]) -> None:
    """A row is named by the line it starts on, though a cell above it holds line ends, which are kept."""
    path = written("c.csv", b'id,text\n1,"one\ntwo\r\nthree"\n2,x\n,y\n')
    rows = csv_rows(path, Cells)
    first, second = next(rows), next(rows)
    assert (first.value.text, first.where) == ("one\ntwo\r\nthree", f"{path}, line 2")
    assert (second.value.id, second.where) == ("2", f"{path}, line 5")
    with pytest.raises(UsageFault, match=r'c.csv, line 6: "id" is empty'):
        next(rows)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"id,text\n1,x\n2\n", "line 3: 1 cell, but the header has 2"),
        (b"id,text\n1,x,y\n", "line 2: 3 cells, but the header has 2"),
        (b"id\n1\n", 'line 2: "text" is missing'),
        (b"id,text,id\n1,x,1\n", "line 1: two columns have the same name"),
        (b'id,text\n1,"x\n', "line 2: the CSV is malformed"),
        (b'id,text\n1,"x"y\n', "line 2: the CSV is malformed"),
        (b"id,text\n\n1,x\n", "line 2: the line is blank"),
        (b"id,text\n", "holds no rows"),
        (b"id,text\n1,\xe9\n", "line 2: not UTF-8"),
        (b'id,text\n1,"' + b"x" * 200_000 + b'"\n', "line 2: the CSV is malformed"),
    ],
)
def test_malformed_csv_is_named(written: Callable[[str, bytes], Path], data: bytes, says: str) -> None:
    """Too few or many cells, a missing column, an open quote: each with its line."""
    with pytest.raises(UsageFault) as caught:
        list(csv_rows(written("c.csv", data), Cells))
    assert says in str(caught.value)


def test_csv_reads_with_a_mark_and_windows_line_ends(written: Callable[[str, bytes], Path]) -> None:
    """A spreadsheet's CSV is as good as any."""
    rows = list(csv_rows(written("c.csv", b"\xef\xbb\xbfid,text,more\r\n1,x,z\r\n\r\n"), Cells))
    assert [(row.value.id, row.value.text) for row in rows] == [("1", "x")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"q0\t1\t1\n", "line 1: the header should be query-id, corpus-id, score"),
        (b"query-id corpus-id score\n", "line 1: the header"),
        (b"query-id\tcorpus-id\tscore\nq0\t1\n", "line 2: 2 cells"),
        (b"query-id\tcorpus-id\tscore\nq0\t\t1\n", 'line 2: "corpus-id" is empty'),
        (b"query-id\tcorpus-id\tscore\n", "holds no rows"),
    ],
)
def test_malformed_tsv_is_named(written: Callable[[str, bytes], Path], data: bytes, says: str) -> None:
    """A file without its header is refused, or its first judgement would be lost."""
    with pytest.raises(UsageFault) as caught:
        list(tsv_rows(written("q.tsv", data), HEADER))
    assert says in str(caught.value)


@pytest.mark.parametrize("cell", ["1.0", "one", "", "1e3", "１", "0x1", "9" * 30])
def test_only_an_integer_is_an_integer(cell: str) -> None:
    """A score that is not written as an integer is refused, not rounded."""
    with pytest.raises(UsageFault, match="not an integer"):
        whole_number(Row(None, "q.tsv, line 2"), "score", cell)


def test_an_id_twice_is_named_with_both_places() -> None:
    """The second row with an id is at fault, and the first is told."""
    unique = Unique("_id")
    unique.add("a", Row(None, "x, line 1"))
    unique.add("b", Row(None, "x, line 2"))
    with pytest.raises(UsageFault, match=r'x, line 3: "_id" a is taken already \(x, line 1\)'):
        unique.add("a", Row(None, "x, line 3"))


def test_the_first_keys_tell_objects_from_the_rest(written: Callable[[str, bytes], Path]) -> None:
    """The field names of the first row are known without its type, and a row that is no object has none."""
    assert first_keys(written("a.jsonl", GOOD)) == {"id", "text"}
    assert first_keys(written("b.json", b'[{"id": 1}]')) == {"id"}
    assert first_keys(written("c.json", b"[1]")) == frozenset()
    with pytest.raises(UsageFault, match="line 1"):
        first_keys(written("d.jsonl", b"{"))


LINES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(str.encode),
    st.builds(
        lambda value: json.dumps(value).encode(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["id", "text", "marks"]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    ),
)
FILES = st.lists(LINES, max_size=5).map(b"\n".join)


@given(data=FILES, name=st.sampled_from(["x.jsonl", "x.json.gz"]))
@example(data=b"[" * 100_000, name="x.jsonl")
@example(data=b'{"id":"a","text":"b"}\x00', name="x.jsonl")
def test_whatever_a_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    """Random bytes and random JSON either give rows or a UsageFault that names the file, never another error."""
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") and len(data) % 2 else data)
    readers: list[Callable[[], object]] = [
        lambda: list(json_rows(path, Note)),
        lambda: list(csv_rows(path, Cells)),
        lambda: list(tsv_rows(path, HEADER)),
        lambda: json_whole(path, dict[str, list[str]]),
        lambda: first_keys(path),
    ]
    for read in readers:
        try:
            read()
        except UsageFault as fault:
            assert str(path) in str(fault)
