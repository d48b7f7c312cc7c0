"""Whatever is given to the ladder: it draws, or says in one line why not; never a traceback."""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ttpverif.cli import main
from ttpverif.frames.datagram import Network, mark, pack, route
from ttpverif.frames.frame import ETHERTYPE_IPV4, Frame, Opcode, node_to_mac
from ttpverif.ladder.analysis import Analyser, analyse
from ttpverif.ladder.capture import Packet
from ttpverif.ladder.decode import decode
from ttpverif.ladder.page import page
from ttpverif.ladder.terminal import draw

CAPTURES = Path(__file__).parent.parent / "data" / "pcap"
VERIF = Path(__file__).parents[2] / "verif"
GOOD = CAPTURES / "08_payload_lost.pcap"


def ladder(*arguments, given=None):
    """(exit code, standard output, standard error) of the command."""
    run = subprocess.run(
        [sys.executable, "-m", "ttpverif.cli", "ladder", *map(str, arguments)],
        input=given,
        capture_output=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(VERIF), "PYTHONIOENCODING": "utf-8"},
    )
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def classic(frames, link_type=1, order="<", snap=65535):
    """A pcap of (bytes, size on the wire)."""
    raw = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snap, link_type)
    for number, (data, size) in enumerate(frames):
        raw += struct.pack(order + "IIII", 1, number, len(data), size) + data
    return raw


def pcapng(frames, link_type=1, order="<"):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return (
            struct.pack(order + "II", kind, len(body) + 12)
            + body
            + struct.pack(order + "I", len(body) + 12)
        )

    raw = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    raw += block(1, struct.pack(order + "HHI", link_type, 0, 0))
    for number, (data, size) in enumerate(frames):
        raw += block(6, struct.pack(order + "IIIII", 0, 0, number, len(data), size) + data)
    return raw


FRAMES = [
    (data, len(data))
    for data in (
        Frame(1, 2, Opcode.OPEN, 0, 9).pack(),
        Frame(2, 1, Opcode.OPEN_ACK, 0, 5, 9).pack(),
        Frame(1, 2, Opcode.PAYLOAD, 0, 10, payload=b"hello").pack(),
        Frame(1, 2, Opcode.PAYLOAD, 0, 10, payload=b"hello").pack(),
        Frame(2, 1, Opcode.ACK, 0, 0, 10).pack(),
    )
]


def test_standard_input():
    for raw in (GOOD.read_bytes(), gzip.compress(GOOD.read_bytes())):
        assert ladder("-", given=raw)[:2] == ladder(GOOD)[:2]
    assert ladder("-", given=b"") == (2, "", "ttpoe ladder: -: the file is empty\n")


def test_a_file_that_is_still_written(tmp_path):
    path = tmp_path / "growing.pcap"
    path.write_bytes(classic(FRAMES)[:-7])
    code, out, error = ladder(path)
    assert code == 0 and out.count("PAYLOAD vc0") == 2
    assert error == "ttpoe ladder: note: the file ends in the middle of a frame\n"


def test_no_permission(tmp_path, capsys):
    path = tmp_path / "secret.pcap"
    path.write_bytes(GOOD.read_bytes())
    path.chmod(0)
    for folder in tmp_path.parents:
        if folder.name.startswith(("pytest", "popen")):
            folder.chmod(0o755)
    tmp_path.chmod(0o755)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        assert main(["ladder", str(path)]) == 2
    finally:
        os.seteuid(was)
    assert capsys.readouterr().err == f"ttpoe ladder: cannot read {path}: Permission denied\n"


