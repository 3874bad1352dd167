"""``research eval list``: the suites, what each needs and costs, and the systems that can be measured."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from research.cli import arguments as take
from research.cli.output import emit, emit_json, table

if TYPE_CHECKING:
    from evals.suite import Suite

BETTER = {"higher": "more is better", "lower": "less is better", "neither": "no way is better"}
PUBLISHED = ("system", "what", "figure", "source")


def list_suites(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[SUITE]", help="Show more of this suite alone.")] = None,
    json: take.Json = False,
) -> None:
    """Show what each suite measures, needs and costs, and its source; of one SUITE also metrics and published rows."""
    from evals.suites import NAMES, suite
    from research.app.systems import SYSTEMS

    suites = [suite(one) for one in ([name] if name else NAMES)]
    if json:
        return emit_json([_as_json(one) for one in suites])
    for one in suites:
        emit(f"{one.name}: {one.measures}\n")
        for head, text in _facts(one, whole=name is not None):
            emit(fill(text, 110, initial_indent=f"  {head + ':':10} ", subsequent_indent=" " * 13) + "\n")
    if name:
        return None
    cells = [(known, kind.says, kind.needs) for known, kind in SYSTEMS.items()]
    cells += [("command:CMD", "another tool's command", ""), ("file:PATH", "reports that stand in a JSONL file", "")]
    return emit("\n" + table(("SYSTEM", "WHAT IT IS", "NEEDS"), cells, widest=110))


def _facts(one: Suite, *, whole: bool) -> list[tuple[str, str]]:
    facts = [("needs", one.needs), ("costs", one.costs), ("source", one.source)]
    if whole:
        facts += [(metric.name, f"{metric.says} ({BETTER[metric.better]})") for metric in one.metrics]
        chosen = " and ".join(_chosen(one))
        facts += [("systems", ", ".join([f"{chosen} (default)", *_others(one)]))]
        facts += [("published", f"{who}: {figure} ({what}; {origin})") for who, what, figure, origin in one.published]
    return facts


def _chosen(one: Suite) -> tuple[str, ...]:
    """Return the systems that are run when none is named."""
    return one.compared or (one.default_system,)


def _others(one: Suite) -> list[str]:
    """Return the other systems that the suite can measure."""
    from research.app.systems import SYSTEMS

    fit = [name for name, kind in SYSTEMS.items() if set(kind.gives) & set(one.gives)]
    return [name for name in fit if name not in _chosen(one)]


def _as_json(one: Suite) -> dict[str, Any]:
    return {
        "suite": one.name,
        "measures": one.measures,
        "needs": one.needs,
        "costs": one.costs,
        "source": one.source,
        "metrics": [metric.name for metric in one.metrics],
        "default": one.default_system,
        "systems": [*_chosen(one), *_others(one)],
        "published": [dict(zip(PUBLISHED, row, strict=True)) for row in one.published],
    }
