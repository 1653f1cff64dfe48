"""Values of a round's updates, from arrays and from files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest

import verifyd
from verifyd import _child
from verifyd._rounds import tensors

CLI = Callable[..., Dict[str, Any]]
SEED = "ab" * 32


def parts(seed: int) -> Dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes: Dict[str, Tuple[int, ...]] = {"net.0.weight": (3, 4), "net.0.bias": (3,), "net.2.weight": (2, 3), "net.2.bias": (2,)}
    return {name: rng.standard_normal(shape).astype(np.float32) / 4 for name, shape in shapes.items()}


def test_a_round_of_arrays_has_the_certificate_of_its_files(cli: CLI, tmp_path: Path) -> None:
    subprocess.run([_child.command(), "job", "program", "mlp", "--inputs", "4", "--hidden", "3", "--classes", "2", "--rate", "0.1", "--out", str(tmp_path / "program.json")], check=True, capture_output=True)
    program = json.loads((tmp_path / "program.json").read_text())
    base, updates = parts(0), {"ann": parts(1), "bob": parts(2), "cy": parts(0)}
    x, y = np.random.default_rng(9).standard_normal((32, 4)), np.arange(32) % 2
    for name, tensors_of in {"base": base, **updates, "validation": {"x": x, "y": y}}.items():
        head, data = tensors(tensors_of, name)
        (tmp_path / f"{name}.safetensors").write_bytes(head + b"".join(data))
    got = verifyd.round_values(program, base, updates, [10, 20, 30], (x, y), seed=SEED, budget=2, transcript=tmp_path / "p")
    files = [f"{name}.safetensors" for name in updates]
    want = cli("value", "round", "--program", "program.json", "--base", "base.safetensors", *[f for u in files for f in ("--update", u)], "--sizes", "10,20,30", "--validation", "validation.safetensors",
               "--randomness", SEED, "--budget", "2", "--out", "c")
    assert got.document == want and got.owners == ["ann", "bob", "cy"] and got[2] == 0.0
    assert (tmp_path / "p" / "certificate.json").read_bytes() == (tmp_path / "c" / "certificate.json").read_bytes()
    assert verifyd.audit(tmp_path / "p", round=(program, base, updates, [10, 20, 30], (x, y))).passed
    with pytest.raises(verifyd.Error, match="files given are those of"):
        verifyd.audit(tmp_path / "p", round=(program, base, updates, [10, 20, 31], (x, y)))
    paths = verifyd.round_values(tmp_path / "program.json", tmp_path / "base.safetensors", [tmp_path / f for f in files], [10, 20, 30], tmp_path / "validation.safetensors", seed=SEED, budget=2)
    assert paths.document == want
    with pytest.raises(verifyd.Error, match="sizes: 1 given for 3 updates"):
        verifyd.round_values(program, base, updates, [10], (x, y))
    with pytest.raises(verifyd.Error) as caught:
        verifyd.round_values(program, {**base, "net.0.bias": np.zeros(3, dtype=complex)}, updates, [1, 2, 3], (x, y))
    assert caught.value.kind == "wrong-type" and "net.0.bias" in str(caught.value)
