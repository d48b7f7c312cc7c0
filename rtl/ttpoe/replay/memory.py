"""`ReplayMemory`: the bytes of every payload that is not acknowledged yet.

Source: section 5.2 of the protocol: on-chip memory cut into slots of 1 KB.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature, slot_write_layout
from ..memory.protected import COLLISION_UNDEFINED, ERRORS, errors_of, protected_memory, report

__all__ = ["ReplayMemory"]


class ReplayMemory(wiring.Component):
    """Payload memory (`slots * slot_beats` words of the datapath's width) and length memory.

    Members
    -------
    i_write : event `slot_write_layout`
        Writes `data` at (`slot`, `beat`); with `last` also `length_bytes` for `slot`.
    i_read_slot, i_read_beat, i_read_en : In(slot_bits), In(beat_bits), In(1)
        Which word to read.
    o_data : Out(width_bits)
        That word, in the clock after `i_read_en`; holds its value until the next `i_read_en`.
    i_data_used : In(1)
        `o_data` is taken in this clock (for `o_errors`).
    i_length_slot, i_length_en : In(slot_bits), In(1)
        Whose length to read.
    o_length_bytes : Out(11)
        1 to 1024, in the clock after `i_length_en`; holds until the next `i_length_en`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    A write in clock t is seen by reads from clock t + 1 on. Reading a word in the clock in
    which it is written gives an undefined value; slots being read are not written (`SlotLists`).

    Timing
    ------
    One write, one word read and one length read per clock.

    Reset
    -----
    Contents are undefined and stay; nothing reads a slot before it was written.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "i_write": In(event_signature(slot_write_layout(config))),
            "i_read_slot": In(config.slot_bits),
            "i_read_beat": In(config.beat_bits),
            "i_read_en": In(1),
            "o_data": Out(config.width_bits),
            "i_data_used": In(1),
            "i_length_slot": In(config.slot_bits),
            "i_length_en": In(1),
            "o_length_bytes": Out(11),
            "o_errors": Out(ERRORS),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        block = {"ram_style": "block", **COLLISION_UNDEFINED}
        m.submodules.payload_memory = payload_memory = protected_memory(
            config.protect, shape=config.width_bits, depth=config.slots * config.slot_beats,
            init=[], attrs=block)
        m.submodules.length_memory = length_memory = protected_memory(
            config.protect, shape=11, depth=config.slots, init=[], attrs=block)
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

            payload_read.en.eq(self.i_read_en),
            payload_read.addr.eq(Cat(self.i_read_beat, self.i_read_slot)),
            self.o_data.eq(payload_read.data),
            length_read.en.eq(self.i_length_en),
            length_read.addr.eq(self.i_length_slot),
            self.o_length_bytes.eq(length_read.data),
        ]
        length_used = Signal()
        m.d.sync += length_used.eq(self.i_length_en)
        report(m, config.protect, self.o_errors, errors_of(payload_read, self.i_data_used),
               errors_of(length_read, length_used))
        return m
