"""`TrafficSource`: packets of a `Pattern` for the host port of one VC."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import host_tx_layout
from .noise import Noise
from .pattern import Lengths, Pattern

__all__ = ["TrafficSource"]


class TrafficSource(wiring.Component):
    """Offers packet after packet, with pauses.

    Parameters
    ----------
    config : Config
    number : int
        Number of the stream; its checker has the same.

    Members
    -------
    cfg_seed : In(32), cfg_lengths : In(Lengths)
        See `Pattern`. Must hold from reset on.
    cfg_node : In(24)
        Destination of every packet.
    cfg_gap_mask : In(16)
        Before each packet a pause of 0 to this many clocks, if it is one less than a power of two.
    cfg_stall : In(8)
        Of 256 clocks in mid-packet, those in which no next beat is begun.
    i_enable : In(1)
        New packets may begin. A packet that has begun goes on.
    o : Out(stream of host beat)
    o_busy : Out(1)
        In a packet, or one is offered.
    sent : Out(1)
        One clock after the last beat of a packet was taken.

    Timing: without pauses a beat in every clock in which `o.ready`, also across packets.
    Reset: the packets begin anew with number 0, also where one was cut off.
    """

    def __init__(self, config, number):
        self._config = config
        self._number = number
        super().__init__(
            {
                "cfg_seed": In(32),
                "cfg_lengths": In(Lengths),
                "cfg_node": In(24),
                "cfg_gap_mask": In(16),
                "cfg_stall": In(8),
                "i_enable": In(1),
                "o": Out(stream.Signature(host_tx_layout(config))),
                "o_busy": Out(1),
                "sent": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.pattern = pattern = Pattern(self._config, self._number)
        m.submodules.noise = noise = Noise(32, 0x201 + self._number)
        taken, ended = Signal(), Signal()
        inside, inside_next = Signal(), Signal()
        gap, gap_next = Signal(16), Signal(16)
        m.d.comb += [
            pattern.cfg_seed.eq(self.cfg_seed),
            pattern.cfg_lengths.eq(self.cfg_lengths),
            pattern.i_step.eq(taken),
            noise.cfg_seed.eq(self.cfg_seed),
            noise.i_step.eq(1),
            self.o.payload.data.eq(pattern.o_data),
            self.o.payload.keep.eq(pattern.o_keep),
            self.o.payload.last.eq(pattern.o_last),
            self.o.payload.node.eq(self.cfg_node),
            self.o_busy.eq(inside | self.o.valid),
            taken.eq(self.o.valid & self.o.ready),
            ended.eq(taken & pattern.o_last),
            inside_next.eq(Mux(taken, ~pattern.o_last, inside)),
            gap_next.eq(
                Mux(ended, noise.o_value[:16] & self.cfg_gap_mask, Mux(gap == 0, 0, gap - 1))
            ),
        ]
        m.d.sync += [inside.eq(inside_next), gap.eq(gap_next), self.sent.eq(ended)]
        with m.If(taken | ~self.o.valid):
            m.d.sync += self.o.valid.eq(
                pattern.o_valid
                & Mux(
                    inside_next,
                    noise.o_value[24:] >= self.cfg_stall,
                    self.i_enable & (gap_next == 0),
                )
            )
        return m
