"""The dissector in the real tshark, frame by frame against the Scapy layers."""

import functools
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from ttpverif.frames.code import gap_of, says, sixteenths
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.pcap import PcapWriter, read_pcap
from ttpverif.frames.scapy_ttp import TSH, TTH, TTP, ipv4_frame
from ttpverif.ladder.analysis import analyse
from ttpverif.ladder.capture import Packet
from ttpverif.ladder.decode import decode

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "wireshark" / "ttp.lua"
CAPTURES = sorted((ROOT / "tests" / "data" / "pcap").glob("*.pcap"))

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed: apt-get install tshark"
)

# fmt: off
LAYERS = {
    TTH: {"subtype": "tth.subtype", "version": "tth.version", "gateway": "tth.gateway",
          "header_words": "tth.header_words", "reserved": "tth.reserved",
          "total_length": "tth.total_length", "padding": "tth.padding"},
    TSH: {"src_node": "tsh.src_node", "dst_node": "tsh.dst_node", "length": "tsh.length"},
    TTP: {name: name for name in ("opcode_reserved", "opcode", "vc", "tx", "rx", "epoch",
                                  "congestion", "reserved", "version", "reserved_low",
                                  "extension", "tx_id", "rx_id")},
}
# fmt: on
LINKS = (
    "response_in",
    "request_in",
    "response_time",
    "replay_of",
    "attempt",
    "replay",
    "duplicate",
    "retry",
    "changed",
    "bad_length",
    "bad_value",
    "nack",
    "payload",
    "payload_length",
    "link",
    "more",
    "links",
    "gap",
    "keeps",
)


