"""Ready queues: a link waits in the queue of its VC, in order (sections 1.3, 5.2)."""

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.link.ready import ReadyQueues

TINY = preset("tiny")


def test_ready_queues_hold_every_link_of_every_vc():
    dut = ReadyQueues(TINY)

    async def testbench(ctx):
        for vc in range(3):
            for lid in range(TINY.links):
                ctx.set(dut.i_push.payload.lid, (lid * 3 + vc) % TINY.links)
                ctx.set(dut.i_push.payload.vc, vc)
                ctx.set(dut.i_push.valid, 1)
                await ctx.tick()
        ctx.set(dut.i_push.valid, 0)
        for vc in range(3):
            port = dut.o_visit[vc]
            ctx.set(port.ready, 1)
            got = []
            for _clock in range(TINY.links + 4):
                if ctx.get(port.valid):
                    got.append(ctx.get(port.payload))
                await ctx.tick()
            assert got == [(lid * 3 + vc) % TINY.links for lid in range(TINY.links)]

    simulate(dut, testbench)


def test_ready_queue_shows_a_link_two_clocks_after_the_push():
    dut = ReadyQueues(TINY)

    async def testbench(ctx):
        ctx.set(dut.i_push.payload.vc, 2)
        ctx.set(dut.i_push.valid, 1)
        await ctx.tick()
        ctx.set(dut.i_push.valid, 0)
        assert not ctx.get(dut.o_visit[2].valid)
        await ctx.tick()
        assert ctx.get(dut.o_visit[2].valid)
        assert not ctx.get(dut.o_visit[0].valid) and not ctx.get(dut.o_visit[1].valid)

    simulate(dut, testbench)
