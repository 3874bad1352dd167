"""A report from many findings, by the real command over the wire: written in parts, checked, put right, resumed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from scene import begin, essence, model_server, run

from tools.fakes.persona import Answer, answer_to, blocks

QUESTION = "Which numbers does the ledger of the harbour name?"
WRONG, RIGHT = "Wrongly told", "Rightly told"
SENTENCE = re.compile(r"[^.\n]+\.")


def content(body: Mapping[str, Any]) -> str:
    return "\n".join(message["content"] for message in body["messages"])


def fields(body: Mapping[str, Any]) -> set[str]:
    shape = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema") or {}
    return set(shape.get("properties", {}))


def played(body: dict[str, Any]) -> Answer:
    """Read every sentence, word one of a section wrongly, and find that one unsupported until it is put right."""
    prompt, asked = content(body), fields(body)
    if asked == {"quotes"}:
        texts = [(int(facts["number"]), match[0].strip()) for facts, text in blocks(prompt, "passage")
                 for match in SENTENCE.finditer(text)]  # fmt: skip
        quotes = [{"passage": n, "quote": text, "statement": text, "relevance": 0.5} for n, text in texts]
        return {"json": {"quotes": quotes}}
    if asked == {"sentences"}:
        data = answer_to(body)["json"]
        first = data["sentences"][0]
        return {"json": {"sentences": [{**first, "text": f"{WRONG}: {first['text']}"}, *data["sentences"][1:]]}}
    if asked == {"verdicts"}:
        claims = [(int(facts["number"]), text) for facts, text in blocks(prompt, "claim")]
        said = {True: ("unsupported", "it is told otherwise"), False: ("supported", "so it is")}
        told = [(number, *said[text.startswith(WRONG)]) for number, text in claims]
        return {"json": {"verdicts": [{"number": n, "reason": why, "verdict": what} for n, what, why in told]}}
    if asked == {"repairs"}:
        ids = re.findall(r"<quote-\w+ id=\"([^\"]+)\"", prompt)
        texts = [text.splitlines()[0].removeprefix("sentence: ") for _, text in blocks(prompt, "sentence")]
        pairs = enumerate(zip(texts, ids, strict=True), 1)
        fixed = [{"number": n, "text": text.replace(WRONG, RIGHT), "findings": [id]} for n, (text, id) in pairs]
        return {"json": {"repairs": fixed}}
    return answer_to(body)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus of sixteen different sentences."""
    folder = tmp_path_factory.mktemp("parts")
    documents = folder / "documents"
    documents.mkdir()
    for number in range(4):
        told = [f"The ledger of the harbour names the number {number}{n} of the ships." for n in range(4)]
        (documents / f"ledger{number}.md").write_text("\n\n".join(told), encoding="utf-8")
    ended = run(folder / "home", "index", str(documents), "--corpus", "ledger", "--public")
    assert ended.returncode == 0, ended.stderr
    return folder / "home"


def asking(server: Any, *more: str) -> tuple[str, ...]:
    """The command that asks the question of a server's model."""
    model = ("--model", "openai:gpt-4o-mini", "--base-url", server.base_url)
    return ("ask", QUESTION, "--corpus", "ledger", "--branches", "1", "--rounds", "1", "--json", *model, *more)


