"""A peer restarts while data is under way (protocol section 4.1).

Engine b is reset alone, a knows nothing of it: a new incarnation in either direction, the notice
PEER_RESTARTED, nothing of the old incarnation delivered in the new one. Then scripted peers restart
with an older epoch, as Tesla's module (epoch 0), and while the link is closing.
"""

from ttpverif.bench.bench import PerfectChannel, scenario
from ttpverif.bench.directed import Desk
from ttpverif.bench.follow import follow_lockstep, parameters_of
from ttpverif.frames.frame import Opcode

RUNS = [
    {"sim": "verilator", "preset": "tiny", "name": "pair"},
    {"sim": "verilator", "preset": "tiny", "name": "scripted", "params": {"scripted": True}},
]

DATA = 2
LINK_UP, LINK_DOWN, PEER_RESTARTED, IDS_REUSED = 0, 1, 3, 6
DELAY = 40


def notices(node, since=0):
    return [notice.notice for notice in node.notices[since:]]


async def pair(bench):
    """b is reset with payloads of a in flight, and opens anew."""
    a, b = bench.a, bench.b
    bench.connect(PerfectChannel(DELAY), PerfectChannel(DELAY))
    for node in bench.nodes:
        node.configure(timer_tick=8, max_retry=0)
    b.configure(open_id_seed=0x4000_0123)  # its epochs: younger with every restart
    await bench.reset()
    of_a, of_b = follow_lockstep(bench)
    slots = bench.config["slots"]
    for turn in range(6):
        # Data both ways; b stops being read, so that a holds unacknowledged payloads.
        known, got = len(a.notices), len(b.received)
        a.send(b.address, DATA, b"before %d" % turn)
        b.send(a.address, DATA, b"answer %d" % turn)
        await bench.until(
            lambda: (
                len(b.received) > got and a.received and a.received[-1].data == b"answer %d" % turn
            ),
            40_000,
            "data both ways",
        )
        await bench.until(
            lambda: a.level("free_slots") == slots, 40_000, "all acknowledged", poll=True
        )
        for number in range(4):
            a.send(b.address, DATA, b"lost %d %d" % (turn, number))
        await bench.until(lambda: a.level("free_slots") <= slots - 2, 2_000, "in flight", poll=True)
        await bench.cycles(3 * turn)  # the restart hits them at different places
        before = len(b.received)
        b.configure(
            open_id_seed=bench.rng(f"restart {turn}").getrandbits(15)
            | (0x5000 + 0x1000 * turn) << 16
        )
        # Its host port is reset with it: what had not come out by now never does.
        await bench.reset(nodes=[b])
        of_b.restart(parameters_of(bench, b))
        b.send(a.address, DATA, b"after %d" % turn)
        await bench.until(lambda: a.received[-1].data == b"after %d" % turn, 40_000, "the new link")
        await bench.until(lambda: a.level("free_slots") == slots, 40_000, "slots", poll=True)
        told = notices(a, known)
        assert told.count(PEER_RESTARTED) + told.count(LINK_DOWN) >= 1, told
        a.send(b.address, DATA, b"again %d" % turn)
        await bench.until(
            lambda: any(p.data == b"again %d" % turn for p in b.received[before:]),
            40_000,
            "a's payload on the new link",
        )
        await bench.until(lambda: a.level("free_slots") == slots, 40_000, "slots", poll=True)
        await bench.cycles(600)
        fresh = [p.data for p in b.received[before:]]
        assert fresh == [b"again %d" % turn], f"of the incarnation before: {fresh}"
    assert PEER_RESTARTED in notices(a), "b never restarted under an open link"
    await bench.cycles(2_000)
    of_a.finish()
    of_b.finish()
    bench.report(
        f"{notices(a).count(PEER_RESTARTED)} x PEER_RESTARTED, "
        f"{notices(a).count(LINK_DOWN)} x LINK_DOWN"
    )


