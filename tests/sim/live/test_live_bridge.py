"""Real Linux interfaces: a bridge, TAPs and veth pairs, in a network namespace of the test's own.

Claim S2: the frames cross an ordinary learning switch (a Linux bridge) and are captured by ordinary
tools.
"""

import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Ether

from tests.sim.live.live_namespace import Namespace, why_not
from tests.sim.live.live_peer import SECONDS, Peer, payload_of, wait_for
from ttpverif.frames.pcap import read_pcap
from ttpverif.frames.scapy_ttp import TTP

WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
LUA = Path(__file__).resolve().parents[3] / "wireshark" / "ttp.lua"


@pytest.fixture
def namespace():
    made = Namespace()
    yield made
    made.close()


@pytest.fixture
def plug(namespace):
    """`plug(name)`: a port of bridge `lan` with a Scapy peer at the other end of a veth pair."""
    peers = []

    def on_bridge(name):
        if "lan" not in namespace.interfaces():
            namespace.ip("link add lan type bridge forward_delay 0 mcast_snooping 0")
            namespace.ip("link set lan up")
        namespace.ip(f"link add {name} type veth peer name {name}-br")
        for end in (name, f"{name}-br"):
            namespace.ip(f"link set {end} up")
        namespace.ip(f"link set {name}-br master lan")
        peers.append(Peer(namespace.packet_socket(name)))
        return peers[-1]

    yield on_bridge
    for peer in peers:
        peer.sock.close()


