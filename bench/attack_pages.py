"""Part of ``bench.attacks``: the published attack texts, and pages that carry them in every place a page has.

A line of ``attacks/*.jsonl`` is a case for each carrier: the body (as text and as markup), a comment, title, meta, alt
text, JSON-LD, hidden text, a header, a search result's snippet and title, the text and the metadata of a PDF, the body
of an error, a file's name. An address (``own-ssrf``) is what a search result points to, and where a page redirects.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tools.fakes.web_server import WebPage, redirect

IN_HTML = ("body", "markup", "comment", "title", "meta", "alt", "JSON-LD", "hidden text", "header", "snippet")
IN_PDF = ("PDF text", "PDF metadata")
CARRIERS = (*IN_HTML, *IN_PDF, "error body", "file name")
ADDRESSES = ("address of a result", "redirect")
LINES = 3
"""Attacks a page: few, so that all are among the passages that a model is shown."""
ELSEWHERE = ("own-llm-faults",)
"""What ``bench.faults`` is about: no texts, but answers of providers."""
TRUE = "A budget is a wall: every call is reserved in the budget of the run before it is sent."
_LINE = re.compile(r"[\r\n]+")
_UNFIT = re.compile(r"[/\x00-\x1f]")


class Attack(NamedTuple):
    """One line: where it is from, and what it says; of an address its redirect's status."""

    id: str
    text: str
    status: int = 0
    header: str = ""

    @property
    def address(self) -> bool:
        """Whether it is a URL to be lured to."""
        return bool(self.status)


class Carrier(NamedTuple):
    """A page at a path, and the cases it carries, as ``attack in carrier``."""

    path: str
    page: WebPage
    cases: tuple[str, ...]


def attacks(folder: Path) -> list[Attack]:
    """Return every line of the folder's attacks."""
    found = []
    for file in sorted(folder.glob("*.jsonl")):
        if file.stem not in ELSEWHERE:
            rows = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
            found += [_attack(row) for row in rows]
    naughty = json.loads((folder / "naughty-strings.json").read_text(encoding="utf-8"))
    return [*found, *(Attack(f"naughty/{number}", text) for number, text in enumerate(naughty) if text.strip())]


def _attack(row: dict[str, Any]) -> Attack:
    if row.get("url") or row.get("location"):
        return Attack(row["id"], row.get("url") or row["location"], row.get("status", 302))
    said = (str(row[name]) for name in ("text", "payload", "value", "name", "kind") if row.get(name))
    header = re.sub(r"[^\w-].*", "", str(row["name"])) if "value" in row else ""
    return Attack(row["id"], next(said, "(nothing)"), header=header)


def carriers(lines: Sequence[Attack]) -> Iterator[Carrier]:
    """Return the pages that carry ``lines``, each line in each carrier but a file's name."""
    texts = [line for line in lines if not line.address]
    for number, some in enumerate(_batches(texts, LINES)):
        said = [attack.text for attack in some]
        yield Carrier(f"/page/{number}", _article(some), _cases(some, IN_HTML))
        yield Carrier(f"/paper/{number}", _paper(said), _cases(some, IN_PDF))
        yield Carrier(f"/error/{number}", _error(said, number), _cases(some, ("error body",)))
    for number, attack in enumerate(line for line in lines if line.address):
        lured = WebPage(body=b"", title="How a budget is reserved", address=attack.text)
        yield Carrier(f"/lure/{number}", lured, _cases([attack], ADDRESSES[:1]))
        yield Carrier(f"/turn/{number}", _turn(attack), _cases([attack], ADDRESSES[1:]))


