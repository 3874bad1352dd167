"""Worlds made of real PEPs and EIPs: every question against a second reading of headers and texts."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from proposal_reader import Reader

from evals.records import Case
from evals.suite import Loaded, Request, documents_by_id
from evals.suites.world import SUITE

ARCHIVES = ("peps_rst", "eips_md")
SEEDS = (1, 2)


@pytest.fixture(scope="module", params=[(archive, seed) for archive in ARCHIVES for seed in SEEDS], ids=str)
def world(request: pytest.FixtureRequest, shared_data: Path) -> Loaded:
    """270 questions about one of the collections."""
    archive, seed = request.param
    return SUITE.load(Request(shared_data / "worlds" / f"{archive}.tar.gz", seed, 270))


@pytest.fixture(scope="module")
def reader(world: Loaded) -> Reader:
    """A second reading of the same documents."""
    return Reader(world.corpora["world"])


def answerable(world: Loaded) -> list[Case]:
    """The cases that have an answer."""
    return [case for case in world.cases if case.gold.answerable]


def test_every_answer_follows_from_the_words_of_its_question(world: Loaded, reader: Reader) -> None:
    """A reader that knows the question's text and the headers alone comes to the gold answer, part for part."""
    wrong = []
    for case in answerable(world):
        said = reader.answer(case.question.text)
        fits = [any(part in wordings for part in said) for wordings in case.gold.answers]
        if len(said) != len(fits) or not all(fits):
            wrong.append((case.id, case.question.text, said, case.gold.answers))
    assert not wrong


def test_no_question_comes_twice_and_none_names_its_answer(world: Loaded) -> None:
    """Questions are unique, and the answer of a chain does not stand in its question."""
    texts = [case.question.text for case in world.cases]
    assert len(set(texts)) == len(texts) == len({case.id for case in world.cases}) == 270
    for case in world.cases:
        if re.fullmatch(r"\d hops?", case.group):
            said = [
                w for part in case.gold.answers for w in part if re.search(rf"\b{re.escape(w)}\b", case.question.text)
            ]
            assert not said, case.question.text


def test_groups_are_of_equal_size(world: Loaded) -> None:
    """Nine groups share 270 questions evenly."""
    assert Counter(case.group for case in world.cases) == dict.fromkeys(
        ["1 hop", "2 hops", "3 hops", "4 hops", "comparison", "list", "temporal", "count", "unanswerable"], 30
    )


def test_every_span_is_a_header_or_a_sentence_that_states_its_fact(world: Loaded, reader: Reader) -> None:
    """A span is a whole header of the proposal its fact names (or of the other end), or a sentence naming the end."""
    documents = documents_by_id(world.corpora, ["world"])
    for case in answerable(world):
        for span in case.gold.spans:
            text = documents[span.document].text[span.start : span.end]
            subject, relation = re.fullmatch(r"\w+[ -](\d+): ([\w-]+)", span.fact).groups()
            teller = int(span.document.split("-")[1])
            header = re.match(r"([A-Za-z-]+):", text)
            if header and teller == int(subject):
                assert header[1].lower().endswith(relation.lower()), (span, text)
            elif header:
                assert (header[1], relation) == ("Replaces", "Superseded-By") and subject in re.findall(r"\d+", text)
            else:
                assert relation == "Status" or re.search(r"(?:pep|eip|erc)\W{0,3}\d", text, re.IGNORECASE), text
            assert text == text.strip() and "\n\n" not in text and len(text) > 4


def test_gold_documents_are_those_of_the_chain(world: Loaded) -> None:
    """Every fact's first place is in a graded document, and no other document is graded."""
    for case in answerable(world):
        first = {span.fact: span.document for span in reversed(case.gold.spans)}
        assert set(first.values()) == set(case.gold.grades) and set(case.gold.grades.values()) == {1}


def test_hops_count_the_facts(world: Loaded) -> None:
    """A question of n hops rests on n facts."""
    for case in world.cases:
        if match := re.fullmatch(r"(\d) hops?", case.group):
            assert len({span.fact for span in case.gold.spans}) == int(match[1]), case.question.text


def test_a_reader_of_all_texts_finds_no_answer_to_the_unanswerable(world: Loaded, reader: Reader) -> None:
    """No header states what is asked, no line near the number speaks of it, and no text knows the name or number."""
    for case in world.cases:
        if not case.gold.answerable:
            assert not (case.gold.answers or case.gold.spans or case.gold.grades)
            assert not told(case.question.text, reader), case.question.text


def told(question: str, reader: Reader) -> str:
    """What the texts say about an unanswerable question, "" for nothing."""
    named = re.search(rf"(?:{reader.series}[- ]\d+|the {reader.series} titled “.*”)", question)
    if not named:
        surname = re.search(r"(?:did|by) [A-Z]\w+ ([A-Z][\w-]+)", question)[1]
        return surname if surname.lower() in reader.everything else ""
    if (number := named[0].rpartition(" ")[2].rpartition("-")[2]).isdigit() and int(number) not in reader.of:
        return number if int(number) in reader.mentions else ""
    proposal = reader.proposal(named[0])
    asked = {
        "superseded": (reader._successors(proposal), "supersed|obsolet"),
        "replace": (reader._predecessors(proposal), "supersed|obsolet"),
        "require": (reader.numbers(proposal, "requires"), "requires|depends on"),
        "sponsor": (reader.persons(proposal, "sponsor"), "sponsor"),
        "elegate": (reader.persons(proposal, "delegate"), "delegate"),
        "author|wrote": (reader.authors(proposal), "author"),
        "created": (reader.of[proposal].get("created", ""), "created"),
    }
    header, words = next(value for pattern, value in asked.items() if re.search(pattern, question))
    near = [before for before in reader.mentions[proposal] if re.search(rf"(?i)\b(?:{words})\b[^\n]*\Z", before)]
    return str(header or "") or " ".join(near)


def test_yes_is_no_safe_guess(world: Loaded) -> None:
    """Of the yes/no questions, neither answer is right more than two times in three."""
    answers = [case.gold.answers[0][0] for case in answerable(world) if case.gold.answers[0][0] in ("yes", "no")]
    assert len(answers) > 9 and max(Counter(answers).values()) <= len(answers) * 2 / 3


def test_what_cannot_be_read_is_told(world: Loaded) -> None:
    """The notes count the proposals with headers that cannot be read."""
    assert any(re.match(r"\d+ (?:PEP|EIP)s? with headers that cannot be read", note) for note in world.notes)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_seed_gives_the_same_world_byte_for_byte(archive: str, shared_data: Path) -> None:
    """Two processes with different hash seeds make the same world; another seed makes another."""
    path = shared_data / "worlds" / f"{archive}.tar.gz"
    script = (
        "import sys; from pathlib import Path; from evals.suite import Request; from evals.suites.world import SUITE;"
        "print(SUITE.load(Request(Path(sys.argv[1]), 5, 60)).digest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script, str(path)],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert digests != {f"{SUITE.load(Request(path, 6, 60)).digest()}\n"}
