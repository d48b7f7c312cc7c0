"""What runs inside the simulator: cocotbext-axi's master on the emitted Verilog of `FlatCsr`."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from ttpoe.config import preset
from ttpoe.csr.access import Registers
from ttpoe.csr.registers import COUNTERS, PULSES, register_map
from ttpoe.csr.shapes import Access

CONFIG = preset("tiny")
NODE, SEED_PORT = 0x3C2B1A, 0x600DF00D
MAP = register_map(CONFIG)


class Refused(Exception):
    """The answer was SLVERR."""


class Bench:
    """Master, accessors, and a watch on what the slave may not do."""

    def __init__(self, dut):
        self.dut = dut
        self.rng = random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.regs = Registers(CONFIG, self.read, self.write)
        self.violations = []

    async def start(self, pause=0.0):
        dut = self.dut
        for name in (
            "command_ready",
            "inspect_ready",
            "inspected_valid",
            "inspected_payload",
            "inspected_law_valid",
            "inspected_law_payload",
            "notice_valid",
            "notice_payload",
            "i_ready",
            "i_free_slots",
            *PULSES,
        ):
            getattr(dut, name).value = 0
        dut.i_node.value, dut.i_open_id_seed.value = NODE, SEED_PORT
        dut.rst.value = 1
        cocotb.start_soon(Clock(dut.clk, 8, "ns").start())
        await ClockCycles(dut.clk, 5)
        dut.rst.value = 0
        await ClockCycles(dut.clk, 2)
        cocotb.start_soon(self._watch())
        if pause:
            write, read = self.master.write_if, self.master.read_if
            for channel in (
                write.aw_channel,
                write.w_channel,
                write.b_channel,
                read.ar_channel,
                read.r_channel,
            ):
                channel.set_pause_generator(iter(lambda: self.rng.random() < pause, None))

    async def read(self, address):
        answer = await self.master.read(address, 4)
        if answer.resp != AxiResp.OKAY:
            assert answer.resp == AxiResp.SLVERR and answer.data == bytes(4)
            raise Refused(hex(address))
        return int.from_bytes(answer.data, "little")

    async def write(self, address, value):
        await self.write_bytes(address, value.to_bytes(4, "little"))

    async def write_bytes(self, address, data):
        """Up to 4 bytes: the master makes the strobes."""
        answer = await self.master.write(address, data)
        if answer.resp != AxiResp.OKAY:
            assert answer.resp == AxiResp.SLVERR
            raise Refused(hex(address))

    async def refuses(self, access):
        try:
            await access
        except Refused:
            return
        raise AssertionError("was not refused")

    async def pulse(self, *names, clocks=1):
        await FallingEdge(self.dut.clk)
        for name in names:
            getattr(self.dut, name).value = 1
        await ClockCycles(self.dut.clk, clocks)
        await FallingEdge(self.dut.clk)
        for name in names:
            getattr(self.dut, name).value = 0

    async def _watch(self):
        """Answers hold until taken, and none comes without a request."""
        dut = self.dut
        owed = {"b": 0, "r": 0}
        taken = {"aw": 0, "w": 0, "ar": 0}
        held = {}
        while True:
            await RisingEdge(dut.clk)
            value = {
                name: int(getattr(dut, f"s_axil_{name}").value)
                for name in (
                    "awvalid",
                    "awready",
                    "wvalid",
                    "wready",
                    "arvalid",
                    "arready",
                    "bvalid",
                    "bready",
                    "bresp",
                    "rvalid",
                    "rready",
                    "rresp",
                    "rdata",
                )
            }
            for channel, payload in (("b", ("bresp",)), ("r", ("rresp", "rdata"))):
                now = tuple(value[name] for name in payload) if value[f"{channel}valid"] else None
                if held.get(channel) not in (None, now):
                    self.violations.append(f"{channel}: the answer did not hold")
                if now and not owed[channel]:
                    self.violations.append(f"{channel}: an answer without a request")
                done = now and value[f"{channel}ready"]
                held[channel] = None if done else now
                owed[channel] -= bool(done)
            for channel in taken:
                taken[channel] += value[f"{channel}valid"] and value[f"{channel}ready"]
            while taken["aw"] and taken["w"]:
                taken["aw"], taken["w"], owed["b"] = taken["aw"] - 1, taken["w"] - 1, owed["b"] + 1
            owed["r"], taken["ar"] = owed["r"] + taken["ar"], 0

    def finish(self):
        assert not self.violations, self.violations[:5]


def after_reset(register):
    value = 0
    for field in register.fields:
        reset = {"i_node": NODE, "i_open_id_seed": SEED_PORT}.get(field.port, field.reset or 0)
        value |= (0 if field.access is Access.WO else reset) << field.lsb
    return value


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def reset_values_and_answers(dut):
    bench = Bench(dut)
    await bench.start()
    for register in MAP.registers:
        assert await bench.read(register.address) == after_reset(register), register.name
        if not register.writable:
            await bench.refuses(bench.write(register.address, 0xFFFFFFFF))
    mapped = {register.address for register in MAP.registers}
    for _ in range(60):
        address = bench.rng.randrange(1 << 14) * 4
        if address not in mapped:
            await bench.refuses(bench.read(address))
            await bench.refuses(bench.write(address, 0xFFFFFFFF))
    bench.finish()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def bytes_of_registers_with_pauses(dut):
    """One to four bytes of random registers, every channel stalling; reads and writes overlap."""
    bench = Bench(dut)
    await bench.start(pause=0.4)
    words = {
        register.name: after_reset(register)
        for register in MAP.registers
        if register.fields[0].access is Access.RW
        and register.name not in ("ETHERTYPE", "LINK_INDEX")
    }
    for _ in range(150):
        name = bench.rng.choice(list(words))
        register = MAP[name]
        data = bench.rng.randbytes(bench.rng.randint(1, 4))
        other = bench.rng.choice([other for other in words if other != name])
        reading = cocotb.start_soon(bench.read(MAP[other].address))
        await bench.write_bytes(register.address, data)
        assert await reading == words[other], other
        bits = (1 << 8 * len(data)) - 1
        mask = sum(field.mask for field in register.fields)
        words[name] = (words[name] & ~bits | int.from_bytes(data, "little")) & mask
        assert await bench.read(register.address) == words[name], name
        # An address that is no multiple of 4 is refused; the master puts it on the bus as it is.
        offset = bench.rng.randrange(1, 4)
        await bench.refuses(bench.write_bytes(register.address + offset, b"\xff"))
    assert int(dut.cfg_node.value) == words["NODE"]
    assert int(dut.cfg_timer_tick.value) == words["TIMER_TICK"]
    bench.finish()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_host_uses_everything(dut):
    """The flow of a driver: configure, command, interrupt, notice, read-out, counters."""
    bench = Bench(dut)
    await bench.start(pause=0.2)
    regs = bench.regs
    await regs.ETHERTYPE.write(0x9AC6)
    assert int(dut.cfg_ieee.value) == 1
    await bench.refuses(regs.ETHERTYPE.write(0x0800))
    await regs.INT_MASK.write(link_up=1)

    await regs.COMMAND_NODE.write(0x00BEEF)
    await regs.COMMAND.write(vc=2)
    assert (await regs.STATUS.fields())["command_busy"] == 1
    await bench.refuses(regs.COMMAND.write(vc=1))
    assert int(dut.command_payload.value) == 0x00BEEF << 1 | 2 << 25
    await bench.pulse("command_ready")
    assert (await regs.STATUS.fields())["command_busy"] == 0

    dut.notice_payload.value = 0 | 0x00BEEF << 3 | 2 << 27
    await bench.pulse("notice_valid")
    await ClockCycles(dut.clk, 3)
    assert int(dut.o_interrupt.value) == 1
    assert await regs.NOTICE_HEAD.fields() == {"node": 0x00BEEF, "vc": 2, "notice": 0, "valid": 1}
    await regs.NOTICE_POP.write()
    await regs.INT_STATUS.write(link_up=1)
    await ClockCycles(dut.clk, 2)
    assert int(dut.o_interrupt.value) == 0 and await regs.NOTICE_HEAD.read() == 0

    await regs.LINK_INDEX.write(5)
    assert int(dut.inspect_valid.value) == 1 and int(dut.inspect_payload.value) == 5
    await bench.pulse("inspect_ready")
    dut.inspected_payload.value = 3 | 0x00BEEF << 3 | 2 << 27  # OPEN, node, VC
    await bench.pulse("inspected_valid")
    await bench.pulse("inspected_law_valid")
    assert await regs.LINK_STATUS.fields() == {"busy": 0, "valid": 1}
    assert await regs.LINK_NODE.read() == 0x00BEEF
    state = await regs.LINK_STATE.fields()
    assert (state["state"], state["vc"]) == (3, 2)
    bench.finish()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def counters_count_every_clock(dut):
    bench = Bench(dut)
    await bench.start()
    clocks = bench.rng.randint(200, 300)
    await bench.pulse(*PULSES, clocks=clocks)
    for name in COUNTERS:
        expected = 0 if name == "stat_notice_lost" else clocks
        assert await bench.regs.counter(name).read() == expected, name
    await bench.regs.counter("stat_rx_good").write(0)
    assert await bench.regs.counter("stat_rx_good").read() == 0
    assert await bench.regs.counter("stat_rx_runt").read() == clocks
    await bench.regs.COUNTER_CLEAR.write()
    for name in COUNTERS:
        assert await bench.regs.counter(name).read() == 0, name
    bench.finish()
