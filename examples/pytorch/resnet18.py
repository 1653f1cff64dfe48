"""ResNet-18 for small images, written out: batch norm's running statistics are part of the state that is verified."""

import pathlib
import tempfile

import torch
import verifyd
from pool import Pool, save, show
from torch import nn


class Block(nn.Module):
    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.down = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if stride > 1 or a != b else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + self.down(x))


class ResNet18(nn.Module):
    def __init__(self, width: int = 64, classes: int = 10) -> None:
        super().__init__()
        w = [width, width, 2 * width, 4 * width, 8 * width]
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.Sequential(*(nn.Sequential(Block(w[i], w[i + 1], 1 + (i > 0)), Block(w[i + 1], w[i + 1], 1)) for i in range(4)))
        self.head = nn.Linear(8 * width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.stages(self.stem(x)).mean((2, 3)))


torch.manual_seed(0)
y = torch.randint(0, 10, (64,))
x = torch.randn(64, 3, 32, 32) + torch.randn(10, 3, 32, 32)[y]
model = ResNet18(width=16)  # 64 is the original; this one takes seconds
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)

with tempfile.TemporaryDirectory() as folder:
    pool = Pool(pathlib.Path(folder))
    save(pool.at / "data.safetensors", x=x.numpy(), y=y.int().numpy())
    exported = verifyd.export(model, x[:8], loss=nn.CrossEntropyLoss(), optimizer=optimizer, out=pool.at / "program.json")
    pool.offer(steps=10)
    with verifyd.Trainer(exported, **pool.worker()) as trainer:
        while trainer.steps < trainer.total:
            print(f"step {trainer.steps}: loss {trainer.step():.4f}")
        trainer.sync(model)
        trainer.finish()
    show(pool.judge())
print(f"running mean of the first batch norm: {dict(model.named_buffers())['stem.1.running_mean'][:3].tolist()}")
