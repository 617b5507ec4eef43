"""Tests of the texts that several panels have together."""

import pytest

from landscape_cli.plotting.text.captions import combined


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["random (seed 1)", "random (seed 1)"], "random (seed 1)"),
        (["random (seed 1)", "random (seed 2)"], "random (seed (a) 1; (b) 2)"),
        (
            ["PCA 1: 77 % of variance; PCA 2: 11 %", "PCA 1: 87 % of variance; PCA 2: 10 %"],
            "PCA 1: (a) 77; (b) 87 % of variance; PCA 2: (a) 11; (b) 10 %",
        ),
        (["x: to A; y: random", "x: to B; y: random"], "x: to (a) A; (b) B; y: random"),
    ],
)
def test_facts_are_combined_one_by_one(texts, expected):
    assert combined(texts, ["a", "b"]) == expected
