"""A report as Markdown and JSON: what is where, and that outside text stays text."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from research.analysts.telling import NEAREST
from research.injection import Attempt
from research.records import Disagreement, Mode, Score
from research.render import (
    BESIDES,
    CONCLUDED,
    NO_ANSWER,
    NOT_AN_ANSWER,
    NOTHING_READ,
    json_schema,
    to_json,
    to_markdown,
)
from research.report import (
    BranchFacts,
    CapFacts,
    Report,
    ReportFinding,
    ReportSentence,
    ReportSource,
    Skipped,
    UsageFacts,
    checked,
)

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"
DIMENSIONS = (
    "complexity",
    "business value",
    "reliability required",
    "technical readiness",
    "organisational maturity",
)
EVIL = "# [a](http://evil.test) <img src=x onerror=alert(1)> | \x1b]52;c;YQ==\x07 \u202e [^9]"


def sample(**changes: object) -> Report:
    """A small partial report; ``changes`` replace fields."""
    report = Report(
        run="20261122-101500-abc123",
        status="partial",
        exit_code=3,
        question="How are budgets enforced?",
        mode=Mode(
            name="workflow",
            scores=tuple(Score(dimension=name, value=3, reason="default") for name in DIMENSIONS),
            reasons=("No language model is configured, so every step is a fixed one.",),
        ),
        analyst="extractive",
        notice="No language model is configured.",
        answer="Budgets are reserved before each call.",
        sentences=(
            ReportSentence(text="Budgets are reserved before each call.", findings=("f-1",), verdict="supported"),
            ReportSentence(text="In short.", section="Details"),
            ReportSentence(text="Caps are a wall.", findings=("f-2", "f-1"), section="Details"),
        ),
        findings=(
            finding("f-1", "reserved before\neach call", 10, 35),
            finding("f-2", "a wall", 40, 46),
        ),
        sources=(
            ReportSource(
                id="ab" * 32,
                url="https://docs.test/budgets",
                title="Budgets",
                path="/home/library/ab.txt",
                label="public",
                published="2026-01-02",
            ),
        ),
        branches=(
            BranchFacts(
                task="Find how caps work",
                type="corpus",
                kind="workflow",
                outcome="done",
                usage=UsageFacts(tokens=0, usd=0.0, calls=3, seconds=0.25),
            ),
        ),
        not_found=("The price of a call",),
        skipped=(Skipped(what="b.pdf", why="it is encrypted"),),
        disagreements=(Disagreement(about="when caps hold", findings=("f-1", "f-2")),),
        usage=UsageFacts(tokens=1200, usd=None, calls=12, seconds=3.21, caps=CapFacts(tokens=5000, usd=0.5)),
    )
    return checked(msgspec.structs.replace(report, **changes))


def finding(id: str, quote: str, start: int, end: int) -> ReportFinding:
    """A finding in the sample's one source."""
    return ReportFinding(
        id=id, statement="s", quote=quote, source="ab" * 32, start=start, end=end, verdict="could not check"
    )


def headings(markdown: str) -> list[str]:
    """The second-level headings, in order."""
    return [line[3:] for line in markdown.splitlines() if line.startswith("## ")]


def test_the_answer_is_first_and_the_run_last() -> None:
    """A reader meets the question, the answer, the sections, the losses, the sources, and then how it was made."""
    made = to_markdown(sample())
    assert made.startswith("# How are budgets enforced?\n\n## Answer\n\nBudgets are reserved before each call.[^1]\n")
    assert headings(made) == [
        "Answer",
        "Details",
        "What could not be found",
        "What was skipped and why",
        "Where sources disagree",
        "Sources",
        "How this was made",
    ]


def test_every_citation_has_its_footnote() -> None:
    """A footnote shows quote, source, date, hash and span; findings are numbered in the order of reading."""
    made = to_markdown(sample())
    assert "In short. Caps are a wall.[^2][^1]" in made
    assert (
        "[^1]: “reserved before each call” — [Budgets](https://docs.test/budgets), 2026-01-02, "
        "sha256 abababababab, characters 10–35\n[^2]: “a wall”"
    ) in made
    assert "1. [Budgets](https://docs.test/budgets), 2026-01-02, sha256 abababababab" in made
    assert "stored at /home/library/ab.txt, 2 quoted spans" in made


