"""`Net`: modules and a bad wire as one end of a wire, for the model and for the simulated engine.

It has the interface of `network.Channel` twice over: `push` takes a frame of the engine, `pop` gives
those that have arrived at the engine, `next_time` says when it has something to do. Between them
the modules answer and their timers run. Times are clocks, `per_ms` of them in a millisecond.
"""

import math
import random

from ..frames.frame import Frame, Opcode
from ..frames.network import Channel
from .ledger import Ledger
from .options import Options
from .peer import Module

__all__ = ["LATE_MS", "Net"]

LATE_MS = 1200
"""So late an OPEN comes again."""


class Net:
    """Modules behind a wire that carries a frame in 1 to 3 ms.

    Parameters
    ----------
    seed : int
    modules : {node: Options}
    ledger : Ledger
        Is told what their users put in and got.
    engine : int
        The engine's node.
    faults : dict
        Of `network.Channel`: loss, duplicate, reorder.
    late_opens : float
        Chance that an OPEN of a module comes once more, `LATE_MS` late.
    per_ms : int
        Clocks in a millisecond.
    """

    def __init__(
        self,
        seed: int,
        modules: dict[int, Options],
        ledger: Ledger,
        engine: int,
        faults: dict[str, float] | None = None,
        late_opens: float = 0.0,
        per_ms: int = 1,
    ):
        self.random = random.Random(f"{seed}/net")
        self.modules = {node: Module(node, options) for node, options in modules.items()}
        self.ledger, self.engine, self.per_ms = ledger, engine, per_ms
        self.seed, self.late_opens = seed, late_opens
        self._seen = {node: [0, 0] for node in modules}  # of `accepted` and of `dropped`
        self._late, self.control, self.log = [], 0, []
        self._to_module, self._to_engine = {}, {}
        self.wire(faults or {}, 0)

    def wire(self, faults, now):
        """A wire with other faults; what was on the old one arrives at once."""
        old = self._to_module, self._to_engine
        delay = self.per_ms, 3 * self.per_ms
        self._to_module, self._to_engine = (
            {
                node: Channel(
                    self.seed + 2 * node + way,
                    delay_cycles=delay,
                    reorder_cycles=64 * self.per_ms,
                    **faults,
                )
                for node in self.modules
            }
            for way in (0, 1)
        )
        for channels, others in zip(old, (self._to_module, self._to_engine)):
            for node, channel in channels.items():
                for data, bad in channel.pop(float("inf")):
                    if not bad:
                        others[node].push(data, now)

    def lose(self, opcode, nth=1, to="module", node=None):
        """Script: the `nth` frame from now with this opcode is lost on its way to `to`, from or
        to the module `node` (None: the first)."""
        channels = self._to_module if to == "module" else self._to_engine
        channel = channels[next(iter(channels)) if node is None else node]
        channel.script(lambda data: data[42] == Opcode[opcode], nth)

    # ---- the wire's end --------------------------------------------------------------------

    def push(self, data, now):
        """The engine has sent a frame."""
        self._note("engine", data, now)
        channel = self._to_module.get(Frame.unpack(data).dst)
        if channel is not None:
            channel.push(data, now)

    def pop(self, now):
        """[(bytes, False)] of what has arrived at the engine by now."""
        self._advance(now)
        arrived = [
            (data, False)
            for channel in self._to_engine.values()
            for data, bad in channel.pop(now)
            if not bad
        ]
        due = [entry for entry in self._late if entry[0] <= now]
        self._late = [entry for entry in self._late if entry[0] > now]
        return arrived + [(data, False) for _, data in due]

    @property
    def next_time(self):
        """When the wire or a module has something to do, or None."""
        times = [
            channel.next_time
            for channel in (*self._to_module.values(), *self._to_engine.values())
            if channel.next_time is not None
        ]
        times += [
            math.ceil(module.next_time * self.per_ms)
            for module in self.modules.values()
            if module.next_time is not None
        ]
        times += [when for when, _ in self._late]
        return min(times, default=None)

    @property
    def idle(self):
        """Nothing is on the wire."""
        return not (
            self._late or any(map(len, (*self._to_module.values(), *self._to_engine.values())))
        )

    def _advance(self, now):
        for node, channel in self._to_module.items():
            module = self.modules[node]
            for data, bad in channel.pop(now):
                if not bad:
                    self._module_receives(node, data, now)
            if module.next_time is not None and module.next_time * self.per_ms <= now:
                self._sent(node, module.tick(now / self.per_ms), now)
            self._account(node)

    def _module_receives(self, node, data, now):
        """An OPEN on an open link moves the receive position, also if it is a duplicate: what is
        on its way to the module may then be delivered twice, by its fault."""
        module, frame = self.modules[node], Frame.unpack(data)
        tag = module.tags.get((self.engine, frame.vc))
        if frame.opcode == Opcode.OPEN and tag is not None and tag.received != frame.tx_id:
            self.ledger.module_resynchronised(node, frame.vc)
        self._sent(node, module.receive(data, now / self.per_ms), now)
        self._account(node)

    def _sent(self, node, frames, now):
        for data in frames:
            frame = self._note("module", data, now)
            self._to_engine[node].push(data, now)
            if frame.opcode == Opcode.OPEN and self.random.random() < self.late_opens:
                self._late.append((now + LATE_MS * self.per_ms, data))

    def _account(self, node):
        module, seen = self.modules[node], self._seen[node]
        for _, vc, _, data in module.accepted[seen[0] :]:
            self.ledger.module_got(node, vc, data)
        for _, vc, data, why in module.dropped[seen[1] :]:
            assert why != "tries", f"the module has tried {data[:24]!r} too often"
            self.ledger.module_dropped(node, vc, data)
        seen[:] = len(module.accepted), len(module.dropped)

    def _note(self, who, data, now):
        frame = Frame.unpack(data)
        self.control += frame.opcode != Opcode.PAYLOAD
        self.log.append((now, f"{who} sends {frame}"))
        return frame

    # ---- what the modules' users do ----------------------------------------------------------

    def write(self, node, vc, data, now):
        module = self.modules[node]
        frames = module.write(self.engine, vc, data, now / self.per_ms)
        tag = module.tags.get((self.engine, vc))
        if tag is not None and tag.queue and tag.queue[-1] == data:
            self.ledger.module_put(node, vc, data)
        self._sent(node, frames, now)

    def open(self, node, vc, now):
        self._sent(node, self.modules[node].open(self.engine, vc, now / self.per_ms), now)

    def close(self, node, vc, now):
        self._sent(node, self.modules[node].close(self.engine, vc, now / self.per_ms), now)
        self._account(node)

    def reload(self, node):
        self.modules[node].reload()
        self._account(node)
        self.ledger.module_restarted(node)

    # ---- the end of a run ----------------------------------------------------------------------

    def tags(self):
        """[(node, vc, Tag)] of every link that a module has."""
        return [
            (node, vc, tag)
            for node, module in self.modules.items()
            for (_, vc), tag in module.tags.items()
        ]
