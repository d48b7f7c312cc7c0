"""One VC's delivery: payloads wait in order, are read beat by beat, and go to the host.

Source: section 7 (RX buffered per VC, node and ID beside the bytes), section 9 (latency).
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import event_signature, host_rx_layout
from ..memory.protected import ERRORS, errors_of, protected_fifo, report, restored
from .memory import beat_count_layout, slot_info_layout, stored_beat_layout
from .queue import make_fifo

__all__ = ["VcReader", "arriving_layout", "read_beat_layout"]

BUFFER_BEATS = 4
"""Beats between the memory and the host. From asking for a beat to the room that it leaves when
the host takes it are four clocks, so four keep the host busy."""


def arriving_layout(config):
    """A payload that is to be delivered; `kept`: as in its verdict."""
    return data.StructLayout({"slot": config.rx_slot_bits, "kept": 1})


def read_beat_layout(config):
    """A beat as it comes out of the receive memory: `data` and `info` with their check bits."""
    beat = stored_beat_layout(config)
    return data.StructLayout({"data": beat["data"].shape, "last": 1, "info": beat["info"].shape})


class VcReader(wiring.Component):
    """Delivers the payloads of one VC in the order of their verdicts.

    Members
    -------
    i_arrives : In(event_signature(arriving_layout))
        A payload is to be delivered, `kept` as in its verdict; cannot wait.
    i_count : In(beat_count_layout)
        How many beats it has, one clock after `i_arrives`. Comes late in the clock (straight from
        a block RAM), so hardly anything lies between it and registers.
    free : Out(1)
        No payload is in here, and the buffer has room: the first beat of one that arrives in this
        clock can be read in this very clock.
    at_once : In(1)
        It is. Only with `free` and `i_arrives.valid`.
    request : Out(1)
        A beat can be read: there is one, and the buffer has room. Does not depend on `grant`.
    slot : Out(rx_slot_bits), beat : Out(beat_bits), kept : Out(1)
        Which one, and whether its slot is a kept one. From registers.
    grant : In(1)
        It is read in this clock. Only with `request`.
    surplus : Out(1)
        There is no such beat: it counts as not read. Comes late. (The second beat of a payload
        whose first one was read at once is asked for before it is known whether there is one.)
    last : Out(1)
        It is the last one of `slot`. Comes late. Of a beat read at once `i_count` says so.
    i_beat : In(event_signature(read_beat_layout))
        The beat, two clocks after each `grant` without `surplus`, and after each `at_once`.
    o_host : Out(stream.Signature(host_rx_layout))
        To the host.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: `i_arrives` in clock n with nothing waiting: read at once in clock n or from `request`
    in clock n + 1 on. Read in clock n, `o_host.valid` in clock n + 3. One beat per clock, also
    from one payload to the next. A host that stalls stops `request` after at most `BUFFER_BEATS`
    beats and nothing else.

    Capacity: every slot of the memory may wait here, so `i_arrives` never finds it full.

    Reset: nothing waits, the buffer is empty.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_arrives": In(event_signature(arriving_layout(config))),
                "i_count": In(beat_count_layout(config)),
                "free": Out(1),
                "at_once": In(1),
                "request": Out(1),
                "slot": Out(config.rx_slot_bits),
                "beat": Out(config.beat_bits),
                "kept": Out(1),
                "grant": In(1),
                "surplus": Out(1),
                "last": Out(1),
                "i_beat": In(event_signature(read_beat_layout(config))),
                "o_host": Out(stream.Signature(host_rx_layout(config))),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        has_room, *errors = self._buffer(m)
        waiting = self._select(m, has_room)
        report(m, self._config.protect, self.o_errors, *errors, errors_of(waiting))
        return m

    def _select(self, m, has_room):
        config, arrives, count = self._config, self.i_arrives, self.i_count
        layout = data.StructLayout({"at": arriving_layout(config), "last_beat": config.beat_bits})
        m.submodules.waiting = waiting = make_fifo(layout.size, config.rx_slots, config.protect)
        current = Signal(layout)
        busy = Signal()  # `current` has beats left; `beat` is 0 otherwise
        unsure = Signal()  # how many beats it has is not known yet; `beat`: one was read at once
        empty = Signal(init=1)  # nothing is in here, nor on its way into `waiting`
        ends = Signal()
        single = count.short & ~count.last_beat[0]
        m.d.comb += [
            self.free.eq(empty & has_room),
            self.request.eq(busy & has_room),
            self.slot.eq(current.at.slot),
            self.kept.eq(current.at.kept),
            self.surplus.eq(unsure & self.beat[0] & single),
            self.last.eq(
                Mux(
                    unsure,
                    count.short & ~(count.last_beat[0] ^ self.beat[0]),
                    self.beat == current.last_beat,
                )
            ),
            ends.eq(self.surplus | (self.grant & self.last)),
        ]
        starts = arrives.valid & empty
        with m.If(~busy | ends):
            m.d.sync += self.beat.eq(self.at_once)
        with m.Elif(self.grant):
            m.d.sync += self.beat.eq(self.beat + 1)

        # What comes while others wait joins the queue when its number of beats is known.
        joins, joining = Signal(), Signal(arriving_layout(config))
        m.d.sync += [joins.eq(arrives.valid & ~empty), joining.eq(arrives.p), unsure.eq(starts)]
        m.d.comb += [waiting.w_en.eq(joins), waiting.w_data.eq(Cat(joining, count.last_beat))]
        following, follows = self._follow(m, waiting, ~busy | ends)
        waited = Signal(layout)
        m.d.comb += waited.eq(Mux(follows, following, waiting.r_data))
        some_waited = follows | waiting.r_rdy
        with m.If(~busy | ends):
            m.d.sync += [
                busy.eq(some_waited | starts),
                current.at.eq(Mux(some_waited, waited.at, arrives.p)),
            ]
        # Nothing waited in the clock in which the number of beats is not known.
        with m.If(~busy | ends | unsure):
            m.d.sync += current.last_beat.eq(Mux(some_waited, waited.last_beat, count.last_beat))
        m.d.sync += empty.eq(
            (~busy | ends) & ~follows & (waiting.level == 0) & ~joins & ~arrives.valid
        )
        return waiting

    def _follow(self, m, waiting, taken):
        """A place behind `waiting`, so that taking from there depends on registers only.

        While it is empty the oldest one in `waiting` goes past it if it is `taken` in that clock.
        """
        following, follows = Signal(waiting.width), Signal()
        m.d.comb += waiting.r_en.eq(~follows)
        with m.If(taken):
            m.d.sync += follows.eq(0)
        with m.Elif(~follows):
            m.d.sync += [follows.eq(waiting.r_rdy), following.eq(waiting.r_data)]
        return following, follows

    def _buffer(self, m):
        """The beats on their way to the host, with the check bits that they had in the memory;
        whether one more may be asked for, and the errors found."""
        config = self._config
        lane_bits = ceil_log2(config.width_bytes)
        layout, info_layout = read_beat_layout(config), slot_info_layout(config)
        last = layout["last"]
        m.submodules.buffer = buffer = protected_fifo(
            config.protect,
            fifo.SyncFIFO,
            width=layout.size,
            depth=BUFFER_BEATS,
            among=(last.offset, last.offset + 1),
        )
        unclaimed = Signal(range(BUFFER_BEATS + 1), init=BUFFER_BEATS)
        taken = self.o_host.valid & self.o_host.ready
        claimed = self.at_once | (self.grant & ~self.surplus)
        with m.If(claimed & ~taken):
            m.d.sync += unclaimed.eq(unclaimed - 1)
        with m.Elif(~claimed & taken):
            m.d.sync += unclaimed.eq(unclaimed + 1)

        beat = Signal(layout)
        value, wrong = restored(m, config.protect, beat.data, config.width_bits)
        bits, wrong_info = restored(m, config.protect, Value.cast(beat.info), info_layout.size)
        info, host = data.View(info_layout, bits), self.o_host.p
        m.d.comb += [
            buffer.w_data.eq(self.i_beat.payload),
            buffer.w_en.eq(self.i_beat.valid),
            beat.eq(buffer.r_data),
            buffer.r_en.eq(self.o_host.ready),
            self.o_host.valid.eq(buffer.r_rdy),
            host.data.eq(value),
            host.keep.eq(
                Cat(~beat.last | (info.last_lane >= lane) for lane in range(1 << lane_bits))
            ),
            host.last.eq(beat.last),
            host.node.eq(info.node),
            host.id.eq(info.id),
        ]
        found = (wrong.as_value() | wrong_info.as_value()) & taken.replicate(2)
        return unclaimed != 0, errors_of(buffer), found
