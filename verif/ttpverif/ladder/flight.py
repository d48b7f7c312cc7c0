"""IDs in the order of their age: which PAYLOADs of a direction wait, and which tell nothing yet.

Serial numbers have no order of their own, so they are counted on without wrapping. Every change
takes out, or puts in, a slice of a sorted list: what an answer costs does not depend on how many
packets are in flight.
"""

from bisect import bisect_left, bisect_right

__all__ = ["Flight", "Unwrapped"]


class Unwrapped:
    """Serial numbers of 32 bits as whole numbers that do not wrap, near the youngest so far."""

    __slots__ = ("youngest",)

    def __init__(self):
        self.youngest = None

    def __call__(self, serial):
        """The whole number of `serial`: that within 2^31 of the youngest."""
        youngest = self.youngest
        if youngest is None:
            return serial
        ahead = serial - youngest & 0xFFFFFFFF
        return youngest + (ahead if ahead < 1 << 31 else ahead - (1 << 32))


class Flight:
    """A sorted set of whole numbers, mostly added at its end and taken from its start."""

    __slots__ = ("_numbers",)

    def __init__(self):
        self._numbers = []

    def __len__(self):
        return len(self._numbers)

    def append(self, number):
        """Put in one that is greater than all others."""
        self._numbers.append(number)

    def pop_oldest(self, number):
        """Take out the least if it is this one; whether it was."""
        if self._numbers and self._numbers[0] == number:
            del self._numbers[0]
            return True
        return False

    def oldest(self):
        """The least number, or None."""
        return self._numbers[0] if self._numbers else None

    def youngest(self):
        """The greatest number, or None."""
        return self._numbers[-1] if self._numbers else None

    def add(self, number):
        """Put in one that may be there already."""
        numbers = self._numbers
        if not numbers or number > numbers[-1]:
            numbers.append(number)
            return
        at = bisect_left(numbers, number)
        if numbers[at] != number:
            numbers.insert(at, number)

    def discard(self, number):
        """Take out one that may not be there."""
        at = bisect_left(self._numbers, number)
        if at < len(self._numbers) and self._numbers[at] == number:
            del self._numbers[at]

    def take(self, first, last):
        """Take out the numbers from `first` (None: the least) to `last` (None: the greatest)."""
        numbers = self._numbers
        low = 0 if first is None else bisect_left(numbers, first)
        high = len(numbers) if last is None else bisect_right(numbers, last, low)
        taken = numbers[low:high]
        del numbers[low:high]
        return taken
