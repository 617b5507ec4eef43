"""Recordings: folders to which a training run adds its checkpoints, step after step."""

from landscape_cli.store.recordings.facts import Facts
from landscape_cli.store.recordings.layout import Layout
from landscape_cli.store.recordings.recording import Recording
from landscape_cli.store.recordings.writer import Writer

__all__ = ["Facts", "Layout", "Recording", "Writer"]
