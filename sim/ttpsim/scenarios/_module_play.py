"""Engine `a` against modules on a bad wire: the driver of the scenario `module`.

    play = ModulePlay(bench)
    await play.fresh("loss", {MODULE: Options()}, {"loss": 0.05})  # engine reset, new modules
    play.send(MODULE, 0, 100); play.write(MODULE, 0, 100)       # node, VC, bytes
    await play.wait(50)                                          # milliseconds
    await play.finish()                                          # everything closes, all is checked

Time is scaled: `per_ms` clocks are a millisecond, for the modules' timers, the wire's delays and the
engine's link timer, whose rounds are as long as on a live wire against the module's timers.
"""

from collections import defaultdict, deque

from ttpverif.bench.follow import LockstepFeed, parameters_of
from ttpverif.check.trace import EVENTS, NOTICES, RESULTS
from ttpverif.model.states import State
from ttpverif.module.ledger import Ledger
from ttpverif.module.meeting import check_control, packet
from ttpverif.module.net import Net
from ttpverif.module.tag import TagState

__all__ = ["MODULE", "ModulePlay"]

MODULE = 0x11
VCS = (0, 1, 2)


class _ToNet:
    """What the engine sends goes to the net; nothing ever arrives at engine b."""

    next_time = None

    def __init__(self, play):
        self._play = play

    def push(self, frame, now):
        self._play.net.push(frame, now)

    def pop(self, _now):
        return []


class _FromNet(_ToNet):
    """What the modules send arrives at engine a; b sends nothing."""

    def push(self, _frame, _now):
        raise AssertionError("engine b has sent a frame")

    def pop(self, now):
        return self._play.net.pop(now)

    @property
    def next_time(self):
        return self._play.net.next_time


