"""Short names of findings in a prompt: ``f1`` for the first that is shown, and so on.

An id takes fifteen tokens and a model repeats it with every sentence; a label takes two. It means something only within
one call, beside the list of findings that the call was made with, in which code looks it up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from research.records import Finding

Labels = Mapping[str, str]
"""A label for each finding's id."""


def labels_of(findings: Sequence[Finding]) -> dict[str, str]:
    """Return a label for each finding, by its id, in the order of ``findings``."""
    return {finding.id: f"f{place}" for place, finding in enumerate(findings, 1)}


def ids_of(named: Iterable[str], labels: Labels) -> tuple[str, ...]:
    """Return the ids of the findings that a model names, each once: by label, by its number alone or by the id itself.

    What names none of them is left out.
    """
    table = {label: id for id, label in labels.items()}
    table |= {label.removeprefix("f"): id for label, id in table.items()} | {id: id for id in labels}
    found = (table.get(name.strip(" []()").casefold()) for name in named)
    return tuple(dict.fromkeys(id for id in found if id is not None))
