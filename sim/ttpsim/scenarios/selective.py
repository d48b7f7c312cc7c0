"""Selective replay (protocol section 5.3; claims S9 and S10).

`flow`: one packet of a stream is lost; the wire while it is sent again. `faults`: bursts, several
gaps at once, lost replays, lost NACKs, a full reorder memory, a go-back-N peer, and wires that do
all of it at random. `clocks`: from the NACK to the replay, whatever is in flight. `scripted`: each
rule by itself.
"""

from itertools import pairwise

from ttpsim.scenarios._selective_rules import nacks, payload_frames, scripted
from ttpverif.bench.bench import PerfectChannel, scenario
from ttpverif.bench.directed import Desk
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.fields import opcode_of, rx_id_of, tx_id_of
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.network import Channel

RUNS = (
    [
        {"sim": "verilator", "preset": preset, "name": "flow", "params": {"part": "flow"}}
        for preset in ("default", "full")
    ]
    + [
        {
            "sim": "verilator",
            "preset": preset,
            "name": "faults",
            "params": {"part": "faults", "payloads": payloads},
            "short": {"payloads": 40},
        }
        for preset, payloads in (("tiny", 300), ("default", 300))
    ]
    + [
        {"sim": "verilator", "preset": preset, "name": "clocks", "params": {"part": "clocks"}}
        for preset in ("tiny", "default", "full")
    ]
    + [{"sim": "verilator", "preset": "tiny", "name": "scripted", "params": {"part": "scripted"}}]
)

HOP = 2  # clocks for each packet that a walk passes
DATA = 2


async def restart(bench, there=None, back=None, **configuration):
    """Both engines from reset, over the wires given; the first data ID is 2 on both sides."""
    bench.connect(there, back)
    for node in bench.nodes:
        node.configure(
            **{
                "timer_tick": 8,
                "max_retry": 0,
                "fixed_open_id": 1,
                "init_id": 1,
                "link_slots": 0,
                "selective": 1,
                "congestion": 0,  # the window is all slots
                **configuration,
            }
        )
    await bench.reset()
    return follow_lockstep(bench), [len(n.frames_out) for n in bench.nodes]


def finish(followed):
    for feed in followed:
        feed.finish()
        feed.node.listeners.remove(feed._listen)


async def transfer(bench, count, size, limit=400_000):
    """`count` payloads from a to b; returns when all are delivered and acknowledged."""
    a, b, rng = bench.a, bench.b, bench.rng("payloads")
    got = len(b.received)
    sent = [rng.randbytes(size() if callable(size) else size) for _ in range(count)]
    for data in sent:
        a.send(b.address, DATA, data)
    await bench.until(lambda: len(b.received) == got + count, limit, f"{count} payloads")
    await bench.until(
        lambda: a.level("free_slots") == bench.config["slots"], limit, "every slot free", poll=True
    )
    await bench.cycles(200)
    assert [p.data for p in b.received[got:]] == sent


# ---- the stream goes on ------------------------------------------------------------------------


