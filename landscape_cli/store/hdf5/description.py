"""The configuration and the provenance that every kind of file states of itself."""

from __future__ import annotations

from typing import Any

from landscape_cli.config.yaml_io import load_stored_yaml
from landscape_cli.records.provenance import check_config
from landscape_cli.store.hdf5.json_text import load_json
from landscape_cli.store.hdf5.stored_file import StoredFile


def read_description(file: StoredFile) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the configuration, which is checked, and the provenance.

    Raises:
        KeyError: if one is missing.
        ValueError: if one is malformed.
    """
    config = _mapping(load_stored_yaml(file.text("", "config")))
    provenance = _mapping(load_json(file.text("", "provenance")))
    check_config(config)
    return config, provenance


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected a mapping, got {type(value).__name__}")
    return value
