"""The suites by name: their order, laziness, and what is said of a name that is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from evals.suites import NAMES, suite
from research.errors import UnknownName

OURS = ("multihop", "retrieval", "claims", "plans", "abstain")


def test_the_suites_stand_in_their_order() -> None:
    """There are nine, and a name gives the suite of that name."""
    assert len(set(NAMES)) == len(NAMES) == 9
    assert NAMES[:5] == OURS
    assert all(suite(name).name == name for name in NAMES)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("multihp", "there is no suite multihp; did you mean multihop?"),
        ("", "there is no suite ; there are multihop, retrieval"),
        ("os", "there is no suite os"),
        ("../multihop", "there is no suite"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, says: str) -> None:
    """Only the nine names are imported; another gets a suggestion or the list."""
    with pytest.raises(UnknownName) as caught:
        suite(name)
    assert str(caught.value).startswith(says)


def test_naming_the_suites_loads_none_of_them() -> None:
    """``evals.suites`` alone imports neither numpy nor a suite."""
    code = (
        "import sys, evals.suites; assert 'numpy' not in sys.modules; "
        "assert not [m for m in sys.modules if m.startswith(('evals.suites.', 'evals.datasets'))]"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", OURS)
def test_a_suite_says_what_a_user_must_know(name: str) -> None:
    """Each has its words for the list, metrics with different names, and sources for what was published."""
    one = suite(name)
    assert one.measures and one.needs and one.costs and one.source and one.default_system and one.gives
    names = [metric.name for metric in one.metrics]
    assert len(set(names)) == len(names)
    assert all(len(row) == 4 and all(row) for row in one.published)
    module = sys.modules[f"evals.suites.{name}"]
    says = " ".join((module.__doc__ or "").split())
    assert all(word in says for word in ("Source:", "Scored:", "Published", "A worked row:"))
    assert all(figure in says for _, _, figure, _ in one.published)
