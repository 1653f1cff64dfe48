"""What the pages show, run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np

CLI = Callable[..., Dict[str, Any]]
ROOT = Path(__file__).parents[2]


def block(page: str, number: int) -> str:
    return str(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.S)[number])


def test_the_process_of_the_protocols_page_plays_its_game(cli: CLI, tmp_path: Path) -> None:
    (tmp_path / "utility.py").write_text(block("docs/utility-protocol.md", 0))
    found = cli("value", "utility", "--estimator", "exact", "--", sys.executable, "utility.py")["result"]["values"]
    assert [int(v["numerator"]) // int(v["denominator"]) for v in found] == [4 * 10**9, 3 * 10**9, 2 * 10**9, 10**9]


def test_the_first_lines_of_the_packages_page_give_values() -> None:
    names: Dict[str, Any] = {}
    exec(block("python/README.md", 0), names)
    assert len(names["result"]) == 1347 and names["result"].interval == "exact"


def test_the_model_of_the_packages_page_is_valued(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import RidgeClassifier

    X, y = load_iris(return_X_y=True)
    names: Dict[str, Any] = {"np": np, "X": X[::2], "y": y[::2], "X_test": X[1::2], "y_test": y[1::2], "owner": np.arange(75) % 10, "pipeline": RidgeClassifier(), "verifyd": __import__("verifyd")}
    code = block("python/README.md", 1).replace('"run"', repr(str(tmp_path / "run")))
    exec(code, names)
    assert (tmp_path / "run" / "certificate.json").exists() and names["result"].interval == "betting"
