"""Each rule of selective replay by itself (decisions R2 to R8): part `scripted` of `selective`."""

from ttpverif.bench.directed import Desk
from ttpverif.check.trace import ACTIONS, EVENTS
from ttpverif.frames.fields import opcode_of, rx_id_of, tx_id_of
from ttpverif.frames.frame import Frame, Opcode

STATES = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")


def payload_frames(node, since=0):
    return [frame for frame in node.frames_out[since:] if opcode_of(frame.data) == Opcode.PAYLOAD]


def nacks(node, since=0, vc=None):
    """(first, last) of every NACK that `node` has sent, or of those on one VC."""
    frames = [Frame.unpack(f.data) for f in node.frames_out[since:]]
    return [
        (frame.rx_id, frame.tx_id)
        for frame in frames
        if frame.opcode == Opcode.NACK and vc in (None, frame.vc)
    ]


async def receiver(desk, bench, state):
    """What is kept, NACKed, looked up and asked for (decisions R2 to R6)."""
    a = bench.a

    async def link(**how):
        await desk.fresh(**how)
        return await desk.link(state, selective=True, ahead=40)

    def sent(record):
        """(opcode, first, last missing ID) as distances from r, or None."""
        if not record["frame"]:
            return None
        name = Opcode(record["frame_opcode"]).name
        ids = [(record[key] - r) % 2**32 for key in ("frame_rx_id", "frame_tx_id")]
        return (name, *ids) if name == "NACK" else (name, ids[0])

    # Two gaps; what is kept already, and what fills the later one, get no answer.
    peer = await link()
    r, got = peer.link.received, len(a.received)
    for offset, answer in (
        (3, ("NACK", 1, 2)),
        (6, ("NACK", 4, 5)),
        (7, None),
        (6, None),
        (3, None),
        (2, None),
    ):
        assert sent(await peer.rx("PAYLOAD", tx=r + offset)) == answer, (state, offset)
    # r+1 makes way for 2 and 3; the look-up's end acknowledges them.
    assert sent(await peer.rx("PAYLOAD", tx=r + 1)) is None
    since = len(a.frames_out)
    await desk.quiet()
    assert [
        rx_id_of(f.data) - r for f in a.frames_out[since - 1 :] if opcode_of(f.data) == Opcode.ACK
    ][-1:] == [3]
    for offset in (5, 4):
        await peer.rx("PAYLOAD", tx=r + offset)
    await desk.quiet()
    assert [(p.id - r) % 2**32 for p in a.received[got:]] == [1, 2, 3, 4, 5, 6, 7]

    # What comes while a look-up is under way and is next in order is delivered at once, and the
    # look-up goes on behind it; whenever it comes, all is delivered in order.
    overtook = 0
    for pause in range(0, 40, 3):
        peer = await link()
        r, got, since = peer.link.received, len(a.received), len(a.trace)
        for offset in (2, 5):
            await peer.rx("PAYLOAD", tx=r + offset)
        peer.play("PAYLOAD", tx=r + 1, payload=b"x")
        await bench.cycles(pause)
        for offset in (3, 4):
            peer.play("PAYLOAD", tx=r + offset, payload=b"x")
        await desk.quiet()
        assert [(p.id - r) % 2**32 for p in a.received[got:]] == [1, 2, 3, 4, 5]
        kinds = [EVENTS[record["event"]] for record in a.trace[since:]]
        late = [ACTIONS[record["action"]] for record in a.trace[since:]]
        looks = [n for n, kind in enumerate(kinds) if kind == "LOOK"]
        overtook += any(
            looks[0] < n < looks[-1] and late[n] == "DELIVER_LOOK"
            for n, kind in enumerate(kinds)
            if kind == "RX_PAYLOAD"
        )
    assert overtook, "nothing came while a look-up was under way"

    # The reorder memory is full of another link's packets: one NACK of all that is missing.
    peer = await link()
    other = await desk.link("OPEN", selective=True, vc=1)
    places = bench.config["reorder_slots"]
    for offset in range(places):
        await other.rx("PAYLOAD", tx=other.link.received + 2 + offset)
    r = peer.link.received
    assert sent(await peer.rx("PAYLOAD", tx=r + 3)) == ("NACK", 1, 3)
    for offset in (4, 9, 2):
        assert sent(await peer.rx("PAYLOAD", tx=r + offset)) is None
    # Nothing is kept: the timer asks for all of it at once.
    await peer.timer()
    await desk.quiet()
    assert nacks(a, vc=peer.vc)[-1] == (r + 1, r + 3)
    await other.rx_next()
    await desk.quiet()
    # One is kept in front of the youngest, which is not: the walk ends there.
    assert sent(await peer.rx("PAYLOAD", tx=r + 2)) is None
    await desk.quiet()
    since = len(a.frames_out)
    await peer.timer()
    await desk.quiet()
    assert nacks(a, since, peer.vc) == [(r + 1, r + 1), (r + 3, r + 3)]
    assert sent(await peer.rx("PAYLOAD", tx=r + 6)) == ("NACK", 4, 5)
    await desk.quiet()
    since = len(a.frames_out)
    await peer.timer()
    await desk.quiet()
    assert nacks(a, since, peer.vc) == [(r + 1, r + 1), (r + 3, r + 5)]
    # A packet beyond the window is not kept.
    window = 4 * places
    assert sent(await peer.rx("PAYLOAD", tx=r + window)) is None
    # The link ends with packets kept: they are freed, and the next link keeps its own.
    if state != "OPEN":
        await peer.rx("CLOSE_ACK", rx=0)
    else:
        await peer.rx("NACK_NOLINK", epoch=peer.link.epoch)
    # In its place once, and elsewhere: then its tag stays free until all is freed.
    partner = desk.partner(like=peer) if state == "OPEN" else desk.partner()
    again = await desk.link("OPEN", partner=partner, selective=True)
    await desk.quiet(8 * window)
    r = again.link.received
    for offset in range(2, 2 + places):
        await again.rx("PAYLOAD", tx=r + offset)
    assert len(again.link.kept) == places
    await again.rx_next()


