"""`Peer`: the model run by itself, as the other end of a wire."""

from collections import deque

from ..frames.datagram import pack
from .endpoint import Endpoint, Outcome
from .states import State

__all__ = ["Peer"]


class Peer:
    """An `Endpoint` that does its own visits.

    Bytes come in by `receive` and pile up in `sent`; deliveries and notices pile up in
    `delivered` and `notices`. Nothing is sent outside a call. What the hardware does in the
    background (decisions R5, R6, R7, R10) takes one call of `background_once` for each step;
    `visit_once` does one, too.
    """

    def __init__(self, endpoint: Endpoint, check: bool = True):
        self.endpoint = endpoint
        self.sent = deque()
        self.delivered = deque()
        self.notices = deque()
        self._check = check
        self._visits = self._backgrounds = 0

    def _take(self, outcome: Outcome) -> Outcome:
        self.delivered.extend(outcome.deliveries)
        self.notices.extend(outcome.notices)
        if outcome.frame is not None:
            self.sent.append(pack(outcome.frame, self.endpoint.parameters.network))
        if self._check:
            self.endpoint.check()
        if outcome.victim is not None:
            self._take(self.endpoint.victim(*outcome.victim))
        if outcome.new_state == State.OPEN_RECD:
            self._take(self.endpoint.open_ack_sent(outcome.node, outcome.vc))
        return outcome

    def receive(
        self,
        data: bytes,
        bad_fcs: bool = False,
        room: bool | None = None,
        keep: bool | None = None,
        send_now: bool = True,
    ) -> Outcome | None:
        """One frame from the wire; its `Outcome`, or None if it does not parse."""
        outcome = self.endpoint.receive_bytes(data, bad_fcs, room, keep, send_now)
        return None if outcome is None else self._take(outcome)

    def payload(self, node: int, vc: int, data: bytes, send_now: bool = True) -> Outcome:
        return self._take(self.endpoint.host_payload(node, vc, data, send_now))

    def open(self, node: int, vc: int) -> Outcome:
        return self._take(self.endpoint.host_open(node, vc))

    def close(self, node: int, vc: int) -> Outcome:
        return self._take(self.endpoint.host_close(node, vc))

    def visit_once(self) -> bool:
        """One ready-queue visit, round-robin over the links that have something, and one step in
        the background; True if there was any."""
        worked = self.background_once()
        ready = self.endpoint.pending()
        if not ready:
            return worked
        self._visits += 1
        self._take(self.endpoint.visit(*ready[self._visits % len(ready)]))
        return True

    def background_once(self) -> bool:
        """One LOOK, REPLAY, ASK or PURGE, each kind and link in its turn; True if any."""
        model = self.endpoint
        work = [(model.look, where) for where in model.looking()]
        work += [(model.replay, where) for where in model.replaying()]
        if model.asking is not None:
            link = model.asking.link
            work.append((model.ask, (link.node, link.vc)))
        purges = [number for number, count in sorted(model.purging.items()) if count]
        if not work and not purges:
            return False
        self._backgrounds += 1
        turn = self._backgrounds % (len(work) + len(purges))
        if turn < len(work):
            event, where = work[turn]
            self._take(event(*where))
        else:
            model.purge(purges[turn - len(work)])
        return True

    def visit_all(self):
        while self.visit_once():
            pass

    def timer_round(self):
        """The link timer passes every link once."""
        for node, vc in [(link.node, link.vc) for link in self.endpoint.links]:
            self._take(self.endpoint.timer(node, vc))

    def take_sent(self) -> list[bytes]:
        """All frames sent since the last call, oldest first."""
        frames = list(self.sent)
        self.sent.clear()
        return frames
