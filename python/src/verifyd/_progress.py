"""A bar on standard error."""

from __future__ import annotations

import sys
from typing import Optional, TextIO

_WIDTH = 30


class Bar:
    """Draws how far work is, where somebody watches: shown=None looks whether standard error is a terminal."""

    def __init__(self, shown: Optional[bool] = None, stream: Optional[TextIO] = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        try:
            terminal = bool(self._stream and self._stream.isatty())
        except ValueError:  # it is closed
            terminal = False
        self._shown = terminal if shown is None else bool(shown and self._stream)
        self._last = ""

    def update(self, what: str, done: int, total: int) -> None:
        if not self._shown or total <= 0:
            return
        done = min(done, total)
        full = _WIDTH * done // total
        text = f"{what} [{'#' * full}{' ' * (_WIDTH - full)}] {done}/{total}"
        if text != self._last:
            self._write("\r" + text + " " * max(0, len(self._last) - len(text)))
            self._last = text

    def close(self) -> None:
        """Leave the line as it was."""
        if self._last:
            self._write("\r" + " " * len(self._last) + "\r")
            self._last = ""

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # a bar that cannot be drawn is no reason to stop working
            self._shown = False
