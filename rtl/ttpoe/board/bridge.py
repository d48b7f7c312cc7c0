"""`Bridge`: reads and writes of registers from bytes, as `protocol` describes them."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..csr.axil import AxiLiteSignature, Resp
from ..layouts import event_signature
from .protocol import POLYNOMIAL, QUIET_BYTES, WINDOW, Kind, Reply

__all__ = ["Bridge"]

_REQUESTS_DEPTH = 16
_REPLY_BYTES = 6


def _crc8_of(value, octet):
    """The check byte `value`, one byte further."""
    bits = value ^ octet
    for _ in range(8):
        bits = Cat(Const(0, 1), bits[:7]) ^ Mux(bits[7], POLYNOMIAL, 0)
    return bits[:8]


class Bridge(wiring.Component):
    """Takes bytes for requests, carries them out one after the other, answers with bytes.

    Parameters
    ----------
    divisor : int
        Clocks in a bit of the UART, for the silence after an error.
    patience : int
        Clocks that the next byte of a request may take.

    Members
    -------
    i : In(event of 8 bits), i_broken : In(1)
        From `uart.UartReceiver`.
    o : Out(stream of 8 bits)
        Bytes of replies.
    m_axil : Out(AxiLiteSignature)
        Master; one transaction at a time. Addresses hold until the answer; `strb` is all ones.

    Timing: the transaction begins in the clock after the check byte was taken, and the reply in the
    clock after its answer, a byte per clock. 16 bytes of requests wait while a transaction takes
    long or replies are not taken; 8 replies wait.

    Reset: nothing is under way; a request that has begun is forgotten.

    Errors: each gives one reply, see `protocol`. Nothing is carried out of a request that is wrong.
    """

    def __init__(self, divisor, patience):
        self._quiet = 10 * QUIET_BYTES * divisor
        self._patience = patience
        super().__init__(
            {
                "i": In(event_signature(8)),
                "i_broken": In(1),
                "o": Out(stream.Signature(8)),
                "m_axil": Out(AxiLiteSignature()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.requests = self._requests = SyncFIFOBuffered(width=8, depth=_REQUESTS_DEPTH)
        m.submodules.replies = self._replies = SyncFIFOBuffered(
            width=8, depth=WINDOW * _REPLY_BYTES
        )
        self._broken = Signal()  # seen, and not yet answered
        self._status, self._data = Signal(Reply, init=Reply.DONE), Signal(32)  # of the next reply
        self._write = Signal()
        m.d.comb += [
            self._requests.w_data.eq(self.i.payload),
            self._requests.w_en.eq(self.i.valid),
            self.o.payload.eq(self._replies.r_data),
            self.o.valid.eq(self._replies.r_rdy),
            self._replies.r_en.eq(self.o.ready),
        ]
        with m.If(self.i_broken | (self.i.valid & ~self._requests.w_rdy)):
            m.d.sync += self._broken.eq(1)
        with m.FSM(name="bridge"):
            self._gather(m)
            self._transaction(m)
            self._reply(m)
            self._silence(m)
        return m

    def _gather(self, m):
        """Bytes of a request, up to its check byte."""
        head, octet = Signal(56), self._requests.r_data
        count, check, waited = Signal(3), Signal(8), Signal(range(self._patience + 1))
        # Kind, address and data shift down from the top: of a read only its three bytes are there.
        length = Mux(self._write, 7, 3)  # without the check byte
        axil = self.m_axil
        address = Mux(self._write, head[8:24], head[40:56])
        m.d.comb += [
            axil.aw.p.addr.eq(address),
            axil.ar.p.addr.eq(address),
            axil.w.p.data.eq(head[24:56]),
            axil.w.p.strb.eq(0xF),
        ]

        def fails(reply):
            m.d.sync += [self._status.eq(reply), waited.eq(0), count.eq(0), check.eq(0)]
            m.next = "REPLY"

        with m.State("GATHER"):
            with m.If(self._broken):
                fails(Reply.BROKEN)
            with m.Elif(self._requests.r_rdy):
                m.d.comb += self._requests.r_en.eq(1)
                m.d.sync += [
                    head.eq(Cat(head[8:], octet)),
                    count.eq(count + 1),
                    check.eq(_crc8_of(check, octet)),
                    waited.eq(0),
                ]
                with m.If(count == 0):
                    m.d.sync += self._write.eq(octet == Kind.WRITE.value)
                    with m.If((octet != Kind.READ.value) & (octet != Kind.WRITE.value)):
                        fails(Reply.UNKNOWN)
                with m.Elif(count == length):
                    m.d.sync += [head.eq(head), count.eq(0), check.eq(0)]
                    with m.If(check == octet):
                        m.d.sync += [
                            axil.aw.valid.eq(self._write),
                            axil.w.valid.eq(self._write),
                            axil.ar.valid.eq(~self._write),
                        ]
                        m.next = "TRANSACTION"
                    with m.Else():
                        fails(Reply.CHECK)
            with m.Elif(count != 0):
                m.d.sync += waited.eq(waited + 1)
                with m.If(waited == self._patience):
                    fails(Reply.TIME)

    def _transaction(self, m):
        axil = self.m_axil
        with m.State("TRANSACTION"):
            for channel in (axil.aw, axil.w, axil.ar):
                with m.If(channel.ready):
                    m.d.sync += channel.valid.eq(0)
            m.d.comb += [axil.b.ready.eq(1), axil.r.ready.eq(1)]
            resp = Mux(axil.b.valid, axil.b.p.resp, axil.r.p.resp)
            with m.If(axil.b.valid | axil.r.valid):
                m.d.sync += [
                    self._status.eq(Mux(resp == Resp.OKAY, Reply.DONE, Reply.REFUSED)),
                    self._data.eq(axil.r.p.data),
                ]
                m.next = "REPLY"

    def _reply(self, m):
        replies, place, check = self._replies, Signal(range(_REPLY_BYTES)), Signal(8)
        words = Array([self._status.as_value(), *(self._data.word_select(n, 8) for n in range(4))])
        last = Mux((self._status == Reply.DONE) & ~self._write, 5, 1)
        lost = Cat(
            self._status == reply
            for reply in (Reply.UNKNOWN, Reply.CHECK, Reply.TIME, Reply.BROKEN)
        ).any()
        with m.State("REPLY"):
            m.d.comb += [
                replies.w_en.eq(1),
                replies.w_data.eq(Mux(place == last, check, words[place])),
            ]
            with m.If(replies.w_rdy):
                m.d.sync += [place.eq(place + 1), check.eq(_crc8_of(check, replies.w_data))]
                with m.If(place == last):
                    m.d.sync += [place.eq(0), check.eq(0)]
                    with m.If(lost):
                        m.next = "SILENCE"
                    with m.Else():
                        m.next = "GATHER"

    def _silence(self, m):
        """Nothing counts until nothing comes."""
        quiet = Signal(range(self._quiet + 1))
        with m.State("SILENCE"):
            m.d.comb += self._requests.r_en.eq(1)
            m.d.sync += [quiet.eq(quiet + 1), self._broken.eq(0)]
            with m.If(self._requests.r_rdy | self.i.valid | self.i_broken):
                m.d.sync += quiet.eq(0)
            with m.Elif(quiet == self._quiet):
                m.d.sync += quiet.eq(0)
                m.next = "GATHER"
