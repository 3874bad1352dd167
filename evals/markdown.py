"""A report in Markdown, read as its readers do: body sentences with their citation marks, and the list of references.

English and Chinese. Not claims, and so not sentences: headings (a line that is wholly bold is one), code blocks,
images, the head of a table, the reference list, and the sections in which this project's own reports tell how they
were made. A row of a table is one sentence, for it states figures. Any text can be read; none raises. Marks within a
line are the matter of ``evals.marks``; what is measured on all this, of ``evals.scorers.reports``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

from evals.marks import Mark, cut, links, shown

Kind = Literal["prose", "item", "row"]


class BodySentence(NamedTuple):
    """A sentence as shown, its marks in order (each once), and the heading above it."""

    text: str
    marks: tuple[Mark, ...]
    heading: str
    kind: Kind


class Reference(NamedTuple):
    """An entry of the reference list. ``label`` is its number, "" for a bullet; ``note``: it is a footnote."""

    label: str
    title: str
    url: str
    note: bool = False


class Parsed(NamedTuple):
    """A report as parsed. Labels of footnotes begin with ``^``, so they never meet the numbers of a list."""

    sentences: tuple[BodySentence, ...]
    references: tuple[Reference, ...]

    def listed(self) -> tuple[Reference, ...]:
        """Return the list of sources: the entries of a list where there is one, and the footnotes otherwise."""
        return tuple(entry for entry in self.references if not entry.note) or self.references

    def resolves(self, mark: Mark) -> bool:
        """Return whether the mark has a URL or names an entry that says something."""
        named = (entry for entry in self.references if entry.label == mark.label)
        return bool(mark.url) or any(entry.url or entry.title for entry in named)


HARD_WRAP = 120
"""Lines are one paragraph, as in CommonMark, only if none of the text's lines is longer; else each is its own."""
MADE = frozenset({"what could not be found", "what was skipped and why", "how this was made"})
UNSUPPORTED_NOTE = " *(not supported by its quotes)*"
SHORTEST_REPEAT = 12
"""A sentence of fewer characters may stand in the prompt by chance."""
BOLD = 7
"""The level of a heading that is a bold line or a line such as ``Sources:``; those of ATX headings are 1 to 6."""

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_QUOTE = re.compile(r"\s{0,3}(?:>\s?){1,20}")
_ATX = re.compile(r"\s{0,3}(#{1,6})\s+(\S.*)$")
_RULE = re.compile(r"\s{0,3}(?:[-*_=]\s{0,3}){3,200}$")
_SETEXT = re.compile(r"\s{0,3}={3,}\s*$")
_BOLD = re.compile(r"\s{0,3}(\*\*|__)([^*_\n]{1,150})\1\s*[:：]?\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•‣]|\(?\d{1,3}[.)、．])\s+(?=\S)")
_DELIMITER = re.compile(r"[|\s:-]{3,}$")
_NOTE = re.compile(r"\s{0,3}\[\^([^\[\]\s^]{1,40})\]:\s*(.*)$")
_DEFINITION = re.compile(r"\s{0,3}\[(\d{1,3})\]:\s*(.*)$")
_BRACKETED = re.compile(r"\s*(?:[-*+•]\s+)?[\[【［]\^?(\d{1,3})[\]】］][.:：]?(?!\()\s*(.*)$")
_NUMBERED = re.compile(r"\s*(?:[-*+•]\s+)?(?:\*\*)?(\d{1,3})[.)、．:：]\s*(.*)$")
_LINKED = re.compile(r"\s*(?:[-*+•]\s+)?\[(\d{1,3})\]\(.*$")
_SEVERAL = re.compile(r"\s+\|\s+(?=\[\d{1,3}\])")
_ORDINAL = re.compile(
    r"^[#\s]*(?:[\dIVX]{1,5}(?:[.)、．]\d{0,2}){1,3}|[一二三四五六七八九十]{1,3}[、.．])\s*(?=\S)|^[#\s]+"
)
_REFERENCES = re.compile(
    r"(?:(?:key|main|primary|selected|full|list of|web|all|numbered|cited|further) )?"
    r"(?:sources|references|bibliography|works cited|citations|footnotes|endnotes|reference list)"
    r"(?: (?:list|cited|used|consulted)| (?:and|&) (?:sources|references|links|citations|notes|further reading))?"
    r"|(?:主要|相关|部分|全部|核心)?(?:参考|參考|资料|資料|信息|引用|引文|数据|文献)?(?:来源|來源|文献|文獻|资料|資料|链接)"
    r"(?:列表|汇总|清单|(?:与|及|和).{1,6})?|参考|引用|引文",
    re.IGNORECASE,
)
_PUNCTUATION = re.compile(r"[\W_]+")
_CJK = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


