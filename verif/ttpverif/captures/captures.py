"""Tesla's captures as scripts: we take one node's place and are held to what that node did.

`load` reads one capture, `script` turns it into steps for role "A" or "B", `Replay` turns each step
into a stimulus for the device under test and compares its frames with Tesla's. Nothing here
waits or simulates: the same steps drive the model and the hardware.

    replay = Replay(capture, "B")
    for step in replay.steps:
        sent = do(replay.stimulus(step))     # bytes of the frames that the device sent
        replay.check(step, sent)
    replay.differences                       # {(frame number, opcode name, field)}

The device must have node 1 (A) or 2 (B), `fixed_open_id` with INIT_ID 1, EtherType 0x9AC6.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..frames.frame import Frame, Opcode
from ..frames.pcap import read_pcap
from ..frames.serial import id_add

__all__ = ["Capture", "Replay", "Step", "load", "load_all", "moments", "script"]

NODES = {"A": 1, "B": 2}
RESTARTS = {"12_peer_restart_nack_nolink": {"B": 5}}
"""Before which frame a node forgets everything (README of the captures)."""

_ANSWERS = {
    Opcode.OPEN_ACK: (Opcode.OPEN,),
    Opcode.OPEN_NACK: (Opcode.OPEN,),
    Opcode.CLOSE_ACK: (Opcode.CLOSE,),
    Opcode.CLOSE_NACK: (Opcode.CLOSE,),
    Opcode.ACK: (Opcode.PAYLOAD,),
    Opcode.NACK: (Opcode.PAYLOAD,),
    Opcode.NACK_FULL: (Opcode.PAYLOAD,),
    Opcode.NACK_NOLINK: (Opcode.PAYLOAD,),
}
_COMPARED = (
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
class Capture:
    """One capture: `frames` as sent, numbered from 1 in `dropped`, `delayed`, `injected`."""

    name: str
    frames: tuple
    dropped: frozenset
    delayed: frozenset
    injected: frozenset


@dataclass
class Step:
    """One stimulus and what Tesla's node answered.

    kind: "inject" (`frame` arrives), "open", "payload", "close" (the host's request for `frame`),
    "timer" (time-outs until something is sent), "restart" (reset the device before `frame`).
    `expected`: Tesla's frames in answer; `numbers`: theirs in the capture.
    """

    kind: str
    number: int
    frame: Frame
    expected: list = field(default_factory=list)
    numbers: list = field(default_factory=list)


def load(path: str | Path) -> Capture:
    """One capture file with its entry in wire.json beside it."""
    path = Path(path)
    wire = json.loads((path.parent / "wire.json").read_text())[path.name]
    frames = tuple(data for _, data in read_pcap(path))
    if len(frames) != wire["frames"]:
        raise ValueError(f"{path.name} has {len(frames)} frames, wire.json {wire['frames']}")
    return Capture(
        path.stem,
        frames,
        *(frozenset(wire.get(key, ())) for key in ("dropped", "delayed", "injected")),
    )


def load_all(folder: str | Path) -> dict[str, Capture]:
    """Every capture of the plain encapsulation in a folder, by name."""
    captures = {path.stem: load(path) for path in sorted(Path(folder).glob("*.pcap"))}
    return {
        name: capture
        for name, capture in captures.items()
        if all(Frame.parse(data)[1] is None for data in capture.frames)
    }


def moments(capture: Capture) -> Iterator[tuple[str, int]]:
    """(what, number) in the order of time: "sent", and "arrived" unless the wire lost it.

    A delayed frame arrives when the last one of the delayed frames has been sent.
    """
    for number in range(1, len(capture.frames) + 1):
        yield "sent", number
        if number in capture.delayed:
            if number == max(capture.delayed):
                yield from (("arrived", late) for late in sorted(capture.delayed))
        elif number not in capture.dropped or number in capture.injected:
            yield "arrived", number


def script(capture: Capture, role: str) -> list[Step]:
    """The steps of one role; empty if nothing ever reaches it and it starts nothing."""
    node = NODES[role]
    steps, known, nacked = [], set(), None
    for what, number in moments(capture):
        frame, cause = Frame.parse(capture.frames[number - 1])
        if frame is None:
            raise ValueError(f"{capture.name}, frame {number}: {cause}")
        if what == "sent" and RESTARTS.get(capture.name, {}).get(role) == number:
            steps.append(Step("restart", number, frame))
        if what == "arrived":
            if frame.dst == node:
                steps.append(Step("inject", number, frame))
                nacked = steps[-1] if frame.opcode == Opcode.NACK else None
                if frame.opcode == Opcode.NACK_NOLINK:
                    known.clear()  # everything is freed: what follows is the host's doing
        elif frame.src == node and number not in capture.injected:
            if frame.opcode in _ANSWERS:
                step = _asked(steps, frame)
            elif frame in known and nacked is not None:
                step, nacked = nacked, None
            else:
                kind = "timer" if frame in known else frame.opcode.name.lower()
                step = Step(kind, number, frame)
                steps.append(step)
            known.add(frame)
            step.expected.append(frame)
            step.numbers.append(number)
    return steps


def _asked(steps, answer):
    """The step whose frame this answers: the first unanswered, else the last of its kind."""
    asking = [
        step
        for step in steps
        if step.kind == "inject"
        and step.frame.vc == answer.vc
        and step.frame.opcode in _ANSWERS[answer.opcode]
    ]
    if not asking:
        raise ValueError(f"answer to nothing: {answer}")
    return next((step for step in asking if not step.expected), asking[-1])


class Replay:
    """One capture played to a device in the place of node `role`.

    `differences` collects (frame number, opcode name, field) for every field in which the device's
    frame was not Tesla's; field "missing": Tesla sent one more; "extra": the device did (with
    the number of the frame or request that it answered); "woken": with what a time-out made both
    send again, the device sent an ACK or a NACK (Z7).
    """

    def __init__(self, capture: Capture, role: str):
        self.capture, self.role = capture, role
        self.node = NODES[role]
        self.steps = script(capture, role)
        self.differences = set()
        self._shift = {}

    def stimulus(self, step: Step) -> tuple[str, int, int, bytes]:
        """(kind, peer node, VC, bytes): the frame to inject, or the host's packet.

        IDs in an injected answer are those of the capture, moved by as much as the device's own
        IDs differ from Tesla's.
        """
        if step.kind == "restart":
            return "restart", 0, 0, b""
        frame = step.frame
        if step.kind != "inject":
            return step.kind, frame.dst, frame.vc, frame.payload
        data = bytearray(self.capture.frames[step.number - 1])
        shift = self._shift.get(frame.vc, 0)
        if shift and frame.opcode in (Opcode.OPEN_ACK, Opcode.OPEN_NACK, Opcode.ACK, Opcode.NACK):
            data[56:60] = id_add(frame.rx_id, shift).to_bytes(4, "big")
        return "inject", frame.src, frame.vc, bytes(data)

    def check(self, step: Step, sent: list[bytes]) -> None:
        """Compare what the device sent in answer to `step` with Tesla's frames."""
        frames = []
        for data in sent:
            frame, cause = Frame.parse(data)
            if frame is None:
                raise AssertionError(f"{self.capture.name}: the device sent rubbish: {cause}")
            if step.kind == "timer" and frame.opcode in (Opcode.ACK, Opcode.NACK):
                self.differences.add((step.number, step.frame.opcode.name, "woken"))
            else:
                frames.append(frame)
        for number, ours, tesla in zip(step.numbers, frames, step.expected):
            for name in _COMPARED:
                if getattr(ours, name) != getattr(tesla, name):
                    self.differences.add((number, tesla.opcode.name, name))
            if ours.opcode == tesla.opcode and ours.opcode in (Opcode.OPEN, Opcode.PAYLOAD):
                self._shift[ours.vc] = (ours.tx_id - tesla.tx_id) & 0xFFFFFFFF
        done = len(frames)
        for number, tesla in zip(step.numbers[done:], step.expected[done:]):
            self.differences.add((number, tesla.opcode.name, "missing"))
        for ours in frames[len(step.expected) :]:
            self.differences.add((step.number, ours.opcode.name, "extra"))
