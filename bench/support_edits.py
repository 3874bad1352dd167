"""Changes one thing in a sentence that stands in a text, and counts how often the support check notices.

``python -m bench.support_edits FILE_OR_FOLDER … [--sentences N] [--seed N]`` draws sentences of text, Markdown and
reStructuredText files (also in a ``.tar.gz``), makes each of the edits below that it allows, and checks the edited
sentence against the paragraph that the original stands in. The last rows are unedited: as it stands, reordered and in
other words, to see how often something is called unsupported that is not.

What an edit puts in place of a number or name is drawn, by turns, from the same paragraph and from elsewhere, so that
it is not enough to look whether it is there.
"""

from __future__ import annotations

import argparse
import random
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from research.analysts.support import support
from research.analysts.wording import tidy
from research.sentences import sentences
from research.words import DATE, raw_words

KINDS = (".rst", ".md", ".txt")
_YEAR = "January February March April May June July August September October November December"
_MONTHS = tuple(_YEAR.split())
_FIGURE = re.compile(r"(?<![\w.,\-])\d+(?:\.\d+)?(?![\w,\-]|\.\d)")
_VERB = re.compile(r"\b(is|are|was|were|can|will|should|must|does|did|has been|have been)\b(?! (?:not|no|n't))")
_DENIED = re.compile(r"\b(is|are|was|were|can|will|should|must|does|did|has|have) not ", re.IGNORECASE)
_NAMED = re.compile(r"(?<![.!?:] )(?<!^)\b[A-Z][a-z]+(?: [A-Z][a-z]+)+\b")
_NAMES = ("Edda Varnholt", "Tobin Ashgrove", "Pia Lindqvar", "Caspar Wendel")
"""Invented people, for a name that no text has."""


class Place(NamedTuple):
    """A sentence and the paragraph that it stands in."""

    sentence: str
    paragraph: str


Edit: TypeAlias = Callable[[Place, random.Random], str]


def places(texts: Sequence[str]) -> Iterator[Place]:
    """Yield the sentences of running text that are 8 to 45 words long and hold no code."""
    for text in texts:
        blocks: dict[int, list[str]] = {}
        for span in sentences(text):
            if span.kind == "prose":
                blocks.setdefault(span.block, []).append(text[span.start : span.end])
        for block in blocks.values():
            for own in block:
                if 8 <= len(raw_words(own)) <= 45 and own[-1] == "." and not re.search(r"[`<>{}=\\|_*]|://", own):
                    yield Place(tidy(own), "\n".join(block))


def texts_of(paths: Sequence[Path]) -> list[str]:
    """Return the texts of files, folders and archives, in order of their names."""
    found: list[str] = []
    for path in paths:
        if path.is_dir():
            found += [one.read_text("utf-8", "replace") for one in sorted(path.rglob("*")) if one.suffix in KINDS]
        elif path.name.endswith(".tar.gz"):
            found += _unpacked(path)
        else:
            found.append(path.read_text("utf-8", "replace"))
    return found


