"""The peer in the module's place in the captures of both folders, frame by frame.

The capture is the clock: frames for the module go in at their times. Whenever the capture shows a
frame of the module, the peer must have it ready, or one of its timers must have ended by then, or
its user did it. `run_play` returns a `Result`; its `differences` are {(frame number, opcode name,
field)}: a field of `Frame`, "missing" (the module sent it, the peer does not) or "extra" (the peer
sends one more, before that frame).
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path

from ..captures.captures import NODES, RESTARTS, Capture, load, moments
from ..frames.frame import Frame, Opcode
from ..frames.pcap import read_pcap
from .options import Options
from .peer import Module
from .tag import TagState

__all__ = ["EARLY_MS", "LATE_MS", "Play", "Result", "load_plays", "run_play"]

LATE_MS = 50
"""A timer of the module's ends so much later at most than it is said to: 281 ms for 250."""

EARLY_MS = 1
"""The files' times are those of the other end of the wire: an interval can look so much shorter."""

LOST = {"36": (7,)}
"""Frames that are in a file of pcap-live and did not reach the module."""

BURSTS = {
    "04": (3, 40),
    "08": (5, 3),
    "09": (5, 3),
    "31": (3, 20),
    "33": (3, 6),
    "34": (3, 3),
    "38": (1, 8),
}
"""Writes that the user did at once: (before which frame, how many)."""

USER = {"03": {35: "read", 43: "read"}, "33": {39: "close", 51: "read"}}
"""What else the user did before a frame: "close" once more, "read" the page away."""

RELOADS = {"32": 11}
"""Before which frame the module was loaded anew, in pcap-live."""

RESUMED = {
    "37": {3: ((2, 2, 0x82, 0x81), (2, 1, 0x78, 0x78)), 7: ((2, 0, 0x6E, 0x6E),)},
    "38": {1: ((2, 2, 0x125, 0x124, b"?"),)},
}
"""Links in the middle of their lives where a file begins or was cut, before that frame: what
`Module.resume` takes."""

_FIELDS = (
    "dst",
    "src",
    "opcode",
    "vc",
    "tx_id",
    "rx_id",
    "epoch",
    "extension",
    "ethertype",
    "payload",
)


@dataclass(frozen=True)
class Play:
    """One capture with the peer in the place of `role`; `times` in ms."""

    capture: Capture
    role: str
    times: tuple

    @property
    def key(self):
        """Number of the capture."""
        return self.capture.name[:2]

    def __str__(self):
        return self.key + self.role


@dataclass
class Result:
    """What came of a play. `late`: {frame number: ms that a timer ended after the peer's}."""

    peer: Module
    differences: set = field(default_factory=set)
    late: dict = field(default_factory=dict)


def load_plays(folder: str | Path) -> list[Play]:
    """Every place of the module's in the captures of a folder (pcap-live has no wire.json)."""
    plays = []
    for path in sorted(Path(folder).glob("*.pcap")):
        times, frames = zip(*read_pcap(path))
        if any(Frame.parse(data)[1] for data in frames):
            continue  # the IPv4 encapsulation
        if (path.parent / "wire.json").exists():
            capture, roles = load(path), "AB"
        else:
            lost = frozenset(LOST.get(path.name[:2], ()))
            capture, roles = Capture(path.stem, frames, lost, frozenset(), frozenset()), "A"
        plays += [
            Play(capture, role, tuple((time - times[0]) / 1e6 for time in times)) for role in roles
        ]
    return plays


def run_play(play: Play, options: Options = Options()) -> Result:
    """Play one capture to a fresh `Module`."""
    return _Runner(play, options).run()


