import pytest
import torch

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions import KINDS, direction_from
from landscape_cli.geometry.directions.random import RandomDirection


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_its_name_and_has_a_label(kind):
    direction = direction_from({"kind": kind}, "directions.x")
    assert direction.kind == kind
    assert kind in direction.label()


def test_the_defaults_are_those_of_the_paper():
    direction = direction_from({}, "directions.x")
    assert direction.model_dump(mode="json") == {
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
        ({"ignore": "all"}, "directions.x.ignore: .*got 'all'"),
        ({"colour": 1}, "directions.x.colour"),
    ],
)
def test_mistakes_are_named(settings, words):
    with pytest.raises(UsageError, match=words):
        direction_from(settings, "directions.x")


def test_entries_depend_on_seed_and_name_alone():
    weights = torch.randn(6, 5)
    one = RandomDirection(seed=3)
    drawn = one.draw("layer.weight", weights)
    torch.manual_seed(99)
    assert torch.equal(drawn, one.draw("layer.weight", weights.double()))
    assert not torch.equal(drawn, one.draw("other.weight", weights))
    assert not torch.equal(drawn, RandomDirection(seed=4).draw("layer.weight", weights))
    assert not torch.equal(drawn, RandomDirection(seed=-3).draw("layer.weight", weights))


def test_entries_are_standard_normal():
    drawn = RandomDirection(seed=0).draw("w", torch.zeros(300, 300)).double()
    count = drawn.numel()
    assert abs(drawn.mean()) < 5 / count**0.5
    assert abs(drawn.var() - 1) < 5 * (2 / count) ** 0.5
    assert abs((drawn**4).mean() - 3) < 5 * (96 / count) ** 0.5


def test_entries_never_change():
    """The first numbers of seed 1: stored directions and old configurations depend on them."""
    drawn = RandomDirection(seed=1).draw("conv1.weight", torch.zeros(2, 2)).flatten().tolist()
    assert drawn == pytest.approx([0.6148929, 1.0125517, -0.1377536, -0.6613900], abs=1e-6)
