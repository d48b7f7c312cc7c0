"""`Config`: everything about the engine that is chosen before it is built.

One frozen, validated dataclass describes one engine. Every block takes a `Config` and refuses
nothing later: what this file accepts can be built, simulated and synthesised.
"""

import dataclasses
from dataclasses import dataclass

from amaranth.utils import ceil_log2

from .protocol import OUI

__all__ = ["Config", "ConfigError", "PRESETS", "preset"]


class ConfigError(ValueError):
    """A combination of parameters that is refused; the text names the rule and the value."""


def _require(rule_holds, rule, **values):
    if not rule_holds:
        got = ", ".join(f"{name}={value!r}" for name, value in values.items())
        raise ConfigError(f"{rule}; got {got}")


def _is_power_of_two(value):
    return isinstance(value, int) and value > 0 and value & (value - 1) == 0


@dataclass(frozen=True)
class Config:
    """Parameters of one TTP engine.

    Parameters
    ----------
    name : str
        Name of the configuration; it appears in the header of the generated Verilog.
    width_bits : int
        Width of every datapath (MAC, host, memories), in bits: 64, 128, 256 or 512.
    sets : int
        Sets of the link table in each table; a power of two from 2 to 16384 (section 5.1).
    vc_tables : int
        3: each VC has a table of its own, as in Tesla's module (256 sets x 2 ways x 3 VCs).
        1: the VCs share one table, the VC being mixed into the hash; for small engines.
    slots : int
        Slots of the replay memory, 1 KB each; a power of two from 4 to 65536 (section 5.2).
    rx_slots : int
        Slots of the receive memory, 1 KB each; a power of two from 8 to 4096.
    rx_reserved : int
        Receive slots kept back for each VC, so that a stalled reader of one VC cannot take the
        room of another (section 7). At least 1; what is neither reserved nor for reordering is
        shared.
    reorder_slots : int
        Receive slots set aside for packets that are kept behind a gap (selective replay, section
        5.3), so that they cannot take the room of what would fill the gap; a power of two from
        4 to 2048. A link keeps packets up to `4 * reorder_slots` IDs ahead. With as many as the
        peer has replay slots, everything that can be in flight behind a gap finds a place; with
        fewer, what does not is lost once more.
    event_depth : int
        Received header events that may wait for the pipeline. When it is full, frames are
        dropped whole at the door and counted.
    control_depth : int
        Control frames (all but PAYLOAD) that may wait for the wire.
    payload_depth : int
        PAYLOAD frames that may wait for the wire. As short as keeps the wire busy, because
        urgency is decided before this queue: 4 at 64 bits, where a frame takes 8 clocks or more,
        16 at 512 bits, where it may take two.
    congestion : str
        Against many senders at one port of a switch. "backlog": receivers announce how many links
        are backlogged, senders pace by it and keep a window (section 11, decisions K1 to K14).
        "none": no link is controlled, and nothing of it is built.
    encapsulation : str
        Forms of frame. "ethernet": TTP right behind the EtherType. "ipv4": that one, and TTP in
        UDP and IPv4, which routers forward; each link answers in the form in which it was opened
        (section 10, decisions E1 to E8).
    os_buffer_bytes : int
        Room for frames of the OS in a NIC, each way: a power of two from 2048 to 1048576. A
        frame takes whole beats, and the longest one that passes fills it: 2048 does for standard
        frames, 16384 for jumbo frames of 9018 bytes.
    protect : str
        Against upsets of memories. "none": nothing is checked. "secded": every word of every
        memory has check bits; a wrong bit is put right when the word is read, and counted, two
        are counted (`ttpoe.memory.protected`).
    oui : int
        Upper half of the MAC of every node of the network, 24 bits; Tesla's is 0x98ED5C.
    """

    name: str = "default"
    width_bits: int = 64
    sets: int = 64
    vc_tables: int = 1
    slots: int = 64
    rx_slots: int = 128
    rx_reserved: int = 4
    reorder_slots: int = 64
    event_depth: int = 32
    control_depth: int = 32
    payload_depth: int = 4
    congestion: str = "backlog"
    encapsulation: str = "ethernet"
    os_buffer_bytes: int = 16384
    protect: str = "none"
    oui: int = OUI

    WAYS = 2
    VCS = 3
    SLOT_BYTES = 1024

    def __post_init__(self):
        _require(
            isinstance(self.name, str) and self.name.isidentifier(),
            "name must be an identifier",
            name=self.name,
        )
        _require(
            self.width_bits in (64, 128, 256, 512),
            "width_bits must be 64, 128, 256 or 512",
            width_bits=self.width_bits,
        )
        _require(self.vc_tables in (1, 3), "vc_tables must be 1 or 3", vc_tables=self.vc_tables)
        for field, low, high in (
            ("sets", 2, 16384),
            ("slots", 4, 65536),
            ("rx_slots", 8, 4096),
            ("reorder_slots", 4, 2048),
            ("event_depth", 2, 256),
            ("payload_depth", 2, 16),
            ("os_buffer_bytes", 2048, 1 << 20),
        ):
            value = getattr(self, field)
            _require(
                _is_power_of_two(value) and low <= value <= high,
                f"{field} must be a power of two from {low} to {high}",
                **{field: value},
            )
        _require(
            self.protect in ("none", "secded"),
            "protect must be none or secded",
            protect=self.protect,
        )
        _require(
            self.congestion in ("none", "backlog"),
            "congestion must be none or backlog",
            congestion=self.congestion,
        )
        _require(
            self.encapsulation in ("ethernet", "ipv4"),
            "encapsulation must be ethernet or ipv4",
            encapsulation=self.encapsulation,
        )
        # Bit 40 of a MAC is that of groups, and nobody's source address.
        _require(
            type(self.oui) is int and 0 <= self.oui < 1 << 24 and not self.oui >> 16 & 1,
            "oui must be a number of 24 bits, and not one of groups (bit 16)",
            oui=self.oui,
        )
        # Room for a frame is promised to each event in the pipeline, of which there may be ten: with
        # fewer places events wait.
        _require(
            _is_power_of_two(self.control_depth) and 8 <= self.control_depth <= 256,
            "control_depth must be a power of two from 8 to 256",
            control_depth=self.control_depth,
        )
        _require(
            isinstance(self.rx_reserved, int)
            and 1 <= self.rx_reserved
            and 3 * self.rx_reserved + self.reorder_slots <= self.rx_slots,
            "rx_reserved must be at least 1 and 3 * rx_reserved + reorder_slots at most rx_slots",
            rx_reserved=self.rx_reserved,
            reorder_slots=self.reorder_slots,
            rx_slots=self.rx_slots,
        )

    # ---- derived figures -------------------------------------------------------------------

    @property
    def width_bytes(self):
        """Bytes in one beat."""
        return self.width_bits // 8

    @property
    def ipv4(self):
        """Whether links may have the IPv4 form."""
        return self.encapsulation == "ipv4"

    @property
    def slot_beats(self):
        """Beats in one slot (1 KB)."""
        return self.SLOT_BYTES // self.width_bytes

    @property
    def beat_bits(self):
        """Bits of a beat number within a slot."""
        return ceil_log2(self.slot_beats)

    @property
    def header_beats(self):
        """Beats of a control frame (64 bytes)."""
        return 64 // self.width_bytes

    @property
    def rows(self):
        """Rows of the tag memory: one per (table, set)."""
        return self.sets * self.vc_tables

    @property
    def row_bits(self):
        """Bits of a row number. With three tables the VC is the upper two bits."""
        return ceil_log2(self.sets) + (2 if self.vc_tables == 3 else 0)

    @property
    def links(self):
        """Links that can be open at once."""
        return self.rows * self.WAYS

    @property
    def lid_bits(self):
        """Bits of a link number: the row, and the way in the lowest bit."""
        return self.row_bits + 1

    @property
    def data_links(self):
        """Links of VC 2 that can be open at once: as many as one table has."""
        return self.sets * self.WAYS

    @property
    def data_bits(self):
        """Bits of the number of a link of VC 2: the lowest ones of its link number."""
        return ceil_log2(self.data_links)

    @property
    def slot_bits(self):
        """Bits of a replay slot number."""
        return ceil_log2(self.slots)

    @property
    def count_bits(self):
        """Bits of a number of replay slots, 0 to `slots`."""
        return self.slot_bits + 1

    @property
    def rx_slot_bits(self):
        """Bits of a receive slot number."""
        return ceil_log2(self.rx_slots)

    @property
    def reorder_window(self):
        """A packet is kept only if its ID is less than this ahead of the last in-order one."""
        return 4 * self.reorder_slots

    @property
    def reorder_bits(self):
        """Bits of a place in the directory of kept packets, one for each ID of the window."""
        return ceil_log2(self.reorder_window)

    def replace(self, **changes):
        """A copy with some parameters changed, validated again."""
        return dataclasses.replace(self, **changes)


# fmt: off
PRESETS = {
    "tiny": Config(name="tiny", width_bits=64, sets=4, slots=16, rx_slots=16, rx_reserved=2,
                   reorder_slots=4, os_buffer_bytes=4096),
    "default": Config(),
    "full": Config(name="full", width_bits=512, sets=256, vc_tables=3, slots=1024,
                   rx_slots=2048, rx_reserved=32, reorder_slots=1024, event_depth=64,
                   control_depth=64, payload_depth=16, os_buffer_bytes=65536),
}
# fmt: on
"""tiny: fast tests; default: fits an ECP5-85F; full: the 100 Gb/s design (1 MB of replay)."""


def preset(name):
    """The preset called `name`; `ConfigError` names the presets there are."""
    _require(name in PRESETS, f"preset must be one of {', '.join(PRESETS)}", preset=name)
    return PRESETS[name]
