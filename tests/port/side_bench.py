"""A side of a port whose pins that send are wired to those that receive, in Amaranth's simulator."""

from tests.streams import receive_packet, send_packet, simulate
from ttpoe.config import preset

__all__ = ["CONFIG", "WIDE", "Looped", "beats_of", "frames_of"]

CONFIG = preset("tiny")
WIDE = CONFIG.replace(width_bits=512)


def frames_of(rng, lengths):
    return [rng.randbytes(length) for length in lengths]


def beats_of(frame, width):
    parts = [frame[at : at + width] for at in range(0, len(frame), width)]
    return [
        dict(data=int.from_bytes(part, "little"), keep=(1 << len(part)) - 1, last=n == len(parts))
        for n, part in enumerate(parts, 1)
    ]


class Looped:
    """A side, its two clocks, and a wire.

    Parameters
    ----------
    clocks : names of the clock pins that are inputs
    wire : {pin that sends: pin that receives}
    half : half a period of the pins' clocks, in seconds; that of `sync` is 10 ns
    change(clock, {receiving pin: value}) : spoils what is on the wire
    """

    def __init__(self, dut, width, clocks, wire, half, change=lambda clock, pins: None):
        self.dut, self.width, self.clocks = dut, width, clocks
        self.wire, self.half, self.change = wire, half, change
        self.counts = {}

    async def _clock(self, ctx):
        clock = 0
        while True:
            await ctx.delay(self.half)
            for name in self.clocks:
                ctx.set(getattr(self.dut, name), 1)
            await ctx.delay(self.half)
            pins = {to: ctx.get(getattr(self.dut, pin)) for pin, to in self.wire.items()}
            self.change(clock, pins)
            for name in self.clocks:
                ctx.set(getattr(self.dut, name), 0)
            for name, value in pins.items():
                ctx.set(getattr(self.dut, name), value)
            clock += 1

    async def _count(self, ctx):
        names = [name for name in self.dut.signature.members if name.startswith("stat_")]
        pulses = [getattr(self.dut, name) for name in names]
        async for _clk, _rst, *values in ctx.tick().sample(*pulses):
            for name, value in zip(names, values):
                self.counts[name] = self.counts.get(name, 0) + value

    def run(self, frames, number=None, software=None):
        """Sends `frames`, and takes as many, or `number`: [(octets, error)]."""
        width, got = self.width, []

        async def send(ctx):
            for frame in frames:
                await send_packet(ctx, self.dut.i, beats_of(frame, width))

        async def take(ctx):
            for _ in range(len(frames) if number is None else number):
                beats = await receive_packet(ctx, self.dut.o)
                octets = b"".join(
                    beat.data.to_bytes(width, "little")[: int(beat.keep).bit_count()]
                    for beat in beats
                )
                got.append((octets, beats[-1].error))

        jobs = [send, take, *([software] if software else [])]
        simulate(self.dut, *jobs, background=[self._clock, self._count])
        return got
