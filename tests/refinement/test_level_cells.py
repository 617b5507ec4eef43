import numpy as np

from landscape_cli.refinement.level_cells import Cells

OLD, NEW = np.array([0, 4, 8]), np.array([0, 2, 4, 6, 8])


def around(places):
    points = np.zeros((5, 5), dtype=bool)
    points[tuple(zip(*places, strict=True))] = True
    return Cells([OLD, OLD], [NEW, NEW]).around(points)


def test_a_point_inside_a_cell_touches_that_one():
    expected = np.zeros((5, 5), dtype=bool)
    expected[:3, 2:] = True
    assert (around([(1, 3)]) == expected).all()


def test_a_point_on_an_edge_touches_two_and_a_corner_four():
    expected = np.zeros((5, 5), dtype=bool)
    expected[:, :3] = True
    assert (around([(2, 1)]) == expected).all()
    assert around([(2, 2)]).all()


def test_the_grids_corner_touches_one_cell():
    expected = np.zeros((5, 5), dtype=bool)
    expected[2:, 2:] = True
    assert (around([(4, 4)]) == expected).all()


def test_no_point_touches_nothing():
    assert not Cells([OLD], [NEW]).around(np.zeros(5, dtype=bool)).any()


def test_axes_of_one_point_and_axes_that_are_not_refined():
    one = np.array([0])
    points = np.zeros((1, 5), dtype=bool)
    points[0, 1] = True
    found = Cells([one, OLD], [one, NEW]).around(points)
    assert found.tolist() == [[True, True, True, False, False]]
    points = np.zeros(3, dtype=bool)
    points[0] = True
    assert Cells([OLD], [OLD]).around(points).tolist() == [True, True, False]


def test_uneven_gaps():
    old, new = np.array([0, 13, 25]), np.array([0, 6, 13, 19, 25])
    points = np.array([False, False, False, True, False])
    assert Cells([old], [new]).around(points).tolist() == [False, False, True, True, True]
