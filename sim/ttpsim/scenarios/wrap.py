"""Serial numbers across 2^32 and 2^16: every comparison with the wrap in its middle.

`pair`: two engines whose IDs start just below 2^32, over a network that loses, duplicates and
reorders; many links one after the other, closed at, before and behind the wrap. `scripted`: each
comparison of the table by itself, at the boundary and on both sides of it.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import Desk
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.fields import epoch_of, opcode_of, tx_id_of
from ttpverif.frames.frame import Opcode
from ttpverif.frames.network import Channel

RUNS = [
    {
        "sim": "verilator",
        "preset": "tiny",
        "name": "pair",
        "params": {"rounds": 24},
        "short": {"rounds": 8},
    },
    {"sim": "verilator", "preset": "tiny", "name": "scripted", "params": {"scripted": True}},
]

INIT = 0xFFFFFFF0
VCS = (0, 1, 2)
LINK_DOWN = 1


def is_the_last_id(data):
    return opcode_of(data) == Opcode.PAYLOAD and tx_id_of(data) == 0xFFFFFFFF


async def close_at_zero(bench):
    """The last data ID is ffffffff and is lost: a CLOSE cannot declare the ID behind it, for TxID 0
    declares nothing, and a peer would think that it has everything (decision C9)."""
    a, b = bench.a, bench.b
    for remembered in (False, True):
        there = Channel(1, delay_cycles=20)
        for nth in (1, 2):
            there.script(is_the_last_id, nth, "drop")
        bench.connect(there, Channel(2, delay_cycles=20))
        for node in bench.nodes:
            node.configure(timer_tick=8, max_retry=0, fixed_open_id=1, init_id=0xFFFFFFFC)
        await bench.reset()
        followed, got, told = follow_lockstep(bench), len(b.received), len(b.notices)
        if remembered:  # the close comes while b's OPEN is being answered
            a.ready["mac"] = 0.0
            b.open(a.address, 2)
            opens = lambda: any(opcode_of(f.data) == Opcode.OPEN for f in a.frames_in[-1:])
            await bench.until(opens, 500, "OPEN")
            await bench.cycles(20)
        for number in range(3):
            a.send(b.address, 2, bytes([number]))
        await bench.cycles(60 if remembered else 200)
        a.close(b.address, 2)
        await bench.cycles(20)
        a.ready["mac"] = 1.0
        bench.kick()
        await bench.until(
            lambda: [n.notice for n in b.notices[told:]] == [0, LINK_DOWN], 60_000, "up and down"
        )
        assert [p.data for p in b.received[got:]] == [b"\0", b"\1", b"\2"], "lost at the wrap"
        await bench.cycles(1_000)
        for feed in followed:
            feed.finish()
            feed.node.listeners.remove(feed._listen)


async def pair(bench):
    a, b = bench.a, bench.b
    await close_at_zero(bench)
    bench.connect(
        *(
            Channel(
                bench.rng(way).getrandbits(32),
                loss=0.08,
                duplicate=0.05,
                reorder=0.05,
                delay_cycles=(10, 40),
                reorder_cycles=200,
            )
            for way in ("there", "back")
        )
    )
    for node in bench.nodes:
        node.configure(
            timer_tick=8, max_retry=0, fixed_open_id=1, init_id=INIT, open_id_seed=0xFFFC_0000
        )  # epochs cross 0xFFFF -> 1 as well
    await bench.reset()
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    rng, done = bench.rng("payloads"), sum(n.notice == LINK_DOWN for n in a.notices)
    for turn in range(bench.params["rounds"]):
        vc = VCS[turn % 3]
        total = {}
        for node, peer in ((a, b), (b, a)):
            # 15 payloads end right before the wrap, 16 at 0, 17 behind it.
            total[node] = rng.choice((3, 14, 15, 16, 17, 30))
            for _ in range(total[node]):
                node.send(peer.address, vc, rng.randbytes(rng.randint(1, 90)))
        goal = {a: len(a.received) + total[b], b: len(b.received) + total[a]}
        await bench.until(
            lambda: all(len(n.received) == goal[n] for n in bench.nodes),
            600_000,
            f"round {turn}: {total[a]} and {total[b]} payloads",
        )
        done += 1
        (a, b)[turn % 2].close((b, a)[turn % 2].address, vc)
        await bench.until(
            lambda: all(
                sum(n.notice == LINK_DOWN for n in node.notices) == done for node in bench.nodes
            ),
            600_000,
            f"round {turn}: closed",
        )
        await bench.cycles(1_000)  # what was duplicated or held up in the network has come in
    await bench.cycles(2_000)
    deliveries.finish()
    for feed in followed:
        feed.finish()
    ids = [p.id for n in bench.nodes for p in n.received]
    assert 0 in ids and 0xFFFFFFFF in ids and 1 in ids
    epochs = {epoch_of(f.data) for f in a.frames_out}
    assert {0xFFFF, 1} <= epochs and 0 not in epochs, sorted(epochs)
    bench.report(
        f"{len(ids)} payloads, {sum(n.counts()['payload_replayed'] for n in bench.nodes)} replays"
    )


async def scripted(bench):
    desk, a = Desk(bench), bench.a

    async def link(state="OPEN", sent=4, first=0xFFFFFFFE, open_id=0xFFFFFFFD, **how):
        """Our data IDs are fffffffe, ffffffff, 0, 1; so are the peer's."""
        await desk.fresh(fixed_open_id=1, init_id=open_id)
        return await desk.link(state, sent=sent, first=first, **how)

    # ACK and its window, from every place.
    for rx, retired in (
        (0xFFFFFFFD, 0),
        (0xFFFFFFFE, 1),
        (0xFFFFFFFF, 2),
        (0, 3),
        (1, 4),
        (2, 0),
        (0x7FFFFFFF, 0),
        (0x80000000, 0),
    ):
        peer = await link()
        assert [(peer.link.oldest + n) % 2**32 for n in range(4)] == [0xFFFFFFFE, 0xFFFFFFFF, 0, 1]
        await peer.rx("ACK", rx=rx)
        assert 4 - peer.link.stored == retired, hex(rx)
        await desk.quiet()
    # NACK retires before it and replays the rest; an older one replays from the oldest.
    for rx, retired in (
        (0xFFFFFFFD, 0),
        (0xFFFFFFFE, 0),
        (0, 2),
        (1, 3),
        (2, None),
        (0x7FFFFFFD, None),
        (0x7FFFFFFE, 0),
        (0x80000000, 0),
    ):
        peer = await link()
        await desk.quiet()
        frames = len(a.frames_out)
        await peer.rx("NACK", rx=rx)
        await desk.quiet()
        replayed = [tx_id_of(f.data) for f in a.frames_out[frames:]]
        wanted = [] if retired is None else [0xFFFFFFFE, 0xFFFFFFFF, 0, 1][retired:]
        assert replayed == wanted, (hex(rx), list(map(hex, replayed)))

    # Receiving: duplicate, next, gap, second pass, with the wrap at each place.
    for first in (0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF, 0x00000001, 0x80000000, 0x7FFFFFFF):
        peer = await link(sent=0, first=first)
        got = len(a.received)
        r = first - 1
        for offset, answer in (
            (1, "ACK"),
            (1, "ACK"),
            (0, "ACK"),
            (4, "NACK"),
            (5, None),
            (6, None),
            (6, "NACK"),
            (4, "NACK"),
            (5, None),
            (2, "ACK"),
            (3, "ACK"),
            (-0x7FFFFFF0, "ACK"),
            (0x7FFFFFF0, "NACK"),
            (4, "ACK"),
        ):
            record = await peer.rx("PAYLOAD", tx=r + offset)
            assert record["frame"] == (answer is not None), (hex(first), offset)
            if answer:
                assert record["frame_opcode"] == Opcode[answer], (hex(first), offset)
        await desk.quiet()
        assert [(p.id - r) % 2**32 for p in a.received[got:]] == [1, 2, 3, 4]

    # The peer's end: beyond it there is no link, up to it there is.
    for first in (0xFFFFFFFC, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF):
        for state in ("CLOSE_SENT", "CLOSE_RECD"):
            peer = await link(state, sent=0, first=first, ahead=5)
            end = (first + 4) % 2**32
            if state == "CLOSE_SENT":
                await peer.rx("CLOSE_NACK", tx=end)
            if not end:
                continue  # a declared 0 says nothing (C2)
            assert (await peer.rx("PAYLOAD", tx=end + 1))["frame_opcode"] == Opcode.NACK_NOLINK
            for _ in range(5):
                assert (await peer.rx_next())["frame_opcode"] == Opcode.ACK
            assert peer.link.received == end and peer.link.end_reached

    # CLOSE across the wrap: TxID r+1, quiet; RxID acknowledges.
    for first in (0xFFFFFFFE, 0xFFFFFFFF):
        peer = await link(sent=3, first=first)
        await peer.rx_next(3)
        await peer.rx("CLOSE", tx=first + 3, rx=0)
        assert peer.state == "CLOSED"
    # Our own CLOSE and CLOSE_NACK name IDs behind the wrap.
    peer = await link(sent=4)
    assert (await peer.close())["frame_tx_id"] == 2
    peer = await link(sent=4)
    assert (await peer.rx("CLOSE", tx=9))["frame_tx_id"] == 1

    # Epochs of a known link's OPEN: younger, older, half-way.
    for known, again, restarts in (
        (0xFFFF, 1, True),
        (0xFFFE, 0x7FFD, True),
        (1, 0xFFFF, False),
        (0xFFFF, 0x7FFF, False),
        (0x7FFF, 0xFFFF, False),
        (0x8000, 0x7FFF, False),
        (0x7FFF, 0x8000, True),
    ):
        await desk.fresh()
        peer = await desk.link("OPEN", epoch=known)
        old = peer.link
        await peer.rx("OPEN", tx=5, epoch=again)
        assert (peer.link is not old) == restarts, (hex(known), hex(again))
    await desk.claim("wrap.scripted")


@scenario
async def wrap(bench):
    await (scripted if bench.params.get("scripted") else pair)(bench)
