"""A model of PyTorch is trained for a job, and the claim is verified."""

import concurrent.futures
import dataclasses
import gc
import os
import pathlib
import signal
import threading
from typing import Any

import pytest
import torch
import verifyd
from torch import nn
from verifyd._child import run
from verifyd._lowering.trainer import Batch
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

    def __init__(self, dir: pathlib.Path, model: nn.Module, x: torch.Tensor, optimizer: Any = None, **how: Any) -> None:
        self.dir, self.model = dir, model
        y = torch.randint(0, 3, (40,), generator=torch.Generator().manual_seed(5), dtype=torch.int32)
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

    def trainer(self, out: str, device: str = "cpu") -> verifyd.Trainer:
        at = self.dir
        return verifyd.Trainer(
            self.exported, at / "job", assignment=at / "assignment.json", operator=at / "operator.pem.pub", data=at / "data.safetensors", key=at / "worker.pem",
            out=at / out, device=device,
        )  # fmt: skip


@pytest.fixture
def net(tmp_path: pathlib.Path) -> Pool:
    torch.manual_seed(4)
    return Pool(tmp_path, Net(), torch.randn(40, 1, 6, 6))


@pytest.fixture(params=["net", "lora"])
def pool(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Pool:
    torch.manual_seed(4)
    if request.param == "net":
        return Pool(tmp_path, Net(), torch.randn(40, 1, 6, 6))
    model = LoRA()
    model.base[2] = nn.Linear(24, 3).requires_grad_(False)
    return Pool(tmp_path, model, torch.randn(40, 12))


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


def whole(pool: Pool) -> bytes:
    """The leaves of the job, trained in one go."""
    common = ["--operator", "operator.pem.pub", "--data", "data.safetensors", "--key", "worker.pem"]
    pool("train", "run", "job", "--assignment", "assignment.json", *common, "--out", "whole")
    return (pool.dir / "whole/leaves.bin").read_bytes()


def finished(pool: Pool, at: int) -> None:
    """Go on in the folder, from a step on, to the same claim."""
    with pool.trainer("trace") as t:
        assert t.steps == at
        while t.steps < t.total:
            t.step()
        t.finish()
    assert (pool.dir / "trace/leaves.bin").read_bytes() == whole(pool)


def test_a_trainer_goes_on_where_another_one_was_left(pool: Pool) -> None:
    with pool.trainer("trace"):
        pass
    assert not (pool.dir / "trace").exists()  # nothing was done
    with pool.trainer("trace") as t:
        t.step()
    with pytest.raises(verifyd.Error, match=f"3 of {STEPS} are done"), pool.trainer("trace") as t:
        assert t.steps == 0
        for _ in range(3):
            t.step()
        t.finish()
    finished(pool, 2)


def test_a_trainer_goes_on_where_a_child_was_killed(pool: Pool) -> None:
    t = pool.trainer("trace")
    for _ in range(5):
        t.step()
    os.kill(t._child._process.pid, signal.SIGKILL)
    with pytest.raises(verifyd.Error):
        t.step()
    finished(pool, 4)


def test_a_finished_trace_is_finished_again(pool: Pool) -> None:
    with pool.trainer("trace") as t:
        while t.steps < t.total:
            t.step()
        first = t.finish()
    with pool.trainer("trace") as t:
        assert t.steps == t.total
        assert t.finish() == first


def test_two_trainers_share_no_folder(pool: Pool) -> None:
    with pool.trainer("trace") as t:
        t.step()
        with pytest.raises(verifyd.Error, match="another process is at work in this folder"):
            pool.trainer("trace")
        assert t.step() == t.loss


def test_another_model_than_the_jobs_is_refused(pool: Pool, tmp_path: pathlib.Path) -> None:
    pool.exported.program["schedule"] = {"kind": "constant", "rate": 0.051}
    with pytest.raises(verifyd.Error, match="the job's"):
        pool.trainer("trace")
    assert not (pool.dir / "trace").exists()


def test_an_interrupt_of_python_leaves_the_work_to_go_on_with(pool: Pool) -> None:
    with pytest.raises(KeyboardInterrupt), pool.trainer("trace") as t:
        t.step()
        signal.raise_signal(signal.SIGINT)
    finished(pool, 0)


def test_an_interrupt_amid_an_answer_closes_the_trainer(net: Pool) -> None:
    with net.trainer("trace") as t:
        t.step()
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            while True:
                t.batch()
        timer.join()
        if t._open:  # it came between two questions
            t.close()
        with pytest.raises(verifyd.Error, match="closed"):
            t.step()
    finished(net, 0)


def test_an_evaluation_is_the_model_in_evaluation_mode_and_changes_nothing(pool: Pool) -> None:
    generator = torch.Generator().manual_seed(8)
    x, y = torch.randn(12, *((1, 6, 6) if isinstance(pool.model, Net) else (12,)), generator=generator), torch.randint(0, 3, (12,), generator=generator)
    model = pool.model
    with pool.trainer("trace") as t:
        for _ in range(3):
            t.step()
        got = t.evaluate(x, y)
        t.sync(model)
        model.eval()
        with torch.no_grad():
            want = model(x)
        assert torch.allclose(got.outputs, want, atol=1e-5)
        assert got.loss == pytest.approx(float(nn.functional.cross_entropy(want, y)), abs=1e-5)
        for rows in (1, 5, 7):  # of 5 a step
            assert torch.equal(t.evaluate(x[:rows]).outputs, got.outputs[:rows])
            assert t.evaluate(x[:rows]).loss is None
        while t.steps < t.total:
            before = t.state()
            t.evaluate(x)
            assert all(torch.equal(before[name], tensor) for name, tensor in t.state().items())
            t.step(t.batch())
        t.finish()
    common = ["--operator", "operator.pem.pub", "--data", "data.safetensors", "--key", "worker.pem"]
    pool("train", "run", "job", "--assignment", "assignment.json", *common, "--out", "again")
    assert (pool.dir / "trace/leaves.bin").read_bytes() == (pool.dir / "again/leaves.bin").read_bytes()


def test_rows_that_do_not_fit_are_refused_and_the_training_goes_on(net: Pool) -> None:
    x, y = torch.randn(4, 1, 6, 6), torch.zeros(4, dtype=torch.int64)
    with net.trainer("trace") as t:
        for inputs, labels, why in [
            (x.double(), y, "float64 would not keep"),
            (x[:, :, 1:], y, r"\(4, 1, 5, 6\), rows of \(1, 6, 6\) needed"),
            (x[:0], y[:0], "at least one"),
            (x, y[:3], "one number of rows"),
            ([x, x], y, "2 inputs, the model has 1"),
            (x[0, 0, 0, 0], y, "needed"),
        ]:
            with pytest.raises(verifyd.Error, match=why):
                t.evaluate(inputs, labels)
        batch = t.batch()
        for rows in [(x, y), x, verifyd_batch(batch, samples=batch.samples[::-1]), verifyd_batch(batch, tensors={})]:
            with pytest.raises(verifyd.Error, match="the job draws"):
                t.step(rows)
        t.step(batch)
        with pytest.raises(verifyd.Error, match="not those of step 1"):
            t.step(batch)
        assert t.steps == 1 and t.step(t.batch()) == t.loss


def verifyd_batch(batch: Batch, **changed: Any) -> Batch:
    return dataclasses.replace(batch, **changed)


class Tokens(nn.Module):
    """An embedding of ids."""

    def __init__(self) -> None:
        super().__init__()
        self.tok, self.head = nn.Embedding(7, 4), nn.Linear(4, 3)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.tok(ids).mean(1))


