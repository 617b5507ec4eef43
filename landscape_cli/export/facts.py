"""What a surface says of itself, as text for other programs' files."""

from __future__ import annotations

import json

from landscape_cli.records.surface import Surface


def facts(surface: Surface) -> dict[str, str]:
    """The configuration and the provenance of a surface, each as a JSON object."""
    both = {"config": surface.config, "provenance": surface.provenance}
    return {name: json.dumps(dict(values), default=str) for name, values in both.items()}
