import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.problems import Problem, zoo
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.objectives import cross_entropy


def test_every_name_of_the_registries_exists():
    for path in (*zoo.MODELS.values(), *zoo.DATASETS.values()):
        module, _, attribute = path.partition(":")
        assert callable(getattr(__import__(module, fromlist=[attribute]), attribute))


@pytest.mark.parametrize("model", zoo.MODELS)
def test_every_model_fits_the_data(model):
    problem = zoo.build(model=model, samples={"train": 8, "test": 4})
    assert isinstance(problem, Problem)
    values = problem.objective(problem.model, problem.splits["train"][:])
    assert problem.objective is cross_entropy
    assert {name: tuple(value.shape) for name, value in values.items()} == {
        "loss": (8,),
        "accuracy": (8,),
    }
    assert problem.model(problem.splits["test"].tensors[0]).shape == (4, 10)


def test_arguments_and_titles():
    args = {"depth": 8, "width": 0.5, "shortcuts": False}
    problem = zoo.build("resnet", "digits", args)
    assert problem.name == "ResNet-8, width 0.5, no shortcuts"
    assert problem.model.conv1.weight.shape == (8, 1, 3, 3)
    assert zoo.build("mlp", model_args={"hidden": [64, 64]}).name == "MLP 64-64"


def test_the_import_path_of_configurations_works():
    problem = load_problem("landscape_cli.problems.zoo:build", {"model": "mlp"})
    assert problem.name == "MLP 64-64"


def test_samples_keeps_the_first_samples():
    whole = zoo.build("mlp").splits
    some = zoo.build("mlp", samples={"train": 5, "test": None}).splits
    assert len(some["train"]) == 5
    assert len(some["test"]) == 360
    for few, many in zip(some["train"].tensors, whole["train"].tensors, strict=True):
        assert torch.equal(few, many[:5])
        # Samples left out do not stay in memory.
        assert few.untyped_storage().nbytes() == few.nbytes


def test_a_new_model_needs_one_line_and_no_title(monkeypatch):
    class Tiny(nn.Module):
        def __init__(self, size, classes, scale=1.0):
            super().__init__()
            self.linear, self.scale = nn.Linear(size, classes), scale

        def forward(self, images):
            return self.linear(images.mean(dim=(1, 2))) * self.scale

    # `size` does not come from the data: the user must give it.
    module = ModuleType("tiny_model")
    module.Tiny = Tiny
    monkeypatch.setitem(sys.modules, "tiny_model", module)
    monkeypatch.setitem(zoo.MODELS, "tiny", "tiny_model:Tiny")
    problem = zoo.build("tiny", model_args={"size": 8, "scale": 2.0})
    assert problem.name == "Tiny"
    assert problem.model.scale == 2.0
    assert problem.model.linear.out_features == 10


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"model": "lenet"}, "model: got 'lenet', expected one of resnet, mlp, vgg, densenet"),
        ({"data": "mnist"}, "data: got 'mnist', expected one of digits, fashion_mnist, cifar10"),
        ({"model_args": {"deep": 8}}, "has no 'deep'; it has depth, width, shortcuts"),
        ({"model_args": {"classes": 8}}, "has no 'classes'; it has depth, width, shortcuts"),
        ({"model_args": {"depth": "a"}}, "model_args: resnet does not work with {'depth': 'a'}"),
        ({"model_args": {"depth": 9}}, "depth: got 9"),
        ({"model_args": {"width": float("inf")}}, "resnet does not work with {'width': inf}"),
        ({"model_args": [8]}, "model_args: got [8], expected a mapping"),
        ({"data_args": {"folder": "x"}}, "data digits has no 'folder'; it has none"),
        ({"data": "cifar10", "data_args": {"dir": "x"}}, "has no 'dir'; it has folder"),
        ({"samples": {"train": 1438}}, "samples.train: got 1438, expected 1 to 1437"),
        ({"samples": {"train": 0}}, "samples.train: got 0, expected 1 to 1437"),
        ({"samples": {"test": -1}}, "samples.test: got -1, expected 1 to 360"),
        ({"samples": {"test": 2.5}}, "samples.test: got 2.5"),
        ({"samples": {"test": True}}, "samples.test: got True"),
        ({"samples": {"validation": 5}}, "has no 'validation'; it has train, test"),
        ({"samples": 5}, "samples: got 5, expected a mapping"),
    ],
)
def test_errors(args, message):
    with pytest.raises(UsageError) as error:
        zoo.build(**args)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_data_is_the_problems_error(tmp_path):
    with pytest.raises(ProblemError, match="cifar10"):
        zoo.build(data="cifar10", data_args={"folder": str(tmp_path)})
