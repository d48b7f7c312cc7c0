"""One verdict on a frame: reference model, ladder, Scapy layers and the dissector in tshark.

The hardware's parser goes through the same table in `tests/rx/test_parser.py`.
"""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from ttpverif import malformed
from ttpverif.frames.frame import DROP_CAUSES, Frame, Opcode
from ttpverif.frames.scapy_ttp import drop_cause
from ttpverif.ladder.capture import Packet, read_capture
from ttpverif.ladder.decode import decode, undecided
from ttpverif.ladder.verdict import IPV4_CAUSES

SCRIPT = Path(__file__).resolve().parents[2] / "wireshark" / "ttp.lua"
TABLE = malformed.table()

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed: apt-get install tshark"
)


def test_the_table_has_every_cause_and_good_neighbours():
    of = {
        form: {case.cause for case in TABLE if case.form == form} for form in ("ethernet", "ipv4")
    }
    frames_alone = set(DROP_CAUSES) - {"bad_fcs", "other_ethertype", "not_ours"}
    assert of["ethernet"] == frames_alone | {None, "own_source"}
    assert of["ipv4"] == {*IPV4_CAUSES, None}
    assert len({(case.name, case.form) for case in TABLE}) == len(TABLE)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case.form}: {case.name}")
def test_reference_model_ladder_and_scapy(case):
    record = decode(Packet(1, 0, case.data, len(case.data)))
    assert record.cause == case.cause and not record.cut
    assert drop_cause(case.data) == case.cause
    if case.form == "ipv4":
        assert Frame.parse(case.data, malformed.DST)[1] == "other_ethertype"
    elif case.cause is None or case.cause in DROP_CAUSES:
        assert Frame.parse(case.data, malformed.DST)[1] == case.cause


def test_what_is_no_ttp():
    other = malformed.table()[0].data
    for data in (other[:12] + b"\x08\x06" + other[14:], other[:13], b"", bytes(64)):
        assert decode(Packet(1, 0, data, len(data))) is None
        assert not undecided(Packet(1, 0, data, len(data)))


