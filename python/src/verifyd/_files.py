"""Files in memory, handed down to the command open: nothing of them is ever on a disk, whoever is killed."""

from __future__ import annotations

import os
from types import TracebackType
from typing import List, Optional, Tuple, Type, Union

from ._error import Error

Data = Union[bytes, bytearray, memoryview]


class Files:
    """Files that are gone when the last process that holds them is."""

    def __init__(self) -> None:
        self._open: List[int] = []

    def add(self, name: str, *parts: Data) -> str:
        """Make a file of the parts; return the name by which the command finds it. The end of name says the format."""
        if "/" in name or not name:
            raise Error(f"{name!r}: want a name without a slash", kind="usage", field=name)
        if not hasattr(os, "memfd_create"):
            raise Error("files in memory need Linux", kind="unsupported")
        descriptor = os.memfd_create(f"verifyd-{name[:64]}")
        self._open.append(descriptor)
        for part in parts:
            view = memoryview(part).cast("B")
            while len(view):
                view = view[os.write(descriptor, view):]
        return f"/dev/fd/{descriptor}/{name}"

    @property
    def descriptors(self) -> Tuple[int, ...]:
        """What the command inherits."""
        return tuple(self._open)

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())

    def __enter__(self) -> Files:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()
