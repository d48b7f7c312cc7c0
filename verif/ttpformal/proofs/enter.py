"""Proofs of how events enter the pipeline: holds, credits, the interlock."""

from amaranth.hdl import Array, Cat, Mux, Signal
from amaranth.lib import data
from amaranth.lib.data import View

from ttpoe.memory.forwarded import APART, FORWARDED
from ttpoe.pipeline import interlock
from ttpoe.pipeline.credits import Credits
from ttpoe.pipeline.hold import Hold
from ttpoe.pipeline.interlock import _MEETS, Interlock, _key_layout

from ..any_pipeline import stages
from ..memories import built, harsh_memories, inner
from ..proof import Defect, Proof, shrunk

_HOLD = "pipeline/hold.py"
_CREDITS = "pipeline/credits.py"
_INTERLOCK = "pipeline/interlock.py"


class HoldOne(Proof):
    shows = (
        "Hold: events wait in order, none lost or doubled, unchanged, from the clock after they"
        " were offered; the one taken last stays to be seen until it has gone on; then the next"
        " is let in"
    )
    config = "slow: one event in three clocks; events of 3 bits"
    fast = False
    cover_depth = 10
    short = True
    defects = (
        Defect(
            "the next event is let in while the last one is still needed",
            _HOLD,
            "self.i_event.ready.eq(~self.o_valid & ~taken)",
            "self.i_event.ready.eq(~self.o_valid)",
        ),
        Defect(
            "an event stays when it is taken",
            _HOLD,
            "m.d.sync += [self.o_valid.eq(0), taken.eq(1)]",
            "m.d.sync += taken.eq(1)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = Hold(3, self.fast)
        h.drive(dut)
        h.streams(dut)
        event, take = dut.i_event, dut.i_take
        needed, taken = Signal(), Signal(3)
        h.assume_if(take, dut.o_valid & (~needed | dut.i_joined))
        level = h.check_fifo(
            event.valid & event.ready, event.payload, take, dut.o_waits, 2 if self.fast else 1
        )
        with m.If(take):
            m.d.sync += [needed.eq(1), taken.eq(dut.o_waits)]
        with m.Elif(dut.i_joined):
            m.d.sync += needed.eq(0)
        h.check_if(needed, dut.o_taken == taken)
        h.check(dut.o_valid == (level != 0))
        if self.fast:
            h.check(event.ready == (level != 2))
            h.reach(take & h.past(take) & h.past(h.past(take)) & (level == 1))
            h.reach((level == 2) & needed & (dut.o_taken != dut.o_waits))
        else:
            h.check(event.ready == ((level == 0) & ~needed))
            h.reach(take & h.past(h.past(h.past(take))) & (dut.o_waits == 5))


class HoldTwo(HoldOne):
    shows = "Hold for one event in every clock: the same, with two places"
    config = "fast; events of 3 bits"
    fast = True
    defects = (
        Defect(
            "the event in the second place is overtaken",
            _HOLD,
            "with m.If(second_valid):",
            "with m.If(0):",
        ),
        Defect(
            "what was taken is what waits now",
            _HOLD,
            "with m.If(self.i_take): m.d.sync += self.o_taken.eq(self.o_waits)",
            "m.d.sync += self.o_taken.eq(self.o_waits)",
        ),
    )


class CreditsCount(Proof):
    shows = (
        "Credits: never more places are promised than there are; `o_left` is high if 3 places"
        " were free two clocks ago, or one that was not promised then or in the clock after: so"
        " a free place is promised within 2 clocks to who waits for one"
    )
    config = "6 places; places come back in any clock, up to 3 at once"
    cover_depth = 16
    short = True
    defects = (
        Defect(
            "the promise of the clock before is not counted",
            _CREDITS,
            "one.eq(left > taken)",
            "one.eq(left != 0)",
        ),
        Defect(
            "two promises too many are made in a row",
            _CREDITS,
            "plenty.eq(left > 2)",
            "plenty.eq(left > 1)",
        ),
        Defect(
            "a place that comes back with a promise is lost",
            _CREDITS,
            "left.eq(left - taken + back)",
            "left.eq(left - taken + (back & ~taken.replicate(2)))",
        ),
    )

    def build(self, h):
        m, depth = h.m, 6
        m.submodules.dut = dut = Credits(depth)
        h.drive(dut)
        used = Signal(range(depth + 3))
        m.d.sync += used.eq(used + dut.i_taken - dut.i_back)
        h.assume_if(dut.i_taken, dut.o_left)
        h.assume(dut.i_back <= used)
        h.check(used <= depth)
        free = Signal(range(depth + 1))
        m.d.comb += free.eq(depth - used)
        # All that happens is counted two clocks later.
        free_then, promised = h.past(h.past(free)), h.past(dut.i_taken)
        h.check_if(free_then >= 3, dut.o_left)
        h.check_if((free_then > h.past(promised)) & ~promised, dut.o_left)
        h.reach((used == depth) & h.past(dut.i_taken))
        h.reach(dut.i_taken & h.past(h.past(h.past(h.past(used == depth)))) & (used == depth - 1))


SIZE = shrunk(slots=4, sets=2, rx_slots=8, rx_reserved=1, reorder_slots=1)

LONGEST = 17
"""Clocks from taking an event until it is in `o_event`, at most."""

LONGEST_SHUT = 8
"""Clocks in which it takes none, at most."""


class InterlockDistance(Proof):
    pauses = False
    shows = (
        "Interlock: two events of one set enter exactly 6 clocks apart, or 9 or more; two of one"
        " place of the directory 9 or more; every event comes out once, unchanged, in order"
        " within its set and within its place; one clock after it was taken if nothing of its"
        " set or place is ahead (two if the one aside enters just then), else within 9 clocks if"
        " nobody is aside, within 17 if somebody is; `ready` is low only while"
        " somebody is aside, and for at most 8 clocks in a row"
    )
    config = "2 sets, 4 places; any events; watched: any one set, any one place"
    mode = "induction"
    depth = 4
    cover_depth = 28
    defect_depth = 26
    defects = (
        Defect(
            "an event 7 clocks ahead does not count",
            _INTERLOCK,
            "~Const(1 << (FORWARDED - 1), _SPAN)",
            "~Const(3 << (FORWARDED - 1), _SPAN)",
        ),
        Defect(
            "an event 8 clocks ahead does not count",
            _INTERLOCK,
            "(one.valid & _same(new, one)[number] for one in entered)",
            "(one.valid & _same(new, one)[number] for one in entered[:-1])",
        ),
        Defect(
            "places do not count",
            _INTERLOCK,
            "one.uses_place & other.uses_place & (one.place == other.place)",
            "Const(0, 1)",
        ),
        Defect(
            "one of the same set passes the one aside",
            _INTERLOCK,
            "door_full & ~leaves & ~self.i_pause & ~behind_set & ~behind_place & _may_enter(door_meets)",
            "door_full & ~leaves & ~self.i_pause & ~behind_place & _may_enter(door_meets)",
        ),
        Defect(
            "one of the same place passes the one aside",
            _INTERLOCK,
            "door_full & ~leaves & ~self.i_pause & ~behind_set & ~behind_place & _may_enter(door_meets)",
            "door_full & ~leaves & ~self.i_pause & ~behind_set & _may_enter(door_meets)",
        ),
        Defect(
            "the one aside is overwritten",
            _INTERLOCK,
            "aside.eq(door_full & ~room_full & ~_may_enter(door_meets))",
            "aside.eq(door_full & ~_may_enter(door_meets))",
        ),
        Defect(
            "nobody steps aside",
            _INTERLOCK,
            "aside.eq(door_full & ~room_full & ~_may_enter(door_meets))",
            "aside.eq(0)",
        ),
        Defect(
            "the next event comes into the word of the one that steps aside",
            _INTERLOCK,
            "goes_to.eq(at_door ^ aside)",
            "goes_to.eq(at_door)",
        ),
        Defect(
            "the word of the door goes out in the place of the one aside",
            _INTERLOCK,
            "out.eq(goes_to ^ leaves_next)",
            "out.eq(goes_to)",
        ),
        Defect(
            "the one at the door forgets the one that was aside in front of it",
            _INTERLOCK,
            "moved = Cat(leaves & behind, door_meets[kind])[:_SPAN]",
            "moved = Cat(Const(0, 1), door_meets[kind])[:_SPAN]",
        ),
    )

    def build(self, h):
        m = h.m
        dut = Interlock(SIZE)
        with harsh_memories(h, interlock, every=True) as memories:
            m.submodules.dut = parts = built(dut)
        h.drive(dut)
        h.streams(dut)
        out = dut.o_event
        row = h.constant(SIZE.row_bits, "row")
        place = h.constant(SIZE.reorder_bits, "place")

        def of_row(entry):
            return entry.row == row

        def of_place(entry):
            return entry.uses_place & (entry.place == place)

        signals = inner(parts)
        words, at_door = Array(memories[0].places), signals["at_door"]
        door, room = (View(dut.i_event.p.shape(), words[n]) for n in (at_door, ~at_door))
        for name, entry in (("door", door), ("room", room)):
            key = View(_key_layout(SIZE), signals[name])
            for member in key.shape().members:
                h.check_if(signals[f"{name}_full"], key[member] == entry[member])
        self.full = signals["door_full"], signals["room_full"]
        self.inside = door, room
        rows, places = (stages(h, out.valid & of(out.p), APART) for of in (of_row, of_place))
        h.check_if(rows[0], ~Cat(rows[n] for n in range(1, APART) if n != FORWARDED).any())
        h.check_if(places[0], ~Cat(places[1:APART]).any())
        self.states(h, dut, signals, (of_row, rows, "set"), (of_place, places, "place"))

        place_level, *_ = self.in_order(h, dut, of_place, places, "place")
        set_level, follows, leaves, starts, entry = self.in_order(h, dut, of_row, rows, "row")
        h.check_if(dut.i_pause & ~dut.o_leaves, ~out.valid)
        if self.pauses:
            h.reach(rows[0] & rows[FORWARDED] & h.past(dut.i_pause & ~dut.i_event.ready))
            return
        h.assume(~dut.i_pause)
        ahead = Cat(*rows[:-2]).any() | (set_level != 0)
        place_ahead = Cat(*places[:-2]).any() | (place_level != 0)
        alone = ~ahead & (~entry.uses_place | (of_place(entry) & ~place_ahead))
        age, shut = self.bounds(h, dut, follows, leaves, starts, alone)
        self.ages(h, signals, follows, age, shut)
        h.reach(rows[0] & rows[FORWARDED] & h.past(rows[0] | out.valid) & dut.o_aside.valid)

    def states(self, h, dut, signals, *watched):
        """What the registers of the interlock mean: helps the induction."""
        (door, room), (door_full, room_full) = self.inside, self.full
        meets = {name: View(_MEETS, signals[f"{name}_meets"]) for name in ("door", "room")}
        free = {}
        for name, met in meets.items():
            near = met.set & ~(1 << (FORWARDED - 1))
            free[name] = (near == 0) & (met.place == 0)
        h.check(signals["leaves"] == (room_full & free["room"]))
        h.check(dut.o_aside.valid == room_full)
        h.check_if(room_full, dut.o_aside.payload == room.row)
        both = door_full & room_full
        h.check(signals["behind_set"] == (both & (door.row == room.row)))
        same_place = door.uses_place & room.uses_place & (door.place == room.place)
        h.check(signals["behind_place"] == (both & same_place))
        for of, history, kind in watched:
            for name, entry, full in (("door", door, door_full), ("room", room, room_full)):
                h.check_if(full & of(entry), meets[name][kind] == Cat(history[1:APART]))
            for clocks in range(1, APART - 1):
                entered = View(_entered(dut), signals[f"entered{clocks}"])
                h.check((entered.valid & of(entered)) == history[clocks])

    def in_order(self, h, dut, of, history, name):
        """Events of the watched set or place come out in order, unchanged, once."""
        m, source = h.m, dut.i_event
        (door, room), (door_full, room_full) = self.inside, self.full
        pushes, pops = source.valid & source.ready & of(source.p), history[0]
        level, ahead = Signal(2, name=f"{name}_level"), Signal(name=f"{name}_ahead")
        follows, entry = Signal(name=f"{name}_follows"), Signal(source.p.shape(), name=name)
        starts, leaves = Signal(), Signal()
        m.d.comb += [
            starts.eq(h.free(1, "follow") & pushes & ~follows),
            leaves.eq(follows & pops & ~ahead),
        ]
        m.d.sync += level.eq(level + pushes - pops)
        with m.If(starts):
            m.d.sync += [follows.eq(1), entry.eq(source.p), ahead.eq(level != pops)]
        with m.Elif(follows & pops):
            m.d.sync += [ahead.eq(0), follows.eq(ahead)]
        h.check_if(pops, level != 0)
        h.check_if(leaves, dut.o_event.payload.as_value() == entry.as_value())
        # Helps the induction: where the events are.
        in_door, in_room = door_full & of(door), room_full & of(room)
        h.check(level == in_door + in_room)
        h.check_if(follows, ahead < level)
        first = ~ahead & in_room
        self.followed_in_door = ~first
        where = Mux(first, room.as_value(), door.as_value())
        h.check_if(follows, where == entry.as_value())
        return level, follows, leaves, starts, source.p

    def bounds(self, h, dut, follows, leaves, starts, alone):
        """How long the event takes that is followed, and how long the door is shut."""
        m, out = h.m, dut.o_event
        self.held = Signal(5)  # clocks in which it waited for the one aside
        age, was_alone, was_free = Signal(range(LONGEST + 3)), Signal(), Signal()
        free = Signal()
        m.d.comb += free.eq(Mux(age == 1, ~dut.o_aside.valid, was_free))
        m.d.sync += [age.eq(Mux(starts, 1, age + follows)), was_free.eq(free)]
        with m.If(starts):
            m.d.sync += was_alone.eq(alone)
        h.check_if(follows, (age >= 1) & (age <= LONGEST))
        h.check_if(follows & free, age <= APART)
        others = dut.o_aside.valid & out.valid
        h.check_if(follows & was_alone & (age == 1), leaves | others)
        h.check_if(follows & was_alone, age <= 2)
        shut = Signal(5)
        m.d.sync += shut.eq(Mux(dut.i_event.ready, 0, shut + 1))
        h.check(shut <= LONGEST_SHUT)
        h.check(dut.i_event.ready | dut.o_aside.valid)
        h.reach(leaves & (age == LONGEST))
        h.reach(leaves & free & (age == APART))
        h.reach(leaves & was_alone & (age == 2))
        h.reach(shut == LONGEST_SHUT)
        h.check_if(follows & free, self.held == 0)
        return age, shut

    def ages(self, h, signals, follows, age, shut):
        """What an event met entered before it was taken, or before it was free to go: helps the
        induction."""
        door_full, room_full = self.full
        met = {name: View(_MEETS, signals[f"{name}_meets"]) for name in ("door", "room")}
        either = {name: meets.set | meets.place for name, meets in met.items()}

        def younger(meets, clocks):
            """Something that entered less than so many clocks ago."""
            return meets & ((1 << clocks) - 1)[: len(meets)]

        in_door = self.followed_in_door
        behind = signals["behind_set"] | signals["behind_place"]
        waits = follows & in_door & behind
        h.m.d.sync += self.held.eq(Mux(follows, self.held + waits, 0))
        h.check_if(follows & in_door, door_full)
        h.check_if(follows & in_door & room_full, younger(either["room"], age[:4]) == 0)
        since = Signal.like(age)
        h.m.d.comb += since.eq(age - self.held - 1)
        h.check_if(follows, (self.held < age) & (self.held <= APART - 1))
        h.check_if(waits, since == 0)
        own = Mux(in_door, either["door"], either["room"])
        h.check_if(follows & ~waits, (since < APART) & (younger(own, since[:4]) == 0))
        h.check_if(shut != 0, door_full)
        h.check_if(door_full & room_full, younger(either["room"], (shut + 1)[:4]) == 0)


class InterlockPauses(InterlockDistance):
    shows = (
        "Interlock whose door is told to pause, in any clocks: the distances, and the order within"
        " a set and a place, are the same; nothing enters from the door in such a clock"
    )
    pauses = True
    defects = (
        Defect("the door does not pause", _INTERLOCK, "& ~self.i_pause", ""),
        *InterlockDistance.defects[:3],
    )


def _entered(dut):
    members = dut.i_event.p.shape().members
    return data.StructLayout(
        {"valid": 1, **{name: members[name] for name in ("row", "uses_place", "place")}}
    )
