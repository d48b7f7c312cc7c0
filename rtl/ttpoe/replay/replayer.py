"""Selective replay on the sender's side: NACKed ranges.

Source: protocol sections 3 and 5.2, decision R7, claim S10. The oldest packet in flight needs no
search: the NACK's own event sends it. A later one is found here by following its link's list of
slots, one hop in two clocks, while new data goes on flowing.
"""

from amaranth import Module, Signal, signed
from amaranth.lib import data, enum, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..memory.protected import ERRORS, errors_of, protected_fifo, report
from .lists import successor_port

__all__ = ["Replayer", "range_layout", "walk_layout", "replay_layout", "Walk", "STATS"]

STATS = {"stat_nack_queue_full": "range of a NACK dropped because the queue of ranges was full"}


def range_layout(config):
    """IDs `first` to `last` of a link, by their lowest bits: enough to find them in flight."""
    return data.StructLayout(
        {"lid": config.lid_bits, "first": config.count_bits + 1, "last": config.count_bits + 1}
    )


def walk_layout(config):
    """Answer to a SEEK: where the link's list stands.

    It begins with slot `head`; the first `lag` slots are acknowledged, the next one holds `una`,
    and `current` from there on have been passed by the sending position. `found` is low if there
    is nothing to send again.
    """
    return data.StructLayout(
        {
            "found": 1,
            "head": config.slot_bits,
            "una": config.count_bits + 1,
            "lag": config.count_bits,
            "current": config.count_bits,
        }
    )


class Walk(enum.Enum, shape=2):
    SEEK = 0
    REPLAY = 1
    WALKED = 2


def replay_layout(config):
    """An event of the `Replayer`. SEEK: `first`, `last` as in the range. REPLAY: the slot and, in
    `first`, the lowest bits of its ID."""
    return data.StructLayout(
        {
            "walk": Walk,
            "lid": config.lid_bits,
            "slot": config.slot_bits,
            "first": config.count_bits + 1,
            "last": config.count_bits + 1,
        }
    )


