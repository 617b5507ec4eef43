"""Output of ``landscape export`` for diffusion files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from landscape_cli.cli.output import say
from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from landscape_cli.exports import Options


def export_diffusion_file(
    files: Sequence[str], name: str, output: str | None, options: Options
) -> None:
    """Write a diffusion file in another format, and report it.

    Raises:
        UsageError: if it is one of several files, or what was asked for does not apply.
    """
    from landscape_cli.exports.diffusion import DIFFUSION_FORMATS
    from landscape_cli.exports.diffusion.files import export_diffusion
    from landscape_cli.store.diffusion_file import read_diffusion

    if len(files) > 1:
        raise UsageError(f"{files[0]}: diffusion files are exported one at a time; name it alone")
    ending = DIFFUSION_FORMATS[name].ending if name in DIFFUSION_FORMATS else f".{name}"
    path = Path(files[0]).with_suffix(ending) if output is None else Path(output)
    export_diffusion(name, read_diffusion(files[0]), files[0], path, options)
    say(f"wrote {path.resolve()}")
