"""Small smooth networks, in float64, whose exact Hessians `torch.func.hessian` gives."""

import torch
from torch import nn

SAMPLES, CLASSES = 11, 3


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, stride=2)
        self.norm = nn.BatchNorm2d(3)
        self.out = nn.Linear(12, CLASSES)

    def forward(self, x):
        return self.out(torch.tanh(self.norm(self.conv(x))).flatten(1))


class Attentive(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.out = nn.Linear(4, CLASSES)

    def forward(self, x):
        return self.out(self.attention(x, x, x, need_weights=False)[0].mean(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 3, batch_first=True)
        self.out = nn.Linear(3, CLASSES)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1])


class Tied(nn.Module):
    """One matrix used twice, and a bias of the second layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3, bias=False)
        self.second = nn.Linear(3, CLASSES)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(torch.tanh(self.first(x)))


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.idle = nn.Linear(2, 2)
        self.out = nn.Linear(3, CLASSES)

    def forward(self, x):
        return torch.tanh(self.out(x))


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.out = nn.Linear(3, 4), nn.Linear(4, CLASSES)
        self.first.requires_grad_(False)

    def forward(self, x):
        return self.out(torch.tanh(self.first(x)))


INPUTS = {
    Convolutional: (2, 6, 6),
    Attentive: (3, 4),
    Recurrent: (4, 2),
    Tied: (3,),
    Unused: (3,),
    Frozen: (3,),
}


def network(kind):
    """Return a network in eval mode, its inputs and labels."""
    torch.manual_seed(3)
    model = kind().double()
    inputs = torch.randn(SAMPLES, *INPUTS[kind], dtype=torch.float64)
    labels = torch.randint(CLASSES, (SAMPLES,))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model.eval(), inputs, labels
