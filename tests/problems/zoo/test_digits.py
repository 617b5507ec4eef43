import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from landscape_cli.errors import ProblemError
from landscape_cli.problems.zoo import digits


@pytest.fixture(scope="module")
def data():
    return digits.load()


def test_shapes_and_types(data):
    assert (data.channels, data.size, data.classes) == (1, 8, 10)
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 1437, "test": 360}
    for split in data.splits.values():
        images, labels = split.tensors
        assert images.shape == (len(split), 1, 8, 8)
        assert images.dtype == torch.float32
        assert labels.dtype == torch.int64
        assert set(labels.tolist()) == set(range(10))


def test_standardized_by_the_training_pixels(data):
    train = data.splits["train"].tensors[0].double()
    assert train.mean().item() == pytest.approx(0, abs=1e-6)
    assert train.std(correction=0).item() == pytest.approx(1, abs=1e-6)
    test = data.splits["test"].tensors[0].double()
    assert abs(test.mean().item()) > 1e-4


def test_every_digit_once_with_its_label(data):
    """Undoing the standardization restores scikit-learn's images and labels."""
    whole = load_digits()
    levels = np.unique(data.splits["train"].tensors[0].numpy())
    assert len(levels) == 17

    def rows(images, labels):
        images = images.reshape(len(images), -1).astype(int)
        return sorted(map(tuple, np.c_[images, labels].tolist()))

    images = torch.cat([split.tensors[0] for split in data.splits.values()]).numpy()
    labels = torch.cat([split.tensors[1] for split in data.splits.values()]).numpy()
    images = np.abs(images[..., None] - levels).argmin(-1)
    assert rows(images, labels) == rows(whole.images, whole.target)


def test_the_order_is_always_the_same(data):
    again = digits.load()
    for name, split in data.splits.items():
        for one, other in zip(split.tensors, again.splits[name].tensors, strict=True):
            assert torch.equal(one, other)
    # All surfaces computed so far depend on this split; another permutation would change them.
    assert data.splits["train"].tensors[1][:12].tolist() == EXPECTED


EXPECTED = [2, 8, 2, 6, 6, 7, 1, 9, 8, 5, 2, 8]


def test_without_its_file_scikit_learn_itself_gives_the_same(monkeypatch):
    read = digits._table()
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    np.testing.assert_array_equal(digits._table(), read)


def test_without_scikit_learn_the_remedy_is_named(monkeypatch):
    for name in ("sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ProblemError, match=r"pip install 'landscape-cli\[zoo\]'"):
        digits.load()
