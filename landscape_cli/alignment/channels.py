"""The permutations of channels that are known to leave a network's function unchanged.

Channels are described by families. A family has the blocks of a bundle, each of a few channels. Any
permutation of the bundle's blocks, which all its families share, and any permutation of the
channels within each block is allowed. Most families have blocks of one channel, so that any order
will do; attention heads and the groups of convolutions are wider blocks. What an operation demands
only ever restricts families: it joins two, divides one, or pins it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_SEGMENTS = 20_000
"""Upper bound on the segments of one axis; an axis of more is pinned."""


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
    return (Segment(_family(Bundle(size), width), 1),)


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
    for family in _standing(bundle):
        if family.width > 1:
            family.became = tuple(new(family.width)[0] for _ in range(bundle.size))
    bundle.pinned = True


def pin_within(family: Family) -> None:
    """Give the channels within each block a fixed order; the blocks stay free."""
    if family.width > 1:
        family.became = (Segment(_unit(family.bundle), family.width),)


def divide(bundle: Bundle, at: int) -> None:
    """Keep the first blocks of a bundle apart from the others."""
    first, second = Bundle(at), Bundle(bundle.size - at)
    for family in _standing(bundle):
        family.became = tuple(Segment(_family(part, family.width), 1) for part in (first, second))


def coarsen(bundle: Bundle, number: int, free: bool = True) -> None:
    """Make one block of several neighbouring ones.

    Args:
        bundle: the blocks.
        number: how many become one.
        free: whether channels within the new blocks may be permuted, where old ones had just one.
    """
    blocks = Bundle(bundle.size // number)
    standing = _standing(bundle)
    inner = _family(blocks, number)
    for family in standing:
        family.became = (Segment(inner, family.width),)
    if not free:
        pin_within(inner)


def unify(one: Layout, other: Layout) -> None:
    """Demand that two axes of equal length are permuted alike."""
    left, right = deque(one), deque(other)
    while left and right:
        a, b = _head(left), _head(right)
        if a.family is None and b.family is None:
            common = min(a.repeat, b.repeat)
            for rest, segment in ((left, a), (right, b)):
                if segment.repeat > common:
                    rest.appendleft(Segment(None, segment.repeat - common))
        elif a != b:
            _restrict(a, b)
            left.appendleft(a)
            right.appendleft(b)


def cut(layout: Layout, at: int) -> tuple[Layout, Layout]:
    """Divide an axis into its first entries and the others."""
    while True:
        parts, before = resolve(layout), 0
        place = 0
        while place < len(parts) and before + parts[place].length < at:
            before += parts[place].length
            place += 1
        if place == len(parts):
            return parts, ()
        segment, inside = parts[place], at - before
        if inside in (0, segment.length):
            place += inside > 0
            return parts[:place], parts[place:]
        if segment.family is None:
            pieces = (Segment(None, inside), Segment(None, segment.repeat - inside))
            return (*parts[:place], pieces[0]), (pieces[1], *parts[place + 1 :])
        family = segment.family
        block = family.width * segment.repeat
        if inside % block == 0:
            divide(family.bundle, inside // block)
        else:
            pin_blocks(family.bundle)


def blocks_of(layout: Layout, width: int, free: bool) -> Layout:
    """Divide an axis into blocks of entries that stay together, and return the axis of blocks.

    Args:
        layout: the axis.
        width: entries of a block.
        free: whether the entries of a block may be permuted.
    """
    while True:
        found: list[Segment] = []
        for segment in resolve(layout):
            block = _block(segment, width, free)
            if block is None:
                break
            found.append(block)
        else:
            return tuple(found)
        if not _refine(segment, width, free):
            pin(layout)


def _block(segment: Segment, width: int, free: bool) -> Segment | None:
    """Return a segment of blocks; None if the segment's families have no such blocks yet."""
    family = segment.family
    if segment.repeat % width == 0:
        return Segment(family, segment.repeat // width)
    if free and segment.length == width:
        return Segment(None, 1)
    if free and family is not None and family.width * segment.repeat == width:
        return Segment(_unit(family.bundle), 1)
    return None


def _refine(segment: Segment, width: int, free: bool) -> bool:
    """Restrict a segment's family towards blocks of some width; return False if it can't be."""
    family = segment.family
    if family is None:
        return False
    block = family.width * segment.repeat
    if block == width and not free:
        pin_within(family)
    elif width % block == 0 and family.bundle.size % (width // block) == 0:
        coarsen(family.bundle, width // block, free)
    elif block > width:
        pin_blocks(family.bundle)
    else:
        return False
    return True


def _restrict(a: Segment, b: Segment) -> None:
    """Restrict the families of two segments, of any lengths, towards one."""
    if a.family is None or b.family is None:
        _align_with_fixed(*((a, b) if a.family is None else (b, a)))
        return
    if a.repeat != b.repeat:
        _align_repeats(*sorted((a, b), key=lambda one: one.repeat))
        return
    one, other = sorted((a.family, b.family), key=lambda family: family.width)
    if one.width == other.width:
        _align_blocks(one, other)
    elif one.width > 1:
        pin_blocks(one.bundle)
        pin_blocks(other.bundle)
    elif one.bundle.size == other.bundle.size * other.width:
        coarsen(one.bundle, other.width)
    elif one.bundle.size > other.bundle.size * other.width:
        divide(one.bundle, other.bundle.size * other.width)
    elif one.bundle.size % other.width == 0:
        divide(other.bundle, one.bundle.size // other.width)
    else:
        pin_blocks(other.bundle)


def _align_with_fixed(run: Segment, segment: Segment) -> None:
    """Pin the first channels of a segment, as many as there are fixed entries."""
    family = segment.family
    assert family is not None
    block = family.width * segment.repeat
    if run.repeat >= segment.length:
        pin((segment,))
    elif run.repeat % block == 0:
        divide(family.bundle, run.repeat // block)
    else:
        pin_blocks(family.bundle)


def _align_blocks(one: Family, other: Family) -> None:
    """Restrict two families of the same width towards one."""
    small, large = sorted((one.bundle, other.bundle), key=lambda bundle: bundle.size)
    if small.size < large.size:
        divide(large, small.size)
        return
    _merge(small, large)
    if one.became is None and other.became is None and one is not other:
        other.became = (Segment(one, 1),)


def _align_repeats(short: Segment, long: Segment) -> None:
    """Restrict the family of the segment that repeats less to blocks with a fixed order within."""
    assert short.family is not None
    number, remainder = divmod(long.repeat, short.repeat * short.family.width)
    bundle = short.family.bundle
    if remainder or (number == 1 and short.family.width == 1) or bundle.size % number:
        pin((short, long))
    elif number == 1:
        pin_within(short.family)
    else:
        coarsen(bundle, number, free=False)


def _merge(one: Bundle, other: Bundle) -> None:
    """Demand that the blocks of two bundles of one size are permuted alike."""
    if one is other:
        return
    units = [family for bundle in (one, other) for family in _standing(bundle) if family.width == 1]
    for family in other.families:
        family.bundle = one
    one.families += other.families
    for family in units[1:]:
        family.became = (Segment(units[0], 1),)


def _head(rest: deque[Segment]) -> Segment:
    """Take the first segment that stands."""
    rest.extendleft(resolve((rest.popleft(),))[::-1])
    return rest.popleft()


def _family(bundle: Bundle, width: int) -> Family:
    if width == 1:
        return _unit(bundle)
    family = Family(bundle, width)
    bundle.families.append(family)
    return family


def _unit(bundle: Bundle) -> Family:
    """Return a bundle's only family with blocks of one channel."""
    for family in _standing(bundle):
        if family.width == 1:
            return family
    family = Family(bundle, 1)
    bundle.families.append(family)
    return family


def _standing(bundle: Bundle) -> list[Family]:
    return [family for family in bundle.families if family.became is None]
