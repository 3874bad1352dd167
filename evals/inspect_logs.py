"""Eval logs: what Inspect keeps of a case, and reading it back, with the journal of an eval whose process was killed.

A log is plain JSON in a zip file; reading one runs nothing that stands in it. While an eval runs, Inspect writes its
file from time to time; every case that ended since then stands in the journal (one JSON line for each case), which is
deleted when the file is complete. Running is for ``evals.inspect_runner``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal
from uuid import uuid4

import msgspec
import numpy as np
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, EvalSample, read_eval_log
from inspect_ai.scorer import Metric, SampleScore, Value, metric
from inspect_ai.scorer import Score as InspectScore

from evals.records import Case, Outcome, Score, Scored, Spec
from evals.suite import Suite
from research.errors import StoreProblem, UsageFault
from research.records import Record, build, plain

Status = Literal["success", "error", "cancelled", "started"]
JOURNAL = re.compile(r"[0-9a-f]{32}\.journal")
LONGEST_NAME = 80
BULK = {"messages", "events", "output", "attachments", "events_data", "timelines", "store"}
"""What Inspect keeps of a sample and nobody here reads."""
CANCELLED = ("CancelledError(", "Cancelled(")


class Log(Record):
    """A read log. ``scored`` has one entry for each case and epoch that ended, failed ones included, in their order.

    ``status``: ``success``; ``error`` when any case failed or the eval broke; ``cancelled`` when it was stopped;
    ``started`` when it runs, or its process was killed. ``missing`` are the ids of cases without an outcome in some
    epoch, other than those that failed. ``journal`` is the journal's name, "" for none.
    """

    spec: Spec
    scored: tuple[Scored, ...]
    status: Status
    missing: tuple[str, ...] = ()
    journal: str = ""


class Results(Record):
    """What the scorer leaves in Inspect's score: ours, by metric name."""

    scores: dict[str, Score]


class Journal:
    """The file beside a running eval's log that each case is written to as soon as it ended.

    What is in it survives the death of the process. A case that is written again replaces what stood for it.
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"{uuid4().hex}.journal"
        self._path = folder / self.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb", buffering=0)
        except OSError as error:
            raise StoreProblem(f"eval logs cannot be written in {folder}: {error.strerror or error}") from error

    def write(self, scored: Scored) -> None:
        """Write one case. Raises ``StoreProblem`` when the disk takes no more."""
        try:
            self._file.write(msgspec.json.encode(scored) + b"\n")
        except OSError as error:
            raise StoreProblem(f"{self._path} cannot be written: {error.strerror or error}") from error

    def close(self, *, whole: bool) -> None:
        """Close the file, and delete it when the log is ``whole`` without it or when nothing stands in it."""
        unneeded = whole or not self._file.tell()
        self._file.close()
        if unneeded:
            self._path.unlink(missing_ok=True)


def read_log(path: Path) -> Log:
    """Return a log with what its journal adds. Raises ``UsageFault`` when it is missing, damaged or of another make."""
    if not path.is_file():
        raise UsageFault(f"there is no eval log at {path}")
    # Inspect's reader brings an event loop of its own, and there may be one running here.
    with ThreadPoolExecutor(max_workers=1) as reader:
        reading = reader.submit(read_eval_log, path, exclude_fields=BULK, format="eval")
        error = reading.exception()  # damaged bytes can raise anything there
    if error is None:
        try:
            return _log(reading.result(), path)
        except (msgspec.MsgspecError, OSError) as unlike:
            error = unlike
    raise UsageFault(
        f"{path} cannot be read as an eval log ({_sentence(error)}); it is damaged or was not written by "
        "`research eval`"
    ) from error


def log_name(spec: Spec) -> str:
    """Return what stands in the file name of a log: suite and system, as far as file names and shells take them."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", f"{spec.suite}-{spec.system}")[:LONGEST_NAME].strip("-")


def view_command(folder: Path) -> list[str]:
    """Return the command that shows the logs of ``folder`` in Inspect's viewer: on this machine, as plain text."""
    return [sys.executable, "-m", "inspect_ai", "view", "start", "--log-dir", str(folder), "--no-trust-content"]


