"""What ordinary traffic seldom meets: packets too long, reset in frames, a backlog, old epochs,
commands while the engine is switched off.

The engine is switched off while frames come, so that its event queue fills and, switched on again,
its pipeline gets events of one link, and of links that are only just opened, in every clock.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.fields import epoch_of
from ttpverif.frames.frame import Frame, Opcode

RUNS = [{"sim": "verilator", "preset": "tiny"}]

VC = 0


def from_peer(node, peer, opcode, tx=0, rx=0, epoch=0, payload=b""):
    node.play(
        Frame(peer, node.address, Opcode[opcode], VC, tx, rx, epoch, 0, payload=payload).pack()
    )


def bad_frames(node):
    """One frame for each cause for which a frame is dropped at the door (section 1)."""
    good = Frame(0x000100, node.address, Opcode.PAYLOAD, VC, 9, 0, 5, 0, payload=b"12345678").pack()

    def changed(offset, *values):
        return good[:offset] + bytes(values) + good[offset + len(values) :]

    return {
        "runt": good[:63],
        "wrong_oui": changed(0, 0x02),
        "not_ours": changed(5, 0xEE),
        "bad_tth": changed(14, 0x45),
        "tsh_range": changed(40, 0x00, 0x10),
        "total_mismatch": changed(17, 0xFF),
        "bad_opcode": changed(42, 0x0B),
        "truncated": changed(40, 0x01, 0x00)[:16]
        + bytes((0x01, 0x14))
        + changed(40, 0x01, 0x00)[18:],
        "bad_vc": changed(43, 3),
        "empty_payload": changed(40, 0, 26)[:16] + bytes((0, 46)) + changed(40, 0, 26)[18:],
    }


async def reset_in_traffic(bench):
    """Both engines are reset with a frame on each wire; then they work as after power-up."""
    a, b = bench.nodes
    for node, peer in ((a, b), (b, a)):
        for vc in range(3):
            node.send(peer.address, vc, bytes(1100))  # too long: swallowed
        for _ in range(8):
            for vc in range(3):
                node.send(peer.address, vc, bytes(1024))
    a.play(bytes(3000))
    dropped = bad_frames(a)
    for frame in dropped.values():
        a.play(frame)
    a.open(b.address, 3)
    await bench.until(
        lambda: all(node.received and node.counts()["tx_oversize"] == 3 for node in bench.nodes),
        20_000,
        "traffic both ways",
    )
    await bench.until(
        lambda: all(
            node.level("m_mac_tx_tvalid") and node.sources["s_mac_rx"].busy for node in bench.nodes
        ),
        20_000,
        "frames everywhere",
        poll=True,
    )
    counts = a.counts()
    assert all(counts[f"rx_{cause}"] for cause in dropped) and counts["command_bad_vc"] == 1, counts
    a.configure(open_id_seed=0xFFFF_0001)  # the next epoch is 0xFFFF, and then comes 1
    b.configure(open_id_seed=1)  # 0 is none, so the first epoch is 1
    await bench.reset()
    assert all(node.level("free_slots") == bench.config["slots"] for node in bench.nodes)
    # The MAC has not been reset: what is left of its frame comes as if it were one, and has some
    # bytes of payload where an EtherType is looked for.
    before = a.counts()
    a.play(bytes(range(40)))
    await bench.cycles(500)
    changed = {
        name: count - before[name]
        for name, count in a.counts().items()
        if name.startswith("rx_") and count != before[name]
    }
    assert changed == {"rx_other_ethertype": 1}, changed


@scenario
async def corners(bench):
    a, b = bench.nodes
    bench.connect()
    await reset_in_traffic(bench)
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    before = len(a.frames_out)

    # The OPEN that was first may be repeated, and its data may come, before any is looked at.
    a.configure(enable=0)
    depth = bench.config["event_depth"]
    for peer in (0x000100, 0x000200):
        for _ in range(3):
            from_peer(a, peer, "OPEN", tx=0x10, epoch=5)
        for number in range(depth // 2):
            from_peer(a, peer, "PAYLOAD", tx=0x11 + number, epoch=5, payload=b"early")
    await bench.until(lambda: not a.sources["s_mac_rx"].busy, 20_000, "all received")
    assert a.counts()["rx_queue_full"] > 0
    a.configure(enable=1)
    await bench.cycles(600)
    assert [notice.notice for notice in a.notices[-2:]] == [0, 0], "two links up"
    epochs = dict.fromkeys(epoch_of(frame.data) for frame in a.frames_out[before:])
    assert list(epochs) == [0xFFFF, 1], "they begin with the seed's, one for each link"

    # Epochs are serial numbers: 0xFFF0 is older than 5, and 5 younger than 0xFFF0.
    stale = a.counts()["drop_stale"]
    from_peer(a, 0x000100, "OPEN", tx=0x90, epoch=0xFFF0)
    from_peer(a, 0x000300, "OPEN", tx=0x10, epoch=0xFFF0)
    await bench.cycles(200)
    assert a.counts()["drop_stale"] == stale + 1
    restarted = a.counts()["peer_restarted"]
    from_peer(a, 0x000300, "OPEN", tx=0x10, epoch=5)
    await bench.cycles(200)
    assert a.counts()["peer_restarted"] == restarted + 1

    a.send(b.address, VC, b"still here")
    await bench.until(
        lambda: b.received and b.received[-1].data == b"still here",
        5_000,
        "a payload to a real peer",
    )
    # Switched off, commands wait, and none is lost; then they are carried out in order.
    a.configure(enable=0)
    await bench.cycles(50)  # what was in the pipeline is through
    asked, sent, told = len(a.requests), len(a.frames_out), len(b.notices)
    for vc in (2, 1):
        a.open(b.address, vc)
    await bench.cycles(200)
    assert (len(a.requests), len(a.frames_out)) == (asked, sent), "taken while switched off"
    a.configure(enable=1)
    await bench.until(lambda: len(b.notices) == told + 2, 2_000, "two links up")
    assert [(n.notice, n.node, n.vc) for n in b.notices[told:]] == [
        (0, a.address, 2),
        (0, a.address, 1),
    ]
    await bench.cycles(500)
    deliveries.finish()
    for feed in followed:
        feed.finish()
    bench.report("reset in frames, a backlog, epochs across 2^16, commands")
