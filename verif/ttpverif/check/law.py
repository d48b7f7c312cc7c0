"""`LawFollower`: the law of congestion control of an engine, event by event (K4 to K10, K13).

The engine tells how the law of a link stands after each event of the trace, some clocks later. A
`Governor` beside the model says the same, and every difference is an error. Fields that mean nothing
are not compared: those of the sender on a link that is not controlled or that waits for its
OPEN_ACK, the age of a link that is not counted, and what is timed while nothing is.

What no record tells is followed within bounds: the load Ae (K5), of which the age limit and the
codes depend, and what the gate knew when it let a packet through (K9).
"""

from collections import deque

from ..frames.code import CODED, LEAST, sixteenths
from ..frames.fields import field_of, opcode_of
from ..model.congestion import time_ahead
from ..model.governor import Governor, Happening

__all__ = ["FIELDS", "LAW_CLOCKS", "LawError", "LawFollower", "fields_of"]

FIELDS = (
    "touched",
    "now",
    "window",
    "growing",
    "limited",
    "timing",
    "timed",
    "stamp",
    "base",
    "gap",
    "next_at",
    "counted",
    "age",
    "links",
    "free",
    "controlled",
)
"""The ports `law_*`, but for `law_valid`."""
LAW_CLOCKS = 6
"""Clocks, and so events at most, by which the law's records come behind those of the trace."""
_LAG = 8
"""How many events of its link a decision may not know of yet: `free`, and the gate's."""
_RECENT = 64
"""Records from which the number of links may be that a code was made of."""


class LawError(AssertionError):
    """The law of the engine and that of the decisions differ."""


def fields_of(governor, found):
    """What `law_*` must say after a `Happening` that the governor has carried out."""
    age = governor.receiver.ages.get(found.where)
    expected = {"counted": int(age is not None), "links": governor.receiver.links}
    if age is not None:
        expected["age"] = age
    if not found.opening:
        expected["controlled"] = int(found.controlled)
    if found.controlled and not found.opening:
        expected |= _of_sender(governor.senders[found.where], governor.slots.bit_length())
    return expected


def _of_sender(sender, bits):
    """`bits`: of the ID of the packet that is timed the lowest ones are kept."""
    expected = {
        "window": sender.window,
        "growing": int(sender.growing),
        "limited": int(sender.limited),
        "timing": int(sender.timed is not None),
        "base": sender.base,
        "gap": sender.gap,
        "next_at": sender.next_at,
        "free": int(sender.free),
    }
    if sender.timed is not None:
        expected |= {"timed": sender.timed % (1 << bits), "stamp": sender.stamp}
    return expected


class LawFollower:
    """`slots`: replay slots of the engine; `timed_bits`: how many bits of an ID `law_timed` has."""

    def __init__(self, slots, timed_bits=32):
        self.governor, self.timed_bits = Governor(slots), timed_bits
        self._owed: deque[tuple[Happening, str]] = deque()
        self._history = {}  # (node, vc) -> the last states of its Sender
        self._links = deque([0], maxlen=_RECENT)

    @property
    def owed(self):
        """Events of the trace of which the law has not told yet."""
        return len(self._owed)

    # ---- the trace -------------------------------------------------------------------------

    def before(self, endpoint, record):
        """Called before the model carries the record out; `note` wants what it returns."""
        return self.governor.before(endpoint, record.node, record.vc)

    def note(self, before, endpoint, record, outcome):
        """The model has carried out a record. `outcome`: None if it changed nothing there."""
        found = self.governor.happening(
            before, endpoint, record.node, record.vc, outcome, record.free, record.slow
        )
        self._owed.append((found, str(record)))

    def note_nothing(self):
        """A record of the trace that is about no link."""
        self._owed.append((Happening(), "an event of no link"))

    # ---- the law ---------------------------------------------------------------------------

    def follow(self, fields):
        """One record of the law; `LawError` if it is not what the decisions say."""
        if not self._owed:
            raise LawError("the law tells of an event that the trace did not tell of")
        found, record = self._owed.popleft()
        touched = bool(fields["touched"])
        if found.touched is not None and touched != found.touched:
            raise LawError(f"touched is {int(touched)} of {record}")
        self.governor.apply(found, fields["now"])
        if found.visited and found.where is not None:
            self._visit(found, bool(fields["counted"]))
        self._links.append(self.governor.receiver.links)
        if not touched:
            return
        expected = fields_of(self.governor, found)
        if "timed" in expected:
            expected["timed"] &= (1 << self.timed_bits) - 1
        wrong = [
            f"{name} is {fields[name]}, by the decisions {value}"
            for name, value in expected.items()
            if fields[name] != value
        ]
        if wrong:
            raise LawError(f"the law after {record}: " + "; ".join(wrong))
        self._gate(found, record, fields["now"])

    def _visit(self, found, counted):
        """The age limit depends on the load, which lies between 1 and 5/4 A links."""
        receiver = self.governor.receiver
        if found.where not in receiver.ages:
            return
        links = receiver.links
        most = min(31, 2 + 80 * links // 2048) if found.controlled else 2
        age = receiver.ages[found.where] + 1
        if age > most or age > 2 and not counted:
            receiver.ended(found.where)
        else:
            receiver.ages[found.where] = age

    # ---- the gate (K9) -----------------------------------------------------------------------

    def _gate(self, found, record, now):
        """The law's bits lag: a decision may be by any of the last states of its link."""
        if not found.controlled:
            self._history.pop(found.where, None)
            return
        states = self._history.setdefault(found.where, deque(maxlen=_LAG))
        if found.begins:
            # The bit of the link that was there before may still be told.
            sender = self.governor.senders[found.where]
            states.clear()
            states.extend((free, sender.window, None) for free in (False, True))
        elif found.free is not None and found.free not in {free for free, _, _ in states}:
            raise LawError(f"{record} was told free {int(found.free)}, which the link was not")
        elif found.position is not None:
            self._passed(found.position, states, record, now)
        sender = self.governor.senders[found.where]
        states.append((sender.free, sender.window, sender.next_at if sender.gap else None))

    @staticmethod
    def _passed(position, states, record, now):
        if position > max(window for _, window, _ in states):
            raise LawError(f"{record} sends {position} behind the oldest, beyond every window")
        due = [at for _, _, at in states]
        if not any(at is None or time_ahead(at, now) <= 0 for at in due):
            raise LawError(f"{record} sends at {now}; the link was to wait until one of {due}")

    # ---- codes (K6) --------------------------------------------------------------------------

    def sent(self, data):
        """A frame on the wire: its code says no more links than there can be."""
        byte = field_of(data, "congestion")
        if opcode_of(data) not in CODED or byte < LEAST:
            return
        links = max(self._links) + 2  # events that the law has not told of may count two more
        most = 4 * 64 * links * 5 // 4  # a quarter more by the load, four times with few slots
        if 4 * sixteenths(byte) > most + most // 16:
            raise LawError(f"a code of {byte:#x} was sent; {links} links are counted at most")