def _unpacked(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        members = sorted((one for one in archive if one.name.endswith(KINDS)), key=lambda one: one.name)
        files = [file for one in members if (file := archive.extractfile(one)) is not None]
        return [file.read().decode("utf-8", "replace") for file in files]


def another_number(place: Place, rng: random.Random) -> str:
    """Put another number in place of one; dates are left to :func:`another_date`."""
    dated = [match.span() for match in DATE.finditer(place.sentence)]
    own = [m for m in _FIGURE.finditer(place.sentence) if not any(a <= m.start() < b for a, b in dated)]
    if not own:
        return ""
    match = rng.choice(own)
    near = [one for one in _FIGURE.findall(place.paragraph) if one not in _FIGURE.findall(place.sentence)]
    drawn = str(int(float(match.group())) + rng.randint(1, 9))
    return _swapped(place.sentence, match.span(), rng.choice(near) if near and rng.random() < 0.5 else drawn)


def another_date(place: Place, rng: random.Random) -> str:
    """Put another year or another month in a date."""
    dates = list(DATE.finditer(place.sentence))
    if not dates:
        return ""
    match = rng.choice(dates)
    months = [month for month in _MONTHS if month in match.group()]
    if months and rng.random() < 0.5:
        changed = match.group().replace(months[0], rng.choice([month for month in _MONTHS if month != months[0]]))
        return _swapped(place.sentence, match.span(), changed)
    year = re.search(r"(?:1[0-9]|20)\d{2}", match.group())
    if year is None:
        return ""
    changed = match.group().replace(year.group(), str(int(year.group()) + rng.choice((-7, -3, -1, 1, 2, 4))))
    return _swapped(place.sentence, match.span(), changed)


def another_name(place: Place, rng: random.Random) -> str:
    """Put another name in place of one of two or more capitalised words within the sentence."""
    own = list(_NAMED.finditer(place.sentence))
    if not own:
        return ""
    match = rng.choice(own)
    near = [
        name for name in _NAMED.findall(place.paragraph) if name not in place.sentence and name not in match.group()
    ]
    return _swapped(
        place.sentence, match.span(), rng.choice(near) if near and rng.random() < 0.5 else rng.choice(_NAMES)
    )


def negated(place: Place, rng: random.Random) -> str:
    """Put *not* after the first verb that takes it."""
    match = _VERB.search(place.sentence)
    return f"{place.sentence[: match.end()]} not{place.sentence[match.end() :]}" if match else ""


def affirmed(place: Place, rng: random.Random) -> str:
    """Take the first *not* away."""
    return (
        _DENIED.sub(lambda match: f"{match.group(1)} ", place.sentence, count=1)
        if _DENIED.search(place.sentence)
        else ""
    )


def as_it_stands(place: Place, rng: random.Random) -> str:
    """Leave the sentence alone."""
    return place.sentence


def reordered(place: Place, rng: random.Random) -> str:
    """Put what stands before the first comma at the end, or leave out what stands in brackets."""
    without = re.sub(r" \([^()]*\)", "", place.sentence)
    if without != place.sentence:
        return without
    first, comma, rest = place.sentence.rstrip(".").partition(", ")
    return f"{rest[0].upper()}{rest[1:]}, {first[0].lower()}{first[1:]}." if comma and len(rest.split()) > 4 else ""


def reworded(place: Place, rng: random.Random) -> str:
    """Say the same with other small words."""
    pairs = {
        "which": "that",
        "also ": "",
        "must": "has to",
        "will be": "is going to be",
        "in order to": "to",
        "use": "employ",
    }
    text = place.sentence
    for one, other in pairs.items():
        text = re.sub(rf"\b{one}\b" if one[-1] != " " else rf"\b{one}", other, text)
    return text if text != place.sentence else ""


EDITS: dict[str, Edit] = {
    "number": another_number,
    "date": another_date,
    "name": another_name,
    "negation added": negated,
    "negation removed": affirmed,
}
UNEDITED: dict[str, Edit] = {"as it stands": as_it_stands, "reordered": reordered, "reworded": reworded}


def _swapped(text: str, span: tuple[int, int], instead: str) -> str:
    return text[: span[0]] + instead + text[span[1] :]


def verdicts(drawn: Sequence[Place], edit: Edit, most: int, rng: random.Random) -> tuple[Counter[str], list[str]]:
    """Return the verdicts on at most so many sentences that an edit can be made in, and those not unsupported."""
    counted: Counter[str] = Counter()
    passed: list[str] = []
    for place in drawn:
        changed = edit(place, rng)
        if not changed or (changed == place.sentence and edit is not as_it_stands):
            continue
        verdict = support(changed, [place.paragraph])
        counted[verdict] += 1
        if (verdict == "unsupported") == (edit in UNEDITED.values()):
            passed.append(f"{verdict}: {changed}\n    {place.sentence}")
        if counted.total() == most:
            break
    return counted, passed


def main() -> None:
    """Edit, check, and print the shares."""
    parser = argparse.ArgumentParser(prog="python -m bench.support_edits", description=__doc__)
    parser.add_argument("data", nargs="+", type=Path, help="files, folders or .tar.gz archives of texts")
    parser.add_argument("--sentences", type=int, default=400, help="sentences to edit, at most, for each edit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, help="how many wrongly judged sentences to print for each edit")
    args = parser.parse_args()
    drawn = list(places(texts_of(args.data)))
    random.Random(args.seed).shuffle(drawn)
    for name, edit in {**EDITS, **UNEDITED}.items():
        counted, passed = verdicts(drawn, edit, args.sentences, random.Random(args.seed))
        total = max(1, counted.total())
        shares = "  ".join(
            f"{verdict} {100 * counted[verdict] / total:5.1f} %" for verdict in ("unsupported", "supported")
        )
        print(f"{name:18}{counted.total():6}  {shares}")
        for line in passed[: args.show]:
            print(f"  {line}")


if __name__ == "__main__":
    main()
