"""The measure of what the safety layer costs."""

from __future__ import annotations

from bench.safety_cost import BAR, measured


def test_the_layer_costs_little_of_a_run() -> None:
    """Each part is measured on pages that were really asked for, and all together are under the bar."""
    whole, parts, asked = measured(40)
    assert asked > 3
    assert all(parts.values())
    assert sum(parts.values()) < BAR * whole
