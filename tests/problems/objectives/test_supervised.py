import math
from collections import namedtuple

import pytest
import torch
from torch import nn

from landscape_cli.errors import ProblemError
from landscape_cli.problems.objectives import (
    OBJECTIVES,
    binary_cross_entropy,
    cross_entropy,
    mean_squared_error,
)

SUPERVISED = ("cross_entropy", "mean_squared_error", "binary_cross_entropy")

SAME = nn.Identity()
LN2, LN3 = math.log(2), math.log(3)


def close(tensor, expected):
    assert tensor.shape == (len(expected),)
    assert tensor.tolist() == pytest.approx(expected, rel=1e-6)


def test_cross_entropy_by_hand():
    # Probabilities (1/4, 3/4), (1/2, 1/2) and (3/4, 1/4).
    scores = torch.tensor([[0.0, LN3], [1.0, 1.0], [LN3, 0.0]], dtype=torch.float64)
    values = cross_entropy(SAME, (scores, torch.tensor([1, 1, 1])))
    close(values["loss"], [math.log(4 / 3), LN2, math.log(4)])
    assert values["accuracy"].tolist() == [1.0, 0.0, 0.0]
    assert list(values) == ["loss", "accuracy"]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
    ],
)
def test_values_have_the_dtype_of_the_scores_but_at_least_float32(dtype, expected):
    scores = torch.zeros(2, 3, dtype=dtype)
    for objective, targets in (
        (cross_entropy, torch.tensor([0, 1])),
        (binary_cross_entropy, torch.ones(2, 3)),
        (mean_squared_error, torch.ones(2, 3)),
    ):
        for value in objective(SAME, (scores, targets)).values():
            assert value.dtype == expected


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_cross_entropy_takes_any_integer_targets(dtype):
    values = cross_entropy(SAME, (torch.zeros(2, 4), torch.tensor([3, 0], dtype=dtype)))
    close(values["loss"], [math.log(4)] * 2)


def test_cross_entropy_averages_the_positions_of_a_sequence():
    # Two samples, two classes, two positions; the scores of class 1 are ln 3 or 0.
    scores = torch.zeros(2, 2, 2)
    scores[0, 1] = torch.tensor([LN3, LN3])
    values = cross_entropy(SAME, (scores, torch.tensor([[1, 0], [1, 1]])))
    close(values["loss"], [(math.log(4 / 3) + math.log(4)) / 2, LN2])
    assert values["accuracy"].tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    ("scores", "targets"),
    [((4, 3), (3,)), ((4, 3), (4, 1)), ((4,), (4,)), ((4, 3, 2), (4, 3)), ((4, 3), (4, 3))],
)
def test_cross_entropy_names_shapes_that_do_not_fit(scores, targets):
    batch = (torch.zeros(scores), torch.zeros(targets, dtype=torch.int64))
    with pytest.raises(ProblemError) as error:
        cross_entropy(SAME, batch)
    assert str(scores) in str(error.value)
    assert str(targets) in str(error.value)


def test_cross_entropy_refuses_targets_that_are_not_class_indices():
    with pytest.raises(ProblemError, match=r"float32.*long"):
        cross_entropy(SAME, (torch.zeros(2, 3), torch.zeros(2)))


def test_mean_squared_error_by_hand():
    outputs = torch.tensor([[1.0, 2.0], [0.0, -3.0]])
    values = mean_squared_error(SAME, (outputs, torch.tensor([[0.0, 4.0], [0.0, -3.0]])))
    assert list(values) == ["loss"]
    close(values["loss"], [2.5, 0.0])


@pytest.mark.parametrize("shapes", [((3, 1), (3,)), ((3,), (3, 1)), ((3,), (3,))])
def test_mean_squared_error_never_broadcasts(shapes):
    outputs, targets = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, 6.0])
    batch = (outputs.reshape(shapes[0]), targets.reshape(shapes[1]))
    close(mean_squared_error(SAME, batch)["loss"], [0.0, 4.0, 9.0])


def test_mean_squared_error_takes_integer_targets_in_the_predictions_dtype():
    values = mean_squared_error(SAME, (torch.tensor([0.5]), torch.tensor([2])))
    close(values["loss"], [2.25])
    assert values["loss"].dtype == torch.float32


