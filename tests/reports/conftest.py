"""Files of one network, and of another one, and a parser of the page made from them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
import pytest

from builders import surface
from landscape_cli.records.curvature import Curvature
from landscape_cli.store import write_surface
from landscape_cli.store.curvature_file import write_curvature

SHA, OTHER = "ab" * 32, "cd" * 32
VOID = {"br", "img", "meta"}


def facts(sha256=SHA, name="Small net", path="runs/net.pt"):
    """Return the provenance of a surface."""
    return {
        "network": {"name": name, "parameters": 12, "sha256": sha256[::-1]},
        "checkpoint": {"path": path, "sha256": sha256},
        "splits": {"train": {"samples": 7, "fingerprint": "f00"}},
        "directions": {"x": {"kind": "random", "label": "random direction (seed 1)"}},
        "runs": [
            {
                "command": ["/home/you/bin/landscape", "compute", "a b.yaml"],
                "started": "2026-01-02T03:04:05+00:00",
                "seconds": 1.5,
                "versions": {"torch": "2.13.0", "python": "3.11.7"},
                "mpi": {"size": 2, "library": "MPICH Version: 5.0.2"},
                "ranks": [{"host": "secret", "device": "cpu", "instruction_set": "AVX512"}] * 2,
            }
        ],
    }


def net(values=lambda x, y=0.0: 1 + x**2 + 2 * y**2, *axes, status=None, **more):
    """Return a surface of a network."""
    return surface(values, *axes, status=status, stderr=0.01, provenance=facts(**more))


def spectrum(sha256=SHA, name="Small net"):
    """Return the curvature of a network."""
    weights = [{"path": "runs/net.pt", "sha256": sha256}]
    return Curvature(
        matrix="hessian",
        parameters=12,
        labels=("net",),
        status=np.array([1], np.uint8),
        eigenvalues=np.array([[3.5, 1.25, -0.5]]),
        residuals=np.array([[1e-6, 1e-6, 1e-6]]),
        top=2,
        provenance={
            **{key: facts(sha256, name)[key] for key in ("network", "splits", "runs")},
            "split": "train",
            "weights": weights,
            "request": {},
            "memory": {"vectors": 1},
        },
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, the current one, with a configuration, its output and its curvature file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(
        "problem: example:build\ngrid: {x: [-1, 1, 5], y: [-1, 1, 5]}\noutput: net.h5\n"
    )
    write_surface(tmp_path / "net.h5", net())
    write_curvature(tmp_path / "net.curvature.h5", spectrum())
    return tmp_path


@dataclass
class Page(HTMLParser):
    """A page: its elements, its text, and whether every element is closed."""

    text: str
    tags: list = field(default_factory=list)
    words: str = ""
    open: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.feed(self.text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words += data

    def of(self, tag):
        """Return the attributes of all elements with a name."""
        return [attributes for name, attributes in self.tags if name == tag]
