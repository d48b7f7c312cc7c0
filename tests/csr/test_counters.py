"""Counters by themselves: exact, saturating, and nothing lost whatever coincides."""

import random

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import ResetInserter

from tests.csr.csr_bench import simulate
from tests.simulated import made
from ttpoe.csr.counters import Counters, pending_bits
from ttpoe.csr.registers import COUNTERS

FULL = 0xFFFFFFFF
SIZES = [4, 5, 6, 7, 14, 15, 30, 31, len(COUNTERS), 62, 63]


@pytest.mark.parametrize(
    "number, bits",
    [
        (4, 3),
        (6, 3),
        (7, 4),
        (14, 4),
        (15, 5),
        (30, 5),
        (31, 6),
        (62, 6),
        (63, 7),
        (126, 7),
        (127, 9),
    ],
)
def test_a_pending_count_holds_a_whole_round(number, bits):
    assert pending_bits(number) == bits


class Driver:
    """Requests, with a mirror of every pulse that was driven."""

    def __init__(self, ctx, dut, number):
        self.ctx, self.dut, self.number = ctx, dut, number
        self.counts = [0] * number
        self.pulses = 0
        self.history = []  # pulses by clock, newest last

    async def tick(self):
        self.ctx.set(self.dut.i_pulses, self.pulses)
        self.history.append(self.pulses)
        for k in range(self.number):
            self.counts[k] += self.pulses >> k & 1
        await self.ctx.tick()

    async def request(self, index=0, clear=0, all_=0, choose=None):
        """Carry out a request, pulses chosen per clock; returns (value, clocks)."""
        ctx, dut = self.ctx, self.dut
        ctx.set(dut.i_index, index)
        ctx.set(dut.i_clear, clear)
        ctx.set(dut.i_all, all_)
        ctx.set(dut.i_request, 1)
        for clocks in range(3 * self.number + 10):
            if choose is not None:
                self.pulses = choose()
            if ctx.get(dut.o_done):
                value = ctx.get(dut.o_value)
                await self.tick()
                ctx.set(dut.i_request, 0)
                self.pulses = 0 if choose is not None else self.pulses
                return value, clocks
            await self.tick()
        raise AssertionError("no answer")

    async def rest(self, clocks):
        for _ in range(clocks):
            await self.tick()


@pytest.mark.parametrize("number", SIZES)
def test_all_pulse_in_every_clock(number):
    """From the first clock after reset on, so also while the totals are being initialised."""
    dut = Counters(number)
    clocks = 5 * number + 3

    async def testbench(ctx):
        driver = Driver(ctx, dut, number)
        driver.pulses = (1 << number) - 1
        await driver.rest(clocks)
        driver.pulses = 0
        for k in range(number):
            value, spent = await driver.request(k)
            assert value == clocks, (k, value)
            assert 5 <= spent <= number + 5

    simulate(dut, testbench)


@pytest.mark.parametrize("number", [4, 7, len(COUNTERS)])
def test_a_read_is_exact_while_all_pulse(number):
    """Each clock later that a read is asked for, one more is counted: to the clock."""
    dut = Counters(number)

    async def testbench(ctx):
        driver = Driver(ctx, dut, number)
        driver.pulses = (1 << number) - 1
        for k in [*range(number), *reversed(range(number))]:
            value, _spent = await driver.request(k)
            # `o_done` is 5 clocks after the visit, which holds pulses up to 2 clocks before it:
            # of the clocks up to and with that of `o_done`, the last 7 are missing.
            assert value == len(driver.history) - 7, (k, value)

    simulate(dut, testbench)


def test_a_count_grows_bit_by_bit_and_stays_as_it_is():
    """One pulse a clock, so the count is known to the clock: around every power of two, where a
    bit more is set for the first time, and when nothing comes any more."""
    number, k = 4, 2
    dut = Counters(number)

    async def testbench(ctx):
        driver = Driver(ctx, dut, number)
        for bit in range(3, 17):
            ctx.set(dut.i_pulses, 1 << k)
            await ctx.tick().repeat((1 << bit) + 1 - driver.counts[k])
            driver.counts[k] = (1 << bit) + 1
            ctx.set(dut.i_pulses, 0)
            for wait in (3, 2 * number, 2 * number + 1):
                await driver.rest(wait)
                value, _clocks = await driver.request(k)
                assert value == (1 << bit) + 1
        assert [(await driver.request(j))[0] for j in range(number) if j != k] == [0, 0, 0]

    simulate(dut, testbench)


@pytest.mark.parametrize("number", [5, len(COUNTERS)])
@pytest.mark.parametrize("seed", range(2))
def test_random_pulses_reads_and_clears(number, seed):
    dut = Counters(number)
    rng = random.Random(seed)

    async def testbench(ctx):
        driver = Driver(ctx, dut, number)

        def choose():
            return rng.getrandbits(number) & (rng.getrandbits(number) | -(rng.random() < 0.1))

        base = [0] * number
        for _ in range(60):
            kind, k = rng.choice(("read", "read", "clear", "all")), rng.randrange(number)
            if rng.random() < 0.5:
                for _ in range(rng.randrange(2 * number)):
                    driver.pulses = choose()
                    await driver.tick()
            start = len(driver.history)
            value, _clocks = await driver.request(k, kind != "read", kind == "all", choose)
            visit = len(driver.history) - 1 - 5

            def counted(j, up_to):
                return sum(pulses >> j & 1 for pulses in driver.history[: max(up_to, 0)])

            # The visit of counter j in clock v holds what came in clocks 0 to v - 2.
            if kind == "read":
                assert value == counted(k, visit - 1) - base[k], (seed, k)
            elif kind == "clear":
                base[k] = counted(k, visit - 1)
            else:
                for j in range(number):
                    at = visit - (number - 1 - j)
                    assert at > start
                    base[j] = counted(j, at - 1)
        driver.pulses = 0
        await driver.rest(3)
        for k in range(number):
            value, _clocks = await driver.request(k)
            assert value == counted(k, len(driver.history)) - base[k], (seed, k)

    simulate(dut, testbench)


