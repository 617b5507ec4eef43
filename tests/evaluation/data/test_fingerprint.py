"""Fingerprints: those of files that exist stay the same, and resume compares what they cover."""

import hashlib

import numpy as np
import pytest
import torch

from landscape_cli.evaluation.data.fingerprint import Fingerprint, comparable, describe_division

X = torch.arange(24.0).reshape(8, 3)
Y = torch.arange(8)


def fingerprint(*batches):
    found = Fingerprint()
    for batch in batches:
        found.add(batch)
    return found


def earlier(*columns):
    """Hash columns of tensors as the first version did."""
    whole = hashlib.blake2b(digest_size=16)
    for column in columns:
        start = f"{tuple(column.shape[1:])}{column.dtype}".encode()
        content = column.contiguous().numpy().tobytes()
        whole.update(hashlib.blake2b(start + content, digest_size=16).digest())
    return whole.hexdigest()


@pytest.mark.parametrize(
    "batch",
    [
        (X, Y),
        [X, (Y, None)],
        {"x": X, "y": {"deep": Y}},
        (X.numpy(), Y.numpy()),
        (X.T.contiguous().T, Y),
    ],
)
def test_fingerprints_of_tensors_in_containers_are_those_of_the_first_version(batch):
    assert fingerprint(batch).text() == earlier(X, Y)


def test_a_bare_tensor_and_divided_batches_too():
    assert fingerprint(X).text() == earlier(X)
    assert fingerprint((X[:3], Y[:3]), (X[3:], Y[3:])).text() == earlier(X, Y)


def test_what_the_first_version_did_not_see_comes_after_a_plus():
    texts = [fingerprint((X, Y, word)).text() for word in ("a", "b", 1, 1.0, np.float64(1.0))]
    assert len(set(texts)) == 4
    assert {text.split("+")[0] for text in texts} == {earlier(X, Y)}
    assert fingerprint((X, Y, "a")).text(words=False) == earlier(X, Y)


def test_a_file_of_the_first_version_is_compared_by_what_it_covers():
    def splits(text):
        return {"train": {"samples": 8, "fingerprint": text}}

    now = fingerprint((X, Y, "a")).text()
    old = earlier(X, Y)
    assert comparable(splits(old), splits(now)) == splits(old)
    assert comparable(splits(now), splits(now)) == splits(now)
    nothing = splits(hashlib.blake2b(digest_size=16).hexdigest())
    unseen = fingerprint(type("Object", (), {"__init__": lambda self: setattr(self, "x", X)})())
    assert comparable(nothing, splits(unseen.text())) != nothing
    assert comparable({}, splits(now))["train"]["fingerprint"] == now.split("+")[0]


def test_the_division_into_batches_is_described():
    assert describe_division([16, 16, 16, 2]) == "3 of 16, 1 of 2"
    others = {describe_division(lengths) for lengths in ([1, 2, 1, 2, 1], [2, 1, 2, 1, 2])}
    assert len(others) == 2
    assert {len(text) for text in others} == {32}
    old, now = ({"train": {"samples": 8, **more}} for more in ({}, {"batches": "4 of 2"}))
    for one in (old, now):
        one["train"]["fingerprint"] = "78"
    assert comparable(old, now) == old
    assert comparable(now, now) == now
