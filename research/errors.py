"""The exception tree. Every error this project raises on purpose is one of these, with a sentence that says what to do.

::

    ResearchError                  exit code
    ├── UsageFault                 2   the command, a setting or a file is wrong
    │   ├── UnknownName                a corpus, run, model, provider or setting that does not exist
    │   └── BadBudget                  a cap that is zero, negative or not a number
    ├── SettingMissing             4   a key, an extra or a setting is needed first
    ├── Fatal                      1   the run cannot go on in this process; nothing that was recorded is lost
    │   ├── NotTheOwner                another process owns the run
    │   ├── StoreProblem               disk full, read-only, damaged, locked
    │   ├── Exhausted                  memory, file handles, threads or room on the disk ran out
    │   └── WrongVersion               the data directory or state was written by another version
    ├── EffectFailed               -   a call to the world failed for good; becomes a Failure
    ├── Refused                    -   not an error: the gate did not send the call
    │   ├── OutOfBudget                a cap would have been passed
    │   ├── Forbidden                  the branch's type does not allow it
    │   └── BranchCancelled            the user cancelled the branch
    ├── SourceDamaged              1   a stored text is missing or was changed; one source is lost, not the run
    └── CitationBroken             1   a report that cites an unknown finding, or a quote that is not in its source

The command line turns them into one sentence and an exit code; the node border turns ``EffectFailed`` and ``Refused``
into data; ``Fatal`` always passes through.
"""

from __future__ import annotations


class ResearchError(Exception):
    """The root. ``str(error)`` is one sentence for the user."""

    exit_code = 1


class UsageFault(ResearchError):
    """The command, a setting or a file is wrong."""

    exit_code = 2


class UnknownName(UsageFault):
    """Something was named that does not exist; the sentence carries a suggestion when there is a near name."""


class BadBudget(UsageFault):
    """A cap that is zero, negative or not a number."""


class SettingMissing(ResearchError):
    """A key, an extra or a setting is needed first; the sentence names the command that brings it."""

    exit_code = 4


class Fatal(ResearchError):
    """The run cannot go on in this process. What was recorded stays."""


class NotTheOwner(Fatal):
    """Another process owns the run."""


class StoreProblem(Fatal):
    """A store is full, read-only, damaged or locked."""


class Exhausted(Fatal):
    """Memory, file handles, threads or room on the disk ran out: this says nothing of what was being worked on."""


class WrongVersion(Fatal):
    """The data directory or a run's state was written by another version of the program."""


class EffectFailed(ResearchError):
    """A call to the world failed. ``retryable`` says whether sending it again may help; ``retry_after`` is in seconds.

    ``charged`` says whether the far side may have done (and billed) the work: then the reservation stays charged.
    ``limited``: it was sent too much; nothing is wrong with the call itself. ``too_long``: the same request with less
    text in it may be answered. ``gone``: the far side says that nothing is at that address (404, 410, or in words).
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        charged: bool = False,
        limited: bool = False,
        too_long: bool = False,
        gone: bool = False,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after
        self.charged = charged
        self.too_long = too_long
        self.limited = limited
        self.gone = gone


class Refused(ResearchError):
    """The gate did not send the call."""


class OutOfBudget(Refused):
    """A cap would have been passed. ``currency`` is tokens, usd, calls or seconds."""

    def __init__(self, message: str, *, currency: str) -> None:
        super().__init__(message)
        self.currency = currency


class Forbidden(Refused):
    """The branch's type does not allow the effect, or private text would have left the machine."""


class BranchCancelled(Refused):
    """The user cancelled the branch; what it has found is used."""


class SourceDamaged(ResearchError):
    """A stored text is missing or its hash is not its name; the sentence says how to repair it."""


class CitationBroken(ResearchError):
    """A sentence cites an unknown finding, or a quote is not in its source at its offsets."""
