"""`SlotPool` against a model that knows where each slot is, and so which VC has room."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.rx.pool import SlotPool


def config(**changes):
    return Config(name="test", rx_slots=16, rx_reserved=2, reorder_slots=4).replace(**changes)


class Model:
    """Where each slot is: with a VC, kept, or free (then in neither).

    What leaves a VC's account in clock n has left it in clock n + 2. The shared slots are added up
    over the accounts of two clocks ago; what was taken of them since counts, what was left not.
    """

    def __init__(self, config):
        self.config = config
        self.held = [[], [], []]
        self.kept = []  # (slot, VC that took it)
        self.shared = config.rx_slots - 3 * config.rx_reserved - config.reorder_slots
        self.account = [0, 0, 0]
        self.leaving = [0, 0, 0]  # was still in the account in this clock
        self.used = [0, 0]  # shared slots, two clocks ago and one
        self.took = [0, 0]  # whether one was taken then

    def owns(self, vc):
        return self.account[vc] < self.config.rx_reserved

    def room(self, vc):
        return self.owns(vc) or self.used[0] + sum(self.took) < self.shared

    def ends_clock(self, taken_by):
        """`taken_by`: the VC that took a slot in this clock, or None."""
        used = sum(max(0, count - self.config.rx_reserved) for count in self.account)
        self.used = [self.used[1], used]
        self.took = [self.took[1], taken_by is not None and not self.owns(taken_by)]
        now = [count - left for count, left in zip(self.account, self.leaving)]
        if taken_by is not None:
            now[taken_by] += 1
        self.leaving = [count - len(slots) for count, slots in zip(now, self.held)]
        self.account = now

    def everything(self):
        return sorted(
            [slot for slots in self.held for slot in slots] + [slot for slot, _vc in self.kept]
        )


def give(ctx, port, freed):
    ctx.set(port.valid, freed is not None)
    ctx.set(port.payload, freed or dict(slot=0, vc=0, kept=1))


async def clock(ctx, dut, *, vc=0, take=0, keep=None, dropped=None, delivered=None):
    """One clock with these inputs; returns what the outputs are in it."""
    ctx.set(dut.vc, vc)
    ctx.set(dut.take, take)
    ctx.set(dut.i_kept.valid, keep is not None)
    ctx.set(dut.i_kept.payload, keep or 0)
    give(ctx, dut.i_dropped, dropped)
    give(ctx, dut.i_delivered, delivered)
    out = dict(
        room=ctx.get(dut.room),
        ready=ctx.get(dut.slot_ready),
        slot=ctx.get(dut.slot),
        freed=ctx.get(dut.o_kept_freed),
    )
    await ctx.tick()
    return out


class Draw:
    """What happens to the slots of a `Model`, clock by clock, in phases: fill, keep, drain."""

    def __init__(self, rng, model):
        self.rng, self.model = rng, model
        self.hungry = self.keen = self.generous = 0.0
        self.kept_freed = 0  # in the clock before

    def phase(self):
        self.hungry, self.keen, self.generous = self.rng.choice(
            [(1.0, 0.1, 0.02), (0.9, 0.9, 0.1), (0.5, 0.3, 0.5), (0.1, 0.1, 0.9)]
        )

    def pick(self, slots):
        return slots.pop(self.rng.randrange(len(slots)))

    def owners(self):
        return [vc for vc in range(3) if self.model.held[vc]]

    def leaving(self):
        """A slot that is dropped or delivered; None: none is."""
        choices = self.owners() + ["kept"] * bool(self.model.kept)
        if not choices or self.rng.random() >= self.generous:
            return None
        owner = self.rng.choice(choices)
        if owner == "kept":
            slot, vc = self.pick(self.model.kept)
            return dict(slot=slot, vc=vc, kept=1)
        return dict(slot=self.pick(self.model.held[owner]), vc=owner, kept=0)

    def events(self):
        """(VC of a slot that is kept, what is dropped, what is delivered): three slots."""
        keep = None
        room = len(self.model.kept) < self.model.config.reorder_slots
        if self.owners() and room and self.rng.random() < self.keen:
            keep = self.rng.choice(self.owners())
            slot = self.pick(self.model.held[keep])
        dropped, delivered = self.leaving(), self.leaving()
        if keep is not None:
            self.model.kept.append((slot, keep))
        return keep, dropped, delivered


async def random_clock(ctx, dut, draw):
    """One clock of `draw` on the pool and its model; (ready, whether a slot was kept, freed)."""
    model = draw.model
    for vc in range(3):
        ctx.set(dut.vc, vc)
        assert ctx.get(dut.room) == model.room(vc)
    vc = draw.rng.randrange(3)
    keep, *freed = draw.events()
    ctx.set(dut.vc, vc)
    able = ctx.get(dut.room) and ctx.get(dut.slot_ready)
    take = bool(able and draw.rng.random() < draw.hungry)
    out = await clock(ctx, dut, vc=vc, take=take, keep=keep, dropped=freed[0], delivered=freed[1])
    assert out["freed"] == draw.kept_freed
    draw.kept_freed = sum(bool(one and one["kept"]) for one in freed)
    if take:
        assert out["slot"] not in model.everything()
        assert out["slot"] not in [one["slot"] for one in freed if one]
        model.held[vc].append(out["slot"])
    model.ends_clock(vc if take else None)
    return out["ready"], keep is not None, freed


@pytest.mark.parametrize(
    "rx_slots,reserved,reorder", [(8, 1, 4), (16, 2, 4), (16, 4, 4), (64, 4, 32), (128, 8, 16)]
)
def test_random_against_model(rx_slots, reserved, reorder):
    """Slots taken, kept, dropped and delivered in every mixture, several in one clock: `room` is
    what the model says for every VC in every clock, and no slot is given out twice or lost."""
    seed = f"{rx_slots} {reserved} {reorder}"
    cfg = config(rx_slots=rx_slots, rx_reserved=reserved, reorder_slots=reorder)
    dut, model = SlotPool(cfg), Model(cfg)
    draw = Draw(random.Random(seed), model)
    seen = {"full": 0, "all kept": 0, "both freed": 0, "keep and free": 0, "none": 0, "empty": 0}

    async def testbench(ctx):
        waited = 0  # clocks without a slot at hand though some are free
        for number in range(5000):
            where = f"seed {seed} clock {number}"
            if number % 250 == 0:
                draw.phase()
            ready, keeps, freed = await random_clock(ctx, dut, draw)
            total = len(model.everything())
            assert total == len(set(model.everything())) <= rx_slots, where
            waited = 0 if ready or total == rx_slots else waited + 1
            assert waited <= 4, f"{where}: a free slot is lost"
            shared = sum(max(0, len(slots) - reserved) for slots in model.held)
            assert shared <= model.shared, f"{where}: more are shared than there are"
            seen["full"] += not any(map(model.room, range(3)))
            seen["all kept"] += len(model.kept) == reorder
            seen["both freed"] += all(freed)
            seen["keep and free"] += keeps and any(freed)
            seen["none"] += total == rx_slots
            seen["empty"] += total == 0

    simulate(dut, testbench)
    assert all(seen.values()), f"seed {seed} did not reach {seen}"


def test_kept_slots_leave_a_vc_all_its_room():
    """Every reorder slot kept, out of one VC: it may take as many as if there were none; given
    back, they make no room beyond that."""
    cfg = config()
    dut = SlotPool(cfg)
    most = cfg.rx_slots - cfg.reorder_slots - 2 * cfg.rx_reserved

    async def testbench(ctx):
        async def fill():
            slots = []
            for _ in range(4):  # until what was given back is room
                await clock(ctx, dut)
            ctx.set(dut.vc, 1)
            while ctx.get(dut.room):
                assert ctx.get(dut.slot_ready)
                slots.append((await clock(ctx, dut, vc=1, take=1))["slot"])
                ctx.set(dut.vc, 1)
            return slots

        first = [(await clock(ctx, dut, vc=1, take=1))["slot"] for _ in range(4)]
        for _ in first:
            await clock(ctx, dut, vc=1, keep=1)
        assert len(await fill()) == most == 8
        for vc in (0, 2):  # what they own, and no more
            for want in (1, 1, 0):
                out = await clock(ctx, dut, vc=vc, take=want)
                assert out["room"] == want
        assert not (await clock(ctx, dut))["ready"]
        for slot in first:
            out = await clock(ctx, dut, vc=1, delivered=dict(slot=slot, vc=1, kept=1))
            assert out["freed"] == (slot != first[0]) and not out["room"]
        for freed in (1, 0, 0, 0, 0):
            out = await clock(ctx, dut, vc=1)
            assert out["freed"] == freed and not out["room"]
        assert out["ready"]
        await clock(ctx, dut, vc=1, dropped=dict(slot=9, vc=1, kept=0))
        for take in (0, 0, 0, 1, 0):
            assert (await clock(ctx, dut, vc=1, take=take))["room"] == take, "four clocks later"

    simulate(dut, testbench)


def test_two_kept_slots_freed_in_one_clock():
    dut = SlotPool(config())

    async def testbench(ctx):
        slots = [(await clock(ctx, dut, vc=0, take=1))["slot"] for _ in range(2)]
        for _ in slots:
            await clock(ctx, dut, keep=0)
        gone = [dict(slot=slot, vc=0, kept=1) for slot in slots]
        await clock(ctx, dut, dropped=gone[0], delivered=gone[1])
        assert [(await clock(ctx, dut))["freed"] for _ in range(2)] == [2, 0]

    simulate(dut, testbench)


def test_reset_gives_everything_back():
    reset = Signal()
    dut = SlotPool(config())

    async def testbench(ctx):
        for _ in range(6):
            await clock(ctx, dut, vc=2, take=1)
        await clock(ctx, dut, keep=2)
        ctx.set(reset, 1)
        await clock(ctx, dut)
        ctx.set(reset, 0)
        slots = [await clock(ctx, dut, vc=2, take=1) for _ in range(8)]
        assert [out["slot"] for out in slots] == list(range(8))
        assert all(out["room"] for out in slots)
        assert not (await clock(ctx, dut, vc=2))["room"]

    simulate(ResetInserter(reset)(dut), testbench)
