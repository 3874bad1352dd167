"""Decomposition: which parts a question has, that each stands alone, and what is searched for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.analysts.asking import header_keys, kind_of
from research.analysts.decompose import decompose
from research.analysts.querying import distinct, queries_for


def objectives(question: str) -> list[str]:
    return [part.objective for part in decompose(question)]


@pytest.mark.parametrize(
    "question",
    [
        "Why was the GIL made optional?",
        "How are budgets enforced?",
        "What are the advantages and disadvantages of type hints?",
        "What language were books being translated into during the era of Haymo of Faversham?",
    ],
)
def test_a_simple_question_stays_whole(question: str) -> None:
    """A question with one verb is one part, worded as the user worded it."""
    assert objectives(question) == [question]


def test_joined_clauses_are_parts_and_the_subject_is_carried_over() -> None:
    """A clause that only says "it" or "its" is asked with the name the clause before it gave."""
    assert objectives("Who is the author of PEP 572 and when was it created?") == [
        "Who is the author of PEP 572?",
        "When was PEP 572 created?",
    ]
    assert objectives("When was EIP-1559 created, and what is its status?") == [
        "When was EIP-1559 created?",
        "What is the status of EIP-1559?",
    ]
    assert objectives("How are budgets enforced and what happens when they run out?")[1] == (
        "What happens when budgets run out?"
    )


def test_a_series_of_clauses_is_cut_at_its_commas() -> None:
    """Where the last clause is joined by ``and``, the one before it is a part too, and all keep the same subject."""
    assert objectives("What is the walrus operator, who proposed it, and why was it controversial?") == [
        "What is the walrus operator?",
        "Who proposed the walrus operator?",
        "Why was the walrus operator controversial?",
    ]


def test_a_long_story_is_asked_by_its_request() -> None:
    """What stands before "so please tell me" gives the subject and is no part; what stands after is asked directly."""
    story = "My team has been arguing for weeks about annotations and about the cost of them at import after PEP 563"
    assert objectives(f"{story}, so please tell me what was decided and when it will take effect?") == [
        "What was decided about PEP 563?",
        "When will PEP 563 take effect?",
    ]


def test_a_comparison_of_heads_is_one_part_with_a_query_for_each_side() -> None:
    """The head of each document has to be found, so that they can be compared."""
    question = "Of PEP 390, PEP 299 and PEP 467, which is the newest?"
    assert objectives(question) == [question]
    assert [query for query in queries_for(question) if "title" in query] == [
        f"PEP {number} title author status created" for number in (390, 299, 467)
    ]


def test_a_described_document_is_looked_for_by_its_head() -> None:
    """ "The PEP about" a thing has a head, which is found by the thing's words and the keys of such heads."""
    assert "wrote PEP asynchronous generators title author status created" in queries_for(
        "Who wrote the PEP about asynchronous generators?"
    )


def test_background_is_no_part() -> None:
    """What is merely told is not asked; each question mark is a part."""
    assert objectives("I am using Python 3.8. How do I write a decorator? Is it fast?") == [
        "How do I write a decorator?",
        "Is decorator fast?",
    ]


def test_a_question_of_several_hops_is_one_part() -> None:
    """What hangs on "the PEP that …" is followed within its branch, so it is no part beside it."""
    question = "Who wrote the PEP that superseded PEP 426?"
    assert objectives(question) == [question]
    parts = decompose("Which PEP introduced f-strings and what is its status?")
    assert [part.objective for part in parts] == [
        "Which PEP introduced f-strings?",
        "What is the status of the PEP that introduced f-strings?",
    ]


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("Compare PEP 484 and PEP 526", ["What is PEP 484?", "What is PEP 526?"]),
        ("PEP 484 vs. PEP 526?", ["What is PEP 484?", "What is PEP 526?"]),
        ("What is the difference between threads and processes?", ["What are threads?", "What are processes?"]),
        ("How do closures differ from classes?", ["What are closures?", "What are classes?"]),
        ("How do PEP 663 and PEP 435 differ?", ["What is PEP 663?", "What is PEP 435?"]),
        ("Compare the memory use of CPython and PyPy.", ["The memory use of CPython", "The memory use of PyPy"]),
        ("Compare CPython and PyPy in terms of speed", ["Speed of CPython", "Speed of PyPy"]),
    ],
)
def test_a_comparison_has_the_contrast_and_both_sides(question: str, sides: list[str]) -> None:
    """The comparison itself is one part, each side another."""
    contrast, *rest = decompose(question)
    assert contrast.contrast
    assert [part.objective for part in rest] == sides


def test_either_and_lists_are_asked_one_by_one() -> None:
    """A choice between two names and a list of documents give one part each."""
    assert objectives("Who is older, Sid Haig or Vic Darchinyan?") == [
        "Sid Haig: Who is older",
        "Vic Darchinyan: Who is older",
    ]
    assert objectives("What is the status of PEP 484, PEP 526 and PEP 572?") == [
        "What is the status of PEP 484?",
        "What is the status of PEP 526?",
        "What is the status of PEP 572?",
    ]


@given(st.text(max_size=200))
def test_any_text_has_parts_and_each_part_one_to_four_queries(text: str) -> None:
    """Whatever is typed, there is at least one part, and no query is empty where the part is not."""
    parts = decompose(text)
    assert parts
    for part in parts:
        if part.objective.strip():
            queries = queries_for(part.objective)
            assert 1 <= len(queries) <= 4
            assert all(query.strip() for query in queries)


def test_queries_are_the_question_its_names_and_words_of_the_answer() -> None:
    """Three different ways to the same passage: as it was asked, by what it names, by what such an answer says."""
    assert queries_for("When was PEP 572 created?") == (
        "When was PEP 572 created?",
        "PEP 572",
        "PEP 572 title author status created",
    )


def test_a_query_that_was_asked_in_other_order_is_not_new() -> None:
    """Order, case and stop words do not make a query new."""
    assert distinct(["the GIL optional", "GIL reasons"], ("Optional GIL",)) == ("GIL reasons",)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who wrote PEP 20?", "person"),
        ("In what year did it end?", "date"),
        ("When was it made?", "date"),
        ("What happens when budgets run out?", "text"),
        ("How many branches are there?", "number"),
        ("Why is it slow?", "reason"),
        ("How does it work?", "manner"),
        ("What is a budget?", "definition"),
        ("What is the status of PEP 1?", "text"),
        ("According to the newest page in the corpus, who directs it?", "person"),
        ("What was the revenue in the second quarter?", "number"),
        ("GIL", "definition"),
    ],
)
def test_the_kind_of_answer_is_read_off_the_question(question: str, kind: str) -> None:
    """Question words tell what an answer looks like."""
    assert kind_of(question) == kind


def test_header_lines_are_asked_for_by_wording() -> None:
    """ "Who wrote" asks for an Author line, "replaced" for Superseded-By, "does it replace" for Replaces."""
    assert "author" in header_keys("Who wrote PEP 20?")
    assert "created" in header_keys("When was PEP 20 created?")
    assert "superseded-by" in header_keys("What replaced PEP 20?")
    assert set(header_keys("What does PEP 20 replace?")) == {"replaces", "supersedes", "obsoletes"}
    assert not header_keys("What was decided after the discussion of annotations?")
