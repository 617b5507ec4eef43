"""The permutations of channels that are known to leave a network's function unchanged.

Channels are described by families. A family has the blocks of a bundle, each of a few channels. Any
permutation of the bundle's blocks, which all its families share, and any permutation of the
channels within each block is allowed. Most families have blocks of one channel, so that any order
will do; attention heads and the groups of convolutions are wider blocks. What an operation demands
only ever restricts families: it joins two, divides one, or pins it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(eq=False)
class Bundle:
    """Blocks that are permuted together.

    Args:
        size: number of blocks.
        pinned: whether the blocks keep their order; then all families have a width of 1.
        families: the families with these blocks.
    """

    size: int
    pinned: bool = False
    families: list[Family] = field(default_factory=list)


@dataclass(eq=False)
class Family:
    """Channels in the blocks of a bundle.

    Args:
        bundle: the blocks.
        width: channels of a block, in any order within it.
        became: what the family was restricted to; None if it still stands.
    """

    bundle: Bundle
    width: int
    became: Layout | None = None


@dataclass(frozen=True)
class Segment:
    """A part of an axis: each channel of a family, ``repeat`` times in a row.

    Args:
        family: the channels; None for entries with a fixed order.
        repeat: entries for each channel; for a fixed order, their number.
    """

    family: Family | None
    repeat: int

    @property
    def length(self) -> int:
        """Number of entries."""
        if self.family is None:
            return self.repeat
        return self.family.bundle.size * self.family.width * self.repeat


Layout = tuple[Segment, ...]
"""An axis of a tensor, segment by segment."""


def fixed(length: int) -> Layout:
    """Return the layout of an axis whose entries keep their order."""
    return (Segment(None, length),)


def new(size: int, width: int = 1) -> Layout:
    """Return the layout of new channels, of which nothing is demanded yet.

    Args:
        size: number of blocks.
        width: channels of a block.
    """
    return (Segment(family_of(Bundle(size), width), 1),)


def length(layout: Layout) -> int:
    """Return the number of entries of an axis."""
    return sum(segment.length for segment in layout)


def repeated(layout: Layout, number: int) -> Layout:
    """Return an axis with each entry several times in a row."""
    return tuple(Segment(one.family, one.repeat * number) for one in layout)


def resolve(layout: Iterable[Segment]) -> Layout:
    """Return an axis by the families that stand, and runs of fixed entries."""
    found: list[Segment] = []
    stack = list(layout)[::-1]
    while stack:
        segment = stack.pop()
        family = segment.family
        if family is not None and family.bundle.size == 1:
            pin_blocks(family.bundle)
        if family is not None and family.became is not None:
            stack += repeated(family.became, segment.repeat)[::-1]
        elif family is not None and not family.bundle.pinned:
            found.append(segment)
        elif found and found[-1].family is None:
            found[-1] = Segment(None, found[-1].repeat + segment.length)
        else:
            found.append(Segment(None, segment.length))
    return tuple(found)


def is_fixed(layout: Layout) -> bool:
    """Tell whether all entries of an axis keep their order."""
    return all(segment.family is None for segment in resolve(layout))


def pin(layout: Layout) -> None:
    """Give all entries of an axis a fixed order."""
    free = [one.family for one in resolve(layout) if one.family is not None]
    for family in free:
        pin_blocks(family.bundle)
    if free:
        pin(layout)


def pin_blocks(bundle: Bundle) -> None:
    """Give the blocks of a bundle a fixed order; channels within a block stay free."""
    for family in standing(bundle):
        if family.width > 1:
            family.became = tuple(new(family.width)[0] for _ in range(bundle.size))
    bundle.pinned = True


def pin_within(family: Family) -> None:
    """Give the channels within each block a fixed order; the blocks stay free."""
    if family.width > 1:
        family.became = (Segment(unit_of(family.bundle), family.width),)


def divide(bundle: Bundle, at: int) -> None:
    """Keep the first blocks of a bundle apart from the others."""
    first, second = Bundle(at), Bundle(bundle.size - at)
    for family in standing(bundle):
        family.became = tuple(Segment(family_of(part, family.width), 1) for part in (first, second))


def coarsen(bundle: Bundle, number: int, free: bool = True) -> None:
    """Make one block of several neighbouring ones.

    Args:
        bundle: the blocks.
        number: how many become one.
        free: whether channels within the new blocks may be permuted, where old ones had just one.
    """
    blocks = Bundle(bundle.size // number)
    before = standing(bundle)
    inner = family_of(blocks, number)
    for family in before:
        family.became = (Segment(inner, family.width),)
    if not free:
        pin_within(inner)


def family_of(bundle: Bundle, width: int) -> Family:
    """Return a family with a bundle's blocks, a new one if these have several channels."""
    if width == 1:
        return unit_of(bundle)
    family = Family(bundle, width)
    bundle.families.append(family)
    return family


def unit_of(bundle: Bundle) -> Family:
    """Return a bundle's only family with blocks of one channel."""
    for family in standing(bundle):
        if family.width == 1:
            return family
    family = Family(bundle, 1)
    bundle.families.append(family)
    return family


def standing(bundle: Bundle) -> list[Family]:
    """Return the families of a bundle that were not restricted further."""
    return [family for family in bundle.families if family.became is None]
