"""`PayloadQueue` against a list: order, kills at every moment, lengths, credits, latency."""

import random
import struct

import pytest

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.tx.payload_queue import PayloadQueue, length_beat
from ttpverif.frames.datagram import checksum

LENGTHS = [1 + 37 * slot for slot in range(16)]


def entry(slot, lid, tx_id=0):
    return {
        "slot": slot,
        "lid": lid,
        "node": 0x123456,
        "vc": 1,
        "ieee": 1,
        "epoch": 7,
        "tx_id": tx_id,
    }


def sum_of(entry):
    """What stands for the header's other words: any, but never 0."""
    return entry["tx_id"] & 0xFFFF or 0x4500


class Bench:
    """The queue with the length memory, a reader that takes slots, and a wire; and the list that
    the queue must be like. One clock per `step`."""

    def __init__(self, ctx, dut, config, where=""):
        self.ctx, self.dut, self.config, self.where = ctx, dut, config, where
        self.queue = []  # [entry, dead, clock in which it came]
        self.read_up_to = 0  # of these, taken on `o_slot`
        self.last_read = None  # the one taken there last
        self.clock, self.address = 0, 0
        self.left = False
        self.lengths_due = {}  # clock -> entry whose bytes are on `o_length`
        self.taken_at = -9
        self.sent, self.dropped = [], 0

    def free(self, slot=0, lid=0, whole_link=0, valid=1):
        self.ctx.set(
            self.dut.i_free.payload,
            {"head": slot, "tail": slot, "count": 1, "lid": lid, "whole_link": whole_link},
        )
        self.ctx.set(self.dut.i_free.valid, valid)
        return lambda e: valid and (e["lid"] == lid if whole_link else e["slot"] == slot)

    def _check_slots(self, came, reads):
        """`o_slot`, with an entry that is just coming; what is known of a length."""
        ctx, dut = self.ctx, self.dut
        entries = [*self.queue, *([[came, False, self.clock]] if came else [])]
        offered = entries[self.read_up_to] if self.read_up_to < len(entries) else None
        assert ctx.get(dut.o_slot.valid) == (offered is not None), self.where
        known = lambda e: self.clock >= e[2] + 3
        for unsure, asked in ((1, self.last_read), (0, offered)):
            ctx.set(dut.i_unsure, unsure)
            # Nobody is unsure any longer than until it is known.
            if asked is not None and not (unsure and self.clock > asked[2] + 3):
                assert ctx.get(dut.o_known) == known(asked), self.where
                if known(asked):
                    assert ctx.get(dut.o_words) == LENGTHS[asked[0]["slot"]], self.where
        if offered is not None:
            assert ctx.get(dut.o_slot.payload) == offered[0]["slot"], self.where
            if reads:
                self.last_read = offered
                self.read_up_to += 1

    def _check_length(self, entry):
        length = LENGTHS[entry["slot"]]
        assert self.ctx.get(self.dut.o_length) == length, self.where
        if self.config.ipv4:
            due = checksum(struct.pack(">HH", sum_of(entry), max(4, length)))
            assert self.ctx.get(self.dut.o_checksum) == due, self.where

    async def step(self, push=None, kill=None, withdrawn=None, reads=True, ready=True, passed=None):
        ctx, dut, queue = self.ctx, self.dut, self.queue
        ctx.set(dut.length.data, LENGTHS[self.address])
        ctx.set(dut.i.valid, push is not None)
        if push is not None:
            ctx.set(dut.i.payload, push)
        if self.config.ipv4:
            ctx.set(dut.i_sum, 0 if push is None else sum_of(push))
            ctx.set(dut.i_far, push is not None and sum_of(push) & 1)
        hit = self.free(**(kill or {"valid": 0}))
        assert passed is None or (not kill and (push is None or push["slot"] != passed))
        ctx.set(dut.i_passed.valid, passed is not None)
        ctx.set(dut.i_passed.payload, passed or 0)
        ctx.set(dut.i_withdraw.valid, withdrawn is not None)
        ctx.set(dut.i_withdraw.payload, withdrawn or 0)
        ctx.set(dut.o_slot.ready, reads)
        assert ctx.get(dut.i.ready) == (len(queue) < self.config.payload_depth), self.where
        assert ctx.get(dut.o_left) == self.left, self.where
        waits = bool(queue) and self.clock >= queue[0][2] + 3 - length_beat(self.config)
        assert ctx.get(dut.o_waits) == waits, self.where
        assert ctx.get(dut.o.valid) == (waits and self.read_up_to > 0), self.where
        if self.clock in self.lengths_due:
            self._check_length(self.lengths_due[self.clock])
        drops = takes = False
        if waits:
            assert ctx.get(dut.o_dead) == queue[0][1], self.where
            drops = queue[0][1] and ready
            takes = not queue[0][1] and ready and self.read_up_to > 0
            # A frame takes so many clocks at least.
            takes = takes and self.clock >= self.taken_at + length_beat(self.config)
        came = push if push is not None and len(queue) < self.config.payload_depth else None
        ctx.set(dut.i_drop, drops)
        ctx.set(dut.o.ready, takes)
        self._check_slots(came, reads)
        self.address = ctx.get(dut.length.addr)
        if takes:
            self.taken_at = self.clock
            if length_beat(self.config) == 0:
                self._check_length(queue[0][0])
            self.lengths_due[self.clock + length_beat(self.config)] = queue[0][0]
            got = ctx.get(dut.o.payload)
            assert {name: got[name] for name in queue[0][0]} == queue[0][0], self.where
            if self.config.ipv4:
                assert ctx.get(dut.o_far) == sum_of(queue[0][0]) & 1, self.where
            self.sent.append(queue[0][0]["tx_id"])
        self.left = drops or takes
        self.dropped += drops
        if drops:
            self.read_up_to = 1
        if self.left:
            queue.pop(0)
            self.read_up_to -= 1
        for e in queue:
            killed = e[0]["slot"] == passed or e[0]["lid"] == withdrawn
            e[1] = e[1] or bool(hit(e[0])) or killed
        if came:
            queue.append([came, bool(hit(came)), self.clock])
        await ctx.tick()
        self.clock += 1


