"""The ledger: what a resumed run tries again, and what it takes as it was."""

from __future__ import annotations

from typing import Literal

import pytest

from research.budget import Amount
from research.ledger import Ledger
from research.ports import Entry, Intent, Outcome


def entry(kind: Literal["model", "fetch"], attempt: int) -> Entry:
    """A call that failed for good at the given attempt."""
    payload = '{"message": "refused", "retryable": false, "currency": ""}'
    intent = Intent(
        run="r",
        branch="b",
        kind=kind,
        key="k",
        occurrence=attempt - 1,
        attempt=attempt,
        bound=Amount(calls=1),
        elapsed=1.0,
        request="{}",
    )
    failed = Outcome(status="failed", payload=payload, charged=Amount(calls=1), elapsed=2.0)
    return Entry(seq=attempt, intent=intent, outcome=failed)


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_a_failure_of_a_model_is_forgotten_at_whatever_attempt_it_came(attempt: int) -> None:
    """A wrong key can be put right before a resume; a page that was gone stays gone."""
    assert Ledger([entry("model", attempt)]).failed == {}
    assert set(Ledger([entry("fetch", attempt)]).failed) == {"k"}