@pytest.mark.parametrize("make", [classic, pcapng])
@pytest.mark.parametrize(
    "frames, link_type, damage, parts",
    [
        ([], 1, None, ["holds no frames"]),
        (
            FRAMES,
            105,
            None,
            ["none of its 5 frames is TTP", "5 frames of link type 105 (IEEE 802.11)"],
        ),
        (FRAMES, 1, slice(0, 60), ["none of its 0 frames is TTP", "the file ends in "]),
        (
            [(data[:13], size) for data, size in FRAMES],
            1,
            None,
            ["none of its 5 frames is TTP", "5 frames left out: the capture cut off"],
        ),
        (
            [(b"\xff" * 60, 60)],
            1,
            None,
            ["none of its 1 frames is TTP", "1 frames of other protocols"],
        ),
        ([(b"", 0)], 1, None, ["none of its 1 frames is TTP", "1 frames of other protocols"]),
    ],
)
def test_the_reason_is_in_the_message(tmp_path, make, frames, link_type, damage, parts):
    path = tmp_path / "capture"
    path.write_bytes(make(frames, link_type)[damage or slice(None)])
    code, out, error = ladder(path)
    assert (code, out, error.count("\n")) == (2, "", 1)
    for part in parts:
        assert part in error


@pytest.mark.parametrize(
    "kept, label",
    [
        (14, "TTP ─"),
        (42, "TTP ─"),
        (43, "OPEN ─"),
        (44, "OPEN vc0 ─"),
        (56, "OPEN vc0 tx 0x9 ─"),
        (60, "OPEN vc0 tx 0x9 rx 0x0 ─"),
    ],
)
def test_what_the_capture_cut_is_not_made_up(tmp_path, kept, label):
    path = tmp_path / "cut.pcap"
    path.write_bytes(classic([(data[:kept], size) for data, size in FRAMES]))
    code, out, error = ladder(path)
    assert code == 0 and label in out.splitlines()[1]
    assert ("cut after" in out) == (kept < 60)
    assert "5 frames were cut by the capture" in error
    assert "malformed" not in out and "000001" in out
    page_path = tmp_path / "page.html"
    assert ladder(path, "-o", page_path)[0] == 0
    data = page_path.read_text().split('id="data">')[1].split("</script>")[0]
    assert json.loads(data)["frames"][2]["tx"] == (10 if kept >= 56 else None)


def test_two_interfaces_of_different_link_types_and_a_jumbo(tmp_path):
    jumbo = FRAMES[2][0].ljust(9000, b"\0")
    first, second = pcapng([(jumbo, 9000)]), pcapng([(b"wireless", 8)], 105)
    path = tmp_path / "both.pcapng"
    path.write_bytes(second + first)
    code, out, error = ladder(path)
    assert code == 0 and "PAYLOAD vc0 tx 0xa 5 B" in out and "1 frames of link type 105" in error


def test_a_frame_that_passes_two_interfaces_is_shown_once(tmp_path):
    """`tcpdump -i any` on a bridge; the PAYLOAD that is sent twice is a replay all the same."""

    def cooked(data, index, kind):
        return (
            data[12:14]
            + struct.pack(">HIHBB", 0, index, 1, kind, 6)
            + data[6:12]
            + bytes(2)
            + data[14:]
        )

    seen = [cooked(data, index, kind) for data, _ in FRAMES for index, kind in ((2, 3), (7, 4))]
    path = tmp_path / "any.pcap"
    path.write_bytes(classic([(data, len(data)) for data in seen], 276))
    code, out, error = ladder(path)
    assert code == 0 and "5 frames seen again at another interface left out" in error
    assert out.splitlines()[-1].startswith("5 frames, 2 nodes, 1 link: 1 replay")
    path.write_bytes(classic([(cooked(FRAMES[2][0], 2, 3), 84)] * 3, 276))
    assert "3 frames" in ladder(path)[1]


