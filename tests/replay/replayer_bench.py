"""A bench around `Replayer`, and a list that says in which order ranges are replayed."""

import random

from ttpoe.config import preset
from ttpoe.replay.replayer import Walk

__all__ = [
    "CONFIG",
    "FIELDS",
    "Bench",
    "Order",
    "RandomRanges",
    "expected_places",
    "low",
    "replayed",
]

CONFIG = preset("tiny").replace(slots=64)
FIELDS = ("walk", "lid", "slot", "first", "last")


class Bench:
    """Q0 and Q3 with a pipeline between, and the memory that says which slot follows which."""

    def __init__(self, ctx, dut, config=CONFIG, ready=lambda: 1, delay=lambda: 3, seed=0):
        self.ctx, self.dut, self.config = ctx, dut, config
        self.ready, self.delay = ready, delay
        self.random = random.Random(seed)
        self.clock, self.shown, self.read = 0, None, None
        self.taken = []  # (clock, fields)
        self.appeared = []  # clock in which each event became valid
        self.walks = {}  # clock -> answer to a SEEK
        self.walk_clocks = []
        self.following = {}  # slot -> successor
        self.stands = None  # the slot that the walk has come to
        self.hops = 0
        self.full = 0

    async def step(self, push=None, answer=lambda _seek: dict(found=0)):
        """One clock. `answer(fields)` of a SEEK comes `delay` clocks later."""
        ctx, dut = self.ctx, self.dut
        out = dut.o_replay
        ctx.set(dut.i_range.valid, push is not None)
        if push is not None:
            ctx.set(dut.i_range.payload, push)
        ctx.set(
            dut.successor.data,
            self.following.get(self.read, self.random.randrange(self.config.slots)),
        )
        walk = self.walks.pop(self.clock, None)
        ctx.set(dut.i_walk.valid, walk is not None)
        ctx.set(dut.i_walk.payload, walk or dict(found=1, head=9, una=1, lag=2, current=3))
        if walk is not None:
            self.walk_clocks.append(self.clock)
        ready = self.ready()
        ctx.set(out.ready, ready)
        self.check_hops(walk)
        self.full += ctx.get(dut.stat_nack_queue_full)
        if ctx.get(out.valid):
            fields = {name: ctx.get(out.p[name]) for name in FIELDS}
            assert self.shown in (None, fields), "changed while it waited"
            assert fields["walk"] != Walk.REPLAY or fields["slot"] == self.stands, "not told"
            if self.shown is None:
                self.appeared.append(self.clock)
            self.shown = None if ready else fields
            if ready:
                self.taken.append((self.clock, fields))
                if fields["walk"] == Walk.SEEK:
                    self.walks[self.clock + self.delay()] = answer(fields)
        else:
            assert self.shown is None, "withdrawn"
        await ctx.tick()
        self.clock += 1

    def check_hops(self, walk):
        """What the walk has passed is told by `o_hopped`, in the clock in which it has been read."""
        ctx, dut = self.ctx, self.dut
        hops = ctx.get(dut.o_hopped)
        if hops:
            assert self.read == self.stands, "hopped without having read"
            self.hops += 1
            self.stands = self.following.get(self.read)
        assert ctx.get(dut.successor.used) == hops
        if walk is not None:
            self.stands = walk.get("head")
        asks = ctx.get(dut.successor.en)
        self.read = ctx.get(dut.successor.addr) if asks else None

    async def until(self, kind, limit=3000, **ports):
        while not (self.taken and self.taken[-1][1]["walk"] == kind):
            await self.step(**ports)
            limit -= 1
            assert limit, f"no {kind}"

    def link(self, length):
        """A list of `length` slots, in random order; its slots, oldest first."""
        slots = self.random.sample(range(self.config.slots), length)
        self.following = dict(zip(slots, slots[1:]))
        return slots


def low(number, config=CONFIG):
    """As much of an ID as a range has."""
    return number % (1 << config.count_bits + 1)


def expected_places(config, wanted, walk):
    """Places behind `una`, in order, that the range covers: unacknowledged, passed."""
    half = 1 << config.count_bits
    begin, end = (
        (wanted[name] - walk["una"] + half) % (2 * half) - half for name in ("first", "last")
    )
    return range(max(begin, 0), min(end, walk["current"] - 1) + 1), begin, end


