"""`Deliver`: verdicts carried out, three hosts that share one read port, slots given back."""

import random
from functools import partial

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.coded import coded
from tests.streams import receive_packet, send_event, simulate
from ttpoe.config import Config
from ttpoe.memory.secded import coded_bits
from ttpoe.rx.deliver import Deliver
from ttpoe.rx.memory import slot_info_layout

CONFIG = Config(width_bits=64, rx_slots=16, rx_reserved=1, reorder_slots=4)
BEATS = {slot: 1 + slot * 7 % 9 for slot in range(CONFIG.rx_slots)}


def content(slot, beat):
    return slot << 32 | beat << 8 | 0x5A


INFO = slot_info_layout(CONFIG)


def packet(slot):
    """(data, keep, last, node, id) of each beat that the host must see."""
    last = BEATS[slot] - 1
    return [
        (content(slot, n), (1 << slot % 8 + 1) - 1 if n == last else 0xFF, n == last, slot, ~slot)
        for n in range(last + 1)
    ]


class Bench:
    """The receive memory of a `Deliver`, and what the block says of its slots."""

    def __init__(self, config=CONFIG):
        self.dut = Deliver(config)
        self.protect, self.flips = config.protect, 0  # bits that turn over in the memory
        self.clock = 0
        self.dropped, self.delivered = [], []  # (clock, slot, vc, kept)
        self.reads = []  # VC of each beat that was read, by the slot

    async def memory(self, ctx):
        """What is asked for in a clock is there in the next; counts, too."""
        dut = self.dut
        while True:
            beat, count = ctx.get(dut.beat.addr), ctx.get(dut.count.addr)
            reads = ctx.get(dut.beat.en)
            if reads:
                self.reads.append(beat.slot)
            for name in ("dropped", "delivered"):
                event = getattr(dut, f"o_{name}")
                if ctx.get(event.valid):
                    freed = ctx.get(event.payload)
                    getattr(self, name).append((self.clock, freed.slot, freed.vc, freed.kept))
            assert ctx.get(dut.stat_rx_delivered) == ctx.get(dut.o_delivered.valid)
            await ctx.tick()
            self.clock += 1
            assert ctx.get(dut.beat.used) == reads
            if reads:
                word = content(beat.slot, beat.beat)
                info = {
                    "node": beat.slot,
                    "id": ~beat.slot & 0xFFFFFFFF,
                    "last_lane": beat.slot % 8,
                }
                info = INFO.const(info).as_bits()
                if self.protect == "none":
                    lies = info << 64 | word
                else:
                    lies = coded(info, INFO.size) << coded_bits(64) | coded(word, 64)
                ctx.set(dut.beat.data.as_value(), lies ^ self.flips)
            last = BEATS[count] - 1
            ctx.set(dut.count.data, {"last_beat": last, "short": last <= 1})

    async def verdict(self, ctx, slot, vc, deliver=1, kept=0):
        verdict = {"slot": slot, "vc": vc, "deliver": deliver, "kept": kept}
        await send_event(ctx, self.dut.i_verdict, verdict)

    async def host(self, ctx, vc, slots, ready=lambda: True):
        """Takes the payloads of `slots`, in this order, and checks every beat."""
        for slot in slots:
            beats = await receive_packet(ctx, self.dut.o_host[vc], ready)
            got = [(beat.data, beat.keep, beat.last, beat.node, beat.id) for beat in beats]
            wanted = [(*beat[:4], beat[4] & 0xFFFFFFFF) for beat in packet(slot)]
            assert got == wanted, (vc, slot)

    def run(self, *testbenches, dut=None):
        simulate(dut or self.dut, *testbenches, background=[self.memory])
        return self


@pytest.mark.parametrize("vc", range(3))
@pytest.mark.parametrize("slot", [0, 4, 5])  # of 1, 2 and 9 beats
def test_a_payload_alone_and_its_latency(vc, slot):
    """Verdict in clock 0, first beat in clock 3, no bubble; the slot is free as said."""
    bench = Bench()

    async def testbench(ctx):
        host = bench.dut.o_host[vc]
        ctx.set(host.ready, 1)
        await bench.verdict(ctx, slot, vc, kept=slot == 4)
        valid = []
        for _clock in range(1, BEATS[slot] + 6):
            *_, now = await ctx.tick().sample(host.valid)
            valid.append(now)
        assert valid == [0, 0, *[1] * BEATS[slot], 0, 0, 0]
        await bench.verdict(ctx, slot, vc)
        await bench.host(ctx, vc, [slot])

    bench.run(testbench)
    assert bench.delivered[:1] == [(1 + BEATS[slot], slot, vc, slot == 4)]
    assert len(bench.delivered) == 2 and not bench.dropped


def test_a_dropped_slot_is_free_one_clock_later_and_no_host_hears_of_it():
    bench = Bench()

    async def testbench(ctx):
        await bench.verdict(ctx, 7, 2, deliver=0, kept=1)
        await bench.verdict(ctx, 3, 0, deliver=0)
        for _ in range(20):
            assert not any(ctx.get(host.valid) for host in bench.dut.o_host)
            await ctx.tick()

    bench.run(testbench)
    assert bench.dropped == [(1, 7, 2, 1), (2, 3, 0, 0)]
    assert not bench.delivered and not bench.reads


