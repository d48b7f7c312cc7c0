"""Opening a link (protocol section 4, decisions L4 to L13): part of `model.Endpoint`."""

from ..frames.frame import Opcode
from ..frames.serial import epoch_distance, id_add
from .controlled import CONTROLLED_VC
from .link import Link
from .part import Part
from .states import State

__all__ = ["Opening"]


class Opening(Part):
    # ---- host ----------------------------------------------------------------------------

    def _open(self, step):
        """A host's open is a command: in a full set it is refused, not blocked (L5)."""
        if self._to_ourselves(step) or not self._way_free(step):
            self._refuse(step)
            return
        self._new_link(step, State.OPEN_SENT, self.parameters.ethertype)
        self._put(step, Opcode.OPEN, step.link.open_id)
        step.out.result = "TAKEN"

    def _open_with(self, step):
        """A payload on a CLOSED link: it waits in its slot while the link opens."""
        if self._to_ourselves(step):
            self._refuse(step)
            return
        if not self._way_free(step) or self.free_slots == 0:
            step.out.result = "BLOCKED"
            return
        self._open(step)
        step.link.store(step.data)

    def _give_up(self, step):
        """Host close in OPEN_SENT (L4)."""
        self._end(step, "REFUSED")

    def _remember(self, step):
        step.link.close_wanted = True

    def _to_ourselves(self, step):
        """There is no link with our own address (L20)."""
        return step.node == self.parameters.node

    def _way_free(self, step):
        """Whether the set has a free way; if not a victim is told to close (L5)."""
        if self.links.has_room(step.node, step.vc):
            return True
        victim = self.links.victim(step.node, step.vc)
        if victim is not None:
            step.out.victim = (victim.node, victim.vc)
        return False

    # ---- a new incarnation ---------------------------------------------------------------

    def _fresh_ids(self, peer_open=None):
        """(first data ID, epoch) of a new incarnation; `peer_open`: the OPEN that it answers."""
        open_id, epoch = self.ids()
        if self.parameters.fixed_open_id:
            open_id = self.parameters.init_id
        if peer_open is not None and peer_open.epoch == 0:
            open_id = peer_open.rx_id
        return id_add(open_id, 1), epoch

    def _new_link(self, step, state, ethertype, peer_open=None, replaces=None):
        first_id, epoch = self._fresh_ids(peer_open)
        step.link = Link(
            step.node,
            step.vc,
            ethertype,
            state,
            epoch,
            first_id,
            offered=self.parameters.selective,
            control_offered=self.parameters.congestion and step.vc == CONTROLLED_VC,
        )
        if peer_open is not None:
            self._learn(step)
        if replaces is None:
            self.links.add(step.link)
        else:
            self._forget(replaces)
            self.links.replace(replaces, step.link)

    def _learn(self, step):
        """Take the peer's numbers from its OPEN, and answer in kind."""
        step.link.received = step.frame.tx_id
        step.link.peer_epoch = step.frame.epoch
        step.link.ethertype = step.frame.ethertype
        self._negotiate(step)

    def _acknowledge_open(self, step):
        self._put(step, Opcode.OPEN_ACK, step.link.oldest, step.frame.tx_id)

    # ---- RX OPEN -------------------------------------------------------------------------

    def _answer(self, step):
        if not self._way_free(step):
            self._reply(step, Opcode.OPEN_NACK, step.frame.tx_id)
            return
        self._new_link(step, State.OPEN_RECD, step.frame.ethertype, step.frame)
        self._acknowledge_open(step)

    def _crossing(self, step):
        """Passing ships (L13): both OPENs are answered, neither shortcuts the other."""
        self._learn(step)
        self._acknowledge_open(step)

    def _open_again(self, step):
        """OPEN on a link that exists (4.1, L10, L19)."""
        link = step.link
        kind = self._classify_open(link, step.frame)
        if kind == "zero":
            self._open_zero(step)
        elif kind == "stale":
            step.out.drop = "stale"
        elif kind == "restart":
            self._restart(step)
        elif link.state != State.OPEN_RECD and (link.gap or link.received != step.frame.tx_id):
            self._reply(step, Opcode.OPEN_NACK, step.frame.tx_id)
            self._notice(step, "IDS_REUSED")
            step.out.drop = "open_reused"
        else:
            self._acknowledge_open(step)

    @staticmethod
    def _classify_open(link, frame):
        if link.zero and frame.epoch == 0:
            return "zero"
        if link.peer_epoch == frame.epoch:
            return "repeat"
        if link.peer_epoch and frame.epoch and epoch_distance(frame.epoch, link.peer_epoch) < 0:
            return "stale"
        return "restart"

    def _restart(self, step):
        """The peer forgot this link and opens anew."""
        old, closing = step.link, step.link.state in (State.CLOSE_SENT, State.CLOSE_RECD)
        state = State.OPEN_RECD if closing else old.state
        self._new_link(step, state, step.frame.ethertype, step.frame, replaces=old)
        if closing:
            self._notice(step, "LINK_DOWN")
        else:
            step.link.close_wanted = old.close_wanted
            if state == State.OPEN:
                self._notice(step, "PEER_RESTARTED")
            else:
                for data in old.data.values():  # never sent: it goes on waiting, with new IDs
                    step.link.store(data)
        self._acknowledge_open(step)

    # ---- the answers to our OPEN ---------------------------------------------------------

    def _opened(self, step):
        """RX OPEN_ACK in OPEN_SENT (L8)."""
        link, frame = step.link, step.frame
        if frame.rx_id != link.open_id:
            self._unexpected(step)
            return
        if frame.tx_id:
            link.received = id_add(frame.tx_id, -1)
        elif link.peer_epoch is None:
            link.received, link.guessed = self.parameters.init_id, True
        link.peer_epoch = frame.epoch
        self._negotiate(step)
        self._enter(step, State.OPEN)
        self._progress(step)
        self._notice(step, "LINK_UP")

    def _refused(self, step):
        """RX OPEN_NACK in OPEN_SENT (L7)."""
        if not self._believed(step) or step.frame.rx_id != step.link.open_id:
            self._unexpected(step)
        else:
            self._end(step, "REFUSED")

    def _ack_sent(self, step):
        """The OPEN_ACK is out: OPEN. A remembered host close is carried out by the next visit."""
        self._enter(step, State.OPEN)
        self._notice(step, "LINK_UP")
