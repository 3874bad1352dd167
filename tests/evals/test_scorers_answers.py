"""Exact match and F1 as SQuAD has them, and which answers count as right, as wrong and as nothing."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.records import Case, Gold, Outcome, Score
from evals.scorers.answers import (
    ABSTENTION_ACCURACY,
    ANSWER_ACCURACY,
    ANSWER_F1,
    ANSWERED,
    EXACT_MATCH,
    REFUSED,
)
from evals.scorers.normalise import squad, tokens
from research.records import Question

FIRST = "Which was created first, PEP 1 or PEP 8?"
WHERE = "Where is the headquarters of Orvant?"


def case(
    *answers: tuple[str, ...], wrong: tuple[str, ...] = (), text: str = "?", answerable: bool | None = True
) -> Case:
    """A case with gold answers."""
    return Case(id="1", question=Question(text=text), gold=Gold(answers=answers, wrong=wrong, answerable=answerable))


def accuracy(asked: Case, answer: str | None, abstained: bool | None = False) -> float | None:
    """The answer accuracy of an answer; ``None`` when it does not apply."""
    score = ANSWER_ACCURACY.judge(asked, Outcome(answer=answer, abstained=abstained))
    return None if score is None else score.value


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The Cat, the hat & a bat!", "cat hat bat"),
        ("An  apple", "apple"),
        ("U.S.A.", "usa"),
        ("well-known", "wellknown"),
        ("theatre", "theatre"),
    ],
)
def test_squad_normalisation(text: str, plain: str) -> None:
    """Case, punctuation, articles and white space go as in SQuAD's script, and nothing else does."""
    assert squad(text) == plain


@pytest.mark.parametrize(
    ("answer", "exact", "f1"),
    [
        ("the Eiffel Tower.", 1.0, 1.0),
        ("Eiffel Tower in Paris", 0.0, 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        ("La tour Eiffel", 0.0, 0.8),
        ("Big Ben", 0.0, 0.0),
        ("", 0.0, 0.0),
        ("Tower Tower Tower", 0.0, 2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2)),
    ],
)
def test_exact_match_and_f1_take_the_best_wording(answer: str, exact: float, f1: float) -> None:
    """Of several wordings the best counts; repeated words count as often as the gold has them."""
    asked = case(("Eiffel Tower", "Tour Eiffel"))
    outcome = Outcome(answer=answer)
    assert EXACT_MATCH.judge(asked, outcome) == Score(value=exact)
    found = ANSWER_F1.judge(asked, outcome)
    assert found is not None and found.value == pytest.approx(f1)


def test_yes_and_no_share_nothing_with_longer_answers() -> None:
    """As in HotpotQA's script, ``yes`` and ``no`` get no F1 for a part of a longer answer."""
    found = ANSWER_F1.judge(case(("yes",)), Outcome(answer="yes it is"))
    assert found == Score(value=0.0)


def test_where_exact_match_does_not_apply() -> None:
    """No gold, several parts, an unanswerable case, no answer: no score. A gold without a word: unscored."""
    for metric in (EXACT_MATCH, ANSWER_F1):
        assert metric.judge(case(), Outcome(answer="x")) is None
        assert metric.judge(case(("a",), ("b",)), Outcome(answer="a")) is None
        assert metric.judge(case(("a",), answerable=False), Outcome(answer="a")) is None
        assert metric.judge(case(("a",)), Outcome()) is None
        assert metric.judge(case(("a b",)), Outcome(answer="a b", abstained=True)) == Score(value=0.0)
        unscored = metric.judge(case(("The",)), Outcome(answer="The"))
        assert unscored is not None and unscored.value is None and unscored.why


@pytest.mark.parametrize(
    "text",
    [
        "13-Jun-2000",
        "June 13, 2000",
        "June 13 , 2000",
        "2000-06-13",
        "13 June 2000",
        "13th of June 2000",
        "Jun. 13th, 2000",
        "2000/06/13",
    ],
)
def test_dates_have_one_spelling(text: str) -> None:
    """The common formats of a date are one token, in any order of gold and answer."""
    assert [token.form for token in tokens(text)] == ["2000-06-13"]
    assert accuracy(case((text,)), "It was created on 2000-06-13 by Barry Warsaw.") == 1.0
    assert accuracy(case(("2000-06-13",)), f"Created: {text}") == 1.0


