"""Q0: order of urgency, the bound on waiting, pace, and who waits (sections 1.3 and 5.1)."""

import random

import pytest

from tests.long import BITS
from tests.pipeline.arbitrate_bench import BOUND, CONFIG, FAST, ORDER, number_of, run, source_of
from ttpoe.link.fsm import Event


def test_one_event_of_each_in_the_order_of_urgency():
    """In consecutive clocks, the first one two clocks after it was offered."""

    async def job(bench):
        await bench.clocks(3)
        began = bench.clock_now
        await bench.once(*ORDER)
        await bench.clocks(20)
        assert [who for who, *_ in bench.chosen] == ORDER
        clocks = [clock - began for clock, _entry in bench.events]
        assert clocks == list(range(2, 2 + len(ORDER)))

    run(job)


@pytest.mark.parametrize("first", [0, 3, 8])
def test_three_admissions_in_four_go_to_the_most_urgent(first):
    """Of those whose events are there; the fourth, in turn, may go to any of them."""

    async def job(bench):
        await bench.clocks(3)
        bench.asks = set(ORDER[first:])
        await bench.clocks(2 * BOUND)
        by_turn = []
        for who, requests, _waited in bench.chosen:
            assert who in requests
            by_turn.append(who != min(requests, key=ORDER.index))
        assert any(by_turn)
        for start in range(len(by_turn) - 3):
            assert sum(by_turn[start : start + 4]) <= 1, start

    run(job)


def test_everyone_enters_within_60_admissions():
    """All ask without end; the least urgent one waits as long as it may."""

    async def job(bench):
        await bench.clocks(3)
        bench.asks = set(ORDER)
        await bench.clocks(BOUND * 5)
        waits = {name: [] for name in ORDER}
        for who, _requests, waited in bench.chosen:
            waits[who].append(waited)
        assert all(waits.values())
        assert max(map(max, waits.values())) <= BOUND == 60
        assert max(waits["timer"]) > BOUND - 8
        assert len(bench.events) >= BOUND * 5 - 4, "one event per clock"

    run(job)


def test_no_vc_starves_while_the_wire_is_busy():
    """Every VC has PAYLOADs to send, room for one comes every eight clocks, and ACKs in between."""
    visits = {f"visit{vc}" for vc in range(CONFIG.VCS)}

    async def job(bench):
        bench.returns = False
        went, back, promised = [], 0, 0
        for clock in range(8 * BOUND):
            bench.asks = visits | ({"rx"} if clock % 8 in (2, 5) else set())
            left = clock % 8 == 0 and promised > 0
            who = await bench.clock(control_unused=back, payload_left=left)
            back = who is not None
            promised += (who in visits) - left
            went += [who] * back
        for name in visits:
            at = [-1, *(n for n, one in enumerate(went) if one == name), len(went)]
            # Aside: what goes in while a VC's turn waits for room, three between two PAYLOADs.
            assert max(b - a for a, b in zip(at, at[1:])) <= BOUND + 3 * 3, (name, at)

    run(job)


def test_nothing_is_taken_while_it_is_disabled():
    """Neither at first nor later; what has been taken by then goes on when it is enabled again."""

    async def job(bench):
        ctx, dut = bench.ctx, bench.dut
        ctx.set(dut.i_enable, 0)
        bench.asks = set(ORDER)
        assert not await bench.clocks(10) and not bench.held
        ctx.set(dut.i_enable, 1)
        assert len(await bench.clocks(30)) > 24
        ctx.set(dut.i_enable, 0)
        await bench.clock()  # one is on its way
        await bench.clock()
        held = dict(bench.held)
        assert not await bench.clocks(10) and bench.held == held
        ctx.set(dut.i_enable, 1)
        bench.asks = set()
        assert sorted(await bench.clocks(30)) == sorted(held)

    run(job)