class _Runner:
    def __init__(self, play, options):
        self.play, self.node = play, NODES[play.role]
        self.result = Result(Module(self.node, options))
        self.peer = self.result.peer
        self.frames = [Frame.unpack(data) for data in play.capture.frames]
        self.ready = deque()  # frames that the peer has sent and nobody has looked at
        self.seen = 0
        self.writes = self._writes()

    def _writes(self) -> dict[tuple[int, int], deque[bytes]]:
        """{(node, VC): what its user wrote, in order}: a PAYLOAD full to the brim goes on."""
        writes, known, more = defaultdict(deque), set(), set()
        for frame in self.frames:
            key = frame.dst, frame.vc
            if (
                frame.src != self.node
                or frame.opcode != Opcode.PAYLOAD
                or ((*key, frame.tx_id) in known)
            ):
                continue
            known.add((*key, frame.tx_id))
            if key in more:
                writes[key][-1] += frame.payload
            else:
                writes[key].append(frame.payload)
            (more.add if len(frame.payload) == 1008 else more.discard)(key)
        return writes

    def run(self):
        capture, clock = self.play.capture, 0.0
        for what, number in moments(capture):
            frame = self.frames[number - 1]
            clock = max(clock, self.play.times[number - 1])
            if number > self.seen:
                self.seen = number
                self._before(number, frame, clock)
            if what == "arrived" and frame.dst == self.node:
                self._overdue(number, clock)
                self.ready += self.peer.receive(capture.frames[number - 1], clock)
            elif what == "sent" and frame.src == self.node and number not in capture.injected:
                self._expect(number, frame, clock)
        for data in self.ready:
            self._note(len(self.frames), Frame.unpack(data), "extra")
        return self.result

    def _before(self, number: int, frame: Frame, now: float):
        """What the tables say of the time before a frame."""
        key = self.play.key
        if number in (
            RELOADS.get(key),
            RESTARTS.get(self.play.capture.name, {}).get(self.play.role),
        ):
            self.peer.reload()
        for link in RESUMED.get(key, {}).get(number, ()):
            self.peer.resume(*link, now=now)
        action = USER.get(key, {}).get(number)
        if action == "read":
            self.peer.read()
        elif action == "close":
            self.ready += self.peer.close(frame.dst, frame.vc, now)
        before, times = BURSTS.get(key, (None, 0))
        if before == number:
            for _ in range(times):
                for link in list(self.writes):
                    self._write(*link, now)

    def _write(self, node: int, vc: int, now: float):
        self.ready += self.peer.write(node, vc, self.writes[node, vc].popleft(), now)

    def _overdue(self, number, now):
        """A timer of the peer's ended long ago, and the module has sent nothing."""
        due = self.peer.next_time
        while due is not None and now > due + LATE_MS:
            for data in self.peer.tick(due):
                self._note(number, Frame.unpack(data), "extra")
            due = self.peer.next_time

    def _expect(self, number, wanted, now):
        if not self.ready:
            self._overdue(number, now)
            self._cause(number, wanted, now)
        frame = Frame.unpack(self.ready[0]) if self.ready else None
        if frame is None or (frame.opcode, frame.vc) != (wanted.opcode, wanted.vc):
            self._note(number, wanted, "missing")
            return
        self.ready.popleft()
        for name in _FIELDS:
            if getattr(frame, name) != getattr(wanted, name):
                self._note(number, wanted, name)

    def _cause(self, number, wanted, now):
        """Why the module sends now: a timer, else its user."""
        due = self.peer.next_time
        if due is not None and due <= now + EARLY_MS:
            self.result.late[number] = now - due
            self.ready += self.peer.tick(max(now, due))
            return
        tag = self.peer.tags.get((wanted.dst, wanted.vc))
        state = None if tag is None else tag.state
        if wanted.opcode == Opcode.OPEN and state != TagState.OPEN_SENT:
            self.ready += self.peer.open(wanted.dst, wanted.vc, now)
        elif wanted.opcode == Opcode.CLOSE and state == TagState.OPEN:
            self.ready += self.peer.close(wanted.dst, wanted.vc, now)
        elif wanted.opcode == Opcode.PAYLOAD and self.writes[wanted.dst, wanted.vc]:
            self._write(wanted.dst, wanted.vc, now)

    def _note(self, number, frame, name):
        self.result.differences.add((number, frame.opcode.name, name))
