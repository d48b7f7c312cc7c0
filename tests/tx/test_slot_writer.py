"""`SlotWriter`: packets of three VCs into slots, and the life of their events."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.long import BITS
from tests.simulated import made
from tests.streams import simulate
from tests.tx.tx_bench import host_beats
from ttpoe.config import Config
from ttpoe.layouts import HostResult
from ttpoe.tx.slot_writer import SlotWriter

TAKEN, REFUSED, BLOCKED = HostResult.TAKEN, HostResult.REFUSED, HostResult.BLOCKED
STATS = ("stat_tx_oversize", "stat_tx_empty", "stat_tx_refused")


class Bench:
    """Hosts, free slots and memory around a `SlotWriter`; one clock per `step`."""

    def __init__(self, config, reset=None):
        self.config = config
        self.writer = made(SlotWriter, config)
        self.beats = {vc: [] for vc in range(3)}  # what each host still has to offer
        self.offer = dict.fromkeys(range(3), True)
        self.slots = []
        self.slot_ready = False
        self.memory, self.length = {}, {}
        self.events = []  # (vc, node, slot, clock) as Q0 takes them
        self.take = dict.fromkeys(range(3), True)
        self.result, self.retry = None, False
        self.stats = dict.fromkeys(STATS, 0)
        self.taken = []  # (vc, clock) of every beat
        self.waiting = dict.fromkeys(range(3))
        self.clock = 0

    def host(self, vc):
        return self.writer.i_host[vc]

    def event(self, vc):
        return self.writer.o_event[vc]

    async def step(self, ctx):
        writer = self.writer
        for vc in range(3):
            offered = bool(self.beats[vc]) and self.offer[vc]
            ctx.set(self.host(vc).valid, offered)
            if offered:
                beat = self.beats[vc][0]
                ctx.set(self.host(vc).payload, dict(zip(("data", "keep", "last", "node"), beat)))
            ctx.set(self.event(vc).ready, self.take[vc])
        ctx.set(writer.i_slot.valid, bool(self.slots))
        ctx.set(writer.i_slot.payload, self.slots[0] if self.slots else 0)
        ctx.set(writer.i_result.valid, self.result is not None)
        if self.result:
            ctx.set(writer.i_result.payload, {"vc": self.result[0], "result": self.result[1]})
        ctx.set(writer.i_retry, self.retry)

        accepted = [
            vc for vc in range(3) if ctx.get(self.host(vc).valid) and ctx.get(self.host(vc).ready)
        ]
        assert len(accepted) <= 1
        for vc in accepted:
            self.beats[vc].pop(0)
            self.taken.append((vc, self.clock))
        if self.slots and ctx.get(writer.i_slot.ready):
            assert accepted, "a slot is taken with a beat only"
            self.slots.pop(0)
        for vc in range(3):
            event = self.event(vc)
            now = None
            if ctx.get(event.valid):
                now = (ctx.get(event.payload.node), ctx.get(event.payload.slot))
                if self.take[vc]:
                    self.events.append((vc, *now, self.clock))
            assert self.waiting[vc] in (None, now), "an event changed before it was taken"
            self.waiting[vc] = None if self.take[vc] else now
        if ctx.get(writer.o_write.valid):
            written = ctx.get(writer.o_write.payload)
            self.memory[written.slot, written.beat] = written.data
            if written.last:
                self.length[written.slot] = written.length_bytes
        for name in STATS:
            self.stats[name] += ctx.get(getattr(writer, name))
        self.result, self.retry = None, False
        await ctx.tick()
        self.clock += 1

    async def steps(self, ctx, count):
        for _ in range(count):
            await self.step(ctx)

    def packet(self, slot):
        """What lies in the slot, as the slot reader will see it."""
        width = self.config.width_bytes
        length = self.length[slot]
        words = [self.memory[slot, beat] for beat in range(-(-length // width))]
        return b"".join(word.to_bytes(width, "little") for word in words)[:length]


@pytest.mark.parametrize("width_bits", BITS)
@pytest.mark.parametrize("trailing", [False, True])
def test_every_boundary_length(width_bits, trailing):
    config = Config(width_bits=width_bits)
    width = config.width_bytes
    bench = Bench(config)
    rng = random.Random(width_bits)
    lengths = sorted({1, width - 1, width, width + 1, 2 * width, 1024 - width, 1023, 1024})
    if trailing:
        lengths = [n for n in lengths if n % width == 0]

    async def testbench(ctx):
        for length in lengths:
            payload = rng.randbytes(length)
            bench.slots = [7]
            bench.beats[2] = host_beats(payload, width, node=length, trailing=trailing)
            while bench.beats[2]:
                await bench.step(ctx)
            last = bench.taken[-1][1]
            await bench.steps(ctx, 2)
            assert bench.events[-1] == (2, length, 7, last + 1)  # the clock after the last
            assert bench.packet(7) == payload
            bench.result = (2, TAKEN)
            await bench.step(ctx)
        assert len(bench.events) == len(lengths) and not any(bench.stats.values())

    simulate(bench.writer, testbench)


@pytest.mark.parametrize("width_bits", [64, 512])
@pytest.mark.parametrize("length", [1025, 1024 + 64, 1500, 3000])
@pytest.mark.parametrize("trailing", [False, True])
def test_oversize_is_swallowed_and_its_slot_kept(width_bits, length, trailing):
    config = Config(width_bits=width_bits)
    bench = Bench(config)

    async def testbench(ctx):
        bench.slots = [3]
        bench.beats[1] = host_beats(bytes(length), config.width_bytes, 1, trailing) + host_beats(
            b"next", config.width_bytes, 2
        )
        await bench.steps(ctx, 500)
        assert not bench.beats[1]
        assert [event[:3] for event in bench.events] == [(1, 2, 3)]
        assert bench.packet(3) == b"next"
        assert bench.stats == {"stat_tx_oversize": 1, "stat_tx_empty": 0, "stat_tx_refused": 0}

    simulate(bench.writer, testbench)


def test_empty_packet_takes_no_slot():
    bench = Bench(Config(width_bits=64))

    async def testbench(ctx):
        bench.beats[0] = 3 * host_beats(b"", 8, 1)  # no slot is free
        await bench.steps(ctx, 8)
        assert not bench.beats[0] and not bench.events and not bench.memory
        assert bench.stats == {"stat_tx_oversize": 0, "stat_tx_empty": 3, "stat_tx_refused": 0}

    simulate(bench.writer, testbench)


def test_one_free_slot_admits_exactly_one_packet():
    bench = Bench(Config(width_bits=64))

    async def testbench(ctx):
        for vc in range(3):
            bench.beats[vc] = host_beats(bytes([vc]) * 20, 8, vc)
        await bench.steps(ctx, 10)
        assert not bench.taken  # physical backpressure, nothing lost
        for rank, vc in enumerate((1, 0, 2)):  # in the order of urgency
            bench.slots = [rank]
            await bench.steps(ctx, 10)
            assert not bench.beats[vc] and len(bench.taken) == 3 * (rank + 1)
            assert bench.packet(rank) == bytes([vc]) * 20
        assert [event[:3] for event in bench.events] == [(1, 1, 0), (0, 0, 1), (2, 2, 2)]

    simulate(bench.writer, testbench)


def test_busy_urgent_port_leaves_a_share_to_the_others():
    bench = Bench(Config(width_bits=64))

    async def testbench(ctx):
        bench.slots = list(range(20))
        for vc in range(3):
            bench.beats[vc] = host_beats(bytes(1024), 8, vc)
        await bench.steps(ctx, 121)  # the first one waits a clock
        share = [sum(vc == of for vc, _ in bench.taken) for of in range(3)]
        assert len(bench.taken) == 120  # then one beat in every clock
        assert share == [10, 101, 9]  # the urgent one had the clock before the others

    simulate(bench.writer, testbench)


def test_one_event_outstanding_and_one_packet_behind_it():
    bench = Bench(Config(width_bits=64))

    async def testbench(ctx):
        bench.slots = [0, 1, 2, 3]
        bench.beats[2] = sum((host_beats(bytes([n]) * 8, 8, n) for n in range(4)), [])
        await bench.steps(ctx, 10)
        assert len(bench.events) == 1 and len(bench.beats[2]) == 2 and bench.slots == [2, 3]
        bench.result = (1, TAKEN)  # another VC's result
        await bench.steps(ctx, 5)
        assert len(bench.events) == 1
        for n in (1, 2, 3):
            bench.result = (2, TAKEN)
            answered = bench.clock
            await bench.steps(ctx, 5)
            assert bench.events[-1] == (2, n, n, answered + 1)
        assert len(bench.events) == 4

    simulate(bench.writer, testbench)


def test_refused_is_done_and_counted():
    bench = Bench(Config(width_bits=64))

    async def testbench(ctx):
        bench.slots = [0, 1]
        bench.beats[0] = host_beats(b"a", 8, 1) + host_beats(b"b", 8, 2)
        await bench.steps(ctx, 5)
        bench.result = (0, REFUSED)
        await bench.steps(ctx, 5)
        assert [event[:3] for event in bench.events] == [(0, 1, 0), (0, 2, 1)]
        assert bench.stats == {"stat_tx_oversize": 0, "stat_tx_empty": 0, "stat_tx_refused": 1}

    simulate(bench.writer, testbench)


@pytest.mark.parametrize("vc", range(3))
@pytest.mark.parametrize("retry_at", range(-2, 9))
def test_no_retry_is_missed(retry_at, vc):
    """Q0 takes the event in clock 0, the result BLOCKED comes in clock 4."""
    bench = Bench(Config(width_bits=64))

    async def testbench(ctx):
        bench.slots = [5]
        bench.take[vc] = False
        bench.beats[vc] = host_beats(b"abc", 8, 9)
        await bench.steps(ctx, 8)
        assert ctx.get(bench.event(vc).valid)
        for clock in range(-3, 14):
            bench.take[vc] = clock >= 0
            bench.retry = clock == retry_at
            if clock == 0:
                began = bench.clock
            if clock == 4:
                bench.result = (vc, BLOCKED)
            await bench.step(ctx)
        again = [event[3] - began for event in bench.events]
        assert all(event[:3] == (vc, 9, 5) for event in bench.events)
        assert again == ([0] if retry_at < 0 else [0, max(5, retry_at + 1)])

    simulate(bench.writer, testbench)


class RandomHosts:
    """Three hosts with packets of every length, and Q0 and Q3 as they please; `step` is a clock."""

    def __init__(self, bench, seed):
        self.bench, self.rng, self.seed = bench, random.Random(seed), seed
        self.totals = dict.fromkeys(STATS, 0)
        self.due = {vc: [self.packet(vc, number) for number in range(15)] for vc in range(3)}
        self.due = {vc: [one for one in packets if one] for vc, packets in self.due.items()}
        self.in_flight = {}  # VC -> ((node, slot), clock of the result)
        self.blocked = dict.fromkeys(range(3), 0)
        self.seen = 0  # events that the bench has shown

    def packet(self, vc, number):
        """Offers one more packet; (node, bytes) if it is good, else it is counted."""
        rng, width, totals = self.rng, self.bench.config.width_bytes, self.totals
        edges = (0, 1, width - 1, width, width + 1, 1023, 1024, 1025, 1024 + width)
        length = rng.choice((*edges, rng.randint(1, 200), rng.randint(1, 200)))
        payload = rng.randbytes(length)
        node = (vc << 16) + number
        trailing = length % width == 0 and rng.random() < 0.3
        self.bench.beats[vc] += host_beats(payload, width, node, trailing=trailing)
        totals["stat_tx_empty"] += length == 0
        totals["stat_tx_oversize"] += length > 1024
        return (node, payload) if 1 <= length <= 1024 else None

    def offer(self):
        """A beat that is offered stays offered until it is taken."""
        bench = self.bench
        for vc in range(3):
            taken = (vc, bench.clock - 1) in bench.taken
            waits = bench.offer[vc] and bench.beats[vc] and not taken
            bench.offer[vc] = bool(waits) or self.rng.random() < 0.8
            bench.take[vc] = self.rng.random() < 0.5

    def answer(self):
        """The result of an event whose time has come; a packet that is done with gives its slot."""
        bench, rng = self.bench, self.rng
        ready = [vc for vc, (_, due_at) in self.in_flight.items() if due_at <= bench.clock]
        if not ready:
            return
        vc = rng.choice(ready)
        (node, slot), _ = self.in_flight.pop(vc)
        result = rng.choice([TAKEN, TAKEN, REFUSED, BLOCKED]) if self.blocked[vc] else BLOCKED
        bench.result = (vc, result)
        self.totals["stat_tx_refused"] += result == REFUSED
        if result == BLOCKED:
            self.blocked[vc] += 1
            return
        assert (node, bench.packet(slot)) == self.due[vc].pop(0), f"seed {self.seed}"
        bench.slots.append(slot)

    async def step(self, ctx):
        bench = self.bench
        self.offer()
        self.answer()
        bench.retry = self.rng.random() < 0.05
        await bench.step(ctx)
        for vc, node, slot, clock in bench.events[self.seen :]:
            assert vc not in self.in_flight, f"seed {self.seed}: two events of VC {vc} at once"
            self.in_flight[vc] = ((node, slot), clock + self.rng.randint(3, 9))
        self.seen = len(bench.events)


@pytest.mark.parametrize("width_bits, seed", [(64, 1), (64, 2), (128, 3), (256, 4), (512, 5)])
def test_random_hosts_slots_and_results(width_bits, seed):
    """Three hosts at once: every good packet gives one accepted event with its own bytes."""
    bench = Bench(Config(width_bits=width_bits))
    bench.slots = list(range(4))
    hosts = RandomHosts(bench, seed)

    async def testbench(ctx):
        while any(hosts.due.values()) or any(bench.beats.values()):
            assert bench.clock < 9000, f"seed {seed}: stuck with {hosts.due}"
            await hosts.step(ctx)
        await bench.steps(ctx, 4)
        assert bench.stats == hosts.totals, f"seed {seed}"

    simulate(bench.writer, testbench)


@pytest.mark.parametrize("width_bits", [64, 512])
def test_reset_in_mid_packet(width_bits):
    reset = Signal()
    config = Config(width_bits=width_bits)
    bench = Bench(config)
    dut = ResetInserter(reset)(bench.writer)

    async def testbench(ctx):
        for clocks in range(1, 9):
            bench.slots = [1, 2]
            for vc in range(3):
                bench.beats[vc] = host_beats(bytes(300), config.width_bytes, 1)
            await bench.steps(ctx, clocks)
            for vc in range(3):
                ctx.set(bench.host(vc).valid, 0)
                bench.beats[vc], bench.waiting[vc] = [], None
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            bench.slots, bench.events = [6], []
            bench.beats[2] = host_beats(b"after", config.width_bytes, 4)
            await bench.steps(ctx, 4)
            assert [event[:3] for event in bench.events] == [(2, 4, 6)]
            assert bench.packet(6) == b"after"
            bench.result = (2, TAKEN)
            await bench.step(ctx)

    simulate(dut, testbench)
