"""What a script's packets are made of, for who plays it and for its end."""

import random

__all__ = ["BLOCK", "STEP", "payload"]

BLOCK = random.Random("payload bytes").randbytes(3072)
STEP = 250  # clocks between two looks for the end


def payload(number, size):
    """Bytes of the `number`th packet: they begin with its number, as far as there is room."""
    start = number * 7 % 2048
    return (number.to_bytes(4, "little") + BLOCK[start : start + 1020])[:size]
