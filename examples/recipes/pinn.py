"""A physics-informed network: the loss needs derivatives with respect to the inputs.

python pinn.py                 # train, and save runs/pinn.pt
landscape compute pinn.yaml    # its loss on a plane
"""

import math
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.problems import Problem


def build(speed: float = 1.0) -> Problem:
    """Build the convection equation u_t + speed * u_x = 0 with u(x, 0) = sin(x), x periodic."""
    model = nn.Sequential(
        *(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    )
    model.speed = speed
    return Problem(model, {"train": points(1)}, objective, name=f"Convection, speed {speed:g}")


def points(seed: int) -> TensorDataset:
    """Draw 512 places (x, t) inside the domain, each with one (x, 0) at its beginning."""
    random = torch.Generator().manual_seed(seed)
    inside = torch.rand(512, 2, generator=random) * torch.tensor([2 * math.pi, 1.0])
    beginning = torch.rand(512, 2, generator=random) * torch.tensor([2 * math.pi, 0.0])
    return TensorDataset(inside, beginning)


def solution(model: nn.Module, places: torch.Tensor) -> torch.Tensor:
    """Evaluate u, periodic in x by its inputs sin x and cos x."""
    x, t = places.unbind(1)
    return model(torch.stack([x.sin(), x.cos(), t], 1)).squeeze(1)


def objective(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> dict:
    """Return the loss of each of the batch's n pairs of places, and both of its terms."""
    inside, beginning = batch
    with torch.enable_grad():  # values are computed under torch.no_grad()
        places = inside.clone().requires_grad_(True)
        u = solution(model, places)
        (slopes,) = torch.autograd.grad(u.sum(), places, create_graph=True)
    residual = (slopes[:, 1] + model.speed * slopes[:, 0]) ** 2
    initial = (solution(model, beginning) - beginning[:, 0].sin()) ** 2
    return {"loss": residual + 10 * initial, "residual": residual, "initial": initial}


def main() -> None:
    """Train with Adam and save the weights."""
    torch.manual_seed(0)
    problem = build()
    optimizer = torch.optim.Adam(problem.model.parameters(), lr=0.005)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
    for _ in range(1500):
        optimizer.zero_grad()
        loss = objective(problem.model, problem.splits["train"].tensors)["loss"].mean()
        loss.backward()
        optimizer.step()
        schedule.step()
    Path("runs").mkdir(exist_ok=True)
    torch.save(problem.model.state_dict(), "runs/pinn.pt")
    print(f"loss {loss.item():.2g}")


if __name__ == "__main__":
    main()
