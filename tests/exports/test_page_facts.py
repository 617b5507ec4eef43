"""What a page says of the origin of its values."""

import numpy as np

from landscape_cli.exports import Source
from landscape_cli.exports.page_facts import page_facts

PROVENANCE = {
    "network": {"name": "MLP", "parameters": 1234},
    "checkpoint": {"path": "a.pt", "sha256": "12ab", "key": "model"},
    "batch_norm": "recalibrate",
    "quantize": {"bits": 4, "per": "tensor"},
    "splits": {"train": {"samples": 2000, "fingerprint": "fe"}, "test": {}},
    "directions": {"x": {"kind": "random", "normalize": "filter", "seed": 3, "sha256": "aa"}},
    "norms": {"x": 2.5},
    "cosines": {"x,y": 0.25},
    "precision": "bf16",
    "runs": [
        {
            "command": ["landscape", "compute", "my config.yaml"],
            "started": "2026-01-01T00:00:00+00:00",
            "seconds": 3.5,
            "mpi": {"size": 2},
            "ranks": [{"device": "cuda:0"}, {"device": "cuda:1"}],
            "versions": {"torch": "2.9", "numpy": "2.3"},
        }
    ],
}


def facts_of(surface):
    return dict(page_facts(Source(surface, "run.h5", "run")))


def test_everything_known_is_said(make_surface):
    surface = make_surface(lambda x, y: 1 + x + y, "-1:1:3", "-1:1:3", provenance=PROVENANCE)
    surface.stderr["train", "loss"] = np.full((3, 3), 0.5)
    facts = facts_of(surface)
    assert facts["network"] == "MLP, 1,234 parameters"
    assert facts["checkpoint"] == "a.pt, key model\nSHA-256 12ab"
    assert facts["quantized"] == "weights at 4 bits per tensor"
    assert facts["batch norm"] == "recalibrated: statistics measured anew at each point"
    assert facts["samples"] == "2,000 train, fingerprint fe\nan unknown number of test"
    assert facts["axis x"] == (
        "random direction, filter-normalized (seed 3)\n-1 to 1, 3 points\nnorm 2.5\nSHA-256 aa"
    )
    assert facts["axis y"] == "-1 to 1, 3 points"
    assert facts["cosine of x and y"] == "0.25"
    assert facts["train loss"] == "-1 to 3\n1 ± 0.5 at the centre\nstandard error at most 0.5"
    assert facts["precision"] == "bf16"
    assert facts["run"] == (
        "landscape compute 'my config.yaml'\n"
        "2026-01-01T00:00:00+00:00, 3.5 s, 2 ranks on cuda:0, cuda:1"
    )
    assert facts["versions"] == "torch 2.9, numpy 2.3"


def test_little_is_known(make_surface):
    surface = make_surface(lambda x, y: np.nan * x, "-1:1:3", "-1:1:3", provenance={"runs": [3]})
    assert facts_of(surface) == {
        "file": "run.h5",
        "axis x": "-1 to 1, 3 points",
        "axis y": "-1 to 1, 3 points",
    }
