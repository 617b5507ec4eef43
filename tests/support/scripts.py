"""Modules of the folder scripts, imported as its scripts import each other."""

import importlib
import json
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
STUDIES = SCRIPTS / "reproduce"


def shape_of(results):
    """Return the names and sizes of a study's results, without their values."""
    return {
        "settings": set(results["settings"]),
        "numbers": set(results["numbers"]),
        "tables": {name: (t["head"], len(t["rows"])) for name, t in results["tables"].items()},
        "claims": [(claim["source"], claim["says"]) for claim in results["claims"]],
        "figures": results["figures"],
    }


def check_like_published(name, folder):
    """Check that a study's results in a folder fill its page, as the published ones do.

    Returns:
        The results.
    """
    rendering = load("rendering")
    found = json.loads((folder / "results.json").read_text())
    assert all((folder / f"{figure}.png").exists() for figure in found["figures"])
    assert rendering.study_page(name, found)
    assert shape_of(found) == shape_of(rendering.read(name))
    return found


def load(name, folder=STUDIES):
    """Import a module that is in a folder, or below it, with that folder first in the path."""
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
