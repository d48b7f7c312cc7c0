"""What one node sent on a link in one incarnation, and what came back for it (section 3)."""

from collections import deque
from heapq import heapify, heappop, heappush

from ..frames.frame import Opcode
from .flight import Flight, Unwrapped

__all__ = ["Direction", "mark_lost_answer"]

_FATE = ("lost", "discarded", "sent again")
_LONG_RUN = 3  # so many neighbours behind a gap are rather not kept than lost one by one
_MANY = 64  # attempts of one PAYLOAD that are compared; the first one stays


def mark_lost_answer(answer, request):
    """`request` asks again for what `answer` had answered."""
    answer.marks["lost"] = f"lost or late: frame {request.record.number} asks again"


def _behind(missing):
    return f"ID {missing & 0xFFFFFFFF:#x} was missing in front of it"


class Direction:
    """Takes PAYLOADs of one node and their answers, in the order of the capture, and marks them.

    Parameters
    ----------
    round_trip_ns : int
        No answer can come sooner than this.
    previous : Direction or None
        The incarnation before, if it was not closed: its payload may be sent again in this one.

    What is kept of an event goes with `forget`, so that memory does not grow with the capture.
    """

    def __init__(self, round_trip_ns, previous=None):
        self.attempts = {}  # ID -> events of it, in the order sent
        self.requests = {}  # OPEN or CLOSE -> the last one
        self.answers = {}  # the same -> answers since then
        self.closed = False
        self.waiting = {}  # ID -> its last event, while nobody has acknowledged it
        self.sent = False  # a PAYLOAD, ever
        self.at_receiver = False  # asked for what is not in the capture: lost before it
        self._previous = previous
        if previous is not None:
            previous._previous = None  # one incarnation back is enough
        self._round_trip_ns = round_trip_ns
        self._count = Unwrapped()
        self._first = self._acked = None  # IDs: the first one seen, the youngest acknowledged
        self._order = Flight()  # IDs that wait
        self._untold = Flight()  # those of them of which no answer has said anything
        self._missing = None  # ID that a NACK asked for and that is still missing
        self._useless = {}  # ID -> why its receiver had to discard the last attempt
        self._kept = set()  # IDs behind a gap that the receiver has (K12)
        self._asked = {}  # ID -> (time of the last NACK that asked, rather not kept)
        self._named = set()  # frames that a NACK has shown to be lost
        self._no_room = False  # NACK_FULL, and nothing acknowledged since
        self._selective = False  # a NACK named a last missing ID, too (5.3)
        self._late_acks = []  # ACKs by falling ID, when each can have arrived
        self._new_acks = deque()  # (ID, event) of ACKs that may still be on their way
        self._acks_of = {}  # ID sent more than once -> ACKs of it
        self._last_answer = None  # ACK or NACK

    # PAYLOAD

    def payload(self, event, opening=None):
        """The node sent a PAYLOAD; `opening`: the peer's OPEN, if it had no answer yet."""
        number = event.record.tx_id
        self.sent = True
        attempts, youngest = self.attempts.get(number), self._count.youngest
        if (
            attempts is None
            and youngest is not None
            and number == youngest + 1 & 0xFFFFFFFF
            and opening is None
            and self._missing is None
            and self._previous is None
        ):
            # Most of all frames: the next ID, and nothing to remark.
            self._count.youngest = youngest + 1
            self.attempts[number] = [event]
            self.waiting[number] = event
            self._order.append(youngest + 1)
            self._untold.append(youngest + 1)
            return
        if attempts is None:
            attempts = self.attempts[number] = []
            self._first_time(event)
        elif not _same(attempts[0].record, event.record):
            event.marks["changed"] = (
                f"ID {number:#x} again, but not the bytes of frame {attempts[0].record.number}"
            )
            return
        elif number in self.waiting and number not in self._kept:
            self._replay(event, attempts)
        else:
            self._duplicate(event, attempts)
        if number in self.waiting or not attempts:
            self._wait(event, number, opening)
        attempts.append(event)
        if len(attempts) > _MANY:
            del attempts[1 : -_MANY // 2]

    def _wait(self, event, number, opening):
        count = self._count(number)
        self.waiting[number] = event
        self._order.add(count)
        if count == self._missing and not self._selective:
            self._missing = None  # what comes behind it now is not out of order
        if opening is not None:  # decision L15
            self._useless[number] = (
                f"frame {opening.record.number}, its receiver's OPEN, had no answer yet"
            )
        elif self._missing is not None and count > self._missing and not self._selective:
            self._useless[number] = _behind(self._missing)
        else:
            self._untold.add(count)
            self._useless.pop(number, None)
            return
        self._untold.discard(count)

    def _first_time(self, event):
        record, number = event.record, event.record.tx_id
        if self._previous is not None:
            before = self._previous.waiting.get(number)
            if before is not None and _same(before.record, record):
                event.replay_of, event.attempt = before.record.number, before.attempt + 1
                event.marks["replay"] = f"frame {before.record.number} after opening again"
                self._previous._judge(before, record)
        youngest, count = self._count.youngest, self._count(number)
        if youngest is not None:
            if count < youngest:
                event.marks["late"] = f"ID {youngest & 0xFFFFFFFF:#x} came before it"
                return
            if count > youngest + 1:
                event.marks["gap"] = (
                    f"{count - youngest - 1} IDs in front of it are not in the capture"
                )
        self._count.youngest = count
        if self._first is None:
            self._first = count

    def _replay(self, event, attempts):
        event.replay_of, event.attempt = attempts[0].record.number, attempts[-1].attempt + 1
        event.marks["replay"] = f"attempt {event.attempt} of frame {event.replay_of}"
        self._judge(attempts[-1], event.record)

    def _duplicate(self, event, attempts):
        first, last = attempts[0], attempts[-1]
        event.replay_of, event.attempt = first.record.number, last.attempt + 1
        answer = next((e.answered_by for e in reversed(attempts) if e.answered_by is not None), "?")
        said = "said to be kept" if event.record.tx_id in self._kept else "acknowledged"
        event.marks["duplicate"] = (
            f"frame {first.record.number} again, which frame {answer} had {said}"
        )
        # Every ACK of it that can have arrived by now has not.
        count, arrived = self._count(event.record.tx_id), event.record.time_ns - self._round_trip_ns
        while self._new_acks and self._new_acks[0][1].record.time_ns <= arrived:
            ack_count, ack = self._new_acks.popleft()
            heappush(self._late_acks, (-ack_count, ack.record.number, ack))
        while self._late_acks and -self._late_acks[0][0] >= count:
            mark_lost_answer(heappop(self._late_acks)[2], event)

    def _judge(self, event, replay):
        """Why `event` had to be sent again, as the record `replay`."""
        number = event.record.tx_id
        if "refused" in event.marks or number in self._kept:
            return
        useless, asked = self._useless.get(number), self._asked.pop(number, None)
        again = f"sent again as frame {replay.number}"
        soon = replay.time_ns - event.record.time_ns < self._round_trip_ns
        if (
            not self.at_receiver
            and asked is not None
            and (event.attempt == 1 or asked[0] - event.record.time_ns >= self._round_trip_ns)
        ):
            if asked[1]:
                event.marks["sent again"] = f"asked for by a NACK, lost or not kept; {again}"
            else:
                event.marks["lost"] = f"asked for by a NACK, {again}"
                self._named.add(event.record.number)
        elif useless is not None and not soon or useless is not None and "OPEN" in useless:
            event.marks["discarded"] = f"{again}; {useless}"
        elif soon or asked is not None or self._unasked(event) or self.at_receiver:
            event.marks["sent again"] = f"{again}, which says nothing about this one"
        elif self._count(number) == self._order.oldest():
            event.marks["lost"] = f"no ACK before it was {again}"
        else:
            event.marks["sent again"] = f"{again} behind an older one, which says nothing of it"

    def _unasked(self, event):
        """An ACK or NACK that was not for it has come since: its sender did not wait for one.

        Tesla's module (epoch 0) then sends again at once; on a selective link the oldest goes out
        with a NACK of others, in case that it or its ACK was lost (decision R12).
        """
        answer = self._last_answer
        if answer is None or answer.record.number < event.record.number:
            return False
        return event.record.epoch == 0 or (
            self._selective and event.attempt == 1 and answer.record.opcode == Opcode.NACK
        )

    # The answers of the other node

    def _acknowledge(self, answer, upto):
        """Everything up to `upto` has arrived; returns how many IDs that is news of."""
        if self._order.pop_oldest(upto):
            covered = (upto,)
            self._untold.pop_oldest(upto)
        else:
            covered = self._order.take(None, upto)
            if not covered:
                return 0
            self._untold.take(None, upto)
        self._no_room, self._acked = False, upto
        record = answer.record
        arrived_by, number = record.time_ns - self._round_trip_ns, record.number
        for count in covered:
            serial = count & 0xFFFFFFFF
            del self.waiting[serial]
            self._kept.discard(serial)
            if self._asked or self._useless:
                self._asked.pop(serial, None)
                self._useless.pop(serial, None)
            attempts = self.attempts.get(serial, ())
            if len(attempts) == 1:
                _has_arrived(attempts[0], number)
                continue
            possible = [e for e in attempts if e.record.time_ns <= arrived_by] or attempts[:1]
            arrived = next(
                (e for e in reversed(possible) if e.record.number not in self._named), None
            )
            if arrived is None:
                # A NACK has shown all of them to be lost. If the next one cannot have arrived by
                # far, they were late; else the round trip is shorter than it seemed.
                after = attempts[len(possible) :]
                soon = after and record.time_ns - after[0].record.time_ns
                arrived = possible[-1] if not after or 4 * soon < self._round_trip_ns else after[0]
            _has_arrived(arrived, number)  # of later ones, still on their way, nothing is known
        if self._missing is not None and upto >= self._missing:
            self._missing = None
        return len(covered)

    def ack(self, event):
        """An ACK came; returns why it is stray, or None."""
        number = event.record.rx_id
        count = self._count(number)
        if self._count.youngest is not None and count > self._count.youngest:
            return f"ID {number:#x} was not sent"
        self._last_answer = event
        attempts = self.attempts.get(number)
        if not self._acknowledge(event, count):
            event.marks["again"] = f"ID {number:#x} had been acknowledged"
            if attempts is not None and len(attempts) > 1:
                self._came_twice(event, number, attempts)
        if attempts:
            own = event.record.number
            answered = attempts[0]
            if answered.answered_by != own:
                answered = next((e for e in attempts if e.answered_by == own), attempts[-1])
            event.answers = answered.record.number
            if answered.answered_by is None:  # a duplicate, acknowledged once more
                answered.answered_by, answered.by_repeat = own, True
        self._new_acks.append((count, event))
        return None

    def echo(self, event):
        """An ACK with a TxID came: that packet is kept, nothing is acknowledged (K12). Returns why
        it is stray, or None."""
        record = event.record
        count = self._count(record.tx_id)
        if self._count.youngest is not None and count > self._count.youngest:
            return f"ID {record.tx_id:#x} was not sent"
        self._last_answer, self._selective = event, True
        attempts = self.attempts.get(record.tx_id)
        if not attempts:
            return None
        arrived_by = record.time_ns - self._round_trip_ns
        possible = [e for e in attempts if e.record.time_ns <= arrived_by] or attempts[:1]
        event.answers = possible[-1].record.number
        _has_arrived(possible[-1], record.number)
        if record.tx_id in self.waiting:
            self._kept.add(record.tx_id)
            self._untold.discard(count)
            self._asked.pop(record.tx_id, None)
            self._useless.pop(record.tx_id, None)
        return None

    def _came_twice(self, answer, number, attempts):
        """One more ACK of an ID: one more of its attempts has arrived."""
        acks = self._acks_of[number] = self._acks_of.get(number, 1) + 1
        doubted = [e for e in attempts if any(mark in e.marks for mark in _FATE)]
        if doubted and acks > len(attempts) - len(doubted):
            found = doubted[-1]
            found.by_repeat = "lost" not in found.marks
            self._named.discard(found.record.number)
            _has_arrived(found, answer.record.number)

    def nack(self, event):
        """A NACK came; returns why it is stray, or None."""
        record, oldest = event.record, self._order.oldest()
        self._last_answer = event
        if oldest is None:
            event.marks["again"] = "everything had been acknowledged"
            return None
        named = self._count(record.rx_id)
        if (
            self._first < named < oldest
            and record.rx_id not in self.attempts
            and (self._acked is None or named > self._acked)
        ):
            self.at_receiver = True  # it was lost before it came here
            return None
        # Tesla's module names the last good ID, which is older than what waits (decision D2).
        first = max(named, oldest)
        asked = self.waiting.get(first & 0xFFFFFFFF)
        if asked is None:
            return f"ID {first & 0xFFFFFFFF:#x} was not sent, or had been acknowledged"
        event.answers = asked.record.number
        if record.tx_id:  # first and last missing ID: a selective link (5.3)
            self._selective = True
            self._ask_for(first, max(first, self._count(record.tx_id)), record.time_ns)
        else:
            self._acknowledge(event, first - 1)
            passed = record.time_ns - asked.record.time_ns
            if asked.attempt == 1 or passed >= self._round_trip_ns:  # else: of the one before
                self._asked[first & 0xFFFFFFFF] = record.time_ns, self._no_room
                self._open_gap(first)
            else:
                self._lost_before(first & 0xFFFFFFFF, record)
        if asked.answered_by is None:
            asked.answered_by = record.number
        else:
            event.marks["again"] = f"ID {first & 0xFFFFFFFF:#x} has been asked for before"
        return None

    def _ask_for(self, first, last, time_ns):
        """A selective NACK: each of its IDs is missing, whatever is known of younger ones."""
        gap_open = self._missing is not None and self._missing < first
        not_kept = self._no_room or gap_open and last - first + 1 >= _LONG_RUN
        for count in self._untold.take(first, last):
            serial = count & 0xFFFFFFFF
            event = self.waiting[serial]
            if event.attempt > 1 and time_ns - event.record.time_ns < self._round_trip_ns:
                self._untold.add(count)  # it asks for the attempt before
            else:
                self._asked[serial] = time_ns, not_kept
        if self._missing is None:
            self._missing = first

    def _lost_before(self, serial, nack):
        """A NACK that crossed a replay asks for the attempt before it."""
        if self._no_room or self.at_receiver:
            return
        sent_by = nack.time_ns - self._round_trip_ns
        before = [e for e in self.attempts.get(serial, ()) if e.record.time_ns <= sent_by]
        if before and before[-1].marks.keys() & {"sent again", "discarded"}:
            for mark in _FATE:
                before[-1].marks.pop(mark, None)
            before[-1].marks["lost"] = f"asked for by a NACK, frame {nack.number}"
            self._named.add(before[-1].record.number)

    def _open_gap(self, first):
        self._missing = first
        for count in self._untold.take(first + 1, None):
            self._useless.setdefault(count & 0xFFFFFFFF, _behind(first))

    def nack_full(self, event):
        """A NACK_FULL came: it names nothing, and means the oldest."""
        oldest, self._no_room = self._order.oldest(), True
        if oldest is not None:
            asked = self.waiting[oldest & 0xFFFFFFFF]
            event.answers, asked.answered_by = asked.record.number, event.record.number
            asked.marks["refused"] = f"no room: NACK_FULL, frame {event.record.number}"
            self._open_gap(oldest)

    def nack_nolink(self, event):
        """A NACK_NOLINK came; Tesla's module names no ID."""
        named = event.record.rx_id
        if named in self.waiting:
            refused = [named]
            self._untold.discard(self._count(named))
        elif named:
            return
        else:
            refused = [count & 0xFFFFFFFF for count in self._untold.take(None, None)]
        for serial in refused:
            waiting = self.waiting[serial]
            event.answers, waiting.answered_by = waiting.record.number, event.record.number
            waiting.marks["refused"] = f"no link: NACK_NOLINK, frame {event.record.number}"

    # Memory

    def unanswered(self, event):
        """Whether nothing came for this event of this direction."""
        record = event.record
        if record.opcode in self.requests:
            return self.requests[record.opcode] is event and not self.answers[record.opcode]
        return (
            self.waiting.get(record.tx_id) is event
            and "refused" not in event.marks
            and record.tx_id not in self._kept
        )

    def forget(self, event):
        """The event has been shown: it is not compared with what comes from now on."""
        record, number = event.record, event.record.tx_id
        self._named.discard(record.number)
        attempts = self.attempts.get(number)
        if attempts and attempts[-1] is event:
            del self.attempts[number]
            self._acks_of.pop(number, None)
            self._kept.discard(number)
            if self.waiting.pop(number, None) is not None:
                self._asked.pop(number, None)
                self._useless.pop(number, None)
                count = self._count(number)
                self._order.discard(count)
                self._untold.discard(count)

    def forget_acks(self, before):
        """Frames up to number `before` have been shown."""
        while self._new_acks and self._new_acks[0][1].record.number <= before:
            self._new_acks.popleft()
        self._late_acks = [ack for ack in self._late_acks if ack[1] > before]
        heapify(self._late_acks)


def _has_arrived(event, answer):
    """The answer with this number shows it."""
    event.answered_by = answer
    if event.marks:
        for mark in _FATE:
            event.marks.pop(mark, None)


def _same(one, other):
    """Whether two frames carry the same payload, as far as both were captured whole."""
    return one.payload_size == other.payload_size and (
        one.digest == other.digest or one.captured != other.captured
    )
