"""Normalization rules against norms computed with plain NumPy."""

import numpy as np
import pytest
import torch

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.normalization import NORMALIZATIONS, Ignore, normalize, register
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice

MODULES = {
    "convolution": torch.nn.Conv2d(3, 8, 3),
    "linear": torch.nn.Linear(5, 4),
    "embedding": torch.nn.Embedding(7, 6, padding_idx=0),
    "transposed convolution": torch.nn.ConvTranspose2d(4, 6, 3),
    "grouped convolution": torch.nn.Conv2d(4, 6, 3, groups=2),
}
MANY = [module.weight.detach() for module in MODULES.values()]


def normalized(drawn, weights, rule, ignore=Ignore.BIASBN):
    """Return a normalized copy, computed in float64."""
    result = drawn.double()
    result = result.clone() if result is drawn else result
    normalize(result, weights, rule, ignore)
    return result


def filters(tensor):
    return np.asarray(tensor, dtype=np.float64).reshape(len(tensor), -1)


def norms(tensor):
    return np.sqrt((filters(tensor) ** 2).sum(axis=1))


def cosine(a, b):
    a, b = np.ravel(a), np.ravel(b)
    return a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)


@pytest.fixture(params=range(len(MANY)), ids=list(MODULES))
def weights(request):
    return MANY[request.param]


@pytest.fixture
def drawn(weights):
    return torch.randn(weights.shape, generator=torch.Generator().manual_seed(0))


def test_filter_gives_each_filter_the_norm_of_its_weights(weights, drawn):
    result = normalized(drawn, weights, "filter")
    np.testing.assert_allclose(norms(result), norms(weights), rtol=1e-9)
    for got, was, weight in zip(filters(result), filters(drawn), filters(weights), strict=True):
        if weight.any():
            assert cosine(got, was) == pytest.approx(1)


def test_layer_gives_the_whole_tensor_the_norm_of_its_weights(weights, drawn):
    result = normalized(drawn, weights, "layer")
    assert np.linalg.norm(result) == pytest.approx(np.linalg.norm(weights.double()), rel=1e-12)
    assert cosine(result, drawn) == pytest.approx(1)
    # It differs from filter normalization: the drawn filters' norms are only scaled.
    assert not np.allclose(norms(result), norms(weights), rtol=1e-3)


def test_weight_multiplies_by_the_weights(weights, drawn):
    result = normalized(drawn, weights, "weight")
    np.testing.assert_array_equal(result, drawn.double() * weights.double())


def test_dfilter_gives_each_filter_unit_norm(weights, drawn):
    result = normalized(drawn, weights, "dfilter")
    np.testing.assert_allclose(norms(result), 1, rtol=1e-9)


def test_dlayer_gives_the_whole_tensor_unit_norm(weights, drawn):
    result = normalized(drawn, weights, "dlayer")
    assert np.linalg.norm(result) == pytest.approx(1, rel=1e-12)


def test_none_leaves_the_direction(weights, drawn):
    np.testing.assert_array_equal(normalized(drawn, weights, "none"), drawn.double())


@pytest.mark.parametrize("rule", NORMALIZATIONS)
@pytest.mark.parametrize("shape", [(4,), ()])
def test_tensors_of_at_most_one_dimension_are_ignored_or_copied(rule, shape):
    weights = torch.full(shape, 3.0)
    drawn = torch.ones(shape)
    assert not normalized(drawn, weights, rule).any()
    np.testing.assert_array_equal(normalized(drawn, weights, rule, Ignore.NONE), weights)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_zero_filters_stay_finite(rule):
    weights = torch.randn(4, 3, 3, 3)
    weights[1] = 0
    drawn = torch.randn(4, 3, 3, 3)
    drawn[2] = 0
    result = normalized(drawn, weights, rule)
    assert torch.isfinite(result).all()
    assert not result[2].any()
    if rule in ("filter", "weight"):
        assert not result[1].any()


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_a_zero_tensor_stays_finite(rule):
    zero = torch.zeros(3, 2)
    for drawn, weights in [(zero, torch.ones(3, 2)), (torch.ones(3, 2), zero), (zero, zero)]:
        assert torch.isfinite(normalized(drawn, weights, rule)).all()


