"""A peer that behaves as Tesla's module does on the wire (section 10), to pair models with.

Window of one, epoch 0 in every frame, timers that a PAYLOAD of the other side cancels, a CLOSE
that declares nothing. Its page is never full.
"""

from collections import deque

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.serial import id_add, id_distance

__all__ = ["Module"]


class Module:
    """One link of the module. `sent`: frames as bytes; `delivered`: data for its user."""

    def __init__(self, node, other, start=1, vc=0):
        self.node, self.other, self.start, self.vc = node, other, start, vc
        self.sent, self.delivered = deque(), deque()
        self._fresh()

    def _fresh(self):
        self.state = "CLOSED"
        self.acked = self.received = self.start  # of its own, and of the other side's
        self.queue = deque()  # the first of it is in flight
        self.replays = False  # its replay timer runs
        self.closes = False  # its CLOSE timer runs

    def _put(self, opcode, tx_id=0, rx_id=0, payload=b""):
        self.sent.append(
            Frame(
                self.node, self.other, Opcode[opcode], self.vc, tx_id, rx_id, 0, payload=payload
            ).pack()
        )

    # ---- its user ------------------------------------------------------------------------

    def reload(self):
        """It is unloaded and loaded anew: it knows nothing."""
        self._fresh()

    def write(self, data):
        self.queue.append(data)
        if self.state == "CLOSED":
            self.state = "OPENING"
            self._put("OPEN", self.acked, self.received)
        elif self.state == "OPEN" and (len(self.queue) == 1 or not self.replays):
            self._send()  # a write also wakes what has stalled

    def close(self):
        if self.state == "OPEN":
            self.state, self.closes = "CLOSING", True
            self._put("CLOSE", 0x6A, 3)  # left over from another event

    def tick(self):
        """All its timers run out, as far as they run."""
        if self.state == "OPENING":
            self._put("OPEN", self.acked, self.received)
        elif self.state == "OPEN" and self.replays:
            self._send()
        elif self.state == "CLOSING" and self.closes:
            self._put("CLOSE", 0x6B, 0)

    def _send(self):
        if self.queue and self.state == "OPEN":
            self.replays = True
            self._put("PAYLOAD", id_add(self.acked, 1), 0, self.queue[0])

    # ---- the wire ------------------------------------------------------------------------

    def receive(self, data):
        frame, cause = Frame.parse(data, self.node)
        if cause is None and frame.vc == self.vc:
            getattr(self, f"_{frame.opcode.name.lower()}")(frame)

    def _open(self, frame):
        if self.state == "CLOSED":
            self.acked = self.start
        waits = self.state == "OPENING"
        if self.state != "CLOSING":
            self.state = "OPEN"
        self.received = frame.tx_id
        self._put("OPEN_ACK", 0, frame.tx_id)
        if waits:
            self._send()

    def _open_ack(self, _frame):
        if self.state == "OPENING":
            self.state = "OPEN"
            self._send()

    def _open_nack(self, _frame):
        if self.state == "OPENING":
            self._fresh()

    def _payload(self, frame):
        if self.state == "CLOSED":
            self._put("NACK_NOLINK")
            return
        self.replays = self.closes = False  # the stall of section 10
        ahead = id_distance(frame.tx_id, self.received)
        if ahead == 1:
            self.received = frame.tx_id
            self.delivered.append(frame.payload)
        self._put("NACK" if ahead > 1 else "ACK", 0, self.received)

    def _ack(self, frame):
        self.closes = False
        if not self.queue or self.state != "OPEN":
            return
        if frame.rx_id == id_add(self.acked, 1):
            self.acked, self.replays = frame.rx_id, False
            self.queue.popleft()
        self._send()  # the next, or at once again

    def _nack(self, _frame):
        self._send()

    def _nack_full(self, _frame):
        pass

    def _nack_nolink(self, _frame):
        if self.state == "OPEN":
            self._put("OPEN", self.acked, self.received)
            self._send()

    def _close(self, frame):
        if (
            self.state != "CLOSED"
            and id_distance(frame.rx_id, id_add(self.acked, bool(self.queue))) > 0
        ):
            self._put("CLOSE_NACK", 0, self.received)
            return
        self._put("CLOSE_ACK", 0, frame.rx_id)
        if self.state != "CLOSED":
            self._put("CLOSE_ACK", 0, self.received)
            self._fresh()

    def _close_ack(self, _frame):
        if self.state == "CLOSING":
            self._fresh()

    def _close_nack(self, _frame):
        pass
