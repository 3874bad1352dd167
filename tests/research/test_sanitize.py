"""What outside text may still do in a terminal, in Markdown and in JSON: nothing."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from research.sanitize import json_text, markdown_link, markdown_text, one_line, terminal

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HARMLESS = {"paragraph_open", "paragraph_close", "inline", "text", "code_inline", "text_special"}
OUTSIDE = st.text(
    st.one_of(st.sampled_from("*_`[]()<>!#|~\\&;:/.@-+=1 \n\t\r\x1b\x9b\u200d\u202ehtpw"), st.characters()), max_size=60
)


def cases(shared_data: Path, name: str) -> list[str]:
    """The payloads of one of the attack files."""
    text = (shared_data / "attacks" / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else [json.loads(line)["payload"] for line in text.splitlines()]


def tokens(markdown: str) -> set[str]:
    """The kinds of everything a CommonMark parser finds."""
    found = MARKDOWN.parse(markdown)
    return {token.type for token in found} | {child.type for token in found for child in token.children or []}


def hidden(text: str) -> list[str]:
    """Characters that a terminal obeys, or that hide or reorder others; joiners are looked at apart."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [c for c in text if c not in "\n\t\u200c\u200d" and unicodedata.category(c) in kinds]


def assert_inert(text: str) -> None:
    """Markdown of ``text`` is one paragraph of words and code."""
    made = markdown_text(text)
    assert "\n" not in made
    assert tokens(made) <= HARMLESS, made
    assert tokens(f"words {made}[^1]") <= HARMLESS, made
    cell = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| {made} | end |")
    assert [token.content for token in cell if token.type == "inline"][3:] == ["end"], made
    outside_code = re.sub(r"`[^`]*`", "", made.replace("\\`", ""))
    assert not re.search(r"https?://|www\.|\w@\w+\.\w", outside_code, re.IGNORECASE), made


def test_the_terminal_obeys_no_attack(shared_data: Path) -> None:
    """Escape sequences, bidi controls, tags and zero widths of the attack files are gone; the words stay."""
    for payload in cases(shared_data, "own-terminal.jsonl") + cases(shared_data, "naughty-strings.json"):
        assert not hidden(terminal(payload))
    assert terminal("\x1b]8;;http://evil.test\x07text\x1b]8;;\x07 \x1b[31mred\x1b[0m") == "text red"


@given(OUTSIDE)
def test_terminal_text_is_clean_whatever_came_in(text: str) -> None:
    """No control or format character passes, and cleaning twice changes nothing more."""
    safe = terminal(text)
    assert not hidden(safe)
    assert terminal(safe) == safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👩\u200d💻 works", "👩\u200d💻 works"),
        ("pass\u200dword", "password"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("naïve 中文", "naïve 中文"),
        ("a\r\nb\u2028c", "a\nb\nc"),
        ("x\ud800y", "x\ufffdy"),
        ("unfinished \x1b]0;title", "unfinished ]0;title"),
    ],
)
def test_writing_keeps_what_it_needs(text: str, shown: str) -> None:
    """Joiners stay where a script or an emoji needs them and nowhere else; an open sequence hides nothing."""
    assert terminal(text) == shown


def test_no_character_of_the_tag_plane_is_shown() -> None:
    """Tags, the selectors behind them and what is not assigned there can spell words that nobody sees."""
    hidden = [chr(code) for code in range(0xE0000, 0xE1000)]
    assert [char for char in hidden if terminal(f"a{char}b") != "ab"] == []


def test_one_line_is_cut_with_an_ellipsis() -> None:
    """A line for a list holds no line end and has at most the characters asked for."""
    assert one_line("a\nb\t c  d") == "a b c d"
    assert one_line("abcdef", 4) == "abc…"


def test_markdown_attacks_become_words(shared_data: Path) -> None:
    """No payload of the attack files makes a link, image, HTML, heading, list or table."""
    for payload in cases(shared_data, "own-markup.jsonl") + cases(shared_data, "naughty-strings.json"):
        assert_inert(payload)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[a](b)",
            "see [a](b 'c') there",
            "![a](b)",
            "[a][b]",
            "[a]: b",
            "[^1]: b",
            "<b>a</b>",
            "<a@b.c>",
            "<!-- a -->",
        ),
        *("**a**", "_a_", "~~a~~", "`a`", "# a", "> a", "- a", "1. a", "| a | b |", "---", "a  \nb", "&copy;", "$x$"),
    ],
)
def test_no_construct_of_markdown_survives(text: str) -> None:
    """Each construct that Markdown has is shown as it was written, wherever it stands."""
    for line in (text, f"Word {text} word", f"{text}!"):
        assert_inert(line)