def test_a_year_stands_in_a_date_and_not_the_other_way_round() -> None:
    """Who gives the day has given the year; who gives the year has not given the day, and another day is wrong."""
    assert accuracy(case(("2000",)), "On 13-Jun-2000.") == 1.0
    assert accuracy(case(("June 2000",)), "On 13-Jun-2000.") == 1.0
    assert accuracy(case(("13-Jun-2000",)), "In June 2000.") == 0.0
    assert accuracy(case(("13-Jun-2000",)), "On 14-Jun-2000.") == 0.0
    assert accuracy(case(("06/07/2000",)), "On 6 July 2000.") == 0.0


@pytest.mark.parametrize(
    ("gold", "answer", "right"),
    [
        ("1,234", "There are 1234 of them.", 1.0),
        ("1234567", "1,234,567, more or less", 1.0),
        ("3", "It has 3 authors.", 1.0),
        ("3", "Three authors.", 1.0),
        ("3", "Python 3 was not mentioned in PEP 3, nor in PEP: 3.", 0.0),
        ("3", "Version 3.12", 0.0),
        ("3", "13 authors", 0.0),
        ("PEP 1", "PEP 0001", 1.0),
        ("PEP 1", "PEP 10", 0.0),
        ("PEP 1", "PEP 1.5", 0.0),
        ("Martin v. Löwis", "martin v LOWIS wrote it", 1.0),
        ("O'Reilly", "O’Reilly’s", 1.0),
        ("the Netherlands", "In Netherlands.", 1.0),
        ("cat", "A concatenation.", 0.0),
        ("Final", "Finally it was withdrawn.", 0.0),
    ],
)
def test_wordings_stand_as_whole_words(gold: str, answer: str, right: float) -> None:
    """Spelling does not matter; a part of a word, of a number or of a name is not the answer."""
    assert accuracy(case((gold,)), answer) == right


def test_every_part_is_needed_and_any_wording_will_do() -> None:
    """Half a list is not the answer."""
    asked = case(("Guido van Rossum", "Guido"), ("Barry Warsaw",))
    assert accuracy(asked, "Barry Warsaw <barry@x.org> and Guido.") == 1.0
    assert accuracy(asked, "Guido van Rossum.") == 0.0


@pytest.mark.parametrize(
    "answer",
    [
        "PEP 1 (2000) was created before PEP 8 (2001).",
        "PEP 1.",
        "The answer is PEP 0001.",
        "PEP 1, not PEP 8.",
        "PEP 8 was created after PEP 1.",
        "The first was PEP 1; PEP 8 came later.",
        "While PEP 8 was created in 2001, PEP 1 came first in 2000.",
        "Before PEP 8, PEP 1 was created.",
        "Between PEP 1 and PEP 8, the one created first is PEP 1.",
        "PEP 1 was created on 13 June 2000. PEP 8 was created on 5 July 2001. Therefore PEP 1 was created first.",
        "**PEP 1** was created first.\n\n- PEP 1: 13-Jun-2000\n- PEP 8: 05-Jul-2001",
        "PEP 1 was created on 13-Jun-2000.",
        "Which was created first, PEP 8 or PEP 1? PEP 1.",
    ],
)
def test_an_answer_that_decides_for_the_right_side_is_right(answer: str) -> None:
    """A comparison may name both sides as long as it says which it is."""
    assert accuracy(case(("PEP 1",), wrong=("PEP 8",), text=FIRST), answer) == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "PEP 8 was created before PEP 1.",
        "PEP 8, not PEP 1.",
        "The first was PEP 8; PEP 1 came later.",
        "PEP 1 was created after PEP 8.",
        "Between PEP 1 and PEP 8, the one created first is PEP 8.",
        "PEP 1 came first. No: PEP 8 came first.",
        "Which was created first, PEP 1 or PEP 8? PEP 8.",
        "Which was created first, PEP 1 or PEP 8?",
        "PEP 1 came before PEP 8. PEP 1 came after PEP 8.",
        "PEP 1 came before PEP 8, but PEP 1 came after PEP 8.",
        "PEP 1, created before 2001, and PEP 8.",
        "PEP 1, created before 3 May, and PEP 8.",
        "It is not known which was first, PEP 1 or PEP 8.",
        "Of PEP 8 and PEP 1, the older is unknown.",
        "PEP 1 and PEP 8.",
        "PEP 1 Created: 13-Jun-2000\nPEP 8 Created: 05-Jul-2001",
        "PEP 8 Created: 05-Jul-2001\nPEP 1 Created: 13-Jun-2000",
        "PEP: 1\nTitle: PEP Purpose\nCreated: 13-Jun-2000\n\nPEP: 8\nTitle: Style\nCreated: 05-Jul-2001",
        "PEP: 1\nTitle: PEP Purpose\nCreated: 13-Jun-2000",
        "PEP 1 was created on 13 June 2000. PEP 8 was created on 5 July 2001.",
        "PEP 1 tells contributors how to propose features before anybody else reads the text of their drafts aloud.",
    ],
)
def test_an_answer_that_decides_nothing_or_wrongly_is_wrong(answer: str) -> None:
    """The other side, both sides, two header lines side by side and prose about something else do not score."""
    assert accuracy(case(("PEP 1",), wrong=("PEP 8",), text=FIRST), answer) == 0.0


