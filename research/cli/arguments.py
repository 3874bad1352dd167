"""The options of the commands: one annotated type for each, so that it reads the same wherever it is taken.

Values are taken as text and judged in ``research.settings``, where those of the environment and config file are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[str | None, typer.Option("--home", metavar="DIR", help="Folder that holds all state.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Last = Annotated[bool, typer.Option("--last", help="The run that was started last.")]
Run = Annotated[str | None, typer.Argument(metavar="[ID]", help="The run; its first characters are enough.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report there, too (.md or .json).")
]

Corpus = Annotated[
    list[str] | None, typer.Option("--corpus", metavar="NAME", help="Answer from this corpus; repeatable.")
]
Web = Annotated[bool, typer.Option("--web", help="Answer from the web.")]
Searx = Annotated[str | None, typer.Option("--searx", metavar="URL", help="SearXNG server to search with.")]
Tavily = Annotated[str | None, typer.Option("--tavily", metavar="URL", help="Tavily-compatible server to search with.")]
Search = Annotated[
    list[str] | None,
    typer.Option("--search", metavar="NAME", help="Service to search with; `research doctor` lists all; repeatable."),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="HOST:PORT", help="Private address that may be fetched; repeatable."),
]
IgnoreRobots = Annotated[
    bool, typer.Option("--ignore-robots", help="Read also pages that robots.txt closes to programs; you answer for it.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Ask for every page anew; none comes from the page cache, none is kept there.")
]
Javascript = Annotated[
    bool,
    typer.Option("--javascript", help="Run the scripts of pages without text, in a Chromium that has no network."),
]
Site = Annotated[
    list[str] | None,
    typer.Option("--site", metavar="HOST", help="Use only pages of this site and its subdomains; repeatable."),
]
DenySite = Annotated[
    list[str] | None,
    typer.Option("--deny-site", metavar="HOST", help="Use no page of this site or its subdomains; repeatable."),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="No pages dated before (YYYY, YYYY-MM or YYYY-MM-DD).")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="No pages dated after.")]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="PROVIDER:MODEL", help="Language model; without one, quotes are picked."),
]
Role = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="ROLE=PROVIDER:MODEL",
        help="Model of one role: planner, researcher, reader, writer or checker; @URL behind it is its server; "
        "repeatable.",
    ),
]
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", help="OpenAI-compatible server of the model.")
]
Mode = Annotated[str | None, typer.Option("--mode", metavar="MODE", help="auto (default), workflow, hybrid or agent.")]
Rerank = Annotated[
    str | None,
    typer.Option("--rerank", metavar="NAME", help="What orders hits: features (default), model or cross-encoder."),
]
Branches = Annotated[str | None, typer.Option("--branches", metavar="N", help="Most branches of the first round [4].")]
Rounds = Annotated[str | None, typer.Option("--rounds", metavar="N", help="Most rounds of branches [2].")]
MaxTokens = Annotated[str | None, typer.Option("--max-tokens-total", metavar="N", help="Cap on the run's tokens.")]
MaxUsd = Annotated[str | None, typer.Option("--max-usd", metavar="X", help="Cap on the run's dollars.")]
MaxCalls = Annotated[str | None, typer.Option("--max-calls", metavar="N", help="Cap on the run's calls.")]
MaxSeconds = Annotated[str | None, typer.Option("--max-seconds", metavar="X", help="Cap on the run's seconds.")]
BranchMaxTokens = Annotated[
    str | None, typer.Option("--branch-max-tokens-total", metavar="N", help="Cap on each branch's tokens.")
]
BranchMaxUsd = Annotated[
    str | None, typer.Option("--branch-max-usd", metavar="X", help="Cap on each branch's dollars.")
]
BranchMaxCalls = Annotated[
    str | None, typer.Option("--branch-max-calls", metavar="N", help="Cap on each branch's calls.")
]
BranchMaxSeconds = Annotated[
    str | None, typer.Option("--branch-max-seconds", metavar="X", help="Cap on each branch's seconds.")
]
Length = Annotated[
    str | None, typer.Option("--length", metavar="LENGTH", help="Of the report: short, normal (default) or long.")
]
Language = Annotated[
    str | None, typer.Option("--language", metavar="NAME", help="Of the report; without it, that of the question.")
]
Value = Annotated[str | None, typer.Option("--value", metavar="1-5", help="What the answer is worth [3].")]
Reliability = Annotated[str | None, typer.Option("--reliability", metavar="1-5", help="How reliable it must be [3].")]
Maturity = Annotated[str | None, typer.Option("--maturity", metavar="1-5", help="Your experience with agents [2].")]
Approve = Annotated[bool, typer.Option("--approve", help="Wait for approval of the plan (exit code 5).")]
Clarify = Annotated[
    bool, typer.Option("--clarify", help="Before planning, let the model ask you one thing if it must; Enter skips.")
]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="Work the plan in this file; none is made.")
]
PlanOnly = Annotated[
    Path | None,
    typer.Option("--plan-only", metavar="FILE|-", help="Plan, write the plan there as JSON for --plan, and stop."),
]
Cache = Annotated[
    bool, typer.Option("--cache", help="Use a model's answers of earlier runs to the same requests, and keep new ones.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what the run would cost at least and at most; begin and send nothing.")
]
AllowPartial = Annotated[bool, typer.Option("--allow-partial", help="Answer from a corpus whose index is unfinished.")]
Embedder = Annotated[
    str | None,
    typer.Option("--embedder", metavar="NAME", help="auto (default), hashing, minilm, openai:MODEL or ollama:MODEL."),
]
