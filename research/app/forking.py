"""Forking: a new run that begins with what another one has already done, unpaid. The other run is never changed.

What is taken over (``research.forked``) is read while nobody works on the other run and is written together with the
new run's row, so a fork that is killed was either not begun or can be resumed. After that it is like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from research.app.hands import HANDS, Hands
from research.app.making import differing, made
from research.app.plans import plan_in
from research.app.records import Home, find_run, stored_run
from research.app.running import RunHandle, begin_run, stored_words
from research.app.stores import RunFiles, run_files
from research.app.world import check_options, check_price, check_writer
from research.budget import NANO, Caps
from research.errors import NotTheOwner, StoreProblem, UnknownName, UsageFault
from research.forked import Ended, Given, Round, with_lost_rounds, without_gaps
from research.injection import Attempt
from research.ledger import Ledger
from research.options import RunOptions, chosen
from research.ports import Listener, Records
from research.records import (
    BranchOutcome,
    Clarification,
    Event,
    Failure,
    Finding,
    ForkPoint,
    Mode,
    Origin,
    Plan,
    Question,
    Source,
    build,
)
from research.report import Report
from research.settings import Settings
from research.web_rules import Outside
from tools.ownership import RunLock
from tools.run_records import RunRecords
from tools.run_store import RunRow

R = TypeVar("R")
CURRENCIES = {"tokens_total": "tokens", "usd": "nano_usd", "calls": "calls", "seconds": "seconds"}
"""A cap's setting, without its prefix, and its field."""
OF_BRANCHES = ("branches", "rounds", *(f"branch_max_{name}" for name in CURRENCIES))
"""Settings that shape branches and nothing else."""
OF_REPORTS = ("length", "language")
"""Settings of the report alone."""
REUSED = "; what it uses again is that one's work"
CLARIFYING = "clarification"
"""The step whose calls every fork takes over: nobody is asked a thing twice."""
REPORTING = "report"
"""The step whose calls a fork does not take over, nor the lapses that end in its name: it is done anew."""


async def fork(
    run: str | None,
    at: ForkPoint,
    settings: Settings,
    *,
    listen: Listener,
    on_start: Callable[[RunHandle], None],
    plan: Path | None = None,
    hands: Hands = HANDS,
) -> Report:
    """Begin a run that uses the work of ``run`` before the point ``at`` again, and work on it until it has published.

    Its options are those of ``run`` but for the settings that were given as flags; its budget counts its own calls
    only. ``plan`` is a file with the plan to be worked, for ``at`` plan. Raises as ``ask`` does.
    """
    home, row = Home(settings), find_run(settings, run)
    if row.status == "running":
        raise UsageFault(
            f"the run {row.id} is being worked on; `research pause {row.id}` stops it, then it can be forked"
        )
    before, question = stored_words(row)
    options = forked_options(before, question, at, settings)
    _check_model(options, settings)
    check_writer(options, settings)
    (check_price if at == "compose" else check_options)(options, settings)
    try:
        with RunLock(home.locks, row.id), run_files(home, hands.clock) as files:
            given = await _Fork(files, home, stored_run(home, row.id), at).given(options)
    except NotTheOwner as error:
        raise UsageFault(f"{error}; a run can be forked when nobody works on it") from None
    if plan is not None:
        given = replace(given, plan=plan_in(plan, question, options.branches))
    differs = differing(row.made, made())
    if differs:
        detail = f"forked by a program that differs from the one that began {row.id}, in {differs}"
        listen(Event(run=row.id, kind="notice", detail=detail + ("" if at == "plan" else REUSED)))
    return await begin_run(question, options, settings, listen=listen, on_start=on_start, hands=hands, given=given)


def forked_options(before: RunOptions, question: Question, at: ForkPoint, settings: Settings) -> RunOptions:
    """Return the options of a fork: those of its origin but for the flags given. At compose nothing is read.

    Raises ``UsageFault`` for a flag that could change nothing.
    """
    flagged = _flagged(settings)
    idle = [f"--{name.replace('_', '-')}" for name in OF_BRANCHES if name in flagged]
    if at == "compose" and idle:
        raise UsageFault(
            f"{' and '.join(idle)} cannot matter at compose, where no branch is worked: there --model, --role, "
            "--base-url, --length, --language and the caps of the whole run (--max-…) count"
        )
    names = [name for name in ("model", "base_url", "branches", "rounds", "cache", *OF_REPORTS) if name in flagged]
    changed = {name: getattr(settings, name) for name in names}
    roles = {role: model for role, model in settings.roles.items() if f"roles.{role}" in flagged}
    caps = {
        name: _caps(getattr(before, name), getattr(settings, name), prefix, flagged)
        for name, prefix in (("caps", "max_"), ("branch_caps", "branch_max_"))
    }
    read = {"corpora": (), "web": False} if at == "compose" else {"corpora": question.corpora, "web": question.web}
    approve = before.approve and at == "plan"
    return replace(before, **changed, roles=before.roles | roles, **caps, **read, approve=approve, plan_only=False)


def _check_model(options: RunOptions, settings: Settings) -> None:
    """Raise ``UnknownName`` for a provider that is not known: the server of then is for the model of then.

    With a server of its own any name is a model's, as in a run that is asked.
    """
    from tools.chat_models import parse_spec

    flagged = _flagged(settings)
    models = {"model": options.model, **{f"roles.{role}": model for role, model in options.roles.items()}}
    for name, model in models.items():
        if model and ":" in model and name in flagged and "base_url" not in flagged:
            parse_spec(chosen(model).spec, compatible=chosen(model).server is not None)


