"""Objectives and autograd's gradient mode: values are computed under ``torch.no_grad()``."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from landscape_cli.problems.problem import Objective

REMEDY = (
    "values are computed under torch.no_grad(): in the objective, compute what it differentiates "
    "under `with torch.enable_grad():`, from inputs with .requires_grad_(True)"
)


def keeping_gradient_mode(objective: Objective) -> Objective:
    """Return an objective after which the gradient mode is what it was before.

    One that calls ``torch.set_grad_enabled(True)`` would otherwise record graphs of everything that
    is computed later, and keep parameters from being written.
    """

    def keeping(model: nn.Module, batch: Any) -> Any:
        with torch.set_grad_enabled(torch.is_grad_enabled()):
            return objective(model, batch)

    return keeping


def remedy_for(error: BaseException) -> str:
    """Return the remedy, after a semicolon, if an objective failed for lack of gradients."""
    lacking = isinstance(error, RuntimeError) and "not require grad" in str(error)
    return f"; {REMEDY}" if lacking else ""
