"""Demands on axes: to be permuted alike, to be apart, to keep to blocks."""

from __future__ import annotations

from collections import deque

from landscape_cli.alignment.channels import (
    Bundle,
    Family,
    Layout,
    Segment,
    coarsen,
    divide,
    pin,
    pin_blocks,
    pin_within,
    resolve,
    standing,
    unit_of,
)


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
        return Segment(unit_of(family.bundle), 1)
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
    units = [family for bundle in (one, other) for family in standing(bundle) if family.width == 1]
    for family in other.families:
        family.bundle = one
    one.families += other.families
    for family in units[1:]:
        family.became = (Segment(units[0], 1),)


def _head(rest: deque[Segment]) -> Segment:
    """Take the first segment that stands."""
    rest.extendleft(resolve((rest.popleft(),))[::-1])
    return rest.popleft()
