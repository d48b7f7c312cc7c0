"""`SlotLists`: which replay slot follows which, and which slots are free.

Source: section 5.2 of the protocol. All lists live in one narrow memory, `next[slot]`.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature, reading_layout, slot_append_layout, slot_free_layout
from ..memory.protected import (
    COLLISION_UNDEFINED,
    ERRORS,
    errors_of,
    protected_fifo,
    protected_memory,
    ram_style,
    report,
)
from ..memory.read_port import ReadPort

__all__ = ["SlotLists", "successor_port"]


def successor_port(config):
    """Reads which slot follows a slot in its list."""
    return ReadPort(config.slot_bits, config.slot_bits)


class SlotLists(wiring.Component):
    """The `next` memory of the replay slots, and the list of the free ones.

    A link's slots are a linked list whose ends lie in its tag; the free slots are one more list
    in the same memory, whose ends lie here. A whole chain is therefore freed in one clock, by
    one write that hangs it behind the youngest free slot.

    Members
    -------
    successor : In(successor_port)
        `next[slot]`; undefined for the last slot of a list, and if it is written in this clock:
        what the pipeline reads was written at least a clock before, for events of one link
        keep a distance.
    walk : In(successor_port)
        The same for the `Replayer`, which walks along a list.
    run : In(successor_port)
        The same for the `Retirer`, through the same port of the memory: it is not read in a clock
        in which `walk.en` is high.
    i_append : event `slot_append_layout`
        `next[tail] := slot`.
    i_free : event `slot_free_layout`
        The chain `head` to `tail` of `count` slots, already linked, becomes free.
    i_reading : In(reading_layout)
        The slot from which a frame is being read at this moment. It is not handed out, even if
        it is free already: the host would overwrite it under the reader.
    o_slot : stream of slot_bits
        A free slot; the taker owns it from then on.
    o_free_count : Out(count_bits)
        Free slots, the one offered included.
    o_ready : Out(1)
        The initialisation sweep is over. No event may come before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Rules for the driver: never `i_append` and `i_free` in one clock (one event leaves the
    pipeline per clock); a freed chain holds allocated slots only.

    Timing
    ------
    `o_slot` gives one slot in two clocks, and two in a row after a pause. A slot freed while none
    is left is offered two clocks after `i_free`: two slots at most are taken from the list in
    advance, so that `ready` ends in this stock (it comes late). `valid` and `o_free_count` depend
    on registers alone. A slot goes into the stock in one clock; in the next one its successor has
    been read, straight into the register of the list's head.

    No slot is offered or overwritten while it is being read. `i_reading` comes to name a slot
    only by taking a queued PAYLOAD that no free event of an earlier clock has killed. If that
    slot is freed in the very clock of the taking, `i_reading` names it in the next clock, the
    first in which it can be the list's head, where it then waits until it is read. A slot that
    is in the stock already has no queued PAYLOAD left that could start reading it; so the guard
    is needed at the head only, and what is offered stays offered.

    Reset
    -----
    A sweep writes `next[i] = i + 1`, one slot per clock, `slots` clocks; then all slots are free
    and `o_ready` rises.
    """

    def __init__(self, config):
        self._config = config
        slot = config.slot_bits
        super().__init__(
            {
                "successor": In(successor_port(config)),
                "walk": In(successor_port(config)),
                "run": In(successor_port(config)),
                "i_append": In(event_signature(slot_append_layout(config))),
                "i_free": In(event_signature(slot_free_layout(config))),
                "i_reading": In(reading_layout(config)),
                "o_slot": Out(stream.Signature(slot)),
                "o_free_count": Out(config.count_bits),
                "o_ready": Out(1),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config

        m.submodules.next_memory = next_memory = protected_memory(
            config.protect,
            shape=config.slot_bits,
            depth=config.slots,
            init=[],
            attrs={"ram_style": ram_style(config.slots), **COLLISION_UNDEFINED},
        )
        write = next_memory.write_port()
        link_read, free_read, walk_read = (next_memory.read_port() for _ in range(3))

        m.d.comb += [
            link_read.addr.eq(self.successor.addr),
            link_read.en.eq(self.successor.en),
            self.successor.data.eq(link_read.data),
            walk_read.addr.eq(Mux(self.walk.en, self.walk.addr, self.run.addr)),
            walk_read.en.eq(self.walk.en | self.run.en),
            self.walk.data.eq(walk_read.data),
            self.run.data.eq(walk_read.data),
        ]

        head = Signal(config.slot_bits)
        tail = Signal(config.slot_bits, init=config.slots - 1)
        count = Signal(config.count_bits, init=config.slots)  # in the list, from `head` on
        advance = Signal()  # `head` was taken in the clock before, and another slot follows it
        sweep = Signal(config.slot_bits)
        freed = self.i_free.payload
        taken = Signal()  # from the list into the stock
        empty = Signal()  # there is no list

        m.submodules.stock = stock = protected_fifo(
            config.protect, fifo.SyncFIFO, width=config.slot_bits, depth=2
        )
        report(
            m,
            config.protect,
            self.o_errors,
            errors_of(stock),
            errors_of(link_read, self.successor.used),
            errors_of(walk_read, self.walk.used | self.run.used),
            errors_of(free_read, advance),
        )
        m.d.comb += [
            stock.w_data.eq(head),
            stock.w_en.eq(
                self.o_ready
                & (count != 0)
                & ~advance
                & ~(self.i_reading.valid & (self.i_reading.slot == head))
                # The last one waits for the splice behind it: else what is written would hang on
                # whether it is being read.
                & ~(self.i_free.valid & (count == 1))
            ),
            taken.eq(stock.w_en & stock.w_rdy),
            self.o_slot.payload.eq(stock.r_data),
            self.o_slot.valid.eq(stock.r_rdy),
            stock.r_en.eq(self.o_slot.ready),
            empty.eq(count == 0),
            # No count of its own: `ready` comes too late for one.
            self.o_free_count.eq(Mux(self.o_ready, count + stock.level, 0)),
            free_read.addr.eq(head),
            free_read.en.eq(1),
        ]
        comes = self.i_free.valid.replicate(config.count_bits) & freed.count
        m.d.sync += advance.eq(taken & (count != 1))
        # `taken` comes late: it chooses between two sums.
        stays, falls = Signal.like(count), Signal.like(count)
        m.d.comb += [stays.eq(count + comes), falls.eq(count - 1 + comes)]
        m.d.sync += count.eq(Mux(taken, falls, stays))
        # A splice behind the last slot was read at the latest in the clock in which it is taken.
        with m.If(advance):
            m.d.sync += head.eq(free_read.data)
        with m.Elif(self.i_free.valid & empty):
            m.d.sync += head.eq(freed.head)
        with m.If(self.i_free.valid):
            m.d.sync += tail.eq(freed.tail)

        with m.If(~self.o_ready):
            m.d.comb += [write.en.eq(1), write.addr.eq(sweep), write.data.eq(sweep + 1)]
            m.d.sync += sweep.eq(sweep + 1)
            with m.If(sweep == config.slots - 1):
                m.d.sync += self.o_ready.eq(1)
        with m.Elif(self.i_append.valid):
            m.d.comb += [
                write.en.eq(1),
                write.addr.eq(self.i_append.payload.tail),
                write.data.eq(self.i_append.payload.slot),
            ]
        with m.Elif(self.i_free.valid & ~empty):
            # The tail of an empty list may belong to a link by now: it is not written then.
            m.d.comb += [write.en.eq(1), write.addr.eq(tail), write.data.eq(freed.head)]

        return m
