"""Link timer, ready queues, identity and link table, each by itself."""

import random

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.sim import Simulator

from ttpoe.config import PRESETS, preset
from ttpoe.link.identity import Identity
from ttpoe.link.ready import ReadyQueues
from ttpoe.link.table import LinkTable, link_row
from ttpoe.link.timer import LinkTimer

TINY = preset("tiny")


def simulate(dut, *testbenches):
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    simulator.run()


# ---- link timer (section 5.4, claim S12) ---------------------------------------------------------

@pytest.mark.parametrize("tick", [0, 1, 2, 7, 20, 200])
def test_timer_visits_every_link_once_a_round(tick):
    """The first visit after a tick (at least one clock); 0 and 1 give the pace of 2."""
    dut = LinkTimer(TINY)
    visits, rounds = [], []

    async def testbench(ctx):
        ctx.set(dut.cfg_timer_tick, tick)
        ctx.set(dut.i_enable, 1)
        ctx.set(dut.o_visit.ready, 1)
        for clock in range(3 * TINY.links * max(tick, 2) + tick + 3):
            if ctx.get(dut.o_visit.valid):
                visits.append((clock, ctx.get(dut.o_visit.payload)))
            if ctx.get(dut.o_round):
                rounds.append(clock)
            await ctx.tick()

    simulate(dut, testbench)
    assert [lid for _clock, lid in visits[:24]] == list(range(8)) * 3
    assert visits[0][0] == max(tick, 1)
    gaps = {b[0] - a[0] for a, b in zip(visits, visits[1:])}
    assert gaps == {max(tick, 2)}                        # a visit itself takes a clock
    assert rounds == [clock for clock, lid in visits if lid == TINY.links - 1]


def test_timer_leaves_no_link_out_when_it_must_wait():
    dut = LinkTimer(TINY)
    rng, visits = random.Random(4), []

    async def testbench(ctx):
        ctx.set(dut.cfg_timer_tick, 3)
        ctx.set(dut.i_enable, 1)
        shown = None
        for _clock in range(2000):
            ready = rng.random() < 0.1
            ctx.set(dut.o_visit.ready, ready)
            if ctx.get(dut.o_visit.valid):
                lid = ctx.get(dut.o_visit.payload)
                assert shown in (None, lid)              # stable while it waits
                shown = None if ready else lid
                if ready:
                    visits.append(lid)
            else:
                assert shown is None
            await ctx.tick()

    simulate(dut, testbench)
    assert len(visits) > 50 and visits == [n % TINY.links for n in range(len(visits))]


def test_timer_stands_still_until_enabled():
    dut = LinkTimer(TINY)

    async def testbench(ctx):
        ctx.set(dut.cfg_timer_tick, 1)
        for _clock in range(50):
            await ctx.tick()
            assert not ctx.get(dut.o_visit.valid)

    simulate(dut, testbench)


# ---- ready queues --------------------------------------------------------------------------------

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
            port = getattr(dut, f"o_visit{vc}")
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
        assert not ctx.get(dut.o_visit2.valid)
        await ctx.tick()
        assert ctx.get(dut.o_visit2.valid)
        assert not ctx.get(dut.o_visit0.valid) and not ctx.get(dut.o_visit1.valid)

    simulate(dut, testbench)


# ---- identity (section 4, decision L11) ----------------------------------------------------------

def identities(seed, steps, fixed=0, init_id=1):
    dut, seen = Identity(), []

    async def testbench(ctx):
        ctx.set(dut.cfg_open_id_seed, seed)
        ctx.set(dut.cfg_fixed_open_id, fixed)
        ctx.set(dut.cfg_init_id, init_id)
        await ctx.tick()
        ctx.set(dut.i_step, 1)
        for _step in range(steps):
            seen.append((ctx.get(dut.o_first_id) - 1, ctx.get(dut.o_epoch)))
            await ctx.tick()

    simulate(dut, testbench)
    return seen


