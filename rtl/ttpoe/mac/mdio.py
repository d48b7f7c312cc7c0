"""MDIO: the registers of a PHY.

Source: IEEE 802.3 clause 22.2.4.5 (frames), clause 22.3.4 (timing).
"""

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..wires import with_init

__all__ = ["Mdio", "request_layout", "answer_layout"]

request_layout = data.StructLayout({"write": 1, "phy": 5, "register": 5, "data": 16})
"""Read or write a register of a PHY; `data` counts if `write`."""

answer_layout = data.StructLayout({"data": 16, "answered": 1})
"""The end of a request. After a read `data` is what was read and `answered` says that a PHY was
there; after a write neither counts."""

_PREAMBLE, _TURNAROUND, _DATA, _FRAME = 32, 46, 48, 64  # numbers of bits before each


class Mdio(wiring.Component):
    """Master of a bus to PHYs, one request after the other.

    Parameters
    ----------
    half_clocks : int
        Clocks of half a period of MDC, 5 or more. MDC may have 2.5 MHz: 25 or more at 125 MHz.

    Members
    -------
    i : In(stream of request)
        What is to be done.
    o : Out(event of answer)
        It is done.
    o_mdc : Out(1), o_mdio : Out(1), o_mdio_oe : Out(1), i_mdio : In(1)
        To the pins; MDIO has a pull-up. It changes when MDC falls, and is read 2 clocks before MDC
        rises.

    Timing: an answer comes 128 * `half_clocks` + 1 clocks after its request was taken. MDC stands
    still between requests.

    Reset: MDIO is not driven; a request under way is forgotten. The preamble of the next one
    brings the PHYs back.
    """

    def __init__(self, half_clocks=25):
        if half_clocks < 5:
            raise ValueError(f"half_clocks must be 5 or more; got {half_clocks}")
        self._half_clocks = half_clocks
        super().__init__(
            {
                "i": In(stream.Signature(request_layout)),
                "o": Out(event_signature(answer_layout)),
                "o_mdc": Out(1),
                "o_mdio": with_init(Out, 1, init=1),
                "o_mdio_oe": Out(1),
                "i_mdio": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        mdio = Signal()
        m.submodules.synchroniser = FFSynchronizer(self.i_mdio, mdio, init=1)
        half = Signal(range(self._half_clocks))
        place = Signal(range(_FRAME + 1))  # of the bit on the wire
        frame = Signal(_FRAME - _PREAMBLE)  # the highest bit is next
        read = Signal()
        busy = Signal()
        request = self.i.payload
        m.d.comb += [self.i.ready.eq(~busy), self.o.payload.data.eq(frame[:16])]
        m.d.sync += self.o.valid.eq(0)
        with m.If(~busy & self.i.valid):
            m.d.sync += [
                busy.eq(1),
                read.eq(~request.write),
                place.eq(0),
                half.eq(0),
                self.o_mdio.eq(1),
                self.o_mdio_oe.eq(1),
                self.o.payload.answered.eq(0),
                frame.eq(
                    Cat(
                        request.data,
                        C(0b10, 2),
                        request.register,
                        request.phy,
                        request.write,
                        ~request.write,
                        C(0b01, 2),
                    )
                ),
            ]
        with m.Elif(busy):
            m.d.sync += half.eq(half + 1)
            with m.If(half == self._half_clocks - 1):
                m.d.sync += [half.eq(0), self.o_mdc.eq(~self.o_mdc)]
                with m.If(self.o_mdc):
                    self._next_bit(m, busy, place, frame, read)
                with m.Elif(read & (place >= _TURNAROUND)):
                    m.d.sync += frame.eq(Cat(mdio, frame))
                    with m.If(place == _DATA - 1):
                        m.d.sync += self.o.payload.answered.eq(~mdio)
        return m

    def _next_bit(self, m, busy, place, frame, read):
        """MDC falls."""
        following = place + 1
        m.d.sync += place.eq(following)
        with m.If(following >= _PREAMBLE):
            m.d.sync += self.o_mdio.eq(frame[-1])
            with m.If(~(read & (following >= _TURNAROUND))):
                m.d.sync += frame.eq(frame << 1)
        with m.If(following >= _TURNAROUND):
            m.d.sync += self.o_mdio_oe.eq(~read)
        with m.If(following == _FRAME):
            m.d.sync += [busy.eq(0), self.o_mdio_oe.eq(0), self.o.valid.eq(1)]
