"""Streams of one engine of the pair as packets: what goes in, and what came out."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .ports import BenchError, reader, writer

__all__ = ["Assembler", "Frame", "NoticeRecord", "Payload", "Request", "Source"]


@dataclass
class Frame:
    """A frame on the wire; the cycles are those of its first and last beat."""

    data: bytes
    first_cycle: int = 0
    last_cycle: int = 0
    bad: bool = False


@dataclass
class Payload:
    """A payload that went in at the host's side (`id` is None) or came out there."""

    vc: int
    node: int
    data: bytes
    id: int | None = None
    first_cycle: int = 0
    last_cycle: int = 0


@dataclass
class Request:
    """A host command: 0 open, 1 close; `cycle`: when it was taken."""

    command: int
    node: int
    vc: int
    cycle: int = 0
    first_cycle: int = 0
    last_cycle: int = 0


@dataclass
class NoticeRecord:
    notice: int
    node: int
    vc: int
    cycle: int


class Source:
    """Drives one input stream from a queue of (beats, record, what to do when it is through)."""

    _record: Frame | Payload | Request
    _done: Callable[[Frame | Payload | Request], None]

    def __init__(self, node, port, mask):
        self.port, self.mask = port, mask
        self.queue = deque()
        self.gap = 0.0  # chance of a pause of one clock before a beat
        self._rng = node.bench.rng(f"{node.name}.{port.name}.gap")
        self._write = writer(node.signal(f"{port.name}_in"))
        self._valid = 1 << port.width
        self._beats, self._index = (), 0
        self._asserted = False

    @property
    def busy(self):
        """Something is queued or on the port."""
        return bool(self._asserted or self.queue or self._index < len(self._beats))

    def step(self, cycle, fired):
        """Take note of a transfer, put the next beat out; True if the next clock matters."""
        if self._asserted:
            if not fired & self.mask:
                return False
            self._asserted = False
            if self._index == 0:
                self._record.first_cycle = cycle
            self._index += 1
            if self._index == len(self._beats):
                self._record.last_cycle = cycle
                record, self._beats, self._index = self._record, (), 0
                self._done(record)
        if not self._beats:
            if not self.queue:
                self._write(0)
                return False
            self._beats, self._record, self._done = self.queue.popleft()
        if self.gap and self._rng.random() < self.gap:
            self._write(0)
            return True
        self._write(self._valid | self._beats[self._index])
        self._asserted = True
        return False

    def reseed(self, rng):
        self._rng = rng

    def clear(self):
        self.queue.clear()
        self._beats, self._index, self._asserted = (), 0, False
        self._write(0)


class Assembler:
    """Puts the beats of one output stream together again."""

    def __init__(self, node, port, done):
        self._read = reader(node.signal(f"{port.name}_q"))
        self._data_bits = port.bits_of("tdata")
        self._keep_bits = port.bits_of("tkeep")
        self._side_low = self._data_bits + self._keep_bits + 1
        self._done = done
        self.clear()

    def clear(self):
        self._beats, self._first = [], None

    def step(self, cycle):
        value = self._read()
        if self._first is None:
            self._first = cycle
        self._beats.append(value)
        if not value >> (self._side_low - 1) & 1:
            return
        keep = value >> self._data_bits & ((1 << self._keep_bits) - 1)
        mask, size = (1 << self._data_bits) - 1, self._data_bits // 8
        data = b"".join([(beat & mask).to_bytes(size, "little") for beat in self._beats])
        data = data[: len(data) - size + keep.bit_length()]
        side = {beat >> self._side_low for beat in self._beats}
        if len(side) != 1:
            raise BenchError(f"side-band changed within a packet: {sorted(map(hex, side))}")
        first, self._beats, self._first = self._first, [], None
        self._done(data, side.pop(), first, cycle)
