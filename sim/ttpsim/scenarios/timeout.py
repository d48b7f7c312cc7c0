"""The peer goes silent and comes back; a packet is lost while it sends; then it is silent for good."""

from ttpverif.bench.bench import PerfectChannel, scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Opcode

RUNS = [{"sim": "verilator", "preset": "tiny"}, {"sim": "verilator", "preset": "default"}]

DATA = 2
RETRIES_USED_UP, LINK_DOWN = 4, 1
MAX_RETRY = 5


class Switch(PerfectChannel):
    """A wire that can be cut, or lose the next PAYLOAD; what is on its way still arrives."""

    def __init__(self):
        super().__init__(delay_cycles=10)
        self.cut = self.loses_payload = False

    def push(self, frame, now_cycle):
        if self.loses_payload and opcode_of(frame) == Opcode.PAYLOAD:
            self.loses_payload = False
        elif not self.cut:
            super().push(frame, now_cycle)


@scenario
async def timeout(bench):
    a, b = bench.a, bench.b
    wires = Switch(), Switch()
    bench.connect(*wires)
    config = bench.config
    tick = 8
    for node in bench.nodes:
        node.configure(timer_tick=tick, max_retry=MAX_RETRY, congestion=0)
    round_cycles = tick * config["links"]
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    for node in bench.nodes:

        def listen(kind, record, node=node):
            if kind == "notice" and record.notice == RETRIES_USED_UP:
                deliveries.link_lost(node.address, record.node, record.vc)

        node.listeners.append(listen)

    # 1. Silence for less than MAX_RETRY rounds: replays, and nothing is lost.
    for number in range(5):
        a.send(b.address, DATA, bytes([number]) * 40)
    await bench.until(lambda: len(b.received) == 5, 5_000, "the first packets")
    for wire in wires:
        wire.cut = True
    for number in range(5, 10):
        a.send(b.address, DATA, bytes([number]) * 40)
    await bench.cycles(3 * round_cycles)
    for wire in wires:
        wire.cut = False
    await bench.until(lambda: len(b.received) == 10, 4 * round_cycles, "the peer is back")
    await bench.until(
        lambda: a.level("free_slots") == config["slots"],
        2 * round_cycles,
        "all acknowledged",
        poll=True,
    )
    replays = a.counts()["timer_replayed"]
    assert 1 <= replays <= 4 and a.counts()["link_retries_used_up"] == 0
    await bench.cycles(2 * round_cycles)

    # 2. A packet is lost, none is behind it, and the peer sends all the time (decision L1).
    wires[0].loses_payload = True
    a.send(b.address, DATA, b"lost once")
    for _ in range(20):
        b.send(a.address, DATA, b"meanwhile")
        await bench.cycles(round_cycles // 4)
    assert len(b.received) == 11, "not sent again within five rounds in which the peer was sending"
    await bench.until(lambda: len(a.received) == 20, 2 * round_cycles, "the peer's packets")
    await bench.cycles(2 * round_cycles)

    # 3. Silence for good, data under way: MAX_RETRY replays, then the host is told.
    for wire in wires:
        wire.cut = True
    a.send(b.address, DATA, b"never delivered")
    start, known = bench.cycle, len(a.notices)
    before = len(a.frames_out)
    await bench.until(
        lambda: len(a.notices) > known, (MAX_RETRY + 4) * round_cycles, "the host is told"
    )
    took = a.notices[-1].cycle - start
    assert (a.notices[-1].notice, a.notices[-1].node) == (RETRIES_USED_UP, b.address)
    copies = [
        frame.data for frame in a.frames_out[before:] if opcode_of(frame.data) == Opcode.PAYLOAD
    ]
    assert len(copies) == 1 + MAX_RETRY and len(set(copies)) == 1, "replays are byte for byte"
    # First time-out after one to two rounds, then one a round.
    assert (MAX_RETRY + 1) * round_cycles <= took <= (MAX_RETRY + 2) * round_cycles + 200, took
    await bench.cycles(20)
    assert a.level("free_slots") == config["slots"], "every slot is free at once"

    # 4. Silence when a link is opened: the OPEN is repeated, the waiting payload is freed.
    before, known = len(a.frames_out), len(a.notices)
    a.send(b.address, 0, b"for nobody")
    await bench.until(
        lambda: len(a.notices) > known, (MAX_RETRY + 4) * round_cycles, "the host is told"
    )
    assert a.notices[-1].notice == RETRIES_USED_UP
    opens = [frame.data for frame in a.frames_out[before:]]
    assert (
        len(opens) == 1 + MAX_RETRY and len(set(opens)) == 1 and opcode_of(opens[0]) == Opcode.OPEN
    )
    await bench.cycles(20)
    assert a.level("free_slots") == config["slots"]

    # 5. The tags are free: both links work again, whatever b still believes.
    for wire in wires:
        wire.cut = False
    for vc in (0, DATA):
        a.send(b.address, vc, b"back again")
    received = len(b.received)
    await bench.until(lambda: len(b.received) == received + 2, 4 * round_cycles, "new links")
    await bench.cycles(3 * round_cycles)
    for feed in followed:
        feed.finish()
    assert [p.data for p in b.received[:10]] == [bytes([n]) * 40 for n in range(10)]
    assert deliveries.delivered == 12 + 1 + 20
    bench.report(f"{took / round_cycles:.2f} rounds to give up")
