"""Directed scenarios: engine `a` against scripted peers, one frame or request at a time.

    desk = Desk(bench)
    await desk.fresh(max_retry=1)                  # reset, configured anew, a new model follows
    peer = await desk.link("OPEN", sent=3)         # three payloads of ours are unacknowledged
    await peer.rx("ACK", rx=peer.link.oldest)      # returns when the event has left the pipeline
    await desk.done()                              # everything explained, statistics exact

The reference model follows every event, and `ttpverif.coverage.cells` works out which alternative of the
state table it took. IDs are read from the model's link, so scenarios name them by what they mean.
"""

from ..check.trace import EVENTS
from ..coverage.cells import CellCoverage
from ..coverage.state_plan import check_claims
from ..frames.frame import ETHERTYPE_SEED, Frame, Opcode
from ..frames.serial import id_add
from ..model.endpoint import Endpoint
from ..model.link import link_hash
from ..model.states import State
from .follow import LockstepFeed, parameters_of

__all__ = ["Desk", "Partner", "state_table"]

NEVER = (1 << 24) - 1
DATA = 2
PATIENCE = 6_000
_PLAIN = {
    "timer_tick": NEVER,
    "max_retry": 0,
    "idle_limit": 0,
    "link_slots": 0,
    "fixed_open_id": 0,
    "init_id": 1,
    "ieee": 0,
}


def state_table():
    """The hardware's state table by names: {event: {state: ((guards, action, next), ...)}}."""
    from ttpoe.link.state_table import TABLE

    return {
        event.name: {
            state.name: tuple((guards, action.name, to.name) for guards, action, to in rows)
            for state, rows in cells.items()
        }
        for event, cells in TABLE.items()
    }


class Partner:
    """A scripted peer: what it sends is what the scenario says."""

    def __init__(self, desk, node, vc, epoch):
        self.desk, self.node, self.vc, self.epoch = desk, node, vc, epoch
        self.ethertype = ETHERTYPE_SEED
        self.controlled = False  # ... that it knows congestion control
        self.selective = False  # its OPEN and OPEN_ACK say that it keeps younger packets

    @property
    def link(self):
        """The model's link to this peer; None if it is CLOSED."""
        return self.desk.endpoint.links.find(self.node, self.vc)

    @property
    def state(self):
        return self.desk.endpoint.state(self.node, self.vc).name

    def frame(self, opcode, tx=0, rx=0, epoch=None, payload=None, congestion=0):
        """Bytes of one frame to engine a."""
        if payload is None:
            payload = b"payload" if opcode == "PAYLOAD" else b""
        extension = 0x20 * self.selective | 0x40 * self.controlled
        if opcode not in ("OPEN", "OPEN_ACK"):
            extension = 0
        return Frame(
            self.node,
            self.desk.a.address,
            Opcode[opcode],
            self.vc,
            tx % 2**32,
            rx % 2**32,
            self.epoch if epoch is None else epoch,
            extension,
            self.ethertype,
            payload,
            congestion,
        ).pack()

    def play(self, *arguments, **fields):
        """Queue a frame; nobody waits for it."""
        self.desk.a.play(self.frame(*arguments, **fields))

    async def rx(self, opcode, *arguments, **fields):
        """Play a frame and wait until its event has left the pipeline; its trace record."""
        mark = self.desk.mark()
        self.play(opcode, *arguments, **fields)
        return await self.desk.saw(f"RX_{opcode}", self, mark)

    async def rx_next(self, count=1, **fields):
        """PAYLOADs in order."""
        for _ in range(count):
            record = await self.rx("PAYLOAD", tx=id_add(self.link.received, 1), **fields)
        return record

    async def send(self, count=1, data=b"of the host"):
        """Payloads of a's host for this peer, one after the other."""
        for _ in range(count):
            mark = self.desk.mark()
            self.desk.a.send(self.node, self.vc, data)
            record = await self.desk.saw("HOST_PAYLOAD", self, mark)
        return record

    async def open(self):
        mark = self.desk.mark()
        self.desk.a.open(self.node, self.vc)
        return await self.desk.saw("HOST_OPEN", self, mark)

    async def close(self):
        mark = self.desk.mark()
        self.desk.a.close(self.node, self.vc)
        return await self.desk.saw("HOST_CLOSE", self, mark)

    async def timer(self, count=1):
        """Visits of the link timer to this link, exactly so many."""
        for _ in range(count):
            await self.desk.timer(self)

    async def opened(self, first=0x5000):
        """OPEN_SENT to OPEN: the peer's OPEN_ACK declares its first data ID (0: none)."""
        await self.rx("OPEN_ACK", tx=first, rx=self.link.open_id)


