"""Selective replay (protocol section 5.3, decisions R1 to R12): part of `model.Endpoint`.

What the hardware does in the background is an event here too: LOOK (the kept packet that may follow
now), ASK (one ID of a gap that the link timer asks about), REPLAY (one packet of a NACKed range),
PURGE (a kept packet of a link that is gone). Stand-alone, `peer.Peer` raises them.
"""

from collections import Counter
from dataclasses import dataclass

from ..frames.frame import Opcode
from ..frames.serial import ID_MASK, id_add, id_distance
from .controlled import CONTROL
from .link import Link
from .part import Outcome, Part
from .states import DATA_STATES

__all__ = ["EXTENSION", "Asking", "Impossible", "Selective"]

EXTENSION = 0x20
"""Extension bit of OPEN and OPEN_ACK: "I can keep younger packets" (R1)."""


class Impossible(ValueError):
    """An event that names an ID which it cannot be about."""


@dataclass
class Asking:
    """The one link that asks (R6).

    `first`: start of the run of missing IDs that ends before `next_id`, or None. `restart`: a
    further timer visit found the link asking still; the hardware may begin once more at this ID.
    """

    link: Link
    next_id: int
    first: int | None = None
    restart: int | None = None

    def runs(self, packet_id: int) -> bool:
        """Whether the ID in front of `packet_id`, which the ASK is about, was missing."""
        return self.first is not None and packet_id != self.restart


