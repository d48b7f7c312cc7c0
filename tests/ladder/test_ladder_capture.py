"""Captures as tcpdump, Wireshark and our bench write them, whole and broken."""

import bz2
import gzip
import hashlib
import lzma
import struct

import pytest

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.ladder.capture import CaptureError, open_capture, read_capture
from ttpverif.ladder.decode import decode, undecided

FRAMES = [(1_000_000_123, b"first" * 13), (2_500_000_456, b"second" * 11)]


def classic(order, magic, divisor, link_type=1):
    raw = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for time_ns, data in FRAMES:
        seconds, rest = divmod(time_ns, 10**9)
        raw += struct.pack(order + "IIII", seconds, rest // divisor, len(data), len(data)) + data
    return raw


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return (
        struct.pack(order + "II", kind, len(body) + 12)
        + body
        + struct.pack(order + "I", len(body) + 12)
    )


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order, link_type=1, resolution=None, offset=None):
    options = b""
    if resolution is not None:
        options += struct.pack(order + "HHB3x", 9, 1, resolution)
    if offset is not None:
        options += struct.pack(order + "HHq", 14, 8, offset)
    return block(
        order,
        1,
        struct.pack(order + "HHI", link_type, 0, 0)
        + options
        + (struct.pack(order + "HH", 0, 0) if options else b""),
    )


def enhanced(order, number, ticks, data, size=None):
    return block(
        order,
        6,
        struct.pack(
            order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), size or len(data)
        )
        + data,
    )


