"""What runs inside the simulator: two ports with hosts, operating systems and software, and a wire
that loses and spoils frames between the models at their pins."""

import logging
import os
import random

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamFrame, AxiStreamSink, AxiStreamSource

from tests.mac.mac_bench import description
from ttpoe.config import Config
from ttpoe.csr.registers import counters
from ttpoe.rx.parser import DROP_CAUSES
from ttpverif.bench.axi_ends import host_streams, registers_at, stream_at
from ttpverif.bench.lossy_wire import LossyWire, Station
from ttpverif.bench.wire_ends import ENDS

logging.getLogger("cocotb.pair").setLevel(logging.WARNING)  # the models log every frame

PARAMS = description()["params"]
MAC, LONG = PARAMS["mac"], PARAMS["long"]
CONFIG = Config(**{k: v for k, v in description()["config"].items() if k != "links"})
NODES = {"a": 0x0A0B0C, "b": 0x112233}
TICK = 400
"""Clocks between two visits of the link timer."""
DOOR = ("rx_good", "rx_queue_full", *(f"rx_{cause}" for cause in DROP_CAUSES))
"""Counters of the engine of which each frame moves exactly one."""


SLOWER = 10
"""Time passes ten times slower than in life: then 100 ppm are whole steps of the simulator."""


def steps(period_ps, ppm):
    """A period in steps of the simulator, an even number."""
    return round(period_ps * SLOWER * (1 + ppm * 1e-6) / 2) * 2


class Side(Station):
    """One port, what is at its streams, and the software at its registers."""

    def __init__(self, dut, side):
        super().__init__(dut, side)
        pin = self.pin
        self.node, self.seed = NODES[side], NODES[side] * 7 + 1
        clock = pin("clk")
        pin("rst").value = 1
        pin("node").value, pin("open_id_seed").value = self.node, self.seed
        for name in ENDS[MAC].zero:
            pin(name).value = 0
        self.host_tx, self.host_rx = host_streams(dut, side, clock)
        self.os_tx = stream_at(AxiStreamSource, dut, f"{side}_s_os_tx", clock)
        self.os_rx = stream_at(AxiStreamSink, dut, f"{side}_m_os_rx", clock)
        _bus, self.regs = registers_at(dut, f"{side}_s_axil", clock, CONFIG, MAC)

    async def counts(self, names=None):
        """Counters by their names without `stat_`; all of them, or `names`."""
        names = names or [name[5:] for name in counters(MAC)]
        return {name: await self.regs.counter(f"stat_{name}").read() for name in names}

    def give(self, vc, payload, peer):
        self.host_tx[vc].send_nowait(AxiStreamFrame(payload, tdest=peer.node))

    async def take(self, vc, peer):
        """The next payload of a VC; it is from `peer`."""
        frame = await self.host_rx[vc].recv()
        assert frame.tuser & 0xFFFFFF == peer.node
        return bytes(frame.tdata)


PER_MS = 1000
"""Clocks of an engine in a millisecond of a `Module`."""


class Bench(LossyWire):
    """Both sides; `loss` and `spoil` are shares of the frames between them.

    `module`: a `ttpverif.module.Module` that is at the end of the wire of `a`, in the place of `b`.
    """

    def __init__(self, dut, loss=0.0, spoil=0.0, module=None):
        super().__init__(random.Random(int(os.environ["COCOTB_RANDOM_SEED"])), loss, spoil)
        self.module = module
        self.a, self.b = self.sides = Side(dut, "a"), Side(dut, "b")

    async def start(self, sync_ps=None, ppm=(0, 0, 0, 0)):
        """`sync_ps`: periods of the engines; the wire's speed by default. `ppm`: of the engines a
        and b, of the wire from a and of that from b."""
        a, b = self.sides
        tx, rx, wire_ps = ENDS[MAC].clocks
        sync_ps = sync_ps or [ENDS[MAC].sync_ps] * 2
        for side, period, off in zip(self.sides, sync_ps, ppm):
            self.start_soon(Clock(side.pin("clk"), steps(period, off), "ps").start())
        for sender, taker, off in ((a, b, ppm[2]), (b, a, ppm[3])):
            for pin in (sender.pin(tx), taker.pin(rx)):
                self.start_soon(Clock(pin, steps(wire_ps, off), "ps").start())
        if MAC == "rgmii":
            await self._delay_txc(ppm)
        for side in self.sides:
            side.end = ENDS[MAC](side.pin)
        await ClockCycles(a.pin("clk"), 10)
        for side in self.sides:
            side.pin("rst").value = 0
        await self.clocks(100)
        for side in self.sides:
            await side.regs.TIMER_TICK.write(TICK)
            side.end.sink.clear()  # what came before the reset
        self.join(a, b)

    async def _delay_txc(self, ppm):
        """TXC as the PHY delays it: a quarter of a period later, and like TXC."""
        await Timer(2000 * SLOWER, "ps")
        for side, off in zip(self.sides, ppm[2:]):
            clock = Clock(side.pin("phy_txc"), steps(8000, off), "ps")
            self.start_soon(clock.start())
        for side in self.sides:
            for _ in range(5):
                await RisingEdge(side.pin("phy_txc"))
            assert int(side.pin("rgmii_txc").value) == 1

    async def clocks(self, number):
        await ClockCycles(self.a.pin("clk"), number)

    def arrives(self, taker, frame):
        if self.module is None:
            super().arrives(taker, frame)
        else:
            self.from_module(self.module.receive(frame, self.now_ms()))

    def now_ms(self):
        """The time of the module."""
        return get_sim_time("ps") / steps(ENDS[MAC].sync_ps, 0) / PER_MS

    def from_module(self, frames):
        """What the module sends goes to `a`."""
        for frame in frames:
            self.a.end.put(frame)

    async def module_ticks(self):
        """The timers of the module."""
        while True:
            await self.clocks(PER_MS)
            self.from_module(self.module.tick(self.now_ms()))

    async def quiet(self):
        """No more losses; until nobody has sent anything for longer than a round of the timer."""
        self.loss = self.spoil = 0
        before = None
        while before != (before := [len(side.sent) for side in self.sides]):
            await self.clocks(2 * TICK * CONFIG.links)

    def stop(self):
        super().stop()
        for side in self.sides:
            for stream in (*side.host_rx, side.os_rx):
                assert stream.empty(), "something is delivered that nobody has sent"