async def scripted(bench):
    desk = Desk(bench)
    a = bench.a

    async def restarted(state, epoch, again, tx, rx=lambda link: 0, **how):
        """A link with data outstanding, and the OPEN of the peer's next incarnation; `rx`: its
        RxID."""
        await desk.fresh()
        peer = await desk.link(state, epoch=epoch, sent=3, **how)
        await peer.rx_next(2)
        old, known = peer.link, len(a.notices)
        peer.epoch = again
        record = await peer.rx("OPEN", tx=tx if tx is not None else old.received, rx=rx(old))
        await desk.quiet()
        return peer, old, record, notices(a, known)

    # A younger epoch, across the wrap too, and both changes between zero and non-zero.
    slots = bench.config["slots"]
    for epoch, again in ((0x55, 0x56), (0xFFFF, 1), (0x55, 0x55 + 0x7FFF), (0x55, 0), (0, 0x55)):
        peer, old, record, told = await restarted("OPEN", epoch, again, 0x900)
        assert told == [PEER_RESTARTED] and peer.state == "OPEN", (epoch, again, told)
        assert peer.link is not old and peer.link.epoch != old.epoch
        assert a.level("free_slots") == slots, "what waited for the old incarnation is freed"
        assert (peer.link.received, record["frame_rx_id"]) == (0x900, 0x900)
        # Nothing of the old incarnation is taken, the new one works.
        got = len(a.received)
        if epoch and again:
            await peer.rx("PAYLOAD", tx=old.received + 1, epoch=epoch, payload=b"old")
            await peer.rx("PAYLOAD", tx=0x901, epoch=epoch, payload=b"old")
            await peer.rx("ACK", rx=old.oldest, epoch=epoch)
        await peer.rx("PAYLOAD", tx=0x901, payload=b"new")
        await peer.send(2)
        await peer.rx("ACK", rx=peer.link.end - 1)
        await desk.quiet()
        assert [p.data for p in a.received[got:]] == [b"new"]

    # Tesla's module, both epochs 0 (Z4): what fits and names r repeats, and acknowledges.
    peer, old, record, told = await restarted("OPEN", 0, 0, None, rx=lambda link: link.oldest)
    assert told == [] and peer.link is old and record["frame"] == 1 and old.stored == 2
    # What does not fit may be late: nothing changes, and the next one is a restart.
    peer, old, record, told = await restarted("OPEN", 0, 0, 0x777, rx=lambda link: 0x777)
    assert told == [] and peer.link is old and old.stored == 3 and record["frame"] == 1
    known, got = len(a.notices), len(a.received)
    assert (await peer.rx("PAYLOAD", tx=old.received + 1))["frame_opcode"] == Opcode.NACK_NOLINK
    record = await peer.rx("OPEN", tx=0x777, rx=0x777)
    await desk.quiet()
    assert notices(a, known) == [PEER_RESTARTED] and peer.link is not old
    assert record["frame_tx_id"] == 0x778, "its first data ID of ours is its OPEN's RxID + 1"
    await peer.rx("PAYLOAD", tx=0x778, payload=b"new")
    # ... unless its RxID fits: then our side stays as it is, and r is its TxID.
    peer, old, record, told = await restarted("OPEN", 0, 0, 0x777, rx=lambda link: link.oldest)
    assert told == [] and old.stored == 3
    await peer.rx("OPEN", tx=0x777, rx=old.oldest)  # late once more: nobody asked
    assert old.stored == 3 and old.received != 0x777
    assert (await peer.rx("PAYLOAD", tx=0x778))["frame_opcode"] == Opcode.NACK_NOLINK
    await peer.rx("OPEN", tx=0x777, rx=old.oldest)
    await desk.quiet()
    assert peer.link is old and (old.received, old.stored) == (0x777, 2)
    await peer.rx("PAYLOAD", tx=0x778, payload=b"next")
    await desk.quiet()
    assert [p.data for p in a.received[got:]][-1] == b"next"

    # An older epoch is stale whatever its numbers; the time-out finds such a peer.
    for again in (0x54, 0x55 - 0x8000 & 0xFFFF, 0xFFFF):
        peer, old, record, told = await restarted("OPEN", 0x55, again, 0x900)
        assert told == [] and peer.link is old and not record["frame"]
    await desk.fresh(max_retry=1)
    peer = await desk.link("OPEN", sent=1)
    await peer.rx("OPEN", tx=0x900, epoch=0x54)
    await peer.timer(3)
    assert peer.state == "CLOSED"
    await peer.rx("OPEN", tx=0x900, epoch=0x54)
    await desk.quiet()
    assert peer.state == "OPEN" and peer.link.peer_epoch == 0x54

    # The same epoch, and no ID used since: the OPEN_ACK was lost.
    peer, old, record, told = await restarted("OPEN", 0x55, 0x55, None)
    assert told == [] and peer.link is old and record["frame_opcode"] == Opcode.OPEN_ACK
    # The same epoch, and IDs that were used (L19): a peer whose seed is not fresh is refused.
    peer, old, record, told = await restarted("OPEN", 0x55, 0x55, 0x4FFF)
    assert told == [IDS_REUSED] and peer.link is old and old.stored == 3
    assert (record["frame_opcode"], record["frame_rx_id"], record["frame_epoch"]) == (
        Opcode.OPEN_NACK,
        0x4FFF,
        0x55,
    )
    # While closing: the peer has forgotten the link, so the OPEN is served anew.
    for state in ("CLOSE_SENT", "CLOSE_RECD"):
        peer, old, record, told = await restarted(state, 0x55, 0x56, 0x900, ahead=9)
        assert told == [LINK_DOWN, LINK_UP] and peer.state == "OPEN", told
        assert a.level("free_slots") == slots
    # In OPEN_RECD the new OPEN replaces the first one; payload that waits goes on waiting.
    await desk.fresh()
    peer = await desk.link("OPEN_RECD")
    await peer.send(2)
    old, known = peer.link, len(a.notices)
    peer.epoch = 0x56
    await peer.rx("OPEN", tx=0x900)
    assert peer.link is not old and peer.link.stored == 2
    desk.mac(True)
    await desk.quiet()
    assert notices(a, known) == [LINK_UP] and peer.link.in_flight == 2
    await desk.claim("restart.scripted")


@scenario
async def restart(bench):
    await (scripted if bench.params.get("scripted") else pair)(bench)
