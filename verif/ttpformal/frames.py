"""What the proofs say about frames as beats, by byte numbers and nothing else."""

from amaranth.hdl import Cat, Signal

__all__ = ["assume_beats", "check_beats", "Bytes"]


def _well_formed(beat):
    """`keep` is a run of ones from lane 0, never zero, all ones unless `last`."""
    keep = beat.keep
    return keep[0] & ((keep & (keep + 1)) == 0) & (beat.last | keep.all())


def assume_beats(h, valid, beat):
    h.assume_if(valid, _well_formed(beat))


def check_beats(h, valid, beat):
    h.check_if(valid, _well_formed(beat))


class Bytes:
    """The frame that passes, as bytes: how many there were before this beat, and chosen ones.

    Parameters: the harness, `moves` (a beat passes in this clock), its `beat`, and `longest`, from
    which on lengths saturate.
    """

    def __init__(self, h, moves, beat, longest=2047):
        m = h.m
        self.h, self.moves, self.beat = h, moves, beat
        width = len(beat.keep)
        self.before = Signal(range(longest + 1), name="bytes_before")
        self.first = self.before == 0
        self.here = sum(beat.keep[n] for n in range(width))
        self.length = Signal(range(longest + 1), name="bytes_length")
        self._bytes = {}  # by offset: (it is there, value), before this beat and with it
        total = self.before + self.here
        m.d.comb += self.length.eq(total)
        with m.If(total > longest):
            m.d.comb += self.length.eq(longest)
        with m.If(moves):
            m.d.sync += self.before.eq(self.length)
            with m.If(beat.last):
                m.d.sync += self.before.eq(0)

    def _byte(self, offset):
        if offset in self._bytes:
            return self._bytes[offset]
        m, width = self.h.m, len(self.beat.keep)
        kept, there = Signal(8, name=f"byte{offset}"), Signal(name=f"there{offset}")
        value, exists = Signal(8, name=f"now{offset}"), Signal(name=f"exists{offset}")
        lane = offset % width
        here = (self.before == offset - lane) & self.beat.keep[lane]
        m.d.comb += [value.eq(kept), exists.eq(there)]
        with m.If(here):
            m.d.comb += [value.eq(self.beat.data.word_select(lane, 8)), exists.eq(1)]
        with m.If(self.moves):
            m.d.sync += [kept.eq(value), there.eq(exists & ~self.beat.last)]
        self._bytes[offset] = there, kept, exists, value
        return self._bytes[offset]

    def byte(self, offset):
        """(is it there, value) of byte `offset` of this frame, this beat included."""
        return self._byte(offset)[2:]

    def earlier(self, offset, length):
        """`length` bytes from `offset`, big-endian, of the beats before this one."""
        return Cat(*reversed([self._byte(offset + n)[1] for n in range(length)]))

    def check_there(self):
        """What is known of the bytes that were asked for: helps an induction."""
        for offset, (there, *_) in self._bytes.items():
            self.h.check(there == (self.before > offset))

    def field(self, offset, length):
        """`length` bytes from `offset`, big-endian."""
        octets = [self.byte(offset + n)[1] for n in range(length)]
        return Cat(*reversed(octets))
