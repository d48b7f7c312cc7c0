"""Makes a failing script short: delta debugging over events, faults, settings, sizes and times.

A candidate counts if it fails in the same way. The hardware stays as it is built.
"""

import time

from .script import Script

__all__ = ["shrink"]


class _Budget(Exception):
    """No more tries."""


class _Shrinker:
    def __init__(self, script, fails, tries, seconds, told):
        self.best, self._fails, self._left, self._told = script, fails, tries, told
        self._deadline = time.monotonic() + seconds
        self.tries = 0

    def accepts(self, **changes):
        """Whether the best script with these parts changed still fails; then it is the best."""
        if not self._left or time.monotonic() > self._deadline:
            raise _Budget
        self._left -= 1
        self.tries += 1
        values = self.best.to_dict() | changes
        candidate = Script.from_dict(values)
        if not self._fails(candidate):
            return False
        self.best = candidate
        self._told(self.best, self.tries)
        return True

    def remove(self, name):
        """Zeller's ddmin on the list `name`: as few entries as still fail."""
        size = max(1, len(getattr(self.best, name)))
        while True:
            start, removed = 0, False
            while start < len(getattr(self.best, name)):
                entries = getattr(self.best, name)
                if self.accepts(**{name: entries[:start] + entries[start + size :]}):
                    removed = True
                else:
                    start += size
            if size == 1 and not removed:
                return
            size = max(1, size // 2)

    def simplify(self):
        """Smaller packets, default settings, earlier events, rounder faults."""
        for node, settings in self.best.settings.items():
            for name in list(settings):
                # Without a limit of retries a link to a ghost never ends, and of two prefixes none
                # begins, whatever the hardware.
                if name not in ("timer_tick", "max_retry", "ipv4_prefix"):
                    now = self.best.settings
                    fewer = {key: value for key, value in now[node].items() if key != name}
                    self.accepts(settings={**now, node: fewer})
        for number, event in enumerate(self.best.events):
            if event[1] != "send":
                continue
            for size in (1, 64, event[-1] // 2):
                if 1 <= size < event[-1] and self._replace("events", number, [*event[:-1], size]):
                    break
        for number, fault in enumerate(self.best.faults or []):
            if fault[4] == "corrupt":  # a lost frame is the simpler one
                self._replace("faults", number, [*fault[:4], "lose", 0])
        self._earlier()

    def _replace(self, name, number, entry):
        entries = list(getattr(self.best, name))
        if entries[number] == entry:
            return False
        entries[number] = entry
        return self.accepts(**{name: entries})

    def _earlier(self):
        """Close the gaps between events."""
        for number in range(len(self.best.events)):
            events = self.best.events
            before = events[number - 1][0] if number else 0
            gap = events[number][0] - before
            for shorter in (0, gap // 4, gap // 2):
                if shorter < gap:
                    moved = [
                        [event[0] - (gap - shorter), *event[1:]] if place >= number else event
                        for place, event in enumerate(events)
                    ]
                    if self.accepts(events=moved):
                        break


def shrink(script, fails, faults=None, tries=400, seconds=300, told=lambda script, tries: None):
    """`(short script, tries)`.

    Parameters
    ----------
    script : Script
        Fails.
    fails : callable(Script) -> bool
        Whether it fails in the same way.
    faults : list
        What the wires did to `script` when its faults were drawn by rates.
    tries, seconds : int
        At most so many calls of `fails`, begun within that time.
    told : callable(Script, int)
        Called for each shorter script with the tries so far.
    """
    work = _Shrinker(script, fails, tries, seconds, told)
    try:
        if script.faults is None and faults is not None:
            work.accepts(faults=faults)
        before = None
        while before != work.best.to_dict():
            before = work.best.to_dict()
            work.remove("events")
            if work.best.faults:
                work.remove("faults")
            work.simplify()
    except _Budget:
        pass
    return work.best, work.tries