def test_without_a_wrong_side_there_is_nothing_to_decide() -> None:
    """Words such as ``formerly`` set nothing aside where nothing else could be meant."""
    assert accuracy(case(("Lund",), text="What was its former seat?"), "It was formerly in Lund, not elsewhere.") == 1.0
    assert accuracy(case(("Lund",)), "A first page, before all later ones, says Lund.") == 1.0


def test_the_question_says_which_way_is_right() -> None:
    """The same sentence is right for ``first`` and wrong for ``later``."""
    said = "PEP 1 was created before PEP 8."
    later = "Which was created later, PEP 1 or PEP 8?"
    assert accuracy(case(("PEP 8",), wrong=("PEP 1",), text=later), said) == 1.0
    assert accuracy(case(("PEP 1",), wrong=("PEP 8",), text=later), said) == 0.0
    more = "Which has more authors, the PEP titled “First things first” or PEP 8?"
    assert accuracy(case(("PEP 8",), wrong=("PEP 1",), text=more), "PEP 1 has fewer authors than PEP 8.") == 1.0


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("Lund.", 1.0),
        ("Malmö.", 0.0),
        ("It moved from Malmö to Lund in 2019.", 1.0),
        ("It was in Malmö until 2019 and has been in Lund since.", 1.0),
        ("It is now in Lund, formerly Malmö.", 1.0),
        ("It is now in Malmö, formerly Lund.", 0.0),
        ("It is in Lund; an older page says Malmö.", 1.0),
        ("It is in Lund. An outdated page says Malmö.", 1.0),
        ("It is in Lund. It is in Malmö.", 0.0),
        ("Headquarters: Lund\nHeadquarters: Malmö", 0.0),
        ("Sources disagree: Lund or Malmö.", 0.0),
        ("Orvant sits in Lund. Malmö is not outdated.", 0.0),
        ("Orvant sits in Lund. Malmö is plainly wrong.", 1.0),
        ("Lund was named. It is Malmö, any other is wrong.", 0.0),
        ("It is Lund, not in Malmö.", 1.0),
        ("Lund was tried. It could not but be Malmö.", 0.0),
    ],
)
def test_an_outdated_value_may_be_named_and_not_given(answer: str, right: float) -> None:
    """Setting the planted value aside is right; giving it, or both without deciding, is not."""
    assert accuracy(case(("Lund",), wrong=("Malmo",), text=WHERE), answer) == right


@pytest.mark.parametrize(
    ("gold", "answer", "right"),
    [
        ("yes", "Yes, both were.", 1.0),
        ("yes", "They share Barry Warsaw. Yes.", 1.0),
        ("yes", "No. Yes.", 0.0),
        ("yes", "The answer is yes.", 1.0),
        ("yes", "The answer is no.", 0.0),
        ("yes", "The answer is not known, yes.", 0.0),
        ("no", "They have no authors in common.", 0.0),
        ("no", "No, yes is not the answer.", 1.0),
        ("yes", "PEP 1 says yes to everything.", 0.0),
        ("no", "No source says when it was.", 0.0),
        ("no", "No. 5 was the last of them.", 0.0),
        ("no", "No-one knows.", 0.0),
        ("no", "No PEP has two authors. No.", 1.0),
        ("no", "**No**", 1.0),
        ("no", "No – they were not.", 1.0),
        ("no", "No they were not.", 1.0),
        ("no", "The answer is: “No”.", 1.0),
        ("yes", "Answer: yes.", 1.0),
        ("yes", "Yes it is", 1.0),
    ],
)
def test_yes_and_no_begin_a_sentence(gold: str, answer: str, right: float) -> None:
    """The first sentence that begins with yes or no is the answer; the words elsewhere, or before a noun, are not."""
    other = "no" if gold == "yes" else "yes"
    assert accuracy(case((gold,), wrong=(other,)), answer) == right


