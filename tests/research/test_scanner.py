"""Values of secrets are found in every common encoding, taken out, and never seen where they are not."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.scanner import SHOWN, Scanner
from research.secret import Secret

KEY = "sk-proj-Ab3/+dE=f&9Zq_77xYtT"
SCANNER = Scanner({"OPENAI_API_KEY": Secret(KEY), "TAVILY_API_KEY": Secret("tvly-0123456789abcdef")})
VALUES = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\%&"), min_size=16, max_size=60
).filter(lambda value: sum(character.isalnum() for character in value) >= 12 and any(map(str.isdigit, value)))


def encodings(key: str) -> dict[str, str]:
    """A key in each encoding that is looked for."""
    data = key.encode()
    return {
        "plain": key,
        "upper case": key.upper(),
        "URL": quote(key, safe=""),
        "URL, wholly, small letters": "".join(f"%{byte:02x}" for byte in data),
        "URL, wholly, capitals": "".join(f"%{byte:02X}" for byte in data),
        "URL, in part": f"{key[:5]}%{ord(key[5]):02x}{key[6:]}",
        "URL, twice": quote(quote(key, safe=""), safe=""),
        "base64": base64.b64encode(data).decode(),
        "base64 after one byte": base64.b64encode(b"x" + data + b"yy").decode(),
        "base64 after two bytes": base64.b64encode(b"xx" + data + b"y").decode(),
        "base64 for URLs": base64.urlsafe_b64encode(b"zz" + data).decode(),
        "base64 over lines": "\n".join(base64.b64encode(data).decode()),
        "hexadecimal": data.hex(),
        "hexadecimal, capitals": data.hex().upper(),
        "hexadecimal, spaced": data.hex(" "),
        "Python bytes": "".join(f"\\x{byte:02x}" for byte in data),
        "JSON": "".join(f"\\u{byte:04x}" for byte in data),
        "HTML": html.escape(key),
        "HTML numbers": "".join(f"&#{byte};" for byte in data),
        "HTML hexadecimal": "".join(f"&#x{byte:X};" for byte in data),
        "reversed": key[::-1],
        "spaced": " ".join(key),
        "zero-width spaces": "\u200b".join(key),
        "soft hyphens": "\u00ad".join(key),
        "hyphens": "-".join(key),
        "lines": "\n".join(key),
        "lines in JSON": json.dumps("\n".join(key))[1:-1],
        "zero-width in JSON": json.dumps("\u200b".join(key))[1:-1],
        "UTF-16 as text": "\0".join(key),
    }


@pytest.mark.parametrize("how", encodings(KEY))
def test_a_value_is_found_and_taken_out_in_each_encoding(how: str) -> None:
    """In text only what holds it goes, and in JSON the fields beside it stay."""
    form = encodings(KEY)[how]
    assert SCANNER.found(f"hello {form} world") == "OPENAI_API_KEY"
    cleaned = SCANNER.clean(f"first line\n{form}\nlast line")
    assert SHOWN in cleaned and not SCANNER.found(cleaned)
    record = SCANNER.clean(json.dumps({"a": ["x", f"see {form}"], "count": 3}))
    assert not SCANNER.found(record) and json.loads(record)["count"] == 3


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_bytes_in_wide_encodings_are_searched(codec: str) -> None:
    """What a file holds in UTF-16 is no secret kept."""
    assert SCANNER.found(f"a {KEY} b".encode(codec))


@given(value=VALUES, before=st.text(max_size=30), after=st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_value_is_found_between_any_texts(value: str, before: str, after: str) -> None:
    """Whatever a key is made of, no encoding of it passes, and cleaning leaves none of it."""
    scanner = Scanner({"K": Secret(value)})
    for how, form in encodings(value).items():
        if how == "upper case" and value.upper().lower() != value.lower():
            continue
        text = f"{before}\n{form}\n{after}"
        assert scanner.found(text), how
        assert not scanner.found(scanner.clean(text)), how


@given(text=st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_ordinary_text_gives_no_alarm_and_stays_as_it_is(text: str) -> None:
    """A text that holds no value passes unchanged."""
    assert SCANNER.found(text) == ""
    assert SCANNER.clean(text) == text


def test_the_projects_own_prose_gives_no_alarm() -> None:
    """Nothing in the documentation or the code looks like a key that is not in it."""
    root = Path(__file__).parents[2]
    scanner = Scanner({"A": Secret("sk-0a1b2c3d4e5f6g7h"), "B": Secret("letmein"), "C": Secret("q9w8e7")})
    files = [*root.glob("docs/*.md"), *root.glob("research/**/*.py")]
    assert len(files) > 50
    assert [path.name for path in files if scanner.found(path.read_bytes())] == []


@pytest.mark.parametrize("value", ["ollama", "not-needed", "EMPTY", "short"])
def test_placeholders_and_short_values_are_no_secrets(value: str) -> None:
    """What servers without keys tell people to set is a word of ordinary texts."""
    assert not Scanner({"K": Secret(value)})


def test_json_whose_value_is_split_over_fields_takes_all_of_it() -> None:
    """What cannot be cut out is not written at all."""
    text = json.dumps([KEY[:14], KEY[14:]])
    assert json.loads(SCANNER.clean(text)) == SHOWN


def test_a_scanner_shows_no_value() -> None:
    """Printing it tells nothing."""
    assert KEY not in f"{SCANNER!r} {SCANNER!s} {vars(SCANNER)}"


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_scanner_is_neither_pickled_nor_copied(act: Callable[[object], object]) -> None:
    """What knows the values stays where it was made."""
    with pytest.raises(TypeError, match="secrets"):
        act(SCANNER)


def test_a_number_that_is_no_character_breaks_nothing() -> None:
    """Python refuses to read a number of thousands of digits; a page may hold one. Zeros hide nothing."""
    assert not SCANNER.found("&#" + "9" * 5000 + ";")
    assert SCANNER.found("&#" + "9" * 5000 + "; " + "".join(f"&#{'0' * 5000}{ord(char)};" for char in KEY))
