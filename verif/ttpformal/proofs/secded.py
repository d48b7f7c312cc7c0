"""Proofs of `secded` and `memories`: errors of a word are corrected, or at least seen."""

from amaranth.hdl import Cat, Signal
from amaranth.lib import fifo

from ttpoe.memory.protected import protected_fifo, protected_memory
from ttpoe.memory.secded import Decoder, Encoder, check_bits, coded_bits

from ..proof import Defect, Proof


class Code(Proof):
    """Any word, with no, one or two wrong bits anywhere in it.

    Wider words are too many sums of too many bits for a solver: `tests/memory/test_secded.py` goes through
    every pair of wrong bits of every width, and through all of those that data and decoder add up
    bit by bit.
    """

    shows = (
        "SECDED: every word with one wrong bit is put right and counted, with two it is seen"
        " and never taken for one"
    )
    config = "6 data bits, 5 check bits: a slot number"
    width = 6
    mode = "induction"
    depth = 2
    cover_depth = 3
    defects = (
        Defect(
            "data bits have columns of even weight, too",
            "memory/secded.py",
            "range(3, bits + 1, 2)",
            "range(2, bits + 1)",
        ),
        Defect(
            "a check bit has no column of its own",
            "memory/secded.py",
            "range(3, bits + 1, 2)",
            "range(1, bits + 1, 2)",
        ),
        Defect(
            "two wrong bits count as one",
            "memory/secded.py",
            "self.o_corrected.eq(syndrome.xor())",
            "self.o_corrected.eq(syndrome.any())",
        ),
    )

    def build(self, h):
        m, width = h.m, self.width
        m.submodules.encoder = encoder = Encoder(width)
        m.submodules.dut = decoder = Decoder(width)
        coded = width + check_bits(width)
        word, wrong = h.free(width, "word"), h.free(2, "wrong")
        places = [h.free(range(coded), f"place{n}") for n in range(2)]
        flips = sum(
            ((1 << place)[:coded] & wrong[n].replicate(coded) for n, place in enumerate(places)),
            start=0,
        )
        flipped = Signal(coded)
        m.d.comb += [
            encoder.i_data.eq(word),
            flipped.eq(Cat(word, encoder.o_check) ^ flips),
            decoder.i_data.eq(flipped[:width]),
            decoder.i_check.eq(flipped[width:]),
        ]
        for place in places:
            h.assume(place < coded)
        h.assume(places[0] != places[1])
        h.check_if(~wrong.all(), decoder.o_data == word)
        h.check(decoder.o_corrected == wrong.xor())
        h.check(decoder.o_uncorrectable == wrong.all())
        h.reach(wrong[0] & ~wrong[1] & (places[0] < width))
        h.reach(wrong.all() & (places[0] >= width) & (places[1] < width))


class Memory(Proof):
    shows = (
        "a protected memory gives the word that was written last, whatever one bit of what it"
        " reads is turned over by, and says so; of a FIFO the same"
    )
    config = "4 words of 4 bits; FIFO of 4 entries"
    mode = "pdr"
    defects = (
        Defect(
            "the FIFO stores what nobody wrote",
            "memory/protected.py",
            "coded.w_en.eq(self.w_en)",
            "coded.w_en.eq(1)",
        ),
        Defect(
            "one check bit is not written",
            "memory/protected.py",
            "return Cat(value, *checks)",
            "return Cat(value, *checks)[:-1]",
        ),
        Defect(
            "the first bit is not corrected",
            "memory/protected.py",
            "value[begin:end].eq(decoder.o_data)",
            "value[begin:end].eq(decoder.o_data ^ (decoder.o_corrected & word[0]))",
        ),
    )

    def build(self, h):
        m, width = h.m, 4
        m.submodules.memory = dut = protected_memory("secded", shape=width, depth=4, init=[])
        write, read = dut.write_port(), dut.read_port()
        upset = h.free(coded_bits(width), "upset")
        h.assume(upset & (upset - 1) == 0)
        self._upset_between(m, dut, upset)
        at = h.constant(2, "at")
        m.d.comb += [
            write.addr.eq(h.free(2, "to")),
            write.data.eq(h.free(width, "data")),
            write.en.eq(h.free(1, "write")),
            read.addr.eq(at),
            read.en.eq(1),
        ]
        last, written = Signal(width), Signal()
        with m.If(write.en & (write.addr == at)):
            m.d.sync += [last.eq(write.data), written.eq(1)]
        h.check_if(h.past(written), read.data == h.past(last))
        h.check_if(h.past(written), read.errors.corrected == upset.any())
        h.check_if(h.past(written), ~read.errors.uncorrectable)
        h.reach(h.past(written) & read.errors.corrected & read.data.all())

        m.submodules.fifo = queue = protected_fifo("secded", fifo.SyncFIFO, width=width, depth=4)
        m.d.comb += [
            queue.w_en.eq(h.free(1, "w_en")),
            queue.w_data.eq(h.free(width, "w_data")),
            queue.r_en.eq(h.free(1, "r_en")),
        ]
        push, pop = queue.w_en & queue.w_rdy, queue.r_en & queue.r_rdy
        level = h.check_fifo(push, queue.w_data, pop, queue.r_data, 4)
        h.check(queue.errors.as_value() == 0)
        h.check(queue.level == level)
        h.reach(level == 4)

    @staticmethod
    def _upset_between(m, dut, upset):
        """What the memory reads reaches the decoder with `upset` turned over."""
        (port,) = dut._reads
        inner, port.inner = port.inner, type("Upset", (), {"data": Signal(len(upset))})
        m.d.comb += port.inner.data.eq(inner.data ^ upset)