def test_listing_everything_is_not_answering() -> None:
    """What stands after the limit of words is not read."""
    assert accuracy(case(("Lund",)), "word " * 149 + "Lund") == 1.0
    assert accuracy(case(("Lund",)), "word " * 150 + "Lund") == 0.0
    sentence = " ".join(["Words"] * 15) + ". "
    assert accuracy(case(("Lund",)), sentence * 9 + "Lund.") == 1.0
    assert accuracy(case(("Lund",)), sentence * 10 + "Lund.") == 0.0


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("The designer was not Lund.", 0.0),
        ("The designer wasn't Lund.", 0.0),
        ("Unlike Lund, nobody designed it.", 0.0),
        ("It was Ann rather than Lund.", 0.0),
        ("It may be Ann, Bob or Lund.", 0.0),
        ("Perhaps the designer was Lund.", 0.0),
        ("The designer was not Ann. It was Lund.", 1.0),
        ("It was not only Lund.", 1.0),
        ("It was designed by J. T. Lund.", 1.0),
        ("In May the designer was Lund.", 1.0),
        ("He came from Lund.", 1.0),
    ],
)
def test_what_is_denied_or_guessed_is_not_answered(answer: str, right: float) -> None:
    """Also where no wrong answer is known, a wording after ``not`` or ``may be`` is not the answer."""
    assert accuracy(case(("Lund",)), answer) == right
    assert accuracy(case(("Lund",), wrong=("Malmo",), text="Who designed it?"), answer) == right


@pytest.mark.parametrize("answer", ["Was it Lund?", "“Was it Lund?”", '"Was it Lund?"', "**Was it Lund?**"])
def test_a_question_answers_nothing(answer: str) -> None:
    """Asking back, in quotation marks or not, is no answer."""
    assert accuracy(case(("Lund",)), answer) == 0.0
    assert accuracy(case(("Lund",)), f"{answer} Lund.") == 1.0


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("-5", ["-5"]),
        ("\u22125.50 degrees", ["-5.50", "degrees"]),
        ("(-5)", ["-5"]),
        ("PEP-8", ["pep", "8"]),
        ("1990-1995", ["1990", "1995"]),
        ("3.0", ["3"]),
        ("3.0.0", ["3.0.0"]),
        ("3.10", ["3.10"]),
        ("PEPs 8,257", ["peps", "8", "257"]),
        ("It has 8,257 pages", ["it", "has", "8257", "pages"]),
        ("45 June 2000", ["45", "2000-06"]),
        ("June 45, 2000", ["june", "45", "2000"]),
    ],
)
def test_numbers_have_one_spelling(text: str, forms: list[str]) -> None:
    """A sign before a number counts and a hyphen within does not; 3.0 is 3; day 45 is no date."""
    assert [token.form for token in tokens(text)] == forms


@given(st.integers(min_value=1, max_value=10**12))
def test_a_number_equals_its_other_spellings_and_not_its_negative(number: int) -> None:
    """Grouped, with leading zeros and with a nought behind the point it is the same; with a minus it is not."""
    plain = tokens(str(number))
    assert tokens(f"{number:,}") == tokens(f"00{number}") == tokens(f"{number}.0") == plain
    assert tokens(f"-{number}") == tokens(f"\u2212{number}.0") != plain
    assert accuracy(case((str(number),)), f"It is -{number}.") == 0.0


def test_where_accuracy_does_not_apply() -> None:
    """No answers, no gold or an unanswerable case: no score. Abstaining is wrong. A gold of signs alone is unscored."""
    assert accuracy(case(("a",)), None, abstained=None) is None
    assert accuracy(case(), "a") is None
    assert accuracy(case(("a",), answerable=False), "a") is None
    assert accuracy(case(("Lund",)), "Lund was not found.", abstained=True) == 0.0
    assert accuracy(case(("Lund",)), None, abstained=True) == 0.0
    score = ANSWER_ACCURACY.judge(case(("!?",)), Outcome(answer="!?"))
    assert score is not None and score.value is None and score.why