def replayed(bench, since=0):
    return [
        (clock, f["first"], f["slot"])
        for clock, f in bench.taken[since:]
        if f["walk"] == Walk.REPLAY
    ]


class Order:
    """What must come, as the events come: `taken` says whether it may go on with the next range."""

    def __init__(self, config):
        self.config = config
        self.waiting = []  # ranges
        self.lid = None  # whose list the walk follows
        self.walk = None  # answer to the last SEEK, while it is followed
        self.chain = []
        self.place = self.end = 0  # of the next REPLAY, and the range's last
        self.stands = 0  # how far the walk has come, at least
        self.seeks = self.joined = 0

    def begin(self, wanted):
        places, begin, end = expected_places(self.config, wanted, self.walk)
        self.place, self.end = max(begin, 0), min(end, self.walk["current"] - 1)
        return places, begin, end

    def take(self, fields):
        kind = fields["walk"]
        if kind == Walk.SEEK:
            self.seeks += 1
            return
        more = self.place <= self.end
        if kind == Walk.REPLAY and not more:  # it must be the next range's
            wanted = self.waiting.pop(0)
            assert wanted["lid"] == fields["lid"]
            self.begin(wanted)
            assert self.stands <= self.place <= self.end
            self.joined += 1
            more = True
        assert more == (kind == Walk.REPLAY), fields
        assert fields["lid"] == self.lid
        if kind == Walk.WALKED:
            self.walk = None
            return
        assert fields["first"] == low(self.walk["una"] + self.place, self.config)
        assert fields["slot"] == self.chain[self.walk["lag"] + self.place]
        self.place = self.stands = self.place + 1


class RandomRanges:
    """Ranges to push, and lists to find them on: both drawn so that they overlap in every way."""

    def __init__(self, bench, order, rng):
        self.bench, self.order, self.rng = bench, order, rng
        self.config = order.config
        self.left = 60
        self.lid = self.first = 0
        self.seen = {"clipped in front": 0, "clipped behind": 0, "none": 0, "lag": 0, "whole": 0}

    def push(self):
        """What to push in this clock, None: nothing."""
        rng, config = self.rng, self.config
        if not (len(self.order.waiting) < 12 and rng.random() < 0.2 and self.left):
            return None
        if rng.random() < 0.5:
            self.lid, self.first = rng.randrange(config.links), rng.randrange(4 * config.slots)
        else:
            self.first += rng.randrange(1, 4)
        last = low(self.first + rng.choice((-1, 0, 0, 1, 2, 9)), config)
        wanted = dict(lid=self.lid, first=low(self.first, config), last=last)
        self.order.waiting.append(wanted)
        self.left -= 1
        return wanted

    def answer(self, seek):
        """To a SEEK, which must be that of the range pushed first."""
        rng, order, slots = self.rng, self.order, self.config.slots
        wanted = order.waiting.pop(0)
        assert {name: seek[name] for name in wanted} == wanted
        assert order.walk is None, "a SEEK before the WALKED"
        if rng.random() < 0.15:
            return dict(found=0, head=rng.randrange(slots), una=0, lag=0, current=1)
        chain = order.chain = self.bench.link(rng.randrange(1, min(slots, 40) + 1))
        lag = rng.choice((0, rng.randrange(len(chain))))
        current = rng.randrange(1, len(chain) - lag + 1)
        una = low(wanted["first"] - rng.randrange(-2, current + 2), self.config)
        order.lid, order.stands = wanted["lid"], 0
        order.walk = dict(found=1, head=chain[0], una=una, lag=lag, current=current)
        self.count(*order.begin(wanted), lag, current)
        return order.walk

    def count(self, places, begin, end, lag, current):
        self.seen["clipped in front"] += begin < 0 < len(places)
        self.seen["clipped behind"] += bool(places) and end >= current
        self.seen["none"] += not places
        self.seen["lag"] += bool(places) and lag > 0
        self.seen["whole"] += bool(places) and len(places) == end - begin + 1
