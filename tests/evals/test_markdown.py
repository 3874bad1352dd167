"""Reading a report in Markdown: sentences, citation marks, references; and that any text can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.markdown import MADE, UNSUPPORTED_NOTE, Parsed, parse
from evals.marks import Mark
from research.records import Mode
from research.render import to_markdown
from research.report import Report, ReportFinding, ReportSentence, ReportSource, Skipped, UsageFacts
from research.sentences import sentences


def texts(report: Parsed) -> list[str]:
    """The texts of the sentences."""
    return [sentence.text for sentence in report.sentences]


def labels(text: str) -> list[list[str]]:
    """For each sentence, the labels or URLs of its marks."""
    return [[mark.label or mark.url for mark in sentence.marks] for sentence in parse(text).sentences]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It rose by 3 %. [1] It fell later [2].", [["1"], ["2"]]),
        ("It rose.[1][2] It fell.[3]", [["1", "2"], ["3"]]),
        ("It rose [1, 2] and fell [3-5].", [["1", "2", "3", "4", "5"]]),
        ("增长了百分之三。【1】【2】随后下降【3】。", [["1", "2"], ["3"]]),
        ("It rose【1†source】 and fell【4:0†L3-L9】.", [["1", "4"]]),
        ("It rose.[^1][^note] It fell.", [["^1", "^note"], []]),
        ("It rose [as Smith says](https://a.example/x_(y)).", [["https://a.example/x_(y)"]]),
        ("It rose. ([a.example](https://a.example/x)) It fell.", [["https://a.example/x"], []]),
        ("It rose [1](https://a.example/).", [["1"]]),
        ("It rose [[2]](https://a.example/).", [["2"]]),
        ("It rose, see https://a.example/b. It fell.", [["https://a.example/b"], []]),
        ("It rose (<https://a.example/b>).", [["https://a.example/b"]]),
        ("It rose<sup>1,2</sup> again.", [["1", "2"]]),
        ("In [2010-2015] it rose, x\\[1\\], `a[2]` and ![chart](https://a.example/c.png).", [[]]),
        ("See [the annex](#annex) and [x].", [[]]),
    ],
)
def test_marks_are_found_in_every_common_form(text: str, wanted: list[list[str]]) -> None:
    """Each form of citation gives its labels or URLs, to the sentence it follows; look-alikes give none."""
    assert labels(text) == wanted


def test_a_numbered_link_has_both_number_and_url() -> None:
    """``[1](url)`` names an entry and a URL, so it resolves without a list."""
    report = parse("It rose [1](https://a.example/).")
    assert report.sentences[0].marks == (Mark("1", "https://a.example/"),)
    assert report.resolves(report.sentences[0].marks[0])


def test_marks_leave_the_text_as_it_reads() -> None:
    """Marks, emphasis and escapes go; the words of a link stay; no space is left before a full stop."""
    report = parse("The **dam** [1] was \\*old\\* [2], as [Smith](https://a.example) says [3].")
    assert texts(report) == ["The dam was *old*, as Smith says."]
    assert texts(parse("It rose [1](https://a.example/1), [2](https://a.example/2).")) == ["It rose."]


def test_what_is_no_claim_is_no_sentence() -> None:
    """Headings, bold lines, code, rules, a table's head, images and the reference list are not sentences."""
    text = """# Title

**Overview:**
The dam holds.[1]

```python
x = [1]  # Not a claim.
```
---
| Year | Height |
|------|--------|
| 1931 | 40 m [2] |

- An item.
1. Another one

![A picture.](https://a.example/p.png)

## References
[1] One, https://a.example/1
[2] Two, https://a.example/2
"""
    report = parse(text)
    assert texts(report) == ["The dam holds.", "1931 | 40 m", "An item.", "Another one"]
    assert [sentence.kind for sentence in report.sentences] == ["prose", "row", "item", "item"]
    assert [mark.label for mark in report.sentences[1].marks] == ["2"]
    assert {sentence.heading for sentence in report.sentences} == {"Title"}


