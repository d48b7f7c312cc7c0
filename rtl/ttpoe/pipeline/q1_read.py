"""Q1: the tag of the event's link, out of the link table (protocol section 5.1, claim S4).

Three clocks: the keys of both links of the set are read; they are compared with the event's, while
the tags are read; the tag is chosen. The interlock keeps events of one set apart, so what is read is
what all older events left.
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..link.fsm import LinkState
from ..link.table import key_layout, tag_layout
from .records import pipeline_event_layout
from .victim import VictimChoice

__all__ = ["ReadTag", "found_layout"]


def found_layout(config):
    """An event, its link and its tag, on their way from Q1 to Q2."""
    return data.StructLayout(
        {
            "event": pipeline_event_layout(config),
            "row": config.row_bits,
            "tag": tag_layout(config),  # all zero but two bits if the link is not in the table
            "way": 1,  # the link's, or the one that it would take
            "missed": 1,  # the link is not in the table ...
            "full": 1,  # ... and both ways are taken
            "own_touch": 1,  # touch bits of the way and of the other one
            "other_touch": 1,
            "victim_valid": 1,  # of the two links of the set this one may be asked to close
            "victim_way": 1,
            "free": 1,  # the law says that the link may send at once
        }
    )


class ReadTag(wiring.Component):
    """Finds the link of an event among the two of its set.

    Members
    -------
    i_event : In(event), i_row : In(row)
        Clock 1: the event whose set was addressed in the clock before.
    i_keys : In(key), one for each way
        Clock 2: what the table gives for it (`link.table`).
    o_row : Out(event of row)
        Clock 2: the set whose tags are wanted.
    i_tags : In(tag), one for each way
        Clock 3: the tags, straight from block RAM.
    i_free : In(ways)
        Clock 2: what the law says of the two links (`congestion.law`).
    o_found : Out(event of found)
        Clock 4, from registers.

    Timing: one event per clock.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_event": In(event_signature(pipeline_event_layout(config))),
                "i_row": In(config.row_bits),
                "i_keys": In(key_layout).array(config.WAYS),
                "o_row": Out(event_signature(config.row_bits)),
                "i_tags": In(tag_layout(config)).array(config.WAYS),
                "i_free": In(config.WAYS),
                "o_found": Out(event_signature(found_layout(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        tag = tag_layout(config)
        ways = range(config.WAYS)
        event = pipeline_event_layout(config)

        # Read: the event waits for its keys.
        q1b_valid, q1b, q1b_row = Signal(), Signal(event), Signal(config.row_bits)
        m.d.sync += [
            q1b_valid.eq(self.i_event.valid),
            q1b.eq(self.i_event.payload),
            q1b_row.eq(self.i_row),
        ]
        m.d.comb += [self.o_row.valid.eq(q1b_valid), self.o_row.payload.eq(q1b_row)]

        # Match: whose keys are they?
        q1c_valid, q1c, q1c_row = Signal(), Signal(event), Signal(config.row_bits)
        used = [Signal(name=f"q1c_used{way}") for way in ways]
        hits = [Signal(name=f"q1c_hit{way}") for way in ways]
        free = Signal(config.WAYS)
        m.d.sync += [
            q1c_valid.eq(q1b_valid),
            q1c.eq(q1b),
            q1c_row.eq(q1b_row),
            free.eq(self.i_free),
        ]
        for way in ways:
            key = self.i_keys[way]
            is_used = key.state != LinkState.CLOSED
            is_key = (key.node == q1b.node) & (key.vc == q1b.vc)
            m.d.sync += [
                used[way].eq(is_used),
                hits[way].eq(Mux(q1b.by_lid, q1b.lid[0] == way, is_used & is_key)),
            ]

        # Choose: the link's tag, and what is known of the other one.
        m.submodules.victim = victim = VictimChoice(config)
        missed, way, full = Signal(), Signal(), Signal()
        first, second = self.i_tags
        found = self.o_found.payload
        m.d.comb += [
            missed.eq(~hits[0] & ~hits[1]),
            way.eq(Mux(missed, used[0], hits[1])),
            full.eq(missed & used[0] & used[1]),
            *(victim.i_tags[way].eq(self.i_tags[way]) for way in ways),
        ]
        bits = tag.size
        m.d.sync += [
            self.o_found.valid.eq(q1c_valid),
            found.event.eq(q1c),
            found.row.eq(q1c_row),
            found.tag.eq(
                (first.as_value() & hits[0].replicate(bits))
                | (second.as_value() & hits[1].replicate(bits))
            ),
            found.way.eq(way),
            found.missed.eq(missed),
            found.full.eq(full),
            found.own_touch.eq(Mux(way, second.touch, first.touch)),
            found.other_touch.eq(Mux(way, first.touch, second.touch)),
            found.victim_valid.eq(victim.o_valid),
            found.victim_way.eq(victim.o_way),
            found.free.eq(Mux(hits[1], free[1], free[0])),
        ]
        # Of a free tag these two still count.
        with m.If(missed):
            m.d.sync += [
                found.tag.queued.eq(Mux(used[0], second.queued, first.queued)),
                found.tag.purging.eq(Mux(used[0], second.purging, first.purging)),
            ]
        return m
