"""The algebra of channels: whatever is demanded holds under any permutation that is left."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_cli.alignment.channels import fixed, is_fixed, length, new, pin, repeated, resolve
from landscape_cli.alignment.permutations import order_of, random_orders
from landscape_cli.alignment.restrictions import blocks_of, cut, unify


def bundles_of(layouts):
    families = [one.family for layout in layouts for one in resolve(layout) if one.family]
    return list({id(family.bundle): family.bundle for family in families}.values())


def orders_of(layouts, seed):
    """Draw orders, and return that of each axis."""
    drawn = random_orders(bundles_of(layouts), torch.Generator().manual_seed(seed))
    found = []
    for layout in layouts:
        order = order_of(resolve(layout), drawn)
        found.append(torch.arange(length(layout)) if order is None else order)
    return found


@st.composite
def layouts(draw, total):
    """Draw an axis of so many entries: families, blocks, repeats, fixed entries, twice the same."""
    parts, left = (), total
    while left:
        number = draw(st.integers(1, left))
        kind = draw(st.sampled_from(["new", "fixed", "blocks", "repeat", "twice"]))
        divisors = [one for one in range(1, number + 1) if number % one == 0]
        divisor = draw(st.sampled_from(divisors))
        if kind == "new":
            part = new(number)
        elif kind == "fixed":
            part = fixed(number)
        elif kind == "blocks":
            part = new(number // divisor, divisor)
        elif kind == "repeat":
            part = repeated(new(number // divisor), divisor)
        else:
            part = new(number // divisor) * divisor
        parts += part
        left -= number
    return parts


TOTALS = st.sampled_from([1, 4, 6, 12, 24])
SEEDS = st.integers(0, 1000)


@given(st.data(), TOTALS, SEEDS)
@settings(deadline=None, max_examples=100)
def test_joined_axes_are_permuted_alike(data, total, seed):
    axes = [data.draw(layouts(total)) for _ in range(3)]
    unify(axes[0], axes[1])
    unify(axes[1], axes[2])
    orders = orders_of(axes, seed)
    assert torch.equal(orders[0], orders[1])
    assert torch.equal(orders[1], orders[2])
    assert sorted(orders[0].tolist()) == list(range(total))


@given(st.data(), TOTALS, SEEDS)
@settings(deadline=None, max_examples=100)
def test_the_parts_of_a_cut_axis_keep_to_themselves(data, total, seed):
    axis, at = data.draw(layouts(total)), data.draw(st.integers(0, total))
    left, right = cut(axis, at)
    assert (length(left), length(right)) == (at, total - at)
    whole, *parts = orders_of([axis, left, right], seed)
    assert torch.equal(whole, torch.cat([parts[0], at + parts[1]]))


@given(st.data(), TOTALS, st.booleans(), SEEDS)
@settings(deadline=None, max_examples=100)
def test_blocks_stay_together(data, total, free, seed):
    axis = data.draw(layouts(total))
    width = data.draw(st.sampled_from([one for one in range(1, total + 1) if total % one == 0]))
    blocks = blocks_of(axis, width, free)
    whole, outer = (order.tolist() for order in orders_of([axis, blocks], seed))
    for place, block in enumerate(outer):
        inside = whole[place * width : (place + 1) * width]
        expected = list(range(block * width, (block + 1) * width))
        assert (sorted(inside) if free else inside) == expected


@given(st.data(), TOTALS)
@settings(deadline=None)
def test_pinned_axes_are_fixed(data, total):
    axis = data.draw(layouts(total))
    pin(axis)
    assert is_fixed(axis)
    assert resolve(axis) == fixed(total)


def test_what_is_not_demanded_stays_free():
    one, other = new(12), new(3, 4)
    unify(one, other)
    (segment,) = resolve(one)
    assert (segment.family.bundle.size, segment.family.width) == (3, 4)
    tail = new(12)
    unify(tail, (*fixed(5), *new(7)))
    assert [part.length for part in resolve(tail)] == [5, 7]
    assert [is_fixed((part,)) for part in resolve(tail)] == [True, False]
    flat = new(12)
    unify(flat, repeated(new(4), 3))
    (segment,) = resolve(flat)
    assert (segment.family.bundle.size, segment.repeat) == (4, 3)
