"""Every kind of frame, delayed past a close and a re-open, in every state (protocol section 6).

Incarnation 1 is a whole conversation; every frame of the peer is kept, and so is, for opcodes that
the conversation had no use for, what the peer would have sent. Then the link is closed and opened
again with a new epoch, and the old frames arrive.

With `same_ids` the second incarnation uses the very IDs of the first (fixed open ID, same peer):
then every old frame hits the window, the expected ID, the open ID, and the epoch alone stands between
it and the link.

The run `epoch.bare` has no model beside it and looks at what the host sees, nothing else;
`tests/sim/test_epoch_mutants.py` takes each check out of the engine and sees what it then does wrong.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import NEVER, Desk
from ttpverif.frames.fields import epoch_of
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.serial import id_add

RUNS = [
    {"sim": "verilator", "preset": "tiny"},
    {"sim": "verilator", "preset": "tiny", "name": "bare", "params": {"bare": True}},
    {"sim": "icarus", "preset": "tiny", "name": "bare", "params": {"bare": True}},
]

OPCODES = tuple(opcode.name for opcode in Opcode)
STATES = ("OPEN_SENT", "OPEN_RECD", "OPEN", "CLOSE_SENT", "CLOSE_RECD")
FIRST = 0x5000
SENT = 3
# Said to a link that is only opening: nothing of the peer is known yet, so no epoch can be checked
# (decisions L13, L14). The scenario holds them to what they may do.
UNCHECKED = {("OPEN", "OPEN_SENT"), ("CLOSE", "OPEN_SENT")}


async def incarnation_1(d, peer, state):
    """A conversation in full, and the frames of the peer that it left in the network."""
    if state == "OPEN_RECD":  # which opens the link: the same way in both incarnations
        await peer.rx("OPEN", tx=FIRST - 1)
        await d.quiet()
    else:
        await peer.open()
        await peer.opened(FIRST)
    link, epoch = peer.link, peer.link.epoch
    await peer.send(SENT)
    late = {
        "OPEN": peer.frame("OPEN", tx=FIRST - 1),
        "OPEN_ACK": peer.frame("OPEN_ACK", tx=FIRST, rx=link.open_id),
        "OPEN_NACK": peer.frame("OPEN_NACK", rx=link.open_id, epoch=epoch),
        "CLOSE": peer.frame("CLOSE", tx=FIRST, rx=link.end - 1),
        "CLOSE_ACK": peer.frame("CLOSE_ACK", rx=link.end),
        "CLOSE_NACK": peer.frame("CLOSE_NACK", tx=FIRST + 3, rx=link.end - 1),
        "PAYLOAD": peer.frame("PAYLOAD", tx=FIRST, payload=b"of incarnation 1"),
        "ACK": peer.frame("ACK", rx=link.oldest),
        "NACK": peer.frame("NACK", rx=id_add(link.oldest, 1)),
        "NACK_FULL": peer.frame("NACK_FULL"),
        "NACK_NOLINK": peer.frame("NACK_NOLINK", epoch=epoch),
    }
    # They are good frames of that incarnation: each of them is accepted in it.
    await peer.rx("PAYLOAD", tx=FIRST, payload=b"of incarnation 1")
    assert link.received == FIRST
    await peer.rx("ACK", rx=link.end - 1)
    await peer.close()
    await peer.rx("CLOSE_ACK", rx=link.end)
    assert peer.state == "CLOSED"
    await d.quiet()
    return late


def snapshot(d, peer):
    """Everything that must not move."""
    link = peer.link
    return (
        peer.state,
        link.epoch,
        link.peer_epoch,
        link.received,
        link.oldest,
        link.position,
        link.fresh,
        link.end,
        link.held,
        link.gap,
        link.peer_end,
        link.nack_heard,
        link.close_due,
        len(d.a.received),
        len(d.a.notices),
        d.a.level("free_slots"),
    )


async def late_frame(d, opcode, state, same_ids):
    """One old frame in one state of incarnation 2."""
    delivered = len(d.a.received) + 1  # incarnation 1 delivers one
    await d.fresh(fixed_open_id=int(same_ids), init_id=0x1234)
    peer = d.partner(epoch=0x55)
    late = await incarnation_1(d, peer, state)
    peer.epoch = 0x56
    first = FIRST if same_ids else FIRST + 0x12345
    await d.link(
        state,
        partner=peer,
        sent=SENT if state not in ("OPEN_SENT", "OPEN_RECD") else 0,
        first=first,
    )
    await d.bench.cycles(200)
    before, frames, counts = snapshot(d, peer), len(d.a.frames_out), d.feed.counts()
    mark = d.mark()
    d.a.play(late[opcode])
    await d.saw(f"RX_{opcode}", peer, mark)
    await d.bench.cycles(200)
    if (opcode, state) in UNCHECKED:
        assert len(d.a.frames_out) == frames + 1
        if opcode == "CLOSE":  # the opening is refused; the next one works
            assert peer.state == "CLOSED"
            await peer.open()
        await peer.opened(first)  # the OPEN_ACK overrules what the old OPEN said
        assert (peer.link.received, peer.link.peer_epoch) == (id_add(first, -1), peer.epoch)
    else:
        assert snapshot(d, peer) == before, f"the old {opcode} moved something in {state}"
        assert len(d.a.frames_out) == frames, f"the old {opcode} was answered in {state}"
        after = d.feed.counts()
        dropped = [after[f"drop_{why}"] - counts[f"drop_{why}"] for why in ("stale", "unexpected")]
        assert sum(dropped) == 1, (opcode, state, dropped)
        if same_ids and state in ("OPEN", "CLOSE_SENT", "CLOSE_RECD"):
            deaf = ("OPEN_ACK", "OPEN_NACK", *(("CLOSE_ACK", "CLOSE_NACK") * (state == "OPEN")))
            if opcode not in deaf:
                assert dropped == [1, 0], f"the old {opcode} in {state} was not counted as stale"
    assert not any(p.data == b"of incarnation 1" for p in d.a.received[delivered:])
    # The link is as good as ever.
    d.mac(True)
    await d.quiet()
    if (
        peer.state in ("OPEN", "CLOSE_SENT", "CLOSE_RECD")
        and not peer.link.peer_end == peer.link.received
    ):
        await peer.rx_next(payload=b"of incarnation 2")
        await d.bench.until(
            lambda: d.a.received[-1].data == b"of incarnation 2", 500, "a payload of incarnation 2"
        )


async def bare(bench):
    """Every old frame at once hits an open link of the same IDs: the host must not notice."""
    a, node, vc = bench.a, 0xABCDEF, 2
    a.configure(fixed_open_id=1, init_id=0x1234, timer_tick=NEVER, max_retry=0)
    await bench.reset()

    def frame(opcode, tx=0, rx=0, epoch=0x55, payload=b""):
        return Frame(node, a.address, Opcode[opcode], vc, tx, rx, epoch, 0, payload=payload).pack()

    async def opened(peer_epoch):
        """The link, with three unacknowledged payloads; our epoch."""
        frames, notices = len(a.frames_out), len(a.notices)
        a.open(node, vc)
        await bench.until(lambda: len(a.frames_out) > frames, 500, "OPEN")
        a.play(frame("OPEN_ACK", FIRST, 0x1234, peer_epoch))
        await bench.until(lambda: len(a.notices) > notices, 500, "LINK_UP")
        for _ in range(3):
            a.send(node, vc, b"ours")
        await bench.until(lambda: len(a.frames_out) == frames + 4, 500, "three payloads")
        return epoch_of(a.frames_out[-1].data)

    own = await opened(0x55)
    late = {
        "PAYLOAD": frame("PAYLOAD", FIRST, payload=b"old"),
        "ACK": frame("ACK", rx=0x1235),
        "NACK": frame("NACK", rx=0x1236),
        "NACK_FULL": frame("NACK_FULL"),
        "OPEN": frame("OPEN", FIRST - 1),
        "OPEN_ACK": frame("OPEN_ACK", FIRST, 0x1234),
        "OPEN_NACK": frame("OPEN_NACK", rx=0x1234, epoch=own),
        "CLOSE_NACK": frame("CLOSE_NACK", FIRST + 2, 0x1234),
        "CLOSE_ACK": frame("CLOSE_ACK"),
        "NACK_NOLINK": frame("NACK_NOLINK", epoch=own),
        "CLOSE": frame("CLOSE", FIRST, 0x1237),
    }
    assert set(late) == set(OPCODES)
    a.play(late["NACK_NOLINK"])  # believed in its own incarnation
    await bench.until(lambda: len(a.notices) == 2, 500, "LINK_DOWN")
    assert await opened(0x56) != own
    for opcode, data in late.items():
        host = [p.data for p in a.received], [n.notice for n in a.notices]
        slots, frames = a.level("free_slots"), len(a.frames_out)
        a.play(data)
        await bench.cycles(150)
        assert host[0] == [p.data for p in a.received], f"an old {opcode} was delivered"
        assert host[1] == [n.notice for n in a.notices], f"the host was told of an old {opcode}"
        assert slots == a.level("free_slots"), f"an old {opcode} freed a slot"
        assert frames == len(a.frames_out), f"an old {opcode} was answered"


@scenario
async def epoch(bench):
    if bench.params.get("bare"):
        await bare(bench)
        return
    desk = Desk(bench)
    tried = 0
    for state in STATES:
        for opcode in OPCODES:
            for same_ids in (False, True):
                if state == "OPEN_SENT" and same_ids and opcode == "OPEN_ACK":
                    continue  # only the fresh open ID can tell; that is what it is for
                try:
                    await late_frame(desk, opcode, state, same_ids)
                    await desk.done()
                except Exception as error:
                    raise AssertionError(
                        f"{opcode} in {state}, same IDs {same_ids}: {error}"
                    ) from error
                tried += 1
    bench.report(f"{tried} delayed frames")
    await desk.claim("epoch")