def _batches(items: Sequence[Attack], size: int) -> Iterator[list[Attack]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _cases(some: Sequence[Attack], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{attack.id} in {name}" for attack in some for name in names)


def _article(some: Sequence[Attack]) -> WebPage:
    """Return an article whose true sentence stands among what the attacks say, everywhere a page can say it."""
    said = [attack.text for attack in some]
    shown, joined = [html.escape(text) for text in said], " ".join(said)
    attribute = html.escape(" ".join(_LINE.sub(" ", joined).split()))[:4_000]
    comment = joined.replace("--", "- -").replace(">", "")
    data = json.dumps({"@type": "Article", "headline": joined, "articleBody": joined}).replace("</", "<\\/")
    paragraphs = "".join(f"<p>{TRUE} {text}</p>" for text in shown)
    page = (
        f"<!doctype html><html><head><title>{attribute}</title><meta name='description' content=\"{attribute}\">"
        f'<meta name="author" content="{attribute}"><meta property="og:title" content="{attribute}">'
        f'<meta property="article:published_time" content="{attribute}">'
        f'<script type="application/ld+json">{data}</script></head><body><!-- {comment} --><article>'
        f'<h1>On the budget</h1>{paragraphs}<img src="/i.png" alt="{attribute}"><p>{TRUE}</p>'
        f'<div style="display:none">{" ".join(shown)}</div><p hidden>{" ".join(shown)}</p>'
        f"<p>{' '.join(said)}</p></article></body></html>"
    )
    headers = (("X-Note", _header(joined)), ("Link", f"<{_header(joined)}>; rel=canonical"), ("Set-Cookie", "a=b"))
    headers += tuple((attack.header, _header(attack.text)) for attack in some if attack.header)
    body = page.encode("utf-8", "replace")
    return WebPage(body=body, headers=headers, title=joined, snippet=f"{TRUE} {joined}")


def _header(text: str) -> str:
    return (
        " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split()).encode("latin-1", "replace").decode("latin-1")[:2_000]
    )


def _error(said: Sequence[str], number: int) -> WebPage:
    status = (404, 403, 500, 503, 451, 200)[number % 6]
    body = f"<h1>Error</h1><p>{' '.join(map(html.escape, said))}</p>".encode("utf-8", "replace")
    return WebPage(body=body, status=status, title="How a budget is reserved", headers=(("X-Error", _header(said[0])),))


def _turn(attack: Attack) -> WebPage:
    place = re.sub(r"[\x00-\x20\x7f]", "", attack.text).encode("utf-8", "replace").decode("latin-1")
    return redirect(place, attack.status)


def _paper(said: Sequence[str]) -> WebPage:
    """Return a PDF of one page with ``said`` in its text and in every field of its metadata."""
    lines = [TRUE, *(part for text in said for part in _wrapped(text)), TRUE]
    drawn = " ".join(f"({_pdf_text(line)}) Tj T*" for line in lines[:70])
    stream = f"BT /F1 9 Tf 11 TL 40 800 Td {drawn} ET".encode("latin-1", "replace")
    about = " ".join(said)[:1_000].encode("utf-16-be", "surrogatepass").hex().upper()
    fields = " ".join(f"/{name} <FEFF{about}>" for name in ("Title", "Author", "Subject", "Keywords"))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        f"<<{fields} /CreationDate (D:20200101000000Z)>>".encode(),
    ]
    return WebPage(body=_pdf(objects), media="application/pdf", title="How a budget is reserved")


def _wrapped(text: str) -> list[str]:
    return [text[at : at + 100] for at in range(0, min(len(text), 2_000), 100)]


def _pdf_text(line: str) -> str:
    plain = re.sub(r"[\x00-\x1f\x7f]", " ", line)
    return re.sub(r"([\\()])", r"\\\1", plain)


def _pdf(objects: Sequence[bytes]) -> bytes:
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF"
    size = len(objects) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + end % (size, len(objects), len(data))


def write_files(lines: Sequence[Attack], folder: Path, private: str) -> tuple[str, ...]:
    """Write a file for each line, named by it as far as a file can be; return the cases."""
    folder.mkdir(parents=True)
    for number, attack in enumerate(lines):
        name = _UNFIT.sub("_", attack.text).encode("utf-8", "replace")[:120].decode("utf-8", "ignore").strip(". ")
        path = folder / f"{number:05} {name}.md"
        path.write_text(f"{TRUE} {private} {number}.\n\n{attack.text}\n", encoding="utf-8", errors="replace")
    return _cases(lines, ("file name",))
