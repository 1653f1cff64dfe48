"""What has no equivalent in a program."""

from __future__ import annotations

from typing import Sequence

from .._error import Error


class Refused(Error):
    """A model, an optimizer or a loss that no program says exactly.

    items   each node or tensor that is in the way, with its module and what would help
    """

    def __init__(self, message: str, items: Sequence[str] = ()) -> None:
        super().__init__(message + "".join(f"\n  {i}" for i in items), kind="unsupported")
        self.items = list(items)
