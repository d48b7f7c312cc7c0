"""One link of a capture, frame by frame: the conclusions that `analysis` lists.

Each node numbers its own data, so a link has two directions. A direction is kept per epoch of its
sender, because the epoch names the incarnation of the link (section 6); with Tesla's module,
which sends epoch 0, a new incarnation is known by its OPEN.
"""

from ..frames.frame import Opcode
from .direction import Direction, mark_lost_answer

__all__ = ["Link"]


class Link:
    """The good frames of one pair of nodes and one VC: `take` each, then `finish`."""

    def __init__(self):
        self._events = []
        self._directions = {}           # (src, epoch) -> Direction
        self._current = {}              # src -> the direction begun last
        self._round_trip_ns = 0

    @property
    def one_sided(self):
        """Only one node's frames are in the capture, so no answer can be."""
        return len({event.record.src for event in self._events}) == 1

    def take(self, event):
        """The next frame of the link."""
        self._events.append(event)

    def finish(self):
        """After the last frame: mark them all."""
        self._round_trip_ns = self._shortest_round_trip()
        for event in self._events:
            opcode = event.record.opcode
            if opcode in (Opcode.OPEN, Opcode.CLOSE):
                self._request(event)
            elif opcode == Opcode.PAYLOAD:
                self._payload(event)
            elif opcode in (Opcode.OPEN_ACK, Opcode.OPEN_NACK):
                self._answer(event, Opcode.OPEN)
            elif opcode in (Opcode.CLOSE_ACK, Opcode.CLOSE_NACK):
                self._answer(event, Opcode.CLOSE)
            else:
                self._data_answer(event)
        # Where only one node is in the capture every frame would be unanswered or stray.
        for event in self._events:
            if self.one_sided:
                event.marks.pop("stray", None)
        for direction in self._directions.values() if not self.one_sided else ():
            for event in direction.unanswered():
                event.marks["unanswered"] = "no answer to the end of the capture"

    def _shortest_round_trip(self):
        """The least time from question to answer, by what was sent once only; 0 if unknown."""
        sent, shortest = {}, None
        for event in self._events:
            record = event.record
            if record.opcode in (Opcode.PAYLOAD, Opcode.OPEN):
                key = record.src, record.opcode, record.tx_id
                sent[key] = None if key in sent else record.time_ns
            elif record.opcode in (Opcode.ACK, Opcode.OPEN_ACK):
                asked = Opcode.PAYLOAD if record.opcode == Opcode.ACK else Opcode.OPEN
                then = sent.pop((record.dst, asked, record.rx_id), None)
                if then is not None and (shortest is None or record.time_ns - then < shortest):
                    shortest = record.time_ns - then
        return max(shortest or 0, 0)

    def _direction(self, record):
        """The direction of a frame that its sender numbers by its own epoch."""
        key = record.src, record.epoch
        if key not in self._directions:
            self._renew(record, None)
        return self._directions[key]

    def _renew(self, record, previous):
        direction = Direction(self._round_trip_ns, previous)
        self._directions[record.src, record.epoch] = self._current[record.src] = direction
        return direction

    def _request(self, event):
        record, kind = event.record, Opcode(event.record.opcode)
        direction = self._direction(record)
        if kind == Opcode.OPEN and self._is_new(direction, record):
            direction = self._renew(record, None if direction.closed else direction)
        before = direction.requests.get(kind)
        answers = direction.answers.get(kind, [])
        if before is not None:
            late = event.record.time_ns - self._round_trip_ns
            self._retry(event, before, answers, late)
            answers = [answer for answer in answers if answer.record.time_ns > late]
        direction.requests[kind], direction.answers[kind] = event, answers

    @staticmethod
    def _is_new(direction, record):
        """Whether an OPEN begins an incarnation; else it is the last one again."""
        before = direction.requests.get(Opcode.OPEN)
        # Who has sent data has been answered, and does not repeat that OPEN.
        return (direction.closed or direction.attempts
                or before is not None and before.record.tx_id != record.tx_id)

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
        if request is None:
            event.marks["stray"] = f"no {kind.name} in this capture that it answers"
            return
        event.answers = request.record.number
        if request.answered_by is None:
            request.answered_by = record.number
        elif direction.answers[kind]:
            event.marks["again"] = f"frame {request.record.number} has been answered before"
        direction.answers[kind].append(event)
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
        if opening is not None and (peer.answers[Opcode.OPEN] or peer.attempts):
            opening = None
        direction.payload(event, opening)

    def _data_answer(self, event):
        opcode, why = event.record.opcode, None
        direction = self._current.get(event.record.dst)
        if direction is None or not direction.attempts:
            if opcode != Opcode.NACK_NOLINK:
                why = "no PAYLOAD in this capture that it answers"
        elif opcode == Opcode.ACK:
            why = direction.ack(event)
        elif opcode == Opcode.NACK:
            why = direction.nack(event)
        elif opcode == Opcode.NACK_FULL:
            direction.nack_full(event)
        else:
            direction.nack_nolink(event)
        if why:
            event.marks["stray"] = why