def write(path, frames, link_type=1):
    """A capture of (bytes that were kept, size on the wire)."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type))
        for number, (data, size) in enumerate(frames):
            file.write(struct.pack("<IIII", 1, number, len(data), size) + data)
    return path


FIELDS = ("malformed", "opcode", "vc", "tx_id", "rx_id", "link", "cut")


def tshark(path, *options, folder=None):
    """{field: text} of each frame, and its protocol; nothing in Lua may fail."""
    names = [f"ttpoe.{name}" for name in FIELDS]
    environment = os.environ | ({"XDG_CONFIG_HOME": str(folder)} if folder else {})
    text = subprocess.run(
        [
            "tshark",
            "-2",
            *options,
            "-X",
            f"lua_script:{SCRIPT}",
            "-r",
            str(path),
            "-T",
            "fields",
            "-E",
            "separator=|",
            *(
                part
                for name in (*names, "_ws.lua.error", "_ws.col.Protocol")
                for part in ("-e", name)
            ),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=True,
    )
    rows = [
        dict(zip((*FIELDS, "error", "protocol"), line.split("|"), strict=True))
        for line in text.stdout.splitlines()
    ]
    assert not any(row["error"] for row in rows) and "Lua" not in text.stderr, text.stderr
    return rows


@needs_tshark
def test_the_dissector(tmp_path):
    rows = tshark(write(tmp_path / "table.pcap", [(c.data, len(c.data)) for c in TABLE]), "-n")
    assert {
        (c.form, c.name): row["malformed"] or None for c, row in zip(TABLE, rows, strict=True)
    } == {(c.form, c.name): c.cause for c in TABLE}
    assert {row["protocol"] for row in rows} == {"TTP"}


GOOD = [case.data for case in TABLE if case.cause is None and len(case.data) < 100]


@pytest.mark.parametrize("kept", range(14, 71))
def test_of_a_frame_that_was_cut_the_ladder_shows_what_is_there(kept):
    for data in GOOD:
        whole = decode(Packet(1, 0, data, len(data)))
        packet = Packet(1, 0, data[:kept], len(data))
        record = decode(packet)
        if record is None:
            assert undecided(packet)
            continue
        assert record.cause is None and record.size == len(data)
        assert record.cut == (kept < 60)
        for name, end in (
            ("opcode", 43),
            ("vc", 44),
            ("epoch", 48),
            ("extension", 52),
            ("tx_id", 56),
            ("rx_id", 60),
        ):
            assert getattr(record, name) == (getattr(whole, name) if kept >= end else None)
        assert record.payload_size == (whole.payload_size if kept >= 43 else 0)
        assert record.fields() == [field for field in whole.fields() if field[2] + field[3] <= kept]


@needs_tshark
@pytest.mark.parametrize("kept", [14, 15, 33, 34, 41, 42, 43, 44, 52, 56, 59, 60, 64])
def test_of_a_frame_that_was_cut_the_dissector_shows_what_is_there(tmp_path, kept):
    ethernet = [data for data in GOOD if data[12] != 8]
    rows = tshark(
        write(tmp_path / "cut.pcap", [(data[:kept], len(data)) for data in ethernet]), "-n"
    )
    for data, row in zip(ethernet, rows, strict=True):
        assert row["malformed"] == "" and row["protocol"] == "TTP"
        assert row["cut"] == ("1" if kept < len(data) else "")
        for name, start, end in (("tx_id", 52, 56), ("rx_id", 56, 60), ("vc", 43, 44)):
            value = int.from_bytes(data[start:end], "big")
            assert row[name] == "" if kept < end else int(row[name], 0) == value


@needs_tshark
@pytest.mark.parametrize("link_type", [113, 276])
def test_the_any_device_in_ladder_and_dissector(tmp_path, link_type):
    frames = []
    for case in (c for c in TABLE if c.form == "ethernet" and 42 < len(c.data) < 2000):
        mac = case.data[6:12] + bytes(2)
        head = (
            struct.pack(">HHH", 0, 1, 6) + mac
            if link_type == 113
            else case.data[12:14] + struct.pack(">HIHBB", 0, 3, 1, 0, 6) + mac
        )
        data = head + (case.data[12:14] if link_type == 113 else b"") + case.data[14:]
        frames.append((case, data))
    path = write(tmp_path / "any.pcap", [(data, len(data)) for _, data in frames], link_type)
    for (case, _), packet, row in zip(
        frames, read_capture(path).packets, tshark(path, "-n"), strict=True
    ):
        record = decode(packet)
        wanted = None if case.cause in ("wrong_oui", "own_source") else case.cause
        assert record.cause == wanted and row["malformed"] == (wanted or ""), case.name
        if wanted is None and case.cause is None:
            assert (record.src, record.dst) == ("010203", "0a0b0c")
            assert row["link"] == f"010203-0a0b0c vc {record.vc}"


@needs_tshark
def test_names_of_addresses_are_not_taken_for_their_bytes(tmp_path):
    """Resolved names say what they like; bytes count, in the first pass, too."""
    folder = tmp_path / "config"
    (folder / "wireshark").mkdir(parents=True)
    (folder / "wireshark" / "ethers").write_text(
        "98:ed:5c:00:00:01 tesla_0a:0b:0c\n98:ed:5c:00:00:02 elsewhere\n"
        "02:00:00:00:00:01 98:ed:5c:00:00:07\n"
    )
    good = Frame(1, 2, Opcode.PAYLOAD, 0, 7, payload=b"x").pack()
    foreign = good[:6] + bytes.fromhex("020000000001") + good[12:]
    path = write(tmp_path / "names.pcap", [(data, len(data)) for data in (good, good, foreign)])
    for options in ((), ("-N", "m"), ("-n",)):
        rows = tshark(path, *options, folder=folder)
        assert [row["malformed"] for row in rows] == ["", "", "wrong_oui"]
        assert [row["link"] for row in rows[:2]] == ["000001-000002 vc 0"] * 2


@needs_tshark
def test_the_name_of_the_protocol_is_that_of_its_fields(tmp_path):
    path = write(tmp_path / "one.pcap", [(GOOD[0], len(GOOD[0]))])
    text = subprocess.run(
        ["tshark", "-n", "-X", f"lua_script:{SCRIPT}", "-r", str(path), "-O", "ttpoe"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "TxID: 0x00000005" in text
