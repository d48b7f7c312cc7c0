"""Openings and closes that meet each other, and closes that meet data (protocol section 2).

`pair`: two engines, both hosts at once, over slow and over bad wires; everything that was handed
over before a close arrives. `scripted`: one engine and a peer that says exactly what the race needs.
"""

from ttpverif.bench.bench import PerfectChannel, scenario
from ttpverif.bench.directed import Desk
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Opcode
from ttpverif.frames.network import Channel

RUNS = [
    {
        "sim": "verilator",
        "preset": "tiny",
        "name": "pair",
        "params": {"rounds": 40},
        "short": {"rounds": 15},
    },
    {"sim": "verilator", "preset": "tiny", "name": "scripted", "params": {"scripted": True}},
]

DATA = 2
(LINK_UP, LINK_DOWN, REFUSED, PEER_RESTARTED, RETRIES_USED_UP, PAYLOAD_REFUSED, IDS_REUSED) = range(
    7
)


def opcodes(node, since=0):
    return [opcode_of(frame.data) for frame in node.frames_out[since:]]


def notices(node, since=0):
    """What the host was told, but of OPENs that came late (L19): a bad wire has such."""
    return [n.notice for n in node.notices[since:] if n.notice != IDS_REUSED]


# ---- two engines -------------------------------------------------------------------------------


async def crossing(bench):
    """OPENs that cross, then CLOSEs that cross, on a wire longer than both."""
    a, b = bench.a, bench.b
    bench.connect(PerfectChannel(150), PerfectChannel(150))
    for node, peer in ((a, b), (b, a)):
        node.open(peer.address, DATA)
    await bench.until(lambda: all(notices(n) == [LINK_UP] for n in bench.nodes), 2_000, "both up")
    assert all(opcodes(n) == [Opcode.OPEN, Opcode.OPEN_ACK] for n in bench.nodes)
    for node, peer in ((a, b), (b, a)):
        node.send(peer.address, DATA, b"each way")
    await bench.until(lambda: a.received and b.received, 2_000, "data each way")
    await bench.cycles(600)
    since = [len(n.frames_out) for n in bench.nodes]
    for node, peer in ((a, b), (b, a)):
        node.close(peer.address, DATA)
    await bench.until(
        lambda: all(notices(n) == [LINK_UP, LINK_DOWN] for n in bench.nodes), 2_000, "both down"
    )
    await bench.cycles(600)
    assert [opcodes(n, s) for n, s in zip(bench.nodes, since)] == [
        [Opcode.CLOSE, Opcode.CLOSE_ACK]
    ] * 2


async def storm(bench, turn):
    """Both hosts write, then one or both close at once, whatever is still under way."""
    rng = bench.rng(f"storm {turn}")
    goals, known = {}, {n: len(n.notices) for n in bench.nodes}
    for node, peer in ((bench.a, bench.b), (bench.b, bench.a)):
        count = rng.choice((0, 1, 4, 9)) if turn else 3
        goals[peer] = len(peer.received) + count
        for _ in range(count):
            node.send(peer.address, DATA, rng.randbytes(rng.randint(1, 60)))
    closers = rng.choice(([bench.a], [bench.b], [bench.a, bench.b]))

    # The close must not overtake the host's own packets; then it may come at any time.
    def all_taken():
        return all(not n.sources[f"s_host_tx{DATA}"].busy for n in bench.nodes)

    await bench.until(all_taken, 200_000, "the hosts have written")
    await bench.cycles(20 + rng.choice((0, 0, rng.randint(0, 300))))
    if not all(n.notices[known[n] :] for n in bench.nodes):
        await bench.until(
            lambda: (
                all(LINK_UP in notices(n, known[n]) for n in bench.nodes)
                or not any(goals[n] - len(n.received) for n in bench.nodes)
            ),
            200_000,
            "the link",
        )
    if not any(notices(n, known[n]) for n in bench.nodes):
        return 0  # nobody wrote
    for node in closers:
        node.close((bench.b if node is bench.a else bench.a).address, DATA)
    await bench.until(
        lambda: all(LINK_DOWN in notices(n, known[n]) for n in bench.nodes),
        400_000,
        f"turn {turn}: closed on both sides",
    )
    assert all(notices(n, known[n]) == [LINK_UP, LINK_DOWN] for n in bench.nodes)
    await bench.until(
        lambda: all(len(n.received) == goals[n] for n in bench.nodes),
        5_000,
        f"turn {turn}: all that was handed over before the close",
    )
    assert all(n.level("free_slots") == bench.config["slots"] for n in bench.nodes)
    await bench.cycles(1_500)
    return 1


