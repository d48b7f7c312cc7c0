"""`Split`: one AXI4-Lite master, and two slaves that share its addresses."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..csr.axil import ADDRESS_BITS, AxiLiteSignature

__all__ = ["Split"]


class Split(wiring.Component):
    """The upper half of the addresses is slave `m_high`'s, the lower one `m_low`'s. Wires only.

    Members
    -------
    s_axil : In(AxiLiteSignature)
        The master. One transaction at a time, whose addresses hold until its answer, as those of
        `bridge.Bridge` do.
    m_low, m_high : Out(AxiLiteSignature)
        The slaves; both see the whole address.

    Timing: nothing is added. Reset and errors: none.
    """

    def __init__(self):
        signature = AxiLiteSignature()
        super().__init__(
            {"s_axil": In(signature), "m_low": Out(signature), "m_high": Out(signature)}
        )

    def elaborate(self, platform):
        m = Module()
        bus, high = self.s_axil, Signal()
        # Of a transaction only one address is valid; the data of a write goes where it goes.
        m.d.comb += high.eq(Mux(bus.ar.valid, bus.ar.p.addr, bus.aw.p.addr)[ADDRESS_BITS - 1])
        for slave, chosen in ((self.m_low, ~high), (self.m_high, high)):
            for channel in ("aw", "w", "ar"):
                asked, given = getattr(bus, channel), getattr(slave, channel)
                m.d.comb += [given.valid.eq(asked.valid & chosen), given.p.eq(asked.p)]
                with m.If(chosen):
                    m.d.comb += asked.ready.eq(given.ready)
            for channel in ("b", "r"):
                given, answer = getattr(slave, channel), getattr(bus, channel)
                m.d.comb += given.ready.eq(answer.ready)
                with m.If(given.valid):
                    m.d.comb += [answer.valid.eq(1), answer.p.eq(given.p)]
        return m
