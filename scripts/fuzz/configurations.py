"""Configurations: YAML texts."""

from __future__ import annotations

from pathlib import Path

from damage import Inputs, Reader

from landscape_cli.config.loading import parse_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Load the project's configurations, and one with rarer keys."""
    texts = [path.read_bytes() for path in sorted(CONFIGS.glob("*.yaml"))]
    texts.append(
        b"problem: a:b\ngrid: {x: -1:1:5, y: [0, 1, 3]}\n"
        b"adaptive: {tolerance: 0.1}\ntime_limit: 5m\nshard: 1/2\n"
    )

    def read(path: Path, text: bytes) -> None:
        parse_config(text, "run.yaml").as_yaml()

    return texts, read
