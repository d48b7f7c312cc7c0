"""`Interlock`: two events of one set keep their distance; all others enter one per clock.

The last clock of Q0 (protocol section 5.1, claims S4 and S7). What an event decides is known seven
clocks after its tag's address was presented, so the next event of the same set must not come too
close behind it. How close, the memories say: in the link table exactly `FORWARDED` clocks behind,
or `APART` or more (`ttpoe.memory.forwarded`); in the directory of kept packets, which forwards
nothing, `APART` or more.

An event that is too early steps aside, into the one place of the waiting room, and those behind
it go on. It enters as soon as it may. One of the same set that comes while it waits stays where
it is, and holds up those behind it, until the waiting room is free.

The events themselves do not move. They lie in two words, and who is at the door and who is aside
says which word is whose.
"""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..memory.forwarded import APART, FORWARDED
from ..memory.protected import protected_memory
from .records import entry_layout

__all__ = ["Interlock"]

_SPAN = APART - 1  # clocks in which an older event still counts
_MEETS = data.StructLayout({"set": _SPAN, "place": _SPAN})
"""What an event meets: bit n tells of the one that entered n + 1 clocks ago, whether it is of the
same set, and whether it concerns the same place of the directory."""


def _may_enter(meets):
    """Nothing is ahead, or only one of the same set, just so far that its change is forwarded."""
    return ~Cat(meets.set & ~Const(1 << (FORWARDED - 1), _SPAN), meets.place).any()


def _key_layout(config):
    """What of an event is compared with that of others."""
    members = entry_layout(config).members
    return data.StructLayout({name: members[name] for name in ("row", "uses_place", "place")})


def _same(one, other):
    """(of the same set, of the same place of the directory)"""
    return one.row == other.row, one.uses_place & other.uses_place & (one.place == other.place)


class Interlock(wiring.Component):
    """Lets events of Q0 into Q1.

    Members
    -------
    i_event : In(stream of entry)
        Events as Q0 chose them. `ready` depends on registers only.
    o_event : Out(event of entry)
        The event that presents its addresses in this clock, from registers through one LUT.
    o_aside : Out(event of row)
        An event waits aside: its row. Q0 does better to choose others.
    i_pause : In(1)
        The event at the door does not enter in this clock. One that waits aside may.
    o_leaves : Out(1)
        The event that waited aside enters in this clock; from a register. While it is low and
        `i_pause` is high, `o_event.valid` is low.

    Timing: an event is in `o_event` one clock after it was taken, if nothing of its set (or place
    of the directory) is ahead of it; two if the one aside enters just then. Else within `APART` = 9
    clocks if nobody is aside, and within 17 if somebody is; `i_pause` puts its clocks on top. `ready` is
    low for 8 clocks at most.
    Nobody overtakes an event of the same set or place (`ttpoe formal enter.interlock_distance`).

    Reset: nothing waits, nothing is ahead.
    """

    def __init__(self, config):
        self._config = config
        entry = entry_layout(config)
        super().__init__(
            {
                "i_event": In(stream.Signature(entry)),
                "o_event": Out(event_signature(entry)),
                "o_aside": Out(event_signature(config.row_bits)),
                "i_pause": In(1),
                "o_leaves": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        key = _key_layout(self._config)
        taken = self.i_event.valid & self.i_event.ready
        # One assignment each: it names them in waveforms and proofs.
        door = Signal(key)
        door_full = Signal()
        room = Signal(key)
        room_full = Signal()
        door_meets = Signal(_MEETS)
        room_meets = Signal(_MEETS)
        behind_set = Signal()  # the one at the door, of the one aside
        behind_place = Signal()
        enters, aside = Signal(), Signal()  # the one at the door does
        leaves = Signal()  # the one aside enters

        m.d.comb += [
            enters.eq(
                door_full
                & ~leaves
                & ~self.i_pause
                & ~behind_set
                & ~behind_place
                & _may_enter(door_meets)
            ),
            aside.eq(door_full & ~room_full & ~_may_enter(door_meets)),
            self.i_event.ready.eq(~door_full | enters | aside),
            self.o_event.valid.eq(leaves | enters),
            self.o_aside.valid.eq(room_full),
            self.o_aside.payload.eq(room.row),
            self.o_leaves.eq(leaves),
        ]
        m.d.sync += door_full.eq(taken | (door_full & ~enters & ~aside))
        with m.If(self.i_event.ready):
            m.d.sync += [door[name].eq(self.i_event.payload[name]) for name in key.members]

        # Who entered in the last clocks.
        entered = [
            Signal(data.StructLayout({"valid": 1, **key.members}), name=f"entered{clocks}")
            for clocks in range(1, _SPAN)
        ]
        m.d.sync += [
            entered[0].valid.eq(self.o_event.valid),
            *(entered[0][name].eq(self.o_event.payload[name]) for name in key.members),
            *(after.eq(before) for before, after in zip(entered, entered[1:])),
        ]

        # What the one at the door meets: a new one is compared with all, an old one's moves on.
        new, stays = self.i_event.payload, door_full & ~enters & ~aside
        with_door, with_room = _same(new, door), _same(new, room)
        for number, (kind, behind) in enumerate((("set", behind_set), ("place", behind_place))):
            now = (enters & with_door[number]) | (leaves & with_room[number])
            met = Cat(now, *(one.valid & _same(new, one)[number] for one in entered))
            moved = Cat(leaves & behind, door_meets[kind])[:_SPAN]
            waits = (aside & with_door[number]) | (room_full & ~leaves & with_room[number])
            m.d.sync += [
                door_meets[kind].eq(Mux(stays, moved, met)),
                behind.eq(Mux(stays, behind & ~leaves, waits & taken)),
            ]

        # The one aside: nothing that it would meet enters while it waits.
        kept = room_full & ~leaves
        later = Signal(_MEETS)
        for kind in ("set", "place"):
            m.d.comb += later[kind].eq(Mux(aside, door_meets[kind], room_meets[kind]) << 1)
        leaves_next = Signal()
        m.d.comb += leaves_next.eq((aside | kept) & _may_enter(later))
        m.d.sync += [room_full.eq(aside | kept), room_meets.eq(later), leaves.eq(leaves_next)]
        with m.If(aside):
            m.d.sync += room.eq(door)
        self._words(m, aside, leaves_next)
        return m

    def _words(self, m, aside, leaves_next):
        """The two events: one word is that of the door, the other one that of the waiting room.

        LUT RAM costs no multiplexer. Where memories have check bits the words are registers, as in
        the other stages: a word that is read a clock or two after it was written is not worth them.
        """
        entry = entry_layout(self._config)
        at_door = Signal()  # the word of the one at the door
        goes_to = Signal()  # that of the next one
        out = Signal()  # that on `o_event`
        m.d.comb += goes_to.eq(at_door ^ aside)
        m.d.sync += [at_door.eq(goes_to), out.eq(goes_to ^ leaves_next)]
        if self._config.protect != "none":
            words = [Signal(entry, name=f"word{n}") for n in range(2)]
            for n, word in enumerate(words):
                with m.If(self.i_event.ready & (goes_to == n)):
                    m.d.sync += word.eq(self.i_event.payload)
            m.d.comb += self.o_event.payload.eq(Mux(out, words[1], words[0]))
            return
        m.submodules.words = words = protected_memory(
            "none", shape=entry, depth=2, init=[], attrs={"ram_style": "distributed"}
        )
        write, read = words.write_port(), words.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(self.i_event.ready),
            write.addr.eq(goes_to),
            write.data.eq(self.i_event.payload),
            read.addr.eq(out),
            self.o_event.payload.eq(read.data),
        ]
