"""`HostPort`: one VC's packet and its event, without bytes."""

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.layouts import HostResult
from ttpoe.tx.host_port import HostPort

CONFIG = Config(width_bits=512)
FULL = CONFIG.slot_beats
VC = 2
OUTPUTS = ("o_take_slot", "o_slot", "o_beat", "o_write", "o_oversize", "o_empty")


class Bench:
    """A host that is granted what it asks for, a pool with one slot, Q0 and Q3."""

    def __init__(self, ctx, dut, slot=5):
        self.ctx, self.dut = ctx, dut
        self.offer_slot(slot)

    def offer_slot(self, slot):
        self.ctx.set(self.dut.i_slot_valid, slot is not None)
        self.ctx.set(self.dut.i_slot, slot or 0)

    def requests(self, last=0, empty=0, node=0):
        """Offers a beat; whether it can be taken."""
        self.ctx.set(self.dut.i_valid, 1)
        self.ctx.set(self.dut.i_last, last)
        self.ctx.set(self.dut.i_no_bytes, empty)
        self.ctx.set(self.dut.i_node, node)
        return self.ctx.get(self.dut.o_request)

    async def beat(self, **beat):
        """A beat that must be taken, in the clock after its request; what the port says of it."""
        last = beat.get("last", 0)
        assert self.requests(**beat) and not self.ctx.get(self.dut.o_taken)
        await self.ctx.tick()
        self.ctx.set(self.dut.i_ready, 1)
        assert self.ctx.get(self.dut.o_taken)
        assert self.ctx.get(self.dut.o_request) == (not last) == self.ctx.get(self.dut.o_goes_on)
        said = {name: self.ctx.get(getattr(self.dut, name)) for name in OUTPUTS}
        await self.ctx.tick()
        self.ctx.set(self.dut.i_ready, 0)
        self.ctx.set(self.dut.i_valid, 0)
        return said

    def event(self):
        """(node, slot) that Q0 is offered, None: nothing."""
        event = self.dut.o_event
        if not self.ctx.get(event.valid):
            return None
        return self.ctx.get(event.payload.node), self.ctx.get(event.payload.slot)

    async def take_event(self):
        self.ctx.set(self.dut.o_event.ready, 1)
        await self.ctx.tick()
        self.ctx.set(self.dut.o_event.ready, 0)

    async def result(self, result, vc=VC, retry=0):
        port = self.dut.i_result
        self.ctx.set(port.payload, {"vc": vc, "result": result})
        self.ctx.set(port.valid, 1)
        self.ctx.set(self.dut.i_retry, retry)
        await self.ctx.tick()
        self.ctx.set(port.valid, 0)
        self.ctx.set(self.dut.i_retry, 0)

    async def retry(self):
        self.ctx.set(self.dut.i_retry, 1)
        await self.ctx.tick()
        self.ctx.set(self.dut.i_retry, 0)


def run(test, reset=None):
    dut = HostPort(CONFIG, VC)

    async def testbench(ctx):
        await test(Bench(ctx, dut))

    simulate(dut if reset is None else ResetInserter(reset)(dut), testbench)


def said(beat, slot=5, take=0, write=1, oversize=0, empty=0):
    return dict(zip(OUTPUTS, (take, slot, beat, write, oversize, empty)))


def test_a_packet_takes_a_slot_with_its_first_beat_and_gives_one_event():
    async def test(bench):
        assert await bench.beat(node=7) == said(0, take=1)
        bench.offer_slot(9)  # the next one of the pool is not for this packet
        assert await bench.beat(node=7) == said(1)
        assert bench.event() is None
        assert await bench.beat(node=7, last=1) == said(2)
        for _clock in range(3):  # stays until it is taken
            assert bench.event() == (7, 5)
            await bench.ctx.tick()
        await bench.take_event()
        assert bench.event() is None

    run(test)


def test_a_beat_waits_for_a_slot_but_an_empty_packet_needs_none():
    async def test(bench):
        bench.offer_slot(None)
        assert not bench.requests() and not bench.requests(last=1)
        out = await bench.beat(last=1, empty=1)
        assert out["o_empty"] and not (out["o_take_slot"] or out["o_write"])
        await bench.ctx.tick()
        assert bench.event() is None
        bench.offer_slot(3)
        assert await bench.beat(last=1, node=8) == said(0, slot=3, take=1)
        assert bench.event() == (8, 3)

    run(test)


def test_one_packet_completes_behind_an_event_and_the_next_one_waits():
    async def test(bench):
        await bench.beat(last=1, node=1)
        bench.offer_slot(6)
        await bench.beat(last=1, node=2)
        bench.offer_slot(7)
        assert bench.event() == (1, 5) and not bench.requests(last=1, node=3)
        await bench.take_event()
        assert bench.event() is None and not bench.requests(last=1, node=3)
        await bench.result(HostResult.TAKEN)
        assert bench.event() == (2, 6)
        assert await bench.beat(last=1, node=3) == said(0, slot=7, take=1)

    run(test)


@pytest.mark.parametrize("length", [FULL, FULL + 1, FULL + 3])
def test_the_longest_packet_and_longer_ones(length):
    """One beat too many is told once; the rest is swallowed, and the slot is for the next."""

    async def test(bench):
        for number in range(length):
            out = await bench.beat(node=4, last=number == length - 1)
            assert out["o_oversize"] == (number == FULL), number
            assert out["o_write"] == (number < FULL) and not out["o_empty"]
        assert bench.event() == ((4, 5) if length == FULL else None)
        bench.offer_slot(6)
        if length > FULL:
            assert await bench.beat(last=1, node=9) == said(0, slot=5)
            assert bench.event() == (9, 5)

    run(test)


def test_a_full_slot_may_be_ended_by_a_beat_without_bytes():
    async def test(bench):
        for _beat in range(FULL):
            await bench.beat(node=4)
        assert await bench.beat(node=4, last=1, empty=1) == said(FULL, write=0)
        assert bench.event() == (4, 5)

    run(test)


@pytest.mark.parametrize("result", [HostResult.TAKEN, HostResult.REFUSED])
def test_a_result_of_its_vc_ends_the_event(result):
    async def test(bench):
        await bench.beat(last=1, node=1)
        await bench.take_event()
        bench.offer_slot(6)
        await bench.beat(last=1, node=2)
        await bench.result(result, vc=1)
        assert bench.event() is None  # that was another VC's
        await bench.result(result)
        assert bench.event() == (2, 6)

    run(test)


@pytest.mark.parametrize("when", ["before", "with", "after"])
def test_a_blocked_event_is_raised_again_after_a_retry(when):
    async def test(bench):
        await bench.beat(last=1, node=1)
        await bench.retry()  # before Q0 took it: does not count
        await bench.take_event()
        if when == "before":
            await bench.retry()
        await bench.result(HostResult.BLOCKED, retry=when == "with")
        if when == "after":
            for _clock in range(3):
                assert bench.event() is None
                await bench.ctx.tick()
            await bench.retry()
        assert bench.event() == (1, 5)
        await bench.take_event()
        await bench.result(HostResult.BLOCKED)
        assert bench.event() is None  # that retry was used

    run(test)


def test_reset_forgets_packet_slot_and_event():
    reset = Signal()

    async def test(bench):
        await bench.beat(last=1, node=1)
        await bench.beat(node=2)
        bench.ctx.set(reset, 1)
        await bench.ctx.tick()
        bench.ctx.set(reset, 0)
        assert bench.event() is None
        bench.offer_slot(8)
        assert await bench.beat(last=1, node=3) == said(0, slot=8, take=1)
        assert bench.event() == (3, 8)

    run(test, reset)
