"""`SlotReader`: from a PAYLOAD descriptor to the payload's words.

Source: section 5.2 of the protocol (slots of the replay memory).
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import event_signature, payload_frame_layout, reading_layout, slot_free_layout
from ..replay.memory import length_port, word_port
from .payload_queue import kills

__all__ = ["SlotReader", "word_layout"]


def word_layout(config):
    """One word of a payload; bytes behind the payload's last one are undefined.

    `first`: the payload's first word. With it come `frame`, its descriptor, and `length_bytes`.
    """
    return data.StructLayout(
        {
            "data": config.width_bits,
            "first": 1,
            "length_bytes": 11,
            "frame": payload_frame_layout(config),
        }
    )


class SlotReader(wiring.Component):
    """Reads the length and the words of one queued PAYLOAD after the other.

    Members
    -------
    i : stream of `payload_frame_layout`, i_dead : In(1)
        From `PayloadQueue`. An entry that is dead when it is taken is dropped.
    i_free : event `slot_free_layout`, i_withdraw : event lid_bits
        Kill PAYLOADs that are read ahead, but not started on the wire; see `PayloadQueue`.
    o : stream of `word_layout`
        ceil(`length_bytes` / width) words per PAYLOAD.
    o_dead : Out(1)
        The PAYLOAD whose first word is on `o` was killed, in an earlier clock. Counts with
        `o.valid` and `first` only; it may rise while the word waits, which stays otherwise.
    i_drop : In(1)
        With `o.ready` and a dead first word: the rest of the PAYLOAD is not read. Who has started
        its frame before it died ignores `o_dead` and takes all words.
    o_reading : Out(reading_layout)
        Words of `slot` are still to be read: from the clock after the entry was taken, up to at
        least the clock in which its last read is issued.
    word : Out(word_port), length : Out(length_port)
        The read ports of `ReplayMemory`, whose outputs hold their values: they are this
        component's output register.

    Timing
    ------
    An entry taken in clock t has its first word on `o` in t + 1, a further word in every clock.
    The first word of the next PAYLOAD comes right behind the last one; but never earlier than
    two clocks after the first one before it (the number of words is known only then). `ready` of
    `i` depends on registers and `o.ready`.

    Reset: nothing is being read.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(payload_frame_layout(config))),
                "i_dead": In(1),
                "i_free": In(event_signature(slot_free_layout(config))),
                "i_withdraw": In(event_signature(config.lid_bits)),
                "o": Out(stream.Signature(word_layout(config))),
                "o_dead": Out(1),
                "i_drop": In(1),
                "o_reading": Out(reading_layout(config)),
                "word": Out(word_port(config)),
                "length": Out(length_port(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        frame = Signal(payload_frame_layout(config))
        words = Signal(config.beat_bits + 1)  # of this payload
        issued = Signal(config.beat_bits + 1)  # reads issued for it
        learning = Signal()  # the length is on its way into `words`
        read = Signal()  # a word was read and not taken yet
        first = Signal()
        guessed = Signal()  # the second word, read before it was known to exist

        more = Signal()
        move = Signal()  # the memory's output is free for the next word
        start = Signal()
        m.d.comb += [
            more.eq(learning | (issued < words)),
            self.o.valid.eq(read & ~(guessed & (words == 1))),
            move.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(move & ~more),
            start.eq(self.i.ready & self.i.valid & ~self.i_dead),
            self.o.payload.data.eq(self.word.data),
            self.o.payload.first.eq(first),
            self.o.payload.length_bytes.eq(self.length.data),
            self.o.payload.frame.eq(frame),
            self.o_reading.slot.eq(frame.slot),
            self.word.used.eq(self.o.valid & self.o.ready),
            self.word.addr.slot.eq(Mux(more, frame.slot, self.i.payload.slot)),
            self.word.addr.beat.eq(Mux(more, issued, 0)),
            self.word.en.eq(start | (move & more & ~self.i_drop)),
            self.length.addr.eq(self.i.payload.slot),
            self.length.en.eq(start),
            self.length.used.eq(learning),
        ]
        with m.If(move):
            m.d.sync += [read.eq(self.word.en), first.eq(start), guessed.eq(learning)]
        with m.If(learning):
            shift = ceil_log2(config.width_bytes)
            m.d.sync += words.eq((self.length.data + config.width_bytes - 1) >> shift)
        with m.If(self.i_drop):
            m.d.sync += words.eq(0)
        with m.If(self.word.en):
            m.d.sync += issued.eq(Mux(more, issued + 1, 1))
        # A register, and so a clock longer than needed: it is the start of a long path.
        m.d.sync += [learning.eq(start), self.o_reading.valid.eq(start | more)]
        killed = Signal()
        here = Signal(payload_frame_layout(config))  # what is taken in this clock, or was
        m.d.comb += [
            here.eq(Mux(start, self.i.payload, frame)),
            killed.eq(
                kills(self.i_free, here.slot, here.lid)
                | (self.i_withdraw.valid & (self.i_withdraw.payload == here.lid))
            ),
        ]
        m.d.sync += self.o_dead.eq(killed | (self.o_dead & ~start))
        with m.If(start):
            m.d.sync += frame.eq(self.i.payload)
        return m