@pytest.mark.parametrize("config", [CONFIG, FAST], ids=["64", "512"])
def test_each_event_goes_on_once_and_in_the_order_of_its_source(config):
    """Sources, the interlock behind and `i_enable` do as they please; what is offered stays."""

    async def job(bench):
        ctx, dut, rng = bench.ctx, bench.dut, random.Random(config.width_bits)
        given, numbers = {name: [] for name in ORDER}, {}
        for clock in range(400):
            if clock % 50 == 0:
                pace = rng.choice((0.1, 0.5, 1.0))
                patience = rng.choice((0.2, 0.8, 1.0))
                ctx.set(dut.i_enable, rng.random() < 0.9)
            bench.asks -= set(bench.taken)
            for name in ORDER:
                if name not in bench.asks and rng.random() < pace:
                    bench.asks |= {name}
                    numbers[name] = bench.number(name, rng.randrange(8))
            ctx.set(dut.o_event.ready, rng.random() < patience)
            await bench.clock()
            for name in bench.taken:
                given[name].append(numbers[name])
        bench.asks = set()
        ctx.set(dut.i_enable, 1)
        ctx.set(dut.o_event.ready, 1)
        await bench.clocks(60)
        went = {name: [] for name in ORDER}
        for _clock, entry in bench.events:
            went[source_of(entry.event)].append(number_of(entry.event))
        assert went == given and all(map(len, given.values()))

    run(job, config)


def test_those_who_would_only_wait_let_others_pass():
    """Events of the set of the one aside; they go on as soon as it does."""

    async def job(bench):
        ctx, dut = bench.ctx, bench.dut
        hindered = {"rx", "look", "host0", "command", "timer"}
        for name in ("rx", "command", "host0", "host1", "host2"):
            vc = int(name[-1]) if name.startswith("host") else 0
            ctx.set(bench.port(name).payload.node, bench.node(1 if name in hindered else 3, vc))
        ctx.set(dut.i_look.payload.lid, 2)
        ctx.set(dut.i_timer.payload, 3)
        for name in ("replay", "ask"):
            ctx.set(bench.port(name).payload.lid, 5)
        ctx.set(dut.i_visit[1].payload, 0)  # not in row 1, which is that of number 2
        ctx.set(dut.o_event.ready, 0)
        await bench.once(*ORDER)
        bench.aside(1)
        await bench.clocks(2)
        ctx.set(dut.o_event.ready, 1)
        await bench.clocks(30)
        rows = [entry.row for _clock, entry in bench.events]
        assert len(rows) == len(ORDER) - len(hindered) and 1 not in rows
        assert set(bench.held) & hindered == hindered
        bench.aside()
        assert await bench.clocks(10) == [name for name in ORDER if name in hindered]

    run(job)


@pytest.mark.parametrize("waits", [True, False])
def test_who_is_hindered_keeps_its_turn(waits):
    """However long it was: then it is the next one in turn. Who was not there has no such right."""

    async def job(bench):
        ctx, dut = bench.ctx, bench.dut
        await bench.clocks(3)
        ctx.set(dut.i_timer.payload, 7)  # row 3; all others are in others
        bench.aside(3)
        bench.asks = set(ORDER) - (set() if waits else {"timer"})
        await bench.clocks(3 * BOUND)
        assert "timer" not in [who for who, *_ in bench.chosen]
        bench.asks = set(ORDER)
        bench.aside()
        admissions = (await bench.clocks(2 * BOUND)).index("timer")
        assert admissions <= 6 if waits else admissions > 6

    run(job)


@pytest.mark.parametrize("width", BITS)
def test_pace_of_one_source(width):
    """A source has one event in three clocks; from 256 bits on the wire's have one in each."""
    config = CONFIG.replace(width_bits=width)

    async def job(bench):
        await bench.clocks(3)
        for name in ("rx", "visit0", "visit1", "host2", "host1", "timer", "sent", "look"):
            bench.asks = {name}
            began = len(bench.events)
            await bench.clocks(20)
            bench.asks = set()
            await bench.clocks(8)
            clocks = [clock for clock, _entry in bench.events[began:]]
            fast = width >= 256 and name[:2] in ("rx", "vi", "ho")
            each = 1 if fast else 3
            assert clocks == list(range(clocks[0], clocks[0] + 20, each)), name

    run(job, config)


def test_three_sources_fill_every_clock():
    async def job(bench):
        await bench.clocks(3)
        bench.asks = {"sent", "host1", "ask"}
        assert len(await bench.clocks(32)) == 30
        kinds = {Event(entry.event.event) for _clock, entry in bench.events}
        assert kinds == {Event.SENT, Event.HOST_PAYLOAD, Event.ASK}

    run(job)