@pytest.mark.parametrize(
    ("answerable", "abstained", "all_cases", "unanswerable", "answered"),
    [
        (True, False, 1.0, None, 1.0),
        (True, True, 0.0, None, 0.0),
        (False, True, 1.0, 1.0, None),
        (False, False, 0.0, 0.0, None),
        (None, True, None, None, None),
        (True, None, None, None, None),
    ],
)
def test_abstention(
    answerable: bool | None,
    abstained: bool | None,
    all_cases: float | None,
    unanswerable: float | None,
    answered: float | None,
) -> None:
    """Declining is right exactly when there is no answer; each half has a metric of its own."""
    asked, outcome = case(answerable=answerable), Outcome(abstained=abstained)
    scores = [metric.judge(asked, outcome) for metric in (ABSTENTION_ACCURACY, REFUSED, ANSWERED)]
    assert [score and score.value for score in scores] == [all_cases, unanswerable, answered]


def test_header_lines_of_real_peps_decide_nothing(shared_data: Path) -> None:
    """Of 60 pairs of PEPs, the headers of both, in either order, are the right answer to no comparison."""
    with tarfile.open(shared_data / "worlds" / "peps_rst.tar.gz") as archive:
        names = [n for n in sorted(archive.getnames()) if re.search(r"pep-\d{4}\.rst$", n)][::6][:120]
        heads = {}
        for name in names:
            stream = archive.extractfile(name)
            assert stream is not None
            heads[int(name[-8:-4])] = stream.read().decode().split("\n\n")[0]
    numbers = list(heads)
    for one, other in zip(numbers[::2], numbers[1::2], strict=False):
        text = f"Which was created first, PEP {one} or PEP {other}?"
        asked = case((f"PEP {one}",), wrong=(f"PEP {other}",), text=text)
        assert accuracy(asked, f"{heads[one]}\n\n{heads[other]}") == 0.0
        assert accuracy(asked, f"{heads[other]}\n\n{heads[one]}") == 0.0


@pytest.mark.parametrize(
    "answer",
    [
        "Lund, Malmö, Oslo, Bergen, Turku, Tampere, Gävle, Visby, Kalmar",
        "It is one of: Lund; Malmö; Oslo; Bergen; Turku; Tampere; Gävle; Visby.",
        "Lund. Malmö. Oslo. Bergen. Turku. Tampere. Gävle. Visby.",
        "Lund / Malmö / Oslo / Bergen / Turku / Tampere / Gävle / Visby",
    ],
)
def test_a_list_of_candidates_is_no_answer(answer: str) -> None:
    """Naming every town there is names the right one, too; a list that has as many parts as the gold may be long."""
    assert accuracy(case(("Lund",)), answer) == 0.0
    towns = [(town,) for town in re.findall(r"[A-ZÄÖ]\w+", answer) if town != "It"]
    assert accuracy(case(*towns), answer) == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "Ann Lund became chief executive of Orvant on 2 May 2020, succeeding Bo Malm.",
        "Orvant has a new chief executive: Ann Lund succeeded Bo Malm on 2 May 2020.",
        "Since 2020 Ann Lund leads Orvant, and no longer Bo Malm.",
        "Ann Lund leads Orvant, where there had been Bo Malm.",
        "Ann Lund leads Orvant; earlier accounts gave Bo Malm.",
    ],
)
def test_a_correction_gives_what_it_corrects_to(answer: str) -> None:
    """The ways in which a page says that something has changed are not taken for indecision."""
    asked = case(("Ann Lund",), wrong=("Bo Malm",), text="Who leads Orvant?")
    swapped = case(("Bo Malm",), wrong=("Ann Lund",), text="Who leads Orvant?")
    assert accuracy(asked, answer) == 1.0
    assert accuracy(swapped, answer) == 0.0


@pytest.mark.parametrize("answer", ["", "  ", "…", "—"])
def test_to_say_nothing_is_to_abstain(answer: str) -> None:
    """An empty answer is not one, whatever the system says of it."""
    outcome = Outcome(answer=answer, abstained=False)
    found = [ABSTENTION_ACCURACY.judge(case(answerable=able), outcome) for able in (True, False)]
    assert [score.value for score in found if score is not None] == [0.0, 1.0]
