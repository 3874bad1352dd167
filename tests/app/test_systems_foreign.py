"""Another tool's command, and answers in a file: what they give is taken, and what cannot be used fails the case."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import pytest

from evals.records import Document, Outcome
from research.app.systems import open_system
from research.budget import Caps
from research.errors import EffectFailed, UsageFault
from research.records import Question
from research.settings import load

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
print(json.dumps({"answer": texts[best[0]], "ranked": best, "citations": [quote], "resumed": "never"}))
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


def ended(process: int) -> bool:
    """Whether a process is gone, or dead and not yet waited for."""
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


async def test_a_command_is_given_the_documents_and_its_outcome_is_taken(tmp_path: Path) -> None:
    """It reads the files, names documents by their ids, and says nothing of what the harness finds out itself."""
    outcome = await asked(script(tmp_path, ECHO), tmp_path, "barrier")
    assert outcome.ranked == ("a/weir", "tarn")
    assert outcome.answer == "A barrier."
    assert (outcome.citations[0].document, outcome.citations[0].start) == ("a/weir", -1)
    assert outcome.seconds > 0 and outcome.resumed is None


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
    ],
)
async def test_what_a_command_gets_wrong_fails_its_case(code: str, words: str, tmp_path: Path) -> None:
    """A bad exit, bad JSON, a wrong type, an unknown document or a citation of nothing is never scored."""
    with pytest.raises(EffectFailed, match=words.replace("names?", "named")):
        await asked(script(tmp_path, code), tmp_path, "x")


async def test_a_command_is_ended_at_its_limit(tmp_path: Path) -> None:
    """A command that never ends, and its child, are killed when the case's seconds are over."""
    code = (
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"pathlib.Path({str(tmp_path / 'child')!r}).write_text(str(child.pid))\n"
        "child.wait()"
    )
    with pytest.raises(EffectFailed, match="within 3 s"):
        await asked(script(tmp_path, code), tmp_path, "x", Caps(seconds=3))
    assert ended(int((tmp_path / "child").read_text()))


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
