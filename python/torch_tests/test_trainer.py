"""A model of PyTorch is trained for a job, and the claim is verified."""

import os
import pathlib
import signal
from typing import Any

import pytest
import torch
import verifyd
from torch import nn
from verifyd._child import run
from verifyd._rounds import tensors

from .models import LoRA

STEPS = 8


class Net(nn.Module):
    """Convolution, batch norm and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.drop, self.fc = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.25), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.drop(torch.relu(self.bn(self.conv(x))).mean((2, 3))))


class Pool:
    """An operator's and a worker's files for a model."""

    def __init__(self, dir: pathlib.Path, model: nn.Module, shape: tuple[int, ...], optimizer: Any = None, **how: Any) -> None:
        self.dir = dir
        generator = torch.Generator().manual_seed(5)
        x, y = torch.randn(40, *shape, generator=generator), torch.randint(0, 3, (40,), generator=generator, dtype=torch.int32)
        head, parts = tensors({"x": x.numpy(), "y": y.numpy()}, "data")
        (dir / "data.safetensors").write_bytes(head + b"".join(parts))
        opt = optimizer or torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05, momentum=0.9)
        self.exported = verifyd.export(model, x[:5], loss="cross_entropy", optimizer=opt, out=dir / "program.json", **how)
        for role in ("operator", "worker"):
            self("keys", "new", f"{role}.pem", "--role", role)
        self(
            "job", "new", "--program", "program.json", "--base", "base.safetensors", "--data", "data.safetensors", "--steps", str(STEPS), "--stride", "2",
            "--sampled", "2", "--hold", "0", "--beacon", "fixed", "--reveal", "secret.json", "--delay", "0s", "--deadline", "1h", "--key", "operator.pem",
            "--audience", "urn:db:test", "--out", "job",
        )  # fmt: skip
        self("registry", "init", "registry")
        self("job", "assign", "worker.pem.pub", "--job", "job", "--registry", "registry", "--key", "operator.pem", "--out", "assignment.json")

    def __call__(self, *arguments: str) -> bytes:
        before = os.getcwd()
        os.chdir(self.dir)
        try:
            return run([*arguments, "--device", "cpu"], progress=False).data
        finally:
            os.chdir(before)

    def trainer(self, out: str) -> verifyd.Trainer:
        at = self.dir
        return verifyd.Trainer(
            self.exported, at / "job", assignment=at / "assignment.json", operator=at / "operator.pem.pub", data=at / "data.safetensors", key=at / "worker.pem",
            out=at / out, device="cpu",
        )  # fmt: skip


@pytest.fixture(params=["net", "lora"])
def pool(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Pool:
    torch.manual_seed(4)
    if request.param == "net":
        return Pool(tmp_path, Net(), (1, 6, 6))
    model = LoRA()
    model.base[2] = nn.Linear(24, 3).requires_grad_(False)
    return Pool(tmp_path, model, (12,))


def test_a_claim_of_a_trainer_is_that_of_the_command_and_passes(pool: Pool) -> None:
    model = Net() if "conv.weight" in pool.exported.state else LoRA()
    if isinstance(model, LoRA):
        model.base[2] = nn.Linear(24, 3)
    with pool.trainer("trace") as t:
        data = t.batch()
        assert data.tensors["x"].shape[0] == len(data.samples) == 5
        while t.steps < t.total:
            assert t.step() == t.loss
        t.sync(model)
        state = t.state()
        claim = t.finish()
    assert claim["step"] == STEPS and os.path.exists(claim["claim"])
    for name, p in model.named_parameters():
        if f"param/{name}" in state:
            assert torch.equal(p.detach(), state[f"param/{name}"])
    common = ["--operator", "operator.pem.pub", "--data", "data.safetensors", "--key", "worker.pem"]
    pool("train", "run", "job", "--assignment", "assignment.json", *common, "--out", "again")
    assert (pool.dir / "trace/leaves.bin").read_bytes() == (pool.dir / "again/leaves.bin").read_bytes()
    pool("job", "receipt", "trace/claim.json", "--leaves", "trace/leaves.bin", "--job", "job", "--registry", "registry", "--key", "operator.pem", "--out", "receipt.json")
    pool("train", "answer", "job", "--trace", "trace", "--receipt", "receipt.json", "--beacon", "secret.json", *common, "--out", "bundle")
    pool("job", "opened", "bundle", "--job", "job", "--registry", "registry", "--key", "operator.pem")
    assert b"PASS" in pool("verify", "bundle", "--operator", "operator.pem.pub")


def test_work_that_is_given_up_leaves_nothing(pool: Pool) -> None:
    with pool.trainer("trace") as t:
        t.step()
    assert not (pool.dir / "trace").exists()
    with pytest.raises(verifyd.Error, match=f"2 of {STEPS} are done"), pool.trainer("trace") as t:
        t.step()
        t.step()
        t.finish()
    assert not (pool.dir / "trace").exists()


def test_another_model_than_the_jobs_is_refused(pool: Pool, tmp_path: pathlib.Path) -> None:
    pool.exported.program["schedule"] = {"kind": "constant", "rate": 0.051}
    with pytest.raises(verifyd.Error, match="the job's"):
        pool.trainer("trace")
    assert not (pool.dir / "trace").exists()


def test_an_interrupt_of_python_gives_the_work_up(pool: Pool) -> None:
    with pytest.raises(KeyboardInterrupt), pool.trainer("trace") as t:
        t.step()
        signal.raise_signal(signal.SIGINT)
    assert not (pool.dir / "trace").exists()
