"""What runs inside the simulator: a host and software at two SoCs of LiteX, and a wire that spoils."""

import logging
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotbext.axi import AxiStreamFrame

from tests.mac.mac_bench import description
from ttpoe.config import Config
from ttpoe.csr.registers import MAGIC
from ttpverif.bench.axi_ends import host_streams, registers_at

logging.getLogger("cocotb.pair").setLevel(logging.WARNING)  # the models log every frame

CONFIG = Config(**{k: v for k, v in description()["config"].items() if k != "links"})
PARAMS = description()["params"]
CORE, CSRS, NODES = PARAMS["core"], PARAMS["csrs"], PARAMS["nodes"]
RGMII = PARAMS["mac"] == "rgmii"
SCRATCH = 0x12345678
"""What LiteX's own scratch register holds after reset."""
TICK = 400


class Soc:
    """One SoC: its bus, and TTP's registers behind it."""

    def __init__(self, dut, side, mac):
        self.clock, self.csrs = getattr(dut, f"{side}_sys_clk"), CSRS[side]
        self.bus, self.regs = registers_at(dut, f"{side}_axil", self.clock, CONFIG, mac, CORE)

    def csr(self, name, value=None):
        """A register of LiteX: read it, or write it."""
        address = self.csrs[name]
        return (
            self.bus.read_dword(address) if value is None else self.bus.write_dword(address, value)
        )


async def start(dut):
    """Both SoCs out of reset; clocks that have nothing to do with each other."""
    for name in ("spoil_ab", "spoil_ba"):
        getattr(dut, name).value = 0
    for name, period in (("a_sys_clk", 10_000), ("b_sys_clk", 11_998)):
        cocotb.start_soon(Clock(getattr(dut, name), period, "ps").start())
    for name, period in (("clk_ab", 8000), ("clk_ba", 7998)):
        cocotb.start_soon(Clock(getattr(dut, name), period, "ps").start())
    if RGMII:
        await Timer(2, "ns")  # a quarter of the period
        for name, period in (("clk_ab_late", 8000), ("clk_ba_late", 7998)):
            cocotb.start_soon(Clock(getattr(dut, name), period, "ps").start())
    dut.a_sys_rst.value = dut.b_sys_rst.value = 1
    socs = Soc(dut, "a", None), Soc(dut, "b", PARAMS["mac"])
    tx, rx = host_streams(dut, "a", dut.a_sys_clk)
    await ClockCycles(dut.a_sys_clk, 20)
    dut.a_sys_rst.value = dut.b_sys_rst.value = 0
    await ClockCycles(dut.a_sys_clk, 200)
    for soc in socs:
        await soc.regs.TIMER_TICK.write(TICK)
    return socs, tx, rx


async def spoil(wire, clock, rng, counter):
    """A byte of the wire now and then."""
    while True:
        await ClockCycles(clock, rng.randint(300, 4000))
        wire.value = 1
        await RisingEdge(clock)
        wire.value = 0
        counter.append(1)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def registers_of_both(dut):
    """LiteX's own, TTP's, and the interrupt through both; from a master on the SoC's bus."""
    (a, b), tx, rx = await start(dut)
    for soc, mac in ((a, 0), (b, PARAMS["mac_number"])):
        assert await soc.csr("ctrl_scratch") == SCRATCH
        assert await soc.regs.MAGIC.read() == MAGIC
        assert (await soc.regs.DATAPATH.fields()).get("mac", 0) == mac
        assert await soc.csr("ctrl_bus_errors") == 0
    await a.regs.INT_MASK.write(link_up=1)
    await a.csr("ttp_ev_enable", 1)
    tx[0].send_nowait(AxiStreamFrame(b"hello", tdest=NODES["b"]))
    assert bytes((await rx[0].recv()).tdata) == b"hello"
    assert int(dut.a_irq.value) and await a.csr("ttp_ev_pending") == 1
    assert (await a.regs.NOTICE_HEAD.fields())["node"] == NODES["b"]
    assert (await b.regs.NOTICE_HEAD.fields())["node"] == NODES["a"]
    await a.regs.INT_STATUS.write(link_up=1)
    await ClockCycles(dut.a_sys_clk, 4)
    assert not int(dut.a_irq.value) and not await a.csr("ttp_ev_pending")


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def every_length_on_a_bad_wire(dut):
    """Payloads on every VC to the echo and back: once, in order, whatever the wire spoils."""
    (a, b), tx, rx = await start(dut)
    rng, spoilt = random.Random(int(os.environ["COCOTB_RANDOM_SEED"])), []
    for wire, clock in ((dut.spoil_ab, dut.clk_ab), (dut.spoil_ba, dut.clk_ba)):
        cocotb.start_soon(spoil(wire, clock, rng, spoilt))
    lengths = [*range(1, 18), 63, 64, 65, 511, 1023, 1024]
    sent = {vc: [rng.randbytes(n) for n in rng.sample(lengths, len(lengths))] for vc in range(3)}
    for vc, payloads in sent.items():
        for payload in payloads:
            tx[vc].send_nowait(AxiStreamFrame(payload, tdest=NODES["b"]))
    for vc, payloads in sent.items():
        for payload in payloads:
            frame = await rx[vc].recv()
            assert bytes(frame.tdata) == payload, f"VC {vc}, {len(payload)} bytes"
    dut.spoil_ab.value = dut.spoil_ba.value = 0
    assert len(spoilt) > 10
    there = await b.regs.counter("stat_mac_rx_bad_fcs").read()
    here = await a.regs.counter("stat_rx_bad_fcs").read()
    assert there and here == await a.csr("ethmac_rx_datapath_crc_errors")
    await Timer(1, "us")
    assert all(sink.empty() for sink in rx)
    assert not (RGMII and int(dut.txc_wrong.value))
