"""The sources of Q0 and the queues behind Q3, around one `Arbitrate`."""

from functools import cache

from amaranth import Const

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.fsm import Event
from ttpoe.link.table import link_row
from ttpoe.pipeline.q0_arbitrate import Arbitrate
from ttpoe.pipeline.records import SILENT

__all__ = ["BOUND", "CONFIG", "FAST", "ORDER", "Bench", "run", "source_of"]

CONFIG = preset("tiny").replace(control_depth=16, payload_depth=8)
FAST = CONFIG.replace(width_bits=512)
ORDER = [
    "sent",
    "rx",
    "look",
    "replay",
    "visit1",
    "host1",
    "visit0",
    "host0",
    "visit2",
    "host2",
    "retire",
    "ask",
    "victim",
    "command",
    "timer",
]
BOUND = 4 * len(ORDER)

_SOURCES = {
    Event.SENT: "sent",
    Event.LOOK: "look",
    Event.PURGE: "look",
    Event.SEEK: "replay",
    Event.REPLAY: "replay",
    Event.WALKED: "replay",
    Event.RETIRE: "retire",
    Event.ASK: "ask",
    Event.VICTIM: "victim",
    Event.HOST_OPEN: "command",
    Event.HOST_CLOSE: "command",
    Event.TIMER: "timer",
}
_NUMBERS = {
    "rx": "tx_id",
    "look": "tx_id",
    "ask": "tx_id",
    "host": "node",
    "command": "node",
    "replay": "slot",
    "retire": "slot",
    "timer": "lid",
    "victim": "lid",
    "sent": "lid",
}
"""Where the number of an event lies that `Bench.number` gave it."""


def source_of(event):
    """Whose event it is. A VISIT tells by its link's number: those of `visit{vc}` are 2 * vc."""
    kind = Event(event.event)
    if kind == Event.VISIT:
        return f"visit{event.lid // 2}"
    if kind == Event.HOST_PAYLOAD:
        return f"host{event.vc}"
    return _SOURCES.get(kind, "rx")


def number_of(event):
    """See `Bench.number`."""
    field = _NUMBERS.get(source_of(event).rstrip("012"))
    return event[field] % 8 if field else 0


class Bench:
    """All sources, who ask without end if they are in `asks`, and the events that come out.

    What an event is promised comes back in the clock after it has gone on if `returns`: as if it
    left Q3 at once and sent nothing.
    """

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut
        self.asks, self.returns = set(), True
        self.unused = {"control": 0, "payload": 0}
        self.taken = []  # whose events were taken in the last clock
        self.held = {}  # {source whose event is in Q0: how many had gone on when it came}
        self.requests = set()  # whose could be chosen in the last clock
        self.events = []  # as they went on, (clock, entry)
        self.chosen = []  # of each: (source, whose could be chosen, how many went before it)
        self.clock_now = 0
        self.shown = None
        ctx.set(dut.i_enable, 1)
        ctx.set(dut.o_event.ready, 1)
        for vc in range(3):
            ctx.set(dut.i_visit[vc].payload, 2 * vc)

    def port(self, name):
        if name[-1].isdigit():
            return getattr(self.dut, f"i_{name[:-1]}")[int(name[-1])]
        return getattr(self.dut, f"i_{name}")

    def number(self, name, number):
        """Gives the next event of a source a number, modulo 8; visits have none."""
        if name.startswith("visit"):
            return 0
        payload = self.port(name).payload
        fields = {"rx": "tx_id", "look": "id", "ask": "id", "replay": "slot", "retire": "slot"}
        field = fields.get(name, "node")
        target = payload if name in ("sent", "victim", "timer") else payload[field]
        self.ctx.set(target, number % 8)
        return number % 8

    def node(self, row, vc):
        """A node whose link on `vc` lies in `row`."""
        rows = (self.ctx.get(link_row(CONFIG, Const(node, 24), Const(vc, 2))) for node in range(64))
        return list(rows).index(row)

    def aside(self, row=None):
        """An event of `row` waits aside, or none does."""
        self.ctx.set(self.dut.i_aside.valid, row is not None)
        self.ctx.set(self.dut.i_aside.payload, row or 0)

    async def clock(self, **back):
        """One clock; the source whose event goes on in it, or None. `back`: `i_...` of the queues;
        else what the last event was promised, if `returns`."""
        ctx, dut = self.ctx, self.dut
        for name in ("control_unused", "payload_unused", "control_left", "payload_left"):
            mine = self.unused.get(name.partition("_unused")[0], 0) if self.returns else 0
            ctx.set(getattr(dut, f"i_{name}"), back.get(name, mine))
        taken = []
        for name in ORDER:
            port = self.port(name)
            ctx.set(port.valid, name in self.asks)
            if name in self.asks and ctx.get(port.ready):
                taken.append(name)
        entry = ctx.get(dut.o_event.payload) if ctx.get(dut.o_event.valid) else None
        moves = ctx.get(dut.o_event.ready)
        assert self.shown is None or entry == self.shown, "what was offered did not stay"
        self.shown = None if moves else entry
        who = source_of(entry.event) if entry is not None and moves else None
        if who:
            self.events.append((self.clock_now, entry))
            since = self.held.pop(who, len(self.events))
            self.chosen.append((who, self.requests, len(self.events) - 1 - since))
        silent = who is None or Event(entry.event.event) in SILENT
        self.unused = {"control": not silent, "payload": entry.event.may_send if who else 0}
        self.requests = set(self.held)
        await ctx.tick()
        self.clock_now += 1
        for name in taken:
            self.held[name] = len(self.events)
        self.taken = taken
        return who

    async def clocks(self, count):
        """Those who went on in `count` clocks."""
        return [who for _ in range(count) if (who := await self.clock())]

    async def once(self, *names):
        """Each of `names` gives one event; returns when all have been taken."""
        self.asks = set(names)
        while self.asks:
            await self.clock()
            self.asks -= set(self.taken)

    async def show(self, name, payload):
        """The entry when `name` alone gives `payload`."""
        self.ctx.set(self.port(name).payload, payload)
        before = len(self.events)
        await self.once(name)
        self.ctx.set(self.port(name).payload, 0 if isinstance(payload, int) else {})
        while len(self.events) == before:
            await self.clock()
        return self.events[-1][1]


@cache
def _simulated(config):
    return Simulated(Arbitrate(config), period=1e-8)


def run(job, config=CONFIG):
    """Runs `job(bench)` after a reset."""
    simulated = _simulated(config)

    async def testbench(ctx):
        await job(Bench(ctx, simulated.design))

    simulated.run(testbench)
