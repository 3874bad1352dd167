"""Another tool's command, and answers in a file: what they give is taken, and what cannot be used fails the case."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from evals.records import Document, Outcome
from research.app.systems import open_system
from research.app.systems.foreign import LARGEST
from research.budget import Caps
from research.errors import EffectFailed, UsageFault
from research.records import Question
from research.settings import KEYS, load

PLACES = (Document(id="tarn", title="Tarn", text="A lake."), Document(id="a/weir", text="A barrier."))
UNCAPPED = Caps()
ECHO = """
import json, pathlib, sys
given = json.load(sys.stdin)
((name, folder),) = given["corpora"].items()
ids = given["documents"][name]
texts = {ids[path.name]: path.read_text() for path in pathlib.Path(folder).iterdir() if path.name in ids}
best = sorted(texts, key=lambda id: given["question"] not in texts[id])
quote = {"document": best[0], "quote": given["question"], "start": 0, "end": 5}
judged = {"race": {"value": 1.0}}
told = {"answer": texts[best[0]], "ranked": best, "citations": [quote], "resumed": "never", "judged": judged}
print(json.dumps({**told, "mode": str(given["seconds"]), "caps": {"calls": 1}, "seconds": 1e9}))
"""


async def asked(name: str, tmp_path: Path, text: str, caps: Caps = UNCAPPED) -> Outcome:
    """The outcome of a system on one question."""
    user = load({"home": str(tmp_path / "user")}, {})
    options = msgspec.structs.replace(user.options(), caps=caps)
    home = tmp_path / "evals"
    async with open_system(name, {"w": PLACES}, user, options, home=home, say=lambda line: None) as system:
        return await system(Question(text=text, corpora=("w",)))


def script(tmp_path: Path, code: str) -> str:
    """The name of the system that runs a Python script; its path has a space."""
    path = tmp_path / "a tool.py"
    path.write_text(code, encoding="utf-8")
    return f'command:{sys.executable} "{path}"'


async def test_a_command_is_given_the_documents_and_its_outcome_is_taken(tmp_path: Path) -> None:
    """It reads the files, names documents by their ids, and says nothing of what the harness finds out itself."""
    outcome = await asked(script(tmp_path, ECHO), tmp_path, "barrier")
    assert outcome.ranked == ("a/weir", "tarn")
    assert outcome.answer == "A barrier."
    assert (outcome.citations[0].document, outcome.citations[0].start) == ("a/weir", -1)
    assert 0 < outcome.seconds < 1e9 and outcome.resumed is None
    assert outcome.judged == {}, "no command grades itself"


async def test_a_command_is_told_how_long_it_may_take(tmp_path: Path) -> None:
    """Its one cap is in what it reads, and the outcome has it whatever the command says."""
    outcome = await asked(script(tmp_path, ECHO), tmp_path, "barrier", Caps(seconds=77, calls=3))
    assert (outcome.mode, outcome.caps) == ("77", Caps(seconds=77))
    assert (await asked(script(tmp_path, ECHO), tmp_path, "barrier")).mode == "600.0"


async def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    """What a shell would expand or run is a plain word."""
    code = "import json, sys\nprint(json.dumps({'answer': ' '.join(sys.argv[1:])}))"
    outcome = await asked(script(tmp_path, code) + " $HOME ; rm *", tmp_path, "x")
    assert outcome.answer == "$HOME ; rm *"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('the tool is out of ink')", "code 1: the tool is out of ink"),
        ("import sys; sys.exit(3)", "code 3: it said nothing"),
        ("print('done')", "not an outcome"),
        ("print('[]')", "not an outcome"),
        ('print(\'{"abstained": "yes"}\')', "not an outcome"),
        ('print(\'{"ranked": ["nowhere"]}\')', "names? the document nowhere"),
        ('print(\'{"sentences": [{"text": "A.", "citations": [0]}]}\')', "no citation"),
        ("print('{\"confidence\": 1.01}')", "confidence 1.01, which is not from 0 to 1"),
        ("print('{\"confidence\": -1}')", "confidence -1, which is not from 0 to 1"),
        ("print('{\"confidence\": NaN}')", "not an outcome"),
        ("print('{\"seconds\": -5}')", "seconds -5, which is not a number from 0 up"),
        ("print('{\"seconds\": 1e999}')", "not an outcome"),
        ('print(\'{"usage": {"tokens": -1}}\')', "usage.tokens -1"),
        ('print(\'{"usage": {"nano_usd": -1}}\')', "usage.nano_usd -1"),
        ('print(\'{"usage": {"calls": -1}}\')', "usage.calls -1"),
        ('print(\'{"usage": {"seconds": -0.5}}\')', "usage.seconds -0.5"),
        ("import sys; sys.stderr.write('x' * 9_000_000 + '\\nno ink'); sys.exit(1)", "code 1: no ink"),
    ],
)
async def test_what_a_command_gets_wrong_fails_its_case(code: str, words: str, tmp_path: Path) -> None:
    """A bad exit, bad JSON, a wrong type, an unknown document or a citation of nothing is never scored."""
    with pytest.raises(EffectFailed, match=words.replace("names?", "named")):
        await asked(script(tmp_path, code), tmp_path, "x")


async def test_an_answer_without_an_end_is_not_held(tmp_path: Path) -> None:
    """Reading ends at the bound, so that no more than the bound and one copy of it are in memory."""
    tracemalloc.start()
    try:
        with pytest.raises(EffectFailed, match="printed more than"):
            await asked(script(tmp_path, "while True: print('x' * 1_000_000)"), tmp_path, "x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * LARGEST


async def test_a_command_is_ended_at_its_limit(tmp_path: Path) -> None:
    """A command that never ends fails its case when the case's seconds are over."""
    with pytest.raises(EffectFailed, match=r"within 0\.2 s"):
        await asked(script(tmp_path, "import signal; signal.pause()"), tmp_path, "x", Caps(seconds=0.2))


