"""The blocks joined: the engine is slow for three rounds, its random bits differ from another's."""

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.congestion.control import CongestionControl
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.protocol import Opcode

CONFIG = preset("tiny")


def bits(seed, clocks=400):
    dut, found = CongestionControl(CONFIG), []

    async def testbench(ctx):
        ctx.set(dut.i_seed, seed)
        for _ in range(clocks):
            found.append(ctx.get(dut.o_coin))
            await ctx.tick()

    simulate(dut, testbench)
    return found


def test_it_is_crowded_from_sixteen_links_on():
    dut, found = CongestionControl(preset("default")), []

    async def testbench(ctx):
        while not ctx.get(dut.o_ready):
            await ctx.tick()
        tag = dict(state=LinkState.OPEN, controlled=0)
        event = dict(event=Event.RX_PAYLOAD)
        for lid in range(20):
            done = dict(lid=lid, owns=1, vc=2, tag=tag, event=event)
            ctx.set(dut.i_done.payload, dict(done, outcome=dict(action=Action.DELIVER)))
            ctx.set(dut.i_done.valid, 1)
            await ctx.tick()
            ctx.set(dut.i_done.valid, 0)
            await ctx.tick().repeat(12)
            found.append(ctx.get(dut.o_crowded))

    simulate(dut, testbench)
    assert found == [0] * 15 + [1] * 5


def test_the_random_bits_are_random_and_of_the_seed():
    runs = [bits(seed) for seed in (0x12345678, 0x11223344, 0)]
    assert len({tuple(run) for run in runs}) == 3
    for run in runs:
        assert 140 < sum(run) < 260


def test_a_long_sample_makes_the_engine_slow_for_three_rounds():
    dut = CongestionControl(CONFIG)

    async def testbench(ctx):
        while not ctx.get(dut.o_ready):
            await ctx.tick()
        assert not ctx.get(dut.o_slow) and ctx.get(dut.o_code) == 0x10
        # A link that is timed, and answers very late.
        common = dict(lid=1, owns=1, vc=2)
        tag = dict(state=LinkState.OPEN, controlled=1, una=7, alloc=1, sent=1, current=1)
        sends = dict(frame=1, opcode=Opcode.PAYLOAD, sends=1, first_sent=1, action=Action.SEND)
        ack = dict(event=Event.RX_ACK, rx_id=7)

        async def event(outcome, event=None):
            ctx.set(
                dut.i_done.payload,
                dict(common, tag=tag, outcome=outcome, event=event or dict(event=Event.VISIT)),
            )
            ctx.set(dut.i_done.valid, 1)
            await ctx.tick()
            ctx.set(dut.i_done.valid, 0)
            ctx.set(dut.i_sent_id, 7)
            await ctx.tick().repeat(12)

        await event(dict(stepped=1))
        for wait in (1, 6000):  # a short round trip, then one that is 750 U longer
            await event(sends)
            await ctx.tick().repeat(wait)
            await event(dict(action=Action.RETIRE), ack)
        for rounds in range(3):
            assert ctx.get(dut.o_slow), rounds
            ctx.set(dut.i_round, 1)
            await ctx.tick()
            ctx.set(dut.i_round, 0)
            await ctx.tick()
        assert not ctx.get(dut.o_slow)

    simulate(dut, testbench)
