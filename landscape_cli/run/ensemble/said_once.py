"""Lines about checkpoints that are told once, whichever of them they are about."""

from __future__ import annotations

from collections.abc import Callable

from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.util.logs import tell


class SaidOnce:
    """Tells the user each line about checkpoints once, whichever it is about."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def about(self, path: CheckpointPath) -> Callable[[str], None]:
        """Return a function that tells a line about a checkpoint."""

        def say(note: str) -> None:
            general = note.replace(str(path), "").replace(path.path, "")
            if general not in self._said:
                self._said.add(general)
                tell(note)

        return say
