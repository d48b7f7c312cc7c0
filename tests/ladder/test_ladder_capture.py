"""Captures as tcpdump, Wireshark and our bench write them, whole and broken."""

import struct

import pytest

from ttpverif.ladder.capture import CaptureError, read_capture

FRAMES = [(1_000_000_123, b"first" * 13), (2_500_000_456, b"second" * 11)]


def classic(order, magic, divisor, link_type=1):
    raw = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for time_ns, data in FRAMES:
        seconds, rest = divmod(time_ns, 10**9)
        raw += struct.pack(order + "IIII", seconds, rest // divisor, len(data), len(data)) + data
    return raw


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(
        order + "I", len(body) + 12)


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order, link_type=1, resolution=None, offset=None):
    options = b""
    if resolution is not None:
        options += struct.pack(order + "HHB3x", 9, 1, resolution)
    if offset is not None:
        options += struct.pack(order + "HHq", 14, 8, offset)
    return block(order, 1, struct.pack(order + "HHI", link_type, 0, 0) + options
                 + (struct.pack(order + "HH", 0, 0) if options else b""))


def enhanced(order, number, ticks, data, size=None):
    return block(order, 6, struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF,
                                       len(data), size or len(data)) + data)


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
        for index, (time_ns, data) in enumerate(FRAMES, 1)]
    assert capture.notes == []


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("resolution, offset, ticks_per_second", [
    (None, None, 10**6), (9, None, 10**9), (9, 1, 10**9), (0x80 | 20, None, 1 << 20)])
def test_pcapng_times(tmp_path, order, resolution, offset, ticks_per_second):
    raw = section(order) + interface(order, resolution=resolution, offset=offset)
    ticks = 5 * ticks_per_second + ticks_per_second // 4
    capture = read(tmp_path, raw + enhanced(order, 0, ticks, b"x" * 61))
    packet, = capture.packets
    assert packet.time_ns == 5_250_000_000 + (offset or 0) * 10**9
    assert packet.data == b"x" * 61


def test_pcapng_of_two_sections_other_interfaces_and_unknown_blocks(tmp_path):
    raw = (section("<") + interface("<", 113) + interface("<") + block("<", 0xBAD, b"what")
           + enhanced("<", 0, 1, b"cooked") + enhanced("<", 1, 2, b"ethernet", 900)
           + block("<", 3, struct.pack("<I", 6) + b"simple")          # interface 0: cooked
           + section(">") + interface(">") + enhanced(">", 0, 3, b"big end")
           + block(">", 3, struct.pack(">I", 6) + b"simple"))
    capture = read(tmp_path, raw)
    assert [(p.data, p.size) for p in capture.packets] == [
        (b"ethernet", 900), (b"big end", 7), (b"simple", 6)]
    assert capture.notes == ["2 packets of interfaces other than Ethernet left out"]


@pytest.mark.parametrize("cut, left", [(1, 1), (70, 1), (85, 0)])
def test_a_file_that_was_cut_off_gives_what_is_whole(tmp_path, cut, left):
    for raw in (classic("<", 0xA1B23C4D, 1), section("<") + interface("<")
                + enhanced("<", 0, 1, FRAMES[0][1]) + enhanced("<", 0, 2, FRAMES[1][1])):
        capture = read(tmp_path, raw[:-cut])
        assert capture.notes[0].startswith("the file ends in the middle of a")
        assert len(capture.packets) >= left


@pytest.mark.parametrize("raw, part", [
    (b"", "neither pcap nor pcapng"), (b"#!/bin/sh\n" * 9, "neither pcap nor pcapng"),
    (b"\x1f\x8b" + bytes(40), "gunzip"), (classic("<", 0xA1B2C3D4, 1000, 113), "link type 113"),
    (section("<") + enhanced("<", 3, 1, b"no such interface"), "makes no sense"),
    (section("<") + interface("<") + block("<", 6, b"short"), "makes no sense"),
])
def test_what_is_no_capture(tmp_path, raw, part):
    with pytest.raises(CaptureError, match=part):
        read(tmp_path, raw)
