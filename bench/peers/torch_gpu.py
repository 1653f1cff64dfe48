"""PyTorch on a GPU behind a line protocol, so that its runs can alternate with ours.

    usage: torch_gpu.py ORDINAL

    stdin               stdout
    (start)             version of PyTorch and the device, or "error" and why there is none
    check M N K         the corners of a product of value(i, 1) and value(i, 2)
    gemm M N K REPS     nanoseconds of one product, REPS in a row
    setup MODEL FILE    "0 COUNT", COUNT being the number of parameters; MODEL is mlp, cnn, gpt or gpt2
    losses N            the losses of N training steps
    step N              nanoseconds of one training step, N in a row
    trip N              nanoseconds of one tiny kernel, from its launch to its end, N in a row
    launch N            nanoseconds of one of N tiny kernels that are launched one by one

Nanoseconds are two numbers: by the host's clock, and between two events on the device. What is timed runs once before
it counts. Everything is eager and in binary32, without TF32 and with deterministic algorithms. A training step copies its
rows from pinned memory of the host, as ours does, and ends when the loss is there.
"""

import sys
import time

try:
    import torch

    import torch_step
except Exception as e:
    print("error", " ".join(f"{type(e).__name__}: {e}".split()), flush=True)
    sys.exit()

torch_step.MODELS["gpt2"] = (lambda: torch_step.GPT(50257, 1024, 768, 12, 12), torch_step.adamw, 1.0)


def settle():
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It would also fill memory with NaN before each use, which finds mistakes and costs time.
    if hasattr(torch.utils, "deterministic"):
        torch.utils.deterministic.fill_uninitialized_memory = False


def value(n, seed, device):
    """n numbers of value(i, seed) of openblas.c, in integer arithmetic modulo 2^64."""
    constant = lambda c: c - (1 << 64) if c >= 1 << 63 else c
    shifted = lambda z, k: (z >> k) & ((1 << (64 - k)) - 1)
    z = torch.arange(1, n + 1, dtype=torch.int64, device=device) * constant(0x9E3779B97F4A7C15) + (seed << 32)
    z = (z ^ shifted(z, 30)) * constant(0xBF58476D1CE4E5B9)
    z = (z ^ shifted(z, 27)) * constant(0x94D049BB133111EB)
    z = z ^ shifted(z, 31)
    return shifted(z, 40).to(torch.float32) * 2**-24 - 0.5


def timed(n, work):
    """Nanoseconds of one of n calls of work, by the host's clock and by the device's."""
    work()
    torch.cuda.synchronize()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    wall = time.perf_counter_ns()
    begin.record()
    for _ in range(n):
        work()
    end.record()
    torch.cuda.synchronize()
    wall = time.perf_counter_ns() - wall
    return f"{wall // n} {int(begin.elapsed_time(end) * 1e6) // n}"


class Trainer(torch_step.Trainer):
    """A trainer whose model lives on the device and whose rows live in pinned memory."""

    def __init__(self, model, path, device):
        build, optimizer, self.clip = torch_step.MODELS[model]
        tensors = torch_step.read(path)
        self.model = build().to(device)
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(tensors["param/" + name].view_as(p))
        self.optimizer = optimizer(self.model.parameters())
        rows = tensors["x"].view(-1, 1, 28, 28) if model == "cnn" else tensors["x"]
        self.rows, self.labels = rows.pin_memory(), tensors["y"].flatten().pin_memory()
        self.device = device

    def step(self):
        x = self.rows.to(self.device, non_blocking=True)
        self.x = x.long() if x.dtype == torch.int32 else x
        self.y = self.labels.to(self.device, non_blocking=True).long()
        return super().step()


class Server:
    def __init__(self, device):
        self.device, self.trainer, self.size, self.factors = device, None, None, None
        self.tiny = torch.ones(32, device=device)

    def product(self, m, n, k):
        if self.size != (m, n, k):
            self.size = m, n, k
            self.factors = None
            self.factors = value(m * k, 1, self.device).view(m, k), value(k * n, 2, self.device).view(k, n)
            self.out = torch.empty(m, n, device=self.device)
        return torch.mm(*self.factors, out=self.out)

    def trip(self):
        torch.relu_(self.tiny)
        torch.cuda.synchronize()

    def answer(self, words):
        command, arguments = words[0], words[1:]
        if command == "setup":
            self.trainer = self.size = self.factors = self.out = None
            torch.cuda.empty_cache()
            self.trainer = Trainer(*arguments, self.device)
            return f"0 {self.trainer.parameters()}"
        numbers = [int(a) for a in arguments]
        if command == "check":
            self.trainer = None
            c = self.product(*numbers)
            return " ".join(repr(v.item()) for v in (c[0, 0], c[0, -1], c[-1, 0], c[-1, -1]))
        if command == "gemm":
            return timed(numbers[3], lambda: self.product(*numbers[:3]))
        if command == "losses":
            return " ".join(repr(self.trainer.step()) for _ in range(numbers[0]))
        if command == "step":
            return timed(numbers[0], self.trainer.step)
        if command == "trip":
            return timed(numbers[0], self.trip)
        if command == "launch":
            return timed(numbers[0], lambda: torch.relu_(self.tiny))
        return "error unknown command"


def main():
    device = torch.device("cuda", int(sys.argv[1]))
    if not torch.cuda.is_available():
        print(f"error PyTorch {torch.__version__} sees no GPU", flush=True)
        return
    torch.cuda.set_device(device)
    settle()
    server = Server(device)
    print(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name()}, eager, fp32 without TF32, deterministic", flush=True)
    for line in sys.stdin:
        try:
            reply = server.answer(line.split())
        except Exception as e:  # whatever it is, the other side must hear of it
            reply = "error " + " ".join(f"{type(e).__name__}: {e}".split())
        print(reply, flush=True)


if __name__ == "__main__":
    main()
