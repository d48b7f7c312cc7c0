"""What one node sent on a link in one incarnation, and what came back for it (section 3)."""

from ..frames.serial import id_add, id_distance

__all__ = ["Direction", "mark_lost_answer"]


def mark_lost_answer(answer, request):
    """`request` asks again for what `answer` had answered."""
    answer.marks["lost"] = f"lost or late: frame {request.record.number} asks again"


def _behind(missing):
    return f"ID {missing:#x} was missing in front of it"


class Direction:
    """Takes PAYLOADs of one node and their answers, in the order of the capture, and marks them.

    Parameters
    ----------
    previous : Direction or None
        The incarnation before, if it was not closed: its payload may be sent again in this one.
    round_trip_ns : int
        No answer can come sooner than this.
    """

    def __init__(self, round_trip_ns, previous=None):
        self.attempts = {}              # ID -> events of it, in the order sent
        self.requests = {}              # OPEN or CLOSE -> the last one
        self.answers = {}               # the same -> answers since then
        self.closed = False
        self._waiting = {}              # ID -> its last event, while nobody has acknowledged it
        self._previous = previous
        self._round_trip_ns = round_trip_ns
        self._youngest = None
        self._missing = None            # ID that a NACK asked for and that is still missing
        self._useless = {}              # frame -> why its receiver had to discard it
        self._asked = {}                # ID -> time of the last NACK that asked for it
        self._named = set()             # frames that a NACK has shown to be lost
        self._selective = False         # a NACK named a last missing ID, too (5.3)
        self._acks = []                 # (ID, event) of ACKs that may have been lost

    def unanswered(self):
        """Events for which nothing came."""
        requests = [event for kind, event in self.requests.items() if not self.answers[kind]]
        return requests + [event for event in self._waiting.values()
                           if "refused" not in event.marks]

    # PAYLOAD

    def payload(self, event, opening=None):
        """The node sent a PAYLOAD; `opening`: the peer's OPEN, if it had no answer yet."""
        number = event.record.tx_id
        attempts = self.attempts.setdefault(number, [])
        if not attempts:
            self._first_time(event)
        elif attempts[0].record.payload != event.record.payload:
            event.marks["changed"] = (f"ID {number:#x} again, but not the bytes of frame "
                                      f"{attempts[0].record.number}")
            return
        elif number in self._waiting:
            self._replay(event, attempts)
        else:
            self._duplicate(event, attempts)
        if number in self._waiting or not attempts:
            self._waiting[number] = event
            if opening is not None:     # decision L15
                self._useless[event.record.number] = (
                    f"frame {opening.record.number}, its receiver's OPEN, had no answer yet")
            elif self._missing is not None and id_distance(number, self._missing) > 0:
                self._useless[event.record.number] = _behind(self._missing)
        attempts.append(event)

    def _first_time(self, event):
        record, number = event.record, event.record.tx_id
        if self._previous is not None:
            before = self._previous._waiting.get(number)
            if before is not None and before.record.payload == record.payload:
                event.replay_of, event.attempt = before.record.number, before.attempt + 1
                event.marks["replay"] = f"frame {before.record.number} after opening again"
                self._previous._judge(before, record)
        if self._youngest is not None:
            ahead = id_distance(number, self._youngest)
            if ahead < 0:
                event.marks["late"] = f"ID {self._youngest:#x} came before it"
                return
            if ahead > 1:
                event.marks["gap"] = f"{ahead - 1} IDs in front of it are not in the capture"
        self._youngest = number

    def _replay(self, event, attempts):
        event.replay_of, event.attempt = attempts[0].record.number, attempts[-1].attempt + 1
        event.marks["replay"] = f"attempt {event.attempt} of frame {event.replay_of}"
        self._judge(attempts[-1], event.record)

    def _duplicate(self, event, attempts):
        first, last = attempts[0], attempts[-1]
        event.replay_of, event.attempt = first.record.number, last.attempt + 1
        answer = next(e.answered_by for e in reversed(attempts) if e.answered_by is not None)
        event.marks["duplicate"] = (f"frame {first.record.number} again, which frame {answer} had "
                                    "acknowledged")
        number, now, undecided = event.record.tx_id, event.record.time_ns, []
        for ack_id, ack in self._acks:
            if id_distance(ack_id, number) < 0 or now - ack.record.time_ns < self._round_trip_ns:
                undecided.append((ack_id, ack))
            else:
                mark_lost_answer(ack, event)
        self._acks = undecided

    def _judge(self, event, replay):
        """Why `event` had to be sent again, as the record `replay`."""
        number, useless = event.record.tx_id, self._useless.get(event.record.number)
        if "refused" in event.marks:
            return
        asked_at = self._asked.get(number)
        if useless is not None and "OPEN" in useless:
            event.marks["discarded"] = f"sent again as frame {replay.number}; {useless}"
        elif asked_at is not None and (
                event.attempt == 1
                or asked_at - event.record.time_ns >= self._round_trip_ns):
            event.marks["lost"] = f"asked for by a NACK, sent again as frame {replay.number}"
            self._named.add(event.record.number)
        elif self._selective and (useless is not None or asked_at is not None):
            pass                        # kept by the receiver, or still on its way: nobody can tell
        elif useless is not None:
            event.marks["discarded"] = f"sent again as frame {replay.number}; {useless}"
        elif replay.time_ns - event.record.time_ns >= self._round_trip_ns:
            event.marks["lost"] = f"no ACK before it was sent again, frame {replay.number}"

    # The answers of the other node

    def _acknowledge(self, answer, upto):
        """Everything up to `upto` has arrived; returns how many IDs that is news of."""
        covered = [number for number in self._waiting if id_distance(upto, number) >= 0]
        for number in covered:
            del self._waiting[number]
            self._asked.pop(number, None)
            attempts = [event for event in self.attempts[number]
                        if event.record.number not in self._named]
            possible = [index for index, event in enumerate(attempts)
                        if answer.record.time_ns - event.record.time_ns >= self._round_trip_ns]
            arrived = possible[-1] if possible else 0
            for event in attempts[arrived:]:        # later ones were still on their way
                event.answered_by = answer.record.number
                event.marks.pop("lost", None)
                event.marks.pop("discarded", None)
        if self._missing is not None and id_distance(upto, self._missing) >= 0:
            self._missing = None
        return len(covered)

    def ack(self, event):
        """An ACK came; returns why it is stray, or None."""
        number = event.record.rx_id
        if self._youngest is not None and id_distance(number, self._youngest) > 0:
            return f"ID {number:#x} was not sent"
        if not self._acknowledge(event, number):
            event.marks["again"] = f"ID {number:#x} had been acknowledged"
        if number in self.attempts:
            attempts, own = self.attempts[number], event.record.number
            answered = [e for e in attempts if e.answered_by == own] or attempts[-1:]
            event.answers = answered[0].record.number
            if answered[0].answered_by is None:         # a duplicate, acknowledged once more
                answered[0].answered_by = own
        self._acks.append((number, event))
        return None

    def nack(self, event):
        """A NACK came; returns why it is stray, or None."""
        record = event.record
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            event.marks["again"] = "everything had been acknowledged"
            return None
        # Tesla's module names the last good ID, which is older than what waits (decision D2).
        first = record.rx_id if id_distance(record.rx_id, oldest) > 0 else oldest
        asked = self._waiting.get(first)
        if asked is None:
            return f"ID {first:#x} was not sent, or had been acknowledged"
        event.answers = asked.record.number
        if record.tx_id:                # first and last missing ID: a selective link (5.3)
            self._selective = True
            self._asked.update((number, record.time_ns) for number in self._waiting
                               if id_distance(number, first) >= 0
                               and id_distance(record.tx_id, number) >= 0)
        else:
            self._acknowledge(event, id_add(first, -1))
            self._asked[first] = record.time_ns
        if asked.answered_by is None:
            asked.answered_by = record.number
        else:
            event.marks["again"] = f"ID {first:#x} has been asked for before"
        self._open_gap(first)
        return None

    def _open_gap(self, first):
        self._missing = first
        for number, waiting in self._waiting.items():
            if id_distance(number, first) > 0:
                self._useless.setdefault(waiting.record.number, _behind(first))

    def nack_full(self, event):
        """A NACK_FULL came: it names nothing, and means the oldest."""
        oldest = next(iter(self._waiting.values()), None)
        if oldest is not None:
            event.answers = oldest.record.number
            oldest.answered_by = event.record.number
            oldest.marks["refused"] = f"no room: NACK_FULL, frame {event.record.number}"
            self._open_gap(oldest.record.tx_id)

    def nack_nolink(self, event):
        """A NACK_NOLINK came; Tesla's module names no ID."""
        for number, waiting in self._waiting.items():
            if event.record.rx_id in (0, number):
                event.answers = waiting.record.number
                waiting.answered_by = event.record.number
                waiting.marks["refused"] = f"no link: NACK_NOLINK, frame {event.record.number}"
