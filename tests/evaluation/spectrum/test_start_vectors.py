import torch

from landscape_cli.evaluation.spectrum.start_vectors import gaussian, rademacher
from landscape_cli.geometry.directions.random import RandomDirection

SHAPES = {"a.weight": (3, 4), "a.bias": (3,), "b": ()}


def test_a_vector_is_the_random_direction_of_its_seed_and_number():
    for number in (0, 2):
        direction = RandomDirection(seed=7, normalize="none", ignore="none").repeated(number)
        parts = []
        for name, shape in SHAPES.items():
            parts.append(torch.empty(shape, dtype=torch.float64))
            direction.draw(name, parts[-1])
        expected = torch.cat([part.flatten() for part in parts])
        assert torch.equal(gaussian(SHAPES, 7, number), expected / expected.norm())


def test_entries_do_not_depend_on_other_parameters():
    for draw in (gaussian, rademacher):
        whole, part = draw(SHAPES, 1), draw({"a.bias": (3,)}, 1)
        assert torch.allclose(whole[12:15] / whole[12], part / part[0])


def test_signs_are_signs_and_independent_of_each_other():
    vectors = torch.stack([rademacher({"w": (5000,)}, 1, number) for number in range(4)])
    assert set(vectors.unique().tolist()) == {-1.0, 1.0}
    products = vectors @ vectors.T / 5000
    assert (products - torch.eye(4)).abs().max() < 4 / 5000**0.5
    assert not torch.equal(rademacher({"w": (50,)}, 1), rademacher({"w": (50,)}, 2))
