"""Names of the public API, which are defined elsewhere than they are imported from."""

from __future__ import annotations

from typing import Any

MODULES = ("landscape_cli", "landscape_cli.errors")
"""Modules whose names are written without them."""


def setup(app: Any) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("missing-reference", _find)
    return {"parallel_read_safe": True}


def _find(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Look a class or function up where the page has it."""
    name = node["reftarget"].rpartition(".")[2]
    domain = env.domains["py"]
    if node.get("refdomain") != "py":
        return None
    for module in MODULES:
        target = f"{module}.{name}"
        if target in domain.objects:
            page, builder = node["refdoc"], app.builder
            return domain.resolve_xref(env, page, builder, "obj", target, node, content)
    return None
