import numpy as np
import pytest

from landscape_cli.refinement.boxes import AROUND, CORE, WHOLE, boxes


def scattered(count, size):
    return np.random.default_rng(count).random((count, size))


def test_few_points_are_in_one_box():
    (box,) = boxes(scattered(WHOLE, 2), scattered(7, 2))
    assert len(box.core) == len(box.near) == WHOLE
    assert len(box.targets) == 7


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_point_and_target_is_in_one_box(size):
    points, targets = scattered(1000, size), scattered(700, size)
    points[:400] = 0.4 + 0.01 * points[:400]  # a cluster
    found = list(boxes(points, targets))
    assert sorted(np.concatenate([box.core for box in found])) == list(range(1000))
    assert sorted(np.concatenate([box.targets for box in found])) == list(range(700))
    for box in found:
        assert len(box.core) <= CORE
        assert np.isin(box.core, box.near).all()
        assert len(box.near) <= CORE + AROUND
        assert (np.diff(box.near) > 0).all()


def test_the_points_around_a_box_are_on_all_sides_of_it():
    points = scattered(800, 2)
    points[:600] = 0.5 + 0.02 * points[:600]  # beside the cluster are few points
    for box in boxes(points, points):
        middle = points[box.core].mean(axis=0) if len(box.core) else None
        if middle is not None and (np.abs(middle - 0.5) < 0.25).all():
            near = points[box.near]
            for above in ((False, False), (False, True), (True, False), (True, True)):
                assert ((near > middle) == above).all(axis=1).any()
