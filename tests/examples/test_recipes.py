"""The recipes train and are evaluated; those of other libraries only where these are installed."""

import importlib
import math
import re
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import landscape_cli as landscape

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "examples" / "recipes"
LIBRARIES = {
    "lit": ["lightning"],
    "gpt2": ["transformers"],
    "lora": ["transformers", "peft"],
    "pyg": ["torch_geometric"],
}


@pytest.fixture
def recipe(monkeypatch, tmp_path):
    """Import a recipe by name, in a folder of its own."""
    monkeypatch.syspath_prepend(RECIPES)
    monkeypatch.chdir(tmp_path)
    yield importlib.import_module
    for path in RECIPES.glob("*.py"):
        sys.modules.pop(path.stem, None)


class Wave(nn.Module):
    """The exact solution u = sin(x - v t), of the inputs sin x, cos x and t."""

    speed = 3.0

    def forward(self, inputs):
        sine, cosine, t = inputs.unbind(1)
        return (sine * (self.speed * t).cos() - cosine * (self.speed * t).sin()).unsqueeze(1)


def test_the_exact_solution_has_no_physics_informed_loss(recipe):
    pinn = recipe("pinn")
    values = pinn.objective(Wave(), pinn.points(1).tensors)
    assert set(values) == {"loss", "residual", "initial"}
    for value in values.values():
        assert value.shape == (512,)
        assert value.abs().max() < 1e-10


def test_the_residual_is_that_of_finite_differences(recipe):
    pinn = recipe("pinn")
    torch.manual_seed(0)
    model = pinn.build(speed=2.0).model.double()
    inside, beginning = (places.double() for places in pinn.points(1).tensors)
    step, (h, k) = 1e-5, torch.eye(2, dtype=torch.float64)
    u = pinn.solution
    in_x = (u(model, inside + step * h) - u(model, inside - step * h)) / (2 * step)
    in_t = (u(model, inside + step * k) - u(model, inside - step * k)) / (2 * step)
    with torch.no_grad():
        found = pinn.objective(model, (inside, beginning))["residual"]
    torch.testing.assert_close(found, (in_t + 2 * in_x) ** 2, rtol=1e-6, atol=1e-9)
    around = inside + torch.tensor([2 * math.pi, 0.0])
    torch.testing.assert_close(u(model, inside), u(model, around))


def test_graphs_in_a_batch_have_the_loss_they_have_alone(recipe):
    graphs = recipe("graphs")
    problem = graphs.build()
    assert sum(len(batch.labels) for split in problem.splits.values() for batch in split) == 1797
    images = torch.zeros(3, 8, 8)
    images[0, 2:5, 3:6] = images[1, 1, 1:7] = images[2, :, 4] = 16
    labels = torch.tensor([0, 1, 1])
    together = graphs.objective(problem.model, graphs.join(images, labels))["loss"]
    alone = [
        graphs.objective(problem.model, graphs.join(image[None], label[None]))["loss"]
        for image, label in zip(images, labels, strict=True)
    ]
    torch.testing.assert_close(together, torch.cat(alone))
    assert graphs.join(images, labels).edges.shape == (2, 40 + 10 + 14)


@pytest.mark.parametrize("name", ["pinn", "graphs"])
def test_recipes_of_plain_torch_are_evaluated(recipe, name):
    problem = recipe(name).build()
    surface = landscape.compute(
        problem, grid={"x": (-0.5, 0.5, 3)}, splits=["train"], progress=False
    )
    train = problem.splits["train"]
    batches = [train.tensors] if name == "pinn" else train
    module = recipe(name)
    with torch.no_grad():
        losses = [module.objective(problem.model, batch)["loss"] for batch in batches]
    found = surface.values["train", "loss"]
    assert found[1] == pytest.approx(torch.cat(losses).double().mean().item(), rel=1e-5)
    assert len(set(found)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pinn", "graphs", "gpt", "lstm", *LIBRARIES])
def test_recipes_train_and_lie_in_a_valley(recipe, name):
    for library in LIBRARIES.get(name, []):
        pytest.importorskip(library)
    if name == "lora":
        recipe("gpt2").main()
    recipe(name).main()
    surface = landscape.compute(
        landscape.load_config(RECIPES / f"{name}.yaml"),
        grid={"x": (-1, 1, 5), "y": (-1, 1, 5)},
        output=None,
        progress=False,
    )
    loss = surface.values["train", "loss"]
    assert loss[2, 2] == loss.min()


def test_the_page_shows_what_the_recipes_are():
    page = (ROOT / "docs" / "recipes.md").read_text()
    files = "\n".join(path.read_text() for path in sorted(RECIPES.glob("*.py")))
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 6
    for block in shown:
        assert block in files, block
    assert all(f"[{path.name}]" in page for path in RECIPES.glob("*.py"))
