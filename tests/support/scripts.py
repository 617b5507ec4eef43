"""Modules of the folder scripts, imported as its scripts import each other."""

import importlib
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
STUDIES = SCRIPTS / "reproduce"


def load(name, folder=STUDIES):
    """Import a module that is in a folder, or below it, with that folder first in the path."""
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
