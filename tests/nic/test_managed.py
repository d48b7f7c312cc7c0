"""`ManagedNic`: what software does through registers reaches the NIC, and what it says comes back.

The registers themselves are tested in tests/csr, the NIC in `test_nic`; here are the wires between.
"""

from tests.csr.csr_bench import Axil
from tests.nic.nic_bench import beats
from tests.simulated import made
from tests.streams import receive_packet, send_event, simulate
from ttpoe.config import preset
from ttpoe.csr.access import Registers
from ttpoe.csr.axil import AxiLiteSignature
from ttpoe.nic.managed import ManagedNic
from ttpoe.nic.nic import Nic
from ttpverif.frames.frame import Frame, Opcode

TINY = preset("tiny")
NODE, PEER, SEED = 0x111111, 0x222222, 0x12345678
EPOCH = 9


class Bench:
    """Software at the registers, a MAC, and what the NIC sends."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut
        self.sent = []
        axil = Axil(ctx, dut)
        self.tick = axil.tick
        self.regs = Registers(TINY, axil.read, axil.write)

    async def receive(self, frame, error=0):
        """`frame` comes from the wire."""
        for data, keep, last, bad in beats(frame.pack(), TINY.width_bytes, error):
            beat = {"data": data, "keep": keep, "last": last, "error": bad}
            await send_event(self.ctx, self.dut.i_mac, beat)

    async def until(self, holds):
        for _ in range(400):
            if holds():
                return
            await self.tick()
        raise AssertionError("nothing happens")

    async def answer(self):
        """The next frame that the NIC sends."""
        await self.until(lambda: self.sent)
        frame, cause = Frame.parse(self.sent.pop(0))
        assert cause is None
        return frame


def run(test):
    dut = made(ManagedNic, TINY)
    benches = []

    async def testbench(ctx):
        ctx.set(dut.i_node, NODE)
        ctx.set(dut.i_open_id_seed, SEED)
        benches.append(Bench(ctx, dut))
        await benches[0].until(lambda: ctx.get(dut.o_ready))
        await test(benches[0])

    async def mac(ctx):
        while True:
            ctx.set(dut.o_mac.ready, 1)
            while not ctx.get(dut.o_mac.valid):
                await ctx.tick()
            frame = await receive_packet(ctx, dut.o_mac)
            parts = [
                beat.data.to_bytes(TINY.width_bytes, "little")[: beat.keep.bit_count()]
                for beat in frame
            ]
            benches[0].sent.append(b"".join(parts))

    simulate(dut, testbench, background=[mac])


def test_ports_are_those_of_the_nic_but_what_lies_behind_registers():
    nic, managed = Nic(TINY).signature.members, dict(ManagedNic(TINY).signature.members)
    assert managed.pop("s_axil").signature == AxiLiteSignature()
    new = {name: managed.pop(name).shape for name in ("i_node", "i_open_id_seed", "o_interrupt")}
    assert new == {"i_node": 24, "i_open_id_seed": 32, "o_interrupt": 1}
    behind = {"i_command", "o_notice", "i_inspect", "o_inspected", "o_inspected_law"}
    behind |= {name for name in nic if name.startswith("cfg_")}
    assert managed == {name: member for name, member in nic.items() if name not in behind}


def test_it_answers_a_peer_with_no_register_written():
    async def test(bench):
        assert await bench.regs.STATUS.fields() == {"ready": 1, "command_busy": 0}
        assert await bench.regs.FREE_SLOTS.read() == TINY.slots
        await bench.receive(Frame(PEER, NODE, Opcode.OPEN, vc=2, tx_id=5, epoch=EPOCH))
        frame = await bench.answer()
        assert (frame.opcode, frame.src, frame.dst) == (Opcode.OPEN_ACK, NODE, PEER)

    run(test)


def test_software_opens_a_link_and_is_told():
    """Command, configuration, notice, interrupt, read-out of the link."""

    async def test(bench):
        regs = bench.regs
        await regs.NODE.write(0x333333)
        await regs.ETHERTYPE.write(0x9AC6)
        await regs.INT_MASK.write(link_up=1)
        await regs.COMMAND_NODE.write(PEER)
        await regs.COMMAND.write(vc=1, close=0)
        opened = await bench.answer()
        assert (opened.opcode, opened.vc, opened.ethertype) == (Opcode.OPEN, 1, 0x9AC6)
        assert (opened.src, opened.dst) == (0x333333, PEER)
        assert not bench.ctx.get(bench.dut.o_interrupt)
        answer = Frame(PEER, 0x333333, Opcode.OPEN_ACK, 1, 50, opened.tx_id, EPOCH)
        await bench.receive(answer)
        await bench.until(lambda: bench.ctx.get(bench.dut.o_interrupt))
        assert (await regs.INT_STATUS.fields())["link_up"]
        head = await regs.NOTICE_HEAD.fields()
        assert head == {"node": PEER, "vc": 1, "notice": 0, "valid": 1}
        assert await link_of(regs, PEER) == (3, 1, opened.epoch)

    run(test)


async def link_of(regs, node):
    """(state, VC, own epoch) of the one link that has this peer."""
    for lid in range(TINY.links):
        await regs.LINK_INDEX.write(lid)
        while not (await regs.LINK_STATUS.fields())["valid"]:
            pass
        if await regs.LINK_NODE.read() == node:
            state = await regs.LINK_STATE.fields()
            return state["state"], state["vc"], (await regs.LINK_EPOCHS.fields())["own"]
    raise AssertionError(f"no link to {node:#x}")


def test_pulses_of_the_nic_are_counted():
    async def test(bench):
        frame = Frame(PEER, NODE, Opcode.NACK_NOLINK, epoch=EPOCH)
        for error in (1, 0, 1, 1, 0):
            await bench.receive(frame, error)
        await bench.tick(20)
        wanted = {"stat_rx_bad_fcs": 3, "stat_rx_good": 2, "stat_notice_lost": 0}
        found = {name: await bench.regs.counter(name).read() for name in wanted}
        assert found == wanted

    run(test)


def test_control_switches_the_engine_off():
    async def test(bench):
        await bench.regs.CONTROL.set(enable=0)
        await bench.receive(Frame(PEER, NODE, Opcode.OPEN, tx_id=5, epoch=EPOCH))
        await bench.tick(150)
        assert not bench.sent

    run(test)
