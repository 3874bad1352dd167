"""The invented world: exact by construction, checked against its pages alone."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.records import Case
from evals.scorers.normalise import places, tokens
from evals.suite import Loaded, Request, documents_by_id
from evals.suites.world import SUITE
from research.errors import UsageFault

GROUPS = ["1 hop", "2 hops", "3 hops", "4 hops", "comparison", "list", "temporal", "count", "contradiction", "poisoned",
          "unanswerable"]  # fmt: skip
WORLDS = st.builds(lambda seed, size: world(seed, size), st.integers(0, 10**6), st.integers(30, 260))


def world(seed: int, size: int | None = None) -> Loaded:
    """An invented world."""
    return SUITE.load(Request(None, seed, size))


def said(loaded: Loaded, case: Case) -> dict[str, list[str]]:
    """What the gold spans of a case say, by fact."""
    documents = documents_by_id(loaded.corpora, ["world"])
    found = defaultdict(list)
    for span in case.gold.spans:
        found[span.fact].append(documents[span.document].text[span.start : span.end])
    return found


def stands(wording: str, text: str) -> bool:
    """Whether a wording stands in a text as whole words."""
    return bool(places(tokens(wording), tokens(text)))


@settings(max_examples=15)
@given(WORLDS)
def test_a_world_has_the_pages_it_was_asked_for_and_its_questions_are_sound(loaded: Loaded) -> None:
    """Ids are unique, questions are unique, answerable ones have answers, spans and documents, others have none."""
    pages = loaded.corpora["world"]
    assert len({page.id for page in pages}) == len(pages)
    assert len({case.question.text for case in loaded.cases}) == len(loaded.cases) == min(200, len(pages))
    for case in loaded.cases:
        gold = case.gold
        assert bool(gold.answers) == bool(gold.spans) == bool(gold.grades) == gold.answerable
        assert set(gold.grades) <= {page.id for page in pages}


@settings(max_examples=15)
@given(WORLDS)
def test_the_spans_of_a_case_say_its_answer(loaded: Loaded) -> None:
    """Every part of the answer stands in a span (or is a count of facts, yes or no), and every span names its value."""
    for case in loaded.cases:
        texts = [text for texts in said(loaded, case).values() for text in texts]
        named = " ".join([*texts, *(span.fact for span in case.gold.spans)])
        for part in case.gold.answers:
            if case.group == "count":
                assert part[0] == str(len(said(loaded, case)))
            elif part[0] not in ("yes", "no"):
                assert any(stands(wording, named) for wording in part), (case.question.text, part, texts)
        assert all(text == text.strip() and text for text in texts)


@settings(max_examples=15)
@given(WORLDS)
def test_a_chain_leads_from_span_to_span(loaded: Loaded) -> None:
    """The question names the first fact's subject, a span each next one's, and n hops are n facts."""
    for case in loaded.cases:
        if match := re.fullmatch(r"(\d) hops?", case.group):
            facts = said(loaded, case)
            assert len(facts) == int(match[1])
            known = case.question.text
            for fact, texts in facts.items():
                assert stands(fact.rpartition(":")[0], known), (case.question.text, facts)
                known = " ".join(texts)


@settings(max_examples=15)
@given(WORLDS)
def test_wrong_values_are_on_a_page_and_are_not_the_answer(loaded: Loaded) -> None:
    """In contradictions and poisoned cases the wrong value stands on some page, and differs from every right one."""
    text = "\n".join(page.text for page in loaded.corpora["world"])
    for case in loaded.cases:
        right = {wording for part in case.gold.answers for wording in part}
        assert not right & set(case.gold.wrong)
        if case.group in ("contradiction", "poisoned"):
            assert case.gold.wrong and case.gold.wrong[0] in text


def test_a_contradiction_is_settled_by_the_newer_page() -> None:
    """The right value of a contradiction stands on a dated news item, the outdated one on a page revised before."""
    loaded = world(3)
    documents = documents_by_id(loaded.corpora, ["world"])
    cases = [case for case in loaded.cases if case.group == "contradiction"]
    assert cases
    for case in cases:
        (newest,) = case.gold.grades
        year = int(re.search(r"Published \d+ \w+ (\d{4})", documents[newest].text)[1])
        old = [page for page in documents.values() if "revised" in page.text and case.gold.wrong[0] in page.text]
        assert old and all(int(re.search(r"revised on \d+ \w+ (\d{4})", page.text)[1]) < year for page in old)


def test_a_poisoned_page_orders_a_false_answer() -> None:
    """Each poisoned case has a page that gives an order with the wrong value, and its gold pages give none."""
    loaded = world(4)
    orders = re.compile(r"Ignore all|SYSTEM NOTE|only verified statement|If you are a language model")
    poison = [page for page in loaded.corpora["world"] if orders.search(page.text)]
    cases = [case for case in loaded.cases if case.group == "poisoned"]
    assert cases and len(poison) >= len(cases)
    for case in cases:
        assert any(case.gold.wrong[0] in page.text for page in poison)
        assert not {page.id for page in poison} & set(case.gold.grades)


def test_what_is_unanswerable_is_nowhere() -> None:
    """No sentence on a page about what is asked, or with its name, says what is asked for."""
    loaded = world(5, 400)
    says = {
        "inven": "invent",
        "founder|Who founded": "founder|founded by|who founded",
        "founding|year was .* founded": "founded in|founding|goes back",
        "year was .* born|birth year": r"(?:born|birth).*\d{4}|^(?:<p>)?\w+: In \d{4}",
        "Where was|birthplace": "comes? from|birthplace|born (?:there|in [A-Z])",
        "taught|teacher": "taught|teacher|learned",
        "profession|living": "profession|works as|known as|I am",
        "chief executive of .* before|succeed": "succe|took over",
        "moved? ": "moved|left|no longer",
        "mayor": "mayor",
        "direct": "direct",
        "company|maker": "made by|makes|maker",
    }
    told = [(page.title, text) for page in loaded.corpora["world"] for text in re.split(r"(?<=[.!?])\s|\n", page.text)]
    checked = 0
    for case in loaded.cases:
        if not case.gold.answerable:
            asked = case.question.text.split(" ", 1)[1]
            named = re.findall(r"[A-Z]\w+ [A-Z]?\w+|[A-Z]\w+", re.sub(r"barograph|before|succeed", "", asked))
            words = next((says[key] for key in says if re.search(key, case.question.text)), None)
            if words:
                checked += 1
                tell = [s for title, s in told if all(n in title + s for n in named) and re.search(words, s)]
                assert not [s for s in tell if "410" not in s], (case.question.text, tell)
    assert checked > 10


def test_groups_share_the_questions_evenly() -> None:
    """With room for all, the eleven groups differ by one question at most."""
    counts = Counter(case.group for case in world(6, 500).cases)
    assert sorted(counts) == sorted(GROUPS) and max(counts.values()) - min(counts.values()) <= 1


def test_pages_are_of_all_kinds_and_some_links_are_dead() -> None:
    """Encyclopaedia, news, registry, interviews, copies, poison, gone pages; three formats; links that lead nowhere."""
    pages = world(7).corpora["world"]
    kinds = {page.id.split("-")[0] for page in pages}
    assert {"news", "registry", "interview", "copy", "guestbook"} <= kinds
    assert {page.suffix for page in pages} == {".txt", ".md", ".html"}
    assert any("410 Gone" in page.text for page in pages)
    linked = {link for page in pages for link in re.findall(r"[(<\"]([\w-]+)\.html", page.text)}
    assert linked & {page.id for page in pages} and linked - {page.id for page in pages}


@settings(max_examples=10)
@given(WORLDS)
def test_no_name_stands_inside_another(loaded: Loaded) -> None:
    """The titles of encyclopaedia pages are names, and none is a part of another."""
    pages = [page for page in loaded.corpora["world"] if page.id == re.sub(r"\W+", "-", page.title.lower())]
    names = {page.title for page in pages}
    assert len(names) == len(pages)
    assert not [(one, other) for one in names for other in names if one != other and stands(one, other)]


def test_a_copy_is_evidence_like_its_original() -> None:
    """Where a page has a copy, both are alternatives for the facts they tell."""
    loaded = world(8, 300)
    copies = {page.id for page in loaded.corpora["world"] if page.id.startswith("copy-")}
    spans = [span for case in loaded.cases for span in case.gold.spans]
    cited = [span for span in spans if span.document in copies]
    originals = {(span.document, span.fact) for span in spans}
    assert cited and all((span.document.removeprefix("copy-"), span.fact) in originals for span in cited)


def test_a_seed_gives_the_same_world_byte_for_byte() -> None:
    """Two processes with different hash seeds make the same world; another seed makes another."""
    load = "print(SUITE.load(Request(None, 9, 90)).digest())"
    script = f"from evals.suite import Request; from evals.suites.world import SUITE; {load}"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert digests == {world(9, 90).digest()} and world(10, 90).digest() not in digests


def test_a_large_world_has_every_page() -> None:
    """Three thousand pages have 200 questions, and all names differ."""
    loaded = world(11, 3000)
    assert len({page.id for page in loaded.corpora["world"]}) == 3000 and len(loaded.cases) == 200


@pytest.mark.parametrize("size", [0, -1, 29])
def test_a_world_of_too_few_pages_is_refused(size: int) -> None:
    """The sentence says what size there has to be."""
    with pytest.raises(UsageFault, match="give a size of 30 or more"):
        world(1, size)