class ModulePlay:
    """`lockstep`: the reference model follows the engine, event by event."""

    def __init__(self, bench, per_ms=10, lockstep=True):
        self.per_ms = per_ms
        self.bench, self.engine = bench, bench.a
        self.number = self.cases = self.delivered = 0
        self._feed, self._lockstep = None, lockstep
        self.engine.trace_on = True
        self.engine.listeners.append(self._listen)

    async def fresh(self, name, modules, faults=None, late_opens=0.0, round_ms=100, **settings):
        """Both sides from scratch; the name and the run's seed give all that is random."""
        bench, engine = self.bench, self.engine
        self.name, self.random = name, bench.rng(name)
        self.cases += 1
        self.ledger = Ledger()
        self.states, self._pending = {}, defaultdict(deque)
        self.net = Net(
            self.random.getrandbits(32),
            modules,
            self.ledger,
            engine.address,
            faults,
            late_opens,
            self.per_ms,
        )
        bench.connect(_ToNet(self), _FromNet(self))
        tick = max(2, round_ms * self.per_ms // bench.config["links"])
        engine.configure(
            ieee=1,
            timer_tick=tick,
            open_id_seed=self._seed(),
            **{"max_retry": 10, "idle_limit": 0, "link_slots": 4, **settings},
        )
        await bench.reset(nodes=[engine])
        self._follow()

    def _seed(self):
        return self.random.getrandbits(32)

    def _follow(self):
        if not self._lockstep:
            return
        parameters = parameters_of(self.bench, self.engine)
        if self._feed is None:
            self._feed = LockstepFeed(self.engine, parameters)
        else:
            self._feed.restart(parameters)

    # ---- what the engine's host and the modules' users do ------------------------------------

    @property
    def now(self):
        return self.bench.now()

    def _packet(self, size):
        self.number += 1
        return packet(self.number, size)

    def send(self, node=MODULE, vc=0, size=20):
        data = self._packet(size)
        self._pending[node, vc].append(data)
        self.engine.send(node, vc, data)

    def write(self, node=MODULE, vc=0, size=20):
        self.net.write(node, vc, self._packet(size), self.now)
        self.bench.kick()

    def open(self, node=MODULE, vc=0):
        self.engine.open(node, vc)

    def close(self, node=MODULE, vc=0):
        self.engine.close(node, vc)

    def module_open(self, node=MODULE, vc=0):
        self.net.open(node, vc, self.now)
        self.bench.kick()

    def module_close(self, node=MODULE, vc=0):
        self.net.close(node, vc, self.now)
        self.bench.kick()

    def read(self):
        for module in self.net.modules.values():
            module.read()

    def reload(self, node=MODULE):
        self.net.reload(node)

    async def restart(self):
        """The engine is reset, and its host begins anew."""
        self._pending.clear()
        self.engine.configure(open_id_seed=self._seed())
        await self.bench.reset(nodes=[self.engine])
        self.states.clear()
        self._follow()
        for node in self.net.modules:
            for vc in VCS:
                self.ledger.engine_restarted(node, vc)

    async def wait(self, milliseconds):
        await self.bench.cycles(max(1, milliseconds * self.per_ms))

    async def until(self, condition, milliseconds, what):
        """Wait, looking every 20 ms and reading what has come to the modules."""
        for _ in range(max(1, milliseconds // 20)):
            if condition():
                return
            self.read()
            await self.wait(20)
        raise AssertionError(f"{self.name}: not within {milliseconds} ms: {what}\n{self.story()}")

    # ---- what the engine does -----------------------------------------------------------------

    def _listen(self, kind, record):
        if kind == "received":
            self.ledger.engine_got(record.node, record.vc, record.data)
        elif kind == "notice":
            name = NOTICES[record.notice]
            self.net.log.append((record.cycle, f"   notice {name} {record.node} vc{record.vc}"))
            self.ledger.notice(name, record.node, record.vc)
        elif kind == "trace":
            where = record["node"], record["vc"]
            if record["old_state"] != record["new_state"]:
                self.states[where] = State(record["new_state"])
            if EVENTS[record["event"]] == "HOST_PAYLOAD":
                result = RESULTS[record["result"]]
                if result != "BLOCKED":
                    data = self._pending[where].popleft()
                    if result == "TAKEN":
                        self.ledger.engine_put(*where, data)

    # ---- the end --------------------------------------------------------------------------------

    async def finish(self, stuck=False):
        """A perfect wire and users who read; then everything is closed, and all must be well.

        `stuck`: a module may wait for CLOSE_ACK for ever (tests/verif/test_module_model.py, FAULTS).
        """
        self.net.wire({}, self.now)
        self.bench.kick()
        await self._settle()
        check_control(self.net)
        for node in self.net.modules:
            for vc in VCS:
                self.close(node, vc)
        await self.until(lambda: not self._open_links(), 8000, "the engine's close of every link")
        for node, vc, tag in self.net.tags():
            if tag.state != TagState.CLOSE_SENT:
                self.module_close(node, vc)
        await self.until(lambda: self._closed(stuck), 8000, "every link CLOSED on both sides")
        await self.wait(20)
        self.ledger.finish()
        check_control(self.net)
        if self._feed is not None:
            self._feed.finish()
        self.delivered += self.ledger.delivered

    def _open_links(self):
        return {where for where, state in self.states.items() if state != State.CLOSED}

    async def _settle(self):
        """Until nothing is under way; what only its user can wake is woken after a second."""
        for turn in range(40):
            try:
                await self.until(self._quiet, 1000, "data under way")
                return
            except AssertionError:
                if turn == 39:
                    raise
            for node, vc, tag in self.net.tags():
                if tag.stalled:
                    self.write(node, vc)

    def _quiet(self):
        return (
            self.net.idle
            and not any(self._pending.values())
            and self.engine.level("free_slots") == self.bench.config["slots"]
            and not any(
                tag.queue and tag.state != TagState.CLOSE_SENT for _, _, tag in self.net.tags()
            )
        )

    def _closed(self, stuck):
        left = [
            tag
            for _, _, tag in self.net.tags()
            if not (stuck and tag.state == TagState.CLOSE_SENT and tag.due is None)
        ]
        return (
            not left
            and not self._open_links()
            and self.net.idle
            and self.engine.level("free_slots") == self.bench.config["slots"]
        )

    def story(self, last=40):
        return "\n".join(f"{now:8} {text[:110]}" for now, text in self.net.log[-last:])
