"""The receive memory: payloads, and what must be known of them at delivery.

Source: section 7, design rules 1 and 8 (payload memories exactly the datapath wide, no reset on
contents).
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import event_signature
from ..memory.protected import (
    COLLISION_UNDEFINED,
    ERRORS,
    errors_of,
    protected_memory,
    report,
    stored,
    stored_bits,
)
from ..memory.read_port import ReadPort, slot_beat_address

__all__ = [
    "RxMemory",
    "slot_beat_layout",
    "slot_info_layout",
    "beat_count_layout",
    "stored_beat_layout",
    "beat_port",
    "count_port",
]


def slot_beat_layout(config):
    """One beat written into a receive slot."""
    return data.StructLayout(
        {"slot": config.rx_slot_bits, "beat": config.beat_bits, "data": config.width_bits}
    )


def slot_info_layout(config):
    """Read with each beat of a slot. `last_lane`: of the last byte, in the last beat."""
    return data.StructLayout({"node": 24, "id": 32, "last_lane": ceil_log2(config.width_bytes)})


def stored_beat_layout(config):
    """Bits of `data` and `info`, with their check bits if there are any."""
    info = slot_info_layout(config)
    return data.StructLayout(
        {
            "data": stored_bits(config.protect, config.width_bits),
            "info": info if config.protect == "none" else stored_bits(config.protect, info.size),
        }
    )


def beat_count_layout(config):
    """Read when the verdict comes. `short` says that `last_beat` is 0 or 1.

    With it one LUT behind the memory tells payloads of one or two beats from the others.
    """
    return data.StructLayout({"last_beat": config.beat_bits, "short": 1})


def beat_port(config):
    """Reads one beat of a slot: `data`, and the slot's `info`, both as they lie in the memory, with
    their check bits if there are any (`memory.protected.restored`)."""
    return ReadPort(
        slot_beat_address(config.rx_slot_bits, config.beat_bits), stored_beat_layout(config)
    )


def count_port(config):
    """Reads how many beats a slot has."""
    return ReadPort(config.rx_slot_bits, beat_count_layout(config))


class RxMemory(wiring.Component):
    """`rx_slots` slots of 1 KB, each with its source node, ID and length.

    Three block RAMs. What is wanted with each beat (`info`) and what is wanted as early as the
    verdict (`count`, so that the reader knows where to stop) lie apart, because the two are
    read in the same clock for different slots.

    Members
    -------
    i_write : In(event_signature(slot_beat_layout))
        One beat of payload.
    i_describe : In(event_signature({slot, info, count}))
        Describes the payload in `slot`, once per payload that is kept.
    beat : In(beat_port), count : In(count_port)
        Read ports, see `ttpoe.memory.read_port`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: one write, one description and two reads per clock. A description of clock n may be
    read from clock n + 1 on, a beat from clock n + 2 on: it is written from registers, which are
    all that lies in front of the many block RAMs of the payloads. Reading and writing one beat in
    the same clock is not used.

    Reset: contents are not touched; nobody reads a slot before it was written.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_write": In(event_signature(slot_beat_layout(config))),
                "i_describe": In(
                    event_signature(
                        data.StructLayout(
                            {
                                "slot": config.rx_slot_bits,
                                "info": slot_info_layout(config),
                                "count": beat_count_layout(config),
                            }
                        )
                    )
                ),
                "beat": In(beat_port(config)),
                "count": In(count_port(config)),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.payload_memory = payload_memory = protected_memory(
            config.protect,
            shape=config.width_bits,
            depth=config.rx_slots * config.slot_beats,
            init=[],
            attrs=COLLISION_UNDEFINED,
        )
        # With few slots a tool would take LUTs for this one, and many.
        m.submodules.info_memory = info_memory = protected_memory(
            config.protect,
            shape=slot_info_layout(config),
            depth=config.rx_slots,
            init=[],
            attrs={"ram_style": "block", **COLLISION_UNDEFINED},
        )
        m.submodules.count_memory = count_memory = protected_memory(
            config.protect,
            shape=beat_count_layout(config),
            depth=config.rx_slots,
            init=[],
            attrs=COLLISION_UNDEFINED,
        )

        write, describe = self.i_write, self.i_describe
        write_port = payload_memory.write_port()
        written = Signal(slot_beat_layout(config))
        m.d.sync += [write_port.en.eq(write.valid), written.eq(write.p)]
        m.d.comb += [
            write_port.addr.eq(Cat(written.beat, written.slot)),
            write_port.data.eq(written.data),
        ]
        for ram, value in ((info_memory, describe.p.info), (count_memory, describe.p.count)):
            port = ram.write_port()
            m.d.comb += [
                port.addr.eq(describe.p.slot),
                port.data.eq(value),
                port.en.eq(describe.valid),
            ]

        for ram, reader, address, output in (
            (payload_memory, self.beat, self.beat.addr, self.beat.data.data),
            (info_memory, self.beat, self.beat.addr.slot, self.beat.data.info),
            (count_memory, self.count, self.count.addr, self.count.data),
        ):
            port = ram.read_port()
            decoded = ram is count_memory
            m.d.comb += [
                port.addr.eq(address),
                port.en.eq(reader.en),
                output.eq(port.data if decoded else stored(port)),
            ]
            if decoded:
                errors = errors_of(port, reader.used)
        report(m, config.protect, self.o_errors, errors)
        return m
