"""From GMII to a frame's bytes: the frame is found, checked, and stripped of its FCS.

Source: IEEE 802.3 clause 3 (frame), clause 4.2.9 (reception), clause 35 (GMII: RX_DV, RX_ER, false
carrier), annex 31B (PAUSE), annex 31D (PFC).
"""

from amaranth.hdl import Cat, Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC32_ETHERNET
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..layouts import byte_layout, event_signature
from .ethernet import CONTROL, FCS_BYTES, LONGEST_BYTES, PAUSE, PFC, SFD, SHORTEST_BYTES

__all__ = ["GmiiRx", "RX_CAUSES"]

FALSE_CARRIER = 0x0E

RX_CAUSES = {
    "stat_rx_code_error": "received frame dropped: RX_ER within it or its preamble",
    "stat_rx_too_long": "received frame dropped: longer than the longest",
    "stat_rx_runt": "received frame dropped: shorter than 64 bytes",
    "stat_rx_bad_fcs": "received frame dropped: FCS wrong",
    "stat_rx_pause": "received frame dropped: PAUSE, which is not obeyed",
    "stat_rx_pfc": "received frame dropped: PFC, which is not obeyed",
    "stat_rx_control": "received frame dropped: MAC control of another kind",
    "stat_rx_bad_start": "carrier without a start of frame",
    "stat_rx_false_carrier": "false carrier",
}
"""What a carrier that brings no good frame is counted as; the first cause that holds."""


class GmiiRx(wiring.Component):
    """Receives frames, one byte in each clock with `step`, and never waits.

    A frame begins after the first SFD of a carrier, whatever came before it. Its bytes go out as
    they come (cut-through) and the verdict is in `error` at `last`, so what the receiver must drop
    it has seen, but for the last byte.

    Parameters
    ----------
    longest_bytes : int
        With FCS, from 64. A longer frame ends there, with `error`.

    Members
    -------
    i_data : In(8), i_dv : In(1), i_er : In(1)
        RXD, RX_DV and RX_ER, from registers.
    step : In(1)
        They count in this clock. Constant 1 at 1000 Mb/s.
    o : Out(event of byte)
        A frame's bytes without FCS. Nothing comes of a frame of 4 bytes or less.
    stat_rx_* : Out(1)
        One-clock pulses, see `RX_CAUSES`; for each carrier at most one. With those from
        `stat_rx_code_error` to `stat_rx_control` a frame ends, with `error` if it has bytes.

    Timing: a byte is on `o` 6 clocks with `step` after it is on `i_data`; the last byte, with the
    verdict, 2 after the last byte of the FCS. At least one clock with `step` lies between two
    frames: gaps of a single byte time are enough.

    Reset: what is under way on the wire is ignored until RX_DV falls.
    """

    def __init__(self, longest_bytes=LONGEST_BYTES):
        if longest_bytes < SHORTEST_BYTES + FCS_BYTES:
            raise ValueError(f"longest_bytes must be 64 or more; got {longest_bytes}")
        self._longest_bytes = longest_bytes
        super().__init__(
            {
                "i_data": In(8),
                "i_dv": In(1),
                "i_er": In(1),
                "step": In(1),
                "o": Out(event_signature(byte_layout)),
                **{name: Out(1) for name in RX_CAUSES},
            }
        )

    def elaborate(self, platform):
        m = Module()
        step = self.step
        byte, dv, er = self.i_data, self.i_dv, self.i_er
        fresh, taken, ends = Signal(), Signal(), Signal()
        count = Signal(bits_for(self._longest_bytes))  # bytes of the frame so far
        crc = ResetInserter(fresh)(CRC32_ETHERNET(8).create())
        m.submodules.crc = crc
        m.d.comb += [crc.data.eq(byte), crc.valid.eq(taken)]
        hurt = Signal()
        too_long = Signal()
        no_sfd, false_carrier, was_false_carrier = Signal(), Signal(), Signal()
        m.d.comb += [
            too_long.eq(dv & (count == self._longest_bytes)),
            false_carrier.eq(~dv & er & (byte == FALSE_CARRIER)),
        ]
        with m.If(step):
            m.d.sync += was_false_carrier.eq(false_carrier)

        with m.FSM(init="SKIP"):
            with m.State("SKIP"):
                with m.If(step & ~dv):
                    m.next = "IDLE"
            with m.State("IDLE"):
                m.d.comb += fresh.eq(1)
                m.d.sync += [count.eq(0), hurt.eq(dv & er)]
                with m.If(step & dv):
                    m.next = "PREAMBLE"
                    with m.If(byte == SFD):
                        m.next = "FRAME"
            with m.State("PREAMBLE"):
                with m.If(step & er):
                    m.d.sync += hurt.eq(1)
                with m.If(step & ~dv):
                    m.d.comb += no_sfd.eq(1)
                    m.next = "IDLE"
                with m.Elif(step & (byte == SFD)):
                    m.next = "FRAME"
            with m.State("FRAME"):
                m.d.comb += [ends.eq(step & (~dv | too_long)), taken.eq(step & ~ends)]
                with m.If(taken):
                    m.d.sync += [count.eq(count + 1), hurt.eq(hurt | er)]
                with m.If(ends):
                    m.next = "IDLE"
                    with m.If(dv):
                        m.next = "SKIP"

        line = self._line(m, byte, taken, ends, fresh)
        faults = Cat(
            hurt,
            too_long,
            count < SHORTEST_BYTES + FCS_BYTES,
            ~crc.match_detected,
            *self._control(m, count, line, fresh),
        )
        with m.If(ends):
            m.d.sync += self.o.payload.error.eq(faults.any())
        causes = [ends & fault & ~faults[:n].any() for n, fault in enumerate(faults)]
        m.d.sync += Cat(getattr(self, name) for name in RX_CAUSES).eq(
            Cat(causes, no_sfd & step, false_carrier & ~was_false_carrier & step)
        )
        return m

    def _line(self, m, byte, taken, ends, fresh):
        """The last bytes of the frame, the newest first: so many that the FCS is all in it when
        the frame ends, and one more, which then is the last of what goes out."""
        line = [Signal(8, name=f"line{n}") for n in range(FCS_BYTES + 1)]
        filled = Signal(len(line))
        with m.If(fresh):
            m.d.sync += filled.eq(0)
        with m.Elif(taken):
            m.d.sync += filled.eq(filled << 1 | 1)
        with m.If(taken):
            m.d.sync += [new.eq(old) for new, old in zip(line, [byte, *line])]
        m.d.sync += self.o.valid.eq((taken | ends) & filled[-1])
        with m.If(taken | ends):
            m.d.sync += [self.o.payload.data.eq(line[-1]), self.o.payload.last.eq(ends)]
        return line

    def _control(self, m, count, line, fresh):
        """PAUSE, PFC, other MAC control: known when the first 16 bytes are in."""
        control = Signal()
        pause = Signal()
        pfc = Signal()
        opcode = Cat(line[0], line[1])
        with m.If(fresh):
            m.d.sync += [control.eq(0), pause.eq(0), pfc.eq(0)]
        with m.Elif(count == 16):
            m.d.sync += [
                control.eq(Cat(line[2], line[3]) == CONTROL),
                pause.eq(opcode == PAUSE),
                pfc.eq(opcode == PFC),
            ]
        return control & pause, control & pfc, control
