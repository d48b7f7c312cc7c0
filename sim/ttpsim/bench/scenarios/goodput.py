"""Goodput of one link with 1,024-byte payloads, at one point after another.

A point: round trip, selective or go-back-N, one way or both ways, replay slots, single losses far
apart (at random: `sim/ttpsim/bench/loss.py`). The round trip is that of a lone payload, first beat on the
sender's wire to the last beat of its ACK, engines and serialisation included; the wire's delay is
chosen so. The result is payloads delivered in order per clock between two moments at which the
sender has more to send, divided by what headers allow: one payload in the beats of its frame (and
of one ACK, if there are payloads the other way, too).
"""

from ttpsim.bench.common import tick_for
from ttpverif.bench.bench import scenario
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Opcode
from ttpverif.frames.network import Channel

SIZE, DATA = 1024, 2
FRAME_BYTES, ACK_BYTES = 60 + SIZE, 64


def beats(size, bench):
    return -(-size // (bench.config["width_bits"] // 8))


async def start(bench, delay_cycles, selective, tick, slots=0):
    """From reset, a link that is open."""
    a, b = bench.a, bench.b
    bench.connect(*(Channel(0, delay_cycles=delay_cycles) for _ in "ab"))
    for node in bench.nodes:
        node.configure(timer_tick=tick, max_retry=0, selective=selective, link_slots=slots)
    await bench.reset()
    for node in bench.nodes:
        for log in (node.sent, node.received, node.frames_out, node.frames_in, node.notices):
            log.clear()
    a.open(b.address, DATA)
    await bench.until(lambda: a.notices and b.notices, 10 * delay_cycles + 4_000, "the link")


async def lone_round_trip(bench):
    """Clocks from a payload's first beat to its ACK's last over wires without delay."""
    a, b = bench.a, bench.b
    await start(bench, 0, 1, 100)
    a.send(b.address, DATA, bytes(SIZE))
    outs, ins = len(a.frames_out), len(a.frames_in)
    await bench.until(lambda: len(a.frames_out) > outs and len(a.frames_in) > ins, 5_000, "ACK")
    return a.frames_in[ins].last_cycle - a.frames_out[outs].first_cycle


def lose_some(bench, point, warm, delay):
    """A wire that loses only every `spacing`th payload, `isolated` of them."""
    channel = Channel(0, delay_cycles=delay)
    for number in range(point["isolated"]):
        channel.script(
            lambda frame: opcode_of(frame) == Opcode.PAYLOAD,
            nth=warm + number * point["spacing"] + point["spacing"] // 4,
        )
    bench.connect(channel, Channel(0, delay_cycles=delay))


async def measure(bench, point, overhead):
    a, b = bench.a, bench.b
    rtt = round(point["rtt_us"] * bench.params["clock_mhz"])
    delay = max(0, (rtt - overhead) // 2)
    rtt = overhead + 2 * delay
    tick = point.get("tick") or tick_for(rtt, bench.config["links"])
    both = point.get("both", False)
    await start(bench, delay, point["selective"], tick, point.get("slots", 0))
    frame = beats(FRAME_BYTES, bench)
    window, slots = rtt / frame, point.get("slots") or bench.config["slots"]
    warm = point.get("warm", min(int(2 * window) + 20, point["payloads"]))
    if "isolated" in point:
        lose_some(bench, point, warm, delay)
    pool = [bench.rng(f"payload {number}").randbytes(SIZE) for number in range(7)]
    senders = [(a, b), (b, a)] if both else [(a, b)]
    # The last ones are still in the replay memory when the measurement ends.
    total = warm + point["payloads"] + slots
    before = a.counts()
    for node, peer in senders:
        for number in range(total):
            node.send(peer.address, DATA, pool[number % len(pool)])
    limit = int(4 * total * frame + 40 * tick * bench.config["links"] + 3 * total * rtt / slots)
    await bench.until(
        lambda: all(len(node.sent) >= total for node, _ in senders),
        limit,
        "the last payload handed over",
    )
    ends = {node.name: node.sent[-1].last_cycle for node, _ in senders}
    ideal = frame + (beats(ACK_BYTES, bench) if both else 0)
    results = []
    for node, peer in senders:
        times, end = [payload.last_cycle for payload in peer.received], min(ends.values())
        if "periods" in point:  # a full window each round trip: whole ones are counted
            end = times[warm + point["periods"] * slots]
        delivered = sum(times[warm] < time <= end for time in times)
        clocks = max(time for time in times if time <= end) - times[warm]
        results.append((delivered * ideal / clocks, clocks, delivered))
        for number, payload in enumerate(peer.received):
            assert payload.data == pool[number % len(pool)], f"payload {number} is another one"
    ratio, clocks, delivered = min(results)
    counts = a.counts()
    return {
        **point,
        "ratio": ratio,
        "rtt_cycles": rtt,
        "window_packets": window,
        "timer_tick": tick,
        "clocks": clocks,
        "delivered": delivered,
        "lost_clocks": (clocks - delivered * ideal) / point.get("isolated", 1),
        "ideal_clocks": ideal,
        "replayed": counts["payload_replayed"] - before["payload_replayed"],
    }


@scenario
async def goodput(bench):
    overhead = await lone_round_trip(bench)
    results = []
    for point in bench.params["points"]:
        results.append(await measure(bench, point, overhead))
        bench.record("points", results)
    bench.record("lone_round_trip_clocks", overhead)