@pytest.mark.parametrize("offset", range(-4, 5))
def test_a_pulse_in_the_clock_of_a_clear_counts_one(offset):
    """One pulse at every place around the clear: 0 before it, 1 with it and after it."""
    number, k = 8, 3
    dut = Counters(number)
    results = {}

    async def testbench(ctx):
        driver = Driver(ctx, dut, number)
        await driver.rest(2 * number - 1)  # the visit of counter k is then 5 clocks away
        pulse_at = 5 + offset - 1 + 1
        clocks = 0

        def choose():
            nonlocal clocks
            clocks += 1
            return (clocks - 1 == pulse_at) << k

        _value, spent = await driver.request(k, 1, 0, choose)
        results["visit"] = spent - 5
        while clocks <= pulse_at:
            driver.pulses = choose()
            await driver.tick()
        driver.pulses = 0
        await driver.rest(3)
        results["value"], _ = await driver.request(k)
        results["pulse"] = pulse_at

    simulate(dut, testbench)
    # A pulse is registered in the next clock; the one registered in the clock of the visit stays.
    assert results["value"] == (results["pulse"] + 1 >= results["visit"]), results


@pytest.mark.parametrize(
    "before, pulses, after",
    [
        (FULL - 1, 1, FULL),
        (FULL, 1, FULL),
        (FULL - 3, 3, FULL),
        (FULL - 3, 2, FULL - 1),
        (FULL - 3, 60, FULL),
        (FULL, 0, FULL),
        (FULL - 1, 0, FULL - 1),
    ],
)
def test_a_counter_saturates_and_can_be_cleared(before, pulses, after):
    number, k = len(COUNTERS), 11
    dut = made(Counters, number)

    async def testbench(ctx):
        driver = Driver(ctx, dut, number)
        await driver.rest(number + 8)
        ctx.set(dut.totals.data[k], before)
        driver.pulses = 1 << k
        await driver.rest(pulses)
        driver.pulses = 0
        for _ in range(3):  # and it stays there
            value, _clocks = await driver.request(k)
            assert value == after
        driver.pulses = 1 << k
        await driver.rest(3 * number)
        driver.pulses = 0
        await driver.rest(2)
        value, _clocks = await driver.request(k)
        assert value == min(after + 3 * number, FULL)
        await driver.request(k, 1)
        driver.pulses = 1 << k
        await driver.rest(2)
        driver.pulses = 0
        await driver.rest(2)
        value, _clocks = await driver.request(k)
        assert value == 2
        neighbours = [(await driver.request(j))[0] for j in range(number) if j != k]
        assert not any(neighbours)

    simulate(dut, testbench)


def test_the_flag_of_a_full_counter_does_not_wrap():
    dut = Counters(4)

    async def testbench(ctx):
        driver = Driver(ctx, dut, 4)
        await driver.rest(12)
        ctx.set(dut.totals.data[2], (1 << 33) - 1)
        driver.pulses = 0b0100
        await driver.rest(20)
        driver.pulses = 0
        assert (await driver.request(2))[0] == FULL

    simulate(dut, testbench)


class WithReset(Elaboratable):
    def __init__(self, number):
        self.reset, self.counters = Signal(), Counters(number)

    def elaborate(self, platform):
        m = Module()
        m.submodules.counters = ResetInserter(self.reset)(self.counters)
        return m


@pytest.mark.parametrize("clock", range(40, 52))
@pytest.mark.parametrize("length", [1, 2, 9])
def test_reset_at_any_moment_starts_from_zero(clock, length):
    """RAM and pending counts have no reset: nothing of them may show afterwards."""
    number = 9
    dut = WithReset(number)

    async def testbench(ctx):
        driver = Driver(ctx, dut.counters, number)
        driver.pulses = (1 << number) - 1
        ctx.set(dut.counters.i_request, 1)  # and a request is under way
        ctx.set(dut.counters.i_index, clock % number)
        await driver.rest(clock)
        ctx.set(dut.reset, 1)
        await driver.rest(length)
        ctx.set(dut.reset, 0)
        ctx.set(dut.counters.i_request, 0)
        driver.pulses = 0b101
        await driver.rest(3)
        driver.pulses = 0
        for k in range(number):
            value, _clocks = await driver.request(k)
            assert value == 3 * (0b101 >> k & 1), (k, value)

    simulate(dut, testbench)


def test_clearing_all_takes_at_most_two_rounds():
    number = 12
    dut = Counters(number)
    spent = set()

    async def testbench(ctx):
        driver = Driver(ctx, dut, number)
        for wait in range(2 * number):
            await driver.rest(wait)
            _value, clocks = await driver.request(0, 1, 1)
            spent.add(clocks)

    simulate(dut, testbench)
    assert min(spent) >= number + 5 and max(spent) == 2 * number + 4