def run(config, test):
    dut = PayloadQueue(config)

    async def testbench(ctx):
        await test(Bench(ctx, dut, config))

    simulate(dut, testbench)


@pytest.mark.parametrize("width_bits, latency", [(64, 1), (128, 2), (256, 3), (512, 3)])
def test_latency_and_depth(width_bits, latency):
    config = Config(width_bits=width_bits, payload_depth=4)

    async def test(bench):
        for n in range(6):
            await bench.step(entry(n, n, n), ready=False)
            assert bench.ctx.get(bench.dut.o.valid) == (n + 1 >= latency)
        for _ in range(12):
            await bench.step()
        assert bench.sent == [0, 1, 2, 3]

    run(config, test)


@pytest.mark.parametrize(
    "whole_link, slot, lid, survivors",
    [
        (0, 3, 9, [1, 2, 4]),  # by slot; `lid` does not count
        (0, 9, 1, [1, 2, 3, 4]),
        (0, 4, 9, [1, 2, 3]),  # the entry that comes in the same clock
        (1, 9, 1, [2, 4]),  # by link; `head` does not count
        (1, 3, 9, [1, 2, 3, 4]),
    ],
)
def test_who_dies(whole_link, slot, lid, survivors):
    async def test(bench):
        for n in range(5):  # links 1, 0, 1, 0 behind a first of link 3
            last = dict(slot=slot, lid=lid, whole_link=whole_link) if n == 4 else None
            await bench.step(entry(n, n % 2 if n else 3, n), kill=last, ready=False)
        for _ in range(14):
            await bench.step()
        assert bench.sent == [0, *survivors] and bench.dropped == 4 - len(survivors)

    run(Config(payload_depth=8), test)


