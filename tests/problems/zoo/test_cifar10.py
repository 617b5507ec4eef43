import io
import pickle
import tarfile
from typing import ClassVar

import numpy as np
import pytest
import torch

from landscape_cli.errors import ProblemError
from landscape_cli.problems.zoo import cifar10

NAMES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


class Python2Pickler(pickle._Pickler):
    """Writes byte strings as Python 2 did; only encoding="bytes" restores them as bytes."""

    def save_bytes(self, value):
        length = len(value)
        if length < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([length]) + value)
        else:
            self.write(pickle.BINSTRING + length.to_bytes(4, "little") + value)
        self.memoize(value)

    dispatch: ClassVar = {**pickle._Pickler.dispatch, bytes: save_bytes}


def pickled(value):
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(value)
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def batch(seed, n=4):
    rng = np.random.default_rng(seed)
    return {
        b"batch_label": b"training batch",
        b"labels": rng.integers(0, 10, n).tolist(),
        b"data": rng.integers(0, 256, (n, 3072), dtype=np.uint8),
        b"filenames": [b"leptodactylus_pentadactylus_s_000004.png"] * n,
    }


@pytest.fixture
def contents():
    return {name: batch(seed) for seed, name in enumerate(NAMES)}


@pytest.fixture
def folder(tmp_path, contents):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(pickled(content))
    return folder


def check(data, contents):
    assert (data.channels, data.size, data.classes) == (3, 32, 10)
    for split, names in (("train", NAMES[:5]), ("test", NAMES[5:])):
        images, labels = data.splits[split].tensors
        assert labels.dtype == torch.int64
        assert labels.tolist() == [label for name in names for label in contents[name][b"labels"]]
        pixels = np.concatenate([contents[name][b"data"] for name in names])
        # Red, green and blue planes, each row by row.
        expected = pixels.reshape(-1, 3, 32, 32).astype(float)
        mean = np.array([125.3, 123.0, 113.9]).reshape(3, 1, 1)
        std = np.array([63.0, 62.1, 66.7]).reshape(3, 1, 1)
        assert images.dtype == torch.float32
        np.testing.assert_allclose(images.numpy(), (expected - mean) / std, rtol=1e-5, atol=1e-6)


def test_the_files_are_in_python_2s_format(folder):
    data = (folder / "test_batch").read_bytes()
    assert b"numpy.core.multiarray\n_reconstruct" in data
    assert b"_codecs" not in data
    assert b"labels" in pickle.loads(data, encoding="bytes")


def test_reads_the_folder_and_its_parent(folder, contents):
    check(cifar10.load(str(folder)), contents)
    check(cifar10.load(str(folder.parent)), contents)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_batches_that_python_3_wrote(folder, contents, protocol):
    for name, content in contents.items():
        (folder / name).write_bytes(pickle.dumps(content, protocol))
    check(cifar10.load(str(folder)), contents)


def test_reads_the_archive(folder, contents, tmp_path):
    place = tmp_path / "downloads"
    place.mkdir()
    with tarfile.open(place / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname="cifar-10-batches-py")
    check(cifar10.load(str(place)), contents)


def refused(folder):
    with pytest.raises(ProblemError) as error:
        cifar10.load(str(folder))
    message = str(error.value)
    assert "\n" not in message
    assert "https://www.cs.toronto.edu/~kriz/cifar.html" in message
    return message


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_does_not_run(folder, tmp_path, protocol):
    target = tmp_path / "executed"
    data = pickle.dumps({**batch(0), b"labels": Evil(target)}, protocol)
    pickle.loads(data, encoding="bytes")[b"labels"].close()
    assert target.exists()
    target.unlink()
    (folder / "data_batch_3").write_bytes(data)
    message = refused(folder)
    assert not target.exists()
    assert f"{folder}/data_batch_3" in message
    assert "refused to load" in message


def test_a_malicious_object_array_does_not_run(folder, tmp_path):
    target = tmp_path / "executed"
    values = np.empty(1, dtype=object)
    values[0] = Evil(target)
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": values, b"labels": [1]}))
    assert "refused to load" in refused(folder)
    assert not target.exists()


def test_an_empty_folder_is_refused(tmp_path):
    message = refused(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in message
    assert "cifar-10-python.tar.gz" in message


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_missing_batch_is_named(folder, name):
    (folder / name).unlink()
    assert name in refused(folder)


@pytest.mark.parametrize("cut", [0, 1, 50, -1, -1000])
def test_a_truncated_batch_is_named(folder, cut):
    path = folder / "data_batch_2"
    path.write_bytes(path.read_bytes()[:cut])
    assert str(path) in refused(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({b"labels": [1, 2, 3]}, "labels (3,)"),
        ({b"labels": [1, 2, 3, 10]}, "labels from 1 to 10"),
        ({b"labels": [1, 2, 3, -1]}, "labels from -1 to 3"),
        ({b"labels": [0.5] * 4}, "whole numbers"),
        ({b"data": np.zeros((4, 3071), np.uint8)}, "data (4, 3071)"),
        ({b"data": np.zeros((4, 3072))}, "not a matrix of bytes"),
        ({b"data": b"abc"}, "not a matrix of bytes"),
    ],
)
def test_other_content_is_refused(folder, change, reason):
    path = folder / "test_batch"
    path.write_bytes(pickled({**batch(0), **change}))
    message = refused(folder)
    assert message.startswith(f"{path}: ")
    assert reason in message


def test_cifar_100_is_refused(folder):
    content = batch(0)
    content[b"fine_labels"] = content.pop(b"labels")
    (folder / "test_batch").write_bytes(pickled(content))
    assert "KeyError: b'labels'" in refused(folder)


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_a_damaged_archive(tmp_path, content):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(content)
    assert str(tmp_path) in refused(tmp_path)


def test_an_archive_cut_off_or_without_all_batches(folder, tmp_path):
    place = tmp_path / "downloads"
    place.mkdir()
    path = place / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder / "data_batch_1", arcname="cifar-10-batches-py/data_batch_1")
    assert f"{path}: lacks data_batch_2" in refused(place)
    path.write_bytes(path.read_bytes()[:-200])
    refused(place)
