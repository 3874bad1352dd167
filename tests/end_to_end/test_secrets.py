"""Keys of a run whose model and pages know them and write them everywhere: none is found in anything that is left."""

from __future__ import annotations

import base64
import html
import json
import os
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import DOCUMENTS, command, environment, model_server

from tools.fakes.echo import EchoingModel
from tools.fakes.web_server import WebPage, WebServer, html_page

KEY = "sk-canary-7Zq/4+b1f0E9d77aaXw"
SEARCH_KEY = "tvly-canary-9Q8w7E6r5T4y"
QUESTION = "How is a call reserved in the budget? What does the journal keep?"
KEYS = {"RESEARCH_API_KEY": KEY, "OPENAI_API_KEY": KEY, "TAVILY_API_KEY": SEARCH_KEY}


def encodings(key: str) -> list[str]:
    """A key as it may be hidden: a list of its own, so that a gap in the program's shows."""
    data = key.encode()
    return [
        key,
        urllib.parse.quote(key, safe=""),
        "".join(f"%{byte:02x}" for byte in data),
        key[:8] + f"%{ord(key[8]):02X}" + key[9:],
        base64.b64encode(data).decode().rstrip("="),
        base64.b64encode(b"-" + data + b"..").decode()[2:-3],
        base64.b64encode(b"--" + data + b"..").decode()[3:-3],
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        data.hex(),
        data.hex().upper(),
        "".join(f"\\u{byte:04x}" for byte in data),
        html.escape(key),
        "".join(f"&#{byte};" for byte in data),
        key[::-1],
        " ".join(key),
        "\u200b".join(key),
        "-".join(key),
        key.upper(),
    ]


FORMS = [form for key in (KEY, SEARCH_KEY) for form in encodings(key)]


def traces(data: bytes) -> list[str]:
    """The forms of a key that stand in bytes: as they are, as JSON writes them, and in UTF-16."""
    shapes = {
        form: {form.encode(), json.dumps(form)[1:-1].encode(), json.dumps(form, ensure_ascii=False)[1:-1].encode()}
        | {form.encode("utf-16-le"), form.encode("utf-16-be")}
        for form in FORMS
    }
    return [form for form, found in shapes.items() if any(shape in data for shape in found)]


def assert_clean(folder: Path, *outputs: bytes) -> None:
    """No form of a key in any file below ``folder``, in any name of one, or in the outputs."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "runs.db" for path in files)
    found = {str(path): traces(path.read_bytes() + str(path).encode()) for path in files}
    found |= {f"output {number}": traces(output) for number, output in enumerate(outputs)}
    assert {name: forms for name, forms in found.items() if forms} == {}


def research(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The command with the keys in its environment, outputs as bytes."""
    return subprocess.run(
        command(home, *arguments), env={**environment(home), **KEYS}, capture_output=True, check=False, timeout=120
    )


@pytest.fixture
def web() -> Iterator[WebServer]:
    """Pages that hold every form of the keys: in the text, in the title, in a heading, in plain text."""
    held = "".join(f"<p>The budget of a call, told aside: {html.escape(form)}.</p>" for form in FORMS)
    first = html_page(f"Walls {KEY}", ["Every call is reserved in the budget of the run before it is sent."] * 2)
    pages = {
        "/walls.html": WebPage(body=first.body.replace(b"</article>", f"{held}</article>".encode()), title=first.title),
        "/journal.txt": WebPage(
            body="\n".join(["The journal keeps one row before each call.", *FORMS]).encode(), media="text/plain"
        ),
    }
    with WebServer(pages, key=SEARCH_KEY) as server:
        yield server


@pytest.mark.parametrize("mode", ["workflow", "agent"])
def test_no_key_is_left_by_a_run_whose_model_and_pages_write_it_everywhere(
    web: WebServer, tmp_path: Path, mode: str
) -> None:
    """Home, report files, stdout and stderr hold no key in any encoding; nor does a query that was sent."""
    home, documents = tmp_path / "home", tmp_path / "documents"
    documents.mkdir()
    for name, text in DOCUMENTS.items():
        (documents / name).write_text(text + "\n".join(FORMS[:4]), encoding="utf-8")
    indexed = research(home, "index", str(documents), "--corpus", "notes", "--public")
    assert indexed.returncode == 0, indexed.stderr
    echo = EchoingModel(FORMS)
    with model_server(tmp_path / "log", answer=echo) as server:
        flags = ["--model", "openai:persona", "--base-url", server.base_url, "--mode", mode, "--branches", "2"]
        flags += ["--corpus", "notes", "--web", "--tavily", web.url, "--allow-host", web.host, "--cache"]
        shown = [research(home, "ask", QUESTION, *flags, "-o", str(home / "report.md"))]
        shown.append(research(home, "ask", QUESTION, *flags, "--json", "-o", str(home / "report.json")))
        prompts = json.dumps(server.requests).encode()
    assert {ended.returncode for ended in shown} <= {0, 3}, shown[0].stderr
    assert echo.echoed > 10
    assert json.loads(shown[1].stdout)["findings"]
    assert b"[secret]" in (home / "runs.db").read_bytes()
    for arguments in (["show", "--last"], ["show", "--last", "--plan"], ["runs"], ["config", "show"], ["doctor"]):
        shown.append(research(home, *arguments))
    verified = research(home, "verify", "--last")
    assert verified.returncode == 0, verified.stderr
    assert_clean(home, *(stream for ended in [indexed, *shown, verified] for stream in (ended.stdout, ended.stderr)))
    asked = " ".join(entry.path + entry.body for entry in web.log)
    assert traces(asked.encode()) == []
    assert traces(prompts) == []


def test_a_key_that_a_user_asks_with_is_refused_before_anything_is_stored(tmp_path: Path) -> None:
    """The question would be stored and sent: one sentence, exit code 2, no run."""
    home = tmp_path / "home"
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "a.md").write_text("# A\n\nA budget is a wall.", encoding="utf-8")
    assert research(home, "index", str(documents), "--corpus", "notes").returncode == 0
    ended = research(home, "ask", f"What is {KEY}?", "--corpus", "notes")
    assert ended.returncode == 2
    assert b"holds the value of" in ended.stderr
    assert traces(ended.stdout + ended.stderr) == []
    assert not (home / "runs.db").exists()


def test_a_service_that_quotes_the_key_it_refuses_is_told_without_it(tmp_path: Path, web: WebServer) -> None:
    """Error bodies and headers of a provider are outside text too."""
    web.pages["POST /search"] = WebPage(
        body=json.dumps({"detail": {"error": f"Incorrect API key provided: {SEARCH_KEY}, {KEY[::-1]}"}}).encode(),
        media="application/json",
        status=401,
        headers=(("X-Key", KEY),),
    )
    home = tmp_path / "home"
    flags = ["--web", "--tavily", web.url, "--allow-host", web.host]
    ended = research(home, "ask", QUESTION, *flags)
    assert ended.returncode in (1, 3)
    assert_clean(home, ended.stdout, ended.stderr)


def test_the_scan_of_this_file_sees_what_it_looks_for(tmp_path: Path) -> None:
    """Each form is found where it was planted: the check can fail."""
    (tmp_path / "runs.db").write_bytes(b"")
    for number, form in enumerate(FORMS):
        (tmp_path / "planted").write_bytes(b"..." + form.encode() + b"..." + os.urandom(8))
        assert form in traces((tmp_path / "planted").read_bytes()), number
    with pytest.raises(AssertionError):
        assert_clean(tmp_path)
