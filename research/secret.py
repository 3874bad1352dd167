"""A key that can be used and cannot be shown: not printed, pickled, copied, formatted or serialised.

Where keys come from is in ``research.settings``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn


class Secret:
    """Holds one key. :meth:`reveal` is the only way to it; call that where the key is sent, and nowhere else."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Return the key itself."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(set)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret has no state to save")


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` with every secret of four characters or more replaced by ``[secret]``."""
    values = sorted((secret.reveal() for secret in secrets), key=len, reverse=True)
    for value in values:
        if len(value) >= 4:
            text = text.replace(value, "[secret]")
    return text