@pytest.mark.parametrize("seed", [0, 1, 0xFFFFFFFF, 0xFFF07FFF])
def test_open_ids_are_fresh_and_far_apart(seed):
    ids = [open_id for open_id, _epoch in identities(seed, 400)]
    assert ids[0] == seed & 0x7FFFFFFF
    assert all(0 <= open_id < 1 << 31 for open_id in ids)
    assert len(set(ids)) == len(ids)
    ordered = sorted(ids)
    assert min(b - a for a, b in zip(ordered, ordered[1:])) > 1 << 20


def test_epochs_count_up_and_skip_zero():
    assert [epoch for _id, epoch in identities(0xFFFE0000, 4)] == [0xFFFE, 0xFFFF, 1, 2]
    assert identities(0x00001234, 1)[0][1] == 1


def test_open_id_can_be_fixed():
    assert {open_id for open_id, _epoch in identities(5, 4, fixed=1, init_id=77)} == {77}


# ---- link table ----------------------------------------------------------------------------------

class Row(Elaboratable):
    """The hash by itself."""

    def __init__(self, config):
        self.config, self.node, self.vc = config, Signal(24), Signal(2)
        self.row = Signal(config.row_bits)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.row.eq(link_row(self.config, self.node, self.vc))
        return m


def tesla_hash(node):
    """Section 5.1: mac[3] ^ reverse_bits(mac[4]) ^ mac[5]."""
    mac3, mac4, mac5 = node >> 16, node >> 8 & 0xFF, node & 0xFF
    return mac3 ^ int(f"{mac4:08b}"[::-1], 2) ^ mac5


def expected_row(config, node, vc):
    bits = config.sets.bit_length() - 1
    folded = tesla_hash(node)
    if bits <= 8:
        index = 0
        while folded:
            index ^= folded & (config.sets - 1)
            folded >>= bits
    else:
        index = (folded | (node >> 8 & 0xFF) << 8 | (node >> 16) << 16) & (config.sets - 1)
    return vc << bits | index if config.vc_tables == 3 else (index ^ vc) & (config.sets - 1)


@pytest.mark.parametrize("config", [
    *PRESETS.values(), TINY.replace(sets=32), TINY.replace(sets=256),
    TINY.replace(sets=4096), TINY.replace(sets=8192, vc_tables=3)],
    ids=lambda c: f"{c.sets}x{c.vc_tables}")
def test_link_row_is_teslas_hash_folded(config):
    dut, rng = Row(config), random.Random(1)

    async def testbench(ctx):
        for _ in range(200):
            node, vc = rng.getrandbits(24), rng.randrange(3)
            ctx.set(dut.node, node)
            ctx.set(dut.vc, vc)
            row = ctx.get(dut.row)
            assert row == expected_row(config, node, vc) and row < config.rows, hex(node)

    simulator = Simulator(dut)
    simulator.add_testbench(testbench)
    simulator.run()


@pytest.mark.parametrize("name", ["tiny", "default"])
def test_table_is_swept_after_reset_in_as_many_clocks_as_it_has_rows(name):
    config = preset(name)
    dut = LinkTable(config)

    async def testbench(ctx):
        clocks = 0
        while not ctx.get(dut.o_ready):
            await ctx.tick()
            clocks += 1
        assert clocks == config.rows
        ctx.set(dut.i_write_en, 1)
        for row, way in ((0, 0), (config.rows - 1, 1)):
            ctx.set(dut.i_write_row, row)
            ctx.set(dut.i_write_way, way)
            ctx.set(dut.i_write_tag.node, 0x1000 + row)
            await ctx.tick()
        ctx.set(dut.i_write_en, 0)
        for row, nodes in ((0, (0x1000, 0)), (config.rows - 1, (0, 0x1000 + config.rows - 1)),
                           (1, (0, 0))):
            ctx.set(dut.i_row, row)
            await ctx.tick()
            assert tuple(ctx.get(dut.o_tags[way].node) for way in range(2)) == nodes

    simulate(dut, testbench)
