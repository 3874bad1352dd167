"""Folders and archives that are not what they should be, and headers that cannot be read."""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.suite import Loaded, Request
from evals.suites.world import SUITE
from evals.worlds import archives, people, peps
from research.errors import UsageFault

PEP = """PEP: {n}
Title: {title}
Author: {author}
Status: {status}
Type: Process
Created: {day:02}-Jan-2001
{more}

Abstract
========

{body}
"""


def pep(
    n: int, more: str = "", body: str = "Nothing to see.", author: str = "", status: str = "Final", title: str = ""
) -> str:
    """A small PEP."""
    author = author or f"Author Number{'abcdefghij'[n % 10]} <a{n}@example.org>"
    more = more or f"Post-History: {n:02}-Feb-2001"
    return PEP.format(
        n=n, title=title or f"Proposal Number {n}", author=author, status=status, day=n % 28 + 1, more=more, body=body
    )


def folder(path: Path, texts: dict[int, str]) -> Path:
    """A folder of PEPs."""
    path.mkdir(exist_ok=True)
    for n, text in texts.items():
        (path / f"pep-{n:04}.rst").write_text(text, encoding="utf-8")
    return path


def archive(path: Path, members: list[tuple[str, bytes]]) -> Path:
    """A tar.gz of members."""
    with tarfile.open(path, "w:gz") as out:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return path


def load(path: Path, size: int = 40) -> Loaded:
    """The world of a path."""
    return SUITE.load(Request(path, 1, size))


def test_a_folder_and_an_archive_of_it_give_one_world(tmp_path: Path) -> None:
    """Both are read alike, whatever the folder inside the archive is called."""
    texts = {n: pep(n) for n in range(1, 9)}
    one = load(folder(tmp_path / "peps", texts))
    members = [(f"some/where/pep-{n:04}.rst", text.encode()) for n, text in reversed(texts.items())]
    assert one.digest() == load(archive(tmp_path / "peps.tar.gz", members)).digest()
    assert [page.id for page in one.corpora["world"]] == [f"pep-{n:04}" for n in texts]
    assert one.corpora["world"][0].text == texts[1] and one.corpora["world"][0].title == "Proposal Number 1"


def test_links_and_other_files_are_passed_over(tmp_path: Path) -> None:
    """A symbolic link is not followed, and files of other names are not read."""
    secret = tmp_path / "secret.txt"
    secret.write_text(pep(7))
    path = folder(tmp_path / "peps", {n: pep(n) for n in range(1, 6)})
    (path / "pep-0007.rst").symlink_to(secret)
    (path / "README.rst").write_bytes(b"\xff\xfe")
    assert "pep-0007" not in [page.id for page in load(path).corpora["world"]]
    linked = archive(tmp_path / "l.tar.gz", [(f"pep-{n:04}.rst", pep(n).encode()) for n in range(1, 6)])
    with gzip.open(linked) as packed:
        plain = io.BytesIO(packed.read())
    with tarfile.open(fileobj=plain, mode="a") as out:
        info = tarfile.TarInfo("pep-0007.rst")
        info.type, info.linkname = tarfile.SYMTYPE, str(secret)
        out.addfile(info)
    linked.write_bytes(gzip.compress(plain.getvalue()))
    assert "pep-0007" not in [page.id for page in load(linked).corpora["world"]]


@pytest.mark.parametrize("name", ["../pep-0001.rst", "/pep-0001.rst", "a/../../pep-0001.rst", "../../etc/passwd"])
def test_a_member_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    """The sentence names the archive and the member."""
    path = archive(tmp_path / "evil.tar.gz", [("pep-0002.rst", pep(2).encode()), (name, pep(1).encode())])
    with pytest.raises(UsageFault, match=rf"evil\.tar\.gz: the member '{re.escape(name)}' leads out"):
        load(path)


@pytest.mark.parametrize("cut", [0, 3, 40, 200])
def test_a_broken_archive_is_named(tmp_path: Path, cut: int) -> None:
    """A truncated or empty archive is a fault of the user's, with the file's name."""
    path = archive(tmp_path / "peps.tar.gz", [(f"pep-{n:04}.rst", os.urandom(500)) for n in range(1, 9)])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UsageFault, match=r"peps\.tar\.gz"):
        load(path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), packed=st.booleans())
def test_any_bytes_are_a_usage_fault(tmp_path: Path, data: bytes, packed: bool) -> None:
    """Whatever a file holds, it is either read or named in a usage fault."""
    path = tmp_path / "bytes.tar.gz"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(UsageFault, match=r"bytes\.tar\.gz"):
        load(path)