@pytest.mark.parametrize(
    "lines",
    [
        "## Sources\n[1] First thing: https://a.example/1  \n[2] https://b.example/2",
        "### 六、参考来源\n1. [First thing](https://a.example/1)\n2. [Other](https://b.example/2)",
        "**References:**\n- [1] First thing, https://a.example/1\n- [2] Other - https://b.example/2",
        "References:\n【1】First thing https://a.example/1\n【2】Other https://b.example/2",
        "## 参考文献\n[1] First thing:\nhttps://a.example/1\n[2] Other:\nhttps://b.example/2",
        "[1] First thing (https://a.example/1)\n\n[2] Other https://b.example/2",
        '[1]: https://a.example/1 "First thing"\n[2]: https://b.example/2',
        "[^1]: First thing, https://a.example/1\n[^2]: Other https://b.example/2",
        "## Sources\n[1] [First thing](https://a.example/1) | [2] [Other](https://b.example/2)",
    ],
)
def test_reference_lists_of_every_common_form_are_read(lines: str) -> None:
    """Two entries, in order, with number and URL, and nothing of them counts as a sentence."""
    report = parse(f"# T\n\nThe body says so.\n\n{lines}\n")
    assert texts(report) == ["The body says so."]
    assert [entry.label.strip("^") for entry in report.references] == ["1", "2"]
    assert [entry.url for entry in report.references] == ["https://a.example/1", "https://b.example/2"]


def test_a_dangling_mark_does_not_resolve() -> None:
    """A number that is not in the list resolves to nothing; neither does a footnote to a list's number."""
    report = parse("It rose [1] and fell [7] again.[^1]\n\n## Sources\n\n1. [One](https://a.example/1)\n")
    assert [report.resolves(mark) for mark in report.sentences[0].marks] == [True, False, False]


def test_a_section_after_the_list_is_body_again() -> None:
    """A heading of the list's level ends it; a deeper one does not."""
    report = parse("## Sources\n### Web\n1. [One](https://a.example/1)\n## Annex\nThe annex speaks.\n")
    assert texts(report) == ["The annex speaks."]
    assert len(report.references) == 1


def test_a_body_section_about_sources_is_no_reference_list() -> None:
    """Only a heading that says references, and nothing else, opens the list."""
    report = parse("## Renewable energy sources\n\nWind grew by 4 percent.\n")
    assert texts(report) == ["Wind grew by 4 percent."]


def test_hard_wrapped_lines_are_one_paragraph_and_long_lines_are_not() -> None:
    """Lines flow together in a text that is wrapped by hand; in one with long lines each line is its own paragraph."""
    assert texts(parse("The dam was\nbuilt in 1931.\n")) == ["The dam was built in 1931."]
    assert texts(parse(f"The dam was old\nIts wall was high\n{'long ' * 40}\n"))[:2] == [
        "The dam was old",
        "Its wall was high",
    ]
    assert texts(parse("水库建于\n一九三一年。")) == ["水库建于一九三一年。"]


def our_report() -> Report:
    """A small report as the program makes it."""
    source = ReportSource(id="ab" * 32, url="https://a.example/dam", title="The [dam]", path="/x/ab", label="public")
    finding = ReportFinding(
        id="f1", statement="s", quote="built in 1931.", source=source.id, start=3, end=17, verdict="supported"
    )
    return Report(
        run="r1", status="partial", exit_code=3, question="When was the dam built?",
        mode=Mode(name="workflow", scores=(), reasons=("It is simple.",)), analyst="extractive", notice="No model.",
        answer="The dam was built in 1931.",
        sentences=(
            ReportSentence(text="The dam was built in 1931.", findings=("f1",), verdict="supported"),
            ReportSentence(text="It has 4 gates.", findings=("f1",), verdict="unsupported"),
            ReportSentence(text="It is *old*.", section="More"),
        ),
        findings=(finding,), sources=(source,), branches=(), not_found=("The cost of 3 dams.",),
        skipped=(Skipped(what="page 9", why="budget"),), disagreements=(),
        usage=UsageFacts(tokens=1, usd=0, calls=1, seconds=1),
    )  # fmt: skip


