"""Names of tensors: wrappers around modules, prefixes, and names of adapters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

WRAPPERS = (
    *("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"),
    "_forward_module",
)
"""Attributes under which DataParallel, torch.compile, FSDP, activation checkpointing and Lightning
hold the wrapped module."""

MAGNITUDE = "lora_magnitude_vector"
"""Name of DoRA's magnitudes, which are the weight of a module only in the model."""

_ANYWHERE = re.compile(rf"(?<![^.])(?:{'|'.join(WRAPPERS[1:])})\.")
_DATA_PARALLEL = re.compile(r"(?<![^.])module\.")


def bare(name: str) -> str:
    """Remove wrappers' attributes from a name; ``module`` only at its start."""
    name = _ANYWHERE.sub("", name)
    while name.startswith("module."):
        name = _ANYWHERE.sub("", name.removeprefix("module."))
    return name


def barest(name: str) -> str:
    """Remove wrappers' attributes from a name, ``module`` within it too."""
    return _DATA_PARALLEL.sub("", bare(name))


def onto(
    names: Iterable[str],
    own: Iterable[str],
    modules: Iterable[str],
    shorten: Callable[[str], str],
) -> dict[str, str] | None:
    """Map names of a checkpoint to those of a model that may be wrapped otherwise.

    Names that the model does not have are mapped by the longest of its modules that they lie in,
    so that those which only PyTorch's own hooks understand are mapped too.

    Args:
        names: the checkpoint's names.
        own: the model's names.
        modules: paths of the model's modules.
        shorten: removes wrappers from a name with a dot at its end.

    Returns:
        The model's name for each; None if two names become the same.
    """
    places = {shorten(f"{path}." if path else ""): path for path in modules}
    tensors = {shorten(name): name for name in own}
    mapped: dict[str, str] = {}
    for name in names:
        short = shorten(name)
        cut = len(short)
        while (cut := short.rfind(".", 0, cut)) >= 0 and short[: cut + 1] not in places:
            pass
        place, rest = places.get(short[: cut + 1], ""), short[cut + 1 :]
        mapped[name] = tensors.get(short) or (f"{place}.{rest}" if place else rest)
    return mapped if len(set(mapped.values())) == len(mapped) else None


def removable(names: Sequence[str]) -> Iterator[str]:
    """Yield the prefixes that all names share, ending with a dot, the shortest first."""
    first = names[0].split(".")[:-1] if names else []
    for count in range(1, len(first) + 1):
        prefix = ".".join(first[:count]) + "."
        if not all(name.startswith(prefix) for name in names):
            return
        yield prefix


def partial(names: Iterable[str], own: Iterable[str]) -> tuple[str, int]:
    """Return the prefix that turns most names into the model's, and how many; of some names only.

    Args:
        names: the checkpoint's names.
        own: the model's names.
    """
    wanted = set(own)
    counts: dict[str, int] = {}
    for name in names:
        cut = -1
        while (cut := name.find(".", cut + 1)) >= 0:
            if name[cut + 1 :] in wanted:
                counts[name[: cut + 1]] = counts.get(name[: cut + 1], 0) + 1
    return max(counts.items(), key=lambda item: item[1], default=("", 0))


def addable(names: Sequence[str], own: Iterable[str]) -> list[str]:
    """Return the prefixes that make the first name one of the model's, as in a backbone."""
    ending = f".{names[0]}" if names else "."
    return list(dict.fromkeys(name[: 1 - len(ending)] for name in own if name.endswith(ending)))


def adapted(
    names: Iterable[str], own: Sequence[str], adapters: Iterable[str] = ("default",)
) -> dict[str, str]:
    """Map the names of an adapter's file to those of a model that peft has built.

    peft leaves the adapter's name out of the file: ``q.lora_A.weight`` is the model's
    ``q.lora_A.default.weight``, and ``head.weight`` its
    ``head.modules_to_save.default.weight``.

    Args:
        names: the file's names.
        own: the model's names.
        adapters: the names of the model's adapters.

    Returns:
        The model's name for each of the file's, where there is exactly one; else the name itself.
    """
    places: dict[str, set[str]] = {}
    for adapter in adapters:
        part = re.compile(rf"\.(?:modules_to_save\.)?{re.escape(adapter)}(?=\.|$)")
        for name in own:
            if part.search(name):
                short = part.sub("", name).replace(f"{MAGNITUDE}.weight", MAGNITUDE)
                places.setdefault(short, set()).add(name)
    return {
        name: next(iter(places[name])) if len(places.get(name, ())) == 1 else name for name in names
    }