@pytest.mark.parametrize(("data", "says"), [(b"PEP: 3\n\xff\xfe", "not UTF-8"), (b"PEP: 3\n\0\0", "a binary file")])
def test_a_binary_file_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    """A file that is no text is named."""
    path = folder(tmp_path / "peps", {1: pep(1)})
    (path / "pep-0003.rst").write_bytes(data)
    with pytest.raises(UsageFault, match=rf"pep-0003\.rst is {says}"):
        load(path)


def test_a_file_too_large_is_named(tmp_path: Path) -> None:
    """A bound on the size of one file holds for folders and archives."""
    path = folder(tmp_path / "peps", {1: pep(1)})
    (path / "pep-0002.rst").write_bytes(b"x" * (archives.FILE_BYTES + 1))
    with pytest.raises(UsageFault, match=r"pep-0002\.rst has 8,000,001 bytes"):
        load(path)
    packed = archive(tmp_path / "peps.tar.gz", [("pep-0002.rst", b"x" * (archives.FILE_BYTES + 1))])
    with pytest.raises(UsageFault, match=r"pep-0002\.rst has 8,000,001 bytes"):
        load(packed)


def test_a_place_without_proposals_is_refused(tmp_path: Path) -> None:
    """Nothing there, no proposals, both kinds, and two of one name: each has its sentence."""
    with pytest.raises(UsageFault, match="is not there"):
        load(tmp_path / "nowhere")
    with pytest.raises(UsageFault, match="holds no PEPs"):
        load(tmp_path)
    path = folder(tmp_path / "peps", {1: pep(1)})
    (path / "eip-1.md").write_text("---\neip: 1\nstatus: Final\n---\n")
    with pytest.raises(UsageFault, match="PEPs and EIPs"):
        load(path)
    twice = archive(tmp_path / "t.tar.gz", [("a/pep-0001.rst", pep(1).encode()), ("b/pep-0001.rst", pep(1).encode())])
    with pytest.raises(UsageFault, match=r"two files named pep-0001\.rst"):
        load(twice)


def test_files_that_are_no_proposals_are_refused(tmp_path: Path) -> None:
    """When no file has headers that can be asked about, that is said."""
    with pytest.raises(UsageFault, match="none of the 1 PEP"):
        load(folder(tmp_path / "peps", {1: "Once upon a time\nthere was no header.\n"}))


@pytest.mark.parametrize(
    "broken",
    [
        pep(5).replace("01-Jan-2001", "01-Jan-2001").replace("PEP: 5", "PEP: 6"),
        pep(5, author="The Python core team and community"),
        pep(5).replace("Created: 06-Jan-2001", "Created: 31-Feb-2001"),
        pep(5).replace("Created: 06-Jan-2001", "Created: last winter"),
        pep(5, more="Requires: 1, some others"),
        pep(5, more="Status: Draft"),
        pep(5).replace("Status: Final\n", ""),
        pep(5).replace("Type: Process", "no header at all"),
    ],
)
def test_a_proposal_with_a_broken_header_is_counted_and_never_asked_about(tmp_path: Path, broken: str) -> None:
    """It stays in the corpus, no question names it or answers with it, and the notes count it."""
    texts = {n: pep(n) for n in range(1, 9)} | {5: broken}
    loaded = load(folder(tmp_path / "peps", texts), 400)
    assert "1 PEP with headers that cannot be read: in the corpus, asked about in no question" in loaded.notes
    assert "pep-0005" in [page.id for page in loaded.corpora["world"]]
    for case in loaded.cases:
        assert not re.search(r"\bPEP 5\b|Number 5\b", case.question.text) and "pep-0005" not in case.gold.grades


def test_a_link_that_headers_disagree_about_is_not_asked_for(tmp_path: Path) -> None:
    """Two successors by different headers, or one by header and another by prose: no single successor."""
    texts = {n: pep(n) for n in range(1, 9)}
    texts[1] = pep(1, more="Superseded-By: 2", status="Superseded")
    texts[3] = pep(3, more="Replaces: 1")
    texts[4] = pep(4, more="Superseded-By: 6", status="Superseded", body="This PEP was replaced by :pep:`7`.")
    loaded = load(folder(tmp_path / "peps", texts), 400)
    asked = [case.question.text for case in loaded.cases]
    assert not [text for text in asked if re.search(r"superseded (PEP 1|the PEP titled “Proposal Number 1”)", text)]
    assert not [text for text in asked if re.search(r"superseded (PEP 4|the PEP titled “Proposal Number 4”)", text)]


