"""Checkpoints: trained weights in the files and folders that trainers write.

``load_weights`` loads one into a model, ``read_weights`` reads tensors without changing the model.
Nothing in a file is run.
"""

from landscape_cli.problems.checkpoints.identity import file_hash
from landscape_cli.problems.checkpoints.loading import (
    load_weights,
    read_state_dict,
    read_weights,
)
from landscape_cli.problems.checkpoints.trial import objects_of, put_objects

__all__ = [
    "file_hash",
    "load_weights",
    "objects_of",
    "put_objects",
    "read_state_dict",
    "read_weights",
]
