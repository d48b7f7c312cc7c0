"""A bench around `RxPath`: MAC, pipeline and three hosts, each at its own pace.

Everything is checked while it runs: stream rules, slots never held twice, payload bytes, order.
"""

from tests.rx.rx_frames import CAUSES, OUR_NODE, drive, outcome, schedule
from tests.simulated import made_with_reset
from tests.streams import simulate
from ttpoe.rx.path import STATS, RxPath
from ttpverif.frames.frame import Opcode

EVENT_FIELDS = ("opcode", "node", "vc", "ieee", "epoch", "selective", "tx_id", "rx_id")


class RxBench:
    """Runs `frames` through a receive path.

    `take_event(clock)`, `host_ready(vc, clock)`: readiness in that clock. `decide(event)` gives
    (delay in clocks, deliver) for an event that holds a slot; None: no verdict ever. A third
    item, again a delay: the payload is kept from then on, until its verdict.
    `reset_at`: the clock in which the path is reset, everything of before being forgotten.
    """

    def __init__(
        self,
        config,
        frames,
        *,
        rng=None,
        stall=0.0,
        trailing=200,
        take_event=lambda clock: True,
        host_ready=lambda vc, clock: True,
        decide=lambda event: (0, True),
        clocks=None,
        reset_at=None,
    ):
        self.config, self.frames = config, frames
        self.width = config.width_bytes
        self.clocks = clocks or schedule(frames, self.width, rng, stall) + [None] * trailing
        self.take_event, self.host_ready, self.decide = take_event, host_ready, decide
        self.reset_at = reset_at
        self.dut, self.reset, self.simulated = made_with_reset(RxPath, config)
        self.stats = dict.fromkeys(STATS, 0)
        self.frame_ends = []
        self.events = []  # (clock in which it became visible, fields)
        self.delivered = [[], [], []]  # per VC: (clock of each beat, node, id, bytes)
        self.verdicts = []  # (clock, slot, vc, deliver)
        self.kept_freed = []  # clocks in which a kept slot was freed, once for each
        self.forget()

    def forget(self):
        self.held = {}  # slot -> event
        self.due = []  # (clock, event, deliver)
        self.keep_due = []  # (clock, event)
        self.kept = set()  # slots
        self.partial = [[], [], []]
        self.stuck = [None] * 3
        self.event_since = None

    def run(self):

        async def bench(ctx):
            ctx.set(self.dut.cfg_node, OUR_NODE)
            for self.clock, beat in enumerate(self.clocks):  # noqa: B020
                ctx.set(self.reset, self.clock == self.reset_at)
                drive(ctx, self.dut.i_frame, beat)
                if beat is not None and beat[2]:
                    self.frame_ends.append(self.clock)
                self._keep(ctx)
                self._pipeline(ctx)
                for vc in range(3):
                    self._host(ctx, vc)
                for name in STATS:
                    self.stats[name] += ctx.get(getattr(self.dut, name))
                if self.clock == self.reset_at:
                    self.forget()
                await ctx.tick()

        simulate(self.simulated, bench)
        return self

    def _keep(self, ctx):
        dut = self.dut
        due = next((entry for entry in self.keep_due if entry[0] <= self.clock), None)
        ctx.set(dut.i_kept.valid, due is not None)
        if due is not None:
            self.keep_due.remove(due)
            ctx.set(dut.i_kept.payload, due[1]["vc"])
            self.kept.add(due[1]["slot"])
        self.kept_freed += [self.clock] * ctx.get(dut.o_kept_freed)

    def _pipeline(self, ctx):
        dut = self.dut
        waits = [event["slot"] for _, event in self.keep_due]
        due = next(
            (
                entry
                for entry in self.due
                if entry[0] <= self.clock and entry[1]["slot"] not in waits
            ),
            None,
        )
        ctx.set(dut.i_verdict.valid, due is not None)
        if due is not None:
            self.due.remove(due)
            _, event, deliver = due
            ctx.set(dut.i_verdict.p.slot, event["slot"])
            ctx.set(dut.i_verdict.p.vc, event["vc"])
            ctx.set(dut.i_verdict.p.deliver, deliver)
            ctx.set(dut.i_verdict.p.kept, event["slot"] in self.kept)
            self.kept.discard(event["slot"])
            del self.held[event["slot"]]
            self.verdicts.append((self.clock, event["slot"], event["vc"], deliver))
        ready = self.take_event(self.clock)
        ctx.set(dut.o_event.ready, ready)
        if not ctx.get(dut.o_event.valid):
            assert self.event_since is None, "event withdrawn"
            return
        event = {
            name: ctx.get(getattr(dut.o_event.p, name)) for name in (*EVENT_FIELDS, "room", "slot")
        }
        event["opcode"] = event["opcode"].value
        if self.event_since is None:
            self.event_since = (self.clock, event)
        assert self.event_since[1] == event, "event changed while it waited"
        if ready:
            self.events.append(self.event_since)
            self.event_since = None
            if event["room"]:
                assert event["slot"] not in self.held, "slot given out twice"
                self.held[event["slot"]] = event
                verdict = self.decide(event)
                if verdict is not None:
                    self.due.append((self.clock + verdict[0], event, verdict[1]))
                    if len(verdict) > 2:
                        self.keep_due.append((self.clock + verdict[2], event))

    def _host(self, ctx, vc):
        port = self.dut.o_host[vc]
        ready = self.host_ready(vc, self.clock)
        ctx.set(port.ready, ready)
        if not ctx.get(port.valid):
            assert self.stuck[vc] is None, "host beat withdrawn"
            return
        beat = tuple(
            ctx.get(getattr(port.p, name)) for name in ("data", "keep", "last", "node", "id")
        )
        assert self.stuck[vc] in (None, beat), "host beat changed while it waited"
        self.stuck[vc] = None if ready else beat
        if not ready:
            return
        data, keep, last, node, number = beat
        count = keep.bit_count()
        assert keep == (1 << count) - 1 and count and (last or count == self.width)
        self.partial[vc].append(
            (self.clock, node, number, data.to_bytes(self.width, "little")[:count])
        )
        if last:
            clocks, nodes, numbers, parts = zip(*self.partial[vc])
            assert len(set(nodes)) == len(set(numbers)) == 1
            self.delivered[vc].append((list(clocks), nodes[0], numbers[0], b"".join(parts)))
            self.partial[vc] = []

    # ---- checks ----------------------------------------------------------------------------

    def expected(self):
        """What each frame must give: (cause, fields)."""
        return [outcome(octets, error) for octets, error in self.frames]

    def check_drops(self):
        """Every cause counted exactly; good and queue_full share the rest."""
        causes = [cause for cause, _ in self.expected()]
        for cause in CAUSES:
            assert self.stats[f"stat_rx_{cause}"] == causes.count(cause), cause
        assert self.stats["stat_rx_good"] + self.stats["stat_rx_queue_full"] == causes.count(None)
        assert self.stats["stat_rx_good"] == len(self.events)

    def check_events_and_hosts(self):
        """Events are the good frames in order (some may be lost to a full queue); the hosts get
        exactly the payloads that got the verdict "deliver", in the order of the verdicts."""
        good = iter(fields for cause, fields in self.expected() if cause is None)
        payloads = {}
        for _, event in self.events:
            said = {name: event[name] for name in EVENT_FIELDS}
            fields = next(
                (f for f in good if {name: f[name] for name in EVENT_FIELDS} == said), None
            )
            assert fields is not None, f"event of no frame: {event}"
            assert not event["room"] or fields["payload"] is not None
            payloads.setdefault(event["slot"], [])
            if event["room"]:
                payloads[event["slot"]].append((fields["node"], fields["tx_id"], fields["payload"]))
        wanted = [[], [], []]
        for _, slot, vc, deliver in self.verdicts:
            payload = payloads[slot].pop(0)
            if deliver:
                wanted[vc].append(payload)
        for vc in range(3):
            assert [entry[1:] for entry in self.delivered[vc]] == wanted[vc], f"VC {vc}"
        assert self.stats["stat_rx_delivered"] == sum(map(len, wanted))
        no_room = [
            event
            for _, event in self.events
            if event["opcode"] == Opcode.PAYLOAD and not event["room"]
        ]
        assert self.stats["stat_rx_no_room"] == len(no_room)
        return wanted
