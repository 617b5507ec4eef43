"""Small networks whose checkpoints are read in several layouts."""

import torch
from torch import nn


class Net(nn.Module):
    """A convolution with batch norm, and a linear head."""

    def __init__(self, width=2):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.ReLU())
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


class Tied(nn.Module):
    """A language model whose head is its embedding: one Parameter, or two with one storage."""

    def __init__(self, by_storage=False):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.mix = nn.Linear(4, 4)
        self.lm_head = nn.Linear(4, 5, bias=False)
        if by_storage:
            self.lm_head.weight.data = self.embed.weight.data
        else:
            self.lm_head.weight = self.embed.weight


def scrambled(model, seed=5):
    """Give a model's floating-point tensors other values."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return model
