"""Adapters on a frozen net: only they are trained, stored and hashed in each step; the rest is the job's base."""

import pathlib
import tempfile

import torch
import torch.nn.functional as F
import verifyd
from pool import Pool, save, show
from torch import nn


class LoRA(nn.Module):
    """base(x) + scale * B A x"""

    def __init__(self, base: nn.Linear, rank: int = 4, alpha: float = 8) -> None:
        super().__init__()
        self.base, self.scale = base.requires_grad_(False), alpha / rank
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features) * 0.02)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale


torch.manual_seed(0)
first, second, head = nn.Linear(20, 128), nn.Linear(128, 128), nn.Linear(128, 5)  # of a net that somebody trained
model = nn.Sequential(LoRA(first), nn.GELU(), LoRA(second), nn.GELU(), head.requires_grad_(False))
x = torch.randn(400, 20)
y = (x @ torch.randn(20, 5)).argmax(1)
adapters = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(adapters, lr=0.02)

with tempfile.TemporaryDirectory() as folder:
    pool = Pool(pathlib.Path(folder))
    save(pool.at / "data.safetensors", x=x.numpy(), y=y.int().numpy())
    exported = verifyd.export(model, x[:20], loss="cross_entropy", optimizer=optimizer, out=pool.at / "program.json")
    print(f"frozen: {', '.join(exported.frozen)}")
    pool.offer(steps=40)
    with verifyd.Trainer(exported, **pool.worker()) as trainer:
        while trainer.steps < trainer.total:
            loss = trainer.step()
            if trainer.steps % 10 == 0:
                print(f"step {trainer.steps}: loss {loss:.4f}")
        trainer.sync(model)
        trainer.finish()
    show(pool.judge())
