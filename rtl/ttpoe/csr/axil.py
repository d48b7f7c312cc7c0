"""AXI4-Lite slave: one transaction at a time, every output a register.

Source: AMBA AXI and ACE protocol specification, IHI 0022E, chapter B1 and A3.
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AxiLite", "Resp", "axil_members", "ADDRESS_BITS"]

ADDRESS_BITS = 16


class Resp(enum.Enum, shape=2):
    OKAY = 0
    SLVERR = 2


def axil_members(prefix):
    """The 21 flat ports of a slave with 32 bits of data, by name."""
    members = {}
    for channel, flow, fields in (
            ("aw", In, {"addr": ADDRESS_BITS, "prot": 3}), ("w", In, {"data": 32, "strb": 4}),
            ("b", Out, {"resp": 2}),
            ("ar", In, {"addr": ADDRESS_BITS, "prot": 3}), ("r", Out, {"data": 32, "resp": 2})):
        for field, width in fields.items():
            members[f"{prefix}_{channel}{field}"] = flow(width)
        members[f"{prefix}_{channel}valid"] = flow(1)
        members[f"{prefix}_{channel}ready"] = flow(1).flip()
    return members


class AxiLite(wiring.Component):
    """Turns the five channels into one request after the other.

    A write is taken when its address and its data are both there, in any order. If a read waits
    too, the kinds take turns. `awprot` and `arprot` are ignored.

    Members
    -------
    s_axil_* : the slave
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

    def __init__(self):
        super().__init__({
            **axil_members("s_axil"),
            "o_start": Out(1),
            "o_write": Out(1),
            "o_address": Out(ADDRESS_BITS),
            "o_data": Out(32),
            "o_strobe": Out(4),
            "i_done": In(1),
            "i_error": In(1),
            "i_data": In(32),
        })

    def elaborate(self, platform):
        m = Module()
        write_waits = self.s_axil_awvalid & self.s_axil_wvalid
        takes_write = Signal()
        m.d.comb += takes_write.eq(write_waits & ~(self.s_axil_arvalid & self.o_write))
        resp = Mux(self.i_error, Resp.SLVERR, Resp.OKAY)

        with m.FSM(name="axil"):
            with m.State("IDLE"):
                with m.If(takes_write):
                    m.d.sync += [
                        self.o_address.eq(self.s_axil_awaddr),
                        self.o_data.eq(self.s_axil_wdata),
                        self.o_strobe.eq(self.s_axil_wstrb),
                        self.s_axil_awready.eq(1),
                        self.s_axil_wready.eq(1),
                    ]
                with m.Else():
                    m.d.sync += [
                        self.o_address.eq(self.s_axil_araddr),
                        self.s_axil_arready.eq(self.s_axil_arvalid),
                    ]
                with m.If(takes_write | self.s_axil_arvalid):
                    m.d.sync += self.o_write.eq(takes_write)
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += self.o_start.eq(1)
                m.d.sync += [self.s_axil_awready.eq(0), self.s_axil_wready.eq(0),
                             self.s_axil_arready.eq(0)]
                m.next = "WORK"
            with m.State("WORK"):
                with m.If(self.i_done):
                    m.d.sync += [
                        self.s_axil_bvalid.eq(self.o_write),
                        self.s_axil_rvalid.eq(~self.o_write),
                        self.s_axil_bresp.eq(resp),
                        self.s_axil_rresp.eq(resp),
                        self.s_axil_rdata.eq(self.i_data),
                    ]
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(Mux(self.o_write, self.s_axil_bready, self.s_axil_rready)):
                    m.d.sync += [self.s_axil_bvalid.eq(0), self.s_axil_rvalid.eq(0)]
                    m.next = "IDLE"
        return m
