"""Whether a run is a workflow, a hybrid or a team of agents: five scores, and a rule that anyone can read. Pure.

A score of 1 points to a workflow (fixed steps: predictable, cheap, easy to audit), 5 to agents (the model picks its
next step: flexible, dear).

==========================  ====================================================  ======================================
dimension                   read off                                              1 ............................ 5
==========================  ====================================================  ======================================
complexity                  the question: length, parts, comparisons, open verbs  one fact ........ open, many-sided
business value              ``--value`` (default 3)                               not worth tokens ... worth many tokens
reliability required        ``--reliability`` (default 3), turned round           must hold always ... may be explored
technical readiness         model, caps, approval                                 no model ... model, caps, approval
organisational maturity     ``--maturity`` (default 2)                            first runs ........ agents are routine
==========================  ====================================================  ======================================

The rule, first line that holds:

1. ``--mode`` other than ``auto``: that mode.
2. No model is configured: *workflow*; fixed steps are all that can be done without one.
3. Business value or reliability scores 1, or complexity 1 and business value 2: *workflow*; autonomy cannot pay, or may
   not be risked.
4. Complexity scores 4 or 5 and every other score is 3 or more: *agent*.
5. Else *hybrid*: fixed steps, with autonomy in the branches that need it.

The five dimensions are those of the guide that this project started from; the cues are English, so that a question in
another language is scored by its length and punctuation alone.
"""

from __future__ import annotations

import re

from research.options import RunOptions
from research.records import Mode, ModeName, Question, Score

_PARTS = re.compile(
    r"[?;？；]|\b(?:and|or)\s+(?=(?:what|who|whom|whose|when|where|why|how|which)\b)|(?:^|\s)(?:\(?[a-h1-9]\))", re.I
)
_COMPARISON = re.compile(
    r"\b(?:compar\w+|versus|vs|differ\w*|similar\w*|relat\w+|better|worse|instead of|trade-?offs?|both|between|"
    r"pros and cons|advantages?|in common|chang\w+|evol\w+)\b",
    re.I,
)
_HOPS = re.compile(
    r"\b(?:(?:author|creator|founder|director|inventor|successor|predecessor|owner|editor|delegate|capital|year)s?\s+of\s+"
    r"(?:the|a|an)\b.{0,80}\b(?:that|which|who|whose|where|in|by)|(?:that|which|who)\b.{0,80}\b(?:that|which|who|whose)|whose|"
    r"same\b.{0,80}\bas)\b",
    re.I | re.S,
)
_OPEN = re.compile(
    r"\b(?:analy[sz]\w+|assess\w*|evaluat\w+|explain\w*|discuss\w*|survey|review|investigat\w+|explor\w+|recommend\w*|"
    r"implications?|consequences|should|could|strateg\w+|state of the art|overview|report on|predict\w*|"
    r"forecast\w*)\b",
    re.I,
)
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
"""Thai, kana and Han are written without spaces: two characters count as a word."""
_LONG = 14
_VERY_LONG = 40
"""Words. Of 100 HotpotQA questions, which all take two hops, 63 have more than 14; of 300 single-hop ones
(Natural Questions) 7 have."""


def triage(question: Question, options: RunOptions, *, model: bool) -> Mode:
    """Return the mode of a run with its five scores and why; ``model`` says whether one is configured."""
    scores = (
        _complexity(question.text),
        Score(dimension="business value", value=options.value, reason=f"set to {options.value} of 5"),
        Score(
            dimension="reliability required",
            value=6 - options.reliability,
            reason=f"reliability {options.reliability} of 5 is required; the higher, the less freedom",
        ),
        _readiness(options, model=model),
        Score(
            dimension="organisational maturity",
            value=options.maturity,
            reason=f"experience with agents is set to {options.maturity} of 5",
        ),
    )
    name, reason = _decide(scores, options, model=model)
    return Mode(name=name, scores=scores, reasons=(reason,))


def _decide(scores: tuple[Score, ...], options: RunOptions, *, model: bool) -> tuple[ModeName, str]:
    if options.mode != "auto":
        return options.mode, f"The mode {options.mode} was asked for."
    if not model:
        return "workflow", "No language model is configured, so every step is a fixed one."
    complexity, value, reliability, *_ = scores
    if value.value == 1 or (value.value == 2 and complexity.value == 1):
        return "workflow", "The answer is said to be worth little, and fixed steps cost least."
    if reliability.value == 1:
        return "workflow", "The highest reliability is required, and fixed steps can be predicted and audited."
    low = [score.dimension for score in scores[1:] if score.value < 3]
    if complexity.value < 4:
        return "hybrid", "The question is not so open that every branch must choose its own steps."
    if low:
        return "hybrid", f"The question is open, but agents alone would need more of this: {', '.join(low)}."
    return "agent", "The question is open, its answer is worth the tokens, and nothing speaks against autonomy."


def _complexity(text: str) -> Score:
    words = len(text.split()) + len(_UNSPACED.findall(text)) // 2
    parts = max(1, len(_PARTS.findall(text.strip().rstrip("?;？；. "))) + 1)
    found: list[tuple[int, str]] = []
    if words > _LONG:
        found.append((2 if words > _VERY_LONG else 1, f"{words} words"))
    if parts > 1:
        found.append((2 if parts > 2 else 1, f"{parts} parts"))
    for cue, what in ((_COMPARISON, "compares or relates"), (_HOPS, "takes more than one hop"), (_OPEN, "open-ended")):
        match = cue.search(text)
        if match:
            found.append((1, f"{what} (“{' '.join(match.group().split())[:40]}”)"))
    value = min(5, 1 + sum(points for points, _ in found))
    return Score(
        dimension="complexity", value=value, reason=", ".join(what for _, what in found) or "one plain question"
    )


def _readiness(options: RunOptions, *, model: bool) -> Score:
    caps = options.caps
    ready = [
        (3 if model else 1, "a model is configured" if model else "no model is configured"),
        (int(any(cap is not None for cap in (caps.tokens, caps.nano_usd, caps.calls, caps.seconds))), "a cap is set"),
        (int(options.approve), "the plan waits for approval"),
    ]
    value = sum(points for points, _ in ready) if model else 1
    return Score(
        dimension="technical readiness", value=value, reason=", ".join(reason for points, reason in ready if points)
    )
