"""Rows of JSON, JSONL, TSV and CSV files, typed and with their place in the file.

What the rows mean is for the loaders. A file is UTF-8 (with or without a byte-order mark, with either kind of line
end) and may be gzipped. Whatever is wrong with it raises ``UsageFault`` with file and line. JSONL, TSV and CSV are read
line by line; a JSON array is read as a whole.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Generic, NoReturn, TypeVar

import msgspec

from research.errors import UsageFault
from research.records import counted

MOST_LINE_BYTES = 64 * 1024 * 1024
MOST_FILE_BYTES = 1024 * 1024 * 1024
"""Bounds of one line, and of a JSON file that must be held as a whole; each reader has its own as ``most``."""

Filled = Annotated[str, msgspec.Meta(pattern=r"\S")]
"""A string with something other than white space in it."""

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True)
class Row(Generic[R_co]):
    """A row and where it stands, such as ``queries.jsonl, line 7``."""

    value: R_co
    where: str

    def fault(self, says: str) -> UsageFault:
        """Return the error that says what is wrong with this row."""
        return UsageFault(f"{self.where}: {says}")


class Unique:
    """Remembers which ids were seen, and where; an id that is seen again is a fault."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._seen: dict[str, str] = {}

    def add(self, id: str, row: Row[object]) -> None:
        """Note an id; raises ``UsageFault`` when another row has it."""
        before = self._seen.setdefault(id, row.where)
        if before is not row.where:
            raise row.fault(f'"{self._field}" {id} is taken already ({before})')


def json_rows(path: Path, kind: type[R], most: int | None = None) -> Iterator[Row[R]]:
    """Yield the rows of a JSONL file (``most`` bytes a line) or of a JSON array (``most`` bytes in all) as ``kind``."""
    if is_array(path):
        return _at_least_one(path, _array_rows(path, kind, most or MOST_FILE_BYTES))
    return _at_least_one(path, _line_rows(path, kind, most or MOST_LINE_BYTES))


def json_whole(path: Path, kind: type[R], most: int = MOST_FILE_BYTES) -> R:
    """Return a JSON file that is one value and no more than ``most`` bytes, as ``kind``."""
    text = _text(path, most)
    return _decoded(text, kind, lambda byte: f"{path}, line {_line_of(text, byte)}")


def csv_rows(path: Path, kind: type[R]) -> Iterator[Row[R]]:
    """Yield the rows of a CSV file as ``kind``, whose fields are strings by column; further columns are ignored.

    ``where`` names the line that a row starts on, also when its cells span lines.
    """
    return _at_least_one(path, _csv_rows(path, kind))


def tsv_rows(path: Path, header: Sequence[str]) -> Iterator[Row[tuple[str, ...]]]:
    """Yield the rows below the header line of a TSV file, as many stripped cells as ``header`` has names."""
    return _at_least_one(path, _tsv_rows(path, header))


def first_keys(path: Path) -> frozenset[str]:
    """Return the field names of the first row of a JSON or JSONL file; none when it is not an object."""
    try:
        row = next(json_rows(path, msgspec.Raw))
        return frozenset(msgspec.json.decode(row.value, type=dict[str, msgspec.Raw]))
    except msgspec.ValidationError:
        return frozenset()
    except (msgspec.DecodeError, RecursionError) as error:
        raise row.fault(f"the JSON is malformed ({error})") from error


def is_array(path: Path) -> bool:
    """Tell whether the first thing in a JSON file is ``[``."""
    try:
        with _opened(path) as file:
            return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    except (OSError, EOFError, zlib.error, ValueError) as error:
        _unreadable(path, error)


