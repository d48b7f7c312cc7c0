"""What the analysis of a capture says of each frame."""

import json
from pathlib import Path

import pytest

from tests.ladder.analysis_bench import A, B, ack, conversation, data, marks
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.ladder.analysis import NO_LINK, OTHER, analyse
from ttpverif.ladder.capture import Packet, read_capture
from ttpverif.ladder.decode import decode

CAPTURES = Path(__file__).parent.parent / "data" / "pcap"


WIRE = json.loads((CAPTURES / "wire.json").read_text())


def load(name):
    return analyse(
        [
            record
            for record in map(decode, read_capture(CAPTURES / name).packets)
            if record is not None
        ]
    )


def numbers(analysis, mark):
    return [event.record.number for event in analysis.events if mark in event.marks]


@pytest.mark.parametrize("name", sorted(WIRE))
def test_losses_of_teslas_captures(name):
    """What the wire dropped is found, and nothing else.

    Two losses leave no trace in a capture: the last OPEN of 18, after which it ends, and the OPEN
    of 25, which is answered by an OPEN_NACK made by hand.
    """
    dropped = WIRE[name].get("dropped", [])
    unseen = {"18_peer_absent.pcap": [13], "25_open_refused.pcap": [1]}.get(name, [])
    assert numbers(load(name), "lost") == [n for n in dropped if n not in unseen]


@pytest.mark.parametrize(
    "name, marks",
    [
        ("08_payload_lost.pcap", {"replay": [6, 7], "lost": [5, 6]}),
        ("09_ack_lost.pcap", {"duplicate": [7], "again": [8], "lost": [6]}),
        ("11_close_ack_lost.pcap", {"retry": [8], "again": [7], "lost": [6, 7]}),
        ("12_peer_restart_nack_nolink.pcap", {"replay": [9], "refused": [5]}),
        ("15_simultaneous_open.pcap", {}),
        ("16_simultaneous_close.pcap", {}),
        ("25_open_refused.pcap", {"refused": [1]}),
        ("30_ipv4_encap.pcap", {"again": [11]}),
    ],
)
def test_every_mark_of(name, marks):
    analysis = load(name)
    assert {mark: numbers(analysis, mark) for mark in analysis.counts()} == marks


def test_answers_are_linked():
    events = load("09_ack_lost.pcap").events
    assert [(e.record.number, e.answers, e.answered_by, e.replay_of) for e in events] == [
        (1, None, 2, None),
        (2, 1, None, None),
        (3, None, 4, None),
        (4, 3, None, None),
        (5, None, 6, None),
        (6, 5, None, None),
        (7, None, 8, 5),
        (8, 7, None, None),
        (9, None, 10, None),
        (10, 9, None, None),
        (11, None, 12, None),
        (12, 11, None, None),
    ]


def test_go_back_n_loses_one_and_discards_the_rest():
    found = conversation(
        *data(9),
        ack(9),
        *data(10, 11, 12),
        (B, A, "NACK", {"rx_id": 10}),
        *data(10, 11, 12),
        ack(10),
        ack(11),
        ack(12),
    )
    assert marks(found) == {
        3: ["lost"],
        4: ["discarded"],
        5: ["discarded"],
        7: ["replay"],
        8: ["replay"],
        9: ["replay"],
    }


def test_selective_replay_asks_for_the_gap_only():
    found = conversation(
        *data(10, 11, 12, 13),
        (B, A, "NACK", {"rx_id": 11, "tx_id": 12}),
        *data(14, 11, 12),
        ack(10),
        ack(14),
    )
    assert marks(found) == {2: ["lost"], 3: ["lost"], 7: ["replay"], 8: ["replay"]}


def test_an_ack_covers_all_older_ones_and_one_that_is_lost_shows():
    found = conversation(*data(10, 11), ack(11), *data(12, 10), ack(12))
    assert marks(found) == {3: ["lost"], 5: ["duplicate"]}
    assert [found.events[i].answered_by for i in (0, 1, 3)] == [3, 3, 6]


