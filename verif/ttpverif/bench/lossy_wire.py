"""A wire in cocotb that loses and spoils whole frames between two ports, whatever their MACs are."""

from typing import Any

import cocotb

__all__ = ["LossyWire", "Pins", "Station"]


class Pins:
    """`pins("name")`: that port of one side of `pair`."""

    def __init__(self, dut: Any, side: str):
        self.dut, self.side = dut, side

    def __call__(self, name: str) -> Any:
        return getattr(self.dut, f"{self.side}_{name}")


class Station:
    """One side: its pins, the models at them (`wire_ends`), and what became of its frames.

    `sent`: the frames that its models took; each of them was `delivered`, handed over `bad`, or
    `lost`. `broken`: how many were none for the models.
    """

    def __init__(self, dut: Any, side: str):
        self.pin = Pins(dut, side)
        self.end: Any = None  # known when the clocks run
        self.sent: list[bytes] = []
        self.delivered = self.bad = self.lost = self.broken = 0


class LossyWire:
    """Tasks that carry frames; `loss` and `spoil` are shares of them, and may change."""

    def __init__(self, rng, loss: float = 0.0, spoil: float = 0.0):
        self.rng, self.loss, self.spoil = rng, loss, spoil
        self.tasks: list[Any] = []

    def start_soon(self, coroutine):
        """Run it until `stop`."""
        self.tasks.append(cocotb.start_soon(coroutine))

    def join(self, a: Station, b: Station):
        """From now on each gets what the other sends, or not."""
        self.start_soon(self._carry(a, b))
        self.start_soon(self._carry(b, a))

    async def _carry(self, sender: Station, taker: Station):
        while True:
            frame = await sender.end.frame()
            if frame is None:
                sender.broken += 1
                continue
            sender.sent.append(frame)
            self.carry(sender, taker, frame)

    def carry(self, sender: Station, taker: Station, frame: bytes):
        """What becomes of a frame; another bench may do something else with it."""
        chance = self.rng.random()
        if chance < self.loss:
            sender.lost += 1
        elif chance < self.loss + self.spoil:
            sender.bad += 1
            taker.end.put(frame, "fcs")
        else:
            sender.delivered += 1
            taker.end.put(frame)

    def stop(self):
        """Cancel every task."""
        for task in self.tasks:
            task.cancel()
