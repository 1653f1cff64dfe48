"""What a step by the Trainer costs beside the same step by the command train run: whole trainings of one job, in turns.

    python3 trainer_bench.py [PAIRS]

Times are those of a whole training, from its files to its claim, by the number of its steps: wall time, and that of all processors.
"""

import pathlib
import resource
import statistics
import sys
import tempfile
import time

import torch
import verifyd
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "examples/pytorch"))
from pool import Pool, command, save  # noqa: E402

THREADS = 1

MODELS = {
    "20-64-5, batch 20": (nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5)), (20, 20), 10000),
    "784-256-10, batch 64": (nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)), (64, 784), 1500),
    "784-1024-1024-10, batch 256": (nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)), (256, 784), 100),
    "convolutions 16-32, batch 32": (
        nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 10)),
        (32, 1, 28, 28),
        400,
    ),
}


def by_command(pool: Pool, out: pathlib.Path, steps: int) -> None:
    w = {name: str(path) for name, path in pool.worker().items()}
    files = ["--assignment", w["assignment"], "--operator", w["operator"], "--data", w["data"], "--key", w["key"], "--out", str(out)]
    command("train", "run", w["job"], *files, "--device", "cpu", "--threads", THREADS)


def by_trainer(pool: Pool, out: pathlib.Path, steps: int) -> None:
    with verifyd.Trainer(exported, **{**pool.worker(), "out": out}, device="cpu", threads=THREADS) as trainer:
        while trainer.steps < trainer.total:
            trainer.step()
        assert trainer.finish()["step"] == steps


def processors() -> float:
    """Seconds of processors that this process and those that it waited for have had."""
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


pairs = int(sys.argv[1]) if sys.argv[1:] else 7
print("model                          steps  command, ms  Trainer, ms  wall: median (quartiles)    processors")
for name, (model, shape, steps) in MODELS.items():
    with tempfile.TemporaryDirectory() as folder:
        at = pathlib.Path(folder)
        torch.manual_seed(0)
        x, y = torch.randn(4 * shape[0], *shape[1:]), torch.randint(0, 5, (4 * shape[0],), dtype=torch.int32)
        save(at / "data.safetensors", x=x.numpy(), y=y.numpy())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        exported = verifyd.export(model, x[: shape[0]], loss="cross_entropy", optimizer=optimizer, out=at / "program.json")
        pool = Pool(at)
        pool.offer(steps=steps)
        wall: dict[str, list[float]] = {"command": [], "trainer": []}
        busy: dict[str, list[float]] = {"command": [], "trainer": []}
        for i in range(pairs):
            for who, train in sorted({"command": by_command, "trainer": by_trainer}.items(), reverse=i % 2 == 1):
                began, had = time.perf_counter(), processors()
                train(pool, at / f"{who}{i}", steps)
                wall[who].append(time.perf_counter() - began)
                busy[who].append(processors() - had)
            assert (at / f"command{i}/leaves.bin").read_bytes() == (at / f"trainer{i}/leaves.bin").read_bytes()
        ratios = [t / c for t, c in zip(wall["trainer"], wall["command"])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        cpu = statistics.median(t / c for t, c in zip(busy["trainer"], busy["command"]))
        a, b = (1000 * statistics.median(wall[who]) / steps for who in ("command", "trainer"))
        print(f"{name:30} {steps:5}  {a:11.3f}  {b:11.3f}  {middle:.3f} ({low:.3f} to {high:.3f})     {cpu:.3f}", flush=True)
