"""`ReplayMemory`: the bytes of every payload that is not acknowledged yet.

Source: section 5.2 of the protocol: on-chip memory cut into slots of 1 KB.
"""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature, slot_write_layout
from ..memory.protected import (
    COLLISION_UNDEFINED,
    ERRORS,
    errors_of,
    protected_memory,
    ram_style,
    report,
    stored,
    stored_bits,
)
from ..memory.read_port import ReadPort, slot_beat_address

__all__ = ["ReplayMemory", "word_port", "length_port"]


def word_port(config):
    """Reads one word of a payload in every clock: `data`, one clock after `addr`, are its bits as
    they lie in the memory, with their check bits if there are any (`memory.protected.restored`).
    """
    return wiring.Signature(
        {
            "addr": Out(slot_beat_address(config.slot_bits, config.beat_bits)),
            "data": In(stored_bits(config.protect, config.width_bits)),
        }
    )


def length_port(config):
    """Reads how many bytes the payload in a slot has, 1 to 1024."""
    return ReadPort(config.slot_bits, 11)


class ReplayMemory(wiring.Component):
    """Payload memory (`slots * slot_beats` words of the datapath's width) and length memory.

    Members
    -------
    i_write : event `slot_write_layout`
        Writes `data` at (`slot`, `beat`); with `last` also `length_bytes` for `slot`.
    word : In(word_port)
        Reads in every clock: an enable for so many block RAMs would be a slow net. Who takes a
        word restores it, and reports what it found then.
    length : In(length_port)
        See `ttpoe.memory.read_port`.
    o_errors : Out(ERRORS)
        What the length memory found, see `ttpoe.memory.protected`.

    A write in clock t is seen by reads from clock t + 1 on. Reading a word in the clock in
    which it is written gives an undefined value; a slot of which words are used is not written
    meanwhile (`SlotLists`).

    Timing
    ------
    One write, one word read and one length read per clock.

    Reset
    -----
    Contents are undefined and stay; nothing reads a slot before it was written.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_write": In(event_signature(slot_write_layout(config))),
                "word": In(word_port(config)),
                "length": In(length_port(config)),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        block = {"ram_style": "block", **COLLISION_UNDEFINED}
        m.submodules.payload_memory = payload_memory = protected_memory(
            config.protect,
            shape=config.width_bits,
            depth=config.slots * config.slot_beats,
            init=[],
            attrs=block,
        )
        m.submodules.length_memory = length_memory = protected_memory(
            config.protect,
            shape=11,
            depth=config.slots,
            init=[],
            attrs={"ram_style": ram_style(config.slots), **COLLISION_UNDEFINED},
        )
        payload_write = payload_memory.write_port()
        payload_read = payload_memory.read_port()
        length_write = length_memory.write_port()
        length_read = length_memory.read_port()

        written = self.i_write.payload
        m.d.comb += [
            payload_write.en.eq(self.i_write.valid),
            payload_write.addr.eq(Cat(written.beat, written.slot)),
            payload_write.data.eq(written.data),
            length_write.en.eq(self.i_write.valid & written.last),
            length_write.addr.eq(written.slot),
            length_write.data.eq(written.length_bytes),
            payload_read.en.eq(1),
            payload_read.addr.eq(self.word.addr),
            self.word.data.eq(stored(payload_read)),
            length_read.en.eq(self.length.en),
            length_read.addr.eq(self.length.addr),
            self.length.data.eq(length_read.data),
        ]
        report(m, config.protect, self.o_errors, errors_of(length_read, self.length.used))
        return m