def read(tmp_path, raw):
    path = tmp_path / "capture"
    path.write_bytes(raw)
    return read_capture(path)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("magic, divisor", [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_classic(tmp_path, order, magic, divisor):
    capture = read(tmp_path, classic(order, magic, divisor))
    assert [(p.number, p.time_ns, p.data, p.size) for p in capture.packets] == [
        (index, time_ns // divisor * divisor, data, len(data))
        for index, (time_ns, data) in enumerate(FRAMES, 1)
    ]
    assert capture.notes == []


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "resolution, offset, ticks_per_second",
    [(None, None, 10**6), (9, None, 10**9), (9, 1, 10**9), (0x80 | 20, None, 1 << 20)],
)
def test_pcapng_times(tmp_path, order, resolution, offset, ticks_per_second):
    raw = section(order) + interface(order, resolution=resolution, offset=offset)
    ticks = 5 * ticks_per_second + ticks_per_second // 4
    capture = read(tmp_path, raw + enhanced(order, 0, ticks, b"x" * 61))
    (packet,) = capture.packets
    assert packet.time_ns == 5_250_000_000 + (offset or 0) * 10**9
    assert packet.data == b"x" * 61


def test_pcapng_of_two_sections_other_interfaces_and_unknown_blocks(tmp_path):
    raw = (
        section("<")
        + interface("<", 105)
        + interface("<")
        + block("<", 0xBAD, b"what")
        + enhanced("<", 0, 1, b"wireless")
        + enhanced("<", 1, 2, b"ethernet", 900)
        + block("<", 3, struct.pack("<I", 6) + b"simple")  # interface 0: wireless
        + section(">")
        + interface(">")
        + enhanced(">", 0, 3, b"big end")
        + block(">", 3, struct.pack(">I", 6) + b"simple")
    )
    capture = read(tmp_path, raw)
    assert [(p.data, p.size) for p in capture.packets] == [
        (b"ethernet", 900),
        (b"big end", 7),
        (b"simple", 6),
    ]
    assert [(p.number, p.interface) for p in capture.packets] == [(2, 1), (4, 2), (5, 2)]
    assert capture.notes == [
        "2 frames of link type 105 (IEEE 802.11) left out; Ethernet, SLL "
        "(113) and SLL2 (276) are read"
    ]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("cut, left", [(1, 1), (70, 1), (99, 0), (180, 0)])
def test_a_file_that_was_cut_off_gives_what_is_whole(tmp_path, cut, left, pack):
    for raw in (
        classic("<", 0xA1B23C4D, 1),
        section("<")
        + interface("<")
        + enhanced("<", 0, 1, FRAMES[0][1])
        + enhanced("<", 0, 2, FRAMES[1][1]),
    ):
        path = tmp_path / "capture"
        path.write_bytes(pack(raw[:-cut]))
        with open_capture(path) as capture:
            packets = list(capture)
        assert capture.notes[0].startswith("the file ends in ")
        assert left <= len(packets) <= 1
        if not packets:  # the reason is not lost
            with pytest.raises(CaptureError, match="the file ends in "):
                read_capture(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files_are_read_and_damage_in_them_is_said(tmp_path, pack):
    raw = classic("<", 0xA1B2C3D4, 1000)
    whole = read(tmp_path, pack(raw))
    assert [p.data for p in whole.packets] == [data for _, data in FRAMES] and not whole.notes
    random = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(250))
    packed = pack(raw + random)
    for broken in (packed[: len(packed) // 2], packed[:40] + b"no" + packed[42:]):
        path = tmp_path / "broken"
        path.write_bytes(broken)
        with open_capture(path) as capture:
            packets = list(capture)
        assert capture.notes and "damaged" in " ".join(capture.notes), (len(packets), broken[:3])


@pytest.mark.parametrize(
    "link_type, header", [(113, struct.pack(">HHHQ", 4, 1, 6, 0x98ED5C000001 << 16)), (276, None)]
)
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_linuxs_any_device(tmp_path, link_type, header, form):
    """SLL and SLL2: EtherType from the protocol field, nodes from the TSH."""
    for tag in (b"", b"\x81\x00\x20\x05"):
        good = Frame(0xABC, 0xDEF, Opcode.PAYLOAD, 1, 7, payload=b"hello").pack()
        kind = tag[:2] or good[12:14]
        body = (tag[2:] + good[12:14] if tag else b"") + good[14:]
        data = (
            header + kind + body
            if header
            else kind + struct.pack(">HIHBBQ", 0, 3, 1, 4, 6, 0x98ED5C000ABC << 16) + body
        )
        raw = (
            struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
            + struct.pack("<IIII", 1, 2, len(data), len(data))
            + data
            if form == "pcap"
            else section("<") + interface("<", link_type) + enhanced("<", 0, 1, data)
        )
        (packet,) = read(tmp_path, raw).packets
        record = decode(packet)
        assert (
            record.src,
            record.dst,
            record.name,
            record.vc,
            record.tx_id,
            record.cause,
            record.payload_size,
        ) == ("000abc", "000def", "PAYLOAD", 1, 7, None, 5)
        assert not any("MAC" in name for _, name, *_ in record.fields())
        for kept in range(len(data)):
            cut = decode(packet._replace(data=data[:kept]))
            assert cut is None or cut.cause is None
            if cut is None:
                assert undecided(packet._replace(data=data[:kept]))


def test_snaplen_and_fcs_of_each_interface(tmp_path):
    frame = Frame(1, 2, Opcode.ACK, 0, 0, 9).pack()
    fcs = struct.pack("<HHB3xHH", 13, 1, 4, 0, 0)
    raw = (
        section("<")
        + block("<", 1, struct.pack("<HHI", 1, 0, 20))
        + block("<", 1, struct.pack("<HHI", 1, 0, 0) + fcs)
        + block("<", 3, struct.pack("<I", 64) + frame[:20])
        + enhanced("<", 1, 5, frame + b"FCS!")
    )
    snapped, whole = read(tmp_path, raw).packets
    assert (snapped.data, snapped.size) == (frame[:20], 64)
    assert (whole.data, whole.size) == (frame, 64)
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1 | 1 << 26 | 2 << 28)
    (packet,) = read(tmp_path, head + struct.pack("<IIII", 0, 0, 68, 68) + frame + b"FCS!").packets
    assert (packet.data, packet.size) == (frame, 64)


@pytest.mark.parametrize(
    "raw, part",
    [
        (b"", "empty"),
        (b"\xd4", "neither"),
        (b"\x28\xb5\x2f\xfd" + bytes(40), "zstd -d"),
        (b"#!/bin/sh\n" * 9, "neither pcap nor pcapng"),
        (b"\x1f\x8b" + bytes(40), "damaged"),
        (classic("<", 0xA1B2C3D4, 1000, 105), r"link type 105 \(IEEE 802.11\)"),
        (classic("<", 0xA1B2C3D4, 1000)[:20], "ends in its header"),
        (section("<") + enhanced("<", 3, 1, b"no such interface"), "no such interface"),
        (section("<") + interface("<") + block("<", 6, b"short"), "1 packets are damaged"),
        (
            section("<") + interface("<") + enhanced("<", 0, 1, b"x")[:-4] + b"\1\2\3\4",
            "two lengths",
        ),
        (section("<") + struct.pack("<II", 6, 1 << 30), "a block of 1073741824 bytes"),
        (section("<")[:8] + b"\0\0\0\0" + section("<")[12:], "without a byte order"),
        (classic("<", 0xA1B2C3D4, 1000)[:32] + b"\xff" * 40, "a frame of 4294967295 bytes"),
    ],
)
def test_what_is_no_capture(tmp_path, raw, part):
    with pytest.raises(CaptureError, match=part):
        read(tmp_path, raw)