def tshark(path, *arguments):
    result = subprocess.run(
        ["tshark", "-2", "-n", "-X", f"lua_script:{SCRIPT}", "-r", str(path), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    errors = [line for line in result.stderr.splitlines() if "Running as user" not in line]
    assert result.returncode == 0 and not errors, errors
    return result.stdout


@functools.cache
def fields(path):
    """[{field: value}] of every frame; every value as tshark prints it, absent ones left out."""
    names = [name for layer in LAYERS.values() for name in layer.values()] + list(LINKS)
    columns = [f"ttpoe.{name}" for name in names] + ["_ws.malformed", "_ws.lua.error"]
    text = tshark(
        path,
        "-T",
        "fields",
        "-E",
        "separator=|",
        *(part for column in columns for part in ("-e", column)),
    )
    return [
        {
            column.removeprefix("ttpoe."): value
            for column, value in zip(columns, line.split("|"), strict=True)
            if value
        }
        for line in text.splitlines()
    ]


def write(path, frames):
    """A capture of `frames`, one every us."""
    with PcapWriter(path, 1000) as file:
        for cycle, frame in enumerate(frames):
            file.write(bytes(frame), cycle)
    return path


def number(text):
    return int(text, 0)


def compare(path):
    """Every field of every frame as the Scapy layers decode it."""
    compared = 0
    for index, ((_, raw), found) in enumerate(zip(read_pcap(path), fields(path), strict=True), 1):
        packet = Ether(raw)
        assert "_ws.malformed" not in found and "_ws.lua.error" not in found, (path, index)
        for layer, names in LAYERS.items():
            for name, column in names.items():
                where = (path, index, column)
                if layer not in packet:
                    assert column not in found, where
                    continue
                wanted = getattr(packet[layer], name)
                value = found[column]
                assert (
                    value == wanted.hex() if isinstance(wanted, bytes) else number(value) == wanted
                ), where
                compared += 1
        if TTP in packet:
            payload = bytes(packet[TTP].payload)[: int(found["payload_length"])]
            assert found.get("payload", "") == payload.hex(), (path, index)
    return compared


def test_every_field_of_teslas_captures():
    frames = {path.name[:2]: len(read_pcap(path)) for path in CAPTURES}
    assert sum(frames.values()) > 250
    fields_of = 13 * frames["30"] + 23 * (sum(frames.values()) - frames["30"])
    assert sum(map(compare, CAPTURES)) == fields_of


def test_every_field_where_every_bit_matters(tmp_path):
    """Reserved fields and all, which the captures leave at zero."""
    frames = []
    for index, opcode in enumerate(Opcode):
        for raw in (
            Frame(
                0xABCDEF,
                0x123456,
                opcode,
                index % 3,
                2**32 - 1 - index,
                2**31 + index,
                0xFEDC - index,
                0x20,
                payload=bytes(range(index + 1)) if opcode == Opcode.PAYLOAD else b"",
            ).pack(),
            bytes(
                ipv4_frame(
                    0xABCDEF,
                    0x123456,
                    int(opcode),
                    tx_id=index,
                    epoch=0xFFFF,
                    payload=b"\xff" * 9 if opcode == Opcode.PAYLOAD else b"",
                )
            ),
        ):
            raw = bytearray(raw)
            for offset, value in (
                (42, 0xC0 | raw[42]),
                (44, 0xA1),
                (45, 0xA2),
                (48, 0xA3),
                (49, 0xA4),
                (50, 0x95),
            ):
                raw[offset] = value
            if raw[12] == 0x0A:
                raw[15], raw[20] = 0xFF, 0x77
            frames.append(raw)
    assert compare(write(tmp_path / "all.pcap", frames)) > 22 * 13


def scenario_like(tmp_path):
    """A conversation of two engines, from the reference frames, with every kind of trouble."""

    def frame(src, opcode, **more):
        payload = b"data %d" % more["tx_id"] if opcode == "PAYLOAD" else b""
        return Frame(
            src, 3 - src, Opcode[opcode], epoch=0x40 + src, **({"payload": payload} | more)
        ).pack()

    return write(
        tmp_path / "scenario.pcap",
        [
            frame(1, "OPEN", tx_id=9),
            frame(1, "OPEN", tx_id=9),
            frame(2, "OPEN_ACK", tx_id=5, rx_id=9),
            *(frame(1, "PAYLOAD", tx_id=n) for n in (10, 11, 12)),
            frame(2, "ACK", rx_id=10),
            frame(2, "NACK", rx_id=11),
            frame(1, "PAYLOAD", tx_id=11),
            frame(1, "PAYLOAD", tx_id=12),
            frame(2, "ACK", rx_id=12),
            frame(1, "PAYLOAD", tx_id=12),
            frame(1, "PAYLOAD", tx_id=12, payload=b"other"),
            frame(2, "NACK_FULL"),
            frame(1, "CLOSE", tx_id=13, rx_id=4),
            frame(2, "CLOSE_ACK", rx_id=13),
        ],
    )


def test_links_replays_and_duplicates(tmp_path):
    found = fields(scenario_like(tmp_path))

    def column(name):
        return {index: number(row[name]) for index, row in enumerate(found, 1) if name in row}

    assert column("request_in") == {3: 2, 7: 4, 8: 5, 11: 10, 16: 15}
    assert column("response_in") == {2: 3, 4: 7, 5: 8, 9: 11, 10: 11, 15: 16}
    assert column("replay_of") == {2: 1, 9: 5, 10: 6, 12: 6, 13: 6}
    assert column("attempt") == {2: 2, 9: 2, 10: 2, 12: 3}
    flagged = {
        name: [index for index, row in enumerate(found, 1) if name in row]
        for name in ("replay", "duplicate", "retry", "changed", "nack")
    }
    assert flagged == {
        "replay": [9, 10],
        "duplicate": [12],
        "retry": [2],
        "changed": [13],
        "nack": [8, 14],
    }
    assert [float(found[i]["response_time"]) for i in (2, 6, 7, 10)] == [1e-6, 3e-6, 3e-6, 1e-6]
    assert {row["link"] for row in found} == {"000001-000002 vc 0"}


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_replays_and_duplicates_as_the_ladder_marks_them(path):
    events = analyse(
        [decode(Packet(n, t, raw, len(raw))) for n, (t, raw) in enumerate(read_pcap(path), 1)]
    ).events
    for event, row in zip(events, fields(path), strict=True):
        wanted = {m for m in ("replay", "duplicate", "retry") if m in event.marks}
        assert {m for m in ("replay", "duplicate", "retry") if m in row} == wanted
        if event.record.opcode in (Opcode.OPEN_ACK, Opcode.ACK):
            assert number(row["request_in"]) == event.answers


@pytest.mark.parametrize(
    "wanted, count",
    [
        ("ttpoe.opcode == 6", 6),
        ("ttpoe.opcode == PAYLOAD", 6),
        ("ttpoe.vc == 0 && ttpoe.tx_id == 3", 3),
        ("ttpoe.replay", 2),
        ("ttpoe.payload contains 6c:6f", 6),
        ("ttpoe.opcode == 10", 0),
        ("ttpoe", 12),
        ("ttpoe.tsh.src_node == 2", 5),
        ("ttpoe.response_time > 0.5", 0),
    ],
)
def test_filters(wanted, count):
    path = next(path for path in CAPTURES if path.name.startswith("08"))
    if "contains" in wanted:
        count = sum(b"lo" in raw[60:] for _, raw in read_pcap(path))
    assert len(tshark(path, "-Y", wanted).splitlines()) == count


def test_the_info_column():
    path = next(path for path in CAPTURES if path.name.startswith("09"))
    lines = tshark(path, "-T", "fields", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info")
    assert lines.splitlines()[5:8] == [
        "TTP\tACK vc=0 tx_id=0x0 rx_id=0x3",
        "TTP\tPAYLOAD vc=0 tx_id=0x3 rx_id=0x0 len=11 [duplicate]",
        "TTP\tACK vc=0 tx_id=0x0 rx_id=0x3",
    ]


def changed(*pairs, cut=None):
    def change(raw):
        raw = bytearray(raw)
        for offset, value in pairs:
            raw[offset] = value
        return bytes(raw[:cut])

    return change


# fmt: off
LIES = [
    (changed(), None), (lambda raw: raw + bytes(4), None),
    (changed((41, 25)), "bad_length"), (changed((40, 5)), "bad_length"),
    (changed((17, 99)), "bad_length"), (changed(cut=69), "bad_length"),
    (changed((41, 26), (17, 46)), "bad_length"), (changed(cut=50), "bad_length"),
    (changed(cut=20), "bad_length"), (changed((42, 11)), "bad_value"),
    (changed((43, 3)), "bad_value"), (changed((14, 4)), "bad_value"),
    (changed((0, 2)), "bad_value"),
    (lambda _: bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=420, dport=420)
                     / b"short"), "bad_length")]
# fmt: on


def test_lies_are_flagged_and_nothing_breaks(tmp_path):
    """Each case on a link of its own; behind each the good frame that was changed."""
    frames = []
    for index, (change, _) in enumerate(LIES):
        good = Frame(
            2 * index + 1, 2 * index + 2, Opcode.PAYLOAD, 0, 7, payload=b"0123456789"
        ).pack()
        frames += [change(good), good]
    rows = fields(write(tmp_path / "lies.pcap", frames))
    for index, (_, flag) in enumerate(LIES):
        bad, good = rows[2 * index : 2 * index + 2]
        flags = [name for name in ("bad_length", "bad_value") if name in bad]
        assert flags == ([flag] if flag else []), index
        # What a receiver drops is no first attempt of the good frame behind it.
        assert ("replay" in good) == (flag is None), index
    for row in rows:
        assert "_ws.malformed" not in row and "_ws.lua.error" not in row


def test_a_scenario_if_one_has_run(tmp_path):
    """The wire of the last `ttpoe sim`, whatever it was; every field, and no complaint."""
    runs = [
        path
        for path in sorted((ROOT / "build" / "sim" / "runs").glob("*/wire.pcap"))
        if path.parent.name.startswith(("hello", "loss"))
    ]
    if not runs:
        pytest.skip("no scenario has run here: ttpoe sim loss")
    path = tmp_path / "wire.pcap"
    shutil.copyfile(min(runs, key=lambda run: run.stat().st_size), path)
    assert compare(path) > 100
    assert tshark(path, "-Y", "ttpoe.bad_length || ttpoe.bad_value || ttpoe.changed") == ""


def test_what_byte_48_says(tmp_path):
    """Of each opcode and value, on VC 2; on another VC it says nothing."""

    def frame(opcode, byte, vc, tx_id):
        payload = b"x" if opcode == Opcode.PAYLOAD else b""
        return Frame(1, 2, opcode, vc, tx_id, 9, 5, payload=payload, congestion=byte)

    cases = [frame(o, byte, 2, byte % 3) for o in Opcode for byte in range(0, 256, 5)]
    cases += [frame(Opcode.ACK, 0x18, vc, 7) for vc in (0, 1)]
    rows = fields(write(tmp_path / "byte48.pcap", [case.pack() for case in cases]))
    told = Counter()
    for case, row in zip(cases, rows, strict=True):
        words = says(case.opcode, case.congestion) if case.vc == 2 else ""
        assert ("more" in row) == (words == "more"), case
        assert ("links" in row) == ("gap" in row) == words.endswith(("link", "links")), case
        if "links" in row:
            assert float(row["links"]) == sixteenths(case.congestion) / 16, case
            assert number(row["gap"]) == gap_of(case.congestion), case
        echo = "links" in row and case.opcode == Opcode.ACK and case.tx_id
        assert row.get("keeps") == (f"0x{case.tx_id:08x}" if echo else None), case
        told.update(row.keys() & {"more", "links", "keeps"})
    assert min(told.values()) > 20 and len(told) == 3


def test_an_echo_answers_one_packet_and_acknowledges_nothing(tmp_path):
    def frame(src, opcode, byte, tx_id=0, rx_id=0):
        payload = b"%d" % tx_id if opcode == "PAYLOAD" else b""
        more = {"payload": payload, "congestion": byte}
        return Frame(src, 3 - src, Opcode[opcode], 2, tx_id, rx_id, 5, **more).pack()

    frames = [frame(1, "PAYLOAD", 1, n) for n in (10, 11, 12)]
    frames += [frame(2, "ACK", 0x18, 12, 9), frame(1, "PAYLOAD", 1, 10), frame(1, "PAYLOAD", 1, 12)]
    path = write(tmp_path / "echo.pcap", frames)
    found = fields(path)
    assert number(found[3]["request_in"]) == 3 and "response_in" not in found[0]
    assert "replay" in found[4] and "duplicate" in found[5] and "replay" not in found[5]
    lines = tshark(path, "-T", "fields", "-e", "_ws.col.Info").splitlines()
    assert lines[3] == "ACK vc=2 tx_id=0xc rx_id=0x9 keeps=0xc links=1.5"
    assert lines[0] == "PAYLOAD vc=2 tx_id=0xa rx_id=0x0 len=2 more"
    events = analyse(
        [decode(Packet(n, n, raw, len(raw))) for n, raw in enumerate(frames, 1)]
    ).events
    for event, row in zip(events, found, strict=True):
        assert [m for m in ("replay", "duplicate") if m in event.marks] == [
            m for m in ("replay", "duplicate") if m in row
        ]


def test_names_of_opcode_vc_and_extension(tmp_path):
    path = write(tmp_path / "one.pcap", [Frame(1, 2, Opcode.OPEN, 2, 7, extension=0x20).pack()])
    text = tshark(path, "-V", "-O", "ttpoe")
    for part in ("Opcode: OPEN (0)", "Virtual channel: DATA (2)", "Extension: selective (0x20)"):
        assert part in text
    assert json.loads(tshark(path, "-T", "json"))[0]["_source"]["layers"]["ttpoe"]