async def pair(bench):
    for node in bench.nodes:
        node.configure(timer_tick=8, max_retry=0)
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    for node in bench.nodes:
        node.configure(timer_tick=400)
    await crossing(bench)
    for node in bench.nodes:
        node.configure(timer_tick=8)
    bench.connect(
        *(
            Channel(
                bench.rng(way).getrandbits(32),
                loss=0.15,
                duplicate=0.05,
                reorder=0.05,
                delay_cycles=(10, 60),
                reorder_cycles=200,
            )
            for way in ("there", "back")
        )
    )
    closed = 0
    for turn in range(bench.params["rounds"]):
        closed += await storm(bench, turn)
    await bench.cycles(3_000)
    deliveries.finish()
    for feed in followed:
        feed.finish()
    nacks = sum(opcodes(n).count(Opcode.CLOSE_NACK) for n in bench.nodes)
    assert nacks, "no close met data"
    bench.report(f"{closed} closes on bad wires, {nacks} CLOSE_NACKs")


# ---- one engine --------------------------------------------------------------------------------


async def ours_outstanding(desk):
    """CLOSE with our data unacknowledged: NACKed; when all is acknowledged, CLOSE again."""
    peer = await desk.link("OPEN", sent=3)
    first = await peer.close()
    assert first["frame_tx_id"] == peer.link.end, "all that was handed over is declared"
    await peer.rx("CLOSE_NACK", tx=peer.link.received)
    await peer.rx("ACK", rx=peer.link.end - 2)
    await desk.quiet()
    since = len(desk.a.frames_out)
    await peer.rx("ACK", rx=peer.link.end - 1)
    await desk.quiet()
    assert opcodes(desk.a, since) == [Opcode.CLOSE], "on the event that completes it"
    # The CLOSE_ACK is lost: the timer sends CLOSE again, and takes a CLOSE_ACK of either epoch.
    await peer.timer(2)
    await desk.quiet()
    assert opcodes(desk.a, since) == [Opcode.CLOSE, Opcode.CLOSE]
    await peer.rx("CLOSE_ACK", epoch=peer.link.epoch)
    assert peer.state == "CLOSED"


async def theirs_outstanding(desk):
    """The peer's CLOSE overtakes its own data: NACKed until the last of it is here."""
    peer = await desk.link("OPEN")
    r = peer.link.received
    record = await peer.rx("CLOSE", tx=r + 4)
    assert (record["frame_opcode"], record["frame_rx_id"]) == (Opcode.CLOSE_NACK, r)
    assert peer.state == "CLOSE_RECD"
    record = await peer.send()
    assert record["result"] == 1, "the host's payload after the close is refused"
    assert (record["noticed"], record["notice"]) == (1, PAYLOAD_REFUSED)
    assert (await peer.open())["noticed"]
    await peer.rx_next(2)
    assert (await peer.rx("CLOSE", tx=r + 4))["frame_opcode"] == Opcode.CLOSE_NACK
    await peer.rx_next()
    record = await peer.rx("CLOSE", tx=r + 4)
    assert record["frame_opcode"] == Opcode.CLOSE_ACK and peer.state == "CLOSED"
    assert (await peer.rx("CLOSE", tx=r + 4))["frame_opcode"] == Opcode.CLOSE_ACK, (
        "its ACK was lost"
    )
    # In CLOSE_RECD a host's close has nothing to add; our own data goes on and is replayed.
    peer = await desk.link("OPEN", sent=2)
    await peer.rx("CLOSE", tx=peer.link.received + 1)
    await peer.close()
    await desk.quiet()
    since = len(desk.a.frames_out)
    await peer.timer(2)
    await desk.quiet()
    assert opcodes(desk.a, since) == [Opcode.PAYLOAD] * 2
    await peer.rx("ACK", rx=peer.link.end - 1)
    await peer.timer(2)
    await desk.quiet()
    assert opcodes(desk.a, since) == [Opcode.PAYLOAD, Opcode.PAYLOAD, Opcode.CLOSE_NACK], (
        "so that it closes again"
    )
    await peer.rx("CLOSE", tx=peer.link.received + 1)
    assert peer.state == "CLOSED"


