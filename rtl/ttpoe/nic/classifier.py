"""Which frames are TTP and which are ordinary traffic.

Source: sections 1.1 and 8 of the protocol, decisions N1 to N3.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout
from ..protocol import FIELDS, EtherType

__all__ = ["Classifier"]


class Classifier(wiring.Component):
    """Marks every frame that is not the operating system's as bad; changes nothing else.

    Only the EtherType right behind the source MAC is looked at: a frame with a VLAN tag is
    ordinary traffic, whatever the tag encloses.

    Members
    -------
    i : In(stream of beat)
        Frames of any length from one byte. `error` with `last`: the frame is bad.
    o : Out(stream of beat)
        The same beats. `error` with `last` if the frame is bad, has no EtherType (shorter than
        14 bytes), or is TTP; 0 before `last`.
    bad, short, ttp : Out(1)
        One-clock pulses, one clock after the last beat of such a frame was taken: the first of
        the three causes that holds.

    Timing: a beat taken in clock t is on `o` in t + 1; one beat per clock. `i.ready` is high
    whenever `o.ready` is.

    Reset: the next beat is the first of a frame.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
                "bad": Out(1),
                "short": Out(1),
                "ttp": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        frame, width_bytes = self.i.payload, self._config.width_bytes
        offset = FIELDS["ethertype"].offset
        decides = offset // width_bytes  # the beat that holds the EtherType
        lane = offset % width_bytes

        index = Signal(range(decides + 2))  # stays at the first beat behind that one
        taken, ended = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            taken.eq(self.i.valid & self.i.ready),
            ended.eq(taken & frame.last),
        ]
        with m.If(ended):
            m.d.sync += index.eq(0)
        with m.Elif(taken & (index != decides + 1)):
            m.d.sync += index.eq(index + 1)

        ethertype = Cat(frame.data.word_select(lane + 1, 8), frame.data.word_select(lane, 8))
        was_ttp, is_ttp, is_short = Signal(), Signal(), Signal()
        with m.If(index == decides):
            has_ethertype = frame.keep[lane + 1]
            m.d.comb += [
                is_short.eq(~has_ethertype),
                is_ttp.eq(
                    has_ethertype
                    & ((ethertype == EtherType.ARTICLE.value) | (ethertype == EtherType.IEEE.value))
                ),
            ]
        with m.Else():
            m.d.comb += [is_short.eq(index < decides), is_ttp.eq(was_ttp & (index > decides))]
        with m.If(taken):
            m.d.sync += was_ttp.eq(is_ttp)

        with m.If(self.i.ready):
            m.d.sync += [
                self.o.valid.eq(self.i.valid),
                self.o.payload.eq(frame),
                self.o.payload.error.eq(frame.last & (frame.error | is_short | is_ttp)),
            ]
        m.d.sync += [
            self.bad.eq(ended & frame.error),
            self.short.eq(ended & ~frame.error & is_short),
            self.ttp.eq(ended & ~frame.error & is_ttp),
        ]
        return m
