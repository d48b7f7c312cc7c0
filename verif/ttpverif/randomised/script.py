"""`Script`: one case of constrained random, as plain data that can be kept as JSON.

A script says how both engines are built and set, what happens when, and what the network does to
which frame; together with the hardware it determines a run to the clock. Events are lists
`[time, kind, ...]`, times in clocks after reset (the same `kind` as a key of `EVENTS`); faults are
lists `[wire, opcode, vc, nth, action, argument]`.
"""

import json
from dataclasses import asdict, dataclass, field

from ..frames.frame import Opcode

__all__ = ["ACTIONS", "EVENTS", "GHOSTS", "PEER", "Script", "ScriptError"]

VERSION = 1
NODES = ("a", "b")
PEER = "peer"
GHOSTS = tuple(f"ghost{number}" for number in range(4))
"""Nodes that answer nothing: hosts talk to them, or their frames come from the wire."""
_VCS = (0, 1, 2)
_PARTNERS = (PEER, *GHOSTS)
_PORTS = ("mac", *_VCS)
SETTINGS = (
    "timer_tick",
    "max_retry",
    "idle_limit",
    "link_slots",
    "selective",
    "congestion",
    "init_id",
    "fixed_open_id",
    "ieee",
    "enable",
    "ipv4",
    "ipv4_prefix",
    "ipv4_mask",
    "ipv4_router_upper",
    "ipv4_router_lower",
)
"""What a node is set to; `enable`, `timer_tick`, `max_retry`, `idle_limit`, `link_slots` and
`selective` and `congestion` may change while links are open. An engine that is built without
congestion control goes without `congestion`, one without the IPv4 form without `ipv4*`. Where the
mask says so, the wire that leaves the node has its router in it."""
CHANGES = (
    "timer_tick",
    "max_retry",
    "idle_limit",
    "link_slots",
    "selective",
    "congestion",
    "enable",
)


class ScriptError(ValueError):
    """A script that cannot be played; the text is one line."""


def _whole(low, high):
    return lambda value: isinstance(value, int) and low <= value <= high


def _one_of(*values):
    return lambda value: value in values


_PERMILLE = _whole(0, 1000)
_ID = _whole(0, 0xFFFFFFFF)
_CLOCKS = _whole(0, 100_000)
_FOREIGN = (
    _one_of(*NODES),
    _one_of(*(op.name for op in Opcode)),
    _one_of(*_VCS),
    _one_of(*GHOSTS),
    _ID,
    _ID,
    _whole(0, 0xFFFF),
    _whole(0, 1024),
)

EVENTS = {
    "send": (_one_of(*NODES), _one_of(*_VCS), _one_of(*_PARTNERS), _whole(1, 1024)),
    "open": (_one_of(*NODES), _one_of(*_VCS), _one_of(*_PARTNERS)),
    "close": (_one_of(*NODES), _one_of(*_VCS), _one_of(*_PARTNERS)),
    "read": (_one_of(*NODES), _one_of(*_PORTS), _PERMILLE),
    "pause": (_one_of(*NODES), _one_of("mac", *_VCS), _PERMILLE),
    "set": (_one_of(*NODES), _one_of(*CHANGES), _whole(0, 0xFFFFFF)),
    "wire": (_one_of("ab", "ba"), _PERMILLE, _PERMILLE, _PERMILLE, _PERMILLE, _CLOCKS, _CLOCKS),
    "foreign": _FOREIGN,
    "datagram": _FOREIGN,
    "os": (_one_of(*NODES), _whole(46, 1500)),
    "drain": (_whole(1, 10**7),),
}
"""kind -> checks of what follows:

send     node, vc, partner, bytes     the host hands over a packet
open, close  node, vc, partner        host commands
read     node, port, permille         chance in a clock that the port's reader is ready
pause    node, port, permille         chance of a pause before each beat into the port
set      node, name, value            a configuration input or register changes
wire     wire, loss, doubled, late, corrupted (permille of the frames), delay, lateness (clocks)
foreign  node, opcode, vc, ghost, TxID, RxID, epoch, bytes   a frame of a ghost arrives
datagram  the same, in the IPv4 form (to an engine that knows it)
os       node, bytes                  a frame of another EtherType (NIC only)
drain    clocks                       wait until all is delivered and acknowledged, at most so long
"""

