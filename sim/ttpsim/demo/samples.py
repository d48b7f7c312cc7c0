"""What the simulation tells while it runs, and what follows from it."""

import json
from dataclasses import dataclass

from ttpsim.scenarios._demo import BINS_PER_OCTAVE
from ttpverif.bench.bench import CLOCK_NS

__all__ = ["Samples", "Rates", "octaves", "quantile", "CLOCK_NS"]


@dataclass
class Rates:
    """Between two samples: Gbit/s of payload each way at the simulated clock, replays, clocks/s."""

    goodput: tuple
    replays: int
    clocks_per_second: float


class Samples:
    """The samples so far, read from the file that the scenario appends to."""

    def __init__(self, path):
        self._path, self._read = path, 0
        self.all = []

    def poll(self):
        """Read what is new; True if there is something."""
        try:
            with open(self._path) as file:
                file.seek(self._read)
                text = file.read()
        except FileNotFoundError:
            return False
        whole = text[: text.rfind("\n") + 1]
        self._read += len(whole.encode())
        self.all += [json.loads(line) for line in whole.splitlines()]
        return bool(whole)

    @property
    def last(self):
        return self.all[-1]

    def rates(self, before, after):
        clocks = max(1, after["cycle"] - before["cycle"])
        goodput = tuple(
            8 * (new - old) / (clocks * CLOCK_NS)
            for old, new in zip(before["bytes"], after["bytes"])
        )
        seconds = max(1e-9, after["seconds"] - before["seconds"])
        return Rates(goodput, after["replays"] - before["replays"], clocks / seconds)

    def recent(self, count=10):
        """`Rates` over the last samples; None before there are two."""
        if len(self.all) < 2:
            return None
        return self.rates(self.all[max(0, len(self.all) - 1 - count)], self.last)


def octaves(bins):
    """`{2**n clocks: packets}` of a sample's latency bins, from the first to the last octave."""
    packets = {}
    for index, count in bins.items():
        octave = int(index) // BINS_PER_OCTAVE
        packets[octave] = packets.get(octave, 0) + count
    if not packets:
        return {}
    return {2**octave: packets.get(octave, 0) for octave in range(min(packets), max(packets) + 1)}


def quantile(bins, share):
    """Latency in clocks (upper end of the bin) that this share of the packets does not exceed."""
    total, seen = sum(bins.values()), 0
    for index in sorted(map(int, bins)):
        seen += bins[str(index)]
        if seen >= share * total:
            return 2 ** ((index + 1) / BINS_PER_OCTAVE)
    return 0