@pytest.mark.parametrize(
    "passed, withdrawn, survivors",
    [
        ([3], None, [1, 2, 4]),
        ([2, 1], None, [3, 4]),
        ([9], None, [1, 2, 3, 4]),
        ([2], 1, [4]),  # in the clock of a withdrawal, which kills 1 and 3
        ([0], None, [1, 2, 3, 4]),  # the one that is being sent
    ],
)
def test_a_slot_that_is_passed_kills_its_payload(passed, withdrawn, survivors):
    """Whatever `i_free` says beside it without being valid."""

    async def test(bench):
        for n in range(5):  # links 1, 0, 1, 0 behind a first of link 3
            await bench.step(entry(n, n % 2 if n else 3, n), ready=n > 3)
        bench.free(slot=4, lid=0, valid=0)
        for slot in passed:
            await bench.step(passed=slot, withdrawn=withdrawn, ready=False)
        for _ in range(14):
            await bench.step()
        assert bench.sent == [0, *survivors] and bench.dropped == 4 - len(survivors)

    run(Config(payload_depth=8), test)


@pytest.mark.parametrize("lid, survivors", [(1, [2, 4, 5]), (0, [1, 3, 5]), (2, [1, 2, 3, 4, 5])])
def test_withdraw_spares_the_entry_of_the_same_clock(lid, survivors):
    async def test(bench):
        for n in range(6):  # the last one is of the link withdrawn
            of = 3 if n == 0 else lid if n == 5 else n % 2
            await bench.step(entry(n, of, n), withdrawn=lid if n == 5 else None, ready=False)
        for _ in range(16):
            await bench.step()
        assert bench.sent == [0, *survivors]

    run(Config(payload_depth=8), test)


@pytest.mark.parametrize(
    "width_bits, depth, eager, killers, seed, encapsulation",
    [
        (64, 2, 0.5, 0.2, 1, "ethernet"),
        (64, 8, 0.7, 0.2, 2, "ethernet"),
        (128, 8, 0.3, 0.3, 3, "ethernet"),
        (512, 16, 0.3, 0.1, 4, "ethernet"),
        (512, 4, 1.0, 0.0, 5, "ethernet"),
        (512, 2, 1.0, 0.1, 6, "ethernet"),
        (256, 8, 0.3, 0.8, 7, "ethernet"),
        (64, 8, 0.7, 0.2, 8, "ipv4"),
        (128, 4, 0.5, 0.2, 9, "ipv4"),
        (512, 16, 0.5, 0.1, 10, "ipv4"),
    ],
)
def test_random_against_a_list(width_bits, depth, eager, killers, seed, encapsulation):
    config = Config(
        width_bits=width_bits, payload_depth=depth, slots=16, encapsulation=encapsulation
    )
    rng = random.Random(seed)

    async def test(bench):
        for clock in range(700):
            bench.where = f"seed {seed} clock {clock}"
            push = entry(rng.randrange(16), rng.randrange(4), rng.getrandbits(32))
            kill = withdrawn = passed = None
            if rng.random() < killers:
                kill = dict(
                    slot=rng.randrange(16), lid=rng.randrange(4), whole_link=rng.random() < 0.3
                )
            elif rng.random() < killers / 3:
                passed = rng.choice([slot for slot in range(16) if slot != push["slot"]])
            if rng.random() < killers / 4:  # both of one event: of one link
                withdrawn = kill["lid"] if kill else rng.randrange(4)
            await bench.step(
                push if rng.random() < 0.6 else None,
                kill,
                withdrawn,
                reads=rng.random() < 0.7,
                ready=rng.random() < eager,
                passed=passed,
            )
        assert len(bench.sent) > 8 and bool(bench.dropped) == bool(killers), bench.where

    run(config, test)
