"""The picture: nodes, edges and the fan-out, on one screen.

``triage -> plan -> approve -> one branch a task -> gather -> assess -> (more branches | compose) -> check -> publish``
"""

from __future__ import annotations

from functools import cache
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from graphs import composing, nodes
from graphs.branch import build_branch
from graphs.clarifying import cleared
from graphs.context import RunContext
from graphs.state import RunState


def fan_out(state: RunState) -> list[Send] | str:
    """One ``Send`` per pending task; with none, the report."""
    pending, question = state.get("pending", []), cleared(state).text
    return [
        Send(
            "branch",
            {
                "task": state["tasks"][id],
                "caps": state["caps"][id],
                "opened": state["opened"],
                "question": question,
                "queries": state["tasks"][id]["queries"],
                "abreast": len(pending),
            },
        )
        for id in pending
    ] or "compose"


def build_graph(
    saver: BaseCheckpointSaver[Any] | None = None,
) -> CompiledStateGraph[RunState, RunContext, RunState, RunState]:
    """Return the compiled orchestrator; without a saver it also runs under a server that brings its own."""
    graph = _compiled()
    return graph if saver is None else graph.copy({"checkpointer": saver})


@cache
def _compiled() -> CompiledStateGraph[RunState, RunContext, RunState, RunState]:
    """Return the graph that all runs of a process share: it holds nothing of any of them."""
    builder = StateGraph(RunState, RunContext)
    builder.add_node("triage", nodes.triage_step)
    builder.add_node("plan", nodes.plan_step)
    builder.add_node("approve", nodes.approve_step)
    builder.add_node("branch", build_branch())
    builder.add_node("gather", nodes.gather_step)
    builder.add_node("assess", nodes.assess_step)
    builder.add_node("compose", composing.compose_step)
    builder.add_node("check", composing.check_step)
    builder.add_node("publish", composing.publish_step)

    builder.add_edge(START, "triage")
    builder.add_edge("triage", "plan")
    builder.add_edge("plan", "approve")
    builder.add_conditional_edges("approve", fan_out, ["branch", "compose"])
    builder.add_edge("branch", "gather")
    builder.add_edge("gather", "assess")
    builder.add_conditional_edges("assess", fan_out, ["branch", "compose"])
    builder.add_edge("compose", "check")
    builder.add_edge("check", "publish")
    builder.add_edge("publish", END)
    return builder.compile()
