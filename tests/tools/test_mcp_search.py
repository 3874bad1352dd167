"""Search by a tool of a real MCP server, over a process and over HTTP on loopback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from research.errors import EffectFailed, SettingMissing
from research.records import Hit, ident
from research.secret import Secret
from research.service_tables import McpServer
from tools.fakes.web_server import WebPage, WebServer
from tools.mcp_search import McpSearch

ROOT = str(Path(__file__).resolve().parents[2])
COMMAND = (sys.executable, "-B", "-m", "tools.fakes.mcp_server")
PASSED = {"PYTHONPATH": Secret(ROOT), "NOTES_KEY": Secret("secret-1234")}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The server over HTTP, in a process of its own."""
    process = subprocess.Popen([*COMMAND, "--http"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
    process.kill()
    process.wait()


async def ask(
    tool: str, url: str = "", *, argument: str = "query", env: tuple[str, ...] = (), seconds: float = 20.0
) -> Sequence[Hit]:
    server = McpServer(
        command=() if url else COMMAND, url=url, tool=tool, argument=argument, env=() if url else ("PYTHONPATH", *env)
    )
    provider = McpSearch("notes", server, PASSED)
    provider.prepare()
    try:
        return await provider.search("cats", 5, timeout=seconds)
    finally:
        await provider.aclose()


@pytest.mark.parametrize("over", ["process", "http"])
@pytest.mark.parametrize(("tool", "argument"), [("search", "query"), ("search_text", "q"), ("search_blocks", "query")])
async def test_every_shape_of_results_becomes_hits(address: str, over: str, tool: str, argument: str) -> None:
    """A typed list, JSON in one text, and one text a result: canonical addresses, plain snippets, handles of code."""
    first, second = await ask(tool, address if over == "http" else "", argument=argument)
    assert (first.url, first.title, first.snippet) == ("https://a.test/1", "Result 1", "cats here")
    assert first.handle == ident("h", first.url)
    assert first.why == ("mcp.notes result 1",)
    assert second.url == "https://a.test/2"


@pytest.mark.parametrize("over", ["process", "http"])
@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("search_prose", "not a list of results"),
        ("fails", "refused: .*fails"),
        ("nope", "refused: .*nope|failed: .*nope"),
        ("large", "sent more than 2,000,000 bytes"),
    ],
)
async def test_every_failure_is_a_sentence_and_never_an_empty_list(
    address: str, over: str, tool: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Prose, an error of the tool, a tool that is not there and too many bytes; nothing is written to the terminal."""
    with pytest.raises(EffectFailed, match=words) as caught:
        await ask(tool, address if over == "http" else "")
    assert str(caught.value).startswith("mcp.notes ")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("over", ["process", "http"])
async def test_an_empty_list_is_an_answer(address: str, over: str) -> None:
    """The tool said that there is nothing."""
    assert await ask("empty", address if over == "http" else "") == ()


@pytest.mark.parametrize("over", ["process", "http"])
async def test_time_is_limited(address: str, over: str) -> None:
    """A tool that takes a minute costs the time that it was given."""
    with pytest.raises(EffectFailed, match="no answer within 4 s") as caught:
        await ask("slow", address if over == "http" else "", seconds=4.0)
    assert caught.value.retryable


async def test_a_process_has_the_variables_that_the_config_names_and_no_others() -> None:
    """Neither the user's keys nor PATH nor HOME are there."""
    names = {hit.url.removeprefix("https://a.test/") for hit in await ask("variables", env=("NOTES_KEY",))}
    assert names == {"PYTHONPATH", "NOTES_KEY"}


async def test_a_process_that_dies_or_cannot_be_started_is_told() -> None:
    """One may be better the next time, the other is a mistake in the config."""
    with pytest.raises(EffectFailed, match=r"mcp\.notes failed") as caught:
        await ask("dies")
    assert caught.value.retryable
    absent = McpSearch("notes", McpServer(command=("/no/such/server",)), {})
    with pytest.raises(EffectFailed, match="cannot be started: /no/such/server") as caught:
        await absent.search("cats", 5, timeout=5.0)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "page",
    [
        WebPage(body=b"<html>hello</html>"),
        WebPage(body=b"[1]", media="application/json"),
        WebPage(body=b"no", status=401),
        WebPage(body=b"", status=302, headers=(("Location", "http://127.0.0.1:1/mcp"),)),
        WebPage(body=b"x", media="application/json", headers=(("Content-Encoding", "gzip"),)),
    ],
)
async def test_a_server_that_speaks_something_else_is_told(page: WebPage) -> None:
    """A web page, another JSON, a refusal, a way elsewhere and an encoding that was not asked for."""
    with (
        WebServer({"POST /mcp": page, "/mcp": page}) as server,
        pytest.raises(EffectFailed, match=r"mcp\.notes failed"),
    ):
        await ask("search", f"{server.url}/mcp")


async def test_a_closed_port_may_be_open_later() -> None:
    """What cannot be reached is worth another try."""
    with pytest.raises(EffectFailed, match=r"mcp\.notes failed") as caught:
        await ask("search", "http://127.0.0.1:1/mcp")
    assert caught.value.retryable


def test_a_variable_that_is_not_set_and_a_missing_package_are_named() -> None:
    """Both before a run is begun; the value of a variable is no attribute."""
    with pytest.raises(SettingMissing, match="environment variable OTHER_KEY"):
        McpSearch("notes", McpServer(command=COMMAND, env=("OTHER_KEY",)), PASSED)
    provider = McpSearch("notes", McpServer(command=COMMAND, env=("NOTES_KEY",)), PASSED)
    assert "secret-1234" not in f"{provider!r} {vars(provider)!r}"
    code = (
        "import sys; sys.modules['mcp'] = None; from tools.mcp_search import McpSearch; "
        "from research.service_tables import McpServer; McpSearch('notes', McpServer(url='http://a.test'), {})"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "pip install 'research[mcp]'" in ended.stderr