async def test_a_command_is_ended_with_its_children(tmp_path: Path) -> None:
    """A case that is cancelled leaves no process behind: the child's connection is closed by its death."""
    callers: asyncio.Queue[asyncio.StreamReader] = asyncio.Queue()
    server = await asyncio.start_server(lambda reader, writer: callers.put_nowait(reader), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    child = f"import signal, socket; s = socket.create_connection(('127.0.0.1', {port})); signal.pause()"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    case = asyncio.create_task(asked(script(tmp_path, code), tmp_path, "x"))
    caller = await callers.get()
    case.cancel()
    with pytest.raises(asyncio.CancelledError):
        await case
    with contextlib.suppress(ConnectionResetError):
        assert await caller.read() == b""
    server.close()


async def test_a_command_that_does_not_read_is_judged_by_its_answer(tmp_path: Path) -> None:
    """A closed standard input is no failure, however long the question is."""
    code = 'import os; os.close(0); print(\'{"answer": "So."}\')'
    assert (await asked(script(tmp_path, code), tmp_path, "x" * 1_000_000)).answer == "So."


def test_a_command_has_none_of_our_keys(tmp_path: Path) -> None:
    """It gets the rest of the environment."""
    code = "import json, os; print(json.dumps({'answer': ' '.join(sorted(os.environ))}))"
    line = f"command:{sys.executable} {tmp_path / 'tool.py'}"
    (tmp_path / "tool.py").write_text(code)
    asker = (
        "import asyncio, pathlib, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_systems_foreign import asked\n"
        f"print(asyncio.run(asked({line!r}, pathlib.Path({str(tmp_path)!r}), 'x')).answer)"
    )
    environment = {**os.environ, "OPENAI_API_KEY": "sk-loud", "XAI_API_KEY": "sk-loud", "TOOL_MODE": "fast"}
    ended = subprocess.run([sys.executable, "-c", asker], env=environment, capture_output=True, text=True, check=True)
    names = ended.stdout.split()
    assert "TOOL_MODE" in names and "PATH" in names
    assert not set(names) & set(KEYS)


@pytest.mark.parametrize("name", ["command:tool --key sk-very-loud", "file:answers-sk-very-loud.jsonl"])
async def test_a_key_in_a_systems_name_is_refused(name: str, tmp_path: Path) -> None:
    """The name stands in the log; the sentence does not say the key."""
    user = load({"home": str(tmp_path / "user")}, {"OPENAI_API_KEY": "sk-very-loud"})
    with pytest.raises(UsageFault, match="holds a key") as caught:
        async with open_system(name, {}, user, user.options(), home=tmp_path / "evals", say=print):
            pass
    assert "sk-very-loud" not in str(caught.value)


async def test_a_command_that_is_not_there_fails_its_case(tmp_path: Path) -> None:
    """The sentence names the command; one that cannot be read is refused before the first case."""
    with pytest.raises(EffectFailed, match="no-such-tool cannot be started"):
        await asked("command:no-such-tool --fast", tmp_path, "x")
    with pytest.raises(UsageFault, match="cannot be read"):
        await asked('command:tool "unclosed', tmp_path, "x")


async def test_answers_of_a_file_are_found_by_their_question(tmp_path: Path) -> None:
    """Rows in two wordings; white space does not matter, and a question without a row fails."""
    path = tmp_path / "answers.jsonl"
    rows = [
        {"id": 1, "prompt": "What is a tarn?", "article": "# Tarn\n\nA lake."},
        {"question": "Why?", "answer": "So."},
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    first = await asked(f"file:{path}", tmp_path, " What is  a tarn?")
    assert first.seconds > 0
    assert first.report == first.answer == "# Tarn\n\nA lake."
    assert (await asked(f"file:{path}", tmp_path, "Why?")).answer == "So."
    with pytest.raises(EffectFailed, match="no answer"):
        await asked(f"file:{path}", tmp_path, "Who?")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], "line 1 is not a JSON object"),
        (['{"question": "Why?"}'], "line 1 needs a question"),
        (['{"answer": "So."}'], "line 1 needs a question"),
        (['{"question": "Why?", "answer": "A"}', '{"query": "Why? ", "answer": "B"}'], "line 2 answers a question"),
    ],
)
async def test_a_bad_row_is_named(lines: list[str], words: str, tmp_path: Path) -> None:
    """File and line are told before any case is run."""
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UsageFault, match=words):
        await asked(f"file:{path}", tmp_path, "Why?")


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path is told."""
    with pytest.raises(UsageFault, match="cannot be read"):
        await asked(f"file:{tmp_path / 'none.jsonl'}", tmp_path, "Why?")
