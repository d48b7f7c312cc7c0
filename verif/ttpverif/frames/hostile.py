"""Frames that nobody should have sent: malformed ones, and forged ones for links that are open.

Templates come from the Scapy layers (`templates`), the mutations and what must become of each frame
from protocol section 1 and the decisions F1 to F4, L7, L8, L10, L12 and D1 (`malformed`, `forged`).
"""

import random

from .forged import Forged
from .malformed import Malformed
from .templates import Templates

__all__ = ["Hostile"]


class Hostile:
    """Frames towards engine `node` whose peer is `peer`, both of `slots` replay slots.

    `selective`, `controlled`: what the links that are forged for have agreed on; controlled are
    those of VC 2 only.
    """

    def __init__(self, seed, node, peer, slots, selective=True, controlled=False):
        self.rng = random.Random(f"hostile/{seed}/{node}")
        frames = Templates(self.rng, node, peer)
        self._malformed = Malformed(frames)
        self._forged = Forged(frames, slots, selective, controlled)

    def structured(self):
        """Every malformed case once, in an order of chance."""
        return self._malformed.structured()

    def malformed(self):
        """A frame of chance that does not parse."""
        return self._malformed.malformed()

    def forged(self):
        """A frame that parses and that no honest peer would send now. Every link must be OPEN."""
        return self._forged.forged()
