"""From a file's bytes to its passages: decoded or parsed, kept in the library, titled and cut.

Which files there are is decided in ``tools.folder_files``; storing and embedding the passages in ``tools.indexing``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from research.chunks import chunk, title_of
from research.clean import clean_text
from research.errors import EffectFailed
from research.ports import Library, Page, Parsed, Parser
from research.records import Label
from tools.corpus_rows import PassageRow
from tools.folder_files import PARSED, Found, decoded

LONGEST_TITLE = 300


class DocumentReader:
    """Reads the files of one index; their texts get ``label`` in the library."""

    def __init__(self, parser: Parser, library: Library, label: Label) -> None:
        self._parser = parser
        self._library = library
        self._label: Label = label

    async def passages(self, file: Found, data: bytes) -> list[PassageRow]:
        """Return the passages of a file, at least one; raises ``EffectFailed`` with the reason when it has no text.

        What is cut is the text that the library holds, because its offsets are the ones that count.
        """
        parsed = await self._parsed(file, data)
        cleaned = clean_text(parsed.text)
        if not cleaned.strip():
            raise EffectFailed("no text in it")
        title = clean_text(parsed.title).strip() or title_of(cleaned, file.media, Path(file.name).stem)
        page = Page(
            url=Path(file.path).as_uri(),
            title=" ".join(title.split())[:LONGEST_TITLE],
            text=cleaned,
            media=file.media,
            published=parsed.published,
            author=parsed.author,
            pages=parsed.pages if cleaned == parsed.text else (),
        )
        source = await self._library.keep(page, self._label)
        return passages_of(source.id, await self._library.text(source.id), page.title, file.media)

    async def _parsed(self, file: Found, data: bytes) -> Parsed:
        if file.media in PARSED:
            return await self._parser.parse(data, file.media, name=file.name)
        return Parsed(text=decoded(data))


def passages_of(source: str, text: str, title: str, media: str) -> list[PassageRow]:
    """Cut a stored text that is not blank into its passages, at least one."""
    parts = chunk(text, media)
    # The opening stands under the title: who asks for a document by name is shown what says what it is.
    opening = " > ".join(dict.fromkeys(name for name in (title, parts[0].heading) if name))
    headings = [opening, *(part.heading for part in parts[1:])]
    return [
        _row(source, text[part.start : part.end], part.start, title, heading)
        for part, heading in zip(parts, headings, strict=True)
    ]


def _row(source: str, text: str, start: int, title: str, heading: str) -> PassageRow:
    row = PassageRow(
        source=source, start=start, end=start + len(text), title=title, heading=heading, text=text, vector=""
    )
    digest = hashlib.sha256(embedded_text(row).encode()).hexdigest()
    return msgspec.structs.replace(row, vector=digest)


def embedded_text(row: PassageRow) -> str:
    """Return what is embedded for a passage: its title and headings, which it often does not repeat, and its text."""
    return "\n".join(dict.fromkeys(part for part in (row.title, row.heading, row.text) if part))