def test_a_batch_norm_network_stays_finite_on_the_whole_square():
    torch.manual_seed(0)
    layers = []
    for _ in range(6):
        layers += [torch.nn.Conv2d(4, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(256, 10))
    images = torch.randn(16, 4, 8, 8)
    model(images)
    model.eval()
    parameters = FlatParameters.of_model(model, "cpu")
    recipes = {"x": RandomDirection(seed=1), "y": RandomDirection(seed=2)}
    plane = build_slice(parameters.clone(), recipes)
    norm_layers = [name for name, w in parameters.views.items() if w.dim() == 1]
    for x in (-1, -0.5, 0, 1):
        for y in (-1, 0, 0.7, 1):
            plane.write((x, y), parameters)
            with torch.no_grad():
                assert torch.isfinite(model(images)).all()
    for name in norm_layers:
        assert torch.equal(parameters.views[name], plane.centre.views[name])


def centre():
    torch.manual_seed(0)
    tensors = {"a": torch.randn(3, 4), "bias": torch.randn(3), "b": torch.randn(5, 2, 2)}
    flat = FlatParameters(tensors, "cpu")
    flat.assign(tensors)
    return flat


def joined(direction, names):
    return np.concatenate([direction.views[name].double().numpy().ravel() for name in names])


@pytest.mark.parametrize(("ignore", "names"), [("biasbn", "a b"), ("none", "a bias b")])
@pytest.mark.parametrize("rule", ["model", "dmodel"])
def test_whole_vector_rules_scale_all_tensors_alike(rule, ignore, names):
    flat, names = centre(), names.split()
    drawn, scaled = (
        build_slice(flat, {"x": RandomDirection(normalize=rule, ignore=ignore)}).directions["x"]
        for rule in ("none", rule)
    )
    expected = np.linalg.norm(joined(flat, names)) if rule == "model" else 1
    assert np.linalg.norm(joined(scaled, ["a", "bias", "b"])) == pytest.approx(expected, rel=1e-6)
    two = ["a", "b"]  # the rule "none" treats tensors of one dimension differently
    assert cosine(joined(scaled, two), joined(drawn, two)) == pytest.approx(1, abs=1e-6)
    assert scaled.views["bias"].any() == (ignore == "none")


@pytest.mark.parametrize("rule", [*NORMALIZATIONS, "model", "dmodel"])
def test_excluded_parameters_are_not_moved(rule):
    recipe = RandomDirection(normalize=rule, ignore="none", exclude=["b*"])
    direction = build_slice(centre(), {"x": recipe}).directions["x"]
    assert direction.views["a"].all()
    assert not direction.views["b"].any()
    assert not direction.views["bias"].any()


def test_orthogonalization_keeps_to_the_selected_parameters():
    flat = centre()
    recipes = {"x": RandomDirection(seed=1), "y": RandomDirection(seed=2, include=["a"])}
    plane = build_slice(flat, recipes, orthogonal=True)
    assert plane.directions["x"].views["b"].any()
    assert not plane.directions["y"].views["b"].any()


def test_a_user_s_function_can_be_a_rule():
    register("mine:halved", lambda direction, weights: 0.5 * direction.sign() * weights.abs())
    flat = centre()
    recipe = RandomDirection(normalize="mine:halved")
    direction = build_slice(flat, {"x": recipe}).directions["x"]
    torch.testing.assert_close(direction.views["a"].abs(), flat.views["a"].abs() / 2)
    assert not direction.views["bias"].any()


def test_a_function_with_a_wrong_result_is_refused():
    register("mine:flat", lambda direction, weights: direction.flatten())
    register("mine:none", lambda direction, weights: direction[99])
    for name, error, words in [
        ("mine:flat", UsageError, r"mine:flat returned \(12,\), expected .* shape \(3, 4\)"),
        ("mine:none", ProblemError, "mine:none failed: IndexError"),
    ]:
        with pytest.raises(error, match=words):
            build_slice(centre(), {"x": RandomDirection(normalize=name)})


def test_each_row_of_fused_attention_projections_is_a_filter():
    attention = torch.nn.MultiheadAttention(4, 2)
    parameters = FlatParameters.of_model(attention, "cpu")
    line = build_slice(parameters.clone(), {"x": RandomDirection()})
    drawn, weights = (flat.views["in_proj_weight"] for flat in (line.directions["x"], line.centre))
    assert drawn.shape == (12, 4)
    np.testing.assert_allclose(norms(drawn), norms(weights), rtol=1e-5)