class Desk:
    """Engine a on a desk, with a hand on every input; b is left alone."""

    def __init__(self, bench):
        self.bench, self.a = bench, bench.a
        self.coverage = CellCoverage(state_table())
        self._feed: LockstepFeed | None = None
        self._nodes = bench.rng("partners")
        bench.b.configure(timer_tick=NEVER)

    @property
    def feed(self) -> LockstepFeed:
        """What the model is fed by, from the first `fresh` on."""
        assert self._feed is not None, "no model follows yet: call fresh() first"
        return self._feed

    @property
    def endpoint(self) -> Endpoint:
        """The model."""
        return self.feed.lockstep.endpoint

    async def fresh(self, **configuration):
        """Reset; what is not named has its plain value, and the link timer stands still."""
        if self._feed is not None:
            await self.done()
        self.a.ready.update(dict.fromkeys(self.a.ready, 1.0))
        self.a.configure(**{**_PLAIN, **configuration})
        await self.bench.reset()
        parameters = parameters_of(self.bench, self.a)
        self.coverage.stats.clear()
        self.first = len(self.a.frames_out)  # of this model's time
        if self._feed is None:
            self._feed = LockstepFeed(self.a, parameters, self.coverage)
        else:
            self._feed.restart(parameters)

    async def done(self):
        """Let everything drain; then nothing is unexplained and every statistic is exact."""
        for key in self.a.ready:
            self.a.ready[key] = 1.0
        await self.quiet()
        self.feed.finish()
        self.coverage.check_stats(self.feed.counts())

    async def claim(self, test):
        """The end: `test` must have taken the rows that the coverage plan says it takes."""
        await self.done()
        taken = sorted(self.coverage.taken)
        check_claims(test, taken)
        self.bench.record("cells", taken)
        if not self.bench.remark:
            self.bench.report(f"{len(taken)} rows of the state table")

    async def quiet(self, cycles=150):
        """Wait until nothing has happened for a while."""
        self.bench.kick()
        while True:
            before = len(self.a.trace), len(self.a.frames_out), len(self.a.received)
            await self.bench.cycles(cycles)
            if before == (len(self.a.trace), len(self.a.frames_out), len(self.a.received)):
                return

    # ---- events --------------------------------------------------------------------------

    def mark(self):
        return len(self.a.trace)

    def _find(self, event, partner, mark, state):
        for record in self.a.trace[mark:]:
            if (
                EVENTS[record["event"]] == event
                and (state is None or State(record["old_state"]).name == state)
                and (
                    partner is None
                    or state == "CLOSED"
                    or (record["node"], record["vc"]) == (partner.node, partner.vc)
                )
            ):
                return record
        return None

    async def saw(self, event, partner=None, mark=0, state=None, limit=PATIENCE):
        """Wait for an event in the trace, from `mark` on; `state`: in which it found the link."""
        await self.bench.until(
            lambda: self._find(event, partner, mark, state),
            limit,
            f"{event} in {state or 'any state'}",
        )
        return self._find(event, partner, mark, state)

    async def timer(self, partner=None):
        """One visit of the timer to this link (or to a free tag), and no other of its visits."""
        mark = self.mark()
        self.a.configure(timer_tick=3)
        try:
            return await self.saw("TIMER", partner, mark, None if partner else "CLOSED")
        finally:
            self.a.configure(timer_tick=NEVER)

    def mac(self, ready):
        """Let the MAC take frames, or stall it: then answers pile up in the transmit queues."""
        self.a.ready["mac"] = 1.0 if ready else 0.0
        self.bench.kick()

    def reader(self, vc, ready):
        self.a.ready[vc] = 1.0 if ready else 0.0
        self.bench.kick()

    async def stall_payloads(self):
        """Fill the PAYLOAD queue behind a stalled MAC: no VISIT and no HOST_PAYLOAD enters now,
        everything else does. When the MAC moves again, VCs 1 and 0 go before these."""
        filler = await self.link("OPEN", vc=DATA)
        await self.quiet()
        self.mac(False)
        await self.bench.cycles(4)
        for _ in range(self.bench.config["payload_depth"] + 3):
            self.a.send(filler.node, filler.vc, b"filler")
        await self.quiet()

    async def stall_everything(self):
        """Fill the control queue behind a stalled MAC: no event enters until a frame leaves."""
        filler = await self.link("OPEN", vc=1)
        await self.quiet()
        self.mac(False)
        await self.bench.cycles(4)
        for _ in range(self.bench.config["control_depth"] + 3):
            filler.play("PAYLOAD", tx=filler.link.received)
        await self.quiet()

    # ---- links ---------------------------------------------------------------------------

    def partner(self, vc=DATA, epoch=0x55, like=None, apart=()):
        """A new peer; `like`: in the set of that one; otherwise in a set without links, and in
        none of those of `apart`."""
        config = self.bench.config

        def place(node, on):
            return link_hash(node, on, config["sets"], config["vc_tables"])

        taken = {place(k.node, k.vc) for k in self.endpoint.links}
        taken |= {place(other.node, other.vc) for other in apart}
        known = {k.node for k in self.endpoint.links} | {other.node for other in apart}
        while True:
            node = self._nodes.randrange(0x100, 1 << 24)
            fits = (
                place(node, vc) == place(like.node, like.vc)
                if like
                else place(node, vc) not in taken
            )
            if fits and node not in known and (like is None or node != like.node):
                return Partner(self, node, vc, epoch)

    async def link(
        self,
        state,
        sent=0,
        vc=DATA,
        epoch=0x55,
        first=0x5000,
        ahead=0,
        partner=None,
        selective=False,
    ):
        """A peer whose link is in `state`.

        `sent`: payloads of ours that were sent and not acknowledged. `ahead`: in CLOSE_RECD the
        payloads that the peer's CLOSE declares and that have not come. In OPEN_RECD the MAC is
        stalled, for that state lasts until the OPEN_ACK is out. Epoch 0 is Tesla's module.
        """
        peer = partner or self.partner(vc, epoch)
        peer.selective = peer.selective or selective
        if state == "OPEN_RECD":
            self.mac(False)
            await self.bench.cycles(4)
            await peer.rx("OPEN", tx=first - 1)
        elif state != "CLOSED":
            await peer.open()
        if state in ("OPEN", "CLOSE_SENT", "CLOSE_RECD"):
            await peer.opened(first)
            if sent:
                await peer.send(sent)
        if state == "CLOSE_SENT":
            await peer.close()
        elif state == "CLOSE_RECD":
            if not sent:
                ahead = ahead or 2
            await peer.rx("CLOSE", tx=peer.link.received + ahead + 1)
        assert peer.state == state, (peer.state, state)
        return peer
