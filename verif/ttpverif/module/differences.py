"""Where the peer's frames differ from the module's in the captures, and why.

A difference that is not listed fails the tests, and so does a listed one that does not occur.
"""

from dataclasses import dataclass

__all__ = ["DIFFERENCES", "Difference", "expected_differences"]

_RECYCLED = (
    "section 10: the IDs of a CLOSE are left over from an event of long ago, before the file begins"
)
_CUT = "the file ends before the answer to its last frame"


@dataclass(frozen=True)
class Difference:
    """`play`: capture and role; `frames`: numbers from 1; `field` as in `replay.Result`."""

    play: str
    frames: tuple
    opcode: str
    field: str
    reason: str


DIFFERENCES = (
    Difference("31A", (200,), "PAYLOAD", "extra", _CUT),
    Difference("32A", (200,), "NACK", "extra", _CUT),
    Difference("37A", (3, 5), "ACK", "missing", "what it answers was cut out of the file"),
    Difference("37A", (9, 13, 15, 19, 22, 25, 28), "CLOSE", "tx_id", _RECYCLED),
    Difference("37A", (31, 34), "CLOSE", "rx_id", _RECYCLED),
    Difference(
        "37A",
        (34,),
        "CLOSE",
        "extra",
        "its CLOSE on VC 0 after 6.44 s was lost on the wire, and such frames are not in the file",
    ),
    Difference("38A", (38, 40, 43, 46, 49, 52, 56), "CLOSE", "tx_id", _RECYCLED),
    Difference("38A", (59,), "CLOSE", "rx_id", _RECYCLED),
)


def expected_differences(play):
    """{(frame number, opcode name, field)} that the list announces for one `Play`."""
    return {
        (number, entry.opcode, entry.field)
        for entry in DIFFERENCES
        if entry.play == str(play)
        for number in entry.frames
    }
