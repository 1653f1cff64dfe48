"""What tests share: rows of two classes, and the command itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest

from verifyd import _child

Rows = Tuple[Any, Any, Any, Any]


@pytest.fixture
def rows() -> Rows:
    """60 rows to learn from and 20 to be judged by, of whole numbers and two classes."""
    rng = np.random.default_rng(7)
    x, x_test = rng.integers(0, 9, (60, 3)), rng.integers(0, 9, (20, 3))
    return x, (x.sum(axis=1) > 12).astype(np.int64), x_test, (x_test.sum(axis=1) > 12).astype(np.int64)


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Dict[str, Any]]:
    """The command, as anybody runs it on files, with its JSON."""

    def run(*arguments: str) -> Dict[str, Any]:
        done = subprocess.run([_child.command(), "-o", "json", *arguments], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert isinstance(document, dict)
        return document

    return run


@pytest.fixture
def files(rows: Rows, tmp_path: Path) -> Rows:
    """The rows as files of NumPy's."""
    names = ("x.npy", "y.npy", "xt.npy", "yt.npy")
    for name, array in zip(names, rows):
        np.save(tmp_path / name, array, allow_pickle=False)
    return names