ACTIONS = ("lose", "corrupt", "late", "double")
"""Faults, by frame: the nth (from 0) with this opcode name and VC on the wire. `corrupt` has the
number of a bit as argument, `late` how many clocks later it arrives, `double` is arrival of a
copy so much later; `lose` has 0."""


@dataclass
class Script:
    """One case.

    config : fields of `ttpoe.config.Config`; top : what there are two of (`emit.WITHOUT_MAC`).
    seed : decides payload bytes, random pauses, IDs, and faults where `faults` is None.
    settings : `{node: {name: value}}`, see `SETTINGS`. events : see `EVENTS`, in order of time.
    faults : explicit ones, or None: drawn from the rates of the `wire` events.
    lockstep : whether the model follows; without it no link may end before everything is delivered.
    """

    config: dict
    top: str = "engine"
    seed: int = 1
    settings: dict = field(default_factory=dict)
    events: list = field(default_factory=list)
    faults: list | None = None
    origin: str = ""
    lockstep: bool = True

    def to_dict(self):
        return {"version": VERSION, **asdict(self)}

    def save(self, path, failure=None):
        """Write it as JSON, an event or fault a line; `failure`: what it made go wrong."""
        parts = dict(self.to_dict(), **({"failure": failure} if failure else {}))
        lines = []
        for name, value in parts.items():
            if name in ("events", "faults") and value:
                text = "[\n  " + ",\n  ".join(json.dumps(entry) for entry in value) + "\n ]"
            else:
                text = json.dumps(value)
            lines.append(f" {json.dumps(name)}: {text}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")

    @classmethod
    def load(cls, path):
        """From a file; `ScriptError` says what is wrong with it."""
        try:
            values = json.loads(path.read_text())
        except OSError as error:
            raise ScriptError(f"cannot read {path}: {error.strerror}") from None
        except ValueError as error:
            raise ScriptError(f"{path} is no JSON: {error}") from None
        if not isinstance(values, dict) or values.get("version") != VERSION:
            raise ScriptError(f"{path} is no script of version {VERSION}")
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values):
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        try:
            script = cls(**known)
        except TypeError as error:
            raise ScriptError(f"the script lacks a part: {error}") from None
        script.check()
        return script

    def check(self):
        """`ScriptError` for the first line that is wrong."""
        for event in self.events:
            if (
                not isinstance(event, list)
                or len(event) < 2
                or not _whole(0, 10**9)(event[0])
                or event[1] not in EVENTS
            ):
                raise ScriptError(
                    f"an event is [time, kind, ...], kind one of {', '.join(EVENTS)}; got {event}"
                )
            checks = EVENTS[event[1]]
            if len(event) != 2 + len(checks) or not all(
                good(value) for good, value in zip(checks, event[2:])
            ):
                raise ScriptError(f"event {event}: wrong values for {event[1]!r}")
        if any(later[0] < earlier[0] for earlier, later in zip(self.events, self.events[1:])):
            raise ScriptError("the events are not in the order of their times")
        for fault in self.faults or ():
            if len(fault) != 6 or fault[4] not in ACTIONS:
                raise ScriptError(
                    f"a fault is [wire, opcode, vc, nth, action, argument], action "
                    f"one of {', '.join(ACTIONS)}; got {fault}"
                )
        if not self.lockstep:
            self._check_links_stay()
        for node, settings in self.settings.items():
            unknown = [name for name in settings if name not in SETTINGS]
            if node not in NODES or unknown:
                raise ScriptError(f"settings of {node!r}: {unknown or 'no such node'}")

    def _check_links_stay(self):
        ends = [event for event in self.events if event[1] not in ("send", "wire", "drain")]
        limits = [
            name
            for settings in self.settings.values()
            for name in ("max_retry", "idle_limit")
            if settings.get(name)
        ]
        if ends or limits:
            raise ScriptError(
                "without lockstep there are only send, wire and drain, no max_retry "
                f"and no idle_limit; got {(ends + limits)[0]}"
            )

    @property
    def lines(self):
        """Events and faults: how long the script is."""
        return len(self.events) + len(self.faults or ())
