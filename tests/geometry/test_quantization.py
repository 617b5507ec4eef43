"""Rounding of weights to a grid, against plain loops and the grid's own definition."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landscape_cli.errors import UsageError
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.quantization import QuantizedWeights, Quantizer, quantize, scale_of

BITS = st.integers(1, 16)
DTYPES = st.sampled_from([np.float32, np.float64])
WEIGHTS = DTYPES.flatmap(
    lambda dtype: arrays(
        dtype, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.integers(-999, 999)
    )
)


def grid_of(filter_, bits):
    """Return every value that the weights of a filter may take, smallest first."""
    sizes = np.abs(filter_.astype(np.float64))
    if bits == 1:
        return np.array([-sizes.mean(), sizes.mean()])
    most = 2 ** (bits - 1) - 1
    return np.arange(-most, most + 1) * (sizes.max() / most)


@given(centre=WEIGHTS, bits=BITS, data=st.data())
def test_weights_become_the_nearest_value_of_the_grid(centre, bits, data):
    moves = arrays(centre.dtype, centre.shape, elements=st.integers(-2000, 2000))
    weights = torch.from_numpy(centre + data.draw(moves) / 8)
    before = weights.clone().numpy()
    scale = scale_of(torch.from_numpy(centre), bits, "filter")
    after = quantize(weights, scale, bits).numpy()
    rounding = float(4 * np.finfo(centre.dtype).eps)
    for row, (old, new) in enumerate(zip(before, after, strict=True)):
        values = grid_of(centre[row], bits)
        size = np.abs(values).max()
        for one, found in zip(old.astype(np.float64), new, strict=True):
            assert np.abs(values - found).min() <= rounding * size
            if bits == 1:
                assert found == pytest.approx(values[int(one >= 0)], rel=rounding)
            else:
                nearest = np.abs(values - one).min()
                assert abs(found - one) <= nearest + rounding * max(size, abs(one))
                step = size / (2 ** (bits - 1) - 1)
                inside = abs(one) <= size
                assert not inside or abs(found - one) <= step / 2 + rounding * size
                assert inside or abs(found) == pytest.approx(size, rel=rounding)


@given(centre=WEIGHTS, bits=BITS, per=st.sampled_from(["filter", "tensor"]))
def test_rounding_is_idempotent_and_odd(centre, bits, per):
    weights = torch.from_numpy(centre.copy())
    scale = scale_of(weights, bits, per)
    once = quantize(weights.clone(), scale, bits)
    twice = quantize(once.clone(), scale, bits)
    opposite = quantize(-weights, scale, bits)
    np.testing.assert_array_equal(twice, once)
    odd = (weights != 0).numpy() | (bits > 1)  # with one bit, zeros become positive
    np.testing.assert_array_equal(opposite.numpy()[odd], -once.numpy()[odd])


def test_many_bits_leave_the_centre_as_it_is():
    weights = torch.randn(6, 4, 3, 3, dtype=torch.float64)
    rounded = quantize(weights.clone(), scale_of(weights, 16, "filter"), 16)
    step = weights.abs().amax(dim=(1, 2, 3), keepdim=True) / 32767
    assert ((rounded - weights).abs() <= step / 2 * (1 + 1e-9)).all()
    assert not torch.equal(rounded, weights)


@pytest.mark.parametrize(
    ("bits", "per", "columns", "expected"),
    [
        (2, "filter", False, [[4.0], [8.0]]),
        (3, "filter", True, [[1.0, 8 / 3]]),
        (3, "tensor", False, [[8 / 3]]),
        (1, "filter", False, [[3.0], [5.5]]),
        (1, "tensor", True, [[4.25]]),
    ],
)
def test_scales_are_those_of_filters_columns_or_the_tensor(bits, per, columns, expected):
    weights = torch.tensor([[2.0, -4.0], [-3.0, 8.0]], dtype=torch.float64)
    torch.testing.assert_close(
        scale_of(weights, bits, per, columns), torch.tensor(expected, dtype=torch.float64)
    )


@pytest.mark.parametrize("bits", [1, 2, 8])
def test_what_is_zero_at_the_centre_stays_zero_and_nan_stays_nan(bits):
    centre = torch.tensor([[0.0, 0.0], [1.0, -1.0]])
    weights = torch.tensor([[3.0, -torch.inf], [torch.nan, -torch.inf]])
    quantize(weights, scale_of(centre, bits, "filter"), bits)
    np.testing.assert_array_equal(weights, [[0.0, 0.0], [np.nan, -1.0]])


def parameters(**tensors):
    model = torch.nn.Module()
    for name, tensor in tensors.items():
        model.register_parameter(name, torch.nn.Parameter(torch.tensor(tensor)))
    return FlatParameters.of_model(model, "cpu")


def test_biases_and_what_patterns_leave_out_keep_their_precision():
    centre = parameters(a=[[0.3, 1.0]], b=[[0.3, 1.0]], bias=[0.3, 1.0])
    names = QuantizedWeights(exclude="b").names(centre, centre.views)
    assert names == ["a"]
    Quantizer(centre.clone(), names, 2, "filter").apply(centre)
    assert centre.views["a"].tolist() == [[0.0, 1.0]]
    assert centre.views["b"].tolist() == torch.tensor([[0.3, 1.0]]).tolist()
    assert centre.views["bias"].tolist() == torch.tensor([0.3, 1.0]).tolist()


def test_weights_more_than_half_a_step_beyond_the_grid_count_as_clipped():
    centre = parameters(a=[[3.0, 1.0], [0.0, 0.0]])
    quantizer = Quantizer(centre.clone(), ["a"], 3, "filter")
    assert quantizer.clipped(centre) == 0
    centre.views["a"].copy_(torch.tensor([[3.4, -3.6], [0.0, 0.0]]))
    assert quantizer.clipped(centre) == 1 / 4
    assert Quantizer(centre, ["a"], 1, "filter").clipped(centre) == 0


@pytest.mark.parametrize("entry", [np.nan, np.inf])
@pytest.mark.parametrize("bits", [1, 3])
def test_weights_that_are_not_finite_at_the_centre_are_refused(entry, bits):
    centre = parameters(a=[[1.0, entry]])
    with pytest.raises(UsageError, match="quantize: a is not finite at the centre"):
        Quantizer(centre, ["a"], bits, "filter")


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ({"include": "bias"}, "no tensor of more than one dimension among bias"),
        ({"exclude": "c"}, "quantize.exclude: 'c' matches none of the 2 parameters"),
        ({"exclude": "*"}, "leave no parameter to quantize"),
    ],
)
def test_patterns_that_leave_no_weight_are_refused(patterns, message):
    centre = parameters(a=[[1.0]], bias=[1.0])
    with pytest.raises(UsageError, match=message.replace("*", r"\*")):
        QuantizedWeights(**patterns).names(centre, centre.views)
