"""What a run would cost, opened and measured: the plan, the prices, and what runs like it did cost. Begins nothing.

Arithmetic is in ``research.estimate``; here the options are checked as ``ask`` checks them, the analyst is rehearsed
without a client or a key, and the finished runs of the home are read.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from research.affording import CapVerdict, verdicts
from research.analysts import Bounds, Style
from research.analysts.clarifying import LONGEST_ASKED
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.app.models import window
from research.app.records import runs, show
from research.app.searching import used
from research.app.world import check_options, named, placed_model, price
from research.budget import Amount
from research.errors import ResearchError
from research.estimate import Run, Step, Wiring, amount, asking, median, sizes_priced, work_of
from research.fitting import sizes_within
from research.options import RunOptions
from research.ports import Price
from research.records import LONGEST_ANSWER, BranchType, Clarification, Mode, Plan, Question, Record, build
from research.rehearsal import Cost, Rehearsal, Shape, Size, nobody
from research.report import Report
from research.requests import ModelRequest, Role
from research.routing import below
from research.settings import Settings
from research.sizing import filler
from research.triage import triage

FINISHED = ("done", "partial")


class Sum(Record):
    """Calls, tokens and dollars; ``usd`` is ``None`` when the price is not known."""

    calls: int
    tokens: int
    usd: float | None


class StepEstimate(Record):
    """One part of a run, of which there are ``fewest`` to ``most``; the costs are those of one."""

    what: str
    fewest: int
    most: int
    least_cost: Sum
    most_cost: Sum


class Measured(Record):
    """The medians of ``runs`` finished runs of the same model and mode in this home."""

    runs: int
    calls: float
    tokens: float
    usd: float | None
    seconds: float


class Estimate(Record):
    """What ``ask --dry-run`` prints. ``least`` and ``most`` are those of the whole run."""

    question: str
    mode: Mode
    model: str | None
    steps: tuple[StepEstimate, ...]
    least: Sum
    most: Sum
    caps: tuple[CapVerdict, ...]
    seconds_cap: float | None
    measured: Measured | None


async def estimate(text: str, options: RunOptions, settings: Settings) -> Estimate:
    """Return what ``ask`` would cost with these options. Raises what ``ask`` would raise before it begins."""
    check_options(options, settings)
    question = Question(text=text, corpora=options.corpora, web=options.web)
    mode = triage(question, options, model=options.uses_model)
    wiring, bounds = wiring_of_graph(), Bounds(branches=options.branches, rounds=options.rounds)
    plan: Plan = await ExtractiveAnalyst().plan(question, bounds, nobody())
    places: tuple[BranchType, ...] = (*(("corpus",) if options.corpora else ()), *(("web",) if options.web else ()))
    sizes = await _sizes(question, bounds, wiring, options, settings) if options.uses_model else {}
    work = work_of(
        Run(
            mode=mode,
            tasks=plan.tasks,
            places=places,
            bounds=bounds,
            wiring=wiring,
            providers=max(1, len(used(options))),
            sizes=sizes,
            reranks=options.rerank == "model",
            clarifies=options.clarify == "ask",
            escalates=_escalates(options, settings),
        )
    )
    known = _prices(options, settings) is not None
    return Estimate(
        question=text,
        mode=mode,
        model=named({role: model.spec for role, model in options.models().items()}) if options.uses_model else None,
        steps=tuple(_step(step, known) for step in work.steps),
        least=_sum(work.least, known),
        most=_sum(work.most, known),
        caps=verdicts(work, options.caps, options.branch_caps, None, wiring),
        seconds_cap=options.caps.seconds,
        measured=_measured(options, mode, settings),
    )


def wiring_of_graph() -> Wiring:
    """Return the limits of the graph, from where they are set."""
    from graphs.branch import AGENT_TURNS, CORPUS_HITS, WEB_HITS
    from graphs.context import RESERVE
    from graphs.nodes import CALLS_WORTH_A_BRANCH
    from graphs.reading import PAGE_PASSAGES
    from graphs.reranking import WIDER

    return Wiring(
        web_hits=WEB_HITS,
        corpus_hits=CORPUS_HITS,
        page_passages=PAGE_PASSAGES,
        agent_turns=AGENT_TURNS,
        reserve=RESERVE,
        branch_calls=CALLS_WORTH_A_BRANCH,
        wider=WIDER,
    )


async def _sizes(
    question: Question, bounds: Bounds, wiring: Wiring, options: RunOptions, settings: Settings
) -> dict[str, Size]:
    from tools.tokens import prompt_bound

    models = {role: model.spec for role, model in options.models().items()}
    bounds_of = {spec: prompt_bound(spec) for spec in dict.fromkeys(models.values())}
    shape = Shape(
        page_passages=wiring.page_passages,
        corpus_passages=wiring.corpus_hits,
        web_hits=wiring.web_hits,
        readings=wiring.agent_turns * bounds.deepest,
        wider=wiring.wider,
    )
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    style = Style(length=options.length, language=options.language)

    def count(request: ModelRequest) -> int:
        return bounds_of[models[request.role]](request)

    async def rehearsed(asked: Question) -> dict[str, Size]:
        return await Rehearsal(analyst, asked, bounds, shape, count, fewest_tokens(), style).sizes()

    sizes = await rehearsed(question)
    if options.clarify == "ask":  # the answer stands behind the question in every prompt
        longest = Clarification(asked=filler(LONGEST_ASKED), answered=filler(LONGEST_ANSWER)).added_to(question)
        sizes = {name: replace(sizes[name], most=size.most) for name, size in (await rehearsed(longest)).items()}
    placed = {role: placed_model(model, options) for role, model in options.models().items()}
    parts = {"read web": wiring.page_passages, "read corpus": wiring.corpus_hits}
    for name in sizes:
        windows = [window(placed[role], settings)[0] for role in asking(name)]
        sizes |= sizes_within({name: sizes[name]}, max(windows), parts)
    prices = _prices(options, settings)
    return sizes_priced(sizes, prices) if prices else sizes


def _escalates(options: RunOptions, settings: Settings) -> bool:
    """Return whether a sentence that the writer could not put right goes to a stronger model, that of the planner."""
    models = options.models()
    if not models:
        return False
    return below(price(models["writer"].spec, settings), price(models["planner"].spec, settings))


def _prices(options: RunOptions, settings: Settings) -> dict[Role, Price] | None:
    """Return the price of each role's model; ``None`` where that of any is not known."""
    found = {role: price(model.spec, settings) for role, model in options.models().items()}
    known = {role: one for role, one in found.items() if one is not None}
    return known if len(known) == len(found) else None


