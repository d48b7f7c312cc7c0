"""Peers that send epoch 0 (protocol sections 10 and 10.1, decisions Z1 to Z9): part of
`model.Endpoint`.

Tesla's module is such a peer. A link with one is a *zero link* (`Link.zero`). Here is what such a
link does of its own; where a rule only bends what every link does (Z1, Z2, Z8: `model_close`, Z9:
`model_selective`), it stands there.
"""

from ..frames.frame import Opcode
from ..frames.serial import ID_MASK, id_add, id_distance
from .part import Part
from .states import DATA_STATES, State

__all__ = ["CROWDED_WAKES", "TELL_LIMIT", "WAKE_LIMIT", "Zero"]

TELL_LIMIT = 2
"""How often in a row CLOSE_ACK is repeated before the time it ends the link (Z3)."""
WAKE_LIMIT = 8
"""In how many time-outs in a row the timer wakes the peer (Z7)."""
CROWDED_WAKES = (2, 6)
"""How many time-outs come before those that wake while the engine is crowded."""


class Zero(Part):
    # ---- OPEN on a link that exists (Z4) -------------------------------------------------

    @staticmethod
    def _fits(link, frame):
        """The OPEN's RxID lies between our oldest unacknowledged ID - 1 and the last one sent."""
        return ((frame.rx_id - id_add(link.oldest, -1)) & ID_MASK) <= link.in_flight

    def _agrees(self, link, frame):
        """It fits, and the peer goes on where we are, or one before: an ACK of ours was lost."""
        behind = id_distance(link.received, frame.tx_id)
        return self._fits(link, frame) and (behind == 0 or behind == 1 and link.fed)

    def _open_zero(self, step):
        link, frame = step.link, step.frame
        asked, link.asked = link.asked, False
        if self._agrees(link, frame):
            link.doubted = False
            if frame.rx_id == frame.tx_id != link.received:
                self._notice(step, "PEER_RESTARTED")  # or not: nothing can tell
            self._take_open(step)
        elif link.state == State.OPEN_RECD:
            self._restart(step)
        elif not asked:
            link.doubted = True
            self.counters["doubted"] += 1
            self._acknowledge_open(step)
        elif self._fits(link, frame):
            self._resynchronise(step)
        else:
            self._restart(step)

    def _take_open(self, step):
        """OPEN_ACK; the OPEN's RxID acknowledges."""
        self._retire(step, self._acknowledged(step.link, step.frame.rx_id))
        self._acknowledge_open(step)

    def _resynchronise(self, step):
        """Our side stays; the peer's position is what its OPEN says (L17: its EtherType, too)."""
        link = step.link
        link.received, link.ethertype = step.frame.tx_id, step.frame.ethertype
        link.fed = link.guessed = link.doubted = link.gap = False
        self.counters["resynced"] += 1
        self._take_open(step)

    # ---- frames that are out of step (Z5, Z6) --------------------------------------------

    @staticmethod
    def _lost_step(link, packet_id):
        """Whether a PAYLOAD shows that the peer's position is not r, or it may not be (Z5)."""
        if not link.zero or link.doubted:
            return link.doubted
        ahead = id_distance(packet_id, link.received)
        return ahead != 1 and (
            link.guessed or not link.fed and ahead > 1 or link.gap and packet_id == link.seen
        )

    def _out_of_step(self, step):
        """NACK_NOLINK: the module opens again, with its true position, and sends again."""
        self._reply(step, Opcode.NACK_NOLINK, step.frame.tx_id)
        step.out.drop = "out_of_step"
        step.link.asked = step.link.zero

    def _bad_ack(self, step):
        """An ACK or NACK whose ID means nothing here: of a peer that restarted, perhaps (Z6)."""
        if step.link.zero and step.link.doubted:
            self._out_of_step(step)
        else:
            step.out.drop = "bad_ack"

    # ---- the timer (Z7) ------------------------------------------------------------------

    def _wake(self, step, time_outs):
        """`time_outs`: how many came before this one in a row."""
        link = step.link
        if (
            link is None
            or not link.zero
            or link.state != State.OPEN
            or time_outs >= WAKE_LIMIT
            or step.crowded
            and time_outs not in CROWDED_WAKES
            or link.stored
            and not link.in_flight
        ):
            return
        self.counters["woken"] += 1
        if link.fed:
            self._put(step, Opcode.ACK, 0, link.received)
        else:
            self._nack_gap(step)

    # ---- the peer's close (Z3) -----------------------------------------------------------

    def _told_again(self, step, time_outs):
        """Nothing of ours is left in CLOSE_RECD: CLOSE_ACK once more, the last time for good."""
        self._last_word(step)
        if time_outs >= TELL_LIMIT:
            self._end(step, "LINK_DOWN")
        else:
            step.link.count += 1

    def _last_word(self, step):
        """CLOSE_ACK, unasked: a zero peer that waits for it does not send CLOSE again."""
        if step.link.zero and step.link.state in DATA_STATES:
            self._put(step, Opcode.CLOSE_ACK, 0, step.link.received)