def test_a_replay_that_crosses_its_ack_proves_no_loss():
    """Round trip of 1 us from the first pair; then a replay 100 ns before or after the ACK."""

    def found(ack_first):
        last = [ack(11), *data(11)] if ack_first else [*data(11), ack(11)]
        frames = [*data(10), ack(10), *data(11), *last]
        times = [0, 1000, 5000, 8000, 8100]
        records = []
        for number, ((src, dst, opcode, fields), time) in enumerate(zip(frames, times), 1):
            fields = {"payload": b"p"} | fields if opcode == "PAYLOAD" else fields
            raw = Frame(src, dst, Opcode[opcode], **fields).pack()
            records.append(decode(Packet(number, time, raw, len(raw))))
        return marks(analyse(records))

    assert found(True) == {5: ["duplicate"]}
    assert found(False) == {4: ["replay"]}


def test_no_room_and_what_came_behind():
    found = conversation(*data(10, 11), (B, A, "NACK_FULL", {}), *data(10, 11), ack(11))
    assert marks(found) == {1: ["refused"], 2: ["discarded"], 4: ["replay"], 5: ["replay"]}


def test_gap_late_changed_stray_and_unanswered():
    found = conversation(
        *data(10, 13, 12), ack(13), *data(13, payload=b"other"), ack(99), *data(14)
    )
    assert marks(found) == {
        2: ["gap"],
        3: ["late"],
        5: ["changed"],
        6: ["stray"],
        7: ["unanswered"],
    }
    assert found.events[1].marks["gap"] == "2 IDs in front of it are not in the capture"


def test_ids_wrap():
    found = conversation(*data(0xFFFFFFFF, 0, 1), ack(0), 9, *data(1), 9, ack(1))
    assert marks(found) == {3: ["lost"], 5: ["replay"]}
    assert found.events[0].answered_by == found.events[1].answered_by == 4


def test_a_new_incarnation_uses_ids_again():
    opening = [(A, B, "OPEN", {"tx_id": 9}), (B, A, "OPEN_ACK", {"tx_id": 5, "rx_id": 9})]
    closing = [(A, B, "CLOSE", {"tx_id": 11}), (B, A, "CLOSE_ACK", {"rx_id": 11})]
    once = [*opening, *data(10), ack(10), *closing]
    assert marks(conversation(*once, *once)) == {}
    reset = [*opening, *data(10), ack(10)]
    assert marks(conversation(*reset, *reset)) == {}
    answerer = [*opening, (B, A, "PAYLOAD", {"tx_id": 5}), (A, B, "ACK", {"rx_id": 5}), *closing]
    assert marks(conversation(*answerer, *answerer)) == {}
    assert marks(conversation(*reset, *[(*f[:3], f[3] | {"epoch": 0}) for f in reset])) == {}
    for epoch in (0, 7):  # the link was not closed: the same PAYLOAD is a replay
        again = [
            (*frame[:3], frame[3] | {"epoch": epoch})
            for frame in (opening[0], opening[1], *data(10), *opening, *data(10), ack(10))
        ]
        assert "replay" in marks(conversation(*again))[6]


def test_a_receiver_that_is_still_opening_discards():
    found = conversation(
        (B, A, "OPEN", {"tx_id": 5}),
        (A, B, "OPEN", {"tx_id": 9}),
        (B, A, "OPEN_ACK", {"tx_id": 6, "rx_id": 9}),
        *data(10),
        (B, A, "OPEN", {"tx_id": 5}),
        (A, B, "OPEN_ACK", {"tx_id": 10, "rx_id": 5}),
        *data(10),
        ack(10),
    )
    assert marks(found) == {1: ["lost"], 4: ["discarded"], 5: ["retry"], 7: ["replay"]}


