"""Exports each model of the zoo, and holds one step of it by verifyd to the model's own, by the rules of verifyd.export.

    python zoo.py [NAME...]

q is verifyd's error by the model's own, beyond what kinks explain, of the worst tensor: at most 16 passes. A star marks the q of a step
with smooth functions for kinks, where the model's own step is ruled by them.
"""

import pathlib
import sys
import tempfile
import time

import torch
import verifyd
from zoo_models import ZOO

torch.cuda.is_current_stream_capturing = lambda: False  # transformers asks; the libraries here are empty ones
GOAL = 20  # of the 23


def row(name, out):
    make, example, loss = ZOO[name]
    torch.manual_seed(0)
    model, inputs = make().train(), example()
    trained = [p for p in model.parameters() if p.requires_grad]
    count = f"{sum(p.numel() for p in trained):,} of {sum(p.numel() for p in model.parameters()):,}"
    started = time.perf_counter()
    try:
        got = verifyd.export(model, inputs, loss=loss, optimizer=torch.optim.SGD(trained, lr=0.1), out=out / "program.json")
    except verifyd.Error as e:
        return False, f"| {name} | | {count} | refused | |", str(e)
    p = got.proof
    return True, f"| {name} | {len(got.nodes)} | {count} | {p.worst:.2g}{'*' * p.smooth} | {p.relative:.1e} |", f"{p.tensor}, {time.perf_counter() - started:.1f} s"


def main(names):
    proven, notes = 0, []
    print("| model | nodes | trained parameters, of all | q | largest relative error |\n|---|---|---|---|---|")
    for name in names or ZOO:
        with tempfile.TemporaryDirectory() as out:
            passed, line, note = row(name, pathlib.Path(out))
        proven += passed
        print(line, flush=True)
        notes.append(f"{name}: {note}")
    print(f"\n{proven} of {len(notes)} proven by one step; worst tensors and times, or what was refused:\n")
    print("\n".join(notes))
    if not names and proven < GOAL:
        sys.exit(f"{proven} models are proven, {GOAL} are to be")


if __name__ == "__main__":
    main(sys.argv[1:])
