"""Settings of a file that an accelerator began, and that a CPU continues."""

from dataclasses import replace

import torch
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator
from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.run.setup.forward_choice import choose_forward

CONFIG = {
    "problem": "digits",
    "checkpoint": "none.pt",
    "output": "none.h5",
    "grid": {"x": [-1, 1, 3], "y": [-1, 1, 3]},
}


def test_a_cpu_does_not_group_points():
    data = TensorDataset(torch.randn(40, 6), torch.randint(3, (40,)))
    settings = Settings(16, group=32)
    found = evaluator(nn.Linear(6, 3), {"train": data}, cross_entropy, settings=settings)
    facts = choose_forward(found, RunConfig.model_validate(CONFIG), SerialExecutor(), fresh=False)
    assert facts.settings == found.settings == replace(settings, group=1)
