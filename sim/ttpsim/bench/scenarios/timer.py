"""The round of the link timer, and when a link that hears nothing is looked at again (claim S12).

The records of the trace port say when the timer visits which link. Then the wire is cut behind a
payload: it must be sent again between one and two rounds after it was sent first.
"""

from ttpverif.bench.bench import PerfectChannel, scenario
from ttpverif.check.trace import EVENTS
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Opcode

DATA = 2
TIMER = EVENTS.index("TIMER")


class Cut(PerfectChannel):
    """A wire on which nothing arrives once it is cut."""

    cut = False

    def push(self, frame, now_cycle):
        if not self.cut:
            super().push(frame, now_cycle)


@scenario
async def timer(bench):
    a, b = bench.a, bench.b
    wires = Cut(), Cut()
    bench.connect(*wires)
    links, tick = bench.config["links"], bench.params["tick"]
    for node in bench.nodes:
        node.configure(timer_tick=tick)
    a.trace_on = True
    expected = links * tick

    def rounds():
        """Clocks from each visit of the first link to the next."""
        first = next((r["lid"] for r in a.trace if r["event"] == TIMER), None)
        cycles = [r["cycle"] for r in a.trace if r["event"] == TIMER and r["lid"] == first]
        return [late - early for early, late in zip(cycles, cycles[1:])]

    await bench.cycles(3 * expected + 100)
    found = rounds()
    assert len(found) >= 2, found
    a.trace_on = False

    a.open(b.address, DATA)
    await bench.until(lambda: a.notices and b.notices, 4_000, "the link")
    await bench.cycles(expected)
    for wire in wires:
        wire.cut = True
    a.send(b.address, DATA, bytes(64))

    def copies():
        return [
            frame.first_cycle for frame in a.frames_out if opcode_of(frame.data) == Opcode.PAYLOAD
        ]

    await bench.until(lambda: len(copies()) == 2, 3 * expected + 4_000, "the replay")
    first, again = copies()
    bench.record(
        "timer",
        {
            "rounds": found,
            "expected": expected,
            "tick": tick,
            "timeout_rounds": (again - first) / expected,
        },
    )
    bench.report(f"{links} links: {found[0]} clocks a round")