def test_ids_out_of_range_are_refused_and_the_training_goes_on(tmp_path: pathlib.Path) -> None:
    pool = Pool(tmp_path, Tokens(), torch.randint(0, 7, (40, 6), dtype=torch.int32))
    with pool.trainer("trace") as t:
        with pytest.raises(verifyd.Error, match="7 is outside 0 to 6"):
            t.evaluate(torch.full((2, 6), 7))
        with pytest.raises(verifyd.Error, match="would not keep its numbers"):
            t.evaluate(torch.full((2, 6), 2**32))
        assert t.evaluate(torch.full((2, 6), 6)).outputs.shape == (2, 3)
        t.step()


def test_many_steps_asked_for_at_once_are_those_steps(net: Pool) -> None:
    with net.trainer("a") as a, net.trainer("b") as b:
        losses = [a.step() for _ in range(STEPS)]
        assert b.train(3) + b.train() == losses and b.steps == STEPS and b.loss == losses[-1]
        assert b.train() == b.train(0) == []
        with pytest.raises(verifyd.Error, match=f"all {STEPS} steps"):
            b.train(1)


def test_workers_of_a_data_loader_do_the_trainer_no_harm(net: Pool) -> None:
    x, y = torch.randn(40, 1, 6, 6), torch.zeros(40, dtype=torch.int64)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=10, num_workers=2)
    with net.trainer("trace") as t:
        for _ in range(2):
            for inputs, labels in loader:
                t.evaluate(inputs, labels)
                t.step()
        assert t.steps == STEPS == t.finish()["step"]


