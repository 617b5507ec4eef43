import numpy as np

from landscape_cli.records.tiles import Status, TileResult


def test_infinities_and_nan_are_results():
    values = {("train", "loss"): np.array([1, np.inf, 2]), ("train", "b"): np.array([1, 1, np.nan])}
    result = TileResult((0, 1, 2), values, values, np.zeros(3, np.float32))
    assert result.status.tolist() == [Status.OK, Status.NOT_FINITE, Status.NOT_FINITE]
