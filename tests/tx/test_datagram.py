"""The builder and the IPv4 form, by `datagram.pack`, Scapy and capture 30. It is given checksums:
`test_checksum` has those that it is given by the queues."""

import random

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from tests.long import BITS
from tests.streams import receive_packet, send_packet, simulate
from tests.tx.test_builder import octets
from tests.tx.tx_bench import offer_payload, random_control, words_of
from ttpoe.config import Config
from ttpoe.tx.builder import FrameBuilder
from ttpoe.tx.datagram import ADDRESSING
from ttpverif.frames.datagram import Network, pack
from ttpverif.frames.frame import ETHERTYPE_IPV4, ETHERTYPES, Frame, Opcode
from ttpverif.frames.scapy_ttp import TTP

NODE = 0x010203
NETWORK = Network(prefix=172, mask=0xFF0000, router=bytes.fromhex("02aabbccddee"))


def expected(said, payload=b"", source=NODE):
    extension = 0x20 * said.get("selective", 0)
    ethertype = ETHERTYPE_IPV4 if said["ipv4"] else ETHERTYPES[said["ieee"]]
    fields = {name: said.get(name, 0) for name in ("vc", "tx_id", "rx_id", "epoch")}
    opcode = Opcode(said.get("opcode", Opcode.PAYLOAD))
    frame = Frame(
        source,
        said["node"],
        opcode,
        extension=extension,
        ethertype=ethertype,
        payload=payload,
        **fields,
    )
    return pack(frame, NETWORK) if said["ipv4"] else frame.pack()


def checksum_of(data):
    return int.from_bytes(data[24:26], "big")


def is_far(node):
    return (node ^ NODE) & NETWORK.mask != 0


def set_up(ctx, dut, node=NODE):
    ctx.set(dut.cfg_node, node)
    values = (
        NETWORK.prefix,
        NETWORK.mask,
        int.from_bytes(NETWORK.router[:3], "big"),
        int.from_bytes(NETWORK.router[3:], "big"),
    )
    for name, value in zip(ADDRESSING, values, strict=True):
        ctx.set(getattr(dut, name), value)


def scapy_is_content(data, payload_bytes):
    """Checksum and lengths as Scapy computes them; TTL, ID and flags of capture 30."""
    packet = Ether(data)
    ip, udp = packet[IP], packet[UDP]
    anew = packet.copy()
    del anew[IP].chksum
    assert Ether(bytes(anew))[IP].chksum == ip.chksum
    assert (ip.ttl, ip.id, str(ip.flags), ip.proto, ip.tos) == (9, 0, "DF", 17, 0)
    assert ip.len == len(data) - 14 == 46 + max(4, payload_bytes)
    assert (udp.sport, udp.dport, udp.len, udp.chksum) == (420, 420, 26 + payload_bytes, 0)
    assert packet[TTP].version == 2


@pytest.mark.parametrize("width_bits", BITS)
def test_control_frames_of_both_forms(width_bits):
    config, rng = Config(width_bits=width_bits, encapsulation="ipv4"), random.Random(width_bits)
    dut = FrameBuilder(config)
    controls = [
        random_control(rng, config.lid_bits) | {"ipv4": rng.getrandbits(1)} for _ in range(20)
    ]
    for node in (0xFFFFFF, 0x01FFFF, 0x010000, 0xFF0000):  # near and far
        controls += [random_control(rng, config.lid_bits) | {"node": node, "ipv4": 1}]
    frames = []

    async def sender(ctx):
        set_up(ctx, dut)
        for control in controls:
            ctx.set(dut.i_control_checksum, checksum_of(expected(control)))
            ctx.set(dut.i_control_far, is_far(control["node"]))
            await send_packet(ctx, dut.i_control, [control], pause=lambda: rng.random() < 0.3)

    async def receiver(ctx):
        for _ in controls:
            frames.append(await receive_packet(ctx, dut.o_frame, lambda: rng.random() < 0.6))

    simulate(dut, sender, receiver)
    for control, found in zip(controls, frames, strict=True):
        data = octets(found, config.width_bytes)
        assert data == expected(control)
        if control["ipv4"]:
            scapy_is_content(data, 0)
            assert (data[:6] == NETWORK.router) == is_far(control["node"])


@pytest.mark.parametrize("width_bits", BITS)
def test_payloads_of_both_forms(width_bits):
    config, rng = Config(width_bits=width_bits, encapsulation="ipv4"), random.Random(width_bits)
    width, dut = config.width_bytes, FrameBuilder(config)
    said = {"slot": 0, "lid": 0, "node": 0xFFFEFD, "vc": 2, "ieee": 1, "epoch": 0x7788, "tx_id": 9}
    lengths = [1, 3, 4, 5, width, width + 1, width + 4, 2 * width + 4, 1023, 1024]
    payloads = [(rng.randbytes(length), ipv4) for length in lengths for ipv4 in (1, 0)]
    words = [
        {"data": word, "first": number == 0}
        for payload, _ in payloads
        for number, word in enumerate(words_of(payload, width, filler=0xEE))
    ]
    frames = []

    async def sender(ctx):
        set_up(ctx, dut)
        await send_packet(ctx, dut.i_word, words)

    async def queue(ctx):
        ctx.set(dut.i_payload_far, is_far(said["node"]))
        for payload, ipv4 in payloads:
            form = said | {"ipv4": ipv4, "ieee": 1 - ipv4}
            checksum = checksum_of(expected(form, payload))
            await offer_payload(ctx, dut, config, form, len(payload), checksum)

    async def receiver(ctx):
        for _ in payloads:
            frames.append(await receive_packet(ctx, dut.o_frame, lambda: rng.random() < 0.7))

    simulate(dut, sender, queue, receiver)
    for (payload, ipv4), found in zip(payloads, frames, strict=True):
        data = octets(found, width)
        assert data == expected(said | {"ipv4": ipv4}, payload), (len(payload), ipv4)
        if ipv4:
            scapy_is_content(data, len(payload))
