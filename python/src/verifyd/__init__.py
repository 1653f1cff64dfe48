"""What data, updates and players were worth: Shapley values with intervals, transcripts and audits.

    result = verifyd.knn_shapley(X, y, X_test, y_test, n_neighbors=5)
    result = verifyd.values(n, utility=lambda members: score(members), seed=7, transcript="run")
    verifyd.audit("run", utility)

Each function runs the command verifyd, which the package carries, as a child process and returns a Result, which behaves as the
array of its values. What is refused is an Error.
"""

from __future__ import annotations

from typing import Any

from ._child import VerifydWarning
from ._data import banzhaf, beta, data_oob, data_shapley
from ._error import Error, UtilityError
from ._knn import knn_shapley
from ._result import Audit, Result
from ._rounds import round_values
from ._utility import audit, load, serve, values

__version__ = "0.1.0"

__all__ = [
    "Audit", "Error", "Result", "UtilityError", "VerifydWarning", "audit", "banzhaf", "beta", "data_oob", "data_shapley", "knn_shapley", "load", "round_values", "serve",
    "values",
]


def __getattr__(name: str) -> Any:
    """What needs PyTorch is loaded when it is asked for: export writes a PyTorch model as a program, Trainer trains it for a claim."""
    if name == "export":
        from ._lowering.export import export

        return export
    if name == "Trainer":
        from ._lowering.trainer import Trainer

        return Trainer
    if name == "Refused":
        from ._lowering.refused import Refused

        return Refused
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
