"""`Governed`: an `Endpoint` that keeps to the law of congestion control by itself (K4 to K13)."""

import random

from .endpoint import Endpoint
from .governor import Governor

__all__ = ["Governed"]

_SLOW_ROUNDS = 3


class Governed(Endpoint):
    """
    Attributes
    ----------
    now : int
        The time in U, 16 bits: whoever runs this sets it, and calls `round_ended` at the end of each
        round of the link timer, and `governor.receiver.look` every 512 U.
    governor : Governor
    """

    def __init__(self, *arguments, seed=1, **named):
        super().__init__(*arguments, **named)
        self.now = 0
        self.governor = Governor(self.parameters.slots)
        self._random = random.Random(seed)
        self._slow_rounds = 0
        self.code = lambda: self.governor.receiver.code(self._random.getrandbits(16))

    # ---- events --------------------------------------------------------------------------

    def host_payload(self, node, vc, data, send_now=True, free=None):
        if free is None:
            sender = self.governor.senders.get((node, vc))
            free = sender is None or sender.free
        return super().host_payload(node, vc, data, send_now, free)

    def timer(self, node, vc, ask=None, slow=None, coin=None, crowded=None):
        slow = self._slow_rounds > 0 if slow is None else slow
        coin = bool(self._random.getrandbits(1)) if coin is None else coin
        crowded = self.governor.receiver.crowded if crowded is None else crowded
        return super().timer(node, vc, ask, slow, coin, crowded)

    def round_ended(self):
        """The link timer has passed every link."""
        self._slow_rounds = max(0, self._slow_rounds - 1)

    def pending(self):
        """As `Endpoint.pending`, but for links that wait in the gate (K9)."""
        return [where for where in super().pending() if self._may_send(where)]

    def _may_send(self, where):
        link, sender = self.links.find(*where), self.governor.senders.get(where)
        if link is None or sender is None or not link.controlled:
            return True
        return sender.may_send(link.position - link.oldest & 0xFFFFFFFF, self.now)

    def _event(self, event, node, vc, **arguments):
        before = self.governor.before(self, node, vc)
        outcome = super()._event(event, node, vc, **arguments)
        self.found = self.governor.happening(
            before,
            self,
            node,
            vc,
            outcome,
            arguments.get("free", True),
            arguments.get("slow", False),
        )
        if self.governor.apply(self.found, self.now):
            self._slow_rounds = _SLOW_ROUNDS
        self.governor.visit(self.found)
        return outcome