@given(OUTSIDE)
def test_markdown_of_any_text_is_inert(text: str) -> None:
    """Whatever characters come in, a CommonMark parser finds only text and code spans."""
    assert_inert(text)


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30))
def test_markdown_shows_what_it_was_given(text: str) -> None:
    """Rendered, the escaped text reads as the original."""
    inline = MARKDOWN.parse(markdown_text(text))
    shown = "".join(child.content for token in inline for child in token.children or [])
    assert shown == terminal(text)


def test_plain_prose_is_left_alone() -> None:
    """Names, figures and punctuation of ordinary text are not littered with backslashes."""
    prose = "The max_tokens of 3.5 (about 10-20 %) costs $5; AT&T's “reserve” - see PEP 8: yes."
    assert markdown_text(prose) == prose


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.test/x",
        "file://server/share",
        "ftp://good.test/x",
        "ssh://good.test/x",
        "https://good.test@evil.test/",
        "https://evil.test\\@good.test/",
        "https://good.test/\u202e",
        "http://[::1",
        "http://",
        "",
    ],
)
def test_only_plain_addresses_become_links(url: str) -> None:
    """Another scheme, a user name, a share on a server or a broken address gives words, not a link."""
    assert "link_open" not in tokens(markdown_link("title", url))


@pytest.mark.parametrize(
    ("label", "url", "made"),
    [
        ("PEP 8", "https://peps.test/pep-0008/", "[PEP 8](https://peps.test/pep-0008/)"),
        ("", "https://peps.test/a(b)", "[peps.test](https://peps.test/a%28b%29)"),
        ("peps.test", "https://www.peps.test/", "[peps.test](https://www.peps.test/)"),
        ("bank.test login", "https://evil.test/", "bank.test login ([evil.test](https://evil.test/))"),
        ("notes.md", "file:///home/me/notes.md", "[notes.md](file:///home/me/notes.md)"),
        ("ü", "https://bücher.test/ä", "[ü](https://xn--bcher-kva.test/%C3%A4)"),
    ],
)
def test_a_label_names_no_other_host(label: str, url: str, made: str) -> None:
    """A label that looks like another host stands outside the link, which then shows its own."""
    assert markdown_link(label, url) == made


@given(OUTSIDE, OUTSIDE)
def test_a_link_leads_where_it_says(label: str, rest: str) -> None:
    """Whatever label and path come in, there is at most one link and it leads to the given host."""
    found = MARKDOWN.parse(markdown_link(label, f"https://good.test/{rest}"))
    children = [child for token in found for child in token.children or []]
    links = [str(child.attrs["href"]) for child in children if child.type == "link_open"]
    assert len(links) <= 1
    assert all(link.startswith("https://good.test/") for link in links)
    assert tokens(markdown_link(label, f"https://good.test/{rest}")) <= HARMLESS | {"link_open", "link_close"}


@given(st.text(max_size=40))
def test_json_hides_nothing_and_changes_nothing(text: str) -> None:
    """No raw control or format character is in the JSON, and it means what it meant."""
    made = json_text(json.dumps([text], ensure_ascii=False))
    assert not [char for char in made if char not in "\n" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]
    assert json.loads(made) == [text]


@pytest.mark.parametrize("host", ["faß.de", "βόλος.com", "ｅxample.com"])
def test_a_name_that_two_standards_read_as_two_hosts_is_no_link(host: str) -> None:
    """The page was read at one of them, and a link could lead to the other."""
    assert "link_open" not in tokens(markdown_link("title", f"https://{host}/"))
    assert "link_open" in tokens(markdown_link("title", "https://bücher.de/"))


@pytest.mark.parametrize("text", ["." * 100_000, "a" * 100_000, "a+" * 50_000])
def test_a_long_run_without_spaces_takes_no_longer_than_words(text: str) -> None:
    """Looking for an address must not begin anew at each character of it."""
    began = time.process_time()
    markdown_text(text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "label",
    [
        *("google\uff0ecom", "google\u3002com", "google\uff61com", "google\u2024com", "google\ua4f8com"),
        *("google.\ufe00com", "google.\u034fcom", "google.\u3164com", "google.\u180bcom", "google.\u0332com"),
        *("127.\ufe000.0.1", "\u24d6\u24de\u24de\u24d6\u24db\u24d4.\u24d2\u24de\u24dc"),
    ],
)
def test_a_host_written_in_other_dots_or_with_marks_that_show_nothing_is_no_link_text(label: str) -> None:
    """A label that the eye takes for another host stands before the link, which shows its own host."""
    assert markdown_link(label, "https://evil.example/a") == f"{label} ([evil.example](https://evil.example/a))"


@pytest.mark.parametrize("label", ["B\u00fccher, v. 2.0", "evil.example", "\u6771\u4eac\u3067\u3059", "Ji\u0159\u00ed"])
def test_a_title_with_accents_stays_the_text_of_its_link(label: str) -> None:
    """Letters with marks that name no host change nothing of a link."""
    assert markdown_link(label, "https://evil.example/a") == f"[{label}](https://evil.example/a)"
