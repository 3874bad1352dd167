"""Defects in the policy, the walls and the report, for ``bench.teeth``: by the invariant that each would break."""

from __future__ import annotations

from bench.mutants import Mutant

RIGHTS = (
    Mutant(
        "a web branch may retrieve",
        "research/access.py",
        '"web": frozenset({"model", "search", "fetch"}),',
        '"web": frozenset({"model", "search", "fetch", "retrieve"}),',
        "test_policy_core",
    ),
    Mutant(
        "the writer may search",
        "research/access.py",
        '"writer": frozenset({"model"}),',
        '"writer": frozenset({"model", "search"}),',
        "test_policy_core",
    ),
    Mutant(
        "private words may be searched for",
        "research/access.py",
        'if label == "private" and right in ("search", "fetch"):',
        'if label == "private" and right == "fetch":',
        "test_policy_machine",
    ),
    Mutant(
        "a search is asked whatever the label of its words",
        "research/access.py",
        'self._allow("search", label)',
        'self._allow("search")',
        "test_policy_core",
    ),
    Mutant(
        "an address is as good as a handle",
        "research/access.py",
        'hit = build(Hit, await self._world.records.get("hit", handle))',
        'hit = Hit(handle=handle, title="", score=1.0, url=handle) if "//" in handle else '
        'build(Hit, await self._world.records.get("hit", handle))',
        "test_policy_core",
    ),
    Mutant(
        "what private findings ask for may be asked of the web",
        "graphs/nodes.py",
        ' and not (label == "private" and task.type == "web")',
        "",
        "test_bounds",
    ),
    Mutant(
        "an agent opens handles that it was not offered",
        "graphs/branch.py",
        "for handle in turn.handles if handle in known]",
        "for handle in turn.handles]",
        "test_bounds",
    ),
)

CAPS = (
    Mutant(
        "a reservation may pass its cap by one",
        "research/budget.py",
        "if free is not None and need > free:",
        "if free is not None and need > free + 1:",
        "test_budget_machine",
    ),
    Mutant(
        "what is held is not counted",
        "research/budget.py",
        "taken = self.spent.plus(self.held)",
        "taken = self.spent",
        "test_budget_machine",
    ),
    Mutant(
        "a provider's usage is believed",
        "research/budget.py",
        "max(0, min(getattr(actual, c), getattr(bound, c)))",
        "getattr(actual, c)",
        "test_budget_machine",
    ),
    Mutant(
        "a call is sent before anybody looks whether it fits",
        "research/gate.py",
        "            budget.reserve(bound)\n",
        "            budget.held = budget.held.plus(bound)\n",
        "test_gate",
    ),
    Mutant(
        "what an earlier life spent is forgotten",
        "research/gate.py",
        'self.root = Budget("run", caps, spent=self._ledger.total())',
        'self.root = Budget("run", caps)',
        "test_policy_machine",
    ),
)

BOUNDS = (
    Mutant(
        "a plan may have any number of branches",
        "graphs/nodes.py",
        "plan.tasks[: context.bounds.branches]",
        "plan.tasks",
        "test_bounds",
    ),
    Mutant(
        "the assessor may ask for any number of branches",
        "graphs/nodes.py",
        "(answers[0][: context.bounds.new_branches] if answers else ())",
        "(answers[0] if answers else ())",
        "test_bounds",
    ),
    Mutant(
        "rounds have no end",
        "graphs/nodes.py",
        'if state["round"] >= context.bounds.rounds or short',
        'if state["round"] >= 9 or short',
        "test_bounds",
    ),
    Mutant(
        "an agent's turns have no end",
        "graphs/branch.py",
        'more = state.get("turn", 0) < turns_allowed and',
        "more =",
        "test_bounds",
    ),
    Mutant(
        "a branch searches one round more",
        "graphs/branch.py",
        'more = state.get("round", 0) < rounds and',
        'more = state.get("round", 0) <= rounds and',
        "test_bounds",
    ),
)

CITATIONS = (
    Mutant(
        "a finding keeps the model's words in place of the source's",
        "research/citations.py",
        "own = text[span[0] : span[1]]",
        "own = quote.quote",
        "test_citations",
    ),
    Mutant(
        "a quote may end inside a word",
        "research/citations.py",
        "if _cuts(text, start) or _cuts(text, end):",
        "if _cuts(text, start):",
        "test_citations",
    ),
    Mutant(
        "a report may cite what is no finding",
        "research/report.py",
        "if id not in findings:",
        "if not id:",
        "test_report",
    ),
    Mutant(
        "a finding may be from an unlisted source",
        "research/report.py",
        "if finding.source not in sources:",
        "if not finding.source:",
        "test_report",
    ),
    Mutant(
        "a quote that was moved still verifies",
        "research/citations.py",
        'texts.get(f.source, "")[f.start : f.end] == f.quote)',
        'f.quote in texts.get(f.source, ""))',
        "test_citations",
    ),
)

STATUS = (
    Mutant(
        "a run that lost something is done",
        "research/assemble.py",
        '"partial" if skipped else "done"',
        '"done"',
        "test_assemble",
    ),
    Mutant(
        "a run whose branches all failed is not",
        "research/assemble.py",
        'status: RunStatus = "failed" if failed else',
        "status: RunStatus =",
        "test_assemble",
    ),
    Mutant(
        "what a branch could not read is not named",
        "research/assemble.py",
        "for failure in outcome.failures",
        "for failure in outcome.failures[:0]",
        "test_assemble",
    ),
    Mutant(
        "a partial run ends with exit code 0",
        "research/assemble.py",
        '{"failed": 1, "partial": 3}',
        '{"failed": 1}',
        "test_assemble",
    ),
)

ORDER = (
    Mutant(
        "hits of one rank come in any order",
        "research/ranking.py",
        "order = sorted(first, key=lambda name: -scores[name])",
        "order = sorted(set(first), key=lambda name: -scores[name])",
        "test_ranking",
    ),
    Mutant(
        "a text found at two places is cited from either",
        "graphs/context.py",
        "for source in reversed(stored)}",
        "for source in stored}",
        "test_orchestrator",
    ),
    Mutant(
        "an id hangs on the process",
        "research/records.py",
        "hashlib.sha256(",
        "hashlib.sha256(str(id(parts)).encode() + ",
        "test_orchestrator",
    ),
)
