"""QEMU's framing over loopback TCP: what a virtual machine with Tesla's module would see."""

import itertools
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from scapy.layers.l2 import ARP, Ether

from tests.sim.live.live_peer import SECONDS, QemuPeer, free_port, payload_of
from ttpverif.frames.pcap import read_pcap
from ttpverif.frames.scapy_ttp import TTP, ttp_frame

CAPTURES = Path(__file__).parents[2] / "data" / "pcap"
SLOW = ("--timeout", "60000")  # no time-out of the engine's comes into the exchange


@pytest.fixture
def echo(command):
    """`(ttpoe echo that listens, a peer that is connected)`."""

    def start(*options):
        port = free_port()
        started = command("echo", "--listen", port, "--verbose", *options)
        started.until("echoes what it receives")
        sock = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        return started, QemuPeer(sock)

    return start


def frames_of(name, node):
    """The frames that `node` sent in a capture of Tesla's module."""
    raws = [raw for _time, raw in read_pcap(CAPTURES / name)]
    return [raw for raw in raws if raw[6:12] == bytes.fromhex(f"98ed5c{node:06x}")]


def test_teslas_module_opens_sends_and_closes(echo):
    """Capture 01, the engine in the place of node B; what it sends back is node A's to answer."""
    started, peer = echo("--node", "2", "--ethertype", "0x9AC6", *SLOW)
    opened, payload, closed = frames_of("01_open_payload_ack_close.pcap", 1)
    for name, raw in (("OPEN", opened), ("PAYLOAD", payload), ("CLOSE", closed)):
        assert Ether(raw).sprintf("%TTP.opcode%") == name
    peer.put(opened)
    # Its first data ID in TxID; the module's own RxID is where it expects it: 1 + 1.
    frame = peer.expect("OPEN_ACK", vc=0, tx_id=2, rx_id=1)
    assert (frame.type, frame.src, len(frame)) == (0x9AC6, "98:ed:5c:00:00:02", 64)
    peer.put(payload)
    answers = [peer.receive(), peer.receive()]
    assert [answer.sprintf("%TTP.opcode%") for answer in answers] == ["ACK", "PAYLOAD"]
    assert answers[0][TTP].rx_id == 2 and answers[1][TTP].tx_id == 2
    assert payload_of(answers[1]) == b"Hello Tesla\n" and answers[1].type == 0x9AC6
    peer.send(1, 2, "ACK", ethertype=0x9AC6, vc=0, rx_id=2)
    peer.put(closed)
    peer.expect("CLOSE_ACK", vc=0)
    started.until("link to 000001, VC 0: link down")
    code, text = started.interrupt()
    assert code == 130 and "12 bytes from 000001, VC 0, ID 2: b'Hello Tesla\\n'" in text
    assert "1 packets, 12 bytes echoed" in text and "1 PAYLOADs sent, 0 of them replays" in text


def test_what_is_not_acknowledged_is_sent_again(echo):
    started, peer = echo("--timeout", "50", "--retries", "1000")
    peer.send(7, 1, "OPEN", tx_id=100, epoch=5, vc=2)
    epoch = peer.expect("OPEN_ACK", vc=2, rx_id=100)[TTP].epoch
    peer.send(7, 1, "PAYLOAD", b"once", tx_id=101, epoch=5, vc=2)
    peer.expect("ACK", rx_id=101)
    first, second, third = (bytes(peer.expect("PAYLOAD", epoch=epoch)) for _ in range(3))
    assert first == second == third and payload_of(Ether(first)) == b"once"
    peer.send(7, 1, "ACK", rx_id=Ether(first)[TTP].tx_id, epoch=5, vc=2)
    while peer.get(0.5):  # what was under way
        pass
    peer.silent(0.5)
    _code, text = started.interrupt()
    replays = int(re.search(r"(\d+) of them replays", text)[1])
    assert replays >= 2


def test_frames_in_pieces_and_two_at_once(echo):
    _started, peer = echo(*SLOW)
    peer.send(7, 1, "OPEN", vc=0, tx_id=1, epoch=5)
    peer.expect("OPEN_ACK")
    wire = b""
    for n, text in enumerate((b"one", b"two", b"three")):
        raw = bytes(ttp_frame(7, 1, "PAYLOAD", text, vc=0, tx_id=2 + n, epoch=5))
        wire += len(raw).to_bytes(4, "big") + raw
    peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    cuts = (0, 1, 3, 4, 5, 40, 68, 70, len(wire))  # in pieces, then the rest at once
    for at, end in itertools.pairwise(cuts):
        peer.sock.sendall(wire[at:end])
        time.sleep(0.03)  # time for the program to read this piece alone
    got = [peer.receive() for _ in range(6)]
    assert [payload_of(f) for f in got if f[TTP].opcode == 6] == [b"one", b"two", b"three"]


