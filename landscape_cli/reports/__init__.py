"""Reports: one HTML page on a network, from the files that the other commands have written.

A new section is one module with a ``Section`` and one line in ``SECTIONS``. A section on a new kind
of file also needs a ``FileKind`` in ``file_kinds``.
"""

from __future__ import annotations

SECTIONS = {
    "surface": "landscape_cli.reports.sections.surface:SECTION",
    "lines": "landscape_cli.reports.sections.lines:SECTION",
    "numbers": "landscape_cli.reports.sections.numbers:SECTION",
    "spectrum": "landscape_cli.reports.sections.spectrum:SECTION",
    "sharpness": "landscape_cli.reports.sections.sharpness:SECTION",
    "training": "landscape_cli.reports.sections.training:SECTION",
    "diffusion": "landscape_cli.reports.sections.diffusion:SECTION",
    "ensemble": "landscape_cli.reports.sections.ensemble:SECTION",
    "provenance": "landscape_cli.reports.sections.provenance:SECTION",
}
"""The ``Section`` of each part of a report as ``module:attribute``, in their order."""
