"""A perceptron of PyTorch's, trained for a claim that anybody can verify. Three lines differ from a training of one's own."""

import pathlib
import tempfile

import torch
import verifyd
from pool import Pool, save, show
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 20)
y = (x @ torch.randn(20, 5)).argmax(1)

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=60)

with tempfile.TemporaryDirectory() as folder:
    pool = Pool(pathlib.Path(folder))
    save(pool.at / "data.safetensors", x=x.numpy(), y=y.int().numpy())

    # 1: the model as a program, proven by one step.
    exported = verifyd.export(model, x[:20], loss="cross_entropy", optimizer=optimizer, schedule=schedule, out=pool.at / "program.json")
    pool.offer(steps=60)

    with verifyd.Trainer(exported, **pool.worker()) as trainer:  # 2: the engine
        while trainer.steps < trainer.total:
            loss = trainer.step()  # 3: in place of zero_grad, backward, optimizer.step and schedule.step
            if trainer.steps % 20 == 0:
                print(f"step {trainer.steps}: loss {loss:.4f}")
        trainer.sync(model)
        trainer.finish()
    show(pool.judge())

model.eval()
print(f"accuracy {(model(x).argmax(1) == y).float().mean():.3f}")
