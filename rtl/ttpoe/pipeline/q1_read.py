"""Q1: the tag of the event's link, out of the link table (protocol section 5.1, claim S4).

Three clocks: the keys of both links of the set are read; they are compared with the event's, while
the tags are read; the tag is chosen. The interlock keeps events of one set apart, so what is read is
what all older events left.
"""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..link.fsm import LinkState
from ..link.table import key_layout, stored_tag, tag_layout
from ..memory.protected import ERRORS, report, restored
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


def _restored_ports(config):
    return {"i_show_way": In(1), "o_shown": Out(tag_layout(config)), "o_errors": Out(ERRORS)}


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
    i_tags : In(stored_tag), one for each way
        Clock 3: the tags, straight from block RAM. With check bits that of the event's way is put
        right. Whom to ask to close (`victim`) is told by the tags as they lie there: VICTIM looks again.
    i_free : In(ways)
        Clock 2: what the law says of the two links (`congestion.law`).
    o_found : Out(event of found)
        Clock 4, from registers.
    i_show_way : In(1), o_shown : Out(tag)
        With check bits alone. While there is no event in clock 3: the tag of this way, put right.
    o_errors : Out(ERRORS)
        With check bits alone. Clock 5: what was found wrong in the tag, see `ttpoe.memory.protected`.

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
                "i_tags": In(stored_tag(config)).array(config.WAYS),
                "i_free": In(config.WAYS),
                "o_found": Out(event_signature(found_layout(config))),
                **(_restored_ports(config) if config.protect != "none" else {}),
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
        first, second = (data.View(tag, Value.cast(bits)[: tag.size]) for bits in self.i_tags)
        found = self.o_found.payload
        m.d.comb += [
            missed.eq(~hits[0] & ~hits[1]),
            way.eq(Mux(missed, used[0], hits[1])),
            full.eq(missed & used[0] & used[1]),
            victim.i_tags[0].eq(first),
            victim.i_tags[1].eq(second),
        ]
        m.d.sync += [
            self.o_found.valid.eq(q1c_valid),
            found.event.eq(q1c),
            found.row.eq(q1c_row),
            found.way.eq(way),
            found.missed.eq(missed),
            found.full.eq(full),
            found.other_touch.eq(Mux(way, first.touch, second.touch)),
            found.victim_valid.eq(victim.o_valid),
            found.victim_way.eq(victim.o_way),
            found.free.eq(Mux(hits[1], free[1], free[0])),
        ]
        if config.protect == "none":
            self._choose(m, first, second, hits, used, way, missed)
        else:
            self._choose_and_restore(m, q1c_valid, way, missed)
        return m

    def _choose(self, m, first, second, hits, used, way, missed):
        """One LUT behind the block RAMs."""
        found, bits = self.o_found.payload, tag_layout(self._config).size
        m.d.sync += [
            found.tag.eq(
                (first.as_value() & hits[0].replicate(bits))
                | (second.as_value() & hits[1].replicate(bits))
            ),
            found.own_touch.eq(Mux(way, second.touch, first.touch)),
        ]
        # Of a free tag these two still count.
        with m.If(missed):
            m.d.sync += [
                found.tag.queued.eq(Mux(used[0], second.queued, first.queued)),
                found.tag.purging.eq(Mux(used[0], second.purging, first.purging)),
            ]

    def _choose_and_restore(self, m, valid, way, missed):
        """The word of one way is chosen, and put right: half the logic of both."""
        config, found = self._config, self.o_found.payload
        tag = tag_layout(config)
        word = Mux(Mux(valid, way, self.i_show_way), self.i_tags[1], self.i_tags[0])
        bits, errors = restored(m, config.protect, word, tag.size)
        value = data.View(tag, bits)
        m.d.comb += self.o_shown.eq(value)
        m.d.sync += [
            found.tag.eq(bits & ~missed.replicate(tag.size)),
            found.own_touch.eq(value.touch),
        ]
        with m.If(missed):
            m.d.sync += [found.tag.queued.eq(value.queued), found.tag.purging.eq(value.purging)]
        wrong, counts = Signal(2), Signal()  # a clock later: a long path
        m.d.sync += [wrong.eq(errors), counts.eq(valid)]
        report(m, config.protect, self.o_errors, wrong & counts.replicate(2))