def test_the_run_is_accounted_for() -> None:
    """Mode, scores, branches and what was used of each cap are told; a price that is not known is said to be."""
    made = to_markdown(sample())
    for words in (
        "No language model is configured.\n",
        "exit code 3",
        "- Mode: workflow. No language model",
        "- Tokens: 1,200 of at most 5,000",
        "- Money: cost unknown of at most $0.50",
        "- Calls: 12\n",
        "| complexity | 3 of 5 | default |",
        "| Find how caps work | corpus, workflow | done | 3 | 0 | $0.00 | 0.2 |",
        "2 cited sentences: 1 supported, 1 could not check",
    ):
        assert words in made


def test_a_report_without_findings_says_so() -> None:
    """Where nothing was found there is a plain sentence, and no heading stands over nothing."""
    empty = sample(
        answer="", sentences=(), findings=(), sources=(), not_found=(), skipped=(), disagreements=(), branches=()
    )
    made = to_markdown(empty)
    assert "## Answer\n\nNo answer: nothing was searched or read, see below.\n" in made
    assert headings(made) == ["Answer", "How this was made"]


def test_a_report_says_that_nothing_could_be_read_where_every_search_failed() -> None:
    """That nothing was found would be a claim about sources that nobody read."""
    failed = BranchFacts(
        task="a", type="web", kind="workflow", outcome="failed", usage=UsageFacts(tokens=0, usd=0, calls=1, seconds=1)
    )
    bare = sample(answer="", sentences=(), findings=(), sources=(), disagreements=(), branches=(failed,))
    assert f"## Answer\n\n{NOTHING_READ}\n" in to_markdown(bare)
    done = msgspec.structs.replace(failed, outcome="done")
    partly = to_markdown(msgspec.structs.replace(bare, branches=(failed, done)))
    assert "## Answer\n\nNo answer was found in what was read, and nothing that comes near one.\n" in partly


def test_a_report_without_an_answer_says_whether_anything_came_near() -> None:
    """The nearest evidence is marked as no answer; beside an answer it is what else came close."""
    near = ReportSentence(text="Caps are a wall.", findings=("f-1",), section=NEAREST)
    alone = to_markdown(sample(answer="", sentences=(near,)))
    assert f"{NO_ANSWER}\n\n## {NEAREST}\n\n{NOT_AN_ANSWER}\n\nCaps are a wall.[^1]" in alone
    answer = ReportSentence(text="Caps are reserved.", findings=("f-2",))
    beside = to_markdown(sample(answer="Caps are reserved.", sentences=(answer, near)))
    assert f"## {NEAREST}\n\n{BESIDES}\n" in beside and NOT_AN_ANSWER not in beside


def test_what_a_rule_concluded_is_marked_and_the_lines_are_a_list() -> None:
    """The short answer says that no quote has these words; the heads that it rests on stand one below the other."""
    both = ("f-1", "f-2")
    lines = [ReportSentence(text=f"REP: {n} · Author: Ann.", findings=(f,)) for n, f in zip((7, 12), both, strict=True)]
    short = ReportSentence(text="Two.", findings=both, verdict="supported", concluded=True)
    made = to_markdown(sample(answer="Two.", sentences=(short, *lines)))
    assert f"Two.[^1][^2] {CONCLUDED}\n\n- REP: 7 · Author: Ann.[^1]\n- REP: 12 · Author: Ann.[^2]\n" in made


def test_a_line_of_a_head_says_whose_it_is() -> None:
    """``Status: Final`` alone tells nobody which document it is of."""
    line = ReportSentence(text="Status: Final.", findings=("f-1",))
    assert "Status: Final.[^1] *(Budgets)*\n" in to_markdown(sample(answer="Status: Final.", sentences=(line,)))
    prose = ReportSentence(text="The status is final.", findings=("f-1",))
    assert "*(Budgets)*" not in to_markdown(sample(answer="The status is final.", sentences=(prose,)))


def test_an_unsupported_sentence_is_marked() -> None:
    """A sentence that its quotes do not support does not look like one that they do."""
    sentence = ReportSentence(text="Caps may be passed.", findings=("f-1",), verdict="unsupported")
    assert "Caps may be passed.[^1] *(not supported by its quotes)*" in to_markdown(sample(sentences=(sentence,)))


def test_a_very_long_question_is_given_whole_below_its_title() -> None:
    """The title is cut, the question is not."""
    question = "why " * 100 + "really?"
    made = to_markdown(sample(question=question))
    assert len(made.splitlines()[0]) < 210
    assert question in made


