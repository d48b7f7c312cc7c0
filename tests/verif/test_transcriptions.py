"""The protocol was transcribed twice, for the hardware and for verification: do they agree?"""

import random

import pytest
from scapy.layers.l2 import Ether

from ttpoe import protocol
from ttpoe.config import PRESETS
from ttpoe.layouts import HostResult, Notice
from ttpoe.link.fsm import Event, LinkState
from ttpverif.check.trace import EVENTS, NOTICES, RESULTS
from ttpverif.frames import frame as verif_frame
from ttpverif.frames.frame import Frame
from ttpverif.frames.scapy_ttp import mac_of_node, ttp_frame
from ttpverif.model.states import State


def fields_by_rtl(data):
    """The fields of a frame, cut out with the hardware's table."""
    return {
        name: int.from_bytes(data[field.offset : field.offset + field.length], "big")
        for name, field in protocol.FIELDS.items()
    }


def random_frame(rng):
    opcode = rng.choice(list(verif_frame.Opcode))
    payload = rng.randbytes(rng.randint(1, 1024)) if opcode.name == "PAYLOAD" else b""
    return Frame(
        src=rng.getrandbits(24),
        dst=rng.getrandbits(24),
        opcode=opcode,
        vc=rng.randrange(3),
        tx_id=rng.getrandbits(32),
        rx_id=rng.getrandbits(32),
        epoch=rng.getrandbits(16),
        extension=rng.choice((0, 0x20)),
        ethertype=rng.choice((0x0AC6, 0x9AC6)),
        payload=payload,
    )


@pytest.mark.parametrize("seed", range(50))
def test_fields(seed):
    frame = random_frame(random.Random(seed))
    data = frame.pack()
    fields = fields_by_rtl(data)
    assert fields["dst_oui"] == fields["src_oui"] == protocol.OUI
    assert (fields["dst_node"], fields["src_node"]) == (frame.dst, frame.src)
    assert (fields["tsh_dst"], fields["tsh_src"]) == (frame.dst, frame.src)
    assert fields["ethertype"] == frame.ethertype
    assert fields["tth_byte0"] == protocol.TTH_BYTE0
    assert fields["tsh_length"] == len(frame.payload) + protocol.TSH_BYTES
    assert fields["total_length"] == fields["tsh_length"] + protocol.TOTAL_OVER_TSH
    for name in ("opcode", "vc", "tx_id", "rx_id", "epoch", "extension"):
        assert fields[name] == getattr(frame, name), name
    assert data[protocol.HEADER_BYTES :][: len(frame.payload)] == frame.payload
    assert len(data) == max(protocol.MIN_FRAME_BYTES, protocol.HEADER_BYTES + len(frame.payload))


def test_fields_of_the_scapy_layers():
    data = bytes(
        Ether(
            bytes(
                ttp_frame(
                    src=1,
                    dst=2,
                    opcode="NACK",
                    vc=1,
                    tx_id=0x01020304,
                    rx_id=0x05060708,
                    epoch=0x090A,
                )
            )
        )
    )
    fields = fields_by_rtl(data)
    assert (fields["tx_id"], fields["rx_id"], fields["epoch"]) == (0x01020304, 0x05060708, 0x090A)
    assert (fields["opcode"], fields["vc"]) == (protocol.Opcode.NACK.value, 1)
    assert mac_of_node(2) == "98:ed:5c:00:00:02" and fields["dst_node"] == 2


def test_opcodes_and_limits():
    assert {o.name: o.value for o in protocol.Opcode} == {
        o.name: o.value for o in verif_frame.Opcode
    }
    assert {e.value for e in protocol.EtherType} == {0x0AC6, 0x9AC6}
    assert protocol.MAX_PAYLOAD_BYTES == verif_frame.MAX_PAYLOAD
    assert all(config.SLOT_BYTES == protocol.MAX_PAYLOAD_BYTES for config in PRESETS.values())


def test_states_events_and_results():
    assert {s.name: s.value for s in LinkState} == {s.name: s.value for s in State}
    assert tuple(event.name for event in Event) == EVENTS
    assert tuple(result.name for result in HostResult) == RESULTS
    assert tuple(notice.name for notice in Notice) == NOTICES
