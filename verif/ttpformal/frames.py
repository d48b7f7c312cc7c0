"""What the proofs say about frames as beats, by byte numbers and nothing else."""

from amaranth.hdl import Cat, Mux, Signal

__all__ = ["assume_beats", "check_beats", "follow_a_frame", "Bytes"]


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


def follow_a_frame(h, starts, ends_good, i_moves, i_beat, o_moves, o_beat):
    """Any one frame is followed; returns (frames inside, the followed one is at the output).

    `ends_good`: with the last beat of a frame that is to come out. One beat of it, any, is
    remembered, and its number of beats. Checked: what comes out are these frames, in order, each
    with the beats it had.
    """
    m = h.m
    inside = Signal(3)  # good frames that have not left
    leaves = o_moves & o_beat.last
    enters = i_moves & i_beat.last & ends_good
    m.d.sync += inside.eq(inside + enters - leaves)

    watched = h.constant(2, "watched")  # number of a beat
    index, out_index = Signal(3), Signal(3)
    with m.If(i_moves):
        m.d.sync += index.eq(Mux(i_beat.last, 0, Mux(index.all(), index, index + 1)))
    with m.If(o_moves):
        m.d.sync += out_index.eq(
            Mux(o_beat.last, 0, Mux(out_index.all(), out_index, out_index + 1))
        )
    follows, done = Signal(), Signal()  # the frame that comes in; it is inside, whole
    begin = h.free(1, "follow") & starts & i_moves & ~follows & ~done
    active = begin | follows
    ahead = Signal(3)
    beat = Signal(len(i_beat.as_value()))
    last_index = Signal(3)
    with m.If(active & i_moves):
        m.d.sync += follows.eq(~i_beat.last)
        with m.If(index == watched):
            m.d.sync += beat.eq(i_beat.as_value())
        with m.If(i_beat.last & ends_good):
            m.d.sync += [done.eq(1), last_index.eq(index), ahead.eq(inside - leaves)]
    at_output = done & (ahead == 0)
    with m.If(done & leaves):
        m.d.sync += [ahead.eq(ahead - 1), done.eq(ahead != 0)]

    h.check_if(o_moves, inside != 0)
    width = len(i_beat.data)
    lanes = len(i_beat.keep)
    keep = beat[width : width + lanes]
    mask = [keep[n] for n in range(lanes)]
    same = o_beat.keep == keep
    for n, lane in enumerate(mask):
        octet = slice(n * width // lanes, (n + 1) * width // lanes)
        same = same & (~lane | (o_beat.data[octet] == beat[octet]))
    h.check_if(at_output & o_moves, o_beat.last == (out_index == last_index))
    h.check_if(at_output & o_moves & (out_index == watched), same)
    return inside, at_output
