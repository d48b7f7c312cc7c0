"""Captures and made conversations for the analysis of a capture."""

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.ladder.analysis import analyse
from ttpverif.ladder.capture import Packet
from ttpverif.ladder.decode import decode

A, B = 1, 2


def conversation(*frames):
    """`analyse` frames given as (src, dst, opcode name, fields) or bytes, one every us.

    A number is a pause of so many us.
    """
    records, time_ns = [], 0
    for frame in frames:
        if isinstance(frame, int):
            time_ns += frame * 1000
            continue
        number, time_ns = len(records) + 1, time_ns + 1000
        if not isinstance(frame, bytes):
            src, dst, opcode, fields = frame
            if opcode == "PAYLOAD":
                fields = {"payload": b"data %d" % fields["tx_id"]} | fields
            frame = Frame(src, dst, Opcode[opcode], **({"epoch": 0x100 + src} | fields)).pack()
        records.append(decode(Packet(number, time_ns, frame, len(frame))))
    return analyse(records)


def data(*ids, **fields):
    return [(A, B, "PAYLOAD", {"tx_id": tx_id} | fields) for tx_id in ids]


def ack(rx_id, **fields):
    return (B, A, "ACK", {"rx_id": rx_id} | fields)


def marks(analysis):
    return {event.record.number: sorted(event.marks) for event in analysis.events if event.marks}
