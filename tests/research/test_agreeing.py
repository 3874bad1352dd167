"""How many independent sources say a sentence, and that none is printed twice."""

from __future__ import annotations

from research.analysts import Notes
from research.analysts.agreeing import agreed
from research.records import Draft, Finding, Question, Section, Sentence, Source, Task

ASK = "When was Harlow Mill founded?"
TASK = Task.make(ASK, (ASK,), "corpus", corpus="a")
TEXT = "Harlow Mill was founded in 1871 by the river Stort."


def of(place: int, text: str, *, title: str = "", context: str = "") -> tuple[Finding, Source]:
    """Return a finding of its own source, which was also read for ``context``."""
    source = f"{place:064d}"
    return (
        Finding(
            id=str(place),
            task=TASK.id,
            statement=text,
            quote=f"{text} {context}".strip(),
            source=source,
            start=0,
            end=len(text),
            label="public",
            title=title,
        ),
        Source(id=source, url="", title=title, label="public"),
    )


def answer(*pairs: tuple[Finding, Source]) -> Sentence:
    """Return the answer's one sentence, which rests on the first finding."""
    findings, sources = zip(*pairs, strict=True)
    notes = Notes(question=Question(text=ASK), tasks=(TASK,), findings=findings, sources=sources, outcomes=())
    draft = Draft(answer=(Sentence(text=findings[0].statement, findings=("0",)),), sections=())
    return agreed(draft, notes).answer[0]


def test_independent_sources_that_say_it_are_cited_and_counted() -> None:
    """Two sources in their own words are two; the sentence cites both."""
    told = answer(of(0, TEXT), of(1, "By the river Stort, Harlow Mill was founded in 1871."))
    assert (told.origins, told.findings) == (2, ("0", "1"))


def test_copies_count_once() -> None:
    """The same text in two places is one source's word."""
    copy = "It was the first mill in the valley and had two wheels and a house."
    told = answer(of(0, TEXT, context=copy), of(1, TEXT, context=copy))
    assert (told.origins, told.findings) == (0, ("0",))


def test_another_year_name_or_thing_is_no_agreement() -> None:
    """A sentence with another figure, or of a company that it does not name, agrees with nothing."""
    assert answer(of(0, TEXT), of(1, TEXT.replace("1871", "1874"))).origins == 0
    assert answer(of(0, TEXT), of(1, TEXT.replace("Harlow", "Corby"))).origins == 0
    told = "The company was founded in 1871 by two sisters."
    other = "By two sisters the company was founded in 1871."
    assert answer(of(0, told, title="Harlow Mill"), of(1, other, title="Corby Mill")).origins == 0
    assert answer(of(0, told, title="Harlow Mill"), of(1, other, title="Harlow Mill: a history")).origins == 2


def test_no_sentence_is_printed_twice() -> None:
    """What the answer or an earlier section says is left out further on, and an empty section with it."""
    one, two = (Sentence(text=text, findings=("0",)) for text in (TEXT, "It has two wheels."))
    finding, source = of(0, TEXT)
    notes = Notes(question=Question(text=ASK), tasks=(TASK,), findings=(finding,), sources=(source,), outcomes=())
    sections = (
        Section(heading="A", sentences=(one, two)),
        Section(heading="B", sentences=(two,)),
    )
    draft = agreed(Draft(answer=(one,), sections=sections), notes)
    assert draft.sections == (Section(heading="A", sentences=(two,)),)