def test_a_short_frame_is_padded_as_a_mac_pads(echo, tmp_path):
    """An ARP request of 42 bytes is ordinary traffic, and no reason to stop; TTP is still heard."""
    started, peer = echo("--pcap", tmp_path / "wire.pcap", *SLOW)
    arp = bytes(Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01") / ARP(pdst="10.0.0.1"))
    peer.put(arp)
    peer.put(b"\1\2\3")
    peer.send(7, 1, "OPEN", tx_id=9, epoch=5, vc=1)
    peer.expect("OPEN_ACK", rx_id=9)
    assert started.process.poll() is None
    frames = [raw for _time, raw in read_pcap(tmp_path / "wire.pcap")]
    assert [len(raw) for raw in frames] == [42, 3, 64, 64] and frames[0] == arp


def test_the_machine_may_come_back(echo):
    """Closing the connection pulls the cable; the next connection puts it in again."""
    started, peer = echo(*SLOW)
    port = peer.sock.getpeername()[1]
    peer.sock.close()
    started.until("the other end has closed the connection")
    peer = QemuPeer(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
    peer.send(7, 1, "OPEN", tx_id=9, epoch=5, vc=1)
    peer.expect("OPEN_ACK", rx_id=9)
    peer.sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    started.until("does not speak QEMU's socket framing")
    assert started.interrupt()[0] == 130


class Echoing(threading.Thread):
    """Listens, and answers an engine as the protocol wants; loses its first `lost` PAYLOADs."""

    def __init__(self, lost):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.lost, self.seen, self.closed = lost, [], False

    def run(self):
        sock, _ = self.server.accept()
        with sock, self.server:
            peer, mine, expected = QemuPeer(sock), 500, 0
            while not self.closed:
                frame = peer.receive()
                ttp, kind = frame[TTP], frame.sprintf("%TTP.opcode%")
                fields = {"vc": ttp.vc, "epoch": 77, "ethertype": frame.type}
                if kind == "OPEN":
                    expected = ttp.tx_id + 1
                    peer.send(1, 2, "OPEN_ACK", tx_id=mine, rx_id=ttp.tx_id, **fields)
                elif kind == "PAYLOAD":
                    self.seen.append(ttp.tx_id)
                    if len(self.seen) <= self.lost or ttp.tx_id > expected:
                        continue  # lost, or behind a gap: go-back-N
                    peer.send(1, 2, "ACK", rx_id=ttp.tx_id, **fields)
                    if ttp.tx_id == expected:
                        peer.send(1, 2, "PAYLOAD", payload_of(frame), tx_id=mine, **fields)
                        mine, expected = mine + 1, expected + 1
                elif kind == "CLOSE":
                    peer.send(1, 2, "CLOSE_ACK", rx_id=ttp.tx_id, **fields)
                    self.closed = True


def test_ping_to_a_peer_that_loses(command):
    peer = Echoing(lost=2)
    peer.start()
    code, text = command(
        "ping",
        "1",
        "--connect",
        f"localhost:{peer.port}",
        "--count",
        "3",
        "--interval",
        "0",
        "--timeout",
        "50",
        "--vc",
        "1",
        "--ethertype",
        "0x9AC6",
    ).end()
    assert code == 0, text
    assert "3 messages sent, 3 came back, 0 lost" in text and peer.closed
    assert len(set(peer.seen)) == 3 and len(peer.seen) >= 5
    replays = len(peer.seen) - 3
    assert f"{len(peer.seen)} PAYLOADs sent, {replays} of them replays" in text
    clocks = re.search(r"(\d[\d,]*) / [\d,]+ / [\d,]+ clocks", text)
    assert int(clocks[1].replace(",", "")) > 30  # through an engine, not past it


def test_ping_tells_what_came_back_wrong(command):
    peer = Echoing(lost=0)
    send = QemuPeer.send

    def lie(self, src, dst, opcode, payload=b"", **fields):
        send(self, src, dst, opcode, payload[:-1] + b"?" if payload else b"", **fields)

    QemuPeer.send = lie
    try:
        peer.start()
        code, text = command(
            "ping", "1", "--connect", f"localhost:{peer.port}", "--count", "1", "--wait", "1"
        ).end()
    finally:
        QemuPeer.send = send
    assert code == 1 and "not what was sent" in text and "1 lost" in text


def test_ping_to_nobody(command):
    with socket.create_server(("127.0.0.1", 0)) as server:
        started = command(
            "ping",
            "1",
            "--connect",
            f"127.0.0.1:{server.getsockname()[1]}",
            "--count",
            "1",
            "--timeout",
            "20",
            "--retries",
            "2",
        )
        sock, _ = server.accept()
        with sock:
            code, text = started.end()
            peer = QemuPeer(sock)
            opens = [peer.expect("OPEN", vc=2) for _ in range(6)]
            with pytest.raises(AssertionError, match="closed"):  # and no more
                peer.receive()
    assert [frame.type for frame in opens] == [0x0AC6] * 3 + [0x9AC6] * 3
    assert len({bytes(frame) for frame in opens}) == 2
    assert code == 1 and "link to 000001, VC 2: retries used up" in text
    assert "1 messages sent, 0 came back, 1 lost" in text


def test_a_wire_that_goes_away_ends_ping(command):
    with socket.create_server(("127.0.0.1", 0)) as server:
        started = command(
            "ping", "1", "--connect", f"127.0.0.1:{server.getsockname()[1]}", "--timeout", "60000"
        )
        sock, _ = server.accept()
        QemuPeer(sock).expect("OPEN")
        sock.close()
        code, text = started.end()
    assert code == 1 and "the wire is gone" in text and "Traceback" not in text
