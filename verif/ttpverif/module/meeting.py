"""The reference model and modules on one bad wire, in virtual time: what no schedule may break.

    meeting = Meeting(seed, modules={1: Options()}, faults={"loss": 0.05})
    meeting.do("write", 1, 0, 100)          # node, VC, bytes
    meeting.pass_time(50)
    meeting.finish()                        # perfect wire, close everything, check everything

Times are milliseconds. The wire carries a frame in 1 to 3 ms; `late_opens` is the chance that an
OPEN comes once more 1.2 s later.
"""

import random

from ..frame import ETHERTYPE_IEEE, Frame, Opcode
from ..model import TAKEN, Endpoint, Parameters
from ..link import WeylIds
from ..network import Channel
from ..peer import Peer
from .ledger import Ledger
from .peer import Module
from .tag import TagState

__all__ = ["ENGINE", "Meeting"]

ENGINE = 0x10
_CONTROL_PER_PACKET, _CONTROL_ALLOWANCE = 20, 80


class Meeting:
    """One engine (node 0x10) and modules.

    Parameters
    ----------
    seed : int
        Of the wire and of sizes.
    modules : {node: Options}
    faults : dict
        Of `network.Channel`: loss, duplicate, reorder.
    late_opens, late_frames : float
        Chance that an OPEN, or any other frame, of a module comes once more, 1.2 s late.
    round_ms : int
        A round of the engine's link timer.
    parameters : dict
        More of `model.Parameters`.
    """

    def __init__(self, seed, modules, faults=None, late_opens=0.0, late_frames=0.0,
                 round_ms=100, **parameters):
        self.random = random.Random(seed)
        self.parameters = Parameters(ENGINE, ethertype=ETHERTYPE_IEEE, **{
            "slots": 64, "max_retry": 10, **parameters})
        self.lives = 0
        self.engine = self._engine()
        self.modules = {node: Module(node, options) for node, options in modules.items()}
        self._seen = {node: [0, 0] for node in modules}     # of `accepted` and of `dropped`
        self.seed, self.round_ms = seed, round_ms
        self.late_opens, self.late_frames = late_opens, late_frames
        self._wire(faults or {})
        self.late = []
        self.ledger, self.now, self.number, self.control = Ledger(), 0, 0, 0
        self.log = []

    def _engine(self):
        self.lives += 1
        return Peer(Endpoint(self.parameters, WeylIds(self.random.getrandbits(31))))

    def _wire(self, faults):
        """A new wire for every module; what was on the old one arrives."""
        old = getattr(self, "to_module", {}), getattr(self, "to_engine", {})
        self.to_module, self.to_engine = ({
            node: Channel(self.seed + 2 * node + way, delay_cycles=(1, 3), **faults)
            for node in self.modules} for way in (0, 1))
        for channels, others in zip(old, (self.to_module, self.to_engine)):
            for node, channel in channels.items():
                for data, bad in channel.pop(float("inf")):
                    if not bad:
                        others[node].push(data, self.now)

    # ---- what happens --------------------------------------------------------------------

    def do(self, what, node=1, vc=0, size=20):
        """One action of a user or host: see the methods `_do_*`."""
        self.log.append((self.now, f"-- {what} {node} vc{vc} {size}"))
        getattr(self, "_do_" + what)(node, vc, size)
        self._settle()

    def _data(self, size):
        """A packet that differs from every other if it has at least 3 bytes."""
        self.number += 1
        return (self.number.to_bytes(3, "big") * (size // 3 + 1))[:max(size, 3)]

    def _do_send(self, node, vc, size):
        data = self._data(size)
        if self.engine.payload(node, vc, data, self.random.random() < 0.7).result == TAKEN:
            self.ledger.engine_put(node, vc, data)

    def _do_write(self, node, vc, size):
        module, data = self.modules[node], self._data(size)
        frames = module.write(ENGINE, vc, data, self.now)
        tag = module.tags.get((ENGINE, vc))
        if tag is not None and tag.queue and tag.queue[-1] == data:
            self.ledger.module_put(node, vc, data)
        self._from_module(node, frames)

    def _do_open(self, node, vc, _size):
        self.engine.open(node, vc)

    def _do_close(self, node, vc, _size):
        self.engine.close(node, vc)

    def _do_module_open(self, node, vc, _size):
        self._from_module(node, self.modules[node].open(ENGINE, vc, self.now))

    def _do_module_close(self, node, vc, _size):
        self._from_module(node, self.modules[node].close(ENGINE, vc, self.now))

    def _do_read(self, node, _vc, _size):
        self.modules[node].read()

    def _do_reload(self, node, _vc, _size):
        self.modules[node].reload()
        self.ledger.module_restarted(node)

    def _do_reset(self, _node, _vc, _size):
        """The engine forgets everything; its host knows."""
        self._settle()
        self.engine = self._engine()
        for node in self.modules:
            for vc in range(3):
                self.ledger.engine_restarted(node, vc)

    # ---- time ----------------------------------------------------------------------------

    def pass_time(self, milliseconds):
        end = self.now + milliseconds
        while self.now < end:
            self.now = min(end, max(self.now + 1, self._next_time()))
            self._step()

    def _next_time(self):
        times = [self.now - self.now % self.round_ms + self.round_ms]
        times += [channel.next_time for channel in (*self.to_module.values(),
                                                    *self.to_engine.values()) if len(channel)]
        times += [module.next_time for module in self.modules.values()
                  if module.next_time is not None]
        times += [when for when, _, _ in self.late]
        if self.engine.endpoint.pending():
            times.append(self.now + 1)
        return int(min(times))

    def _step(self):
        for when, node, data in [entry for entry in self.late if entry[0] <= self.now]:
            self.late.remove((when, node, data))
            self._engine_receives(data)
        for node, channel in self.to_engine.items():
            for data, bad in channel.pop(self.now):
                if not bad:
                    self._engine_receives(data)
        for node, channel in self.to_module.items():
            for data, bad in channel.pop(self.now):
                if not bad:
                    self._module_receives(node, data)
            module = self.modules[node]
            if module.next_time is not None and module.next_time <= self.now:
                self._from_module(node, module.tick(self.now))
        if self.now % self.round_ms == 0:
            self.engine.timer_round()
        self.engine.visit_all()
        self._settle()

    def _engine_receives(self, data):
        before = len(self.engine.sent)
        self.engine.receive(data, send_now=self.random.random() < 0.7)
        assert len(self.engine.sent) <= before + 1, "more than one answer to a frame"
        self._settle()

    def _module_receives(self, node, data):
        """An OPEN on an open link moves the receive position, also if it is a duplicate: what is
        on its way to the module may then be delivered twice, by its fault."""
        module, frame = self.modules[node], Frame.parse(data)[0]
        tag = module.tags.get((ENGINE, frame.vc))
        if frame.opcode == Opcode.OPEN and tag is not None and tag.received != frame.tx_id:
            self.ledger.module_resynchronised(node, frame.vc)
        self._from_module(node, module.receive(data, self.now))

    def _settle(self):
        """What the last event left behind: frames to the wire, packets and notices to hosts."""
        engine = self.engine
        for data in engine.take_sent():
            frame = self._note("engine", data)
            if frame.dst in self.to_module:
                self.to_module[frame.dst].push(data, self.now)
        while engine.notices:
            name, node, vc = engine.notices.popleft()
            self.log.append((self.now, f"   notice {name} {node} vc{vc}"))
            self.ledger.notice(name, node, vc)
        while engine.delivered:
            node, vc, _, data = engine.delivered.popleft()
            self.ledger.engine_got(node, vc, data)
        for node, module in self.modules.items():
            seen = self._seen[node]
            for _, vc, _, data in module.accepted[seen[0]:]:
                self.ledger.module_got(node, vc, data)
            for _, vc, data, why in module.dropped[seen[1]:]:
                assert why != "tries", f"the module has tried {data[:24]!r} too often"
                self.ledger.module_dropped(node, vc, data)
            seen[:] = len(module.accepted), len(module.dropped)

    def _from_module(self, node, frames):
        for data in frames:
            frame = self._note("module", data)
            self.to_engine[node].push(data, self.now)
            chance = self.late_opens if frame.opcode == Opcode.OPEN else self.late_frames
            if self.random.random() < chance:
                self.late.append((self.now + 1200, node, data))

    def _note(self, who, data):
        frame = Frame.parse(data)[0]
        self.control += frame.opcode != Opcode.PAYLOAD
        self.log.append((self.now, f"{who} sends {frame}"))
        return frame

    # ---- the end -------------------------------------------------------------------------

    def finish(self):
        """A perfect wire and users who read; then everything is closed, and all must be well."""
        self._wire({})
        for turn in range(100):
            for node, module in self.modules.items():
                self.do("read", node)
                for (_, vc), tag in list(module.tags.items()):
                    if turn % 10 == 9 and tag.stalled:      # only its user can wake it
                        self.do("write", node, vc)
            self.pass_time(400)
            if self._quiet():
                break
        else:
            raise AssertionError("data is still under way after 40 s on a perfect wire")
        self._check_control()
        for node in self.modules:
            for vc in range(3):
                self.do("close", node, vc)
        self.pass_time(6000)
        for node, module in self.modules.items():
            for (_, vc), tag in list(module.tags.items()):
                if tag.state != TagState.CLOSE_SENT:
                    self.do("module_close", node, vc)
        self.pass_time(8000)
        left = [str(link) for link in self.engine.endpoint.links] + [
            str(tag) for module in self.modules.values() for tag in module.tags.values()]
        assert not left, f"links that do not end: {'; '.join(left)}"
        assert self.engine.endpoint.free_slots == self.parameters.slots, "a slot is held"
        self.ledger.finish()
        self._check_control()

    def _quiet(self):
        return not (self.late or any(link.stored for link in self.engine.endpoint.links) or any(
            tag.queue and tag.state != TagState.CLOSE_SENT
            for module in self.modules.values() for tag in module.tags.values()))

    def _check_control(self):
        most = _CONTROL_PER_PACKET * self.ledger.delivered + _CONTROL_ALLOWANCE * len(self.modules)
        assert self.control <= most, (f"{self.control} control frames for "
                                      f"{self.ledger.delivered} packets")

    def story(self, last=200):
        return "\n".join(f"{now:8} {text}" for now, text in self.log[-last:])
