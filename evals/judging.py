"""Reports graded by a language model: by weighted criteria (``evals.race``) and by what they cite (``evals.fact``).

Judged text is data. It stands between tags whose mark is a hash of that text, so it can neither close them nor name the
mark that a valid answer repeats. Calling the model is handed in (``Ask``); nothing else here leaves the process. A
judge must run right after the system, because scorers are pure: :func:`judging` wraps the system, and the scores travel
in ``Outcome.judged`` to the metrics of the suite.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from evals.fact import fact
from evals.locating import located
from evals.race import race
from evals.records import Case, Corpora, Outcome, Score, System
from evals.replies import Ask, prompt_versions
from evals.suite import documents_by_id
from research.errors import UsageFault
from research.records import Question


async def judge_report(
    case: Case,
    outcome: Outcome,
    ask: Ask,
    *,
    judge: str = "",
    seed: int = 0,
    texts: Mapping[str, str] | None = None,
    most: int | None = None,
) -> dict[str, Score]:
    """Return the judge's scores by name; a score it could not give has no value and says why.

    ``texts`` are the sources at hand, by URL, title or document id. ``most`` is the most statements whose citations are
    judged, drawn by ``seed``. ``Score.said`` names the version of the prompt and ``judge``. The names are ``race``,
    ``race_comprehensiveness``, ``race_insight``, ``race_instruction_following``, ``race_readability``,
    ``fact_accuracy`` and ``fact_effective``; what does not apply has no entry.
    """
    graded, checked = await asyncio.gather(
        race(case, outcome.report, ask, seed), fact(outcome, ask, seed, texts or {}, most)
    )
    return {name: replace(score, said=_signed(name, score, judge)) for name, score in {**graded, **checked}.items()}


def _signed(name: str, score: Score, judge: str) -> str:
    version = prompt_versions()[name.partition("_")[0]]
    return ", ".join(part for part in (version, f"judge {judge}" if judge else "", score.said) if part)


def judging(
    system: System,
    cases: Mapping[Question, Case],
    ask: Ask,
    *,
    judge: str = "",
    seed: int = 0,
    corpora: Corpora | None = None,
    most: int | None = None,
) -> System:
    """Return ``system`` followed by the judge, whose scores are in :attr:`Outcome.judged`.

    ``cases`` are from :func:`by_question`. Usage and seconds stay as the system gave them: the judge's calls are
    counted in neither.
    """

    async def judged(question: Question) -> Outcome:
        outcome = located(await system(question), corpora or {}, question) if corpora else await system(question)
        case = cases.get(question)
        if case is None:
            return outcome
        texts = _texts(corpora or {}, question)
        scores = await judge_report(case, outcome, ask, judge=judge, seed=seed, texts=texts, most=most)
        return replace(outcome, judged=scores)

    return judged


def _texts(corpora: Corpora, question: Question) -> dict[str, str]:
    documents = documents_by_id(corpora, question.corpora).values()
    return {name: document.text for document in documents for name in (document.title, document.id) if name}


def by_question(cases: Iterable[Case]) -> dict[Question, Case]:
    """Return the cases by their question; raises ``UsageFault`` when two ask the same of the same corpora."""
    found: dict[Question, Case] = {}
    for case in cases:
        before = found.setdefault(case.question, case)
        if before is not case:
            raise UsageFault(f"the cases {before.id} and {case.id} ask the same; a judge cannot tell them apart")
    return found


def same_model_warning(judge: str, system_model: str) -> str | None:
    """Return a warning when judge and system are one model, under whichever provider; models prefer their own text."""
    one, other = (_bare(name) for name in (judge, system_model))
    if not one or one != other:
        return None
    return f"the judge {judge} is the system's own model and may favour its own reports; name another with --judge"


def _bare(model: str) -> str:
    """Return the name of a model without its provider: ``openai:gpt-4o`` and ``azure:openai/gpt-4o`` are one model."""
    _, colon, name = model.strip().lower().partition(":")
    return (name if colon else model.strip().lower()).rsplit("/", 1)[-1]