def _flagged(settings: Settings) -> set[str]:
    return {name for name, origin in settings.origins.items() if origin.startswith("flag")}


def _caps(before: Caps, given: Caps, prefix: str, flagged: set[str]) -> Caps:
    fields = {field: getattr(given, field) for name, field in CURRENCIES.items() if f"{prefix}{name}" in flagged}
    return replace(before, **fields)


class _Fork:
    """Reads from the stores of one run what a fork of it begins with."""

    def __init__(self, files: RunFiles, home: Home, row: RunRow, at: ForkPoint) -> None:
        self._files = files
        self._home = home
        self._row = row
        self._at = at
        self._records: Records = files.read(row.id).records

    async def given(self, options: RunOptions) -> Given:
        """Return what is taken over. Raises ``UsageFault`` when there is nothing at this point."""
        if isinstance(self._records, RunRecords):
            await self._records.check()
        origin = await self._origin(self._row, self._at)
        said = next(iter(await self._every("clarification", Clarification)), None)
        if self._at == "plan":
            return Given(origin=origin, clarification=said)
        plans = await self._records.every("plan")
        if not plans:
            raise UsageFault(
                f"the run {self._row.id} has no plan yet; `research fork {self._row.id} --at plan` makes one"
            )
        plan = build(Plan, plans[0])
        if self._at == "branch":
            kept, rest = plan.tasks[: options.branches], plan.tasks[options.branches :]
            dropped = (*plan.dropped, *(task.objective for task in rest))
            return Given(
                origin=origin,
                plan=replace(plan, tasks=kept, dropped=dropped),
                clarification=said,
                lapses=await self._lapses("plan"),
            )
        return await self._worked(Given(origin=origin, plan=plan, clarification=said))

    async def _lapses(self, *only: str) -> tuple[str, ...]:
        lapses = [str(lapse) for lapse in await self._records.every("lapse")]
        return tuple(lapse for lapse in lapses if not lapse.endswith(REPORTING) and (not only or lapse in only))

    async def _worked(self, given: Given) -> Given:
        findings = await self._every("finding", Finding)
        if not findings:
            raise UsageFault(
                f"the run {self._row.id} has found nothing yet that a report could be written from; "
                f"`research fork {self._row.id} --at branch` works its plan anew"
            )
        rounds, modes = await self._every("round", Round), await self._every("mode", Mode)
        if not (rounds and modes):
            raise UsageFault(
                f"the run {self._row.id} has lost what its branches were; "
                f"`research fork {self._row.id} --at plan` works it anew"
            )
        known = {ended.outcome.task: ended for ended in await self._every("outcome", Ended)}
        unstarted = {what for round in rounds for what in round.unstarted}
        plan = given.plan or Plan(tasks=())
        worked = with_lost_rounds(rounds, plan, known, findings)
        tasks = [task for round in worked for task in round.plan.tasks if task.id not in unstarted]
        given = replace(
            given,
            mode=modes[0],
            rounds=worked,
            ended=tuple(known.get(task.id) or self._cut(task.id, findings) for task in tasks),
            findings=tuple(findings),
            sources=tuple(await self._every("source", Source)),
            lapses=await self._lapses(),
            losses=tuple(await self._every("loss", Failure)),
            attempts=tuple(await self._every("attempt", Attempt)),
            outside=tuple(await self._every("outside", Outside)),
        )
        return without_gaps(given, len(rounds))

    def _cut(self, task: str, findings: Sequence[Finding]) -> Ended:
        """Return the ending of a branch that had not ended: what it has found is used."""
        own = sorted((one for one in findings if one.task == task), key=lambda one: (one.source, one.start))
        outcome = BranchOutcome(task=task, outcome="cancelled", findings=tuple(one.id for one in own))
        return Ended(outcome=outcome, limit=f"it had not ended when the run {self._row.id} was forked")

    async def _every(self, kind: str, record: type[R]) -> list[R]:
        return [build(record, stored) for stored in await self._records.every(kind)]

    async def _origin(self, row: RunRow, at: ForkPoint) -> Origin:
        """Return what a fork of ``row`` uses again; of a fork itself also what that had used again."""
        ledger = Ledger(await self._files.read(row.id).journal.entries())
        found = tuple(set(ledger.branches()) - {REPORTING})
        steps = {"plan": (CLARIFYING,), "branch": (CLARIFYING, "plan"), "compose": found}[at]
        used = [ledger.usage(step) for step in steps]
        calls, tokens = sum(usage.calls for usage in used), sum(usage.tokens for usage in used)
        money = [None if usage.nano_usd is None else usage.nano_usd / NANO for usage in used]
        known = True
        if row.origin:
            more = await self._above(build(Origin, msgspec.json.decode(row.origin)), at)
            calls, tokens, money = calls + more.calls, tokens + more.tokens, [*money, more.usd]
            known = more.known
        priced = [usd for usd in money if usd is not None]
        usd = sum(priced) if len(priced) == len(money) else None
        return Origin(run=row.id, at=at, calls=calls, tokens=tokens, usd=usd, known=known)

    async def _above(self, above: Origin, at: ForkPoint) -> Origin:
        """Return what a fork from ``above`` has of it that a fork of that fork ``at`` uses again."""
        if at == "plan" or (at == "branch" and above.at == "plan"):
            return replace(above, calls=0, tokens=0, usd=0.0, known=True)
        if at in (above.at, "compose"):  # what was used again then: its origin may have gone on since
            return above
        try:
            row = stored_run(self._home, above.run)
            if row.whole:
                return await self._origin(row, at)
        except (UnknownName, StoreProblem):
            pass
        return replace(above, calls=0, tokens=0, usd=None, known=False)
