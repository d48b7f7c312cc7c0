"""A bench around `TxPath` with a real `ReplayMemory`."""

from functools import lru_cache

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring

from tests.tx.tx_bench import FrameSink, words_of
from ttpoe.config import Config
from ttpoe.replay.memory import ReplayMemory
from ttpoe.tx.path import TxPath
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Opcode

__all__ = ["NODE", "Bench", "boundary_lengths", "is_payload", "sized"]

NODE = 0xA1B2C3


def sized(width_bits):
    """Queues as long as reading ahead needs for frames without a gap."""
    return Config(width_bits=width_bits, payload_depth=8)


def is_payload(frame):
    return opcode_of(frame) == Opcode.PAYLOAD


def boundary_lengths(width_bytes):
    """1, 1024, and N-1, N, N+1 around words and around the frame's beats."""
    lengths = {1, 2, 3, 4, 5, 1023, 1024}
    for edge in (width_bytes, 2 * width_bytes, 3 * width_bytes, 1024 - width_bytes):
        for at in (edge, edge + 4):
            lengths |= {at - 1, at, at + 1}
    return sorted(length for length in lengths if 1 <= length <= 1024)


@lru_cache(maxsize=4)
def hardware(config):
    """`(what is simulated, path, memory, the path's reset)`, compiled once for many tests."""
    m, reset = Module(), Signal()
    path, memory = TxPath(config), ReplayMemory(config)
    m.submodules.path = ResetInserter(reset)(path)
    m.submodules.memory = memory
    wiring.connect(m, path.word, memory.word)
    wiring.connect(m, path.length, memory.length)
    return m, path, memory, reset


class Bench:
    """One clock per `step`; descriptors are offered from lists and taken when ready."""

    def __init__(self, config, rng, ready=1.0, report_ready=1.0):
        self.config, self.rng = config, rng
        self.dut, self.path, self.memory, self.reset = hardware(config)
        self.sink = FrameSink(self.path.o_frame, config.width_bytes)
        self.ready, self.report_ready = ready, report_ready
        self.controls, self.payloads = [], []
        self.clock = 0
        self.sent, self.pulses = [], {}
        self.payload_of = {}

    async def fill(self, ctx, slot, payload):
        """Write a payload; what lies behind it in the slot is not zero."""
        ctx.set(self.path.cfg_node, NODE)
        self.payload_of[slot] = payload
        width = self.config.width_bytes
        words = list(words_of(payload, width, filler=0xEE))
        words += [int.from_bytes(b"\xdd" * width, "little")] * (len(words) < 1024 // width)
        for beat, word in enumerate(words):
            ctx.set(self.memory.i_write.valid, 1)
            ctx.set(
                self.memory.i_write.payload,
                {"slot": slot, "beat": beat, "data": word, "last": 1, "length_bytes": len(payload)},
            )
            await ctx.tick()
        ctx.set(self.memory.i_write.valid, 0)

    def descriptor(self, slot, lid=0):
        rng = self.rng
        return {
            "slot": slot,
            "lid": lid,
            "node": rng.getrandbits(24),
            "vc": rng.randrange(3),
            "ieee": rng.getrandbits(1),
            "epoch": rng.getrandbits(16),
            "tx_id": rng.getrandbits(32),
        }

    async def step(self, ctx):
        path, rng = self.path, self.rng
        for port, waiting in ((path.i_control, self.controls), (path.i_payload, self.payloads)):
            ctx.set(port.valid, bool(waiting))
            if waiting:
                ctx.set(port.payload, waiting[0])
        ready = rng.random() < self.ready
        take_report = rng.random() < self.report_ready
        ctx.set(path.o_frame.ready, ready)
        ctx.set(path.o_sent.ready, take_report)
        self.sink.sample(ctx, self.clock, ready)
        if ctx.get(path.o_sent.valid) and take_report:
            self.sent.append((ctx.get(path.o_sent.payload), self.clock))
        for name in ("o_control_left", "o_payload_left", "stat_tx_control", "stat_tx_payload"):
            if ctx.get(getattr(path, name)):
                self.pulses.setdefault(name, []).append(self.clock)
        for port, waiting in ((path.i_control, self.controls), (path.i_payload, self.payloads)):
            if waiting and ctx.get(port.ready):
                waiting.pop(0)
        await ctx.tick()
        self.clock += 1

    async def run(self, ctx, frames, limit=20000):
        start = self.clock
        while len(self.sink.frames) < frames:
            await self.step(ctx)
            assert self.clock - start < limit, f"{len(self.sink.frames)} of {frames} frames"
        for _ in range(20):  # nothing may follow, pulses may
            await self.step(ctx)
        assert len(self.sink.frames) == frames

    def count(self, name):
        return len(self.pulses.get(name, ()))
