"""The programs of models that the tests and benchmarks of other languages train are those that verifyd.export makes.

python -m torch_tests.test_programs writes them, each proven by a step.
"""

from __future__ import annotations

import importlib.util
import pathlib
import types

import pytest
import torch
import verifyd
from verifyd._lowering.export import lower
from verifyd._lowering.step import canonical

ROOT = pathlib.Path(__file__).parents[2]
COMMITTED = ROOT / "verify/program/exported"


def models() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("torch_models", ROOT / "bench/peers/torch_models.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODELS = models().MODELS


def export(name: str, out: pathlib.Path) -> None:
    torch.manual_seed(0)
    make, example, optimizer, clip = MODELS[name]
    model = make().train()
    verifyd.export(model, example(), loss="cross_entropy", optimizer=optimizer(model), clip_norm=clip, out=out / f"{name}.json", base_out=out / "base.safetensors")


@pytest.mark.parametrize("name", [n for n in MODELS if n.endswith("-block")])
def test_a_block_is_exported_to_the_bytes_of_its_program(name: str, tmp_path: pathlib.Path) -> None:
    export(name, tmp_path)
    assert (tmp_path / f"{name}.json").read_bytes() == (COMMITTED / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", [n for n in MODELS if not n.endswith("-block")])
def test_a_model_is_lowered_to_the_bytes_of_its_program(name: str) -> None:
    make, example, optimizer, clip = MODELS[name]
    model = make().train()
    got = lower(model, example(), loss="cross_entropy", optimizer=optimizer(model), clip_norm=clip)
    assert canonical(got.program) == (COMMITTED / f"{name}.json").read_bytes()


def test_every_program_has_its_model() -> None:
    assert {p.stem for p in COMMITTED.glob("*.json")} == set(MODELS)


if __name__ == "__main__":
    import tempfile

    for name in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            export(name, pathlib.Path(folder))
            (COMMITTED / f"{name}.json").write_bytes((pathlib.Path(folder) / f"{name}.json").read_bytes())
