"""The bench of the language-model path: what does not hang on the machine's speed, and what the page shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bench.reference_question import BLOCK, CEILING, PAGE, Clean, Row, rows, table
from bench.reference_question_judging import Timing, chain, length, models, read_whole, repeated, tokens
from bench.reference_question_runs import Ended, Taken, once
from tools.fakes.paced_server import Kind, Served

SOURCES = 18


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[Ended]]]:
    """A run without a fault, one with, and one whose model never finishes, all at once: they mostly wait."""
    with ThreadPoolExecutor() as pool:
        yield {
            "clean": pool.submit(once),
            "spoiled": pool.submit(once, far=("--share", "0.1", "--seed", "2")),
            "endless": pool.submit(once, "--max-tokens-total", "30000", far=("--endless",)),
        }


def test_every_page_is_read_once_and_whole_within_the_tokens(runs: dict[str, Future[Ended]]) -> None:
    """Eighteen sources within 70,000 tokens, nothing asked for twice, and a chain of few calls."""
    run = runs["clean"].result()
    assert (run.code, run.status, run.named) == (0, "done", [])
    assert sum(tokens(run.timing.served)) <= 70_000
    assert read_whole(run.timing.served) == SOURCES == len(run.sources)
    assert not any(repeated(run.timing.served).values())
    assert 4 <= len(models(run.timing.chain)) <= 8


def test_a_run_with_faults_has_the_sources_of_the_clean_one_or_says_what_is_missing(
    runs: dict[str, Future[Ended]],
) -> None:
    """A spoiled answer costs one more call, or is told in report and exit code."""
    clean, run = runs["clean"].result(), runs["spoiled"].result()
    faults = sum(bool(call.fault) for call in run.timing.served)
    assert faults > 0
    assert (run.code, run.sources >= clean.sources) == (0, True) or (run.code, bool(run.named)) == (3, True)
    assert len(run.timing.served) <= len(clean.timing.served) + faults


def test_a_model_that_never_finishes_is_stopped_at_its_cap(runs: dict[str, Future[Ended]]) -> None:
    """Answers as long as they may be end at the ceiling, with a partial report that says so."""
    run = runs["endless"].result()
    assert (run.code, run.status) == (3, "partial")
    assert 0 < sum(tokens(run.timing.served)) <= 30_000
    assert run.named


def test_the_chain_goes_back_from_the_last_call_each_time_to_the_one_that_ended_last_before() -> None:
    """Calls that ran beside those of the chain are not on it."""
    served = [
        _served("a", 0, 1),
        _served("b", 1.1, 3),
        _served("c", 1.2, 2),
        _served("d", 3.5, 4),
        _served("e", 2, 3.9),
    ]
    assert [call.key for call in chain(served)] == ["a", "b", "d"]
    assert length(chain(served)) == pytest.approx(3.4)
    timing = Timing(-2.0, 4.5, served)
    assert (timing.start, timing.ratio) == (2.0, pytest.approx(4.5 / 3.4))


def test_what_was_answered_and_asked_again_is_counted_and_a_try_after_a_fault_is_not() -> None:
    """Only what was paid for counts, each kind of call by itself."""
    served = [
        _served("a", 0, 1),
        _served("a", 1, 2),
        _served("b", 0, 1, fault="500"),
        _served("b", 1, 2),
        _served("a", 0, 1, kind="page"),
    ]
    assert repeated(served) == {"model": 1, "page": 0}


def test_each_bar_that_is_missed_is_told() -> None:
    """Figures beyond every bar are all marked."""
    served = [_served("a", 2.0, 22.0, 60_000, 20_000)] * 2
    slow = Ended(0, {"status": "done", "sources": []}, Timing(0, 40.0, served), "")
    lost = Ended(0, {"status": "done"}, Timing(0, 40.0, served * 2), "")
    clean, taken = Clean([slow], [1.0]), [Taken(10, 1.0, 0.5, 120.0), Taken(160, 4.0, 2.0, 160.0)]
    page = {"status": "done", "sources": [{"url": "http://x/page/1"}]}
    lines = rows(Clean([slow._replace(report=page)], [1.0]), taken[0], taken[1], [lost], slow)
    assert [row.what for row in lines if row.held] == []
    assert table(lines, clean).count("(missed)") == len(lines)


def test_the_page_shows_the_table_and_says_which_bar_is_missed() -> None:
    """Of the figures in the docs only the processor time may be over its bar."""
    shown = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    assert shown is not None
    body = shown[2].split("\n\n")[0].splitlines()
    assert [line for line in body if "(missed)" in line and not line.startswith("| processor time")] == []
    assert f"{CEILING:,} tokens" in shown[2]
    assert len(body) == 2 + 10


def test_a_row_says_what_its_bar_is() -> None:
    """A line has what was measured, its bar, the figure, and whether it was missed."""
    text = table([Row("time", "≤ 1 s", "2 s", held=False)], Clean([Ended(0, None, Timing(0, 1, []), "")], []))
    assert "| time | ≤ 1 s | 2 s (missed) |" in text


def _served(
    key: str, begun: float, ended: float, prompt: int = 0, completion: int = 0, kind: Kind = "model", fault: str = ""
) -> Served:
    return Served(
        kind=kind, name=key, key=key, begun=begun, ended=ended, prompt=prompt, completion=completion, fault=fault
    )
