"""From a frame's bytes to GMII: preamble, padding, FCS and gap.

Source: IEEE 802.3 clause 3 (frame: 7 bytes of preamble, SFD, at least 64 bytes with FCS), clause
4.4.2 (gap of 96 bit times), clause 35 (GMII: TX_EN, TX_ER).
"""

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ETHERNET
from amaranth.lib.wiring import In, Out

from ..layouts import byte_layout
from .ethernet import FCS_BYTES, GAP_BYTES, PREAMBLE, PREAMBLE_BYTES, SFD, SHORTEST_BYTES

__all__ = ["GmiiTx"]


class GmiiTx(wiring.Component):
    """Sends frames, one byte in each clock with `step`.

    Members
    -------
    i : In(stream of byte)
        A frame, first byte of the destination first, without FCS. Once the first byte was taken
        each further byte must be there when `ready` is high; the first may be late.
        `error` with `last`: the frame is spoilt.
    step : In(1)
        A byte time ends with this clock. Constant 1 at 1000 Mb/s.
    o_data : Out(8), o_en : Out(1), o_er : Out(1)
        TXD, TX_EN and TX_ER, for a register outside; they stay until the clock with `step`.
    stat_tx_sent : Out(1)
        A frame left, whole. One clock, like those below.
    stat_tx_bad : Out(1)
        A frame left with TX_ER on its last byte and a wrong FCS, because `error` asked for it.
    stat_tx_underrun : Out(1)
        A byte was not there in time. The frame ends at once, with TX_ER and a wrong FCS; what is
        left of it is taken and thrown away.

    Timing: a frame of n bytes takes 8 + max(n, 60) + 4 byte times and is followed by 12 idle
    ones, exactly, if the next one is there. In the clock in which a first byte is offered the
    first byte of the preamble is on `o_data`; that byte is taken 8 byte times later.
    `i.ready` depends on registers and `step`.

    Reset: nothing is sent; a frame under way is cut off.
    """

    def __init__(self):
        super().__init__(
            {
                "i": In(stream.Signature(byte_layout)),
                "step": In(1),
                "o_data": Out(8),
                "o_en": Out(1),
                "o_er": Out(1),
                "stat_tx_sent": Out(1),
                "stat_tx_bad": Out(1),
                "stat_tx_underrun": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Inside a part whose number of bytes is fixed: bytes still to come after this one.
        left = Signal(range(GAP_BYTES))
        sent = Signal(range(SHORTEST_BYTES + 1))  # of the frame; stops at 60
        spoilt = Signal()
        thrown = Signal()  # the rest of the frame, up to its last byte
        en, er, byte = Signal(), Signal(), Signal(8)

        # The FCS leaves its register from below: adding its own lowest byte to a CRC shifts it.
        fcs, covered = Signal(), Signal()
        fresh = Signal()
        crc = ResetInserter(fresh)(CRC32_ETHERNET(8).create())
        m.submodules.crc = crc
        m.d.comb += [
            crc.data.eq(Mux(fcs, ~crc.crc[:8], byte)),
            crc.valid.eq(self.step & (covered | fcs)),
            self.i.ready.eq(thrown),
            self.o_en.eq(en),
            self.o_er.eq(er),
            self.o_data.eq(byte & en.replicate(8)),
        ]
        with m.If(thrown & self.i.valid & self.i.payload.last):
            m.d.sync += thrown.eq(0)

        with m.If(self.step):
            with m.If(left != 0):
                m.d.sync += left.eq(left - 1)
            with m.If(covered & (sent != SHORTEST_BYTES)):
                m.d.sync += sent.eq(sent + 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [en.eq(self.i.valid & ~thrown), byte.eq(PREAMBLE), fresh.eq(1)]
                m.d.sync += [left.eq(PREAMBLE_BYTES - 2), sent.eq(0), spoilt.eq(0)]
                with m.If(self.step & en):
                    m.next = "PREAMBLE"
            with m.State("PREAMBLE"):
                m.d.comb += [en.eq(1), byte.eq(Mux(left == 0, SFD, PREAMBLE))]
                with m.If(self.step & (left == 0)):
                    m.next = "DATA"
            with m.State("DATA"):
                self._data(m, en, er, byte, covered, left, sent, spoilt, thrown)
            with m.State("PAD"):
                m.d.comb += [en.eq(1), covered.eq(1)]
                m.d.sync += left.eq(FCS_BYTES - 1)
                with m.If(self.step & (sent == SHORTEST_BYTES - 1)):
                    m.next = "FCS"
            with m.State("FCS"):
                m.d.comb += [en.eq(1), fcs.eq(1), byte.eq(crc.crc[:8] ^ spoilt.replicate(8))]
                with m.If(self.step & (left == 0)):
                    m.d.comb += self.stat_tx_sent.eq(~spoilt)
                    m.d.sync += left.eq(GAP_BYTES - 1)
                    m.next = "GAP"
            with m.State("GAP"):
                with m.If(self.step & (left == 0)):
                    m.next = "IDLE"
        return m

    def _data(self, m, en, er, byte, covered, left, sent, spoilt, thrown):
        taken = self.i.payload
        aborted = taken.last & taken.error
        m.d.comb += [
            self.i.ready.eq(self.step),
            en.eq(1),
            covered.eq(1),
            byte.eq(taken.data),
            er.eq(~self.i.valid | aborted),
        ]
        with m.If(self.step):
            with m.If(~self.i.valid | taken.last):
                m.d.sync += [left.eq(FCS_BYTES - 1), spoilt.eq(er)]
                m.d.comb += [
                    self.stat_tx_underrun.eq(~self.i.valid),
                    self.stat_tx_bad.eq(self.i.valid & aborted),
                ]
                m.next = "FCS"
            with m.If(~self.i.valid):
                m.d.sync += thrown.eq(1)
            with m.Elif(taken.last & (sent < SHORTEST_BYTES - 1)):
                m.next = "PAD"