async def both_outstanding(desk):
    """CLOSEs cross with data missing on both sides: each NACKs, then either ends it."""
    for last_word in ("CLOSE", "CLOSE_ACK"):
        peer = await desk.link("CLOSE_SENT", sent=2)
        r, end = peer.link.received, peer.link.end
        record = await peer.rx("CLOSE", tx=r + 3, rx=end - 2)
        assert (record["frame_opcode"], record["frame_tx_id"], record["frame_rx_id"]) == (
            Opcode.CLOSE_NACK,
            end - 1,
            r,
        )
        assert peer.state == "CLOSE_SENT" and peer.link.stored == 1, "its RxID acknowledges"
        await peer.rx("CLOSE_NACK", tx=r + 2)
        await peer.rx("ACK", rx=end - 1)
        await desk.quiet()
        since = len(desk.a.frames_out)
        await peer.timer(3)
        await desk.quiet()
        assert opcodes(desk.a, since) == [], "its end is ahead: no CLOSE until it is reached"
        await peer.rx_next(2)
        await desk.quiet()
        assert opcodes(desk.a, since).count(Opcode.CLOSE) == 1
        await peer.rx(last_word, tx=r + 3, rx=end - 1)
        assert peer.state == "CLOSED"


async def undeclared(desk):
    """What Tesla's CLOSE says is left over from another event: all that was received is its end."""
    for left_over in ((0, 0), (0x6A, 3), (9, 0xFFFFFFFF)):
        numbers = dict(zip(("tx", "rx"), left_over))
        peer = await desk.link("OPEN", epoch=0)
        await peer.rx_next(3)
        assert (await peer.rx("CLOSE", **numbers))["frame_opcode"] == Opcode.CLOSE_ACK
        assert peer.state == "CLOSED"
        peer = await desk.link("OPEN", epoch=0, sent=2)
        numbers["rx"] = peer.link.fresh - 1
        assert (await peer.rx("CLOSE", **numbers))["frame_opcode"] == Opcode.CLOSE_NACK
        assert peer.state == "CLOSE_RECD" and peer.link.stored == 2, "its RxID is no ACK"
        assert (await peer.rx_next())["frame_opcode"] == Opcode.ACK, (
            "no end is known: nothing is beyond it"
        )
        await peer.rx("ACK", rx=peer.link.oldest)
        # It does not close again, so the last ACK is answered with CLOSE_ACK (Z3).
        r, known = peer.link.received, len(desk.a.notices)
        record = await peer.rx("ACK", rx=peer.link.oldest)
        assert (record["frame_opcode"], record["frame_rx_id"]) == (Opcode.CLOSE_ACK, r)
        assert peer.state == "CLOSE_RECD"
        await desk.quiet()
        since = len(desk.a.frames_out)
        await peer.timer(4)  # it may be lost; the first visit only marks
        await desk.quiet()
        assert peer.state == "CLOSED" and opcodes(desk.a, since) == [Opcode.CLOSE_ACK] * 3
        assert notices(desk.a, known) == [LINK_DOWN]
        assert (await peer.rx("CLOSE", **numbers))["frame_opcode"] == Opcode.CLOSE_ACK


async def waits(desk):
    """Tesla's CLOSE_ACK promises nothing: our CLOSE goes out when all is acknowledged (Z2)."""
    peer = await desk.link("OPEN", epoch=0, sent=2)
    await desk.quiet()
    since = len(desk.a.frames_out)
    assert not (await peer.close())["frame"] and peer.state == "CLOSE_SENT"
    await peer.rx("CLOSE_ACK", rx=1)  # of an earlier close
    await peer.timer(2)
    await peer.rx("ACK", rx=peer.link.oldest)
    await desk.quiet()
    assert peer.state == "CLOSE_SENT" and opcodes(desk.a, since) == [Opcode.PAYLOAD] * 2
    await peer.rx("ACK", rx=peer.link.oldest)
    await desk.quiet()
    assert opcodes(desk.a, since) == [Opcode.PAYLOAD, Opcode.PAYLOAD, Opcode.CLOSE]
    await peer.rx("CLOSE_ACK", rx=1)
    assert peer.state == "CLOSED"


