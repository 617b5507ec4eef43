from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.errors import StoreError
from landscape_cli.records.curvature import Block, Curvature, Density, Trace
from landscape_cli.records.tiles import Status

RECORD = Curvature(
    "hessian",
    parameters=100,
    labels=("a", "b"),
    status=np.array([Status.OK, Status.TODO], np.uint8),
    eigenvalues=np.array([[3.0, 2.0, -1.0], [np.nan] * 3]),
    residuals=np.zeros((2, 3)),
    top=2,
    epochs=(0, 10),
    density=Density(np.zeros((2, 4, 5)), np.zeros((2, 4, 5))),
    trace=Trace(np.zeros(2), np.zeros(2), 60),
    blocks=(Block("fc.*", 10, np.zeros((2, 1)), np.zeros((2, 1))),),
)


def test_only_finished_checkpoints_have_values():
    assert RECORD.done.tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eigenvalues": np.zeros(3)}, "a row for each checkpoint"),
        ({"residuals": np.zeros((2, 2))}, r"residuals has shape \(2, 2\), expected \(2, 3\)"),
        ({"labels": ("a",)}, "labels has shape"),
        ({"epochs": (1, 2, 3)}, "epochs has shape"),
        ({"top": 4}, "top is 4 of 3"),
        ({"status": np.ones(2, np.uint8)}, "not finite and in descending order"),
        ({"eigenvalues": np.array([[2.0, 3.0, -1.0]] * 2)}, "descending order"),
        ({"trace": Trace(np.zeros(1), np.zeros(2), 60)}, "trace.mean has shape"),
        (
            {
                "blocks": (
                    Block("a", 9, np.ones((2, 1)), np.ones((2, 1)), Trace(*np.ones((2, 1)), 5)),
                )
            },
            "the trace of a has unexpected shapes",
        ),
        ({"density": Density(np.zeros((2, 3)), np.zeros((2, 3)))}, "density.nodes"),
        ({"density": Density(np.zeros((2, 3, 4)), np.zeros((2, 3, 5)))}, "density.weights"),
        ({"blocks": (Block("fc", 9, np.zeros((1, 1)), np.zeros((1, 1))),)}, "block fc"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(change, message):
    with pytest.raises(StoreError, match=message):
        replace(RECORD, **change)
