"""Opening and closing: clocks from a CLOSE_ACK until the tag is used again, and to open a link."""

from ttpverif.bench.bench import PerfectChannel, scenario
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Opcode

DATA = 2
OPEN, CLOSE = 0, 1
RX_CLOSE_ACK, HOST_OPEN = 4, 12
OPEN_SENT = 1
LINK_UP = 0
DELAY = 40


async def closing(bench):
    """Open a link, use it, ask to close it; the number of frames that came in before."""
    a, b = bench.a, bench.b
    await bench.reset()
    for noted in (a.notices, b.notices, a.trace, a.requests):
        noted.clear()
    a.open(b.address, DATA)
    await bench.until(lambda: a.notices and b.notices, 2_000, "the link")
    for _ in range(3):
        a.send(b.address, DATA, bytes(100))
    got = len(b.received)
    await bench.until(lambda: len(b.received) == got + 3, 4_000, "payloads")
    await bench.cycles(300)
    ins = len(a.frames_in)
    a.close(b.address, DATA)
    return ins


async def closed_after(bench):
    """Clocks from the request to close to the CLOSE_ACK's last beat: the same in every try."""
    a = bench.a
    ins = await closing(bench)
    await bench.until(lambda: len(a.notices) > 1, 4_000, "the end")
    answer = a.frames_in[ins]
    assert opcode_of(answer.data) == Opcode.CLOSE_ACK, opcode_of(answer.data)
    await bench.cycles(50)
    slots = bench.a.level("free_slots")
    assert slots == bench.config["slots"], slots
    return answer.last_cycle - a.requests[-1].cycle


async def reopened(bench, offset):
    """Close, and ask to open again `offset` clocks after the request to close was taken."""
    a, b = bench.a, bench.b
    ins = await closing(bench)
    await bench.until(lambda: len(a.requests) == 2, 1_000, "the request to close")
    wait = offset - 2  # a request put now is taken two clocks later
    await bench.cycles(wait)
    a.open(b.address, DATA)
    await bench.until(lambda: len(a.notices) > 2, 4_000, "the answer")
    closed = next(r for r in a.trace if r["event"] == RX_CLOSE_ACK)
    again = [r for r in a.trace if r["event"] == HOST_OPEN][-1]
    return {
        "taken": again["new_state"] == OPEN_SENT,
        "ports": a.requests[-1].cycle - a.frames_in[ins].last_cycle,
        "pipeline": again["cycle"] - closed["cycle"],
    }


@scenario
async def opening(bench):
    a, b = bench.a, bench.b
    bench.connect(PerfectChannel(DELAY), PerfectChannel(DELAY))
    a.trace_on = True
    for node in bench.nodes:
        node.configure(timer_tick=1_000)
    to_answer = await closed_after(bench)
    tries = [await reopened(bench, to_answer + offset) for offset in range(-6, 30)]
    taken = [entry for entry in tries if entry["taken"]]
    late = [entry for entry in tries if not entry["taken"]]
    assert taken and late, tries
    recycle = min(entry["pipeline"] for entry in taken)
    assert all(entry["pipeline"] < recycle for entry in late), tries
    # Opening: from the request to the notice, less what the two wires took.
    await bench.reset()
    for noted in (a.notices, b.notices, a.requests):
        noted.clear()
    ins, outs = len(a.frames_in), len(a.frames_out)
    answers, heard = len(b.frames_out), len(b.frames_in)
    a.open(b.address, DATA)
    await bench.until(lambda: a.notices, 4_000, "the link")
    # As for a payload: from the request's first beat on the wire to the answer's last beat.
    round_trip = a.frames_in[ins].last_cycle - a.frames_out[outs].first_cycle
    wires = (
        b.frames_in[heard].last_cycle
        - a.frames_out[outs].first_cycle
        + a.frames_in[ins].last_cycle
        - b.frames_out[answers].first_cycle
    )
    total = a.notices[0].cycle - a.requests[0].cycle
    bench.record(
        "opening",
        {
            "recycle_clocks": recycle,
            "recycle_from_wire_clocks": min(e["ports"] for e in taken),
            "open_clocks": total,
            "open_beyond_round_trip_clocks": total - round_trip,
            "open_beyond_wires_clocks": total - wires,
            "open_on_wires_clocks": wires,
        },
    )