def whole_number(row: Row[object], field: str, cell: str) -> int:
    """Return a cell as an integer; raises ``UsageFault`` when it is none."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", cell):
        raise row.fault(f'"{field}" is {_shown(cell)}, not an integer')
    return int(cell)


def label_of(row: Row[object], field: str, said: str, known: Mapping[str, T]) -> T:
    """Return what a label stands for; raises ``UsageFault`` that lists the known ones."""
    if said not in known:
        raise row.fault(f'"{field}" is {_shown(said)}; the known labels are {", ".join(known)}')
    return known[said]


def _at_least_one(path: Path, rows: Iterator[Row[R]]) -> Iterator[Row[R]]:
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise UsageFault(f"{path} holds no rows; is the download complete?")


def _line_rows(path: Path, kind: type[R], most: int) -> Iterator[Row[R]]:
    for number, line in _lines(path, most=most):
        where = f"{path}, line {number}"
        yield Row(_decoded(line, kind, lambda byte, where=where: where), where)  # type: ignore[misc]


def _array_rows(path: Path, kind: type[R], most: int) -> Iterator[Row[R]]:
    text = _text(path, most)
    raws = _decoded(text, list[msgspec.Raw], lambda byte: f"{path}, line {_line_of(text, byte)}")
    data, at, line = text.encode(), 0, 1
    for number, raw in enumerate(raws, 1):
        item = bytes(raw)
        start = data.index(item, at)
        line += data.count(b"\n", at, start)
        where = f"{path}, line {line}, item {number}"
        yield Row(_decoded(item.decode(), kind, lambda byte, where=where: where), where)  # type: ignore[misc]
        at = start + len(item)
        line += item.count(b"\n")


def _csv_rows(path: Path, kind: type[R]) -> Iterator[Row[R]]:
    reader = csv.reader((line for _, line in _lines(path, ends=True)), strict=True)
    header: list[str] | None = None
    blank = ""
    while True:
        where = f"{path}, line {reader.line_num + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise UsageFault(f"{where}: the CSV is malformed ({error})") from error
        if cells is None:
            return
        if blank:
            raise UsageFault(f"{blank}: the line is blank, and more rows follow")
        if not cells:
            blank = where
        elif header is None:
            header = _header(path, cells)
        elif len(cells) != len(header):
            raise UsageFault(f"{where}: {counted(len(cells), 'cell')}, but the header has {len(header)}")
        else:
            yield Row(_converted(dict(zip(header, cells, strict=True)), kind, where), where)


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(set(names)) < len(names):
        raise UsageFault(f"{path}, line 1: two columns have the same name ({', '.join(names)})")
    return names


def _tsv_rows(path: Path, header: Sequence[str]) -> Iterator[Row[tuple[str, ...]]]:
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        cells = tuple(cell.strip() for cell in line.split("\t"))
        if number == 1:
            if [cell.lower() for cell in cells] != list(header):
                raise UsageFault(f"{where}: the header should be {', '.join(header)}, separated by tabs")
        elif len(cells) != len(header):
            raise UsageFault(f"{where}: {counted(len(cells), 'cell')}, but the header has {len(header)}")
        elif not all(cells):
            raise UsageFault(f'{where}: "{header[cells.index("")]}" is empty')
        else:
            yield Row(cells, where)


def _lines(path: Path, *, ends: bool = False, most: int = MOST_LINE_BYTES) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers from 1, with their ``ends`` or without; only the last ones may be blank.

    With ``ends`` (CSV, where a blank line can be inside a cell) blank lines are yielded like any other.
    """
    blank = 0
    for number, raw in enumerate(_raw_lines(path, most), 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UsageFault(f"{path}, line {number}: not UTF-8 (byte {error.start + 1} of the line)") from error
        if ends:
            yield number, line
        elif not line.strip():
            blank = blank or number
        elif blank:
            raise UsageFault(f"{path}, line {blank}: the line is blank, and more rows follow")
        else:
            yield number, line.rstrip("\r\n")


def _raw_lines(path: Path, most: int) -> Iterator[bytes]:
    try:
        with _opened(path) as file:
            number = 0
            while raw := file.readline(most + 1):
                number += 1
                if len(raw) > most:
                    raise UsageFault(f"{path}, line {number}: longer than {most:,} bytes")
                yield raw
    except (OSError, EOFError, zlib.error, ValueError) as error:
        _unreadable(path, error)


def _text(path: Path, most: int) -> str:
    try:
        with _opened(path) as file:
            data = file.read(most + 1)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        _unreadable(path, error)
    if len(data) > most:
        raise UsageFault(f"{path} is longer than {most:,} bytes; give it as JSONL, a row a line")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageFault(f"{path}, line {line}: not UTF-8 (byte {error.start + 1} of the file)") from error


def _opened(path: Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacked if it ends in ``.gz``."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _unreadable(path: Path, error: Exception) -> NoReturn:
    if isinstance(error, FileNotFoundError):
        raise UsageFault(f"{path} does not exist") from error
    raise UsageFault(f"{path} cannot be read ({error})") from error


def _decoded(text: str, kind: type[R], where: Callable[[int], str]) -> R:
    """Decode JSON. ``where`` tells the place of a byte offset."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise UsageFault(f"{where(0)}: {_plainly(error)}") from error
    except msgspec.DecodeError as error:
        byte = re.search(r"\(byte (\d+)\)", str(error))
        place = where(int(byte[1]) if byte else len(text.encode()))
        says = re.sub(r"^JSON is malformed: | \(byte \d+\)$", "", str(error))
        raise UsageFault(f"{place}: the JSON is malformed ({says})") from error
    except RecursionError as error:
        raise UsageFault(f"{where(0)}: the JSON is nested too deeply") from error


def _converted(cells: dict[str, str], kind: type[R], where: str) -> R:
    try:
        return msgspec.convert(cells, kind)
    except msgspec.ValidationError as error:
        raise UsageFault(f"{where}: {_plainly(error)}") from error


def _line_of(text: str, byte: int) -> int:
    return text.encode()[:byte].count(b"\n") + 1


def _plainly(error: msgspec.ValidationError) -> str:
    """Say in the words of the data what msgspec says in those of its types."""
    says, _, place = str(error).partition(" - at `$")
    path = place.rstrip("`").lstrip(".")
    if missing := re.fullmatch(r"Object missing required field `(.+)`", says):
        return f'"{path}.{missing[1]}" is missing' if path else f'"{missing[1]}" is missing'
    name = f'"{path}"' if path else "the row"
    if says.startswith("Expected `str` matching regex") or says.endswith("of length >= 1"):
        return f"{name} is empty"
    if wrong := re.fullmatch(r"Expected `(.+)`, got `(.+)`", says):
        return f"{name} should be {wrong[1]}, not {wrong[2]}"
    return f"{name}: {says[:1].lower()}{says[1:]}"


def _shown(text: str) -> str:
    return f'"{text}"' if len(text) <= 40 else f'"{text[:40]}…"'