def test_outside_text_stays_text() -> None:
    """Titles, quotes, sentences and reasons from outside make no link, HTML, heading, footnote or control sequence."""
    source = msgspec.structs.replace(sample().sources[0], title=EVIL, url="javascript:alert(1)")
    made = to_markdown(
        sample(
            question=EVIL,
            sources=(source,),
            findings=(finding("f-1", EVIL, 0, 9), finding("f-2", EVIL, 0, 9)),
            sentences=(ReportSentence(text=EVIL, findings=("f-1",), section=EVIL),),
            skipped=(Skipped(what=EVIL, why=EVIL),),
            not_found=(EVIL,),
        )
    )
    assert "<img" not in made
    assert "](http" not in made.replace("\\](", "").replace("](`", "")
    assert "[^9]" not in made.replace("\\[^9\\]", "")
    assert "\x1b" not in made
    assert "\u202e" not in made
    assert len(headings(made)) == 7


def test_json_is_the_report() -> None:
    """What --json prints reads back as the same report, keeps letters of any script and hides no control character."""
    report = sample(question="Wie werden Budgets für 中文 durchgesetzt? \x9b\u202e")
    text = to_json(report)
    assert msgspec.json.decode(text, type=Report) == report
    assert "für 中文" in text
    assert "\\u009b\\u202e" in text
    assert text.startswith('{\n  "run": ')


def test_the_schema_file_is_that_of_the_report() -> None:
    """docs/report.schema.json is what the records say; when it is stale, the message has the command that makes it."""
    command = (
        'python -c "import json, research.render as r; '
        'print(json.dumps(r.json_schema(), indent=2, ensure_ascii=False))" > docs/report.schema.json'
    )
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json.loads(json.dumps(json_schema())), command


def test_a_report_fits_the_schema() -> None:
    """The sample fits the published schema, and a report that lacks a field does not."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    good = json.loads(to_json(sample()))
    jsonschema.validate(good, schema)
    for name in ("run", "status", "exit_code", "mode", "answer", "sentences", "findings", "sources", "usage"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in good.items() if key != name}, schema)


def test_a_disagreement_shows_both_quotes_with_their_dates() -> None:
    """Each side has its quote, source and date; the newer one is marked, and what is not dated says so."""
    other = ReportSource(id="cd" * 32, url="", title="Notes", path="/home/library/cd.txt", label="public")
    sides = (
        msgspec.structs.replace(finding("f-1", "reserved before\neach call", 10, 35), dated="2026-03-04"),
        msgspec.structs.replace(finding("f-2", "a wall", 40, 46), source=other.id),
    )
    entry = Disagreement(about="when caps hold", findings=("f-1", "f-2"), newer="f-1")
    made = to_markdown(sample(findings=sides, sources=(*sample().sources, other), disagreements=(entry,)))
    assert "- when caps hold\n  - “reserved before each call”[^1] — Budgets, 2026-03-04, the newer\n" in made
    assert "  - “a wall”[^2] — Notes, not dated\n" in made


def test_a_sentence_says_how_many_independent_sources_it_has() -> None:
    """The number stands after the marks where it is more than one, and nowhere else."""
    said = ReportSentence(text="Caps are a wall.", findings=("f-2", "f-1"), origins=2)
    made = to_markdown(sample(sentences=(said, *sample().sentences[1:])))
    assert "Caps are a wall.[^1][^2] (2 independent sources)" in made
    assert made.count("independent sources") == 1


def test_the_nearest_evidence_is_marked_as_no_answer() -> None:
    """Above what is only near stands that none of it answers."""
    near = ReportSentence(text="Caps are a wall.", findings=("f-2",), section="Nearest evidence")
    made = to_markdown(sample(answer="", sentences=(near,), disagreements=()))
    assert f"{NO_ANSWER}\n\n## Nearest evidence\n\n{NOT_AN_ANSWER}\n\nCaps are a wall.[^1]" in made


def test_a_page_that_tried_to_instruct_is_named_with_its_patterns() -> None:
    """Markdown names the page, the patterns and how often each, and says that it was read as data only."""
    attempt = Attempt(
        url="https://evil.test/a",
        title=EVIL,
        where="page",
        signs={"asks to ignore instructions": 2, "hidden text": 1},
        source="ab" * 32,
    )
    markdown = to_markdown(sample(attempts=(attempt,)))
    part = markdown.partition("## Pages that tried to instruct the reader\n")[2].partition("\n## ")[0]
    assert "asks to ignore instructions (twice), hidden text" in part
    assert "data only" in part
    assert "abababababab" in part
    assert "\x1b" not in part
    assert "](http://evil.test" not in part
    assert "Pages that tried" not in to_markdown(sample())
