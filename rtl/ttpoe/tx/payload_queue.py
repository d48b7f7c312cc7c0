"""`PayloadQueue`: PAYLOAD frames that wait for the wire, and die if their slot is freed.

Source: section 3 of the protocol (an acknowledged slot is not sent again; go-back-N sends from the
oldest on) and the free events of Q3 (`slot_free_layout`).
"""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import event_signature, payload_frame_layout, slot_free_layout
from ..memory.protected import ERRORS, errors_of, protected_memory, report

__all__ = ["PayloadQueue", "kills"]


def kills(i_free, slot, lid):
    """The free event `i_free` is there and ends a PAYLOAD of `lid` that would read `slot`."""
    free = i_free.payload
    return i_free.valid & Mux(free.whole_link, free.lid == lid, free.head == slot)


class PayloadQueue(wiring.Component):
    """A queue of `payload_depth` entries, any of which may be killed while it waits.

    Members
    -------
    i : stream of `payload_frame_layout`
        Entries. `ready` is low only when the queue is full.
    i_free : event `slot_free_layout`
        With `whole_link` it kills every entry of the link `lid`, otherwise every entry whose slot
        is `head`. An entry that comes in the same clock is older than the free event and is
        killed too.
    i_withdraw : event lid_bits
        Kills every entry of that link that came in an earlier clock: they go out later, in order;
        the one that comes in this clock is the first of them.
    o : stream of `payload_frame_layout`
        The oldest entry that was alive when it got there.
    o_dead : Out(1)
        The entry on `o` was killed while it was held up there. It counts while `o.valid`, may
        rise (never fall) while `o` waits, and is no part of the stream, whose payload is stable
        and whose `valid` stays. Who takes an entry with `o_dead` must drop it.
    o_left : Out(1)
        One-clock pulse, in the clock after an entry was taken or skipped: one credit.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    A free event in the very clock in which an entry is taken comes too late here. Who takes an
    entry watches `i_free` from that clock on, and reports the slot as being read (`o_reading`
    of `SlotReader`) from the next clock on, which keeps a freed slot from being overwritten.

    Timing
    ------
    An entry that comes in clock t is on `o` in clock t + 1 if the queue was empty. One entry in
    and one out per clock; skipping a dead entry takes one clock.

    Reset: empty.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(payload_frame_layout(config))),
                "i_free": In(event_signature(slot_free_layout(config))),
                "i_withdraw": In(event_signature(config.lid_bits)),
                "o": Out(stream.Signature(payload_frame_layout(config))),
                "o_dead": Out(1),
                "o_left": Out(1),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, depth = self._config, self._config.payload_depth
        # The bits that a free event is compared with lie in registers, the others in LUT RAM.
        m.submodules.frame_memory = frame_memory = protected_memory(
            config.protect, shape=payload_frame_layout(config), depth=depth, init=[]
        )
        write = frame_memory.write_port()
        read = frame_memory.read_port(domain="comb")
        slots = Array(Signal(config.slot_bits, name=f"slot{n}") for n in range(depth))
        lids = Array(Signal(config.lid_bits, name=f"lid{n}") for n in range(depth))
        dead = Signal(depth)

        # One bit more than an index: equal pointers are an empty queue.
        head, tail = (Signal(ceil_log2(depth) + 1, name=name) for name in ("head", "tail"))
        head_index, tail_index = head[:-1], tail[:-1]
        filled = Signal()
        held = Signal()  # the entry on `o` was offered before, so it must stay
        skipped = Signal()
        taken = Signal()
        m.d.comb += [
            filled.eq(head != tail),
            self.i.ready.eq(~((head_index == tail_index) & (head[-1] != tail[-1]))),
            read.addr.eq(head_index),
            self.o.payload.eq(read.data),
            self.o.payload.slot.eq(slots[head_index]),
            self.o.payload.lid.eq(lids[head_index]),
            self.o_dead.eq(dead.bit_select(head_index, 1)),
            self.o.valid.eq(filled & (~self.o_dead | held)),
            skipped.eq(filled & self.o_dead & ~held),
            taken.eq(self.o.valid & self.o.ready),
            write.en.eq(self.i.valid & self.i.ready),
            write.addr.eq(tail_index),
            write.data.eq(self.i.payload),
        ]
        report(m, config.protect, self.o_errors, errors_of(read, taken))
        m.d.sync += [
            held.eq(self.o.valid & ~self.o.ready),
            self.o_left.eq(taken | skipped),
            head.eq(head + (taken | skipped)),
        ]

        m.d.sync += dead.eq(
            dead
            | Cat(
                kills(self.i_free, slots[n], lids[n])
                | (self.i_withdraw.valid & (self.i_withdraw.payload == lids[n]))
                for n in range(depth)
            )
        )
        with m.If(write.en):
            m.d.sync += [
                tail.eq(tail + 1),
                slots[tail_index].eq(self.i.payload.slot),
                lids[tail_index].eq(self.i.payload.lid),
                dead.bit_select(tail_index, 1).eq(
                    kills(self.i_free, self.i.payload.slot, self.i.payload.lid)
                ),
            ]
        return m
