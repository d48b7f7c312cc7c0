"""`PayloadQueue`: PAYLOAD frames that wait for the wire, and die if their slot is freed.

Source: section 3 of the protocol (an acknowledged slot is not sent again; go-back-N sends from the
oldest on) and the free events of Q3 (`slot_free_layout`).
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import event_signature, payload_frame_layout, slot_free_layout
from ..memory.protected import ERRORS, errors_of, protected_memory, report
from ..protocol import FIELDS
from ..replay.memory import length_port
from .datagram import LEAST_PADDED, is_short, with_carry

__all__ = ["PayloadQueue", "length_beat"]

_DATAGRAM = {"i_sum": In(16), "i_far": In(1), "o_far": Out(1), "o_checksum": Out(16)}

_MEASURING = 3
"""Clocks from the one in which an entry comes to the first in which its length is there."""


def length_beat(config):
    """The first beat of a frame that needs the payload's length."""
    return min(FIELDS["total_length"].offset // config.width_bytes, _MEASURING - 1)


class PayloadQueue(wiring.Component):
    """A queue of `payload_depth` entries, any of which may be killed while it waits.

    An entry's slot is handed to the reader of its words (`o_slot`) as soon as it comes, and its
    length is read from `ReplayMemory`. The entry itself stays here until its frame is started.

    Members
    -------
    i : stream of `payload_frame_layout`
        Entries. `ready` is low only when the queue is full.
    i_free : event `slot_free_layout`
        With `whole_link` it kills every entry of the link `lid`, otherwise every entry whose slot
        is `head`. An entry that comes in the same clock is older than the free event and is
        killed too.
    i_passed : event slot_bits
        Kills every entry with this slot, whose PAYLOAD is acknowledged. Never with an entry that
        comes and has it.
    i_withdraw : event lid_bits
        Kills every entry of that link that came in an earlier clock: they go out later, in order;
        the one that comes in this clock is the first of them. If `i_free` comes in the same clock
        it is of the same link.
    o : stream of `payload_frame_layout`
        The oldest entry, as soon as its length is there in time for a frame that is started
        now, and its slot was taken from `o_slot`.
    o_dead : Out(1)
        The oldest entry was killed, in an earlier clock. Not to be taken then, but dropped.
    o_waits : Out(1)
        There is an oldest entry; `o_dead` counts.
    i_drop : In(1)
        Drops the oldest entry; only while `o_dead & o_waits`, and not with `o.ready`. What was
        taken from `o_slot` counts no more; it goes on with the entry behind the one dropped.
    o_length : Out(11)
        Bytes of the entry taken last, `length_beat` clocks after it was taken and later; if that
        is 0, of the one on `o`. The next entry is not taken sooner: frames are longer.
    i_sum : In(16), i_far : In(1), o_far : Out(1), o_checksum : Out(16)
        With `Config.ipv4`: of the entry on `i` what `HeaderSum` says, and whether its frame goes to
        the router; that of the entry on `o`; and the IPv4 header's checksum, with `o_length`.
    o_slot : stream of slot_bits
        The slot of the next entry that is to be read, in the clock in which it comes or later.
    i_unsure : In(1), o_known : Out(1), o_words : Out(11)
        `o_words` are the bytes of the entry offered on `o_slot`, or with `i_unsure` of the one
        taken from there last; `o_known`: they are there.
    length : Out(length_port)
        Read port of `ReplayMemory`, its address from registers.
    o_left : Out(1)
        One-clock pulse, in the clock after an entry was taken or dropped: one credit.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    A free event in the very clock in which an entry is taken comes too late here. Who takes an
    entry reports the slot as being read (`reading_layout`) from the next clock on, which keeps a
    freed slot from being overwritten.

    Timing
    ------
    An entry that comes in clock t into an empty queue is on `o_slot` in t, its length is there in
    t + 3, and it is on `o` in t + 3 - `length_beat`: t + 1 at 64 bits, t + 2 at 128, t + 3 above.
    One entry in and one out per clock; dropping a dead entry takes one clock.

    Reset: empty.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(payload_frame_layout(config))),
                "i_free": In(event_signature(slot_free_layout(config))),
                "i_passed": In(event_signature(config.slot_bits)),
                "i_withdraw": In(event_signature(config.lid_bits)),
                "o": Out(stream.Signature(payload_frame_layout(config))),
                "o_dead": Out(1),
                "o_waits": Out(1),
                "i_drop": In(1),
                "o_length": Out(11),
                "o_slot": Out(stream.Signature(config.slot_bits)),
                "i_unsure": In(1),
                "o_known": Out(1),
                "o_words": Out(11),
                "length": Out(length_port(config)),
                "o_left": Out(1),
                "o_errors": Out(ERRORS),
                **(_DATAGRAM if config.ipv4 else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        # More bits than an index: equal pointers are an empty queue, and it is seen which of two
        # is ahead, by at most the depth, or behind, by at most `_MEASURING`.
        self._index_bits = ceil_log2(config.payload_depth)
        bits = max(self._index_bits + 1, ceil_log2(config.payload_depth + _MEASURING))
        self._head, self._tail, self._next, self._place, self._behind_head = (
            Signal(bits, name=name) for name in ("head", "tail", "next", "place", "behind_head")
        )
        self._push, self._leaves = Signal(), Signal()
        same_index = self._head[: self._index_bits] == self._tail[: self._index_bits]
        m.d.comb += [
            self._behind_head.eq(self._head + 1),
            self.i.ready.eq(~same_index | (self._head == self._tail)),
            self._push.eq(self.i.valid & self.i.ready),
            self._leaves.eq((self.o.valid & self.o.ready) | self.i_drop),
        ]
        m.d.sync += [self.o_left.eq(self._leaves), self._tail.eq(self._tail + self._push)]
        with m.If(self._leaves):
            m.d.sync += self._head.eq(self._behind_head)
        report(m, config.protect, self.o_errors, self._oldest(m), self._slots(m), *self._lengths(m))
        self._kill(m)
        return m

    def _memory(self, shape):
        return protected_memory(
            self._config.protect, shape=shape, depth=self._config.payload_depth, init=[]
        )

    def _oldest(self, m):
        """The entry on `o`. Whether there is one is a register: much depends on it."""
        head, tail, leaves = self._head, self._tail, self._leaves
        ipv4, frame = self._config.ipv4, payload_frame_layout(self._config)
        shape = data.StructLayout({"frame": frame, "far": 1}) if ipv4 else frame
        m.submodules.frame_memory = frames = self._memory(shape)
        write, read = frames.write_port(), frames.read_port(domain="comb")
        stored, shown = write.data, read.data
        if ipv4:
            stored, shown = stored.frame, shown.frame
            m.d.comb += [write.data.far.eq(self.i_far), self.o_far.eq(read.data.far)]
        read_up_to = Signal()
        m.d.comb += [
            write.en.eq(self._push),
            write.addr.eq(self._tail),
            stored.eq(self.i.payload),
            read.addr.eq(head),
            self.o.payload.eq(shown),
            self.o.valid.eq(self.o_waits & read_up_to),
        ]
        # Whether there is one, seen so long behind its coming that its length is there in time.
        beat = length_beat(self._config)
        brings = self._push if beat == 2 else 0
        newest = tail if beat else self._place
        m.d.sync += [
            self.o_waits.eq(brings | Mux(leaves, newest != self._behind_head, newest != head)),
            read_up_to.eq(
                ~self.i_drop
                & (
                    (self.o_slot.valid & self.o_slot.ready)
                    | Mux(leaves, self._next != self._behind_head, self._next != head)
                )
            ),
        ]
        return errors_of(read, self.o.valid & self.o.ready)

    def _slots(self, m):
        """The slots that the reader takes, an entry that is just coming included."""
        m.submodules.slot_memory = slots = self._memory(self._config.slot_bits)
        write, read = slots.write_port(), slots.read_port(domain="comb")
        behind = Signal()
        taken = Signal()
        m.d.comb += [
            write.en.eq(self._push),
            write.addr.eq(self._tail),
            write.data.eq(self.i.payload.slot),
            read.addr.eq(self._next),
            behind.eq(self._next != self._tail),
            self.o_slot.valid.eq(behind | self._push),
            self.o_slot.payload.eq(Mux(behind, read.data, self.i.payload.slot)),
            taken.eq(self.o_slot.valid & self.o_slot.ready),
        ]
        with m.If(self.i_drop):
            m.d.sync += self._next.eq(self._behind_head)
        with m.Elif(taken):
            m.d.sync += self._next.eq(self._next + 1)
        return errors_of(read, taken & behind)

    def _lengths(self, m):
        """Each entry's length is read when it comes, and lies beside it from then on."""
        m.submodules.length_memory = lengths = self._memory(11)
        write = lengths.write_port()
        sent_read, slot_read = (lengths.read_port(domain="comb") for _ in range(2))
        addressed, there = Signal(), Signal()  # its address is, its length is at the memory
        measured = Signal.like(self._tail)  # in front of this entry lengths are there
        sent, asked = Signal.like(self._head), Signal.like(self._head)
        read_at = sent if length_beat(self._config) else self._head
        last = Signal.like(self._next)  # the entry taken from `o_slot` last
        m.d.sync += [
            self.length.addr.eq(self.i.payload.slot),
            addressed.eq(self._push),
            there.eq(addressed),
            self._place.eq(self._tail),
            measured.eq(self._place),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += sent.eq(self._head)
        with m.If(self.o_slot.valid & self.o_slot.ready):
            m.d.sync += last.eq(self._next)
        m.d.comb += [
            self.length.en.eq(1),
            self.length.used.eq(there),
            write.en.eq(there),
            write.addr.eq(measured),
            write.data.eq(self.length.data),
            sent_read.addr.eq(read_at),
            self.o_length.eq(sent_read.data),
            asked.eq(Mux(self.i_unsure, last, self._next)),
            slot_read.addr.eq(asked),
            self.o_words.eq(slot_read.data),
            # Negative, or 0: that entry came too short a time ago.
            self.o_known.eq(~(measured - asked - 1)[len(asked) - 1]),
        ]
        used = self.o.valid & self.o.ready
        for _ in range(length_beat(self._config)):
            now = used
            used = Signal(name="used")
            m.d.sync += used.eq(now)
        asks = self.i_unsure | (self.o_slot.valid & self.o_slot.ready)
        found = [errors_of(sent_read, used), errors_of(slot_read, self.o_known & asks)]
        if self._config.ipv4:
            found.append(errors_of(self._checksums(m, there, measured, read_at), used))
        return found

    def _checksums(self, m, there, measured, read_at):
        """Each entry's sum is ready when its length comes, and lies beside that with it added.

        The carry of that is left for the clock in which it is read: lengths come late.
        """
        m.submodules.sum_memory = sums = self._memory(17)
        write, read = sums.write_port(), sums.read_port(domain="comb")
        came, meets, of_short = Signal(16), Signal(16), Signal(17)
        length = self.length.data
        m.d.sync += [came.eq(self.i_sum), meets.eq(came), of_short.eq(came + LEAST_PADDED)]
        m.d.comb += [
            write.en.eq(there),
            write.addr.eq(measured),
            write.data.eq(Mux(is_short(length), of_short, meets + length)),
            read.addr.eq(read_at),
            self.o_checksum.eq(~with_carry(read.data)),
        ]
        return read

    def _kill(self, m):
        """What a free event is compared with lies in registers, not in LUT RAM."""
        depth, free, withdrawn = self._config.payload_depth, self.i_free.payload, self.i_withdraw
        dead, dead_next, oldest = Signal(depth), Signal(depth), Signal(depth, init=1)
        lid, of_link, of_slot = Signal(self._config.lid_bits), Signal(), Signal()
        tail = self._tail[: self._index_bits]
        m.d.comb += [
            lid.eq(Mux(withdrawn.valid, withdrawn.payload, free.lid)),
            of_link.eq(withdrawn.valid | (self.i_free.valid & free.whole_link)),
            of_slot.eq(self.i_free.valid & ~free.whole_link),
        ]
        with m.If(self._leaves):
            m.d.sync += oldest.eq(oldest.rotate_left(1))
        comes = self.i.payload
        comes_dead = self.i_free.valid & Mux(
            free.whole_link, free.lid == comes.lid, free.head == comes.slot
        )
        for n in range(depth):
            slot = Signal(self._config.slot_bits, name=f"slot{n}")
            lid_here = Signal(self._config.lid_bits, name=f"lid{n}")
            is_killed = (
                (of_link & (lid_here == lid))
                | (of_slot & (slot == free.head))
                | (self.i_passed.valid & (slot == self.i_passed.payload))
            )
            comes_here = self._push & (tail == n)
            with m.If(comes_here):
                m.d.sync += [slot.eq(comes.slot), lid_here.eq(comes.lid)]
            m.d.comb += dead_next[n].eq(Mux(comes_here, comes_dead, dead[n] | is_killed))
        # A clock ahead, for what is killed lies elsewhere; and whether the oldest one leaves, which
        # comes late, chooses behind a register.
        left, was_oldest, was_behind = Signal(), Signal(), Signal()
        m.d.sync += [
            dead.eq(dead_next),
            left.eq(self._leaves),
            was_oldest.eq((dead_next & oldest).any()),
            was_behind.eq((dead_next & oldest.rotate_left(1)).any()),
        ]
        m.d.comb += self.o_dead.eq(Mux(left, was_behind, was_oldest))
