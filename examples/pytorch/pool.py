"""The operator's side of the examples, in one process with the worker's: a job, a challenge and a verdict. In life these are two
people, and the beacon is drand's."""

import pathlib
import sys

import numpy as np

from verifyd._child import run


def command(*arguments: object) -> str:
    """Runs the command of the wheel; what it refuses is an exception."""
    return run([str(a) for a in arguments], progress=False).data.decode()


def save(path: pathlib.Path, **tensors: np.ndarray) -> None:
    """Writes a safetensors file, as the package of that name does."""
    from verifyd._rounds import tensors as file

    head, parts = file(tensors, path.name)
    path.write_bytes(head + b"".join(parts))


class Pool:
    """Files of an operator and of one worker, in a folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.at = folder
        for role in ("operator", "worker"):
            command("keys", "new", folder / f"{role}.pem", "--role", role)
        command("registry", "init", folder / "registry")

    def offer(self, steps: int) -> None:
        """Signs a job of program.json, base.safetensors and data.safetensors, and gives the worker a slot of it."""
        at = self.at
        command(
            "job", "new", "--program", at / "program.json", "--base", at / "base.safetensors", "--data", at / "data.safetensors", "--steps", steps, "--stride", 5,
            "--sampled", 2, "--hold", 0, "--beacon", "fixed", "--reveal", at / "secret.json", "--delay", "0s", "--deadline", "1h", "--key", at / "operator.pem",
            "--audience", "urn:db:example", "--out", at / "job",
        )  # fmt: skip
        own = ["--job", at / "job", "--registry", at / "registry", "--key", at / "operator.pem"]
        command("job", "assign", at / "worker.pem.pub", *own, "--out", at / "assignment.json")

    def worker(self) -> dict[str, pathlib.Path]:
        """What the worker's Trainer takes."""
        at = self.at
        return dict(job=at / "job", assignment=at / "assignment.json", operator=at / "operator.pem.pub", data=at / "data.safetensors", key=at / "worker.pem", out=at / "trace")

    def judge(self) -> str:
        """Receives the claim, has it opened, and replays what was drawn."""
        at = self.at
        own = ["--job", at / "job", "--registry", at / "registry", "--key", at / "operator.pem"]
        command("job", "receipt", at / "trace/claim.json", "--leaves", at / "trace/leaves.bin", *own, "--out", at / "receipt.json")
        command(
            "train", "answer", at / "job", "--trace", at / "trace", "--receipt", at / "receipt.json", "--beacon", at / "secret.json", "--operator",
            at / "operator.pem.pub", "--data", at / "data.safetensors", "--key", at / "worker.pem", "--out", at / "bundle",
        )  # fmt: skip
        command("job", "opened", at / "bundle", *own)
        return command("verify", at / "bundle", "--operator", at / "operator.pem.pub")


def show(verdict: str) -> None:
    """Prints a verdict; one that is no PASS ends the example."""
    print(verdict)
    if "PASS" not in verdict.split():
        sys.exit(1)
