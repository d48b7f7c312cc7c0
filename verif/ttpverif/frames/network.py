"""A network that loses, duplicates, reorders, corrupts and delays, reproducibly.

One `Channel` is one direction. Its behaviour depends on its seed and on the frames pushed and
their times alone.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Channel"]


@dataclass
class _Fault:
    predicate: Callable[[bytes], bool]
    nth: int
    action: str
    delay_cycles: int
    matched: int = 0


class Channel:
    """One direction of a link.

    Parameters
    ----------
    seed : int
    loss, duplicate, reorder, corrupt : float
        Probabilities per frame, 0 to 1.
    delay_cycles : int or (int, int)
        Time in the network, in clocks; a pair is a range, drawn per frame. A frame never
        overtakes another by that alone.
    reorder_cycles : int
        How much longer (1 to this many clocks) a reordered frame is held while others pass.
    """

    ACTIONS = ("drop", "duplicate", "corrupt", "delay")

    def __init__(
        self,
        seed: int | str,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        corrupt: float = 0.0,
        delay_cycles: int | tuple[int, int] = 0,
        reorder_cycles: int = 64,
    ):
        for name, value in (
            ("loss", loss),
            ("duplicate", duplicate),
            ("reorder", reorder),
            ("corrupt", corrupt),
        ):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1; got {value}")
        self._random = random.Random(seed)
        self._loss, self._duplicate, self._reorder = loss, duplicate, reorder
        self._corrupt = corrupt
        low, high = delay_cycles if isinstance(delay_cycles, tuple) else (delay_cycles,) * 2
        if not 0 <= low <= high:
            raise ValueError(f"delay_cycles must be a range of times; got {delay_cycles}")
        self._delay = low, high
        self._reorder_cycles = reorder_cycles
        self._queue, self._order, self._last = [], 0, 0
        self._faults = []
        self.counters = Counter()

    def script(
        self,
        predicate: Callable[[bytes], bool],
        nth: int = 1,
        action: str = "drop",
        delay_cycles: int = 0,
    ) -> None:
        """Do `action` to the `nth` frame (from 1) for which `predicate(bytes)` holds.

        A scripted fault takes the place of the random ones for that frame.
        """
        if action not in self.ACTIONS:
            raise ValueError(f"action must be one of {', '.join(self.ACTIONS)}; got {action!r}")
        self._faults.append(_Fault(predicate, nth, action, delay_cycles))

    def _scripted(self, data):
        due = None
        for fault in self._faults:
            if fault.predicate(data):
                fault.matched += 1
                if fault.matched == fault.nth and due is None:
                    due = fault
        return due

    def push(self, data: bytes, now: float) -> None:
        """A frame enters at time `now`; times never go back."""
        data = bytes(data)
        # Every frame takes the same number of draws, so that one fault does not move the others.
        draws = [self._random.random() for _ in range(4)]
        delay = self._random.randint(*self._delay)
        extra = self._random.randint(1, max(1, self._reorder_cycles))
        flips = [self._random.randrange(1 << 30) for _ in range(3)]
        fault = self._scripted(data)
        self.counters["pushed"] += 1
        if fault is not None:
            lost, twice, late, bad = (
                fault.action == name for name in ("drop", "duplicate", "delay", "corrupt")
            )
            extra = fault.delay_cycles
        else:
            limits = self._loss, self._duplicate, self._reorder, self._corrupt
            lost, twice, late, bad = (draw < limit for draw, limit in zip(draws, limits))
        if lost:
            self.counters["lost"] += 1
            return
        if bad:
            data = self._flip(data, flips)
            self.counters["corrupted"] += 1
        if late:
            self._put(now + delay + extra, data, bad)
            self.counters["reordered"] += 1
        else:
            self._last = max(self._last, now + delay)
            self._put(self._last, data, bad)
        if twice:
            self._put(max(self._last, now + delay), data, bad)
            self.counters["duplicated"] += 1

    @staticmethod
    def _flip(data, flips):
        broken = bytearray(data)
        for bit in {flip % (8 * len(data)) for flip in flips}:
            broken[bit // 8] ^= 1 << bit % 8
        return bytes(broken)

    def _put(self, when, data, bad):
        heapq.heappush(self._queue, (when, self._order, data, bad))
        self._order += 1

    def pop(self, now: float) -> list[tuple[bytes, bool]]:
        """Frames that arrive up to and at `now`: a list of (bytes, bad_fcs)."""
        frames = []
        while self._queue and self._queue[0][0] <= now:
            _, _, data, bad = heapq.heappop(self._queue)
            frames.append((data, bad))
        self.counters["popped"] += len(frames)
        return frames

    def __len__(self):
        """Frames on their way."""
        return len(self._queue)

    @property
    def next_time(self):
        """When the next frame arrives, or None."""
        return self._queue[0][0] if self._queue else None
