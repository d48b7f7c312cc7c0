"""Two NICs behind AXI4-Lite: they work with no register written, then do as their registers say."""

from typing import cast

from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp
from cocotbext.axi.axil_master import AxiLiteReadResp, AxiLiteWriteResp

from ttpoe.config import Config
from ttpoe.csr.access import Registers
from ttpoe.csr.registers import PULSES
from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep

RUNS = [
    {"sim": "verilator", "preset": "tiny", "top": "managed_nic"},
    {"sim": "verilator", "preset": "default", "top": "managed_nic", "short": None},
    {"sim": "icarus", "preset": "tiny", "top": "managed_nic", "short": None},
]

DATA, OPEN_STATE = 2, 3
RESET_VALUES = {"init_id": 1, "max_retry": 1000, "idle_limit": 0}
ARP = bytes.fromhex("ffffffffffff0200000000070806") + bytes(46)


class Refused(Exception):
    """The answer was SLVERR."""


def registers_of(bench, node, config):
    dut = bench.dut
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, f"{node.name}_s_axil"), dut.clk, dut.rst)

    # cocotb's events carry an `object`: what they answer with is said here.
    async def read(address):
        answer = cast(AxiLiteReadResp, await master.read(address, 4))
        if answer.resp != AxiResp.OKAY:
            raise Refused(hex(address))
        return int.from_bytes(answer.data, "little")

    async def write(address, value):
        answer = cast(AxiLiteWriteResp, await master.write(address, value.to_bytes(4, "little")))
        if answer.resp != AxiResp.OKAY:
            raise Refused(hex(address))

    return Registers(config, read, write), read


async def refused(action):
    try:
        await action
    except Refused:
        return True
    return False


async def read_out_in_traffic(bench, regs, lid, endpoint):
    """The tag of a link that is busy both ways: a read-out waits for a clock between events, never
    for long, and all that it shows is the tag as it was in one clock, by the model."""
    a, b = bench.nodes
    link, history, shown = endpoint.links.find(b.address, DATA), [], set()

    def now():
        return link.oldest, link.stored, link.in_flight, link.received

    def note(kind, _record):
        if kind == "trace" and now() != history[-1]:
            history.append(now())

    history.append(now())
    a.listeners.append(note)
    goal = {node: len(node.received) + 60 for node in bench.nodes}
    for number in range(60):
        for node, peer in ((a, b), (b, a)):
            node.send(peer.address, DATA, bytes([number]))
    while any(len(node.received) < goal[node] for node in bench.nodes):
        since = len(history) - 1
        await regs.LINK_INDEX.write(lid)
        for _ in range(8):
            if (await regs.LINK_STATUS.fields())["valid"]:
                break
        else:
            raise AssertionError("a read-out that does not come")
        possible = history[since:]
        tag = (
            await regs.LINK_UNA.read(),
            await regs.LINK_ALLOC.read(),
            await regs.LINK_SENT.read(),
            await regs.LINK_RECEIVED.read(),
        )
        assert tag in possible, f"{tag} is none of {possible}"
        shown.add(tag)
    a.listeners.remove(note)
    assert len(shown) > 5, "the tag did not move"


@scenario
async def registers(bench):
    a, b = bench.a, bench.b
    bench.connect()
    config = Config(**{name: value for name, value in bench.config.items() if name != "links"})
    regs_a, read_a = registers_of(bench, a, config)
    regs_b, _read_b = registers_of(bench, b, config)
    link_slots = await regs_a.LINK_SLOTS.read()
    for node in bench.nodes:
        node.configuration.update(RESET_VALUES, link_slots=link_slots)
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)

    # No register written: a link, payloads, the OS path (S1).
    for number in range(10):
        a.send(b.address, DATA, bytes([number]) * (40 * number + 1))
    a.os_send(ARP)
    await bench.until(
        lambda: len(b.received) == 10 and b.os_received,
        8_000,
        "payloads and an ARP with no register touched",
    )
    assert await regs_a.NODE.read() == a.address
    assert await regs_a.TIMER_TICK.read() == max(8, 8192 // bench.config["links"])

    # Read-out of the link table: exactly one link is there.
    found = []
    for link in range(bench.config["links"]):
        await regs_a.LINK_INDEX.write(link)
        while not (await regs_a.LINK_STATUS.fields())["valid"]:
            pass
        state = await regs_a.LINK_STATE.fields()
        if state["state"]:
            found.append(
                (
                    link,
                    state["state"],
                    state["vc"],
                    await regs_a.LINK_NODE.read(),
                    await regs_a.LINK_ALLOC.read(),
                )
            )
    assert [entry[1:] for entry in found] == [(OPEN_STATE, DATA, b.address, 0)], found

    await read_out_in_traffic(bench, regs_a, found[0][0], followed[0].lockstep.endpoint)

    # Interrupts and notices.
    assert not a.level("irq")
    assert (await regs_a.INT_STATUS.fields())["link_up"]
    await regs_a.INT_MASK.write(link_up=1)
    await bench.cycles(4)
    assert a.level("irq")
    await regs_a.INT_STATUS.write(link_up=1)
    await bench.cycles(4)
    assert not a.level("irq")

    # A link opened and closed by command.
    await regs_b.COMMAND_NODE.write(a.address)
    await regs_b.COMMAND.write(vc=1)
    while not (await regs_a.INT_STATUS.fields())["link_up"]:
        pass
    await regs_b.COMMAND.write(vc=1, close=1)
    while not (await regs_a.INT_STATUS.fields())["link_down"]:
        pass

    # Switched off, nothing moves; switched on again, nothing is lost.
    await regs_b.CONTROL.set(enable=0)
    a.send(b.address, DATA, b"while b is off")
    await bench.cycles(2_000)
    assert len(b.received) == 70
    await regs_b.CONTROL.set(enable=1)
    await bench.until(lambda: len(b.received) == 71, 40_000, "the payload that waited")

    # Wrong addresses and values.
    assert await refused(read_a(0xFFFC)) and await refused(read_a(0x0042))
    assert await refused(regs_a.ETHERTYPE.write(0x0800))
    assert await refused(regs_a.LINK_INDEX.write(bench.config["links"]))
    assert await refused(regs_a.FREE_SLOTS.write(1))
    await bench.cycles(500)

    # Every counter says what the pulses were.
    assert await regs_a.FREE_SLOTS.read() == bench.config["slots"]
    for node, regs in ((a, regs_a), (b, regs_b)):
        pulses = node.counts()
        for name in PULSES:
            assert await regs.counter(name).read() == pulses[name.removeprefix("stat_")], name
    await regs_a.counter("stat_rx_good").write(0)
    assert await regs_a.counter("stat_rx_good").read() == 0
    deliveries.finish()
    for feed in followed:
        feed.finish()
    bench.report(f"{len(PULSES)} counters exact on both sides")
