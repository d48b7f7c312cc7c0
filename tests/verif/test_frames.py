"""The two transcriptions of the frame (Scapy, struct), against Tesla's captures and each other."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import NoPayload, Padding, Raw

from ttpverif.frames import scapy_ttp
from ttpverif.frames.code import says, sixteenths
from ttpverif.frames.frame import (
    DROP_CAUSES,
    ETHERTYPES,
    Frame,
    Opcode,
    is_ttp,
    mac_to_node,
    node_to_mac,
)
from ttpverif.frames.pcap import read_pcap
from ttpverif.frames.scapy_ttp import OPCODES, TSH, TTH, TTP, ttp_frame

PCAPS = Path(__file__).parent.parent / "data" / "pcap"
FILES = sorted(PCAPS.glob("*.pcap"))
NODES = st.integers(0, 0xFFFFFF)
IDS = st.integers(0, 0xFFFFFFFF)


def layers(packet):
    while not isinstance(packet, NoPayload):
        yield packet
        packet = packet.payload


def rebuilt(packet, automatic=()):
    """The packet again from its field values alone; fields in `automatic` are left out."""
    result = None
    for layer in layers(packet):
        values = {
            f.name: layer.getfieldval(f.name)
            for f in layer.fields_desc
            if (type(layer), f.name) not in automatic
        }
        fresh = type(layer)(**values)
        result = fresh if result is None else result / fresh
    return result


def without_cache(packet):
    for layer in layers(packet):
        layer.raw_packet_cache = None
    return packet


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_captures_dissect_and_rebuild(path):
    frames = read_pcap(path)
    assert frames
    for number, (_, raw) in enumerate(frames, 1):
        packet = Ether(raw)
        assert TTP in packet, number
        assert bytes(without_cache(packet)) == raw, number
        assert bytes(rebuilt(Ether(raw))) == raw, number
        automatic = {
            (TTH, "total_length"),
            (TSH, "length"),
            (TSH, "src_node"),
            (TSH, "dst_node"),
            (UDP, "len"),
            (IP, "ihl"),
            (IP, "chksum"),
        }
        # Not IPv4's length: the module counts the padding in it, but not in UDP's.
        assert bytes(rebuilt(Ether(raw), automatic)) == raw, number


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_captures_from_nothing_but_meaning(path):
    """Padding and every length are computed: the frame is said by its meaning alone."""
    for number, (_, raw) in enumerate(read_pcap(path), 1):
        packet = Ether(raw)
        ttp = packet[TTP]
        payload = packet[Raw].load if Raw in packet else b""
        src, dst = (scapy_ttp.node_of_mac(packet.src), scapy_ttp.node_of_mac(packet.dst))
        fields = dict(vc=ttp.vc, tx_id=ttp.tx_id, rx_id=ttp.rx_id)
        if IP in packet:
            built = scapy_ttp.ipv4_frame(src, dst, ttp.opcode, payload, **fields)
            assert scapy_ttp.node_of_ip(packet[IP].src) == src
            built[IP].len = packet[IP].len
            assert packet.sport == packet.dport == 420 and ttp.version == 2
        else:
            built = ttp_frame(src, dst, ttp.opcode, payload, packet.type, **fields)
        assert bytes(built) == raw, number


def test_transport_header_starts_at_42():
    for name in ("01_open_payload_ack_close", "30_ipv4_encap"):
        for _, raw in read_pcap(PCAPS / f"{name}.pcap"):
            assert bytes(without_cache(Ether(raw)[TTP]))[:18] == raw[42:60]


def test_payload_and_padding_part_at_the_true_length():
    _, raw = read_pcap(PCAPS / "03_payload_sizes.pcap")[2]
    packet = Ether(raw)
    assert packet[Raw].load == b"b" and packet[Padding].load == bytes(3)


def test_opcode_names_agree():
    assert OPCODES == {op.value: op.name for op in Opcode}


def test_node_and_mac():
    assert node_to_mac(0x123456) == bytes.fromhex("98ed5c123456")
    assert scapy_ttp.mac_of_node(0x123456) == "98:ed:5c:12:34:56"
    for node in (0, 1, 0xABCDEF, 0xFFFFFF):
        mac = scapy_ttp.mac_of_node(node)
        assert mac_to_node(mac) == scapy_ttp.node_of_mac(mac) == node
    for refuse in (mac_to_node, scapy_ttp.node_of_mac):
        with pytest.raises(ValueError, match="not a TTP node's MAC"):
            refuse("98:ed:5d:00:00:01")


@st.composite
def frames(draw):
    opcode = draw(st.sampled_from(Opcode))
    payload = b""
    if opcode == Opcode.PAYLOAD:
        size = draw(st.one_of(st.integers(1, 10), st.sampled_from((60, 64, 1023, 1024))))
        payload = draw(st.binary(min_size=size, max_size=size))
    src = draw(NODES)
    dst = draw(NODES.filter(lambda node: node != src))
    return Frame(
        src,
        dst,
        opcode,
        draw(st.integers(0, 2)),
        draw(IDS),
        draw(IDS),
        draw(st.integers(0, 0xFFFF)),
        draw(st.sampled_from((0, 0x20, 0xFF))),
        draw(st.sampled_from(ETHERTYPES)),
        payload,
    )


@settings(max_examples=150, deadline=None)
@given(frames())
def test_struct_against_scapy(frame):
    packet = ttp_frame(
        frame.src,
        frame.dst,
        frame.opcode.name,
        frame.payload,
        frame.ethertype,
        vc=frame.vc,
        tx_id=frame.tx_id,
        rx_id=frame.rx_id,
        epoch=frame.epoch,
        extension=frame.extension,
    )
    raw = frame.pack()
    assert bytes(packet) == raw
    assert len(raw) == max(64, 60 + len(frame.payload))
    assert Frame.parse(raw, frame.dst) == (frame, None)
    back = Ether(raw)
    assert (
        back[TTP].sprintf("%TTP.opcode%"),
        back[TTP].vc,
        back[TTP].tx_id,
        back[TTP].rx_id,
        back[TTP].epoch,
        back[TTP].extension,
        back.type,
    ) == (
        frame.opcode.name,
        frame.vc,
        frame.tx_id,
        frame.rx_id,
        frame.epoch,
        frame.extension,
        frame.ethertype,
    )
    assert (back[Raw].load if Raw in back else b"") == frame.payload
    assert (back[TSH].src_node, back[TSH].dst_node) == (frame.src, frame.dst)


GOOD = Frame(1, 2, Opcode.PAYLOAD, 2, 7, payload=b"0123456789").pack()


def patched(*changes, data=GOOD):
    data = bytearray(data)
    for offset, value in changes:
        data[offset : offset + len(value)] = value
    return bytes(data)


BAD = {
    "runt": GOOD[:63],
    "other_ethertype": patched((12, b"\x08\x00")),
    "wrong_oui": patched((2, b"\x5d")),
    "not_ours": patched((5, b"\x03")),
    "own_source": patched((11, b"\x02")),
    "bad_tth": patched((14, b"\x06")),
    "tsh_length": patched((40, (25).to_bytes(2, "big"))),
    "total_length": patched((16, (57).to_bytes(2, "big"))),
    "truncated": GOOD[:69],
    "bad_opcode": patched((42, b"\x0b")),
    "bad_vc": patched((43, b"\x03")),
    "empty_payload": patched((16, (46).to_bytes(2, "big")), (40, (26).to_bytes(2, "big"))),
}


@pytest.mark.parametrize("cause", BAD)
def test_cause_of_drop(cause):
    assert Frame.parse(GOOD, 2)[1] is None
    assert Frame.parse(BAD[cause], 2) == (None, cause)


def test_unpack_takes_only_good_frames():
    assert Frame.unpack(GOOD).pack() == GOOD
    with pytest.raises(ValueError, match="not a good frame .runt.: 98 ed 5c"):
        Frame.unpack(GOOD[:63])


def test_first_cause_counts():
    """Each cause hides all later ones (F1)."""
    worst = patched(
        (12, b"\x08\x00"),
        (8, b"\x00"),
        (5, b"\x03"),
        (11, b"\x02"),
        (14, b"\x06"),
        (40, (1051).to_bytes(2, "big")),
        (42, b"\x0b\x03"),
        data=GOOD[:69],
    )
    repairs = (
        (8, b"\x5c"),
        (5, b"\x02"),
        (11, b"\x01"),
        (14, b"\x05"),
        (40, (500).to_bytes(2, "big")),
        (16, (520).to_bytes(2, "big")),
    )
    assert Frame.parse(worst[:60], 2, bad_fcs=True)[1] == "bad_fcs"
    assert Frame.parse(worst[:60], 2)[1] == "other_ethertype"
    assert Frame.parse(worst[:14], 2)[1] == "other_ethertype"
    assert Frame.parse(worst[:13], 2)[1] == "runt"
    worst = patched((12, b"\x0a\xc6"), data=worst)
    assert Frame.parse(worst[:60], 2)[1] == "runt"
    seen = []
    for repair in repairs:
        seen.append(Frame.parse(worst, 2)[1])
        worst = patched(repair, data=worst)
    seen.append(Frame.parse(worst, 2)[1])
    worst = worst.ljust(534, b"\0")
    for repair in ((42, b"\x06"), (43, b"\x00")):
        seen.append(Frame.parse(worst, 2)[1])
        worst = patched(repair, data=worst)
    assert tuple(seen) == DROP_CAUSES[3:12]
    assert Frame.parse(worst, 2)[1] is None


def test_reserved_bits_and_trailing_bytes_are_ignored():
    changed = (
        patched(
            (15, b"\xff"),
            (18, b"\xff" * 16),
            (34, b"\xff" * 6),
            (42, b"\xc6"),
            (44, b"\xff\xff"),
            (49, b"\xff\xff"),
        )
        + b"trailer"
    )
    assert Frame.parse(changed, 2) == Frame.parse(GOOD, 2)
    found, _ = Frame.parse(patched((48, b"\xa5")), 2)
    assert found.congestion == 0xA5  # what it means is for the link to say (K2)


@pytest.mark.parametrize("opcode", Opcode)
def test_both_transcriptions_say_the_same_of_byte_48(opcode):
    for byte in range(256):
        words = scapy_ttp.congestion_text(opcode.name, byte)
        assert words == scapy_ttp.congestion_text(int(opcode), byte)
        assert words == says(opcode, byte), byte
        if says(opcode, byte) not in ("", "more"):
            number, unit = words.split()
            assert float(number) == Fraction(sixteenths(byte), 16), byte
            assert unit == ("link" if byte == 0x10 else "links")


def test_scapy_shows_byte_48_and_the_extension_by_name():
    shown = ttp_frame(1, 2, "ACK", vc=2, congestion=0x28).show(dump=True)
    assert "congestion= 0x28 (3 links)" in shown
    shown = ttp_frame(1, 2, "PAYLOAD", b"x", vc=2, congestion=1).show(dump=True)
    assert "congestion= 0x1 (more)" in shown
    shown = ttp_frame(1, 2, "OPEN", vc=2, congestion=0x28, extension=0x60).show(dump=True)
    assert "congestion= 0x28\n" in shown and "extension = selective+congestion" in shown


def test_payload_of_a_control_frame_is_ignored():
    ack = patched((42, b"\x07"))
    assert Frame.parse(ack, 2)[0].payload == b""


def test_longest_payload_and_one_more():
    assert Frame.parse(Frame(1, 2, Opcode.PAYLOAD, payload=bytes(1024)).pack())[1] is None
    longer = patched((16, (1071).to_bytes(2, "big")), (40, (1051).to_bytes(2, "big")))
    assert Frame.parse(longer + bytes(1015))[1] == "tsh_length"


WRONG = [
    ("src", 1 << 24),
    ("dst", -1),
    ("opcode", 11),
    ("vc", 3),
    ("vc", -1),
    ("tx_id", 1 << 32),
    ("rx_id", -1),
    ("epoch", 1 << 16),
    ("ethertype", 0x0801),
    ("payload", bytes(1025)),
    ("payload", b""),
]


@pytest.mark.parametrize("name, value", [*WRONG, ("extension", 256), ("congestion", 256)])
def test_frame_refuses_what_no_frame_has(name, value):
    good = dict(src=1, dst=2, opcode=Opcode.PAYLOAD, payload=b"x")
    with pytest.raises(ValueError, match=f"{name}.* got "):
        Frame(**{**good, name: value})


@pytest.mark.parametrize(
    "name, value",
    [*WRONG, ("extension", 256), ("opcode", "PAYLOADS"), ("congestion", 256), ("version", 16)],
)
@pytest.mark.parametrize("build", [ttp_frame, scapy_ttp.ipv4_frame])
def test_scapy_frames_refuse_what_no_frame_has(build, name, value):
    if build is scapy_ttp.ipv4_frame and name == "ethertype":
        return
    good = dict(src=1, dst=2, opcode="PAYLOAD", payload=b"x")
    with pytest.raises(ValueError, match=rf"({name}|node).* got "):
        build(**{**good, name: value})


def test_scapy_layers_do_not_cut_numbers_off():
    for layer in (
        TSH(src_node=1 << 24),
        TSH(dst_node=-1),
        TTH(header_words=16),
        TTP(opcode=64),
        TTP(vc=256),
    ):
        with pytest.raises(ValueError, match="must be from 0 to"):
            bytes(layer)
    assert bytes(TTP(opcode=63, vc=255))[:2] == b"\x3f\xff"  # wrong, but what was asked for


def test_addresses_refuse_nodes_of_more_than_24_bits():
    for make in (node_to_mac, scapy_ttp.mac_of_node):
        for node in (1 << 24, -1):
            with pytest.raises(ValueError, match="node must be from 0 to 0xffffff; got "):
                make(node)


def test_classifier():
    assert is_ttp(GOOD) and is_ttp(GOOD[:14])
    assert not is_ttp(BAD["other_ethertype"]) and not is_ttp(GOOD[:13])
