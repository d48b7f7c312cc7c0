"""Two neighbouring packets of a stream are lost: the run that docs/start/walk-through.md explains.

The pictures there are made from its waveform (`ttpoe pages pictures`), and its order of events is
what the text says; both are checked.
"""

from ttpverif.bench.bench import PerfectChannel, scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.check.trace import ACTIONS, EVENTS
from ttpverif.frames.fields import opcode_of, tx_id_of
from ttpverif.frames.frame import Opcode

RUNS = [{"sim": "icarus", "preset": "tiny"}, {"sim": "verilator", "preset": "tiny"}]

DATA = 2
PACKETS, BYTES = 8, 100
LOST = (4, 5)  # IDs; the first packet has 2
DELAY_CYCLES = 40
_KEPT = ("DELIVER", "KEEP", "KEEP_NACK", "DELIVER_LOOK", "DELIVER_KEPT", "LOOKED")
_SENT_AGAIN = ("NACK_RANGE", "START_WALK", "RESEND", "REPLAY")


class _Wire(PerfectChannel):
    """Loses the first copy of each packet in `LOST`."""

    def __init__(self):
        super().__init__(DELAY_CYCLES)
        self.left = list(LOST)

    def push(self, frame, now_cycle):
        tx_id = tx_id_of(frame)
        if opcode_of(frame) == Opcode.PAYLOAD and tx_id in self.left:
            self.left.remove(tx_id)
        else:
            super().push(frame, now_cycle)


def _story(node, *actions):
    """(event, action) in order, of those actions."""
    return [
        (EVENTS[record["event"]], ACTIONS[record["action"]])
        for record in node.trace
        if ACTIONS[record["action"]] in actions
    ]


@scenario
async def walk_through(bench):
    a, b = bench.a, bench.b
    bench.connect(_Wire(), PerfectChannel(DELAY_CYCLES))
    for node in bench.nodes:
        node.configure(
            timer_tick=200, max_retry=0, fixed_open_id=1, init_id=1, link_slots=0, congestion=0
        )
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    sent = [bytes([number]) * BYTES for number in range(PACKETS)]
    for data in sent:
        a.send(b.address, DATA, data)
    await bench.until(lambda: len(b.received) == PACKETS, 2_000, "every packet")
    await bench.until(
        lambda: a.level("free_slots") == bench.config["slots"], 2_000, "every slot free", poll=True
    )
    await bench.cycles(20)
    deliveries.finish()
    for feed in followed:
        feed.finish()
    assert [p.data for p in b.received] == sent

    # 2 and 3 arrive; 6 is kept and 4 to 5 are NACKed; 7, 8 and 9 are kept.
    assert _story(b, *_KEPT) == [
        *[("RX_PAYLOAD", "DELIVER")] * 2,
        ("RX_PAYLOAD", "KEEP_NACK"),
        *[("RX_PAYLOAD", "KEEP")] * 3,
        # 4 comes again, and nothing follows it; 5 comes, and the four kept ones follow.
        ("RX_PAYLOAD", "DELIVER_LOOK"),
        ("LOOK", "LOOKED"),
        ("RX_PAYLOAD", "DELIVER_LOOK"),
        *[("LOOK", "DELIVER_KEPT")] * 4,
        ("LOOK", "LOOKED"),
    ]
    # The NACK sends 4 itself; 5 is looked for along the list of the link's slots.
    assert _story(a, *_SENT_AGAIN) == [
        ("RX_NACK", "NACK_RANGE"),
        ("SEEK", "START_WALK"),
        ("REPLAY", "RESEND"),
    ]
    assert a.counts()["payload_replayed"] == len(LOST)
    bench.report("NACK(4..5), two replays")