def test_a_forked_process_cannot_ask_nor_end_the_training(net: Pool) -> None:
    with net.trainer("trace") as t:
        t.step()
        child = os.fork()
        if child == 0:
            try:
                t.step()
            except verifyd.Error as err:
                os._exit(0 if "forked" in str(err) else 1)
            os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert t.step() == t.loss and t.steps == 2


def test_an_engine_that_is_killed_is_one_clear_error(net: Pool) -> None:
    with net.trainer("trace") as t:
        t.step()
        os.kill(t._child._process.pid, signal.SIGKILL)
        with pytest.raises(verifyd.Error, match="ended by SIGKILL"):
            t.step()
        with pytest.raises(verifyd.Error, match="closed"):
            t.step()


def test_a_trainer_serves_threads_in_turn(net: Pool) -> None:
    with net.trainer("trace") as t, concurrent.futures.ThreadPoolExecutor(4) as threads:
        losses = list(threads.map(lambda _: t.step(), range(STEPS)))
        assert len(set(losses)) == STEPS == t.steps
        t.finish()


def test_what_is_finished_or_closed_is_not_used_again(net: Pool) -> None:
    with net.trainer("trace") as t:
        while t.steps < t.total:
            t.step()
        with pytest.raises(verifyd.Error, match=f"all {STEPS} steps of the job are done"):
            t.step()
    with net.trainer("trace") as t:
        assert t.steps == t.total
        t.finish()
        for use in (t.finish, t.step, t.batch, t.state, lambda: t.evaluate(torch.zeros(1, 1, 6, 6)), lambda: t.sync(Net())):
            with pytest.raises(verifyd.Error, match="the trainer is closed"):
                use()
        t.close()
    assert (net.dir / "trace/claim.json").exists()


def test_two_trainers_at_once_disturb_each_other_in_nothing(net: Pool) -> None:
    with net.trainer("a") as a, net.trainer("b") as b:
        while a.steps < a.total:
            assert a.step() == b.step()
        a.finish()
        b.finish()
    assert (net.dir / "a/leaves.bin").read_bytes() == (net.dir / "b/leaves.bin").read_bytes()


def test_a_trainer_that_nobody_closes_ends_its_child(net: Pool) -> None:
    t = net.trainer("trace")
    t.step()
    engine = t._child._process
    del t
    gc.collect()
    assert engine.wait(10) != 0
    finished(net, 0)


def test_a_device_that_is_not_there_is_refused(net: Pool) -> None:
    with pytest.raises(verifyd.Error, match="--device cuda:9"):
        net.trainer("trace", device="cuda:9")
    with pytest.raises(verifyd.Error, match="want auto, cpu, or cuda:N"):
        net.trainer("trace", device="mps")
    assert not (net.dir / "trace").exists()
