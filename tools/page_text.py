"""From bytes to plain text: PDF, JSON, written text and, in ``tools.page_html``, HTML. Blocking, in a child process.

``tools.parse_child`` calls this behind limits; ``tools.parse`` is what the rest of the program talks to. Expected
trouble (empty, encrypted, binary, no text) raises ``EffectFailed`` with a sentence; a library that breaks in another
way takes the child down, which the parent reports.
"""

from __future__ import annotations

import codecs
import re
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec

from research.clean import clean_text
from research.errors import EffectFailed
from research.injection import hidden_in
from research.ports import Parsed
from tools.page_html import read_html

LONGEST_TEXT = 20_000_000
"""Code points: a longer text is refused whole, because half a document would be cited as if it were all of it."""

MOST_PAGES = 10_000
"""Of one PDF; a file of a few bytes can claim any number."""

WRITTEN = frozenset({"text/plain", "text/markdown", "text/x-rst", "application/json"})
HTML = frozenset({"text/html", "application/xhtml+xml"})
PDF = "application/pdf"
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins the same
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_FIELD = re.compile(r"([A-Za-z][\w-]*):(?:\s+(.*))?")
_RULE = re.compile(r"([=\-~^*#\"+])\1{2,}\s*")
_DATES = ("%Y-%m-%d", "%d-%b-%Y", "%d-%B-%Y", "%d %B %Y", "%Y/%m/%d")


def read(data: bytes, media: str, name: str) -> Parsed:
    """Return the text of ``data``; ``media`` is a MIME type with parameters, ``name`` is for messages."""
    kind = media.partition(";")[0].strip().lower()
    if not data.strip():
        raise EffectFailed(f"{name} is empty")
    if kind == PDF or data.startswith(b"%PDF-"):
        found = read_pdf(data, name)
    elif kind in HTML:
        found = read_html(decode(data, media, name, html=True), name)
    elif kind in WRITTEN:
        found = read_written(decode(data, media, name), kind)
    else:
        raise EffectFailed(f"{name} is {kind or 'of no known type'}, which is not read")
    text, hidden = tidy(found.text), hidden_in(f"{found.title}\n{found.text}")
    if not text:
        raise EffectFailed(f"{name} has no readable text")
    if len(text) > LONGEST_TEXT:
        raise EffectFailed(f"{name} is too long: {len(text):,} characters, {LONGEST_TEXT:,} at most")
    return msgspec.structs.replace(
        found,
        text=text,
        title=" ".join(clean_text(found.title).split())[:300],
        author=" ".join(clean_text(found.author).split())[:300],
        pages=found.pages if text == found.text else (),
        hidden=hidden,
    )


def tidy(text: str) -> str:
    """Return clean text without trailing spaces and with at most two blank lines in a row."""
    text = re.sub(r"(?<![^\S\n])[^\S\n]++$", "", clean_text(text.replace("\f", "\n")), flags=re.MULTILINE)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n")


def decode(data: bytes, media: str, name: str, *, html: bool = False) -> str:
    """Return the bytes as text: byte order mark, declared charset, UTF-8, then Windows-1252, in that order."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _written(data[len(mark) :].decode(encoding, "replace"), name)
    said = _CHARSET.search(media) or (_CHARSET.search(data[:2048].decode("latin-1")) if html else None)
    for charset in (said.group(1) if said else "", "utf-8"):
        try:
            if charset:
                return _written(data.decode(_encoding(charset)), name)
        except (UnicodeError, LookupError):
            continue
    return _written(data.decode("cp1252", "replace"), name)


def _encoding(charset: str) -> str:
    """Return Python's name of a charset; Latin-1 and ASCII mean Windows-1252 on the web (WHATWG Encoding Standard)."""
    name = codecs.lookup(charset).name
    return "cp1252" if name in ("iso8859-1", "ascii") else name


