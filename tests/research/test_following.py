"""Questions of several hops: how they are cut, how answers go into the next question, when a chain has ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.analysts.following import SLOT, chain_of, first_asks, progress, rounds_of
from research.records import Finding


def asks(question: str) -> list[str]:
    return [hop.asks[0] for hop in chain_of(question)]


def found(ask: str, statement: str, title: str = "", relevance: float = 0.98) -> Finding:
    return Finding(
        id=f"f-{ask} {statement} {title}",
        task="t",
        statement=statement,
        quote=statement,
        source="0" * 64,
        start=0,
        end=len(statement),
        label="public",
        relevance=relevance,
        ask=ask,
        title=title,
    )


@pytest.mark.parametrize(
    ("question", "hops"),
    [
        ("Who wrote the PEP that superseded PEP 246?", ["Which PEP superseded PEP 246?", "Who wrote ⟨0⟩?"]),
        (
            "What is the title of the PEP that superseded the only PEP that requires PEP 701?",
            ["Which PEP requires PEP 701?", "Which PEP superseded ⟨0⟩?", "What is the title of ⟨1⟩?"],
        ),
        (
            "Who is the mayor of the birthplace of the teacher of Ann Lee?",
            ["Who taught Ann Lee?", "Where was ⟨0⟩ born?", "Who is the mayor of ⟨1⟩?"],
        ),
        (
            "What is the name of the waterfall in the country where the Ilva River is found?",
            ["In which country is the Ilva River found?", "What is the name of the waterfall in ⟨0⟩?"],
        ),
        ("What bomb fell on Bo Ekström's birthplace?", ["Where was Bo Ekström born?", "What bomb fell on ⟨0⟩?"]),
        ("Who is the spouse of Big Dawn's main director?", ["Who directed Big Dawn?", "Who is the spouse of ⟨0⟩?"]),
        (
            "When did the country containing Skerrow leave the union?",
            ["Which country containing Skerrow?", "When did ⟨0⟩ leave the union?"],
        ),
        (
            "When was the PEP that PEP 563 was superseded by created?",
            ["Which PEP superseded PEP 563?", "When was ⟨0⟩ created?"],
        ),
        (
            "When was the PEP that PEP 278 replaced created?",
            ["Which PEP was replaced by PEP 278?", "When was ⟨0⟩ created?"],
        ),
        (
            "When was the birthplace of the inventor of the Rosen lamp founded?",
            ["Who invented the Rosen lamp?", "Where was ⟨0⟩ born?", "When was ⟨1⟩ founded?"],
        ),
        (
            "According to the newest page, who is the mayor of the birthplace of Ann Lee?",
            ["Where was Ann Lee born?", "According to the newest page, who is the mayor of ⟨0⟩?"],
        ),
        (
            "In which year was the EIP that EIP-1102 requires created?",
            ["Which EIP does EIP-1102 require?", "In which year was ⟨0⟩ created?"],
        ),
    ],
)
def test_the_innermost_description_is_asked_first(question: str, hops: list[str]) -> None:
    """What a question describes instead of naming is a question of its own, from the inside out."""
    assert asks(question) == hops
    assert rounds_of(question) == len(hops)


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote PEP 20?",
        "What is the title of PEP 737?",
        "Who is the author of the PEP titled “Release Cycle”?",
        "Which institution keeps the first specimen of the Rosen lamp?",
        "Are Medici and Senet both board games?",
        "According to the newest page, who directs the Rosen Institute?",
        "What was Lumo's revenue in the second quarter of fiscal 2023?",
        "How has Azure contributed to Lumo's growth?",
        "How have Lumo's revenue targets evolved over the past 10 years?",
        "Which was the first PEP that David Foster wrote or co-wrote?",
        "What was the most recent PEP by Eric Traut created before 2024?",
    ],
)
def test_a_question_of_one_hop_has_no_chain(question: str) -> None:
    """What names all that it asks about is asked as it is, and needs no further rounds."""
    assert asks(question) == [question]
    assert first_asks(question) == ()
    assert rounds_of(question) == 0


def test_a_title_becomes_a_number_where_others_name_the_document_by_it() -> None:
    """Heads name other documents by their numbers, so the number is asked for before who requires it."""
    chain = chain_of("When was the only PEP that requires the PEP titled “Exception Groups” created?")
    assert [hop.asks[0] for hop in chain] == [
        "What is the title of the PEP titled “Exception Groups”?",
        "Which PEP requires ⟨0⟩?",
        "When was ⟨1⟩ created?",
    ]


@given(st.text(max_size=200))
def test_any_text_is_a_chain_whose_slots_are_filled_by_earlier_hops(text: str) -> None:
    """Whatever is typed, a hop waits only for hops before it, and there are not endlessly many."""
    hops = chain_of(text)
    assert 1 <= len(hops) <= 8
    for place, hop in enumerate(hops):
        slots = [int(number) for ask in hop.asks for number in SLOT.findall(ask)]
        assert all(slot < place for slot in slots) or SLOT.search(text)


QUESTION = "Who wrote the PEP that superseded PEP 246?"
FIRST = found("Which PEP superseded PEP 246?", "Superseded-By: 443", "PEP 246: Object Adaptation")
SECOND = found("Who wrote PEP 443?", "Author: Łukasz Langa", "PEP 443: Single-dispatch generic functions")


def test_an_answer_goes_into_the_next_question() -> None:
    """The next hop is asked with the answer to the one before; asked once, it is not asked again."""
    stand = progress(QUESTION, [FIRST], [])
    assert (stand.asks, stand.closed) == (("Who wrote PEP 443?",), False)
    assert progress(QUESTION, [FIRST], ["Who wrote PEP 443?"]).asks == ()


def test_a_chain_closes_with_a_finding_for_every_hop() -> None:
    """The path names one finding a hop, in order; without the last one it has not closed."""
    stand = progress(QUESTION, [SECOND, FIRST], ["Who wrote PEP 443?"])
    assert stand.closed
    assert stand.path.findings == (FIRST.id, SECOND.id)
    assert not progress(QUESTION, [FIRST]).closed


def test_a_finding_of_another_question_answers_no_hop() -> None:
    """Only what was read for a hop fills its slot."""
    assert progress(QUESTION, [found("", "Superseded-By: 443")], []).asks == ()


def test_the_other_document_is_not_the_one_that_was_named() -> None:
    """“The only other PEP by” excludes what the question or an earlier answer named, by number or by title."""
    question = "What is the title of the only other PEP by the author of the PEP titled “Python 1.6 Release Schedule”?"
    who, own = "Who wrote the PEP titled “Python 1.6 Release Schedule”?", "Which PEPs did Fred Drake write?"
    findings = [
        found(who, "Author: Fred Drake", "PEP 160: Python 1.6 Release Schedule"),
        found(own, "Author: Fred Drake", "PEP 160: Python 1.6 Release Schedule"),
        found(own, "Author: Fred Drake", "PEP 205: Weak References"),
    ]
    assert progress(question, findings, [own]).asks == ("What is the title of PEP 205?",)


def test_at_most_three_answers_are_asked_with() -> None:
    """Where a hop has many answers, the surest three go on."""
    names = ["Ann Lee", "Bo Ek", "Cy Ray", "Di Orr", "Ed Poe"]
    who = "Who directed Big Dawn?"
    findings = [found(who, f"Big Dawn was directed by {name}.", relevance=0.9 - n / 50) for n, name in enumerate(names)]
    assert len(progress("Who is the spouse of the director of Big Dawn?", findings, []).asks) == 3