def test_our_own_report_reads_back() -> None:
    """The program's Markdown gives back its sentences with their footnotes, its source, and none of its small print."""
    report = parse(to_markdown(our_report()))
    assert texts(report) == ["The dam was built in 1931.", "It has 4 gates.", "It is *old*."]
    assert [[mark.label for mark in sentence.marks] for sentence in report.sentences] == [["^1"], ["^1"], []]
    assert all(report.resolves(mark) for sentence in report.sentences for mark in sentence.marks)
    assert [(entry.title, entry.url) for entry in report.listed()] == [("The [dam]", "https://a.example/dam")]


def test_the_words_that_are_left_out_are_those_of_our_reports() -> None:
    """A report prints every heading and note that the reader leaves out, word for word, and no other section is one."""
    printed = to_markdown(our_report())
    headings = {line.lstrip("# ").lower() for line in printed.splitlines() if line.startswith("#")}
    assert headings >= MADE and UNSUPPORTED_NOTE in printed
    assert not [heading for heading in headings - MADE if heading.startswith(("what ", "how "))]


def test_a_line_without_a_space_is_cut_in_linear_time() -> None:
    """Two hundred thousand characters that look like the start of a call are read within the test's time-out."""
    for seed in ("_a", "a(", "(a "):
        assert sentences(seed * 100_000)


@given(
    st.text(alphabet=st.sampled_from('[]()【】^†*_#|`~>-+=!.。？<>/\\:;,1290aB中 \n\t\ue000"“”'), max_size=300)
    | st.text()
)
def test_any_text_can_be_read(text: str) -> None:
    """Whatever the text, reading ends, does not raise, and gives sentences with a letter or digit in them."""
    report = parse(text)
    assert all(any(char.isalnum() or char == "_" for char in sentence.text) for sentence in report.sentences)
    assert all(entry.url or entry.title for entry in report.references)


@pytest.mark.parametrize(
    "seed",
    ["[", "[1](", "((", "* ", "- ", "| ", "**a", "`", "``", "【1", "[^", "https://a.b/(", "<sup>", "a. A",
     "!\\[", "> ", ". [1]", "\n#", "\n[1] x http://", "\n|a|", "1. ", "_", "“", "\n```\n", "A B ", "\ue000"],
)  # fmt: skip
def test_no_pattern_runs_away(seed: str) -> None:
    """A hundred thousand characters made to provoke a pattern are read well within the test's time-out."""
    parse(seed * (100_000 // len(seed)))


def test_a_megabyte_of_everything_is_read() -> None:
    """Reading takes linear time: a hostile megabyte, on one line and on many, ends within the test's time-out."""
    hostile = "[1](((https://a.b/(* - **a`[^x]: | 【1†. A_“!\\[> <sup>"
    parse(hostile * (500_000 // len(hostile)) + f"\n{hostile}" * (500_000 // len(hostile)))


@pytest.mark.parametrize("name", ["drb_claude-3-7_cleaned", "open_deep_research_drb_gpt-4.1"])
def test_published_reports_are_read_cleanly(shared_data: Path, name: str) -> None:
    """Of 100 published reports no mark or address of the web's own form is left in the sentences."""
    lines = (shared_data / "reports" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    reports = [parse(json.loads(line)["article"]) for line in lines]
    said = [text for report in reports for text in texts(report)]
    assert len(reports) == 100 and all(report.sentences for report in reports)
    assert not [text for text in said if "](" in text or "**" in text or "【" in text]
    marks = [mark for report in reports for sentence in report.sentences for mark in sentence.marks]
    assert (len(marks) > 4000) is (name == "open_deep_research_drb_gpt-4.1")
