"""The reference model and modules on one bad wire, in virtual time: what no schedule may break.

    meeting = Meeting(seed, modules={1: Options()}, faults={"loss": 0.05})
    meeting.do("write", 1, 0, 100)          # node, VC, bytes
    meeting.pass_time(50)
    meeting.finish()                        # perfect wire, close everything, check everything

Times are milliseconds.
"""

import random

from ..frames.frame import ETHERTYPE_IEEE
from ..model.endpoint import TAKEN, Endpoint, Parameters
from ..model.link import WeylIds
from ..model.peer import Peer
from .ledger import Ledger
from .net import Net
from .tag import TagState

__all__ = ["ENGINE", "Meeting", "check_control", "packet"]

ENGINE = 0x10
_CONTROL_PER_PACKET, _CONTROL_ALLOWANCE = 20, 80


def packet(number, size):
    """Bytes that no other packet has: at least 3."""
    return (number.to_bytes(3, "big") * (size // 3 + 1))[: max(size, 3)]


def check_control(net):
    """No more than 20 control frames for each packet that arrived, and some to open and close."""
    most = _CONTROL_PER_PACKET * net.ledger.delivered + _CONTROL_ALLOWANCE * len(net.modules)
    assert net.control <= most, f"{net.control} control frames for {net.ledger.delivered} packets"


class Meeting:
    """One engine (node 0x10) and modules.

    Parameters
    ----------
    seed : int
    modules, faults, late_opens
        As for `Net`.
    round_ms : int
        A round of the engine's link timer.
    parameters : dict
        More of `model.Parameters`.
    """

    def __init__(self, seed, modules, faults=None, late_opens=0.0, round_ms=100, **parameters):
        self.random = random.Random(seed)
        self.parameters = Parameters(
            ENGINE,
            ethertype=ETHERTYPE_IEEE,
            **{"slots": 64, "link_slots": 8, "max_retry": 10, **parameters},
        )
        self.ledger, self.now, self.number = Ledger(), 0, 0
        self.net = Net(seed, modules, self.ledger, ENGINE, faults, late_opens)
        self.modules, self.log = self.net.modules, self.net.log
        self.round_ms = round_ms
        self.engine = self._engine()

    def _engine(self):
        return Peer(Endpoint(self.parameters, WeylIds(self.random.getrandbits(31))))

    # ---- what happens ----------------------------------------------------------------------

    def do(self, what, node=1, vc=0, size=20):
        """One action of the engine's host (send, open, close, reset) or of a module's user (write,
        module_open, module_close, read, reload)."""
        self.log.append((self.now, f"-- {what} {node} vc{vc} {size}"))
        if what in ("send", "write"):
            self.number += 1
            data = packet(self.number, size)
        if what == "send":
            if self.engine.payload(node, vc, data, self.random.random() < 0.7).result == TAKEN:
                self.ledger.engine_put(node, vc, data)
        elif what == "open":
            self.engine.open(node, vc)
        elif what == "close":
            self.engine.close(node, vc)
        elif what == "reset":
            self._reset()
        elif what == "write":
            self.net.write(node, vc, data, self.now)
        elif what == "module_open":
            self.net.open(node, vc, self.now)
        elif what == "module_close":
            self.net.close(node, vc, self.now)
        elif what == "read":
            self.modules[node].read()
        elif what == "reload":
            self.net.reload(node)
        else:
            raise ValueError(f"no such action: {what}")
        self._settle()

    def _reset(self):
        """The engine forgets everything; its host knows."""
        self._settle()
        self.engine = self._engine()
        for node in self.modules:
            for vc in range(3):
                self.ledger.engine_restarted(node, vc)

    # ---- time ------------------------------------------------------------------------------

    def pass_time(self, milliseconds):
        end = self.now + milliseconds
        while self.now < end:
            self.now = min(end, max(self.now + 1, self._next_time()))
            self._step()

    def _next_time(self):
        times = [self.now - self.now % self.round_ms + self.round_ms]
        if self.net.next_time is not None:
            times.append(self.net.next_time)
        return int(min(times))

    def _step(self):
        for data, _ in self.net.pop(self.now):
            before = len(self.engine.sent)
            self.engine.receive(data, send_now=self.random.random() < 0.7)
            assert len(self.engine.sent) <= before + 1, "more than one answer to a frame"
            self._settle()
        if self.now % self.round_ms == 0:
            self.engine.timer_round()
        self.engine.visit_all()
        self._settle()

    def _settle(self):
        """What the last event left behind: frames to the wire, packets and notices to hosts."""
        engine = self.engine
        for data in engine.take_sent():
            self.net.push(data, self.now)
        while engine.notices:
            name, node, vc = engine.notices.popleft()
            self.log.append((self.now, f"   notice {name} {node} vc{vc}"))
            self.ledger.notice(name, node, vc)
        while engine.delivered:
            node, vc, _, data = engine.delivered.popleft()
            self.ledger.engine_got(node, vc, data)

    # ---- the end ---------------------------------------------------------------------------

    def finish(self):
        """A perfect wire and users who read; then everything is closed, and all must be well."""
        self.net.wire({}, self.now)
        for turn in range(100):
            for node in self.modules:
                self.do("read", node)
            for node, vc, tag in self.net.tags():
                if turn % 10 == 9 and tag.stalled:  # only its user can wake it
                    self.do("write", node, vc)
            self.pass_time(400)
            if self._quiet():
                break
        else:
            raise AssertionError("data is still under way after 40 s on a perfect wire")
        check_control(self.net)
        for node in self.modules:
            for vc in range(3):
                self.do("close", node, vc)
        self.pass_time(6000)
        for node, vc, tag in self.net.tags():
            if tag.state != TagState.CLOSE_SENT:
                self.do("module_close", node, vc)
        self.pass_time(8000)
        self._check_end()

    def _check_end(self):
        left = [str(link) for link in self.engine.endpoint.links] + [
            str(tag) for _, _, tag in self.net.tags()
        ]
        assert not left, f"links that do not end: {'; '.join(left)}"
        assert self.engine.endpoint.free_slots == self.parameters.slots, "a slot is held"
        self.ledger.finish()
        check_control(self.net)

    def _quiet(self):
        return self.net.idle and not (
            any(link.stored for link in self.engine.endpoint.links)
            or any(tag.queue and tag.state != TagState.CLOSE_SENT for _, _, tag in self.net.tags())
        )

    def story(self, last=60):
        """The last lines of what happened, for the report of a failure."""
        return "\n".join(f"{now:8} {text[:130]}" for now, text in self.log[-last:])
