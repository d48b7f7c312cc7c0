"""The shortest conversation: open, one payload, ACK, close. No register is touched."""

from ttpverif.bench.bench import scenario
from ttpverif.frames.fields import opcode_of, tx_id_of
from ttpverif.frames.frame import Opcode

RUNS = [
    {"sim": "verilator", "preset": "tiny"},
    {"sim": "verilator", "preset": "default"},
    {"sim": "verilator", "preset": "full"},
    {"sim": "icarus", "preset": "tiny"},
]

LINK_UP, LINK_DOWN = 0, 1
DATA = 2  # the VC
TEXT = b"Hello Tesla\n"


def opcodes(node):
    return [opcode_of(frame.data) for frame in node.frames_out]


def notices(node):
    return [(notice.notice, notice.node, notice.vc) for notice in node.notices]


@scenario
async def hello(bench):
    a, b = bench.a, bench.b
    bench.connect()
    free = a.level("free_slots")

    a.open(b.address, DATA)
    await bench.until(lambda: a.notices and b.notices, 2_000, "both hosts told that the link is up")
    assert notices(a) == [(LINK_UP, b.address, DATA)]
    assert notices(b) == [(LINK_UP, a.address, DATA)]

    a.send(b.address, DATA, TEXT)
    await bench.until(lambda: b.received, 2_000, "the payload at b's host")
    await bench.until(
        lambda: a.level("free_slots") == free, 2_000, "the slot free again after the ACK", poll=True
    )
    (payload,) = b.received
    assert (payload.data, payload.node, payload.vc) == (TEXT, a.address, DATA)

    a.close(b.address, DATA)
    await bench.until(
        lambda: len(a.notices) + len(b.notices) == 4, 2_000, "both hosts told that the link is down"
    )
    assert notices(a)[1:] == [(LINK_DOWN, b.address, DATA)]
    assert notices(b)[1:] == [(LINK_DOWN, a.address, DATA)]

    await bench.cycles(200)
    assert opcodes(a) == [Opcode.OPEN, Opcode.PAYLOAD, Opcode.CLOSE], opcodes(a)
    assert opcodes(b) == [Opcode.OPEN_ACK, Opcode.ACK, Opcode.CLOSE_ACK], opcodes(b)
    assert all(len(frame.data) >= 64 for node in bench.nodes for frame in node.frames_out)
    assert not a.received and len(b.received) == 1
    opened = a.frames_out[0].data
    assert opened[0:6] == bytes.fromhex("98ed5c") + b.address.to_bytes(3, "big")
    assert opened[6:12] == bytes.fromhex("98ed5c") + a.address.to_bytes(3, "big")
    assert tx_id_of(a.frames_out[1].data) == payload.id
