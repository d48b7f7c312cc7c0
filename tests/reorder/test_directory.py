"""The directory of kept packets against a dict, at every distance between events of one place."""

import random

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import ResetInserter

from tests.streams import simulate
from ttpoe.config import PRESETS, Config, preset
from ttpoe.memory.forwarded import APART, CHANGE
from ttpoe.reorder.directory import FOUND, ReorderDirectory, directory_index

TINY = preset("tiny")
EMPTY = dict(valid=0, lid=0, slot=0)
SIZES = (4, 16, 64, 2048)


def config_of(reorder_slots):
    return Config(rx_slots=max(16, 2 * reorder_slots), rx_reserved=1, reorder_slots=reorder_slots)


async def sweep(ctx, dut, config):
    """`reorder_window` clocks after reset it is ready, not one earlier or later."""
    for clock in range(config.reorder_window):
        assert not ctx.get(dut.o_ready), clock
        await ctx.tick()
    assert ctx.get(dut.o_ready)


async def events(ctx, dut, places, places_after, rng, where):
    """One event per clock at `places` (None: one that concerns no place, and shows any);
    `places_after(event, found)` is what each leaves there, or None. Every event must find what the
    newest older one of its place left."""
    model, finds = {}, {}
    for clock in range(len(places) + CHANGE + 2):
        place = places[clock] if clock < len(places) else None
        ctx.set(dut.i_index, rng.choice(places) or 0 if place is None else place)
        event = clock - FOUND
        if 0 <= event < len(places) and places[event] is not None:
            shown = ctx.get(dut.o_kept)
            found = finds[event] = {name: shown[name] for name in EMPTY}
            want = model.get(places[event], EMPTY)
            assert found["valid"] == want["valid"], (where, event, places[event])
            assert not want["valid"] or found == want, (where, event, places[event])
        event = clock - CHANGE
        change = places_after(event, finds.pop(event)) if event in finds else None
        ctx.set(dut.i_change, change is not None)
        if change is None:  # not looked at
            change = dict(valid=1, lid=rng.randrange(2), slot=rng.randrange(4))
        else:
            model[places[event]] = change
        ctx.set(dut.i_kept, change)
        await ctx.tick()
    return model


def spread(rng, some, count):
    """`count` events at `some` places, those of one place `APART` or more behind each other."""
    places, last = [], {}
    for clock in range(count):
        free = [place for place in some if clock - last.get(place, -APART) >= APART]
        place = rng.choice(free) if free and rng.random() < 0.9 else None
        last[place] = clock
        places.append(place)
    return places


def kept(rng, config):
    return dict(
        valid=rng.random() < 0.7,
        lid=rng.randrange(config.links),
        slot=rng.randrange(config.rx_slots),
    )


@pytest.mark.parametrize("slots", SIZES)
@pytest.mark.parametrize("distinct", [1, 2, 6, 12, None])
def test_random_events_find_what_older_ones_left(slots, distinct):
    """`distinct` places only: each again as soon as it may be."""
    config = config_of(slots)
    dut, rng = ReorderDirectory(config), random.Random(f"{slots} {distinct}")

    async def testbench(ctx):
        await sweep(ctx, dut, config)
        window = config.reorder_window
        some = rng.sample(range(window), min(window, distinct or 40))
        model = await events(
            ctx,
            dut,
            spread(rng, some, 600),
            lambda _event, _found: kept(rng, config) if rng.random() < 0.5 else None,
            rng,
            f"seed {slots} {distinct}",
        )
        assert set(model) == set(some)

    simulate(dut, testbench)


@pytest.mark.parametrize("distance", [9, 10, 11, 12])
def test_a_change_is_seen_at_every_distance(distance):
    """The event that changes and the one that reads `distance` clocks later; between them others
    that read their neighbour's places or change them."""
    dut, rng = ReorderDirectory(TINY), random.Random(distance)

    async def testbench(ctx):
        await sweep(ctx, dut, TINY)
        for between in ("nobody", "readers", "writers"):
            place, *others = rng.sample(range(TINY.reorder_window), distance)
            middle = [None] * (distance - 1) if between == "nobody" else others
            places = [place, *middle, place]
            first = dict(valid=1, lid=5, slot=rng.randrange(16))

            def after(event, _found, between=between, first=first, end=len(places) - 1):
                if event == 0:
                    return first
                if event == end:  # leaves it empty for the next round
                    return EMPTY
                return dict(EMPTY, lid=1) if between == "writers" else None

            await events(ctx, dut, places, after, rng, (distance, between))

    simulate(dut, testbench)


@pytest.mark.parametrize("slots", SIZES)
def test_every_place_is_one_of_its_own(slots):
    config = config_of(slots)
    dut, rng = ReorderDirectory(config), random.Random(slots)
    window = config.reorder_window

    async def testbench(ctx):
        await sweep(ctx, dut, config)
        order = rng.sample(range(window), window)
        wanted = {
            place: dict(valid=1, lid=place % config.links, slot=place % config.rx_slots)
            for place in order
        }
        places = [*order, *[None] * APART, *range(window)]

        def after(event, found):
            if event < window:
                assert not found["valid"]
                return wanted[order[event]]
            return None

        await events(ctx, dut, places, after, rng, slots)

    simulate(dut, testbench)


def test_reset_empties_every_place():
    reset = Signal()
    dut, rng = ReorderDirectory(TINY), random.Random(0)

    async def testbench(ctx):
        await sweep(ctx, dut, TINY)
        full = dict(valid=1, lid=7, slot=15)
        everywhere = list(range(TINY.reorder_window))
        await events(ctx, dut, everywhere, lambda *_: full, rng, "before")
        ctx.set(reset, 1)
        ctx.set(dut.i_change, 1)
        ctx.set(dut.i_kept, full)
        await ctx.tick()
        ctx.set(reset, 0)
        ctx.set(dut.i_change, 0)
        ctx.set(dut.i_kept, EMPTY)
        await sweep(ctx, dut, TINY)
        await events(ctx, dut, everywhere, lambda *_: None, rng, "after")

    simulate(ResetInserter(reset)(dut), testbench)


class Index(Elaboratable):
    """The place of an ID, by itself."""

    def __init__(self, config):
        self.config = config
        self.row, self.packet_id = Signal(config.row_bits), Signal(32)
        self.index = Signal(config.reorder_bits)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.index.eq(directory_index(self.config, self.row, self.packet_id))
        return m


@pytest.mark.parametrize(
    "config",
    [*PRESETS.values(), TINY.replace(sets=4096), TINY.replace(sets=8192, vc_tables=3)],
    ids=lambda c: f"{c.sets}x{c.vc_tables}x{c.reorder_slots}",
)
def test_ids_of_one_window_never_meet_and_links_lie_apart(config):
    dut, rng = Index(config), random.Random(1)
    window = config.reorder_window

    async def testbench(ctx):
        for _ in range(6):
            ctx.set(dut.row, rng.randrange(config.rows))
            start = rng.choice((rng.getrandbits(32), (1 << 32) - window // 2))
            met = set()
            for ahead in range(window):
                ctx.set(dut.packet_id, (start + ahead) & 0xFFFFFFFF)
                met.add(ctx.get(dut.index))
            assert met == set(range(window))
        ctx.set(dut.packet_id, rng.getrandbits(32))
        rows = {}
        for row in range(0, config.rows, max(1, config.rows // 1024)):
            ctx.set(dut.row, row)
            rows.setdefault(ctx.get(dut.index), []).append(row)
        most = max(map(len, rows.values()))
        assert len(rows) > 1 and most <= max(1, config.rows // window), "no place is crowded"

    simulate(dut, testbench)
