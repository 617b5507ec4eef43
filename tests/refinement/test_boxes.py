import numpy as np
import pytest

from landscape_cli.refinement.boxes import AROUND, CORE, WHOLE, Boxes


def scattered(count, size):
    return np.random.default_rng(count).random((count, size))


def test_few_points_are_in_one_box():
    boxes = Boxes(scattered(WHOLE, 2))
    (box,) = boxes.all()
    assert len(box.core) == len(box.near) == WHOLE
    ((same, targets),) = boxes.with_targets(scattered(7, 2))
    assert same is box
    assert targets.tolist() == list(range(7))
    assert list(boxes.with_targets(scattered(0, 2))) == []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_point_and_target_is_in_one_box(size):
    points, targets = scattered(1000, size), scattered(700, size)
    points[:400] = 0.4 + 0.01 * points[:400]  # a cluster
    boxes = Boxes(points)
    found, divided = boxes.all(), list(boxes.with_targets(targets))
    assert [box.number for box in found] == list(range(len(found)))
    assert sorted(np.concatenate([box.core for box in found])) == list(range(1000))
    assert sorted(np.concatenate([some for _, some in divided])) == list(range(700))
    assert all(found[box.number] is box for box, _ in divided)
    for box in found:
        assert len(box.core) <= CORE
        assert np.isin(box.core, box.near).all()
        assert len(box.near) <= CORE + AROUND
        assert (np.diff(box.near) > 0).all()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_points_as_targets_are_in_the_box_whose_core_they_are(size):
    points = scattered(1000, size)
    for box, some in Boxes(points).with_targets(points):
        assert sorted(some) == sorted(box.core)


def test_the_points_around_a_box_are_on_all_sides_of_it():
    points = scattered(800, 2)
    points[:600] = 0.5 + 0.02 * points[:600]  # beside the cluster are few points
    for box in Boxes(points).all():
        middle = points[box.core].mean(axis=0) if len(box.core) else None
        if middle is not None and (np.abs(middle - 0.5) < 0.25).all():
            near = points[box.near]
            for above in ((False, False), (False, True), (True, False), (True, True)):
                assert ((near > middle) == above).all(axis=1).any()