@pytest.mark.parametrize("pace", [1.0, 0.5, 0.2])
def test_each_vc_in_the_order_of_its_verdicts(pace):
    """Verdicts for all three in every mixture, hosts at any pace: every byte once, every slot
    given back once."""
    rng = random.Random(str(pace))
    bench = Bench()
    slots = list(range(CONFIG.rx_slots))
    rng.shuffle(slots)
    said = [(slot, rng.randrange(3), rng.random() < 0.8, rng.getrandbits(1)) for slot in slots]
    hosts = []

    async def verdicts(ctx):
        for verdict in said:
            while rng.random() < 0.4:
                await ctx.tick()
            await bench.verdict(ctx, *verdict)

    for vc in range(3):
        wanted = [slot for slot, its, deliver, _kept in said if its == vc and deliver]
        assert wanted, "the seed gives this VC nothing"
        ready = lambda: rng.random() < pace
        hosts.append(partial(bench.host, vc=vc, slots=wanted, ready=ready))
    bench.run(verdicts, *hosts)
    freed = [(slot, vc, kept, True) for _clock, slot, vc, kept in bench.delivered]
    freed += [(slot, vc, kept, False) for _clock, slot, vc, kept in bench.dropped]
    assert sorted(freed) == sorted((slot, vc, kept, deliver) for slot, vc, deliver, kept in said)


def test_a_stalled_host_delays_nobody():
    bench = Bench()
    over = []

    async def testbench(ctx):
        for slot, vc in ((5, 1), (14, 0)):  # 9 beats each; VC 1 is the most urgent, and stalls
            await bench.verdict(ctx, slot, vc)
        await bench.host(ctx, 0, [14])
        over.append(bench.clock)
        await bench.host(ctx, 1, [5])

    bench.run(testbench)
    assert over[0] <= 2 + 3 + 2 * BEATS[14]
    assert [slot for _clock, slot, *_ in bench.delivered] == [14, 5]


def test_the_urgent_vc_has_three_beats_in_four():
    """All three have beats to read, and hosts that take them; nobody waits for more than 12."""
    bench = Bench()
    slots = {2: [6, 15], 0: [2, 11], 1: [5, 14, 1, 10]}
    of = {slot: vc for vc, its in slots.items() for slot in its}

    async def verdicts(ctx):
        for slot, vc in of.items():
            await bench.verdict(ctx, slot, vc)

    bench.run(verdicts, *(partial(bench.host, vc=vc, slots=its) for vc, its in slots.items()))
    turns = [of[slot] for slot in bench.reads]
    begun, over = len(of) + 1, len(turns) - turns[::-1].index(1)  # VC 1 asks all this time
    turns = turns[begun:over]
    assert len(turns) >= 24
    for start in range(len(turns) - 3):
        assert turns[start : start + 4].count(1) >= 3, turns
    for start in range(len(turns) - 11):
        assert set(turns[start : start + 12]) == {0, 1, 2}, turns


def test_reset_forgets_what_waits():
    bench = Bench()
    reset = Signal()

    async def testbench(ctx):
        for slot in (5, 14, 10):
            await bench.verdict(ctx, slot, 0)
        await ctx.tick().repeat(4)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        bench.delivered.clear()
        for _ in range(30):
            assert not any(ctx.get(host.valid) for host in bench.dut.o_host)
            await ctx.tick()
        assert not bench.delivered
        await bench.verdict(ctx, 4, 0)
        await bench.host(ctx, 0, [4])

    bench.run(testbench, dut=ResetInserter(reset)(bench.dut))


@pytest.mark.parametrize("protect", ["none", "secded"])
def test_payloads_are_the_same_with_check_bits_and_none_is_wrong(protect):
    bench = Bench(CONFIG.replace(protect=protect))

    async def testbench(ctx):
        await bench.verdict(ctx, 5, 2)
        await bench.verdict(ctx, 6, 2)
        await bench.host(ctx, 2, [5, 6])
        assert not ctx.get(bench.dut.o_errors.as_value())

    bench.run(testbench)


@pytest.mark.parametrize(
    "flips", [1, 1 << 63, 1 << 70, 1 << 80, 1 << 131, 3, 1 << 71 | 1 << 5, 3 << 90]
)
def test_wrong_bits_of_a_beat_are_found_when_the_host_takes_it(flips):
    """The check bits of the memory go with the beat; each one counts, two clocks later."""
    bench = Bench(CONFIG.replace(protect="secded"))
    one, found = flips.bit_count() == 1, []

    async def testbench(ctx):
        dut, host = bench.dut, bench.dut.o_host[1]
        bench.flips = flips
        await bench.verdict(ctx, 4, 1)  # two beats
        while len(found) < 16:
            ready = len(found) > 7
            ctx.set(host.ready, ready)
            taken = ctx.get(host.valid) and ready
            if taken and one:
                beat = ctx.get(host.p)
                assert beat.data in {content(4, 0), content(4, 1)} and beat.node == 4
            await ctx.tick()
            errors = ctx.get(dut.o_errors)
            found.append((taken, errors.corrected, errors.uncorrectable))

    bench.run(testbench)
    taken = [0, *[clock[0] for clock in found]]
    wrong = [clock[1] if one else clock[2] for clock in found]
    assert sum(taken) == 2 and not any(clock[2] if one else clock[1] for clock in found)
    assert wrong == taken[:-1]