def fewest_tokens() -> Callable[[str], int]:
    """Return a function that bounds a text's tokens from below, for any model: three quarters of OpenAI's count.

    The vocabularies of other models cut English alike or finer; where OpenAI's cannot be loaded, a token is taken to
    cover eight bytes, which is more than it does in prose.
    """
    from tools.tokens import byte_bound, valid, vocabulary

    words = vocabulary("o200k_base")
    if words is None:
        return lambda text: byte_bound(text) // 8
    return lambda text: words.count(valid(text)) * 3 // 4


def _step(step: Step, known: bool) -> StepEstimate:
    return StepEstimate(
        what=step.what,
        fewest=step.fewest,
        most=step.most,
        least_cost=_sum(step.least_cost, known),
        most_cost=_sum(step.most_cost, known),
    )


def _sum(cost: Cost, known: bool) -> Sum:
    value: Amount = amount(cost, None)
    return Sum(calls=value.calls, tokens=value.tokens, usd=value.nano_usd / 1e9 if known else None)


def _measured(options: RunOptions, mode: Mode, settings: Settings) -> Measured | None:
    """Return the medians of the finished runs of this model and mode that no cap cut short, or ``None``.

    Those that had answers of earlier runs did not pay for all.
    """
    import msgspec

    found: list[Report] = []
    for row in runs(settings):
        if row.status not in FINISHED or row.origin:  # a forked run did not pay for what it took over
            continue
        try:
            asked = build(RunOptions, msgspec.json.decode(row.options))
            report = show(row.id, settings) if asked.models() == options.models() else None
        except (ResearchError, msgspec.MsgspecError):
            continue  # a damaged run is told by `research runs` and `doctor`; it is no measure of another
        kept = report is not None and report.cache is not None and report.cache.answered > 0
        if report is not None and report.mode.name == mode.name and not (kept or _cut(report)):
            found.append(report)
    if not found:
        return None
    money = [report.usage.usd for report in found if report.usage.usd is not None]
    return Measured(
        runs=len(found),
        calls=median([report.usage.calls for report in found]),
        tokens=median([report.usage.tokens for report in found]),
        usd=median(money) if len(money) == len(found) else None,
        seconds=median([report.usage.seconds for report in found]),
    )


def _cut(report: Report) -> bool:
    """Return whether a budget ended a branch: such a run says what was allowed and not what it took."""
    return any(branch.outcome == "out of budget" for branch in report.branches) or not report.branches
