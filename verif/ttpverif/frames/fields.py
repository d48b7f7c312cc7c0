"""Single fields of a frame's bytes, where `Frame.parse` and `Frame.pack` would be too much: what a
wire looks for, and frames in which one thing is wrong.

Nothing is checked: the bytes are those of a TTP frame, long enough to have the field.
"""

__all__ = ["FIELDS", "field_of", "with_field", "dst_of", "opcode_of", "epoch_of"]
__all__ += ["tx_id_of", "rx_id_of"]

FIELDS = {
    "dst_oui": (0, 3),
    "dst": (3, 3),
    "src_oui": (6, 3),
    "src": (9, 3),
    "ethertype": (12, 2),
    "version": (14, 1),
    "control": (15, 1),
    "total_length": (16, 2),
    "length": (40, 2),
    "opcode": (42, 1),
    "vc": (43, 1),
    "epoch": (46, 2),
    "congestion": (48, 1),
    "extension": (51, 1),
    "tx_id": (52, 4),
    "rx_id": (56, 4),
}
"""Place and size in bytes (protocol section 1); the highest byte of a field comes first."""


def field_of(data, name):
    """The number in the field `name` of the frame's bytes."""
    begin, size = FIELDS[name]
    return int.from_bytes(data[begin : begin + size], "big")


def with_field(data, name, value):
    """The bytes with `value` in the field `name`; OverflowError if it does not fit."""
    begin, size = FIELDS[name]
    return data[:begin] + value.to_bytes(size, "big") + data[begin + size :]


def dst_of(data):
    """The destination's node."""
    return field_of(data, "dst")


def opcode_of(data):
    """A number of `frame.Opcode`, or one that has no name; without the two bits above it (F2)."""
    return data[FIELDS["opcode"][0]] & 0x3F


def epoch_of(data):
    return field_of(data, "epoch")


def tx_id_of(data):
    return field_of(data, "tx_id")


def rx_id_of(data):
    return field_of(data, "rx_id")