def parse(text: str) -> Parsed:
    """Return the sentences and references of a report."""
    reader = _Reader()
    lines = list(_lines(text))
    wrapped = max(map(len, lines), default=0) <= HARD_WRAP
    for at, line in enumerate(lines):
        reader.read(line, lines[at + 1] if at + 1 < len(lines) else "")
        if not wrapped:
            reader.flush()
    reader.flush()
    return Parsed(tuple(reader.sentences), tuple(_filled(reader.references)))


def _lines(text: str) -> Iterator[str]:
    """Yield the lines outside code blocks, without the signs of a block quote."""
    fence = ""
    for raw in text.replace(UNSUPPORTED_NOTE, "").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        quoted = _QUOTE.match(raw)
        line = raw[quoted.end() :] if quoted else raw
        opening = _FENCE.match(line)
        if fence:
            if opening and opening[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            yield ""
        elif opening:
            fence = opening[1]
            yield ""
        else:
            yield "" if line.lstrip().startswith("<!--") and line.rstrip().endswith("-->") else line


@lru_cache(maxsize=4)
def own_words(text: str, prompt: str) -> Parsed:
    """Parse a report and leave out the sentences that repeat the prompt, which many reports open with."""
    report, asked = parse(text), _bare(prompt)
    return report._replace(sentences=tuple(said for said in report.sentences if not _repeats(_bare(said.text), asked)))


def _bare(text: str) -> str:
    return _PUNCTUATION.sub(" ", text.casefold()).strip()


def _repeats(said: str, asked: str) -> bool:
    return len(said) >= SHORTEST_REPEAT and said in asked


class _Reader:
    """Sorts lines into paragraphs, rows and references; knows the section it is in."""

    def __init__(self) -> None:
        self.sentences: list[BodySentence] = []
        self.references: list[Reference] = []
        self.heading = ""
        self.listing = 0  # the level of the reference section's heading, 0 outside
        self.made = False
        self.open = False  # whether the next line may go on with the last reference
        self.buffer: list[str] = []
        self.kind: Kind = "prose"

    def read(self, line: str, following: str) -> None:
        """Take the next line; ``following`` is the one after it."""
        if not line.strip():
            self.flush()
            self.open = False
        elif heading := _heading(line, following):
            self._enter(*heading)
        elif not (_RULE.match(line) or self._refers(line) or self.made):
            self._say(line, following)

    def _enter(self, level: int, title: str) -> None:
        self.flush()
        self.open = False
        titled = shown(title)
        name = _ORDINAL.sub("", titled, count=1).strip(" :：*#").lower()
        if level < BOLD:
            self.heading = titled
            self.made = name in MADE
        if len(name) <= 40 and _REFERENCES.fullmatch(name):
            self.listing = level
        elif self.listing and level <= self.listing:
            self.listing = 0

    def _refers(self, line: str) -> bool:
        """Take the line if it belongs to the reference list; say whether it does."""
        entries = _entries(line, bool(self.listing))
        if entries:
            self.flush()
            self.references += entries
            self.open = True
            return True
        if self.open and (self.listing or line.startswith(("  ", "\t", "http://", "https://"))):
            self.references[-1] = _joined(self.references[-1], line)
            return True
        return bool(self.listing)

    def _say(self, line: str, following: str) -> None:
        if _is_row(line):
            self.flush()
            if not _DELIMITER.match(line) and not _DELIMITER.match(following or "x"):
                self._add([cell for cell in line.strip().strip("|").split("|") if cell.strip()], "row")
            return
        item = _ITEM.match(line)
        if item is not None:
            self.flush()
            self.kind, line = "item", line[item.end() :]
        self.buffer.append(line)

    def flush(self) -> None:
        """End the paragraph."""
        if self.buffer:
            self._add([_flowed(self.buffer)], self.kind)
        self.buffer, self.kind = [], "prose"

    def _add(self, parts: Sequence[str], kind: Kind) -> None:
        said = [sentence for part in parts for sentence in cut(part)]
        if kind == "row" and said:
            marks = tuple(dict.fromkeys(mark for _, found in said for mark in found))
            said = [(" | ".join(words for words, _ in said), marks)]
        self.sentences += [BodySentence(words, marks, self.heading, kind) for words, marks in said]


def _heading(line: str, following: str) -> tuple[int, str] | None:
    """Return level and title of a heading, or ``None``."""
    if (atx := _ATX.match(line)) is not None:
        return len(atx[1]), atx[2].rstrip("# \t")
    if _SETEXT.match(following) and len(line) <= 150 and not _is_row(line):
        return 1, line
    if (bold := _BOLD.match(line)) is not None and bold[2].rstrip()[-1:] not in tuple(".!?。！？"):
        return BOLD, bold[2]
    bare = line.strip()
    if len(bare) <= 40 and bare.endswith((":", "：")) and _REFERENCES.fullmatch(bare.rstrip(":： ").lower()):
        return BOLD, bare
    return None


def _is_row(line: str) -> bool:
    bare = line.strip()
    return bare.startswith("|") and bare.count("|") >= 2


def _entries(line: str, listing: bool) -> list[Reference]:
    """Return the entries of the reference list that the line holds: none for a line of the body."""
    if (note := _NOTE.match(line)) is not None:
        return [_reference(f"^{note[1]}", note[2], note=True)]
    if (definition := _DEFINITION.match(line)) is not None and (listing or links(definition[2])):
        return [_reference(definition[1], definition[2])]
    found: list[Reference] = []
    for part in _SEVERAL.split(line) if len(line) < 20_000 else [line]:
        numbered = _BRACKETED.match(part) or (_NUMBERED.match(part) if listing else None)
        if numbered is not None and (listing or links(numbered[2])):
            found.append(_reference(numbered[1], numbered[2]))
        elif listing and (linked := _LINKED.match(part)) is not None:
            found.append(_reference(linked[1], part))
        elif listing and (item := _ITEM.match(part)) is not None and links(part):
            found.append(_reference("", part[item.end() :]))
    return found


def _reference(label: str, rest: str, note: bool = False) -> Reference:
    found = links(rest)
    url = found[0][1] if found else ""
    title = next((words for words, _ in found if words and not words.isdigit()), "")
    if not title:
        before = rest.split("http", 1)[0] if url else rest
        title = shown(before).strip(" -:：–—|").rstrip("<([ ")
    return Reference(label, title, url, note)


def _joined(entry: Reference, line: str) -> Reference:
    more = _reference(entry.label, line.strip(), entry.note)
    return entry._replace(url=entry.url or more.url, title=entry.title or more.title)


def _filled(references: Sequence[Reference]) -> Iterator[Reference]:
    """Leave out the entries that say nothing."""
    return (entry for entry in references if entry.url or entry.title)


def _flowed(lines: Sequence[str]) -> str:
    """Join the lines of a paragraph: with a space, or with nothing between two Chinese characters."""
    text = lines[0].strip()
    parts = [text]
    for before, line in pairwise(lines):
        tight = _CJK.match(before.strip()[-1:]) and _CJK.match(line.strip()[:1])
        parts.append(("" if tight else " ") + line.strip())
    return "".join(parts)
