"""`TrafficChecker`: every packet of a `TrafficSource` once, in order, byte for byte."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import host_rx_layout
from .noise import Noise
from .pattern import Lengths, Pattern

__all__ = ["TrafficChecker", "TrafficError"]

_HOLD_BITS = 12  # a long pause begins in one of 2^12 clocks


class TrafficError(enum.Enum, shape=3):
    """What is wrong with a packet, the first that holds.

    NUMBER: it is another packet than the next one (lost, doubled or swapped). LENGTH, DATA: its
    length, a byte. NODE: the source's node. ID: not one more than that of the packet before.
    """

    NONE = 0
    NUMBER = 1
    LENGTH = 2
    DATA = 3
    NODE = 4
    ID = 5


class TrafficChecker(wiring.Component):
    """Compares what arrives with what must arrive next; what went wrong first is kept.

    Parameters
    ----------
    config : Config
    number : int
        Number of the stream, as in its `TrafficSource`.

    Members
    -------
    cfg_seed : In(32), cfg_lengths : In(Lengths)
        As in the source. Must hold from reset on.
    cfg_node : In(24)
        The node that every packet must come from.
    cfg_stall : In(8)
        Of 256 clocks, those without `i.ready`.
    cfg_hold_mask : In(16)
        About every 4,096 clocks a pause of 0 to this many clocks; one less than a power of two.
    i_relinked : In(1)
        The link begins anew: the next packet's ID may be any. Not while packets are under way.
    i : In(stream of host beat)
    received : Out(1), o_length_bytes : Out(11)
        A packet arrived whole and right; its length.
    o_error : Out(TrafficError)
        What was wrong first. Nothing is checked or counted after it, until reset.
    o_error_number : Out(32), o_error_found : Out(32), o_error_beat : Out(7)
        The packet that was expected, the low 32 bits of the beat that came, and which beat of
        the packet it is (from 0). With NUMBER, `o_error_found` is the number of the packet that
        came.

    Timing: `received`, `o_error` two clocks after the beat was taken. A beat per clock.
    Reset: packet 0 is expected.
    """

    def __init__(self, config, number):
        self._config = config
        self._number = number
        super().__init__(
            {
                "cfg_seed": In(32),
                "cfg_lengths": In(Lengths),
                "cfg_node": In(24),
                "cfg_stall": In(8),
                "cfg_hold_mask": In(16),
                "i_relinked": In(1),
                "i": In(stream.Signature(host_rx_layout(config))),
                "received": Out(1),
                "o_length_bytes": Out(11),
                "o_error": Out(TrafficError),
                "o_error_number": Out(32),
                "o_error_found": Out(32),
                "o_error_beat": Out(7),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.pattern = pattern = Pattern(self._config, self._number)
        self._stalls(m)
        beat, taken, index = Signal(host_rx_layout(self._config)), Signal(), Signal(7)
        error, checked = Signal(TrafficError), Signal()
        m.d.comb += [
            pattern.cfg_seed.eq(self.cfg_seed),
            pattern.cfg_lengths.eq(self.cfg_lengths),
            pattern.i_step.eq(checked & (error == TrafficError.NONE)),
            checked.eq(taken & (self.o_error == TrafficError.NONE)),
        ]
        m.d.sync += [
            taken.eq(self.i.valid & self.i.ready),
            beat.eq(self.i.payload),
            self.received.eq(pattern.i_step & pattern.o_last),
            self.o_length_bytes.eq(pattern.o_length_bytes),
        ]
        with m.If(pattern.i_step):
            m.d.sync += index.eq(Mux(pattern.o_last, 0, index + 1))
        with m.If(checked):
            m.d.sync += [
                self.o_error.eq(error),
                self.o_error_number.eq(pattern.o_number),
                self.o_error_found.eq(beat.data[:32]),
                self.o_error_beat.eq(index),
            ]
        self._compare(m, pattern, beat, error)
        return m

    def _stalls(self, m):
        m.submodules.noise = noise = Noise(32, 0x301 + self._number)
        hold = Signal(16)
        m.d.comb += [noise.cfg_seed.eq(self.cfg_seed), noise.i_step.eq(1)]
        with m.If(hold != 0):
            m.d.sync += hold.eq(hold - 1)
        with m.Elif(noise.o_value[:_HOLD_BITS] == 0):
            m.d.sync += hold.eq(noise.o_value[16:] & self.cfg_hold_mask)
        # The pattern is there in the fourth clock after reset, and needed one clock after a beat.
        started = Signal(2)
        m.d.sync += started.eq(Cat(1, started))
        m.d.sync += self.i.ready.eq(
            started.all() & (hold == 0) & (noise.o_value[24:] >= self.cfg_stall)
        )

    def _compare(self, m, pattern, beat, error):
        any_id, next_id = Signal(init=1), Signal(32)
        wrong_lanes = Signal(self._config.width_bytes)
        m.d.comb += wrong_lanes.eq(
            Cat(
                beat.keep[lane]
                & (beat.data.word_select(lane, 8) != pattern.o_data.word_select(lane, 8))
                for lane in range(self._config.width_bytes)
            )
        )
        with m.If(pattern.o_first & beat.keep[3] & wrong_lanes[:4].any()):
            m.d.comb += error.eq(TrafficError.NUMBER)
        with m.Elif((beat.keep != pattern.o_keep) | (beat.last != pattern.o_last)):
            m.d.comb += error.eq(TrafficError.LENGTH)
        with m.Elif(wrong_lanes.any()):
            m.d.comb += error.eq(TrafficError.DATA)
        with m.Elif(beat.node != self.cfg_node):
            m.d.comb += error.eq(TrafficError.NODE)
        with m.Elif(~(pattern.o_first & any_id) & (beat.id != next_id)):
            m.d.comb += error.eq(TrafficError.ID)
        with m.If(pattern.i_step):
            m.d.sync += [next_id.eq(beat.id + pattern.o_last), any_id.eq(0)]
        with m.If(self.i_relinked):
            m.d.sync += any_id.eq(1)
