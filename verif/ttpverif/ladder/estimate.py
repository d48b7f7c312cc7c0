"""How many PAYLOADs the network lost: the marked ones, and a share of those that tell nothing.

Where PAYLOADs are sent again behind an older one, or discarded by their receiver, the capture does
not say whether they arrived before. They were as likely lost as the others. So were those that
arrived when their ID had been acknowledged: some show it by one more ACK, but a lost one never does.
"""

__all__ = ["Estimate"]


class Estimate:
    """Counts PAYLOADs of each sender: lost, untold, and arrived."""

    def __init__(self):
        self._counts = {}  # sender -> [lost, untold, arrived]

    def take(self, event):
        """One more event; those of other opcodes do not count."""
        if event.record.opcode != 6:
            return
        counts = self._counts.get(event.src)
        if counts is None:
            counts = self._counts[event.src] = [0, 0, 0]
        marks = event.marks
        if "lost" in marks:
            counts[0] += 1
        elif "sent again" in marks or "discarded" in marks or "duplicate" in marks:
            counts[1] += 1  # of a duplicate that is lost nothing tells
        elif event.by_repeat or event.answered_by is None:
            counts[1] += event.attempt > 1  # it crossed the ACK of an earlier attempt
        else:
            counts[2] += 1

    @property
    def untold(self):
        """PAYLOADs of which the capture does not tell whether they arrived."""
        return sum(untold for _, untold, _ in self._counts.values())

    def of(self, sender):
        """PAYLOADs of this node that were lost, as far as can be told."""
        lost, untold, arrived = self._counts.get(sender, (0, 0, 0))
        return round(lost + untold * lost / (lost + arrived)) if lost else 0

    @property
    def total(self):
        """The same of all nodes."""
        return sum(map(self.of, self._counts))