@pytest.mark.parametrize("objective", [mean_squared_error, binary_cross_entropy])
@pytest.mark.parametrize("shapes", [((3, 2), (3,)), ((3, 1), (2,)), ((2, 3), (3, 2)), ((), (1,))])
def test_shapes_that_do_not_fit_are_named(objective, shapes):
    with pytest.raises(ProblemError) as error:
        objective(SAME, (torch.zeros(shapes[0]), torch.zeros(shapes[1])))
    assert all(str(shape) in str(error.value) for shape in shapes)


def test_binary_cross_entropy_by_hand():
    # Probabilities 3/4, 1/2 and 1/4 of class 1.
    logits = torch.tensor([[LN3], [0.0], [-LN3]])
    values = binary_cross_entropy(SAME, (logits, torch.tensor([1, 0, 1])))
    assert list(values) == ["loss", "accuracy"]
    close(values["loss"], [math.log(4 / 3), LN2, math.log(4)])
    assert values["accuracy"].tolist() == [1.0, 1.0, 0.0]


def test_binary_cross_entropy_averages_several_labels():
    values = binary_cross_entropy(SAME, (torch.tensor([[LN3, LN3]]), torch.tensor([[1, 0]])))
    close(values["loss"], [(math.log(4 / 3) + math.log(4)) / 2])
    assert values["accuracy"].tolist() == [0.5]


def test_binary_cross_entropy_has_its_threshold_at_a_logit_of_0():
    logits = torch.tensor([0.1, 0.1, -0.1, -0.1])
    values = binary_cross_entropy(SAME, (logits, torch.tensor([1, 0, 1, 0])))
    assert values["accuracy"].tolist() == [1.0, 0.0, 0.0, 1.0]


def test_binary_cross_entropy_is_stable_for_large_logits():
    values = binary_cross_entropy(SAME, (torch.tensor([1000.0, -1000.0]), torch.tensor([0.0, 0.0])))
    assert values["loss"].tolist() == [1000.0, 0.0]


@pytest.mark.parametrize("name", SUPERVISED)
def test_one_forward_pass_and_no_mixing_of_samples(name):
    calls = []

    class Counting(nn.Module):
        def forward(self, inputs):
            calls.append(len(inputs))
            return inputs

    generator = torch.Generator().manual_seed(3)
    outputs = torch.randn(5, 4, generator=generator)
    targets = torch.randint(0, 2, (5,) if name == "cross_entropy" else (5, 4), generator=generator)
    whole = OBJECTIVES[name](Counting(), (outputs, targets))
    assert calls == [5]
    for row in range(5):
        alone = OBJECTIVES[name](SAME, (outputs[row : row + 1], targets[row : row + 1]))
        for key, value in alone.items():
            torch.testing.assert_close(whole[key][row : row + 1], value)


@pytest.mark.parametrize("name", SUPERVISED)
@pytest.mark.parametrize(
    ("batch", "got"),
    [
        (torch.zeros(2, 2), "Tensor"),
        ({"inputs": 1, "targets": 2}, "dict of 2"),
        ((torch.zeros(2),), "tuple of 1"),
        ([torch.zeros(2)] * 3, "list of 3"),
        ((torch.zeros(2, 2), [1, 2]), "list"),
        (None, "NoneType"),
    ],
)
def test_other_batches_are_refused_with_a_remedy(name, batch, got):
    with pytest.raises(ProblemError) as error:
        OBJECTIVES[name](SAME, batch)
    message = str(error.value)
    assert message.startswith(name)
    assert got in message
    assert "write your own objective" in message
    assert "\n" not in message


def test_a_named_tuple_is_a_pair():
    pair = namedtuple("Pair", "image label")
    close(cross_entropy(SAME, pair(torch.zeros(1, 2), torch.tensor([0])))["loss"], [LN2])


def test_a_model_that_does_not_return_a_tensor_is_refused():
    class Fancy(nn.Module):
        def forward(self, inputs):
            return {"logits": inputs}

    with pytest.raises(ProblemError, match="return a tensor, got a dict"):
        cross_entropy(Fancy(), (torch.zeros(2, 2), torch.tensor([0, 1])))
