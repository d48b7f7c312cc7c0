"""Which frames are TTP and which are ordinary traffic.

Source: sections 1.1 and 8 of the protocol, decisions N1 to N3.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout
from ..protocol import FIELDS, IPV4_FIELDS, EtherType
from ..rx.datagram import DatagramMatch

__all__ = ["Classifier"]


class Classifier(wiring.Component):
    """Marks every frame that is not the operating system's as bad; changes nothing else.

    Only the EtherType right behind the source MAC is looked at: a frame with a VLAN tag is
    ordinary traffic, whatever the tag encloses. With `Config.ipv4` frames of the IPv4 form are TTP,
    too; all other IPv4 is the operating system's (E1).

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

        last_field = IPV4_FIELDS["udp_dst_port"] if self._config.ipv4 else FIELDS["ethertype"]
        stays = last_field.offset // width_bytes + 1  # the first beat behind all that is looked at
        index = Signal(range(stays + 1))
        taken, ended = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            taken.eq(self.i.valid & self.i.ready),
            ended.eq(taken & frame.last),
        ]
        with m.If(ended):
            m.d.sync += index.eq(0)
        with m.Elif(taken & (index != stays)):
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

        if self._config.ipv4:
            is_ttp = is_ttp | self._is_datagram(m, taken, index)
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

    def _is_datagram(self, m, taken, index):
        """Whether the frame has the IPv4 form, as far as the present beat."""
        m.submodules.match = match = DatagramMatch(self._config)
        m.d.comb += [match.i.valid.eq(taken), match.i.p.eq(self.i.payload), match.index.eq(index)]
        return match.o_matches
