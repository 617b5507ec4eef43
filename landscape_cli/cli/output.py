"""Text on standard output and standard error, which may have names from foreign files in it."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

from landscape_cli.errors import visible


def say(*lines: object) -> None:
    """Print lines, each as one that any terminal shows as it is."""
    print("\n".join(visible(str(line)) for line in lines), flush=True)


def note(text: str) -> None:
    """Print a note on standard error."""
    print(f"note: {visible(text)}", file=sys.stderr, flush=True)


def say_json(facts: Any) -> None:
    """Print facts as one JSON object in ASCII; times and the like are texts."""
    text = json.dumps(facts, indent=2, default=str, allow_nan=False)
    print(text.replace("\x7f", "\\u007f"), flush=True)


def same_command() -> str:
    """Return the command that continues this run."""
    arguments = [word for word in sys.argv[1:] if word != "--overwrite"]
    return f"landscape {shlex.join(arguments)}"
