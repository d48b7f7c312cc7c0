"""`Pattern`: a sequence of packets that sender and checker can both make from one seed."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..wires import with_init
from .noise import Noise, xorshift

__all__ = ["Pattern", "Lengths"]

_LANE_STEP = 0x9E3779B97F4A7C15  # sets the 64-bit lanes of a wide beat apart
_LANE_TURN = 5


class Lengths(enum.Enum, shape=2):
    """Which lengths the packets of a pattern have.

    SHORT: 1 to 64 bytes. LONG: 961 to 1024. UNIFORM: 1 to 1024. MIXED: a quarter each of these,
    and of lengths up to four bytes on either side of a multiple of 64.
    """

    SHORT = 0
    LONG = 1
    UNIFORM = 2
    MIXED = 3


class Pattern(wiring.Component):
    """Packets number 0, 1, 2 ... of one stream, beat by beat.

    Length and bytes of a packet depend on the seed, the stream and the packet's number alone.
    Bytes 0 to 3 are the number, lowest byte first; all others, over the whole width, are a
    64-bit xorshift sequence that starts elsewhere for each packet.

    Parameters
    ----------
    config : Config
    stream : int
        Number of the stream, 0 to 255; no two streams of a bench are alike.

    Members
    -------
    cfg_seed : In(32), cfg_lengths : In(Lengths)
        Must hold from reset on.
    i_step : In(1)
        The present beat was used. Only while `o_valid`.
    o_valid : Out(1)
        From the fourth clock after reset on, for ever.
    o_data, o_keep, o_first, o_last
        The present beat.
    o_number : Out(32), o_length_bytes : Out(11)
        The present packet.

    Timing: a beat per clock, also across packets. Outputs depend on registers only.
    """

    def __init__(self, config, stream):
        self._config = config
        self._stream = stream
        super().__init__(
            {
                "cfg_seed": In(32),
                "cfg_lengths": In(Lengths),
                "i_step": In(1),
                "o_valid": Out(1),
                "o_data": Out(config.width_bits),
                "o_keep": Out(config.width_bytes),
                "o_first": with_init(Out, 1, init=1),
                "o_last": Out(1),
                "o_number": Out(32),
                "o_length_bytes": Out(11),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lane_bits = ceil_log2(self._config.width_bytes)
        m.submodules.noise = noise = Noise(32, 0x101 + self._stream)
        filling = Signal(2)  # 0 seed, 1 first length, 2 first packet, 3 filled
        next_number = Signal(32)
        left, length, next_length = Signal(10), Signal(10), Signal(10)  # bytes, less one
        word = Signal(64)
        packet = Signal()  # on to the next packet
        m.d.comb += [
            noise.cfg_seed.eq(self.cfg_seed),
            self.o_valid.eq(filling.all()),
            packet.eq((filling == 2) | (self.i_step & self.o_last)),
            noise.i_step.eq(packet | (filling == 1)),
            self.o_last.eq(left[lane_bits:] == 0),
            self.o_length_bytes.eq(length + 1),
            self.o_keep.eq(
                Cat(
                    ~self.o_last | (left[:lane_bits] >= lane)
                    for lane in range(self._config.width_bytes)
                )
            ),
        ]
        with m.If(~filling.all()):
            m.d.sync += filling.eq(filling + 1)
        with m.If(noise.i_step):
            m.d.sync += next_length.eq(self._length(noise.o_value))
        following = xorshift(m, word)
        with m.If(packet):
            m.d.sync += [
                left.eq(next_length),
                length.eq(next_length),
                self.o_first.eq(1),
                self.o_number.eq(next_number),
                next_number.eq(next_number + 1),
                word.eq(self._start(next_number)),
            ]
        with m.Elif(self.i_step):
            m.d.sync += [
                left.eq(left - self._config.width_bytes),
                self.o_first.eq(0),
                word.eq(following),
            ]
        m.d.comb += self.o_data.eq(self._beat(word))
        return m

    def _length(self, draw):
        """Length less one, from 32 random bits."""
        short, long = draw[:6], Cat(draw[:6], Const(15, 4))
        edge = Cat(draw[:2], draw[2].replicate(4), draw[6:10])
        mixed = Mux(draw[16], Mux(draw[17], edge, draw[:10]), Mux(draw[17], long, short))
        lengths = self.cfg_lengths.as_value()
        return Mux(lengths[1], Mux(lengths[0], mixed, draw[:10]), Mux(lengths[0], long, short))

    def _start(self, number):
        """Where the bytes of packet `number` start."""
        seed, salt = self.cfg_seed, (self._stream + 1) * 0x01000193 & 0xFFFFFFFF
        return Cat(seed ^ number, seed.rotate_left(11) ^ salt ^ Cat(reversed(number)))

    def _beat(self, word):
        lanes = [
            word.rotate_left(_LANE_TURN * n) ^ (_LANE_STEP * n & (1 << 64) - 1)
            for n in range(self._config.width_bits // 64)
        ]
        lanes[0] = Cat(Mux(self.o_first, self.o_number, word[:32]), word[32:])
        return Cat(lanes)