def sample_of(case: Case) -> Sample:
    """Return a case as Inspect keeps it; what is right in words, for people who look at the log."""
    gold = case.gold
    parts = [" / ".join(part) for part in gold.answers] or ([gold.label] if gold.label else list(gold.grades))
    target = "; ".join(parts) or ("no answer" if gold.answerable is False else "")
    return Sample(
        id=case.id,
        input=case.question.text,
        target=target,
        metadata={"group": case.group, "asked": case.asked(), "case": plain(case)},
    )


def score_of(scores: Mapping[str, Score], outcome: Mapping[str, str]) -> InspectScore:
    """Return Inspect's score: the values there are, the reasons for those there are not, and all of ours."""
    reasons = [f"{name}: {score.why or 'not judged'}" for name, score in scores.items() if score.value is None]
    return InspectScore(
        value={name: score.value for name, score in scores.items() if score.value is not None},
        answer=outcome.get("answer"),
        explanation="; ".join(reasons) or None,
        metadata=plain(Results(scores=dict(scores))),
    )


def figures_of(suite: Suite) -> Metric:
    """Return what Inspect's viewer shows above the cases: each metric's figure over those that were judged."""

    @metric(name="figures")
    def figures() -> Metric:
        def compute(scores: list[SampleScore]) -> Value:
            results = [build(Results, sample.score.metadata).scores for sample in scores]
            shown = {}
            for one in suite.metrics:
                judged = [result[one.name] for result in results if one.name in result]
                judged = [score for score in judged if score.value is not None]
                if judged and one.summary is not None:
                    shown[one.name] = float(one.summary(judged, np.ones((1, len(judged))))[0])
                elif judged:
                    shown[one.name] = float(np.mean([score.value for score in judged]))
            return shown

        return compute

    return figures()


def _log(log: EvalLog, path: Path) -> Log:
    """Make our log of Inspect's."""
    metadata = log.eval.metadata or {}
    spec = build(Spec, metadata.get("spec"))
    journal = str(metadata.get("journal", ""))
    journalled = {(entry.case, entry.epoch): entry for entry in _journalled(path, journal)}
    scored = journalled | {
        (sample.case, sample.epoch): sample for sample in map(_scored, log.samples or ()) if sample is not None
    }
    wanted = [(str(case), epoch) for epoch in range(1, spec.epochs + 1) for case in log.eval.dataset.sample_ids or ()]
    missing = dict.fromkeys(case for case, epoch in wanted if (case, epoch) not in scored)
    failed = any(entry.error for entry in scored.values())
    status: Status = "error" if log.status == "success" and (failed or missing) else log.status
    ordered = tuple(scored[key] for key in wanted if key in scored)
    return Log(spec=spec, scored=ordered, status=status, missing=tuple(missing), journal=journal)


def _scored(sample: EvalSample) -> Scored | None:
    """Return what a sample says, or ``None`` when its case was stopped before it ended."""
    if sample.error and sample.error.message.startswith(CANCELLED):
        return None
    outcome = sample.metadata.get("outcome")
    score = next(iter((sample.scores or {}).values()), None)
    return Scored(
        case=str(sample.id),
        group=str(sample.metadata.get("group", "")),
        outcome=build(Outcome, outcome) if outcome is not None else None,
        scores=build(Results, score.metadata).scores if score else {},
        error=sample.error.message if sample.error else "",
        epoch=sample.epoch,
        asked=str(sample.metadata.get("asked", "")),
    )


def _journalled(path: Path, name: str) -> Sequence[Scored]:
    """Return the journal's entries; a last line that was cut off in writing is none."""
    if not JOURNAL.fullmatch(name) or not (path.parent / name).is_file():
        return ()
    *lines, _ = (path.parent / name).read_bytes().split(b"\n")
    return [msgspec.json.decode(line, type=Scored) for line in lines]


def _sentence(error: BaseException) -> str:
    """Return an error's first line, short."""
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__
