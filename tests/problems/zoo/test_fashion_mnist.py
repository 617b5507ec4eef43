import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_cli.errors import ProblemError
from landscape_cli.problems.zoo import fashion_mnist

COUNTS = {"train": 6, "t10k": 3}


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        part: (rng.integers(0, 256, (n, 28, 28)), np.arange(n) % 10) for part, n in COUNTS.items()
    }


def write(folder, arrays, zipped=False):
    for part, (images, labels) in arrays.items():
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{part}-{name}-ubyte"
            if zipped:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(idx(array)))
            else:
                path.write_bytes(idx(array))


@pytest.mark.parametrize("zipped", [False, True])
def test_reads_what_the_files_hold(tmp_path, arrays, zipped):
    write(tmp_path, arrays, zipped)
    data = fashion_mnist.load(str(tmp_path))
    assert (data.channels, data.size, data.classes) == (1, 28, 10)
    mean, std = arrays["train"][0].mean(), arrays["train"][0].std()
    for split, part in (("train", "train"), ("test", "t10k")):
        images, labels = data.splits[split].tensors
        assert images.dtype == torch.float32
        assert labels.dtype == torch.int64
        assert labels.tolist() == arrays[part][1].tolist()
        expected = (arrays[part][0][:, None] - mean) / std
        np.testing.assert_allclose(images.numpy(), expected, rtol=1e-5, atol=1e-6)


def refused(folder):
    with pytest.raises(ProblemError) as error:
        fashion_mnist.load(str(folder))
    message = str(error.value)
    assert "\n" not in message
    assert "apt install dataset-fashion-mnist" in message
    return message


@pytest.mark.parametrize("part", COUNTS)
@pytest.mark.parametrize("name", ["images-idx3-ubyte", "labels-idx1-ubyte"])
def test_a_missing_file_is_named(tmp_path, arrays, part, name):
    write(tmp_path, arrays)
    (tmp_path / f"{part}-{name}").unlink()
    assert f"{tmp_path}/{part}-{name}[.gz]: no such file" in refused(tmp_path)


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b[:10]])
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_file_of_wrong_length_is_named(tmp_path, arrays, change, name):
    write(tmp_path, arrays)
    path = tmp_path / name
    path.write_bytes(change(path.read_bytes()))
    assert str(path) in refused(tmp_path)


def test_a_truncated_gz_is_named(tmp_path, arrays):
    write(tmp_path, arrays, zipped=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    assert f"{path}: can't be read" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x1f\x8bnot gzip"])
def test_another_kind_of_file_is_named(tmp_path, arrays, content):
    write(tmp_path, arrays)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    assert f"{path}: starts with" in refused(tmp_path)
    path.rename(path.with_name(path.name + ".gz"))
    assert f"{path}.gz: " in refused(tmp_path)


def test_labels_in_place_of_images(tmp_path, arrays):
    write(tmp_path, arrays)
    labels = (tmp_path / "train-labels-idx1-ubyte").read_bytes()
    (tmp_path / "train-images-idx3-ubyte").write_bytes(labels)
    assert "expected the IDX header 00000803" in refused(tmp_path)


def test_counts_that_differ(tmp_path, arrays):
    images, labels = arrays["t10k"]
    write(tmp_path, {**arrays, "t10k": (images, labels[:2])})
    assert "2 labels for 3 images in t10k-images-idx3-ubyte" in refused(tmp_path)


def test_a_label_above_9(tmp_path, arrays):
    images, labels = arrays["train"]
    write(tmp_path, {**arrays, "train": (images, labels + 5)})
    assert "contains the label 10" in refused(tmp_path)


def test_images_of_two_sizes(tmp_path, arrays):
    images, labels = arrays["t10k"]
    write(tmp_path, {**arrays, "t10k": (images[:, :20], labels)})
    assert "images have shape (20, 28), expected (28, 28)" in refused(tmp_path)


@pytest.mark.skipif(
    not Path(fashion_mnist.DEBIAN_FOLDER).is_dir(),
    reason="Debian's package dataset-fashion-mnist is not installed",
)
def test_the_real_files():
    data = fashion_mnist.load()
    images, labels = data.splits["train"].tensors
    assert images.shape == (60000, 1, 28, 28)
    assert data.splits["test"].tensors[0].shape == (10000, 1, 28, 28)
    for split, each in (("train", 6000), ("test", 1000)):
        assert torch.bincount(data.splits[split].tensors[1]).tolist() == [each] * 10
    assert labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert images.mean(dtype=torch.float64).item() == pytest.approx(0, abs=1e-5)
    # Black is -mean/std, with the known values 0.2860 and 0.3530.
    assert images.min().item() == pytest.approx(-0.2860 / 0.3530, abs=1e-3)
