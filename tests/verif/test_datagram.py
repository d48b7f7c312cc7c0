"""The IPv4 form as `datagram` has it: against capture 30, Scapy, tshark and the table."""

import shutil
import subprocess
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap

from ttpverif.frames.datagram import Network, is_datagram, mark, pack, parse, route
from ttpverif.frames.frame import ETHERTYPE_IPV4, Frame, Opcode, node_to_mac
from ttpverif.frames.scapy_ttp import ipv4_frame
from ttpverif.malformed import DST, datagrams
from ttpverif.model.endpoint import Endpoint, Parameters
from ttpverif.model.peer import Peer

CAPTURE = Path(__file__).parents[1] / "data" / "pcap" / "30_ipv4_encap.pcap"
NETWORK = Network()


def test_capture_30_is_taken_apart_and_built_again():
    packets = [bytes(packet) for packet in rdpcap(str(CAPTURE))]
    assert len(packets) == 11
    for data in packets:
        frame, cause = parse(data, NETWORK, node=data[5])
        assert cause is None and frame.ethertype == ETHERTYPE_IPV4
        assert pack(frame, NETWORK) == data


def test_scapy_builds_the_same_bytes():
    for size in (1, 3, 4, 5, 100, 1024):
        payload = bytes(range(256)) * 4
        frame = Frame(1, 0xABCDEF, Opcode.PAYLOAD, 2, 7, payload=payload[:size], ethertype=0x0800)
        built = ipv4_frame(1, 0xABCDEF, "PAYLOAD", payload[:size], vc=2, tx_id=7)
        if size >= 4:  # the module, and so `pack`, counts the padding of a short frame
            assert pack(frame, NETWORK) == bytes(built)
        assert parse(bytes(built), NETWORK, 0xABCDEF) == (frame, None)


def test_the_table_of_datagrams():
    for case in datagrams():
        assert parse(case.data, NETWORK, DST)[1] == case.cause, case.name
        taken = case.cause != "other_ethertype"
        assert is_datagram(case.data) == taken, case.name


def test_who_does_not_know_the_form():
    data = rdpcap(str(CAPTURE))[0]
    assert parse(bytes(data), None, 2) == (None, "other_ethertype")
    with pytest.raises(ValueError, match="datagram.pack"):
        Frame(1, 2, Opcode.ACK, ethertype=0x0800).pack()


def test_a_router_changes_what_routers_change():
    network = Network(prefix=172, mask=0xFF0000, router=b"\x02\0\0\0\0\1")
    frame = Frame(0x010005, 0x020006, Opcode.ACK, ethertype=0x0800)
    data = pack(frame, network)
    assert data[:6] == network.router
    near = pack(Frame(0x010005, 0x010006, Opcode.ACK, ethertype=0x0800), network)
    assert near[:6] == node_to_mac(0x010006)
    there = route(data, b"\x02\0\0\0\0\2", node_to_mac(0x020006))
    assert parse(there, network, 0x020006) == (frame, None)
    assert there[6:12] == b"\x02\0\0\0\0\2" and there[22] == 8
    for changed in (there, mark(there)):
        told = Ether(changed)
        anew = told.copy()
        del anew[IP].chksum
        assert Ether(bytes(anew))[IP].chksum == told[IP].chksum
    assert Ether(mark(there))[IP].tos == 3
    for hop in range(8):
        there = route(there, b"\x02\0\0\0\0\2", node_to_mac(0x020006))
    assert there is None and hop == 7


def test_the_model_answers_in_kind():
    """Each link of a node in the form of the OPEN that it heard; answers without a link, too."""
    b = Peer(Endpoint(Parameters(2, network=NETWORK)))
    for vc, ethertype in ((0, 0x0800), (1, 0x9AC6), (2, 0x0AC6)):
        for opcode in (Opcode.CLOSE, Opcode.OPEN, Opcode.PAYLOAD):
            payload = b"x" * (opcode == Opcode.PAYLOAD)
            frame = Frame(
                1, 2, opcode, vc, 5 + len(payload), epoch=9, ethertype=ethertype, payload=payload
            )
            b.receive(pack(frame, NETWORK))
        answers = [parse(data, NETWORK, 1)[0] for data in b.sent]
        assert [frame.opcode for frame in answers] == [4, 1, 7]
        assert {frame.ethertype for frame in answers} == {ethertype}
        b.sent.clear()


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_finds_checksums_and_lengths_right(tmp_path):
    frames = [
        pack(Frame(1, 2, Opcode.PAYLOAD, payload=b"a" * size, ethertype=ETHERTYPE_IPV4), NETWORK)
        for size in (1, 4, 5, 1024)
    ]
    wrpcap(str(tmp_path / "sent.pcap"), [Ether(data) for data in frames])
    found = subprocess.run(
        ["tshark", "-r", "sent.pcap", "-o", "ip.check_checksum:TRUE", "-T", "fields"]
        + [argument for name in ("ip.checksum.status", "udp.length") for argument in ("-e", name)],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.split() == ["1", "27", "1", "30", "1", "31", "1", "1050"]
    assert UDP in Ether(frames[0])
