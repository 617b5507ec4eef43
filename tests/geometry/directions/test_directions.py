import numpy as np
import pytest
import torch

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions import KINDS, direction_from
from landscape_cli.geometry.directions.checkpoint import CheckpointDirection
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_name_and_a_label(kind):
    needed = {} if kind in ("random", "pca", "gradient") else {"path": "B.pt"}
    direction = direction_from({"kind": kind, **needed}, "directions.x")
    assert direction.kind == kind
    assert kind in direction.label().lower()


def test_the_defaults_are_those_of_the_paper():
    direction = direction_from({}, "directions.x")
    assert direction.model_dump(mode="json", exclude_none=True) == {
        "kind": "random",
        "seed": 1,
        "normalize": "filter",
        "ignore": "biasbn",
    }


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "sideways"}, "directions.x.kind: got 'sideways', expected one of random"),
        ({"seed": "three"}, "directions.x.seed: .*got 'three'"),
        ({"seed": 1.5}, "directions.x.seed: .*got 1.5"),
        ({"seed": True}, "directions.x.seed: .*got True"),
        ({"normalize": "flter"}, "directions.x.normalize: .*expected one of filter, layer"),
        ({"include": 3}, "directions.x.include: .*got 3"),
        ({"ignore": "all"}, "directions.x.ignore: .*got 'all'"),
        ({"colour": 1}, "directions.x.colour"),
        ({"kind": "checkpoint"}, "directions.x.path: Field required"),
        ({"kind": "file", "path": "a.h5", "axis": "w"}, "directions.x.axis: .*got 'w'"),
        ({"kind": "pca", "component": 3}, "directions.x.component: .*got 3"),
    ],
)
def test_mistakes_are_named(settings, words):
    with pytest.raises(UsageError, match=words):
        direction_from(settings, "directions.x")


def draw(seed, name, shape, dtype=torch.float32):
    out = torch.full(shape, torch.nan, dtype=dtype)
    RandomDirection(seed=seed).draw(name, out)
    return out


@pytest.mark.bits
def test_entries_depend_only_on_seed_and_name():
    drawn = draw(3, "layer.weight", (6, 5))
    torch.manual_seed(99)
    np.random.seed(99)
    assert torch.equal(drawn, draw(3, "layer.weight", (6, 5), torch.float64).float())
    for seed, name in ((3, "other.weight"), (4, "layer.weight"), (-3, "layer.weight")):
        assert not torch.equal(drawn, draw(seed, name, (6, 5)))


@pytest.mark.bits
def test_entries_do_not_depend_on_the_block_size(monkeypatch):
    whole = draw(1, "w", (40, 7))
    monkeypatch.setattr("landscape_cli.geometry.directions.random.CHUNK", 9)
    assert torch.equal(whole, draw(1, "w", (40, 7)))


def test_entries_are_standard_normal():
    drawn = draw(0, "w", (300, 300)).double()
    count = drawn.numel()
    assert abs(drawn.mean()) < 5 / count**0.5
    assert abs(drawn.var() - 1) < 5 * (2 / count) ** 0.5
    assert abs((drawn**4).mean() - 3) < 5 * (96 / count) ** 0.5


def test_entries_never_change():
    """Stored directions and old configurations depend on these first numbers of seed 1."""
    drawn = draw(1, "conv1.weight", (2, 2)).flatten().tolist()
    assert drawn == pytest.approx([0.6148929, 1.0125517, -0.1377536, -0.6613900], abs=1e-6)


PARAMETERS = {
    name: torch.ones(2, 2)
    for name in ("stem.weight", "layer1.weight", "layer1.bias", "head.weight")
}


@pytest.mark.parametrize(
    ("settings", "moved"),
    [
        ({}, list(PARAMETERS)),
        ({"include": "layer1.*"}, ["layer1.weight", "layer1.bias"]),
        ({"include": ["stem*", "head*"]}, ["stem.weight", "head.weight"]),
        ({"exclude": "*.bias"}, ["stem.weight", "layer1.weight", "head.weight"]),
        ({"include": ["layer?.*"], "exclude": ["*.bias"]}, ["layer1.weight"]),
    ],
)
def test_patterns_select_parameters_by_name(settings, moved):
    direction = direction_from(settings, "directions.x")
    direction.prepare("directions.x", PARAMETERS)
    assert [name for name in PARAMETERS if direction.selects(name)] == moved


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"include": "layr*"}, "directions.x.include: 'layr\\*' matches none of the 4 parameters"),
        ({"exclude": ["head*", "x"]}, "directions.x.exclude: 'x' matches none .*are stem.weight"),
        ({"include": "stem*", "exclude": "stem*"}, "directions.x: .*leave no parameter"),
    ],
)
def test_patterns_that_match_nothing_are_refused(settings, words):
    direction = direction_from(settings, "directions.x")
    with pytest.raises(UsageError, match=words):
        direction.prepare("directions.x", PARAMETERS)


def plane_of(centre, others, **settings):
    """Return a centre, and recipes of the directions from it to other tensors."""
    flat = FlatParameters(centre, "cpu")
    flat.assign(centre)
    recipes = {
        axis: CheckpointDirection(path=f"{axis}.pt", **settings).holding(
            {name: other[name] - centre[name] for name in centre}
        )
        for axis, other in zip("xyz", others, strict=False)
    }
    return flat, recipes


def three(seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = {"w": (4, 3), "bias": (4,)}
    return [
        {
            name: torch.randn(s, generator=generator, dtype=torch.float64)
            for name, s in shapes.items()
        }
        for _ in range(3)
    ]


def test_checkpoints_lie_at_zero_and_one():
    a, *others = three()
    flat, recipes = plane_of(a, others)
    plane, out = build_slice(flat, recipes), flat.clone()
    for coordinates, expected in (((0, 0), a), ((1, 0), others[0]), ((0, 1), others[1])):
        plane.write(coordinates, out)
        for name, tensor in expected.items():
            torch.testing.assert_close(out.views[name], tensor, rtol=1e-14, atol=1e-14)


def test_orthonormal_coordinates_are_distances():
    """Garipov et al. 2018, section 3.4: Gram-Schmidt on w2 - w1 and w3 - w1."""
    a, b, c = three()
    flat, recipes = plane_of(a, [b, c], normalize="dmodel")
    plane = build_slice(flat, recipes, orthogonal=True)
    assert plane.cosines()["x,y"] == pytest.approx(0, abs=1e-14)
    first, second = (
        np.concatenate([(other[name] - a[name]).numpy().ravel() for name in a]) for other in (b, c)
    )
    out = flat.clone()
    length = np.linalg.norm(first)
    plane.write((length, 0), out)
    torch.testing.assert_close(out.views["bias"], b["bias"])
    along = first @ second / length
    across = np.sqrt(second @ second - along**2)
    plane.write((along, across), out)
    torch.testing.assert_close(out.views["w"], c["w"])


def test_biases_of_a_loaded_direction_are_unchanged_or_zero():
    a, b, _ = three()
    for ignore, expected in (("none", b["bias"] - a["bias"]), ("biasbn", torch.zeros(4).double())):
        flat, recipes = plane_of(a, [b], normalize="filter", ignore=ignore)
        direction = build_slice(flat, recipes).directions["x"]
        assert torch.equal(direction.views["bias"], expected)
        torch.testing.assert_close(direction.views["w"].norm(dim=1), a["w"].norm(dim=1))
