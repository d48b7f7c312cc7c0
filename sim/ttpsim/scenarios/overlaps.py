"""Two things of selective replay, or of all VCs, in the same few clocks, met on purpose.

Each part waits for what it is about in the trace, so it fails if the two do not meet. The engine is
switched off while frames are queued where one must follow the other in the next clock.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import Desk
from ttpverif.check.trace import ACTIONS, EVENTS
from ttpverif.frames.fields import opcode_of, tx_id_of
from ttpverif.frames.frame import Opcode

RUNS = [{"sim": "verilator", "preset": "tiny"}]

VCS = (0, 1, 2)
NEVER = (1 << 24) - 1


def kind(record):
    return EVENTS[record["event"]]


def action(record):
    return ACTIONS[record["action"]]


def nacks(records, peer):
    """(first, last) of each NACK to this peer that these events sent."""
    return [
        (r["frame_rx_id"], r["frame_tx_id"])
        for r in records
        if r["frame"] and r["frame_opcode"] == Opcode.NACK and r["frame_node"] == peer.node
    ]


def payloads_out(node, since):
    return [
        tx_id_of(f.data) for f in node.frames_out[since:] if opcode_of(f.data) == Opcode.PAYLOAD
    ]


async def at_once(desk, play):
    """Switched off, `play()` queues frames; switched on, their events enter clock by clock."""
    a = desk.a
    a.configure(enable=0)
    play()
    await desk.bench.until(lambda: not a.sources["s_mac_rx"].busy, 2_000, "all received")
    await desk.bench.cycles(20)
    mark = desk.mark()
    a.configure(enable=1)
    return mark


# ---- receiver ----------------------------------------------------------------------------------


async def timer_meets_look_up(desk):
    """While a look-up delivers what was kept, the timer asks for nothing: what is missing is only
    known at its end. Then it asks for the gap that is left, and for no more."""
    a = desk.a
    await desk.fresh()
    peer = await desk.link("OPEN", selective=True)
    r, got = peer.link.received, len(a.received)
    for offset in (2, 3, 4, 6):
        await peer.rx("PAYLOAD", tx=r + offset)
    await desk.quiet()
    mark = desk.mark()
    peer.play("PAYLOAD", tx=r + 1)
    await desk.saw("RX_PAYLOAD", peer, mark)
    a.configure(timer_tick=2)
    await desk.bench.until(
        lambda: any(action(e) == "LOOKED" for e in a.trace[mark:]), 400, "the look-up's end"
    )
    a.configure(timer_tick=NEVER)
    await desk.quiet()
    events = a.trace[mark:]
    actions = [action(e) for e in events]
    begin, end = actions.index("DELIVER_LOOK"), actions.index("LOOKED")
    between = [
        e
        for e in events[begin:end]
        if kind(e) == "TIMER" and (e["node"], e["vc"]) == (peer.node, peer.vc)
    ]
    assert between and not any(e["frame"] for e in between), "a question during the look-up"
    assert not any(kind(e) == "ASK" for e in events[begin:end])
    assert [(p.id - r) % 2**32 for p in a.received[got:]] == [1, 2, 3, 4]
    mark = desk.mark()
    await peer.timer()
    await desk.quiet()
    assert nacks(a.trace[mark:], peer) == [(r + 5, r + 5)], nacks(a.trace[mark:], peer)


async def two_look_ups(desk):
    """The gaps of two links are filled right after each other: one look-up after the other."""
    a = desk.a
    await desk.fresh()
    one, two = [await desk.link("OPEN", selective=True, vc=vc) for vc in (2, 1)]
    last = {peer: peer.link.received for peer in (one, two)}
    got, mark = len(a.received), desk.mark()
    for peer in (one, two):
        for offset in (2, 3):
            await peer.rx("PAYLOAD", tx=last[peer] + offset)
    for peer in (one, two):
        peer.play("PAYLOAD", tx=last[peer] + 1)
    await desk.quiet()
    filled = next(
        n
        for n, e in enumerate(a.trace)
        if n >= mark and action(e) == "DELIVER_LOOK" and e["vc"] == two.vc
    )
    looks = [n for n, e in enumerate(a.trace) if n >= mark and kind(e) == "LOOK"]
    assert [a.trace[n]["vc"] for n in looks] == sorted(
        (a.trace[n]["vc"] for n in looks), reverse=True
    ), "the look-ups were mixed"
    assert any(n > filled and a.trace[n]["vc"] == one.vc for n in looks), "the second waited"
    for peer in (one, two):
        assert [(p.id - last[peer]) % 2**32 for p in a.received[got:] if p.vc == peer.vc] == [
            1,
            2,
            3,
        ]


async def new_link_meets_purge(desk):
    """What an ended link kept is freed place by place; a new link in its place keeps nothing until
    that is done, for it could not tell the old packets from its own, and everything after it."""
    a = desk.a
    await desk.fresh()
    peer = await desk.link("OPEN", selective=True)
    places = desk.bench.config["reorder_slots"]
    for offset in range(2, 2 + places):
        await peer.rx("PAYLOAD", tx=peer.link.received + offset)
    lid, received, got = a.trace[-1]["lid"], peer.link.received, len(a.received)
    assert len(peer.link.kept) == places

    def restart():
        peer.play("NACK_NOLINK", epoch=peer.link.epoch)
        peer.epoch = 0x56
        peer.play("OPEN", tx=received)

    mark = await at_once(desk, restart)
    for offset in (3, 4, 5):
        peer.play("PAYLOAD", tx=received + offset)
    await desk.quiet()
    events = a.trace[mark:]
    last_place = max(n for n, e in enumerate(events) if kind(e) == "PURGE")
    early = [e for e in events[:last_place] if kind(e) == "RX_PAYLOAD"]
    in_open = [e for e in early if action(e) in ("NACK_ALL", "LOSE")]
    assert in_open and not any(e["kept"] for e in early), [action(e) for e in early]
    assert sum(action(e) == "FREE_KEPT" for e in events) == places
    assert all(e["lid"] == lid for e in events if action(e) == "FREE_KEPT")

    assert len(a.received) == got and peer.link.received == received
    for offset in range(2, 2 + places):
        await peer.rx("PAYLOAD", tx=received + offset)
    assert len(peer.link.kept) == places
    await peer.rx_next()
    await desk.quiet()
    assert [(p.id - received) % 2**32 for p in a.received[got:]] == list(range(1, 2 + places))


async def kept_across_the_wrap(desk):
    """A gap that begins before 2^32 and ends behind it: kept, NACKed and delivered by serial
    numbers."""
    a = desk.a
    await desk.fresh()
    peer = await desk.link("OPEN", selective=True, first=0xFFFFFFFE)
    got, mark = len(a.received), desk.mark()
    for tx in (1, 0, 3):
        assert (await peer.rx("PAYLOAD", tx=tx))["kept"]
    assert nacks(a.trace[mark:], peer) == [(0xFFFFFFFE, 0), (2, 2)]
    await peer.rx("PAYLOAD", tx=0xFFFFFFFF)
    await peer.timer()
    await desk.quiet()
    assert nacks(a.trace[mark:], peer)[2:] == [(0xFFFFFFFE, 0xFFFFFFFE), (2, 2)]
    await peer.rx("PAYLOAD", tx=0xFFFFFFFE)
    await desk.quiet()  # four are kept until then, and `tiny` keeps no more
    await peer.rx("PAYLOAD", tx=2)
    await desk.quiet()
    assert [p.id for p in a.received[got:]] == [0xFFFFFFFE, 0xFFFFFFFF, 0, 1, 2, 3]


# ---- sender ------------------------------------------------------------------------------------


async def walk_meets_acknowledged(desk):
    """A NACK right behind an ACK of many: the walk begins among slots that are acknowledged and
    still in the list, hops over them and sends only what is missing. None of them is lost."""
    a, slots = desk.a, desk.bench.config["slots"]
    await desk.fresh()
    peer = await desk.link("OPEN", sent=10, selective=True)
    await desk.quiet()
    una, since = peer.link.oldest, len(a.frames_out)

    def answer():
        peer.play("ACK", rx=una + 6)
        peer.play("NACK", rx=una + 8, tx=una + 8)

    mark = await at_once(desk, answer)
    await desk.quiet()
    events = [kind(e) for e in a.trace[mark:]]
    begin, end = events.index("SEEK"), events.index("WALKED")
    assert "RETIRE" in events[end:] or "VISIT" in events[end:], "all were free before the walk"
    assert not any(e["background"] for e in a.trace[mark:][begin:end]), "freed under the walk"
    assert payloads_out(a, since) == [una + 8]
    assert peer.link.stored == 3 and a.level("free_slots") == slots - 3
    await peer.rx("ACK", rx=una + 9)
    await desk.quiet()
    assert a.level("free_slots") == slots


# ---- hosts -------------------------------------------------------------------------------------


async def readers_stop(desk):
    """All three readers stop and the receive memory fills. The first VC takes what is shared, the
    others still have what is kept back for them; then each is told NACK_FULL. Each host gets its
    own when it reads again, in whatever order."""
    a, config = desk.a, desk.bench.config
    await desk.fresh()
    peers = [await desk.link("OPEN", vc=vc) for vc in VCS]
    got, sent = len(a.received), {vc: [] for vc in VCS}
    for peer in peers:
        desk.reader(peer.vc, False)
    for peer in peers:
        for number in range(config["rx_slots"]):
            data = bytes([peer.vc, number]) * 40  # longer than what a reader has read ahead
            record = await peer.rx_next(payload=data)
            if not record["room"]:
                break
            sent[peer.vc].append(data)
        assert action(record) == "SAY_FULL" and record["frame_opcode"] == Opcode.NACK_FULL
    await desk.quiet()
    kept_back, shared = config["rx_reserved"], config["rx_slots"] - config["reorder_slots"]
    assert all(len(sent[vc]) >= kept_back for vc in VCS), {vc: len(sent[vc]) for vc in VCS}
    assert len(sent[0]) > len(sent[1]) == len(sent[2])
    assert sum(map(len, sent.values())) <= shared
    assert len(a.received) == got and all(a.level(f"m_host_rx{vc}_tvalid") for vc in VCS)
    for vc in (2, 0, 1):
        before = len(a.received)
        desk.reader(vc, True)
        await desk.quiet()
        assert [(p.vc, p.data) for p in a.received[before:]] == [(vc, d) for d in sent[vc]]
    for peer in peers:
        assert (await peer.rx_next())["room"], "room again"


@scenario
async def overlaps(bench):
    desk = Desk(bench)
    parts = (
        timer_meets_look_up,
        two_look_ups,
        new_link_meets_purge,
        kept_across_the_wrap,
        walk_meets_acknowledged,
        readers_stop,
    )
    for part in parts:
        await part(desk)
    await desk.claim("overlaps")
    bench.report(f"{len(parts)} encounters")
