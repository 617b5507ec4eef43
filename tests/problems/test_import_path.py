import pytest
import torch
from torch import nn

from landscape_cli.errors import ProblemError
from landscape_cli.problems import Problem
from landscape_cli.problems.import_path import load_problem


def test_modules_in_the_current_folder_are_importable(workplace):
    problem = load_problem("example:regression", {"samples": 7})
    assert isinstance(problem, Problem)
    assert len(problem.splits["train"]) == 7


@pytest.mark.parametrize(
    ("path", "args", "words"),
    [
        ("example", {}, "expected 'module:callable'"),
        ("example:", {}, "expected 'module:callable'"),
        ("ex ample:build", {}, "expected 'module:callable'"),
        ("nowhere_to_be_found:build", {}, "ModuleNotFoundError: No module named 'nowhere"),
        ("example:missing", {}, "example has no attribute 'missing'"),
        ("example:os.missing", {}, "has no attribute 'os.missing'"),
        ("example:TIMEOUT", {}, "has no attribute"),
        ("example:__name__", {}, "is a str, expected a callable"),
        ("example:regression", {"colour": 1}, r"colour=1\) failed: TypeError: .*'colour'"),
        ("example:broken", {}, r"failed: KeyError: 'missing' \(.*example.py:\d+\)"),
        ("example:not_a_problem", {}, "returned a int, expected a landscape_cli.problems.Problem"),
    ],
)
def test_mistakes_are_named_with_their_cause(workplace, path, args, words):
    with pytest.raises(ProblemError, match=words) as caught:
        load_problem(path, args)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nowhere_at_all", r"No module named 'nowhere_at_all' \(.*faulty.py:1\)"),
        ("x = 1\n1 / 0", r"ZeroDivisionError: .*faulty.py:2"),
        ("def build(:", "SyntaxError"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_failing_import_is_refused_with_its_cause(workplace, text, words):
    workplace.write("faulty.py", text)
    with pytest.raises(ProblemError, match=f"module faulty can't be imported: .*{words}"):
        load_problem("faulty:build", {})


def objective(model, batch):
    return {}


DATA = torch.utils.data.TensorDataset(torch.zeros(2))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((3, {"train": DATA}, objective), "Problem.model: expected a torch module, got int 3"),
        ((nn.ReLU(), {}, objective), "Problem.splits: expected a non-empty mapping"),
        ((nn.ReLU(), [DATA], objective), "Problem.splits: expected a non-empty mapping"),
        ((nn.ReLU(), {"a/b": DATA}, objective), "'a/b' can't name a split"),
        ((nn.ReLU(), {3: DATA}, objective), "3 can't name a split"),
        ((nn.ReLU(), {"train": 5}, objective), "expected a Dataset, a DataLoader or an iterable"),
        ((nn.ReLU(), {"train": iter([1])}, objective), "can be iterated over only once"),
        ((nn.ReLU(), {"train": (i for i in "ab")}, objective), "can be iterated over only once"),
        ((nn.ReLU(), {"train": DATA}, None), "Problem.objective: expected a function"),
    ],
)
def test_a_problem_checks_its_parts(arguments, words):
    with pytest.raises(ProblemError, match=words):
        Problem(*arguments)
