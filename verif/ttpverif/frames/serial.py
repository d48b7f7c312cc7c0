"""Serial number arithmetic (protocol section 3): IDs modulo 2^32, epochs modulo 2^16."""

__all__ = ["ID_MASK", "id_add", "id_distance", "epoch_distance"]

ID_MASK = 0xFFFFFFFF


def id_add(value, step):
    """`value + step` modulo 2^32."""
    return (value + step) & ID_MASK


def _signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def id_distance(a, b):
    """`a - b` as a signed 32-bit number: positive when `a` is younger.

    The distance 2^31, for which serial numbers define no order, counts as older (negative).
    """
    return _signed(a - b, 32)


def epoch_distance(a, b):
    """`a - b` as a signed 16-bit number: positive when `a` is younger (2^15 counts as older)."""
    return _signed(a - b, 16)
