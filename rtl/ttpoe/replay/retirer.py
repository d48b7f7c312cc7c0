"""Slots that one ACK retired in a row are freed in the background, one after the other.

Source: protocol section 5.2, claim S10.
"""

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature

__all__ = ["Retirer", "lag_layout"]


def lag_layout(config):
    """`count` slots of a link are acknowledged and wait in front of its list to be freed."""
    return data.StructLayout({"lid": config.lid_bits, "count": config.count_bits})


class Retirer(wiring.Component):
    """Frees the slots that one ACK retired beyond the first, one per clock, in the background.

    An ACK of k packets moves the window at once and frees one slot; k - 1 RETIRE events free the
    others. It serves one link at a time; what comes meanwhile is freed by visits (`link.ready`).

    Members
    -------
    i_lag : In(event of lag)
        `count` slots of a link, at least one, wait to be freed. Taken only while idle.
    o_retire : Out(stream of lid)
        A RETIRE.

    Reset: idle.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_lag": In(event_signature(lag_layout(config))),
                "o_retire": Out(stream.Signature(config.lid_bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        retire = self.o_retire
        left = Signal(self._config.count_bits)  # the one offered included
        with m.If(~retire.valid):
            with m.If(self.i_lag.valid):
                m.d.sync += [
                    left.eq(self.i_lag.p.count),
                    retire.payload.eq(self.i_lag.p.lid),
                    retire.valid.eq(1),
                ]
        with m.Elif(retire.ready):
            m.d.sync += [left.eq(left - 1), retire.valid.eq(left != 1)]
        return m
