"""Block RAMs of a netlist against lists of Python: random reads and writes, mostly of a few places."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from tests.board.memories import KINDS

CLOCKS = 4000


class _Reference:
    """What a memory must give: the old word where both ports meet, or the new one. A memory that
    begins with 0 begins with anything: only bits that were written are known."""

    def __init__(self, kind):
        begins = (1 << kind.width) - 1 if kind.first else 0
        self.kind, self.words, self.shown = kind, [(kind.first, begins)] * kind.depth, (0, 0)

    def clock(self, w_addr, w_data, w_en, r_addr, r_en):
        (old, known), kind = self.words[w_addr], self.kind
        bits = kind.granularity or kind.width
        mask = sum(((1 << bits) - 1) << bits * n for n in range(kind.enables) if w_en >> n & 1)
        new = (old & ~mask) | (w_data & mask), known | mask
        if r_en:
            self.shown = new if kind.through and r_addr == w_addr else self.words[r_addr]
        self.words[w_addr] = new


def _inputs(rng, kind):
    places = [n * (kind.depth - 1) // 3 + (1 if n == 1 else 0) for n in range(4)]
    near = [*places, *range(6)]
    anywhere = rng.random() < 0.1
    place = lambda: rng.randrange(kind.depth) if anywhere else rng.choice(near)
    return {
        "w_addr": place(),
        "w_data": rng.getrandbits(kind.width),
        "w_en": rng.getrandbits(kind.enables),
        "r_addr": place(),
        "r_en": int(rng.random() < 0.8),
    }


@cocotb.test()
async def every_width(dut):
    rng = random.Random(cocotb.RANDOM_SEED)
    references = {name: _Reference(kind) for name, kind in KINDS.items()}
    dut.rst.value = 0
    for name in KINDS:
        for port in ("w_addr", "w_data", "w_en", "r_addr", "r_en"):
            getattr(dut, f"{name}_{port}").value = 0
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    for clock in range(CLOCKS):
        await FallingEdge(dut.clk)
        for name, reference in references.items():
            word, known = reference.shown
            got = int(getattr(dut, f"{name}_r_data").value)
            assert not (got ^ word) & known, (name, clock, hex(got), hex(word), hex(known))
            inputs = _inputs(rng, reference.kind)
            for port, value in inputs.items():
                getattr(dut, f"{name}_{port}").value = value
            reference.clock(**inputs)