def test_one_side_only():
    found = conversation((A, B, "OPEN", {"tx_id": 9}), *data(10, 11), (A, B, "ACK", {"rx_id": 3}))
    assert marks(found) == {} and found.links["000001-000002 vc 0"]["one_sided"]


def test_each_vc_and_each_pair_is_a_link_of_its_own():
    found = conversation(
        *data(10), *data(10, vc=2), (A, 3, "PAYLOAD", {"tx_id": 10}), *data(10), ack(10)
    )
    assert marks(found) == {1: ["lost"], 4: ["replay"]}
    assert found.nodes == ["000001", "000002", "000003"]
    assert {name: link["frames"] for name, link in found.links.items()} == {
        "000001-000002 vc 0": 3,
        "000001-000002 vc 2": 1,
        "000001-000003 vc 0": 1,
    }


@pytest.mark.parametrize(
    "at, value, cause",
    [
        (41, 99, "total_length"),
        (40, 99, "tsh_length"),
        (42, 11, "bad_opcode"),
        (43, 3, "bad_vc"),
        (14, 6, "bad_tth"),
        (6, 0, "wrong_oui"),
    ],
)
def test_malformed_frames_take_no_part(at, value, cause):
    frame = bytearray(Frame(A, B, Opcode.PAYLOAD, 0, 10, epoch=0x101, payload=b"data 10").pack())
    frame[at] = value
    found = conversation(*data(10), bytes(frame), ack(10))
    assert marks(found) == {2: ["malformed"]}
    assert found.events[1].record.cause == cause
    assert (found.events[1].src == OTHER) == (at == 6)
    assert (found.events[1].link == NO_LINK) == (at in (6, 43))


def test_vlan_fcs_and_snapped_frames():
    good = Frame(A, B, Opcode.PAYLOAD, 0, 10, epoch=0x101, payload=bytes(500)).pack()
    tagged = good[:12] + b"\x81\x00\x00\x05" + good[12:] + b"fcs!"
    record = decode(Packet(1, 0, tagged, len(tagged)))
    assert record.cause is None and record.payload_size == 500 and record.size == 564
    record = decode(Packet(1, 0, good[:96], len(good)))
    assert record.cause is None and record.payload_size == 500
    assert decode(Packet(1, 0, good[:96], 96)).cause == "truncated"
    assert decode(Packet(1, 0, b"\xff" * 60, 60)) is None


def test_fields_as_scapy_decodes_them():
    from scapy.layers.l2 import Ether

    from ttpverif.frames.scapy_ttp import TSH, TTH, TTP

    names = {
        TTH: {
            "subtype": "subtype",
            "version": "version",
            "header words": "header_words",
            "via gateway": "gateway",
            "reserved": "reserved",
            "total length": "total_length",
        },
        TSH: {"src node": "src_node", "dst node": "dst_node", "length": "length"},
        TTP: {
            "reserved [7:6]": "opcode_reserved",
            "opcode": "opcode",
            "VC": "vc",
            "tx": "tx",
            "rx": "rx",
            "epoch": "epoch",
            "congestion": "congestion",
            "reserved": "reserved",
            "version": "version",
            "reserved low": "reserved_low",
            "extension": "extension",
            "TxID": "tx_id",
            "RxID": "rx_id",
        },
    }
    compared = 0
    for name in WIRE:
        for packet in read_capture(CAPTURES / name).packets:
            raw = bytes(
                value ^ (7 * index & 0x3F if index in range(44, 60) else 0)
                for index, value in enumerate(packet.data)
            )
            record, layers = decode(Packet(1, 0, raw, len(raw))), Ether(raw)
            for layer, field, _, _, value in record.fields():
                kind = {"TTH": TTH, "TSH": TSH, "TTP": TTP}.get(layer)
                if kind and field in names[kind]:
                    assert value == getattr(layers[kind], names[kind][field]), (name, field)
                    compared += 1
    assert compared > 5000
