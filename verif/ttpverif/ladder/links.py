"""One link of a capture, frame by frame: the conclusions that `analysis` lists.

Each node numbers its own data, so a link has two directions. A direction is kept per epoch of its
sender, because the epoch names the incarnation of the link (section 6); with Tesla's module,
which sends epoch 0, a new incarnation is known by its OPEN.
"""

from itertools import islice

from ..frames.frame import Opcode
from .decode import CONTROL, CONTROLLED_VC
from .direction import Direction, mark_lost_answer

__all__ = ["Link"]

_OPEN, _OPEN_ACK, _PAYLOAD, _ACK = (
    int(opcode) for opcode in (Opcode.OPEN, Opcode.OPEN_ACK, Opcode.PAYLOAD, Opcode.ACK)
)
_ASKED = 1024  # questions that are kept at least, the youngest: as many as may be under way
_SETTLED = 4096  # frames from one cleaning to the next
_INCARNATIONS = 32  # directions with different epochs that are kept
_ANSWERS = 64  # answers to one OPEN or CLOSE that are kept


class Link:
    """The good frames of one pair of nodes and one VC.

    Each frame goes through `enter`, from which the round trip is learned, then through `judge`,
    which marks it and older ones, and when it is shown through `settle`, which forgets it.
    """

    def __init__(self, name):
        self.name = name
        self.held = 0  # events between `enter` and `settle`
        self.one_sided = True  # only one node's frames are in the capture: no answer is
        self.controlled = False  # congestion control was agreed, or is made use of (K1, K2)
        self._source = None
        self._directions = {}  # (src, epoch) -> Direction
        self._current = {}  # src -> the direction begun last
        self._asked_at = {}  # (src, opcode, ID) -> time; None if it was sent twice
        self._round_trip_ns = {}  # who asks -> least time to an answer, seen where the capture is
        self._settled = 0

    def enter(self, event):
        """A frame was read: the least time from question to answer, by what was sent once."""
        record = event.record
        self.held += 1
        if record.src != self._source:
            self.one_sided = self._source is None
            self._source = self._source or record.src
        opcode, asked_at = record.opcode, self._asked_at
        if opcode == _PAYLOAD or opcode == _OPEN:
            key = record.src, opcode, record.tx_id
            asked_at[key] = None if key in asked_at else record.time_ns
            if len(asked_at) > 2 * _ASKED:  # one by one is slow: the front is full of holes
                for old in list(islice(asked_at, _ASKED)):
                    del asked_at[old]
        elif opcode == _ACK or opcode == _OPEN_ACK:
            asked = record.tx_id if record.echo else record.rx_id
            key = record.dst, _PAYLOAD if opcode == _ACK else _OPEN, asked
            then = asked_at.get(key)
            if then is not None:
                asked_at[key] = None  # what is sent once more is no first time
                passed = max(record.time_ns - then, 0)
                if passed < self._round_trip_ns.get(record.dst, passed + 1):
                    self._round_trip_ns[record.dst] = passed
        if record.vc == CONTROLLED_VC and (record.congestion or opcode == _OPEN_ACK):
            agrees = opcode == _OPEN_ACK and record.extension & CONTROL
            self.controlled = bool(self.controlled or agrees or record.says)

    def judge(self, event):
        """Mark it, and older ones by it."""
        self._kinds[event.record.opcode](self, event)

    def settle(self, event, last):
        """It is shown now: nothing more is concluded about it. `last`: why nothing follows."""
        self.held -= 1
        if self.one_sided:  # every frame would be unanswered or stray
            event.marks.pop("stray", None)
        direction = event.direction
        if direction is not None:
            if not self.one_sided and direction.unanswered(event):
                event.marks["unanswered"] = last
            direction.forget(event)
        self._settled += 1
        if self._settled % _SETTLED == 0:
            for direction in self._directions.values():
                direction.forget_acks(event.record.number)

    def _direction(self, record):
        """The direction of a frame that its sender numbers by its own epoch."""
        key = record.src, record.epoch
        if key not in self._directions:
            self._renew(record, None)
        return self._directions[key]

    def _renew(self, record, previous):
        direction = Direction(self._round_trip_ns.get(record.src, 0), previous)
        key = record.src, record.epoch
        self._directions.pop(key, None)
        self._directions[key] = self._current[record.src] = direction
        if len(self._directions) > _INCARNATIONS:
            del self._directions[next(iter(self._directions))]
        return direction

    def _request(self, event):
        record, kind = event.record, Opcode(event.record.opcode)
        direction = self._direction(record)
        if kind == Opcode.OPEN and self._is_new(direction, record):
            direction = self._renew(record, None if direction.closed else direction)
        before = direction.requests.get(kind)
        answers = direction.answers.get(kind, [])
        if before is not None:
            late = record.time_ns - self._round_trip_ns.get(record.src, 0)
            self._retry(event, before, answers, late)
            answers = [answer for answer in answers if answer.record.time_ns > late]
        direction.requests[kind], direction.answers[kind] = event, answers
        event.direction = direction

    @staticmethod
    def _is_new(direction, record):
        """Whether an OPEN begins an incarnation; else it is the last one again."""
        before = direction.requests.get(Opcode.OPEN)
        # Who has sent data has been answered, and does not repeat that OPEN.
        return (
            direction.closed
            or direction.sent
            or before is not None
            and before.record.tx_id != record.tx_id
        )

    @staticmethod
    def _retry(event, before, answers, late):
        """An OPEN or CLOSE again; answers after `late` cannot have arrived by then."""
        number = event.record.number
        event.replay_of, event.attempt = before.record.number, before.attempt + 1
        event.marks["retry"] = f"{event.record.name} of frame {before.record.number} again"
        if not answers and before.record.time_ns <= late:
            before.marks["lost"] = f"no answer before it was sent again, frame {number}"
        for answer in answers:
            if answer.record.opcode != Opcode.CLOSE_NACK and answer.record.time_ns <= late:
                mark_lost_answer(answer, event)

    def _answer(self, event, kind):
        record = event.record
        direction = self._current.get(record.dst)
        request = direction.requests.get(kind) if direction else None
        if kind == Opcode.OPEN and request and request.record.tx_id != record.rx_id:
            request = None
        if direction is None or request is None:
            event.marks["stray"] = f"no {kind.name} in this capture that it answers"
            return
        event.answers = request.record.number
        if request.answered_by is None:
            request.answered_by = record.number
        elif direction.answers[kind]:
            event.marks["again"] = f"frame {request.record.number} has been answered before"
        direction.answers[kind].append(event)
        del direction.answers[kind][:-_ANSWERS]
        if record.opcode == Opcode.OPEN_NACK:
            request.marks["refused"] = f"OPEN_NACK, frame {record.number}"
        if record.opcode == Opcode.CLOSE_ACK:
            for other in self._current.values():
                other.closed = True

    def _payload(self, event):
        direction = self._direction(event.record)
        if direction.closed:
            direction = self._renew(event.record, None)
        peer = self._current.get(event.record.dst)
        opening = peer.requests.get(Opcode.OPEN) if peer else None
        if peer and opening and (peer.answers[Opcode.OPEN] or peer.sent):
            opening = None
        event.direction = direction
        direction.payload(event, opening)

    def _data_answer(self, event):
        opcode, why = event.record.opcode, None
        direction = self._current.get(event.record.dst)
        if direction is None or not direction.sent:
            if opcode != Opcode.NACK_NOLINK:
                why = "no PAYLOAD in this capture that it answers"
        elif opcode == Opcode.ACK:
            why = direction.echo(event) if event.record.echo else direction.ack(event)
        elif opcode == Opcode.NACK:
            why = direction.nack(event)
        elif opcode == Opcode.NACK_FULL:
            direction.nack_full(event)
        else:
            direction.nack_nolink(event)
        if why:
            event.marks["stray"] = why

    _kinds = {
        Opcode.OPEN: _request,
        Opcode.CLOSE: _request,
        Opcode.PAYLOAD: _payload,
        Opcode.OPEN_ACK: lambda self, event: self._answer(event, Opcode.OPEN),
        Opcode.OPEN_NACK: lambda self, event: self._answer(event, Opcode.OPEN),
        Opcode.CLOSE_ACK: lambda self, event: self._answer(event, Opcode.CLOSE),
        Opcode.CLOSE_NACK: lambda self, event: self._answer(event, Opcode.CLOSE),
        **dict.fromkeys(
            (Opcode.ACK, Opcode.NACK, Opcode.NACK_FULL, Opcode.NACK_NOLINK), _data_answer
        ),
    }
