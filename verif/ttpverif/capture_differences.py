"""Where the engine's frames differ from Tesla's in the captures, and why.

A difference that is not listed fails the replay, and so does a listed one that does not occur.
`where`: {capture: frame numbers}; None means every frame with that opcode which the role sent in
any capture, but for those in `but`.
"""

from dataclasses import dataclass, field

__all__ = ["DIFFERENCES", "Difference", "expected_differences", "found_differences"]


@dataclass(frozen=True)
class Difference:
    roles: str
    opcodes: tuple
    field: str
    reason: str
    where: dict | None = None
    but: dict = field(default_factory=dict)


DIFFERENCES = (
    Difference("AB", ("OPEN", "OPEN_ACK", "CLOSE", "CLOSE_ACK", "PAYLOAD", "ACK"), "epoch",
               "section 6: the engine numbers its incarnations, Tesla's module sends 0 and "
               "ignores ours; a CLOSE_ACK without a link copies the CLOSE's (11)",
               but={"16": (3,), "01": (7,), "10": (8,), "11": (7, 9)}),
    Difference("AB", ("OPEN",), "rx_id", "section 1.2: 0; the module sends its start ID",
               but={"16": (3,)}),
    Difference("AB", ("OPEN_ACK",), "tx_id",
               "L9: our first data ID; the module sends 0"),
    Difference("AB", ("CLOSE",), "tx_id", "C1: our last data ID + 1; the module declares nothing"),
    Difference("AB", ("CLOSE",), "rx_id", "section 1.2: last ID received; the module sends 0"),
    Difference("B", ("CLOSE_ACK",), "missing",
               "section 10: the module answers the first CLOSE twice, the engine once",
               where={"01": (7,), "10": (8,), "11": (7,)}),
    Difference("B", ("NACK_NOLINK",), "rx_id",
               "section 1.2: the PAYLOAD's ID; the module sends 0"),
    Difference("B", ("OPEN",), "missing",
               "section 2: one link carries both directions, a host's open of an OPEN link sends "
               "nothing; the module opens its own direction", where={"16": (3,)}),
    Difference("A", ("OPEN",), "tx_id",
               "section 2: NACK_NOLINK ends the link, the host opens a new one with a fresh open "
               "ID; the module re-opens the old one with its last acknowledged ID",
               where={"12": (7,)}),
    Difference("A", ("PAYLOAD",), "tx_id", "follows from the new open ID", where={"12": (9, 11)}),
)


def expected_differences(replays):
    """{(capture number, role, frame number, opcode, field)} that the list announces."""
    expected = set()
    for replay in replays:
        name = replay.capture.name[:2]
        for step in replay.steps:
            for number, frame in zip(step.numbers, step.expected):
                for entry in DIFFERENCES:
                    listed = (number in entry.where.get(name, ()) if entry.where is not None
                              else number not in entry.but.get(name, ()))
                    if replay.role in entry.roles and frame.opcode.name in entry.opcodes and listed:
                        expected.add((name, replay.role, number, frame.opcode.name, entry.field))
    return expected


def found_differences(replays):
    """The same of finished `captures.Replay`s."""
    return {(replay.capture.name[:2], replay.role, *found)
            for replay in replays for found in replay.differences}
