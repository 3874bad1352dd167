"""From bytes to plain text: HTML, PDF, JSON and written text. Blocking, and only ever run in a child process.

``tools.parse_child`` calls this behind limits; ``tools.parse`` is what the rest of the program talks to. Expected
trouble (empty, encrypted, binary, no text) raises ``EffectFailed`` with a sentence; a library that breaks in another
way takes the child down, which the parent reports.
"""

from __future__ import annotations

import codecs
import re
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from research.clean import clean_text
from research.errors import EffectFailed
from research.ports import Parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_TEXT = 20_000_000
"""Code points: a longer text is refused whole, because half a document would be cited as if it were all of it."""

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
LINE = "\u2029"  # marks where a line ends until the white space around it is collapsed


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
    text = tidy(found.text)
    if not text:
        raise EffectFailed(f"{name} has no readable text")
    if len(text) > LONGEST_TEXT:
        raise EffectFailed(f"{name} is too long: {len(text):,} characters, {LONGEST_TEXT:,} at most")
    return Parsed(text=text, title=" ".join(clean_text(found.title).split())[:300], published=found.published)


def tidy(text: str) -> str:
    """Return clean text without trailing spaces and with at most two blank lines in a row."""
    text = re.sub(r"[^\S\n]+$", "", clean_text(text.replace("\f", "\n")), flags=re.MULTILINE)
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
    title, published = _header(lines)
    return Parsed(text=text, title=title or _heading(lines, kind), published=published)


def _header(lines: list[str]) -> tuple[str, str]:
    """Return title and date of a block of ``Field: value`` lines at the top (front matter, RFC 822 preamble)."""
    fenced = bool(lines) and lines[0].strip() == "---"
    fields: dict[str, str] = {}
    for line in lines[1:] if fenced else lines:
        field = _FIELD.fullmatch(line.rstrip())
        if field:
            fields.setdefault(field.group(1).lower(), (field.group(2) or "").strip("\"' "))
        elif line.strip() in ("", "---", "...") or not (fenced or line[:1] == " "):
            break
    if not fields.get("title"):
        return "", ""
    return fields["title"], iso_date(fields.get("date") or fields.get("created") or fields.get("published") or "")


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
    """Return the text of a PDF, pages parted by a blank line, with title and date from its metadata."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise EffectFailed(f"{name} is {'an encrypted PDF' if locked else 'not a readable PDF'}") from None
    try:
        pages = [_page(document, number) for number in range(len(document))]
        facts = document.get_metadata_dict()
    except pypdfium2.PdfiumError as error:
        raise EffectFailed(f"{name} is a damaged PDF: {error}") from None
    text = "\n\n".join(page for page in pages if page)
    if not text.strip():
        raise EffectFailed(f"{name} is a PDF without a text layer (a scan)")
    made = re.match(r"D:(\d{4})(\d\d)(\d\d)", facts.get("CreationDate", ""))
    return Parsed(text=text, title=facts.get("Title", ""), published=iso_date("-".join(made.groups())) if made else "")


def _page(document: Any, number: int) -> str:
    page = document[number]
    text: str = page.get_textpage().get_text_bounded()
    page.close()
    # PDFium gives U+FFFE where a word was hyphenated at the end of a line
    return re.sub("\ufffe[\r\n]*", "", text).replace("\r\n", "\n").strip()


def read_html(page: str, name: str) -> Parsed:
    """Return the main text of a page, one blank line between its blocks; all of its text when no main text is found."""
    import lxml.html
    from trafilatura import bare_extraction

    bare = re.sub(r"^\s*<\?xml[^>]*>", "", page)  # lxml refuses a str that declares an encoding
    try:
        tree = lxml.html.document_fromstring(bare, parser=lxml.html.HTMLParser(remove_comments=True, remove_pis=True))
    except lxml.etree.ParserError:
        raise EffectFailed(f"{name} has no readable text") from None
    title = _title(tree)
    _mark_listings(tree)
    found: Any = bare_extraction(
        tree,
        favor_recall=True,
        include_comments=False,
        include_tables=True,
        with_metadata=True,
        output_format="xml",  # leaves the body a tree
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    if found is None or found.body is None:
        return Parsed(text=_everything(tree), title=title)
    dumped = len(found.body) == 1 and len(found.body[0]) == 0  # no main text was found: all of it in one paragraph
    text = "" if dumped else "\n\n".join(_blocks(found.body))
    return Parsed(text=text or _everything(tree), title=title or found.title or "", published=found.date or "")


def _mark_listings(tree: Any) -> None:
    """Give every ``<pre>`` the ``<code>`` by which Trafilatura tells a listing from a quotation."""
    for listing in tree.xpath("//pre[not(.//code)]"):
        text = listing.text_content()
        for child in list(listing):
            listing.remove(child)
        listing.text = None
        code = listing.makeelement("code")
        code.text = text
        listing.append(code)


def _title(tree: Any) -> str:
    for path in ("//meta[@property='og:title']/@content", "//head/title/text()", "//h1//text()"):
        found = " ".join(" ".join(tree.xpath(path)[:20]).split())
        if found:
            return found
    return ""


_BLOCK = frozenset({"body", "div", "section", "p", "head", "list", "item", "quote", "table", "row"})


def _blocks(element: Any) -> Iterator[str]:
    """Yield the blocks of Trafilatura's tree, white space collapsed except in listings."""
    inline = [element.text or ""]
    for child in element:
        listing = child.tag == "code" and element.tag != "p" and "\n" in "".join(child.itertext())
        if child.tag in _BLOCK or listing:
            yield from _flush(inline)
            yield from ("".join(child.itertext()).strip("\n"),) if listing else _block(child)
            inline = [child.tail or ""]
        elif child.tag == "lb":
            inline += [LINE, child.tail or ""]
        else:
            inline += ["".join(child.itertext()), child.tail or ""]
    yield from _flush(inline)


def _block(element: Any) -> Iterator[str]:
    if element.tag == "list":
        items = ["\n".join(_blocks(item)) for item in element]
        yield "\n".join(f"- {item}" for item in items if item)
    elif element.tag == "table":
        rows = [" | ".join(" ".join("".join(cell.itertext()).split()) for cell in row) for row in element]
        yield "\n".join(row for row in rows if row.strip(" |"))
    else:
        yield from _blocks(element)


def _flush(inline: list[str]) -> Iterator[str]:
    lines = (" ".join(line.split()) for line in "".join(inline).split(LINE))
    text = "\n".join(line for line in lines if line)
    if text:
        yield text


def _everything(tree: Any) -> str:
    """Return every text a reader would see, one block a line."""
    for silent in tree.xpath(".//script|.//style|.//noscript|.//template|.//head"):
        silent.drop_tree()
    for block in tree.xpath("//p|//br|//div|//li|//tr|//h1|//h2|//h3|//h4|//h5|//h6|//td|//pre|//section|//blockquote"):
        block.tail = LINE + (block.tail or "")
        block.text = LINE + (block.text or "")
    return "\n".join(_flush([tree.text_content()]))
