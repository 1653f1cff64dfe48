"""docs/workers.md is run as it is printed, and examples/pytorch with it."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = sorted(p.name for p in (ROOT / "examples/pytorch").glob("*.py") if p.name != "pool.py")


def run(*arguments: str, folder: pathlib.Path) -> str:
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    done = subprocess.run(arguments, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_for_workers_says_what_its_programs_print(tmp_path: pathlib.Path) -> None:
    page = (ROOT / "docs/workers.md").read_text(encoding="utf-8")
    programs = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", page, re.S)
    assert [name for name, _ in programs] == ["train.py", "model.py", "offer.py", "groups.py"] and page.count("```python") == 4
    for name, text in programs:
        (tmp_path / name).write_text(text, encoding="utf-8")
    work, offer, judge, groups = re.findall(r"```console\n(.*?)```", page, re.S)[:4]
    for block in (offer, work, judge, groups):  # the page begins with the worker's
        for command, wanted in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            printed = run("bash", "-c", command, folder=tmp_path)
            shown, cut, _ = wanted.partition("...\n")
            assert printed.startswith(shown) if cut or not shown else printed == shown, f"{command} prints\n{printed}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_ends_with_a_verified_claim(example: str, tmp_path: pathlib.Path) -> None:
    file = ROOT / "examples/pytorch" / example
    assert len(file.read_text(encoding="utf-8").splitlines()) < 80
    assert "PASS" in run(sys.executable, str(file), folder=tmp_path).split()


def test_the_examples_are_a_perceptron_a_net_a_decoder_and_adapters() -> None:
    assert EXAMPLES == ["gpt.py", "lora.py", "mlp.py", "resnet18.py"]
