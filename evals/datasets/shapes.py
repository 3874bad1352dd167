"""Which shape a user's folder or file has.

A shape knows whether a path fits it and how to load it; this module tries them in turn and says, when none fits, which
there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.suite import Loaded
from research.errors import UsageFault

SAMPLES = Path(__file__).parents[1] / "samples"
JSON_ENDS = (".jsonl", ".json", ".jsonl.gz", ".json.gz")


@dataclass(frozen=True)
class Shape:
    """One form of data. ``needs`` says what it consists of; ``fits`` may read the first row, and is handed a path."""

    name: str
    needs: str
    fits: Callable[[Path], bool]
    load: Callable[[Path], Loaded]


def load(data: Path, shapes: Sequence[Shape]) -> Loaded:
    """Load a folder or file in the first of the shapes that it fits; raises ``UsageFault`` when it fits none.

    A folder that fits none of them but holds a single JSON or JSONL file stands for that file.
    """
    for path in _candidates(data):
        for shape in shapes:
            if shape.fits(path):
                return shape.load(path)
    known = "; ".join(f"{shape.name} ({shape.needs})" for shape in shapes)
    raise UsageFault(f"{data} has none of the shapes this suite can read. They are: {known}")


def sample(suite: str) -> Path:
    """Return the folder of the sample that is shipped with a suite."""
    return SAMPLES / suite


def json_files(folder: Path) -> list[Path]:
    """Return the JSON and JSONL files of a folder, sorted by name."""
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(JSON_ENDS) and path.is_file())
    except OSError as error:
        raise UsageFault(f"{folder} cannot be read ({error})") from error


def present(folder: Path, *names: str) -> Path | None:
    """Return the first of the named files that a folder holds, plain or gzipped."""
    paths = (folder / f"{name}{end}" for name in names for end in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def is_json(path: Path) -> bool:
    """Tell whether a path is a JSON or JSONL file by its name."""
    return path.is_file() and path.name.endswith(JSON_ENDS)


def _candidates(data: Path) -> list[Path]:
    if not data.exists():
        raise UsageFault(f"{data} does not exist; give --data the folder or file that holds the data")
    if not data.is_dir():
        return [data]
    files = json_files(data)
    return [data, files[0]] if len(files) == 1 else [data]