class Selective(Part):
    def __init__(self):
        self.asking: Asking | None = None
        self.purging = Counter()
        """Kept packets of ended incarnations, by number of the link's place (R10)."""

    # ---- events --------------------------------------------------------------------------

    def look(
        self, node: int, vc: int, packet_id: int | None = None, ahead: bool = False
    ) -> Outcome:
        """LOOK: the next kept packet is delivered, or the look-up ends (R5): with ACK(r) if the
        LOOK asks for r+1, without a frame if it asks for another ID and nothing is kept.

        `packet_id`: the ID that the hardware looks for; `ahead`: it does not know yet whether the
        one before is kept. None: the next one.
        """
        return self._event("LOOK", node, vc, packet_id=packet_id, ahead=ahead)

    def ask(self, node: int, vc: int, packet_id: int | None = None) -> Outcome:
        """ASK about one ID (R6); NACKs a run of missing IDs where it ends.

        `packet_id`: the ID, as the hardware says; `Impossible` if it may not be this one's turn.
        None: as the model counts.
        """
        return self._event("ASK", node, vc, packet_id=packet_id)

    def replay(self, node: int, vc: int, packet_id: int | None = None) -> Outcome:
        """REPLAY of one packet of a NACKed range (R7).

        `packet_id`: the one that the hardware sends; `Impossible` if nobody asked for it or it may
        not be sent. None: the next one asked for, which goes out if it still may.
        """
        return self._event("REPLAY", node, vc, packet_id=packet_id)

    def purge(self, number: int) -> None:
        """PURGE: one kept packet of an incarnation that ended in place `number` is freed (R10)."""
        if not self.purging[number]:
            raise Impossible(f"nothing of an ended link is kept in place {number}")
        self.purging[number] -= 1

    # ---- read-out ------------------------------------------------------------------------

    @property
    def kept(self):
        """Reorder slots that are taken."""
        return sum(len(link.kept) for link in self.links) + self.purging.total()

    def looking(self):
        """(node, vc) of every link with a look-up under way."""
        return [(link.node, link.vc) for link in self.links if link.looking]

    def replaying(self):
        """(node, vc) of every link with a NACKed range that is not worked off."""
        return [(link.node, link.vc) for link in self.links if link.walks]

    # ---- negotiation (R1, K1) ----------------------------------------------------------------

    def _negotiate(self, step):
        """From the peer's OPEN, or the OPEN_ACK to ours; our OPEN says no more than is agreed.

        With a peer that sends epoch 0 nothing is agreed (Z9, K1), nor where a bit is set that no
        revision has given a meaning.
        """
        link, said = step.link, step.frame.extension
        if step.frame.epoch == 0 or said & ~(EXTENSION | CONTROL):
            said = 0
        link.offered = link.selective = link.offered and bool(said & EXTENSION)
        link.control_offered = link.controlled = link.control_offered and bool(said & CONTROL)

    @staticmethod
    def _extension(link, opcode):
        """An OPEN says what is offered, an OPEN_ACK what is agreed; no other frame says anything."""
        if opcode == Opcode.OPEN:
            selective, controlled = link.offered, link.control_offered
        elif opcode == Opcode.OPEN_ACK:
            selective, controlled = link.selective, link.controlled
        else:
            return 0
        return EXTENSION * selective | CONTROL * controlled

    def _forget(self, link):
        """The incarnation is over: its kept packets are still to be freed (R10)."""
        self.purging[self.links.number(link)] += len(link.kept)
        if self.asking is not None and self.asking.link is link:
            self.asking = None

    # ---- receiving -----------------------------------------------------------------------

    def _may_keep(self, step):
        """R2 and R10, as far as the model knows; `step.keep` says whether there was a place."""
        ahead = id_distance(step.frame.tx_id, step.link.received)
        return (
            step.keep is not False
            and step.room
            and ahead < self.parameters.window
            and self.kept < self.parameters.reorder_slots
            and not self.purging[self.links.number(step.link)]
        )

    def _data_ahead(self, step):
        """PAYLOAD t > r+1 that is not kept already (R2, R3)."""
        link, packet_id = step.link, step.frame.tx_id
        if self._may_keep(step):
            step.out.kept = True
            link.kept[packet_id] = step.frame.payload
            if id_distance(packet_id, link.youngest) > 1:
                self._put(step, Opcode.NACK, id_add(packet_id, -1), id_add(link.youngest, 1))
            elif link.controlled:
                self._echo(step)
            if id_distance(packet_id, link.youngest) > 0:
                link.gap, link.seen = True, packet_id
            return
        step.out.drop = "gap"
        if not link.gap:
            link.gap, link.seen = True, packet_id
            self._nack_all(step)

    def _nack_all(self, step):
        self._put(step, Opcode.NACK, step.link.seen, id_add(step.link.received, 1))

    def _advance(self, link):
        """r := r+1."""
        link.received = id_add(link.received, 1)
        if link.received == link.seen:
            link.gap = False

    def _delivered_next(self, step):
        """After PAYLOAD r+1: ACK, or a look-up for what may follow (R5)."""
        link = step.link
        self._advance(link)
        if link.kept:
            link.looking = True
        else:
            self._put(step, Opcode.ACK, 0, link.received)

    def _look(self, step):
        link = step.link
        if not link.looking:
            return
        packet_id = id_add(link.received, 1)
        if step.packet_id not in (None, packet_id):
            # With nothing kept, what was delivered last came in order, and has had its ACK.
            link.looking = bool(link.kept)
        elif packet_id in link.kept:
            data = link.kept.pop(packet_id)
            step.out.deliveries.append((step.node, step.vc, packet_id, data))
            self._heard(step)
            self._advance(link)
        elif not (step.ahead and link.kept):
            link.looking = False
            self._put(step, Opcode.ACK, 0, link.received)

    # ---- asking (R6) ---------------------------------------------------------------------

    def _timer_gap(self, step):
        """The timer finds an open gap."""
        link = step.link
        if link.looking:
            return
        if not link.kept:
            self._nack_all(step)
            return
        first = id_add(link.received, 1)
        ours = self.asking if self.asking is not None and self.asking.link is link else None
        ask = step.ask
        if ask is None:
            ask = ours is not None or self.asking is None
        if not ask:
            self._put(step, Opcode.NACK, first, first)
        elif ours is not None:
            ours.restart = first
        else:
            self.asking = Asking(link, first)

    def _ask(self, step):
        asking, link = self.asking, step.link
        if asking is None or asking.link is not link:
            return
        packet_id = self._asked_about(step, asking)
        ahead = id_distance(packet_id, link.received)
        if not link.gap or not 0 < ahead < self.parameters.window:
            self.asking = None  # r has moved on; what is open still, the next round asks for
            return
        last = packet_id == link.seen or ahead == self.parameters.window - 1
        asking.next_id = id_add(packet_id, 1)
        if packet_id in link.kept:
            if asking.first is not None:
                self._put(step, Opcode.NACK, id_add(packet_id, -1), asking.first)
            asking.first = None
        else:
            if asking.first is None:
                asking.first = packet_id
            if last:
                self._put(step, Opcode.NACK, packet_id, asking.first)
        if last:
            self.asking = None

    @staticmethod
    def _asked_about(step, asking) -> int:
        """The ID of this ASK; the run goes on, or begins anew where r has passed it."""
        received = step.link.received
        if step.packet_id is None:
            if id_distance(asking.next_id, received) <= 0:
                asking.next_id, asking.first = id_add(received, 1), None
            return asking.next_id
        packet_id = step.packet_id
        passed = id_distance(asking.next_id, received) <= 0 and packet_id == id_add(received, 1)
        if packet_id == asking.restart or passed:
            asking.first = None
        elif packet_id != asking.next_id:
            raise Impossible(f"ASK about {packet_id:#x}; it is the turn of {asking.next_id:#x}")
        asking.restart = None
        return packet_id

    # ---- sending (R7, R8) ----------------------------------------------------------------

    @staticmethod
    def _may_replay(link, packet_id):
        """Unacknowledged, passed by the sending position, and the link is not held."""
        behind = (packet_id - link.oldest) & ID_MASK
        return not link.held and behind < ((link.position - link.oldest) & ID_MASK)

    def _nacked_range(self, step):
        """NACK(n..m): nothing is retired, the sending position stays."""
        link = step.link
        first = id_distance(step.frame.rx_id, link.oldest)
        last = id_distance(step.frame.tx_id, link.oldest)
        if not link.in_flight or first >= link.in_flight or last < 0:
            step.out.drop = "bad_ack"
            return
        if link.held:
            return
        overtaken = id_distance(step.frame.tx_id, link.sent_then) >= 0  # R12
        first, last = max(first, 0), min(last, link.in_flight - 1)
        if (first == 0 or overtaken) and step.send_now and self._may_replay(link, link.oldest):
            self._put(step, Opcode.PAYLOAD, link.oldest, 0, link.data[link.oldest])
            link.sent_then = link.fresh
            first = max(first, 1)
        if first <= last:
            link.walks.append([id_add(link.oldest, first), id_add(link.oldest, last)])

    def _replay(self, step):
        link, packet_id = step.link, step.packet_id
        if packet_id is None:
            if not link.walks:
                return
            packet_id = link.walks[0][0]
            self._step_walk(link, link.walks[0], packet_id)
            if not self._may_replay(link, packet_id):
                return
        else:
            walk = next(
                (
                    walk
                    for walk in link.walks
                    if id_distance(packet_id, walk[0]) >= 0 and id_distance(walk[1], packet_id) >= 0
                ),
                None,
            )
            if walk is None:
                raise Impossible(f"no NACK asks for {packet_id:#x}; open: {link.walks}")
            if not self._may_replay(link, packet_id):
                raise Impossible(
                    f"REPLAY of {packet_id:#x}, which is acknowledged, not sent yet or held"
                )
            self._step_walk(link, walk, packet_id)
        self._put(step, Opcode.PAYLOAD, packet_id, 0, link.data[packet_id])

    @staticmethod
    def _step_walk(link, walk, packet_id):
        """`packet_id` of a NACKed range is done, and with it all before."""
        walk[0] = id_add(packet_id, 1)
        link.walks = [w for w in link.walks if id_distance(w[1], w[0]) >= 0]

    def _check_selective(self):
        assert self.kept <= self.parameters.reorder_slots
        assert all(count >= 0 for count in self.purging.values())
        asking = self.asking
        if asking is not None:
            assert any(link is asking.link for link in self.links)
            assert asking.link.state in DATA_STATES
