"""`Lockstep`: the model follows a trace of the hardware, event by event.

The hardware says in which order its pipeline handled events and what it made of each; the model
does the same event and every difference is an error. Bytes are not in the trace: monitors on
the ports fill the queues (`push_*`), and lockstep takes from them in order.
"""

from collections import Counter, defaultdict, deque
from typing import NoReturn

from ..frames.code import CODED, LEAST
from ..frames.datagram import is_known, pack, parse
from ..frames.fields import FIELDS, opcode_of, with_field
from ..frames.frame import Opcode
from ..frames.serial import ID_MASK
from ..model.controlled import ALONE
from ..model.endpoint import BLOCKED, Endpoint, Outcome, Parameters
from ..model.selective import Impossible
from ..model.states import EVENTS
from .chosen_ids import ChosenIds
from .law import LAW_CLOCKS, LawError, LawFollower
from .record import Mismatch, Record, SentFrame

__all__ = ["Lockstep"]


CODE_AT, _ = FIELDS["congestion"]


class Lockstep:
    """A model of the engine `parameters` describes, and the queues of its monitors.

    `step` wants, beforehand: `push_rx` for the frame of an RX event, `push_host` for the packet of
    a HOST_PAYLOAD. `push_tx` (wire) and `push_host_rx` (host) may come before or after the event
    that explains them; `finish` demands that all were explained. `law`: the engine also tells how
    its law of congestion control stands after each event (`push_law`); of the ID of the timed packet
    it tells the lower `timed_bits`.
    """

    HISTORY = 12
    BACKGROUND = ("PURGE", "SEEK", "WALKED", "RETIRE")
    OVERTAKEN = 8
    """By how many frames of other links one that waits for its distance may be overtaken."""
    ASKED_BEFORE = 64
    """How many records after the end of an ask the hardware may still take it for unfinished."""

    def __init__(self, parameters: Parameters, law: bool = False, timed_bits: int = 32):
        self.parameters = parameters
        self.law = LawFollower(parameters.slots, timed_bits) if law else None
        self.ids = ChosenIds(parameters)
        self.endpoint = Endpoint(parameters, self.ids)
        self.steps = Counter()
        """(event, old state) pairs seen: coverage of the state table."""
        self.door_drops = 0
        """Good frames that never became an event."""
        self._rx = deque()
        self._host = defaultdict(deque)
        self._wire = Counter()
        self._to_host = defaultdict(deque)
        self._from_host_port = defaultdict(deque)
        self._victims = Counter()
        self._asked = -self.ASKED_BEFORE
        self._walking = set()
        self._retiring = set()
        self._lag = Counter()
        self._history = deque(maxlen=self.HISTORY)

    # ---- monitors ------------------------------------------------------------------------

    def push_rx(self, data: bytes, bad_fcs: bool = False) -> str | None:
        """A frame as it came from the MAC; frames that do not parse raise no event."""
        parameters = self.parameters
        frame, cause = parse(data, parameters.network, parameters.node, bad_fcs)
        if cause is None:
            self._rx.append([frame, 0])
        return cause

    def push_host(self, node: int, vc: int, data: bytes) -> None:
        """A packet that the host handed over, in order for each VC."""
        self._host[vc].append((node, bytes(data)))

    def push_tx(self, data: bytes) -> None:
        """A whole frame as it left for the MAC; a NIC also sends what is not the model's."""
        if not is_known(data, self.parameters.network):
            return
        if self.law is not None:
            self._ask_law(self.law.sent, data)
        self._wire[_any_code(bytes(data))] -= 1

    def push_law(self, fields: dict[str, int]) -> None:
        """How the law stands after the oldest event of the trace that it has not told of yet.

        `fields`: those of the ports `law_*`, named without `law_`.
        """
        if self.law is None:
            raise Mismatch("this engine has no law of congestion control to tell of")
        self._ask_law(self.law.follow, fields)

    def forget_law(self) -> None:
        """The engine was reset: the law has forgotten every link, and what it had still to tell."""
        if self.law is not None:
            self.law = LawFollower(self.parameters.slots, self.law.timed_bits)

    def _ask_law(self, question, *arguments):
        try:
            question(*arguments)
        except LawError as error:
            before = "\n".join(f"  {past}" for past in self._history)
            raise Mismatch(f"{error}\nlast records, newest last:\n{before}") from None

    def push_host_rx(self, node: int, vc: int, packet_id: int, data: bytes) -> None:
        """A packet as the host was given it."""
        self._from_host_port[vc].append((node, vc, packet_id, bytes(data)))
        self._match_host(vc)

    @property
    def host_waits(self):
        """Whether a packet that the host handed over has had no answer yet, or one that is
        delivered has not come out."""
        return any(self._host.values()) or any(self._to_host.values())

    # ---- trace ---------------------------------------------------------------------------

    def step(self, record: Record) -> Outcome | None:
        """Carry out one record in the model and compare; raises `Mismatch`."""
        if self.law is None:
            return self._step(record)
        before = self.law.before(self.endpoint, record)
        outcome = self._step(record)
        self.law.note(before, self.endpoint, record, outcome)
        return outcome

    def skip(self) -> None:
        """A record of the trace that is about no link, and no `step`."""
        if self.law is not None:
            self.law.note_nothing()

    def _step(self, record: Record) -> Outcome | None:
        self._history.append(record)
        if record.event not in EVENTS:
            self._fail(record, f"unknown event {record.event!r}")
        self.steps[record.event, record.old_state] += 1
        state = self.endpoint.state(record.node, record.vc)
        if state != record.old_state:
            self._fail(record, f"state before: model {state.name}")
        {"SEEK": self._walking.add, "WALKED": self._walking.discard}.get(
            record.event, lambda where: None
        )((record.node, record.vc))
        if record.event == "RETIRE":
            self._retiring.discard((record.node, record.vc))
        if record.retire or record.event in self.BACKGROUND or self._idle(record):
            self._compare(record, "frame", record.frame, None)
            self._compare(record, "state after", record.new_state, state)
            self._compare(record, "delivered", record.delivered, False)
            self._note_freed(record)
            return None
        before = self.endpoint.links.find(record.node, record.vc)
        oldest = before.oldest if before is not None else 0
        self.ids.record = record
        if self.endpoint.asking is not None:
            self._asked = self.steps.total()
        try:
            outcome = self._drive(record)
        except (Mismatch, Impossible) as error:
            self._fail(record, str(error))
        self._check(record, outcome)
        after = self.endpoint.links.find(record.node, record.vc)
        if after is not None and after is before:
            self._note_freed(record, (after.oldest - oldest) & ID_MASK)
        else:
            self._lag[record.node, record.vc] = 0
        return outcome

    def _note_freed(self, record, retired=0):
        """How many acknowledged slots of the link wait to be freed."""
        where = record.node, record.vc
        if record.frees is None:
            self._lag[where] = 0
        else:
            self._lag[where] += retired - record.frees

    def purge(self, number):
        """A kept packet of an incarnation that ended in place `number` was freed (R10)."""
        try:
            self.endpoint.purge(number)
        except Impossible as error:
            raise Mismatch(str(error)) from None

    def _idle(self, record):
        """Events that may come at the wrong moment, and then do nothing: REPLAY, and the VISIT of a
        link whose list is being walked while the oldest's slot waits to be found."""
        if record.frame is not None or record.delivered:
            return False
        if record.event != "VISIT":
            return record.event == "REPLAY"
        where = record.node, record.vc
        link = self.endpoint.links.find(*where)
        if link is None or link.position != link.oldest or link.close_due or link.close_wanted:
            return False
        if where in self._walking:
            return True
        if self._lag[where]:  # slots in front of it are freed: a RETIRE follows
            self._retiring.add(where)
        return self._lag[where] > 0

    def _drive(self, record):
        endpoint, where = self.endpoint, (record.node, record.vc)
        if record.event.startswith("RX_"):
            return endpoint.receive(
                self._take_rx(record),
                record.room,
                record.kept,
                record.frame is not None and record.frame.opcode == Opcode.PAYLOAD,
            )
        if record.event == "HOST_PAYLOAD":
            return self._drive_host(record)
        if record.event == "VICTIM":
            if not self._victims[where]:
                raise Mismatch("no event made this link a victim")
            return endpoint.victim(*where)
        method = {
            "HOST_OPEN": endpoint.host_open,
            "HOST_CLOSE": endpoint.host_close,
            "VISIT": endpoint.visit,
            "SENT": endpoint.open_ack_sent,
            "TIMER": self._drive_timer,
            "LOOK": self._drive_look,
            "ASK": self._drive_ask,
            "REPLAY": self._drive_replay,
        }[record.event]
        return method(*where)

    def _drive_timer(self, node, vc):
        """A gap with kept packets: silence is the beginning of an ask, a NACK says that another
        link is asking (R6); both are checked against who asks."""
        endpoint, record = self.endpoint, self.ids.record
        nack = record.frame is not None and record.frame.opcode == Opcode.NACK
        before = endpoint.asking
        told = {name: getattr(record, name) for name in ("slow", "coin", "crowded")}
        outcome = endpoint.timer(node, vc, ask=not nack, **told)
        link = endpoint.links.find(node, vc)
        if link is None or not (link.selective and link.gap and link.kept) or link.looking:
            return outcome
        if nack and self._asked + self.ASKED_BEFORE <= self.steps.total():
            raise Mismatch("no link asks, but the timer did not let this one begin")
        if before is not None and endpoint.asking is not before and before.link.gap:
            raise Mismatch(f"two links ask at once; the other one: {before.link}")
        return outcome

    def _drive_look(self, node, vc):
        record = self.ids.record
        return self.endpoint.look(node, vc, record.tx_id, record.room)

    def _drive_ask(self, node, vc):
        return self.endpoint.ask(node, vc, self.ids.record.tx_id)

    def _drive_replay(self, node, vc):
        sent = self.ids.record.frame
        if sent is None:
            raise Mismatch("REPLAY delivers")
        return self.endpoint.replay(node, vc, sent.tx_id)

    def _take_rx(self, record):
        """The received frame of this record. Earlier ones of its link were dropped at the door, and
        so were others that too many have overtaken."""
        wanted = (
            record.event[3:],
            record.node,
            record.vc,
            record.tx_id,
            record.rx_id,
            record.epoch,
        )
        told = record.congestion is not None
        front = []
        while self._rx:
            frame, overtaken = self._rx.popleft()
            named = (frame.opcode.name, frame.src, frame.vc, frame.tx_id, frame.rx_id, frame.epoch)
            if named == wanted and (not told or frame.congestion == record.congestion):
                waiting = [
                    [other, times + 1]
                    for other, times in front
                    if (other.src, other.vc) != (frame.src, frame.vc) and times < self.OVERTAKEN
                ]
                self.door_drops += len(front) - len(waiting)
                self._rx.extendleft(reversed(waiting))
                return frame
            front.append([frame, overtaken])
        raise Mismatch(f"no such frame was received; waiting: {[str(f) for f, _ in front][:4]}")

    def _drive_host(self, record):
        queue = self._host[record.vc]
        if not queue or queue[0][0] != record.node:
            raise Mismatch(f"the host handed over no such packet; next: {list(queue)[:1]}")
        outcome = self.endpoint.host_payload(
            record.node, record.vc, queue[0][1], send_now=record.frame is not None, free=record.free
        )
        if outcome.result != BLOCKED:
            queue.popleft()
        return outcome

    def _check(self, record, outcome):
        if outcome.victim is not None:
            self._victims[outcome.victim] += 1
        sent = None if outcome.frame is None else SentFrame.of(outcome.frame)
        self._compare(record, "frame", record.frame, sent)
        self._compare(record, "state after", record.new_state, outcome.new_state)
        self._compare(
            record, "notice", record.notice, outcome.notices[0][0] if outcome.notices else None
        )
        self._compare(record, "delivered", record.delivered, bool(outcome.deliveries))
        if record.event == "RX_PAYLOAD":
            self._compare(record, "kept", record.kept, outcome.kept)
        if outcome.result is not None:
            self._compare(record, "result", record.result, outcome.result)
        if outcome.frame is not None:
            self._wire[_any_code(pack(outcome.frame, self.parameters.network))] += 1
        for delivery in outcome.deliveries:
            self._to_host[record.vc].append(delivery)
        self._match_host(record.vc)

    def _match_host(self, vc):
        expected, got = self._to_host[vc], self._from_host_port[vc]
        while expected and got:
            want, have = expected.popleft(), got.popleft()
            if want != have:
                raise Mismatch(f"host got {have}, expected {want}")

    def _compare(self, record, what, hardware, model):
        if hardware != model:
            self._fail(record, f"{what}: hardware {hardware}, model {model}")

    def _fail(self, record, why) -> NoReturn:
        link = self.endpoint.links.find(record.node, record.vc)
        before = "\n".join(f"  {past}" for past in self._history)
        raise Mismatch(f"{why}\nmodel's link: {link}\nlast records, newest last:\n{before}")

    # ---- end of run ----------------------------------------------------------------------

    def finish(self, door_drops: int = 0, killed: int = 0) -> None:
        """Everything seen is explained. `door_drops`: the hardware's own count of frames for
        which its event queue had no room. `killed`: its own count of PAYLOADs that it took back
        before they were on the wire, because they were acknowledged or their link ended."""
        problems = []
        if self.door_drops + len(self._rx) != door_drops:
            problems.append(
                f"{self.door_drops + len(self._rx)} good frames raised no event, "
                f"the hardware counted {door_drops}"
            )
        missing = sum(
            count for data, count in self._wire.items() if count > 0 and data[42] == Opcode.PAYLOAD
        )
        if missing != killed:
            problems.append(f"{missing} PAYLOADs not on the wire, the hardware counted {killed}")
        for data, count in self._wire.items():
            if count and not (count > 0 and data[42] == Opcode.PAYLOAD):
                frame, _ = parse(data, self.parameters.network)
                problems.append(
                    f"frame on the wire {'missing' if count > 0 else 'unexplained'}: "
                    f"{frame if frame else data.hex()} ({abs(count)}x)"
                )
        for name, queues in (
            ("not delivered", self._to_host),
            ("unexplained at the host", self._from_host_port),
            ("host packet without event", self._host),
        ):
            problems += [f"{name}: {packet}" for queue in queues.values() for packet in queue]
        problems += [
            f"look-up without an end: {link}" for link in self.endpoint.links if link.looking
        ]
        problems += [
            f"a VISIT sent nothing, and no RETIRE came: {link}"
            for link in self.endpoint.links
            if (link.node, link.vc) in self._retiring and link.waiting
        ]
        problems += [
            f"{count} kept packets of an ended link in place {number} never freed"
            for number, count in self.endpoint.purging.items()
            if count
        ]
        if self.law is not None and self.law.owed > LAW_CLOCKS:
            problems.append(f"the law has not told of the last {self.law.owed} events")
        if problems:
            raise Mismatch("\n".join(problems[:20]))


def _any_code(data: bytes) -> bytes:
    """The bytes with the code of an answer, which no event decides, as `ALONE`; what says nothing
    stays as it is (K2)."""
    if opcode_of(data) in CODED and data[CODE_AT] >= LEAST:
        return with_field(data, "congestion", ALONE)
    return data
