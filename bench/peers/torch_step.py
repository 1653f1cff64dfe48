"""PyTorch training steps on the CPU behind a line protocol, so that its runs can alternate with ours.

    usage: torch_step.py THREADS [compiled]

    stdin               stdout
    (start)             version of PyTorch
    setup MODEL FILE    "0 COUNT", COUNT being the number of trained parameters; MODEL is mlp, cnn, gpt or one of torch_models.py
    losses N            the losses of N training steps
    step N              wall and process nanoseconds of one training step, N in a row

FILE is a safetensors file with the initial parameters under "param/NAME", frozen ones under "frozen/NAME", and a batch under "x" and "y". A
training step is forward, cross entropy, backward, clipping where the model has it, update and reading the loss.
The models and their settings are those of ../models.go. Compiled, forward and backward are torch.compile's.
"""

import json
import math
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import torch_models


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)
        )

    def forward(self, x):
        return self.net(x)


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.fc = nn.Linear(64 * 14 * 14, 10)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc(F.max_pool2d(x, 2).flatten(1))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        b, t, c = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        if hasattr(F, "scaled_dot_product_attention"):  # since 2.0, and faster
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(c // self.heads))
            mixed = scores.masked_fill(mask, float("-inf")).softmax(-1) @ v
        x = x + self.proj(mixed.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class GPT(nn.Module):
    def __init__(self, vocab=256, context=128, width=256, layers=4, heads=8):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.lnf = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab, bias=False)
        self.register_buffer("mask", torch.ones(context, context, dtype=torch.bool).triu(1), persistent=False)
        self.register_buffer("positions", torch.arange(context), persistent=False)

    def forward(self, ids):
        x = self.tok(ids) + self.pos(self.positions)
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.lnf(x)).flatten(0, 1)


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=1e-3)


def adamw(parameters):
    return torch.optim.AdamW(parameters, lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)


MODELS = {"mlp": (MLP, sgd, None), "cnn": (CNN, adam, None), "gpt": (GPT, adamw, 1.0)}


def read(path):
    """The tensors of a safetensors file."""
    with open(path, "rb") as f:
        data = f.read()
    start = 8 + int.from_bytes(data[:8], "little")
    kinds = {"F32": np.float32, "I32": np.int32}
    tensors = {}
    for name, t in json.loads(data[8:start]).items():
        if name != "__metadata__":
            lo, hi = t["data_offsets"]
            values = np.frombuffer(data[start + lo : start + hi], kinds[t["dtype"]]).reshape(t["shape"])
            tensors[name] = torch.from_numpy(values.copy())
    return tensors


class Trainer:
    def __init__(self, model, path, compiled):
        tensors = read(path)
        self.shape = None
        if model in MODELS:
            build, optimizer, self.clip = MODELS[model]
            self.model = build()
            self.optimizer = optimizer(self.model.parameters())
        else:
            build, example, optimizer, self.clip = torch_models.MODELS[model]
            self.model, self.shape = build(), example().shape
            self.optimizer = optimizer(self.model)
        self.model.train()
        self.forward = torch.compile(self.model) if compiled else self.model
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(tensors[("param/" if p.requires_grad else "frozen/") + name].view_as(p))
        self.x = tensors["x"].long() if tensors["x"].dtype == torch.int32 else tensors["x"]
        if model == "cnn":
            self.x = self.x.view(-1, 1, 28, 28)
        elif self.shape:
            self.x = self.x.view(self.shape)
        self.y = tensors["y"].long().flatten()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.forward(self.x).flatten(0, -2), self.y)
        loss.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        return loss.item()

    def parameters(self):
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)


def answer(words, trainer, compiled):
    """The trainer after a command, and the answer to it."""
    if words[0] == "setup" and len(words) == 3:
        trainer = Trainer(words[1], words[2], compiled)
        return trainer, f"0 {trainer.parameters()}"
    if words[0] == "losses" and len(words) == 2 and trainer:
        return trainer, " ".join(repr(trainer.step()) for _ in range(int(words[1])))
    if words[0] == "step" and len(words) == 2 and trainer:
        n = int(words[1])
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        for _ in range(n):
            trainer.step()
        wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        return trainer, f"{wall // n} {cpu // n}"
    return trainer, "error unknown command"


def main():
    threads, compiled = int(sys.argv[1]), sys.argv[2:] == ["compiled"]
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    capability = next((l.split()[-1] for l in torch.__config__.show().splitlines() if "CPU capability" in l), "unknown")
    how = " compiled" if compiled else ""
    print(f"PyTorch {torch.__version__}{how}, {capability}, {threads} thread{'s' if threads > 1 else ''}", flush=True)
    trainer = None
    for line in sys.stdin:
        words = line.split()
        try:
            trainer, reply = answer(words, trainer, compiled)
        except Exception as e:  # whatever it is, the other side must hear of it
            reply = "error " + " ".join(f"{type(e).__name__}: {e}".split())
        print(reply, flush=True)


if __name__ == "__main__":
    main()
