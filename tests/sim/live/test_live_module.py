"""`--peer module`: the Python peer in place of a virtual machine; and how echo and ping end."""

import re
import signal
import socket

import pytest

from tests.sim.live.live_peer import SECONDS, QemuPeer, free_port
from ttpverif.frames.frame import Frame
from ttpverif.frames.pcap import read_pcap

QUICK = ("--timeout", "50", "--interval", "0.05")


def frames_of(path):
    return [Frame.parse(data)[0] for _, data in read_pcap(path)]


def test_ping_to_a_module(command, tmp_path):
    code, text = command(
        "ping",
        "1",
        "--peer",
        "module",
        "--count",
        "4",
        "--bytes",
        "1008",
        "--ethertype",
        "0x9AC6",
        "--pcap",
        tmp_path / "wire.pcap",
        *QUICK,
    ).end()
    assert code == 0 and "4 messages sent, 4 came back, 0 lost" in text, text
    frames = frames_of(tmp_path / "wire.pcap")
    module = [frame for frame in frames if frame.src == 1]
    assert {frame.epoch for frame in module} == {0} and len(module) >= 10
    # A module answers a CLOSE twice. It is told once that the link has ended (decision Z3).
    closing = [f for f in frames if f.opcode.name.startswith("CLOSE")]
    assert [(f.src == 1, f.opcode.name) for f in closing[:2]] == [
        (False, "CLOSE"),
        (True, "CLOSE_ACK"),
    ]
    assert sorted((f.src == 1, f.opcode.name) for f in closing[2:]) == [
        (False, "CLOSE_ACK"),
        (True, "CLOSE_ACK"),
    ]


@pytest.mark.parametrize("given, code", [((), 0), (("--ethertype", "0x0AC6"), 1)])
def test_ping_learns_the_ethertype(command, given, code):
    """The module does not hear 0x0AC6. What the user asked for is not changed."""
    got, text = command(
        "ping",
        "1",
        "--peer",
        "module",
        "--count",
        "2",
        "--retries",
        "2",
        "--wait",
        "30",
        *given,
        *QUICK,
    ).end()
    assert got == code, text
    assert ("no link with EtherType 0x0AC6: trying 0x9AC6" in text) == (code == 0)
    assert f"2 messages sent, {2 - 2 * code} came back" in text or code


def test_echo_to_a_module_closes_on_ctrl_c(command, tmp_path):
    started = command(
        "echo", "--peer", "module", "--verbose", "--node", "7", "--pcap", tmp_path / "wire.pcap"
    )
    started.until("from 000001, VC 0, ID 3: b'line 2\\n'")
    code, text = started.interrupt()
    assert code == 130 and "link to 000001, VC 0: link down" in text, text
    assert re.search(r"[2-9] packets, \d+ bytes echoed", text)
    assert "CLOSE" in [
        frame.opcode.name for frame in frames_of(tmp_path / "wire.pcap") if frame.src == 7
    ]


def test_a_second_ctrl_c_ends_at_once(command):
    """The peer never answers CLOSE."""
    port = free_port()
    started = command("echo", "--listen", port, "--timeout", "60000")
    started.until("echoes what it receives")
    peer = QemuPeer(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
    peer.send(7, 1, "OPEN", tx_id=9, epoch=5, vc=1)
    peer.expect("OPEN_ACK", rx_id=9)
    started.until("link to 000007, VC 1: link up")
    started.process.send_signal(signal.SIGINT)
    peer.expect("CLOSE", vc=1)
    started.process.send_signal(signal.SIGINT)
    code, text = started.end()
    assert code == 130 and "Traceback" not in text and "not closed" not in text


def test_nobody_answers_the_close(command):
    port = free_port()
    started = command("echo", "--listen", port, "--timeout", "60000")
    started.until("echoes what it receives")
    peer = QemuPeer(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
    peer.send(7, 1, "OPEN", tx_id=9, epoch=5, vc=1)
    peer.expect("OPEN_ACK", rx_id=9)
    started.until("link to 000007, VC 1: link up")
    code, text = started.interrupt()
    assert code == 130 and "link to 000007, VC 1: not closed after 5 s" in text
