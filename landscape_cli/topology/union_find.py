"""Disjoint sets of numbers."""

from __future__ import annotations


class UnionFind:
    """Disjoint sets of the numbers from 0 on; the smallest of a set represents it."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def find(self, number: int) -> int:
        """Return the smallest number in the set of a number."""
        above = self._above
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    def unite(self, first: int, second: int) -> tuple[int, int] | None:
        """Join two sets; return their representatives, smaller first, or None if they were one."""
        low, high = sorted((self.find(first), self.find(second)))
        if low == high:
            return None
        self._above[high] = low
        return low, high

    def all(self) -> list[int]:
        """Return the representative of each number."""
        return [self.find(number) for number in range(len(self._above))]