async def opening(desk):
    """Closes that come while a link opens."""
    a = desk.a
    peer = await desk.link("OPEN_SENT")
    await peer.send(2)
    known = len(a.notices)
    await peer.close()
    await desk.quiet()
    assert peer.state == "CLOSED" and notices(a, known) == [REFUSED]
    assert a.level("free_slots") == desk.bench.config["slots"]
    # Remembered in OPEN_RECD: what waits is refused from then on, the CLOSE goes out when OPEN.
    peer = await desk.link("OPEN_RECD")
    await peer.close()
    assert (await peer.send())["result"] == 1
    known, since = len(a.notices), len(a.frames_out)
    await peer.rx("CLOSE", tx=peer.link.received + 1)  # changes nothing
    assert peer.state == "OPEN_RECD"
    desk.mac(True)
    await desk.quiet()
    assert notices(a, known) == [LINK_UP] and peer.state == "CLOSE_SENT"
    assert opcodes(a, since).count(Opcode.CLOSE) == 1
    # A close of a link that is not there says nothing to anybody.
    known, since = len(a.notices), len(a.frames_out)
    await desk.partner().close()
    await desk.quiet()
    assert notices(a, known) == [] and opcodes(a, since) == []


async def idle(desk):
    """An open link without traffic is closed after `idle_limit` rounds; one with data is not."""
    await desk.fresh(idle_limit=3, max_retry=0)
    peer = await desk.link("OPEN")
    await peer.timer(4)
    assert peer.state == "OPEN"
    await peer.rx_next()  # a sign of life: from the start
    await peer.timer(4)
    assert peer.state == "OPEN"
    await peer.timer()
    assert peer.state == "CLOSE_SENT"
    busy = await desk.link("OPEN", sent=1)
    await busy.timer(8)
    assert busy.state == "OPEN"


async def given_up(desk):
    """Retries used up, in every state: so many repetitions, then everything is freed."""
    cases = {
        "OPEN_SENT": Opcode.OPEN,
        "OPEN_RECD": Opcode.OPEN_ACK,
        "OPEN": Opcode.PAYLOAD,
        "CLOSE_SENT": Opcode.CLOSE,
        "CLOSE_RECD": Opcode.CLOSE_NACK,
    }
    for state, opcode in cases.items():
        await desk.fresh(max_retry=3)
        peer = await desk.link(state, sent=1 if state == "OPEN" else 0)
        await peer.timer(4)  # the first visit only marks
        assert peer.state == state
        known, _since = len(desk.a.notices), 0
        await peer.timer()
        assert peer.state == "CLOSED"
        desk.mac(True)
        await desk.quiet()
        assert notices(desk.a, known) == [RETRIES_USED_UP], state
        sent = [f for f in desk.a.frames_out[desk.first :] if opcode_of(f.data) == opcode]
        assert len(sent) == 1 + 3 and len({f.data for f in sent}) == 1, (state, len(sent))
        assert desk.a.level("free_slots") == desk.bench.config["slots"]
        # Data that is outstanding while the link closes is replayed instead, and then given up.
        if state in ("CLOSE_SENT", "CLOSE_RECD"):
            await desk.fresh(max_retry=3)
            peer = await desk.link(state, sent=2)
            for _ in range(5):
                await peer.timer()
                await desk.quiet()  # both are on the wire before the next time-out
            assert peer.state == "CLOSED"
            data = [
                f.data
                for f in desk.a.frames_out[desk.first :]
                if opcode_of(f.data) == Opcode.PAYLOAD
            ]
            assert len(data) == 8 and len(set(data)) == 2


async def scripted(bench):
    desk = Desk(bench)
    for case in (
        ours_outstanding,
        theirs_outstanding,
        both_outstanding,
        undeclared,
        waits,
        opening,
        idle,
        given_up,
    ):
        await desk.fresh()
        try:
            await case(desk)
            await desk.done()
        except Exception as error:
            raise AssertionError(f"{case.__name__}: {error}") from error
    await desk.claim("close_races.scripted")


@scenario
async def close_races(bench):
    await (scripted if bench.params.get("scripted") else pair)(bench)