async def sender(desk, bench, state):
    """What a NACKed range sends again (decisions R7, R8)."""
    a = bench.a

    async def link(sent=6, **how):
        await desk.fresh(**how)
        peer = await desk.link(state, sent=sent, selective=True)
        await desk.quiet()
        return peer, peer.link.oldest

    async def nack(peer, first, last):
        since = len(a.frames_out)
        record = await peer.rx("NACK", rx=first, tx=last)
        await desk.quiet()
        return [tx_id_of(f.data) for f in payload_frames(a, since)], record

    peer, una = await link()
    for first, last, sent in (
        (0, 0, [0]),
        (2, 2, [2]),
        (1, 3, [1, 2, 3]),
        (-5, 1, [0, 1]),
        (4, 5, [4, 5]),
        (-9, -1, []),
        (6, 6, []),
        (3, 2, []),
        # Younger than all that had been sent when 0 was: it, too (R12).
        (4, 90, [0, 4, 5]),
    ):
        ids, _ = await nack(peer, una + first, una + last)
        assert [(i - una) % 2**32 for i in ids] == sent, (first, last)
    # What was acknowledged meanwhile is not sent again, nor freed under the walk's feet.
    await peer.rx("ACK", rx=una + 1)
    ids, _ = await nack(peer, una, una + 3)
    assert [i - una for i in ids] == [2, 3]
    desk.mac(False)
    await bench.cycles(4)
    peer.play("NACK", rx=una + 3, tx=una + 5)
    peer.play("ACK", rx=una + 4)
    await desk.quiet()
    desk.mac(True)
    await desk.quiet()
    await peer.rx("ACK", rx=una + 5)
    await desk.quiet()
    assert not peer.link or not peer.link.stored
    # Of a range that waits behind another everything is acknowledged before its turn.
    peer, una = await link()
    desk.mac(False)
    await bench.cycles(4)
    for _ in range(2):
        peer.play("NACK", rx=una + 1, tx=una + 5)
    await desk.quiet()
    peer.play("ACK", rx=una + 5)
    await desk.quiet()
    desk.mac(True)
    await desk.quiet()
    # A held link replays nothing; the release replays everything.
    peer, una = await link(3)
    await peer.rx("NACK_FULL")
    assert (await nack(peer, una, una + 1))[0] == []
    since = len(a.frames_out)
    await peer.timer(1)
    await desk.quiet()
    assert [tx_id_of(f.data) - una for f in payload_frames(a, since)] == [0, 1, 2]
    # The link ends while a range is being sent again.
    peer, una = await link(6)
    desk.mac(False)
    await bench.cycles(4)
    peer.play("NACK", rx=una + 1, tx=una + 5)
    await desk.quiet()
    peer.play("NACK_NOLINK", epoch=peer.link.epoch)
    await desk.quiet()
    desk.mac(True)
    await desk.quiet()
    assert peer.state == "CLOSED"


async def scripted(bench):
    desk = Desk(bench)
    for state in STATES:
        await receiver(desk, bench, state)
        await sender(desk, bench, state)
    await desk.claim("selective.scripted")
