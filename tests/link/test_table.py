"""The link table: which row a peer hashes to, and how many there are (section 5.1)."""

import random

import pytest
from amaranth import Elaboratable, Module, Signal

from tests.streams import simulate
from ttpoe.config import PRESETS, preset
from ttpoe.link.fsm import LinkState
from ttpoe.link.table import LinkTable, key_layout, link_row, tag_layout
from ttpoe.memory.forwarded import APART, CHANGE, FORWARDED

TINY = preset("tiny")


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


@pytest.mark.parametrize(
    "config",
    [
        *PRESETS.values(),
        TINY.replace(sets=32),
        TINY.replace(sets=256),
        TINY.replace(sets=4096),
        TINY.replace(sets=8192, vc_tables=3),
    ],
    ids=lambda c: f"{c.sets}x{c.vc_tables}",
)
def test_link_row_is_teslas_hash_folded(config):
    dut, rng = Row(config), random.Random(1)

    async def testbench(ctx):
        for _ in range(200):
            node, vc = rng.getrandbits(24), rng.randrange(3)
            ctx.set(dut.node, node)
            ctx.set(dut.vc, vc)
            row = ctx.get(dut.row)
            assert row == expected_row(config, node, vc) and row < config.rows, hex(node)

    simulate(dut, testbench)


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
        for row, way in ((0, 0), (config.rows - 1, 1)):
            await change(ctx, dut, row, way, dict(node=0x1000 + row, una=row + 7))
        for row, nodes, unas in (
            (0, (0x1000, 0), (7, 0)),
            (config.rows - 1, (0, 0x1000 + config.rows - 1), (0, config.rows + 6)),
            (1, (0, 0), (0, 0)),
        ):
            ctx.set(dut.i_index, row)
            await ctx.tick()
            ctx.set(dut.i_row, row)
            await ctx.tick()
            assert tuple(ctx.get(key.node) for key in dut.o_keys) == nodes
            assert tuple(ctx.get(tag.una) for tag in dut.o_tags) == unas
            assert tuple(ctx.get(tag.node) for tag in dut.o_tags) == nodes

    simulate(dut, testbench)


async def change(ctx, dut, row, way, fields):
    """An event of `row` all through: its tag of this `way` becomes `fields`."""
    ctx.set(dut.i_index, row)
    await ctx.tick().repeat(CHANGE)
    show(ctx, dut, row, way, fields)
    await ctx.tick()
    ctx.set(dut.i_change, 0)
    await ctx.tick()


def show(ctx, dut, row, way, fields):
    """Clock 7 of an event."""
    ctx.set(dut.i_change, 1)
    ctx.set(dut.i_change_row, row)
    ctx.set(dut.i_change_way, way)
    ctx.set(dut.i_value, fields)


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("distance", [FORWARDED, APART, APART + 1])
def test_an_event_finds_what_an_older_one_of_its_set_left(distance, way):
    """Its key in clock 2, its tag in clock 3; of the other way nothing."""
    dut = LinkTable(TINY)
    key = dict(state=LinkState.OPEN, node=0x123456, vc=2)
    left, layout = dict(key, una=99, touch=1), tag_layout(TINY)

    async def testbench(ctx):
        await ctx.tick().repeat(TINY.rows)
        assert ctx.get(dut.o_ready)
        for clock in range(distance + 4):
            ctx.set(dut.i_index, 2 if clock in (0, distance) else 1)
            ctx.set(dut.i_row, 2 if clock in (2, distance + 2) else 1)
            ctx.set(dut.i_change, 0)
            if clock == CHANGE:
                show(ctx, dut, 2, way, left)
            if clock == distance + 2:
                wanted = [key_layout.const(key if number == way else {}) for number in (0, 1)]
                assert [ctx.get(found) for found in dut.o_keys] == wanted
            if clock == distance + 3:
                wanted = [layout.const(left if number == way else {}) for number in (0, 1)]
                assert [ctx.get(found) for found in dut.o_tags] == wanted
            await ctx.tick()

    simulate(dut, testbench)