class Replayer(wiring.Component):
    """Sends NACKed ranges again, one range after the other, packet by packet.

    NACKs of a link with many gaps come oldest gap first, each a few hops behind the one before. So
    a range of the link that begins where the walk stands, or behind that, is served in the same
    walk. Each of them is a packet sent at least, and the walk never turns back, so it ends.

    Members
    -------
    i_range : In(event of range)
        A NACKed range. If the queue is full it is dropped: the peer asks again.
    o_replay : Out(stream of replay)
        SEEK for a range, a REPLAY for each of its packets and for those of the ranges that are
        served in the same walk, WALKED at the end.
    i_walk : In(event of walk)
        The SEEK has left Q3. From its Q2 to the WALKED no slot of the link is freed one by one
        but those that the walk has passed, so the list may be followed; if the whole link ends its
        REPLAYs do nothing.
    o_hopped : Out(1)
        One clock high: the walk has gone on by one slot.
    successor : Out(successor_port)
        Reads the list memory (`replay.lists`).
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    stat_nack_queue_full : Out(1)

    Timing: SEEK two clocks after `i_range` into an empty queue; first REPLAY four clocks
    after `i_walk`, and two more for each slot in front of it; the next ones as fast as Q0 takes
    them, at most one in three clocks. Taking up another range takes four clocks.

    Reset: no range waits, no walk is under way.
    """

    QUEUE = 16

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_range": In(event_signature(range_layout(config))),
                "o_replay": Out(stream.Signature(replay_layout(config))),
                "i_walk": In(event_signature(walk_layout(config))),
                "o_hopped": Out(1),
                "successor": Out(successor_port(config)),
                "o_errors": Out(ERRORS),
                "stat_nack_queue_full": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, out, walk = self._config, self.o_replay, self.i_walk
        m.submodules.ranges = ranges = protected_fifo(
            config.protect, fifo.SyncFIFO, width=range_layout(config).size, depth=self.QUEUE
        )
        report(m, config.protect, self.o_errors, errors_of(ranges))
        oldest = Signal(range_layout(config))
        m.d.comb += [
            ranges.w_data.eq(self.i_range.payload),
            ranges.w_en.eq(self.i_range.valid),
            self.stat_nack_queue_full.eq(self.i_range.valid & ~ranges.w_rdy),
            oldest.eq(ranges.r_data),
        ]
        slot = Signal(config.slot_bits)  # that the walk has come to
        hopped = Signal()  # and now goes on from
        m.d.comb += [self.successor.addr.eq(slot), self.successor.used.eq(hopped)]
        m.d.sync += hopped.eq(0)
        m.d.comb += self.o_hopped.eq(hopped)

        # Distances from `una`; an ID older than that, or an empty range, is negative.
        begin, end = (Signal(signed(config.count_bits + 1), name=name) for name in ("begin", "end"))
        place = Signal(signed(config.count_bits + 1))  # of `slot`; negative: acknowledged
        una = Signal(config.count_bits + 1)
        passed = Signal(config.count_bits)
        first_id, last_id = out.p.first, out.p.last  # until the first REPLAY
        # What `place` is to the range: registers, each clock has either comparisons or decisions.
        over, inside, joins = Signal(), Signal(), Signal()

        with m.FSM(name="replayer"):
            with m.State("IDLE"):
                with m.If(ranges.r_rdy):
                    m.d.comb += ranges.r_en.eq(1)
                    m.d.sync += [
                        out.valid.eq(1),
                        out.p.walk.eq(Walk.SEEK),
                        out.p.lid.eq(oldest.lid),
                        out.p.first.eq(oldest.first),
                        out.p.last.eq(oldest.last),
                    ]
                    m.next = "SEEK"
            with m.State("SEEK"):
                with m.If(out.ready):
                    m.d.sync += out.valid.eq(0)
                with m.If(walk.valid):
                    m.d.sync += [
                        slot.eq(walk.p.head),
                        una.eq(walk.p.una),
                        place.eq(-walk.p.lag),
                        passed.eq(walk.p.current),
                    ]
                    with m.If(walk.p.found):
                        m.next = "MEASURE"
                    with m.Else():
                        m.next = "IDLE"
            with m.State("MEASURE"):
                m.d.sync += [begin.eq(first_id - una), end.eq(last_id - una)]
                m.next = "STEP"
            with m.State("STEP"):
                with m.If(hopped):
                    m.d.sync += slot.eq(self.successor.data)
                m.d.sync += [
                    over.eq((place > end) | (place >= passed)),
                    inside.eq((place >= begin) & (place >= 0)),
                ]
                m.next = "HOP"
            with m.State("HOP"):
                m.d.comb += self.successor.en.eq(1)
                m.d.sync += [out.p.slot.eq(slot), out.p.first.eq(una + place)]
                with m.If(over & ranges.r_rdy & (oldest.lid == out.p.lid)):
                    m.d.sync += [begin.eq(oldest.first - una), end.eq(oldest.last - una)]
                    m.next = "NEXT"
                with m.Elif(over):
                    m.d.sync += [out.valid.eq(1), out.p.walk.eq(Walk.WALKED)]
                    m.next = "WALKED"
                with m.Elif(inside):
                    m.d.sync += [out.valid.eq(1), out.p.walk.eq(Walk.REPLAY)]
                    m.next = "REPLAY"
                with m.Else():
                    m.d.sync += [place.eq(place + 1), hopped.eq(1)]
                    m.next = "STEP"
            with m.State("NEXT"):  # is a packet of the next range still ahead?
                m.d.sync += joins.eq(
                    (begin >= place) & (begin < passed) & (end >= begin) & (end >= 0)
                )
                m.next = "JOIN"
            with m.State("JOIN"):
                with m.If(joins):
                    m.d.comb += ranges.r_en.eq(1)
                    m.next = "STEP"
                with m.Else():
                    m.d.sync += [out.valid.eq(1), out.p.walk.eq(Walk.WALKED)]
                    m.next = "WALKED"
            with m.State("REPLAY"):
                m.d.comb += self.successor.en.eq(out.ready)
                with m.If(out.ready):
                    m.d.sync += [place.eq(place + 1), hopped.eq(1), out.valid.eq(0)]
                    m.next = "STEP"
            with m.State("WALKED"):
                with m.If(out.ready):
                    m.d.sync += out.valid.eq(0)
                    m.next = "IDLE"
        return m