async def flow(bench):
    """The wire is as busy while a lost packet is sent again as before and after (claim S9)."""
    a = bench.a
    delay = 400
    count, lost = (60, 22) if bench.config["width_bits"] == 64 else (300, 100)
    there = PerfectChannelWithLoss(delay, {lost + 2})
    followed, (since, _) = await restart(bench, there, PerfectChannel(delay), timer_tick=1_000)
    await transfer(bench, count, 1024)
    frames = payload_frames(a, since)
    ids = [tx_id_of(f.data) for f in frames]
    assert len(ids) == count + 1 and ids.count(lost + 2) == 2, "not exactly one replay"
    again = len(ids) - 1 - ids[::-1].index(lost + 2)
    assert again - ids.index(lost + 2) > 3, "nothing was sent meanwhile"
    assert ids[again - 1] + 1 == ids[again + 1], "the stream did not go on where it was"

    def pauses(frames):
        return [after.first_cycle - before.last_cycle - 1 for before, after in pairwise(frames)]

    before = pauses(frames[4 : ids.index(lost + 2)])
    during = pauses(frames[ids.index(lost + 2) : again + 2])
    after = pauses(frames[again + 1 : -4])
    assert max(during) <= max(before) and max(after) <= max(before), (before, during, after)
    beats = -(-1084 // (bench.config["width_bits"] // 8))
    busy = [
        f"{100 * beats * len(part) / (beats * len(part) + sum(part)):.1f}"
        for part in (before, during, after)
    ]
    finish(followed)
    bench.record("flow", {"busy_percent": busy, "replays": 1})
    bench.report(f"wire {busy[0]} / {busy[1]} / {busy[2]} % busy before / during / after")


class PerfectChannelWithLoss(PerfectChannel):
    """Loses the first PAYLOAD of each ID in `lost`; `again`: the replay of these, too."""

    def __init__(self, delay_cycles, lost, again=()):
        super().__init__(delay_cycles)
        self.to_lose = sorted([*lost, *again])

    def push(self, frame, now_cycle):
        if opcode_of(frame) == Opcode.PAYLOAD and tx_id_of(frame) in self.to_lose:
            self.to_lose.remove(tx_id_of(frame))
            return
        super().push(frame, now_cycle)


class WireWithoutNacks(PerfectChannel):
    """Loses the first `count` NACKs."""

    def __init__(self, delay_cycles, count):
        super().__init__(delay_cycles)
        self.left = count

    def push(self, frame, now_cycle):
        if opcode_of(frame) == Opcode.NACK and self.left:
            self.left -= 1
            return
        super().push(frame, now_cycle)


# ---- what else may be lost ---------------------------------------------------------------------


async def gaps(bench):
    """A burst and several single losses at once: each gap NACKed by itself, once, as soon as it is
    seen; each packet sent again once."""
    lost = {5, 6, 7, 9, 11}
    followed, since = await restart(
        bench, PerfectChannelWithLoss(150, lost), PerfectChannel(150), timer_tick=2_000
    )
    await transfer(bench, 11, 30)
    assert nacks(bench.b, since[1]) == [(5, 7), (9, 9), (11, 11)]
    ids = [tx_id_of(f.data) for f in payload_frames(bench.a, since[0])]
    assert sorted(ids) == sorted([*range(2, 13), *lost]), ids
    acks = [
        rx_id_of(f.data) for f in bench.b.frames_out[since[1] :] if opcode_of(f.data) == Opcode.ACK
    ]
    assert 8 not in ids[ids.index(8) + 1 :] and acks[-1] == 12 and len(acks) < 11, acks
    finish(followed)


async def lost_replay(bench):
    """Replays of two gaps are lost as well: the timer asks for both, each by itself."""
    lost = {4, 6}
    followed, since = await restart(
        bench, PerfectChannelWithLoss(100, lost, lost), PerfectChannel(100), timer_tick=256
    )
    await transfer(bench, 8, 40)
    asked = nacks(bench.b, since[1])
    assert asked[:2] == [(4, 4), (6, 6)] and asked.count((4, 4)) > 1 and asked.count((6, 6)) > 1
    finish(followed)


async def lost_nacks(bench):
    """The first NACKs are lost: the timer asks again."""
    followed, since = await restart(
        bench, PerfectChannelWithLoss(100, {4, 6}), WireWithoutNacks(100, 2), timer_tick=256
    )
    await transfer(bench, 8, 40)
    assert bench.b.counts()["nack_run"] >= 2
    finish(followed)


async def full_memory(bench):
    """More packets behind a gap than can be kept: the rest is asked for later."""
    kept, before = bench.config["reorder_slots"], bench.b.counts()
    count = min(3 * kept, bench.config["slots"] - 2)
    followed, since = await restart(
        bench, PerfectChannelWithLoss(2_000, {4}), PerfectChannel(2_000), timer_tick=512
    )
    await transfer(bench, count, 8)
    now = {name: value - before[name] for name, value in bench.b.counts().items()}
    if count > kept + 4:
        assert now["drop_unkept"] >= count - kept - 4, now
    assert 1 < now["kept"] + now["kept_nacked"] >= min(kept, count - 4)
    finish(followed)


async def go_back_n_peer(bench):
    """One side offers no extension byte: the link is go-back-N in both directions."""
    bench.connect(PerfectChannelWithLoss(100, {4}), PerfectChannel(100))
    for side, other in ((bench.a, bench.b), (bench.b, bench.a)):
        bench.connect(PerfectChannelWithLoss(100, {4}), PerfectChannel(100))
        for node in bench.nodes:
            node.configure(timer_tick=256, max_retry=0, fixed_open_id=1, init_id=1, link_slots=0)
        side.configure(selective=0)
        other.configure(selective=1)
        await bench.reset()
        followed, since = follow_lockstep(bench), [len(n.frames_out) for n in bench.nodes]
        await transfer(bench, 8, 40)
        assert nacks(bench.b, since[1])[0] == (4, 0)
        ids = [tx_id_of(f.data) for f in payload_frames(bench.a, since[0])]
        assert ids.count(5) == 2, "discarded behind the gap, so sent again"
        finish(followed)


async def bad_wires(bench, loss, sides=(1, 1)):
    a, b, rng, count = bench.a, bench.b, bench.rng(f"bad {loss} {sides}"), bench.params["payloads"]
    bench.connect(
        *(
            Channel(
                rng.getrandbits(32),
                loss=loss,
                duplicate=loss / 2,
                reorder=loss / 2,
                corrupt=loss / 2,
                delay_cycles=(50, 300),
                reorder_cycles=600,
            )
            for _ in range(2)
        )
    )
    for node, selective in zip(bench.nodes, sides):
        node.configure(
            timer_tick=16, max_retry=0, fixed_open_id=0, link_slots=0, selective=selective
        )
    await bench.reset()
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    goal = {n: len(n.received) + count for n in bench.nodes}
    for node, peer in ((a, b), (b, a)):
        for _ in range(count):
            node.send(peer.address, rng.choice((0, 1, 2, 2, 2)), rng.randbytes(rng.randint(1, 200)))
    await bench.until(
        lambda: all(len(n.received) == goal[n] for n in bench.nodes),
        20_000 * count,
        "all payloads each way",
    )
    await bench.until(
        lambda: all(n.level("free_slots") == bench.config["slots"] for n in bench.nodes),
        2_000_000,
        "every slot free",
        poll=True,
    )
    await bench.cycles(3_000)
    deliveries.finish()
    finish(followed)


async def faults(bench):
    for part in (gaps, lost_replay, lost_nacks, full_memory, go_back_n_peer):
        await part(bench)
    for loss in (0.02, 0.1, 0.25):
        await bad_wires(bench, loss)
    await bad_wires(bench, 0.1, (1, 0))
    counts = [node.counts() for node in bench.nodes]
    total = {name: sum(c[name] for c in counts) for name in counts[0]}
    assert total["delivered_kept"] and total["nack_run"] and total["kept_nacked"]
    bench.report(
        f"{total['kept'] + total['kept_nacked']} kept, {total['delivered_kept']} of them "
        f"delivered, {total['payload_replayed']} replays"
    )


# ---- clocks ------------------------------------------------------------------------------------


async def clocks(bench):
    """NACK of the oldest packet: the same number of clocks to its first beat, whatever is in
    flight (claim S10); of a later one, a hop per packet in front of it."""
    desk, a = Desk(bench), bench.a
    slots = bench.config["slots"]
    oldest, later = {}, {}
    for in_flight in sorted({1, 2, 3, 5, slots // 4, slots // 2, slots - 2}):
        for place in {0, in_flight // 2, in_flight - 1}:
            await desk.fresh()
            peer = await desk.link("OPEN", sent=in_flight, selective=True)
            assert peer.link.selective
            await desk.quiet()
            wanted = (peer.link.oldest + place) % 2**32
            if place:  # else the NACK would tell that the oldest has been overtaken (R12)
                await peer.rx("NACK", rx=peer.link.oldest, tx=peer.link.oldest)
                await desk.quiet()
            since = len(a.frames_out)
            await peer.rx("NACK", rx=wanted, tx=wanted)
            await bench.until(lambda: len(a.frames_out) > since, 2 * slots + 100, "the replay")
            await desk.quiet()
            replays = a.frames_out[since:]
            assert [tx_id_of(f.data) for f in replays] == [wanted]
            taken = replays[0].first_cycle - a.frames_in[-1].last_cycle
            (later if place else oldest)[in_flight, place] = taken
    assert len(set(oldest.values())) == 1, oldest
    beyond = {key: taken - HOP * key[1] for key, taken in later.items()}
    assert len(set(beyond.values())) == 1, later
    nack_to_wire, first = oldest.popitem()[1], beyond.popitem()[1]
    bench.record(
        "replay",
        {"nack_to_wire_clocks": nack_to_wire, "later_gap_clocks": first, "in_flight": slots - 2},
    )
    bench.report(
        f"oldest {nack_to_wire} clocks with 1 to {slots - 2} in flight, "
        f"later {first} + {HOP} a packet"
    )


@scenario
async def selective(bench):
    part = {"flow": flow, "faults": faults, "clocks": clocks, "scripted": scripted}
    await part[bench.params["part"]](bench)
    assert all(Frame.parse(f.data)[1] is None for n in bench.nodes for f in n.frames_out)