def _written(text: str, name: str) -> str:
    if len(_CONTROL.findall(text)) > 0.02 * len(text):
        raise EffectFailed(f"{name} is binary, not text")
    return text


def read_written(text: str, kind: str) -> Parsed:
    """Return written text as it is, with title and date from its header fields or its first heading."""
    lines = text.splitlines()[:60]
    title, published, author = _header(lines)
    return Parsed(text=text, title=title or _heading(lines, kind), published=published, author=author)


def _header(lines: list[str]) -> tuple[str, str, str]:
    """Return title, date and author of a block of ``Field: value`` lines at the top: front matter, RFC 822 preamble."""
    fenced = bool(lines) and lines[0].strip() == "---"
    fields: dict[str, str] = {}
    for line in lines[1:] if fenced else lines:
        field = _FIELD.fullmatch(line.rstrip())
        if field:
            fields.setdefault(field.group(1).lower(), (field.group(2) or "").strip("\"' "))
        elif line.strip() in ("", "---", "...") or not (fenced or line[:1] == " "):
            break
    if not fields.get("title"):
        return "", "", ""
    dated = iso_date(fields.get("date") or fields.get("created") or fields.get("published") or "")
    return fields["title"], dated, fields.get("author") or fields.get("authors") or ""


def _heading(lines: list[str], kind: str) -> str:
    if kind == "text/markdown":
        return next((line.lstrip("# ").strip() for line in lines if line.startswith("# ")), "")
    if kind == "text/x-rst":
        for above, line in pairwise(lines):
            if above.strip() and _RULE.fullmatch(line) and not _RULE.fullmatch(above):
                return above.strip()
    return ""


def iso_date(text: str) -> str:
    """Return ``YYYY-MM-DD``, or an empty string when ``text`` is not a date in a form that is known."""
    for shape in _DATES:
        try:
            return datetime.strptime(text.strip(), shape).date().isoformat()
        except ValueError:
            continue
    return text[:10] if re.match(r"\d{4}-\d\d-\d\d[T ]", text) else ""


def read_pdf(data: bytes, name: str) -> Parsed:
    """Return the text of a PDF, pages parted by a blank line, with title, date and author from its metadata.

    ``pages`` says where each page begins; one without text begins where the next does.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise EffectFailed(f"{name} is {'an encrypted PDF' if locked else 'not a readable PDF'}") from None
    try:
        if len(document) > MOST_PAGES:
            raise EffectFailed(f"{name} has {len(document):,} pages, {MOST_PAGES:,} at most are read")
        pages = [tidy(_page(document, number)) for number in range(len(document))]
        facts = {key: _fact(document, key) for key in ("Title", "Author", "CreationDate")}
    except pypdfium2.PdfiumError as error:
        raise EffectFailed(f"{name} is a damaged PDF: {error}") from None
    starts, text = [], ""
    for page in pages:
        starts.append(len(text) + 2 if text else 0)
        text += f"\n\n{page}" if text and page else page
    if not text.strip():
        raise EffectFailed(f"{name} is a PDF without a text layer (a scan)")
    made = re.match(r"D:(\d{4})(\d\d)(\d\d)", facts["CreationDate"])
    return Parsed(
        text=text,
        title=facts["Title"],
        published=iso_date("-".join(made.groups())) if made else "",
        author=facts["Author"],
        pages=tuple(starts),
    )


def _fact(document: Any, key: str) -> str:
    """Return one entry of the metadata; one that is no text (half a character) costs the entry and not the pages."""
    try:
        return str(document.get_metadata_value(key))
    except UnicodeDecodeError:
        return ""


def _page(document: Any, number: int) -> str:
    page = document[number]
    text: str = page.get_textpage().get_text_bounded()
    page.close()
    # PDFium gives U+FFFE where a word was hyphenated at the end of a line
    return re.sub("\ufffe[\r\n]*", "", text).replace("\r\n", "\n").strip()
