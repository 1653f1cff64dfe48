"""The command line: verifyd and python -m verifyd are the command that the package carries."""

from __future__ import annotations

import os
import sys

from ._child import command


def main() -> None:
    """Become the command."""
    path = command()
    os.execv(path, [path, *sys.argv[1:]])