def test_a_link_is_evidenced_by_both_ends_and_by_prose(tmp_path: Path) -> None:
    """One fact, four places: the headers of either end and the sentences of either."""
    texts = {n: pep(n) for n in range(1, 6)}
    texts[1] = pep(1, more="Superseded-By: 2", body="Some words. This PEP has been superseded by :pep:`2`. More words.")
    texts[2] = pep(2, more="Replaces: 1", body="It replaces :pep:`1`, and would not replace PEP 3.")
    loaded = load(folder(tmp_path / "peps", texts), 400)
    documents = {page.id: page.text for page in loaded.corpora["world"]}
    found = {
        documents[span.document][span.start : span.end]
        for case in loaded.cases
        for span in case.gold.spans
        if span.fact == "PEP 1: Superseded-By"
    }
    assert found == {"Superseded-By: 2", "Replaces: 1", "This PEP has been superseded by :pep:`2`."}


def test_what_prose_may_tell_is_not_unanswerable(tmp_path: Path) -> None:
    """Nobody is asked for a sponsor, delegate or successor that a sentence anywhere may name."""
    texts = {n: pep(n) for n in range(1, 9)}
    texts[1] = pep(1, more="Sponsor: Some Body")
    texts[2] = pep(2, body="Jane Doe kindly sponsored this work.")
    texts[3] = pep(3, body="Who is the champion of PEP 4? Jane Doe.")
    texts[6] = pep(6, body="PEP 7 was soon supplanted by something better.")
    loaded = load(folder(tmp_path / "peps", texts), 900)
    unanswerable = " ".join(case.question.text for case in loaded.cases if not case.gold.answerable)
    assert not re.search(r"sponsor(?:ed| of) (?:PEP [24]\b|the PEP titled “Proposal Number [24]”)", unanswerable)
    assert not re.search(r"superseded (?:PEP 7\b|the PEP titled “Proposal Number 7”)", unanswerable)
    assert re.search(r"sponsor(?:ed| of) (?:PEP [35678]\b|the PEP titled “Proposal Number [35678]”)", unanswerable)


def test_names_are_read_strictly() -> None:
    """Addresses in brackets, a comma before Jr., a last comma; no collectives, no free text."""
    read = {
        "A. B. See <a@b.c>, Dee Eff": ("A. B. See", "Dee Eff"),
        "Fred L. Drake, Jr. <fred@fdrake.net>": ("Fred L. Drake, Jr.",),
        "Nick (@nick), Ann <ann at b.c>,": ("Nick", "Ann"),
        "The Python core team": None,
        "Ann, , Bob": None,
        "et al.": None,
        "a@b.c (Ann)": None,
        "Ann, Ann": None,
    }
    for header, names in read.items():
        found = people.bylines(header)
        assert (found and tuple(byline.name for byline in found)) == names, header


def test_one_person_under_two_names_and_two_under_one_look() -> None:
    """An address makes two names one person; look-alikes are marked; both are uncertain."""
    seen = [
        people.Byline(name=name, address=address)
        for name, address in (("Ann Bee", "ann"), ("A. Bee-Cee", "ann"), ("Carl Dee", ""), ("Karl Dee", ""),
                              ("Chris Dee", ""), ("Łukasz Ell", ""), ("Lukasz Ell", ""), ("Eve Eff", ""), ("Eve", ""),
                              ("Gil Aitch", "g"))
    ]  # fmt: skip
    known = people.recognise(seen)
    assert known.key(seen[0]) == known.key(seen[1]) and known.key(seen[5]) == known.key(seen[6])
    certain = [byline.name for byline in seen if known.certain(known.key(byline))]
    assert certain == ["Karl Dee", "Gil Aitch"]


def test_headers_have_the_places_they_claim() -> None:
    """The span of a header is all of it, continuation lines included."""
    text = "PEP: 9\nTitle: A Title\nAuthor: Ann Bee <a@b.c>,\n        Cee Dee\nStatus: Final\n\nBody: no header\n"
    found = peps.headers(text)
    assert found is not None and [header.key for header in found] == ["PEP", "Title", "Author", "Status"]
    assert text[found[2].start : found[2].end] == "Author: Ann Bee <a@b.c>,\n        Cee Dee"
