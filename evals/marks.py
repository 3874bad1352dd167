"""Citation marks in a line of Markdown: finding them, taking them out, and cutting the rest into sentences.

Which lines are prose is decided in ``evals.markdown``. Every pattern is bounded, so reading takes time linear in the
text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from research.sentences import sentences

LONGEST = 8_000
"""A paragraph of more characters is read in pieces of this size."""
WIDEST = 50
"""A range such as ``[1-3]`` stands for at most so many entries; a wider one is its two ends."""


class Mark(NamedTuple):
    """One citation: the entry of the reference list it names (``1``; ``^1`` for a footnote), a URL, or both."""

    label: str
    url: str = ""


_PLACE = "\ue000"
_URL = r"(?:https?|file)://[^\s<>\"“”‘’`|\\^{}（）【】［］「」『』《》〈〉。，、；：！？…]{1,2000}+"
_NUMBER = r"\d{1,3}"
_SOURCE = r"(?:†[^\[\]【】\n]{0,200})?"
_MARK = re.compile(
    r"(?P<image>!\[[^\[\]\n]{0,300}\]\([^()\s]{0,2000}\))"
    r"|(?P<code>``[^`\n]{1,300}``|`[^`\n]{1,300}`)"
    r"|(?<!\\)\[\^(?P<note>[^\[\]\s^]{1,40})\]"
    r"|(?<!\\)\[(?P<text>(?:[^\[\]\n]|\\[\[\]]|\[[^\[\]\n]{0,100}\]){0,300})\]"
    r"\(\s{0,3}<?(?P<link>[^()\s<>]{1,2000}(?:\([^()\s<>]{0,200}\)[^()\s<>]{0,500}){0,3})>?"
    r"(?:\s{1,3}\"[^\"\n]{0,300}\")?\s{0,3}\)"
    rf"|(?<!\\)[\[【［]\s?(?P<numbers>\^?{_NUMBER}(?::\d{{1,3}}(?=†))?"
    rf"(?:\s?(?:[,，、;；–—~-]|and|和)\s?\^?{_NUMBER}){{0,30}})\s?{_SOURCE}[\]】］]"
    rf"|<sup>\s?\[?(?P<raised>{_NUMBER}(?:\s?[,–-]\s?{_NUMBER}){{0,10}})\]?\s?</sup>"
    rf"|<(?P<auto>{_URL})>"
    rf"|(?P<bare>{_URL})",
    re.IGNORECASE,
)
_NUMERIC = re.compile(rf"\[?\^?({_NUMBER})\]?")
_PAIR = re.compile(rf"(\^?)({_NUMBER})(?:\s?([–—~-])\s?\^?({_NUMBER}))?")
_GROUP = rf"(?:\s{{0,3}}[(（]?(?:{_PLACE}[,;，；、]?\s{{0,2}})+[)）]?)"
_AFTER = re.compile(rf"([.!?。！？…]{{1,9}}[\"'”’»)\]*_」』》]{{0,9}})({_GROUP}{{1,20}})")
_BETWEEN = re.compile(rf"(?<={_PLACE})\s{{0,3}}[,;，；、]\s{{0,3}}(?={_PLACE})")
_EMPHASIS = re.compile(r"(?<!\\)(?:\*{1,3}|~~|(?<![^\W_])_{1,3}(?=\w)|(?<=\w)_{1,3}(?![^\W_]))")
_EMPTY = re.compile(r"[(（\[]\s{0,9}[,;，；、\s]{0,9}[)）\]]")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_WORD = re.compile(r"\w")
_SPACE = re.compile(r"\s{2,}|\s+(?=[.,;:!?，。；：！？、](?:\s|$))")


def cut(paragraph: str) -> Iterator[tuple[str, tuple[Mark, ...]]]:
    """Yield the sentences of one paragraph: the text as shown, without marks, and the marks it carries.

    A mark right after a full stop belongs to the sentence before it. Words of a link stay in the text, but for those of
    a link in parentheses, which is a citation and nothing else.
    """
    for start in range(0, len(paragraph), LONGEST):
        yield from _cut(paragraph[start : start + LONGEST])


def links(text: str) -> list[tuple[str, str]]:
    """Return ``(words, URL)`` of every link and bare URL of ``text``; words are "" for a bare one."""
    found: list[tuple[str, str]] = []
    for match in _MARK.finditer(text):
        if (link := match["link"]) and _web(link):
            found.append((shown(match["text"]), html.unescape(link)))
        elif bare := match["auto"] or match["bare"]:
            found.append(("", tidy(bare)))
    return found


def tidy(url: str) -> str:
    """Return a bare URL without the punctuation of the sentence around it."""
    return html.unescape(_trimmed(url))


def _trimmed(url: str) -> str:
    url = url.rstrip(".,;:!?'*_~]")
    while url.endswith(")") and url.count(")") > url.count("("):
        url = url[:-1].rstrip(".,;:!?'*_~]")
    return url


def shown(text: str) -> str:
    """Return Markdown text as a reader sees it: no emphasis, tags or escapes, single spaces."""
    text = _TAG.sub(" ", _EMPHASIS.sub("", _EMPTY.sub("", text)))
    return _SPACE.sub(lambda match: " " if match.group().strip() == "" and len(match.group()) > 1 else "", _plain(text))


def _plain(text: str) -> str:
    return " ".join(html.unescape(_ESCAPE.sub(r"\1", text.replace("`", ""))).split())


def _web(target: str) -> bool:
    return target.lower().startswith(("http://", "https://", "file://"))


def _cut(piece: str) -> Iterator[tuple[str, tuple[Mark, ...]]]:
    groups: list[tuple[Mark, ...]] = []
    text = _AFTER.sub(_before_stop, _BETWEEN.sub("", _taken(piece, groups)))
    text = " ".join(_EMPHASIS.sub("", text).split())
    at = 0
    pending: tuple[str, tuple[Mark, ...]] | None = None
    for span in sentences(text):
        raw = text[span.start : span.end]
        count = raw.count(_PLACE)
        marks = tuple(mark for group in groups[at : at + count] for mark in group)
        at += count
        words = shown(raw.replace(_PLACE, ""))
        if span.kind not in ("marker", "rule") and _WORD.search(words):
            if pending is not None:
                yield pending
            pending = words, marks
        elif pending is not None and marks:
            pending = pending[0], pending[1] + marks
    if pending is not None:
        yield pending[0], tuple(dict.fromkeys(pending[1]))


def _before_stop(match: re.Match[str]) -> str:
    """Put marks that follow a full stop before it, and keep a space for the next sentence."""
    return f"{_PLACE * match[2].count(_PLACE)}{match[1]} "


def _taken(piece: str, groups: list[tuple[Mark, ...]]) -> str:
    """Return ``piece`` with a place for each group of marks, and add the groups to ``groups``."""

    def take(match: re.Match[str]) -> str:
        marks, words = _read(match)
        if not marks:
            return words
        groups.append(marks)
        if bare := match["bare"]:
            return _PLACE + bare[len(_trimmed(bare)) :]
        alone = piece[match.start() - 1 : match.start()] in ("(", "（") or piece[match.end() :][:1] in (")", "）")
        return _PLACE if alone else words + _PLACE

    return _MARK.sub(take, piece.replace(_PLACE, ""))


def _read(match: re.Match[str]) -> tuple[tuple[Mark, ...], str]:
    """Return the marks that a match stands for, and the words that stay in the text."""
    if match["image"] or match["code"]:
        return (), match["code"] or ""
    if note := match["note"]:
        return (Mark(f"^{note}"),), ""
    if match["link"]:
        return _linked(match["text"], match["link"])
    if numbers := match["numbers"] or match["raised"]:
        return tuple(_numbered(numbers)), ""
    return (Mark("", tidy(match["auto"] or match["bare"])),), ""


def _linked(text: str, link: str) -> tuple[tuple[Mark, ...], str]:
    number = _NUMERIC.fullmatch(text.strip().replace("\\", ""))
    url = html.unescape(link) if _web(link) else ""
    if number is not None:
        return (Mark(number[1], url),), ""
    return ((Mark("", url),), text) if url else ((), text)


def _numbered(numbers: str) -> Iterator[Mark]:
    for match in _PAIR.finditer(numbers.split(":")[0]):
        first, last = int(match[2]), int(match[4] or match[2])
        between = range(first, last + 1) if 0 <= last - first < WIDEST else (first, last)
        yield from (Mark(f"{match[1]}{number}") for number in between)
