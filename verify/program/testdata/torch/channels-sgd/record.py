"""Records two steps of a model with normalised channels, sparse and transposed convolutions, resampling and a recurrent
layer: case.json and steps.safetensors beside this file. Needs torch and safetensors. usage: record.py"""
import json, os
import torch, torch.nn as nn, torch.nn.functional as F
from safetensors.torch import save_file


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.depth, self.gn = nn.Conv2d(16, 16, 3, padding=1, stride=2, groups=16), nn.GroupNorm(4, 16)
        self.apart, self.bn2 = nn.Conv2d(16, 8, 3, padding=2, dilation=2, groups=2, bias=False), nn.BatchNorm2d(8, eps=1e-3, momentum=0.3)
        self.up = nn.ConvTranspose2d(8, 8, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.frozen = nn.BatchNorm2d(8)
        self.frozen.running_mean.normal_()
        self.frozen.running_var.uniform_(0.5, 2)
        self.lstm, self.head = nn.LSTM(30, 12, batch_first=True), nn.Linear(12, 5)

    def forward(self, x):
        h = F.silu(self.bn(self.conv(x)))
        h = F.silu(self.gn(self.depth(h)))
        h = F.silu(self.bn2(self.apart(h)))
        u = self.frozen.eval()(self.up(h))
        a = F.interpolate(F.interpolate(u, (12, 10), mode="nearest"), (6, 5), mode="bilinear", align_corners=False)
        b = F.interpolate(u, (6, 5), mode="bilinear", align_corners=True)
        return self.head(self.lstm((a + b).flatten(2))[0][:, -1])


torch.manual_seed(1)
torch.set_num_threads(1)
model, rate = Model(), 0.1
optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
x, y = torch.randn(2, 16, 3, 8, 8), torch.randint(0, 5, (2, 16))
tensors, recorded = {}, []
buffers = lambda: [(n, b) for n, b in model.named_buffers() if "running" in n]
for step in range(2):
    def keep(kind, values):
        tensors.update({f"{step:05d}/{kind}{name}": v.detach().clone().contiguous() for name, v in values})
    slots = lambda: [(n, optimizer.state[p]["momentum_buffer"]) for n, p in model.named_parameters() if optimizer.state[p]]
    keep("before/param/", model.named_parameters())
    keep("before/opt/momentum_buffer/", slots())
    keep("before/buffer/", buffers())
    keep("", [("x", x[step]), ("y", y[step])])
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x[step]), y[step])
    loss.backward()
    keep("grad/", [(n, p.grad) for n, p in model.named_parameters()])
    optimizer.step()
    keep("after/param/", model.named_parameters())
    keep("after/opt/momentum_buffer/", slots())
    keep("after/buffer/", buffers())
    recorded.append({"step": step, "lr": rate, "loss": loss.item(), "grad_norm": None})
here = os.path.dirname(os.path.abspath(__file__))
save_file(tensors, os.path.join(here, "steps.safetensors"))
with open(os.path.join(here, "case.json"), "w") as f:
    json.dump({"name": "channels-sgd", "framework": f"PyTorch {torch.__version__} CPU, 1 thread", "recorded": recorded}, f, indent=1)
    f.write("\n")