def test_a_long_report_in_dutch_is_written_in_parts_and_put_right(home: Path, tmp_path: Path) -> None:
    """Every call of the writer has the wish; the wrong sentences are put right, counted, and no other is touched."""
    with model_server(tmp_path / "log", answer=played) as server:
        ended = run(home, *asking(server, "--length", "long", "--language", "Dutch"))
    assert ended.returncode == 0, ended.stderr
    written = [body for body in server.requests if fields(body) & {"sections", "sentences", "answer", "repairs"}]
    assert [sorted(fields(body)) for body in written] == [
        ["disagreements", "sections"], ["sentences"], ["sentences"], ["answer"], ["repairs"],
    ]  # fmt: skip
    assert all("in Dutch" in content(body) for body in written)
    assert "at most 8 sections" in content(written[0])
    report = json.loads(ended.stdout)
    texts = [sentence["text"] for sentence in report["sentences"]]
    assert not [text for text in texts if text.startswith(WRONG)]
    assert [text.startswith(RIGHT) for text in texts].count(True) == 3
    assert {sentence["verdict"] for sentence in report["sentences"]} == {"supported"}
    assert report["checks"] == {"asked": 4, "rewritten": 2, "removed": 0}
    assert (report["status"], report["skipped"]) == ("done", [])
    told = [line for line in ended.stderr.splitlines() if "not yet checked" in line]
    assert [line.split(",")[0] for line in told] == ["written", "written", "answer"]


def test_what_the_writer_cannot_put_right_the_stronger_model_does(home: Path, tmp_path: Path) -> None:
    """The dearer planner's model is asked in its place, once for all of them, and the report says so."""

    def unable(body: dict[str, Any]) -> Answer:
        stubborn = fields(body) == {"repairs"} and body["model"] == "gpt-4o-mini"
        return {"json": {"repairs": []}} if stubborn else played(body)

    with model_server(tmp_path / "log", answer=unable) as server:
        ended = run(home, *asking(server, "--role", f"planner=openai:gpt-4o@{server.base_url}"))
    assert ended.returncode == 0, ended.stderr
    assert [body["model"] for body in server.requests if fields(body) == {"repairs"}] == ["gpt-4o-mini", "gpt-4o"]
    report = json.loads(ended.stdout)
    assert not [said for said in report["sentences"] if said["text"].startswith(WRONG)]
    assert report["checks"] == {"asked": 4, "rewritten": 2, "removed": 0}
    (told,) = report["routing"]
    assert told.startswith("writing was escalated to openai:gpt-4o 1 time:") and "failed the check" in told


def test_a_short_report_of_a_fork_is_one_call(home: Path, tmp_path: Path) -> None:
    """A fork at compose takes the wish and uses what was found again: one call writes the report."""
    with model_server(tmp_path / "log", answer=played) as server:
        assert run(home, *asking(server)).returncode == 0
        before = len(server.requests)
        ended = run(home, "fork", "--last", "--at", "compose", "--length", "short", "--json")
    assert ended.returncode == 0, ended.stderr
    (writer,) = server.requests[before:]
    assert {"answer", "sections"} <= fields(writer)
    assert "at most 1 section," in content(writer)


def test_a_run_killed_while_it_writes_ends_in_the_same_report(home: Path, tmp_path: Path) -> None:
    """Killed when the second section is asked for, it is resumed to what an undisturbed run says."""
    with model_server(tmp_path / "log", answer=played) as server:
        calm = run(home, *asking(server))
    sections: list[int] = []

    def watch(line: dict[str, Any]) -> None:
        if line["event"] == "received" and fields(server.requests[line["n"] - 1]) == {"sentences"}:
            sections.append(line["n"])
            if len(sections) == 2:
                process.kill()

    with model_server(tmp_path / "killed", watch, answer=played) as server:
        process = begin(home, *asking(server))
        process.communicate(timeout=100)
        ended = run(home, "resume", "--last", "--json")
    assert process.returncode == -9
    assert ended.returncode == 0, ended.stderr
    assert essence(json.loads(ended.stdout)) == essence(json.loads(calm.stdout))


@pytest.mark.parametrize("flag", [("--length", "long"), ("--language", "Dutch")])
def test_a_wish_that_no_model_hears_is_refused(home: Path, flag: tuple[str, str]) -> None:
    """Without a model quotes stand as they were found: the flag is named, and nothing is begun."""
    ended = run(home, "ask", QUESTION, "--corpus", "ledger", *flag)
    assert ended.returncode == 2
    assert flag[0] in ended.stderr and "--model" in ended.stderr
