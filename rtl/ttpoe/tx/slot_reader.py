"""`SlotReader`: from the slots of PAYLOADs to their words.

Source: section 5.2 of the protocol (slots of the replay memory).
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..memory.protected import ERRORS, report, restored, stored_bits
from ..replay.memory import word_port

__all__ = ["SlotReader", "word_layout"]

_PLACES = 8
"""Words read ahead, one place free: a word taken makes room for one that is there 5 clocks later,
so this is enough for a word in every clock."""


def word_layout(config):
    """One word of a payload; bytes behind the payload's last one are undefined.

    `first`: the payload's first word.
    """
    return data.StructLayout({"data": config.width_bits, "first": 1})


class SlotReader(wiring.Component):
    """Reads the words of one PAYLOAD after the other, ahead of the frames that they go into.

    The block RAMs of the replay memory lie far apart. So they read in every clock, at an address
    that is a register, and what they read goes straight into a small queue, in which there is a
    place for each word that is under way.

    Members
    -------
    i : stream of slot_bits
        Slots, from `PayloadQueue`.
    i_known : In(1), i_words : In(11)
        Whether the bytes of the payload on `i` are known, and how many they are; while
        `o_unsure` those of the one taken last.
    o_unsure : Out(1)
        A payload is being read of which it is not known how long it is.
    o : stream of `word_layout`
        Of each payload ceil(bytes / width) words. More may follow, before the next `first`: they
        were read before the length was known, and are to be taken, too.
    i_used : In(1)
        The word that is taken in this clock is one of the payload's (for `o_errors`).
    i_flush : In(1)
        Nothing of what was taken on `i` up to now counts any more; not with `o.ready`.
    word : Out(word_port)
        The read port of `ReplayMemory`.
    o_errors : Out(ERRORS)
        What the words taken were found to be, see `ttpoe.memory.protected`.

    Timing
    ------
    A slot taken in clock t has its first word on `o` in t + 3, a further word in every clock. The
    first word of the next payload comes right behind the last one, if the length was known when
    its slot was taken.

    Reset: nothing is being read.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(config.slot_bits)),
                "i_known": In(1),
                "i_words": In(11),
                "o_unsure": Out(1),
                "o": Out(stream.Signature(word_layout(config))),
                "i_used": In(1),
                "i_flush": In(1),
                "word": Out(word_port(config)),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        taken, issues = self._issue(m)
        self._collect(m, taken, issues)
        return m

    def _issue(self, m):
        """Which word is read next: (the first one of a slot that is taken, any)."""
        reading = Signal()  # a slot was taken
        known = Signal()
        last = Signal(self._config.beat_bits)  # beat of the payload's last word, if known
        self._room = Signal(init=1)
        more, taken, issues = Signal(), Signal(), Signal()
        address = self.word.addr
        m.d.comb += [
            self.o_unsure.eq(reading & ~known),
            more.eq(reading & (~known | (address.beat < last))),
            self.i.ready.eq(self._room & ~more),
            taken.eq(self.i.ready & self.i.valid),
            issues.eq(self._room & (more | self.i.valid)),
        ]
        with m.If(issues):
            m.d.sync += address.beat.eq(Mux(more, address.beat + 1, 0))
        with m.If(taken):
            m.d.sync += [address.slot.eq(self.i.payload), reading.eq(1)]
        with m.If(taken | self.o_unsure):
            m.d.sync += [
                known.eq(self.i_known),
                last.eq((self.i_words - 1) >> ceil_log2(self._config.width_bytes)),
            ]
        with m.If(self.i_flush):
            m.d.sync += reading.eq(0)
        return taken, issues

    def _collect(self, m, taken, issues):
        """Words under way have their place in the queue; it is written in every clock, at the
        first place that is free if there is nothing to write."""
        config = self._config
        m.submodules.words = words = memory.Memory(
            shape=stored_bits(config.protect, config.width_bits), depth=_PLACES, init=[]
        )
        write, read = words.write_port(), words.read_port(domain="comb")
        firsts = Signal(_PLACES)
        # The next place to be given away; that of the word at the memory; the first one behind
        # the words that are there; the one to be taken.
        given, addressed, there, front = (
            Signal(range(_PLACES), name=name) for name in ("given", "addressed", "there", "front")
        )
        first_addressed, first_there = Signal(), Signal()
        value, errors = restored(m, config.protect, read.data, config.width_bits)
        m.d.comb += [
            write.en.eq(1),
            write.addr.eq(there),
            write.data.eq(self.word.data),
            read.addr.eq(front),
            self.o.valid.eq(front != there),
            self.o.payload.data.eq(value),
            self.o.payload.first.eq(firsts.bit_select(front, 1)),
        ]
        m.d.sync += [
            # A clock old: one more word may be under way, and one place stays free.
            self._room.eq((given - front)[: len(front)] < _PLACES - 2),
            first_addressed.eq(taken),
            first_there.eq(first_addressed),
            firsts.bit_select(there, 1).eq(first_there),
            addressed.eq(given),
            there.eq(addressed),
        ]
        with m.If(self.i_flush):
            m.d.sync += [addressed.eq(given), there.eq(given), front.eq(given)]
        with m.Else():
            m.d.sync += given.eq(given + issues)
            with m.If(self.o.valid & self.o.ready):
                m.d.sync += front.eq(front + 1)
        found = Signal(ERRORS)
        used = self.o.valid & self.o.ready & self.i_used
        m.d.comb += found.eq(errors.as_value() & used.replicate(2))
        report(m, config.protect, self.o_errors, found)