@pytest.fixture
def captured(request):
    """`captured(namespace, peer)`: the list of opcodes that tshark sees on TAP `nic`, growing."""

    def start(namespace, peer):
        if shutil.which("tshark") is None:
            return None
        process = subprocess.Popen(
            [
                *namespace.enter,
                "tshark",
                "-l",
                "-X",
                f"lua_script:{LUA}",
                "-i",
                "nic",
                "-T",
                "fields",
                "-e",
                "ttpoe.opcode",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        request.addfinalizer(lambda: (process.terminate(), process.wait()))
        seen = []
        other = []

        def read():
            for line in process.stdout:
                (seen if line.strip() else other).append(line.strip())

        threading.Thread(target=read, daemon=True).start()

        def probed():
            peer.put(b"\xff" * 6 + b"\2\0\0\0\0\7" + b"\x88\xb5" + bytes(46))
            return other

        wait_for(probed, SECONDS, lambda: "tshark sees nothing")
        return seen

    return start


def test_a_conversation_across_a_learning_switch(command, namespace, plug, captured):
    """Open, payloads, a lost echo and its replay, close; the switch learns where the NIC is."""
    peer, third = plug("p0"), plug("p1")
    started = command(
        "echo",
        "--tap",
        "nic",
        "--bridge",
        "lan",
        "--timeout",
        "100",
        "--retries",
        "1000",
        enter=namespace.enter,
    )
    started.until("echoes what it receives")
    seen = captured(namespace, peer)
    while third.get(0.1):  # broadcasts, which would leave no room for what follows
        pass
    peer.send(7, 1, "OPEN", tx_id=100, epoch=5, vc=2)
    first = peer.until("OPEN_ACK", vc=2, rx_id=100)[TTP].tx_id
    for n, text in enumerate((b"one", bytes(range(256)) * 4, b"three")):
        peer.send(7, 1, "PAYLOAD", text, tx_id=101 + n, epoch=5, vc=2)
        peer.until("ACK", rx_id=101 + n)
        echo = peer.until("PAYLOAD", tx_id=first + n)
        assert payload_of(echo) == text
        if n == 1:  # its acknowledgement is lost
            assert bytes(peer.until("PAYLOAD", tx_id=first + n)) == bytes(echo)
        peer.send(7, 1, "ACK", rx_id=first + n, epoch=5, vc=2)
    while peer.get(0.3):  # replays that were under way
        pass
    # Quiet: both ends of the IDs are where they should be.
    peer.send(7, 1, "CLOSE", tx_id=104, rx_id=first + 2, epoch=5, vc=2)
    peer.until("CLOSE_ACK", rx_id=104)
    learned = subprocess.run(
        [*namespace.enter, "bridge", "fdb", "show", "dynamic"], text=True, capture_output=True
    ).stdout
    assert re.search(r"^98:ed:5c:00:00:01 dev nic ", learned, re.M), learned
    assert re.search(r"^98:ed:5c:00:00:07 dev p0-br ", learned, re.M), learned
    # Only the first frame of all went to every port, before the switch had learned.
    flooded = []
    while raw := third.get(0.2):
        flooded += [Ether(raw)] if TTP in Ether(raw) else []
    assert [frame.sprintf("%TTP.opcode%") for frame in flooded] == ["OPEN"]
    if seen is not None:
        wait_for(lambda: "4" in seen, SECONDS, lambda: str(seen))
        assert seen[:4] == ["0", "1", "6", "7"] and seen.count("6") > 6, seen


def test_two_engines_on_one_bridge_with_loss(command, namespace, tmp_path):
    """Nothing is there before, nothing afterwards; in between every message comes back."""
    assert namespace.interfaces() == set()
    echo = command("echo", "--tap", "t1", "--bridge", "br-ttp", enter=namespace.enter)
    echo.until("echoes what it receives")
    ping = command(
        "ping",
        "1",
        "--tap",
        "t2",
        "--bridge",
        "br-ttp",
        "--flood",
        "--count",
        "150",
        "--bytes",
        "1024",
        "--loss",
        "4",
        "--seed",
        "3",
        "--timeout",
        "100",
        "--pcap",
        tmp_path / "ping.pcap",
        enter=namespace.enter,
    )
    ping.until("link up")
    assert namespace.interfaces() == {"t1", "t2", "br-ttp"}
    code, text = ping.end()
    assert code == 0 and "150 messages sent, 150 came back, 0 lost" in text, text
    found = re.search(r"(\d+) PAYLOADs sent, (\d+) of them", text)
    sent, replays = map(int, found.groups())
    assert sent == 150 + replays and replays > 0
    assert int(re.search(r"(\d+) lost by --loss", text)[1]) > 0
    frames = [Ether(raw) for _time, raw in read_pcap(tmp_path / "ping.pcap")]
    mine = [f for f in frames if f.src == "98:ed:5c:00:00:02" and f[TTP].opcode == 6]
    # A PAYLOAD that waits to be sent again is withdrawn if its ACK comes first.
    assert 150 <= len(mine) <= sent and len({f[TTP].tx_id for f in mine}) == 150
    assert namespace.interfaces() == {"t1", "br-ttp"}
    code, text = echo.interrupt()
    assert code == 130 and "150 packets, 153,600 bytes echoed" in text
    assert namespace.interfaces() == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_a_tap_is_gone_however_its_process_ends(command, namespace, number):
    echo = command("echo", "--tap", "t1", "--bridge", "br-ttp", enter=namespace.enter)
    echo.until("echoes what it receives")
    # To the Python process alone, which is nsenter's: the NIC's own sees that it is gone.
    echo.process.send_signal(number)
    echo.end()
    wait_for(lambda: "t1" not in namespace.interfaces(), SECONDS, lambda: "t1 is still there")
    # Nobody could remove the bridge when its last user was killed; the next one does.
    assert namespace.interfaces() == ({"br-ttp"} if number == signal.SIGKILL else set())
    if number == signal.SIGKILL:
        again = command("echo", "--tap", "t1", "--bridge", "br-ttp", enter=namespace.enter)
        again.until("echoes what it receives")
        again.interrupt()
        assert namespace.interfaces() == set()


def test_a_bridge_of_somebody_else_stays(command, namespace):
    namespace.ip("link add mine type bridge")
    echo = command("echo", "--tap", "t1", "--bridge", "mine", enter=namespace.enter)
    echo.until("echoes what it receives")
    assert echo.interrupt()[0] == 130
    assert namespace.interfaces() == {"mine"}


def test_a_veth_end_and_the_operating_systems_frames(command, namespace, plug):
    """`--interface`; and beside TTP the NIC carries ARP and IPv4 of the kernel behind it."""
    peer = plug("p0")
    namespace.ip("link add e0 type veth peer name e1")
    for name in ("e0", "e1"):
        namespace.ip(f"link set {name} up")
    namespace.ip("link set e1 master lan")
    echo = command("echo", "--interface", "e0", "--os", "os0", enter=namespace.enter)
    echo.until("echoes what it receives")
    # Here all are one machine's: each interface answers for its own address only.
    subprocess.run(
        [*namespace.enter, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore"],
        check=True,
    )
    namespace.ip("address add 10.99.0.1/24 dev os0")
    os_side = Peer(namespace.packet_socket("os0"))
    me = {"src": "02:00:00:00:00:02"}
    request = bytes(
        Ether(dst="ff:ff:ff:ff:ff:ff", **me)
        / ARP(hwsrc=me["src"], psrc="10.99.0.2", pdst="10.99.0.1")
    )
    peer.put(request)
    answer = peer.receive(lambda frame: ARP in frame and frame[ARP].op == 2)
    assert (answer[ARP].hwsrc, answer[ARP].psrc) == ("98:ed:5c:00:00:01", "10.99.0.1")
    # Padded as by a MAC, each way.
    arrived = os_side.receive(lambda frame: ARP in frame and frame[ARP].op == 1)
    assert bytes(arrived) == request + bytes(60 - len(request)) and len(answer) == 60
    os_side.sock.close()
    peer.put(
        bytes(
            Ether(dst=answer.src, **me)
            / IP(src="10.99.0.2", dst="10.99.0.1")
            / ICMP(id=7, seq=3)
            / b"through the NIC"
        )
    )
    answer = peer.receive(lambda frame: ICMP in frame)
    assert answer[ICMP].type == 0 and bytes(answer[ICMP].payload)[:15] == b"through the NIC"
    peer.send(7, 1, "OPEN", tx_id=9, epoch=5, vc=1)
    peer.expect("OPEN_ACK", rx_id=9)


@pytest.mark.parametrize(
    "arguments, part",
    [
        (["--interface", "none0"], "there is no interface none0"),
        (["--interface", "lo"], "the interface lo is down: ip link set lo up"),
        (["--tap", "lo"], "there is an interface lo that is no TAP"),
        (["--tap", "t1", "--bridge", "lo"], "the interface lo is not a bridge"),
    ],
)
def test_a_wire_that_cannot_be(command, namespace, arguments, part):
    code, text = command("echo", *arguments, enter=namespace.enter).end()
    assert code == 2 and text.startswith(f"ttpoe echo: {part}") and text.count("\n") == 1
    assert namespace.interfaces() == set()


def test_a_tap_that_is_taken(command, namespace):
    command("echo", "--tap", "t1", enter=namespace.enter).until("echoes what it receives")
    code, text = command("ping", "1", "--tap", "t1", "--bridge", "b", enter=namespace.enter).end()
    assert code == 2 and "the TAP t1 is in use by another program" in text
    assert namespace.interfaces() == {"t1"}
