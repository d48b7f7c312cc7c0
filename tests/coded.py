"""Words as they lie in a memory with check bits, made without the hardware's encoder."""

from ttpoe.memory.secded import check_bits, chunks, columns

__all__ = ["coded"]


def coded(word, width):
    """`word`, of `width` bits, with the check bits of its parts behind it."""
    at, lies = width, word
    for begin, end in chunks(width):
        part, check = word >> begin & (1 << end - begin) - 1, 0
        for bit, column in enumerate(columns(end - begin)):
            check ^= column * (part >> bit & 1)
        lies |= check << at
        at += check_bits(end - begin)
    return lies
