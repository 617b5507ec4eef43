import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.plotting.panel import select_panels
from landscape_cli.records.tiles import Status

LOSS, TEST_LOSS = ("train", "loss"), ("test", "loss")
ACCURACY = ("test", "accuracy")


def test_defaults_are_train_and_loss_in_any_order(make_surface):
    zeros = np.zeros((5, 5))
    surface = make_surface({ACCURACY: zeros, TEST_LOSS: zeros, LOSS: zeros})
    (panel,) = select_panels(surface, None, None)
    assert (panel.split, panel.quantity) == LOSS


def test_without_train_and_loss_the_first_is_the_default(make_surface):
    surface = make_surface({("dev", "margin"): np.zeros((5, 5)), ("dev", "norm"): np.ones((5, 5))})
    (panel,) = select_panels(surface, None, None)
    assert (panel.split, panel.quantity) == ("dev", "margin")


def test_the_default_split_has_the_quantity(make_surface):
    surface = make_surface({LOSS: np.zeros((5, 5)), ACCURACY: np.zeros((5, 5))})
    (panel,) = select_panels(surface, None, "accuracy")
    assert panel.split == "test"


def test_a_line_has_a_panel_for_each_split_train_first(make_surface):
    zeros = np.zeros(5)
    surface = make_surface({ACCURACY: zeros, TEST_LOSS: zeros, LOSS: zeros}, y=None)
    assert [p.split for p in select_panels(surface, None, None)] == ["train", "test"]
    assert [p.split for p in select_panels(surface, "test", None)] == ["test"]


@pytest.mark.parametrize(
    ("split", "quantity", "words"),
    [
        ("val", None, ["--split 'val'", "a.h5", "train, test"]),
        (None, "hinge", ["--quantity 'hinge'", "a.h5", "loss, accuracy"]),
        ("train", "accuracy", ["--quantity 'accuracy'", "loss for train"]),
    ],
)
def test_missing_splits_and_quantities_are_refused(make_surface, split, quantity, words):
    surface = make_surface({LOSS: np.zeros((5, 5)), ACCURACY: np.zeros((5, 5))})
    with pytest.raises(UsageError) as error:
        select_panels(surface, split, quantity, "a.h5")
    for word in words:
        assert word in str(error.value)


def test_masks_distinguish_missing_from_non_finite(make_panel):
    values = np.array([[1.0, np.nan, np.inf], [2.0, 7.0, 3.0]])
    status = [
        [Status.OK, Status.NOT_FINITE, Status.NOT_FINITE],
        [Status.TODO, Status.FAILED, Status.OK],
    ]
    panel = make_panel(values, x="0:2:3", y="0:1:2", status=status)
    assert panel.missing.tolist() == [[False, False, False], [True, True, False]]
    assert panel.not_finite.tolist() == [[False, True, True], [False, False, False]]
    assert panel.finite.tolist() == [[True, False, False], [False, False, True]]
    assert np.isnan(panel.z[1, 1])  # the content of a failed point is not a value


def test_accuracy_and_its_standard_error_are_in_percent(make_surface):
    surface = make_surface({ACCURACY: [0.25, 1.0]}, x="0:1:2", y=None, stderr={ACCURACY: [0.01, 0]})
    (panel,) = select_panels(surface, None, None)
    assert panel.z.tolist() == [25.0, 100.0]
    assert panel.stderr.tolist() == [1.0, 0.0]
