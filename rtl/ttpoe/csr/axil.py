"""AXI4-Lite slave: one transaction at a time, every output a register.

Source: AMBA AXI and ACE protocol specification, IHI 0022E, chapter B1 and A3.
"""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AxiLite", "AxiLiteInterface", "AxiLiteSignature", "Resp", "ADDRESS_BITS"]

ADDRESS_BITS = 16


class Resp(enum.Enum, shape=2):
    OKAY = 0
    SLVERR = 2


_CHANNELS = {
    "aw": data.StructLayout({"addr": ADDRESS_BITS, "prot": 3}),
    "w": data.StructLayout({"data": 32, "strb": 4}),
    "b": data.StructLayout({"resp": Resp}),
    "ar": data.StructLayout({"addr": ADDRESS_BITS, "prot": 3}),
    "r": data.StructLayout({"data": 32, "resp": Resp}),
}


class AxiLiteInterface(wiring.PureInterface):
    """The five channels, each a stream: what `AxiLiteSignature` creates."""

    aw: stream.Interface
    w: stream.Interface
    b: stream.Interface
    ar: stream.Interface
    r: stream.Interface


class AxiLiteSignature(wiring.Signature):
    """AXI4-Lite with 32 bits of data, seen from the master: its five channels are streams.

    Members
    -------
    aw, w, ar : Out(stream), b, r : In(stream)
        Their payloads have the standard's names: {addr, prot}, {data, strb}, {resp}, {data, resp}.
    """

    def __init__(self):
        super().__init__(
            {
                channel: (In if channel in ("b", "r") else Out)(stream.Signature(layout))
                for channel, layout in _CHANNELS.items()
            }
        )

    def __eq__(self, other):
        return isinstance(other, AxiLiteSignature)

    def create(self, *, path=None, src_loc_at=0) -> AxiLiteInterface:
        return AxiLiteInterface(self, path=path, src_loc_at=1 + src_loc_at)

    @staticmethod
    def flat(prefix):
        """`(name, channel, part, flow at the slave, width)` of the 19 flat ports of the standard.

        `part` is a field of the channel's payload, "valid" or "ready".
        """
        for channel, layout in _CHANNELS.items():
            flow = Out if channel in ("b", "r") else In
            for field, place in layout:
                yield f"{prefix}_{channel}{field}", channel, field, flow, place.width
            yield f"{prefix}_{channel}valid", channel, "valid", flow, 1
            yield f"{prefix}_{channel}ready", channel, "ready", flow.flip(), 1

    @staticmethod
    def connect_flat(m, prefix, flat, slave):
        """Drives the `slave` from the flat ports of the component `flat`, and these from it."""
        for name, channel, part, flow, _width in AxiLiteSignature.flat(prefix):
            port = getattr(slave, channel)
            inner = getattr(port if part in ("valid", "ready") else port.p, part)
            inner, outer = Value.cast(inner), getattr(flat, name)
            m.d.comb += inner.eq(outer) if flow == In else outer.eq(inner)


class AxiLite(wiring.Component):
    """Turns the five channels into one request after the other.

    A write is taken when its address and its data are both there, in any order. If a read waits
    too, the kinds take turns. `awprot` and `arprot` are ignored.

    Members
    -------
    s_axil : In(AxiLiteSignature)
        The slave.
    o_start : Out(1)
        A request begins: one clock. `o_write`, `o_address`, `o_data`, `o_strobe` hold from then
        until the next one; data and strobe belong to the last write.
    i_done : In(1)
        The request is finished, in the clock after `o_start` or later: one clock. With it
        `i_error` (answer SLVERR) and `i_data`, which is the data also of an error.

    Timing: request seen in clock 0, taken and `o_start` in clock 1; with `i_done` in clock 2 the
    answer is there in clock 3; with `bready`/`rready` the next request is seen in clock 4.
    No output depends on an input of the same clock. Reset: all valid and ready are low.
    """

    # Their types, for pyright; the signature makes them.
    s_axil: AxiLiteInterface
    o_start: Signal
    o_write: Signal
    o_address: Signal
    o_data: Signal
    o_strobe: Signal
    i_done: Signal
    i_error: Signal
    i_data: Signal

    def __init__(self):
        super().__init__(
            {
                "s_axil": In(AxiLiteSignature()),
                "o_start": Out(1),
                "o_write": Out(1),
                "o_address": Out(ADDRESS_BITS),
                "o_data": Out(32),
                "o_strobe": Out(4),
                "i_done": In(1),
                "i_error": In(1),
                "i_data": In(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bus = self.s_axil
        aw, w, b, ar, r = bus.aw, bus.w, bus.b, bus.ar, bus.r
        write_waits = aw.valid & w.valid
        takes_write = Signal()
        m.d.comb += takes_write.eq(write_waits & ~(ar.valid & self.o_write))
        resp = Mux(self.i_error, Resp.SLVERR, Resp.OKAY)

        with m.FSM(name="axil"):
            with m.State("IDLE"):
                with m.If(takes_write):
                    m.d.sync += [
                        self.o_address.eq(aw.p.addr),
                        self.o_data.eq(w.p.data),
                        self.o_strobe.eq(w.p.strb),
                        aw.ready.eq(1),
                        w.ready.eq(1),
                    ]
                with m.Else():
                    m.d.sync += [self.o_address.eq(ar.p.addr), ar.ready.eq(ar.valid)]
                with m.If(takes_write | ar.valid):
                    m.d.sync += self.o_write.eq(takes_write)
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += self.o_start.eq(1)
                m.d.sync += [aw.ready.eq(0), w.ready.eq(0), ar.ready.eq(0)]
                m.next = "WORK"
            with m.State("WORK"):
                with m.If(self.i_done):
                    m.d.sync += [
                        b.valid.eq(self.o_write),
                        r.valid.eq(~self.o_write),
                        b.p.resp.eq(resp),
                        r.p.resp.eq(resp),
                        r.p.data.eq(self.i_data),
                    ]
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(Mux(self.o_write, b.ready, r.ready)):
                    m.d.sync += [b.valid.eq(0), r.valid.eq(0)]
                    m.next = "IDLE"
        return m