def test_a_frame_that_passes_a_router_is_shown_once(tmp_path):
    """`tcpdump -i any` on a router: TTL, checksum, MACs and padding differ, and it is one frame."""
    network = Network(mask=0xFF, router=b"\2\0\0\0\0\1")
    sides, seen = (network.router, node_to_mac(2)), []
    for opcode, payload in ((Opcode.ACK, b""), (Opcode.PAYLOAD, b"x"), (Opcode.PAYLOAD, b"x")):
        frame = Frame(1, 2, opcode, 0, 5, 0, 7, ethertype=ETHERTYPE_IPV4, payload=payload)
        data = pack(frame, network)
        seen += [data, mark(route(data, *sides))]
    path = tmp_path / "router.pcapng"
    head = pcapng([])
    path.write_bytes(head)
    blocks = [pcapng([(data, len(data))])[len(head) :] for data in seen]
    second = pcapng([])[-20:]  # the description of an interface
    numbered = [block[:8] + struct.pack("<I", n % 2) + block[12:] for n, block in enumerate(blocks)]
    path.write_bytes(head + second + b"".join(numbered))
    code, out, error = ladder(path)
    assert code == 0 and "3 frames seen again at another interface left out" in error
    lines = out.splitlines()
    assert lines[-1].startswith("3 frames, 2 nodes, 1 link: 1 replay")
    assert "ACK vc0 rx 0x0 IPv4" in lines[1]


def quiet(path, *arguments):
    """The command in this process: exit code 0, or 2 and one line."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        code = main(["ladder", str(path), *arguments])
    assert code in (0, 2)
    if code == 2:
        assert error.getvalue().count("\n") == 1 and out.getvalue() == ""
    assert "Traceback" not in error.getvalue()
    return code


WHOLE = [
    make(FRAMES, link_type, order)
    for make in (classic, pcapng)
    for link_type in (1, 113, 276)
    for order in "<>"
]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=st.sampled_from(WHOLE),
    pack=st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress]),
    cut=st.integers(0, 900),
    before=st.booleans(),
    patches=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=6),
)
@example(raw=WHOLE[6], pack=bytes, cut=900, patches=[(41, 0xFF)], before=True)
def test_damaged_files(tmp_path, raw, pack, cut, patches, before):
    """Bytes changed, and the end cut off, in the capture or in its packed form."""

    def damaged(data):
        data = bytearray(data)
        for offset, value in patches:
            data[offset % len(data)] = value
        return bytes(data[:cut])

    path = tmp_path / "fuzz"
    path.write_bytes(pack(damaged(raw)) if before else damaged(pack(raw)))
    quiet(path)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.binary(max_size=400), head=st.sampled_from([b"", *(whole[:40] for whole in WHOLE)]))
def test_noise(tmp_path, raw, head):
    path = tmp_path / "noise"
    path.write_bytes(head + raw)
    quiet(path)


few = st.sampled_from([0, 1, 2, 3, 4, 5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF])
# fmt: off
frames = st.builds(
    lambda src, dst, opcode, vc, tx_id, rx_id, epoch, payload, kept, gap:
        (Frame(src, dst, opcode, vc, tx_id, rx_id, epoch,
               payload=payload if opcode == Opcode.PAYLOAD else b"").pack(), kept, gap),
    st.integers(1, 2), st.integers(1, 2), st.sampled_from(Opcode), st.integers(0, 2), few, few,
    st.integers(0, 2), st.sampled_from([b"x", b"yy"]), st.sampled_from([999] * 9 + [44, 57]),
    st.sampled_from([0, 1, 50, 1000]))
# fmt: on


@settings(max_examples=400, deadline=None)
@given(st.lists(frames, min_size=1, max_size=60), st.sampled_from([1, 7, 50_000]))
def test_any_conversation(conversation, ahead):
    """Frames in any order: analysed, drawn as text and as a page, with a short memory, too."""
    records, now = [], 0
    for number, (raw, kept, gap) in enumerate(conversation, 1):
        now += gap
        records.append(decode(Packet(number, now, raw[:kept], len(raw))))
    analyser = Analyser(ahead)
    events = list(analyser.events(records))
    assert [event.record for event in events] == records
    draw(analyser, events, io.StringIO())
    page(analyser, events, "any", [])
    for link in analyser._links.values():
        assert link.held == 0
    if ahead > len(records):
        assert [e.marks for e in events] == [e.marks for e in analyse(records).events]
