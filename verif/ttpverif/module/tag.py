"""What a `Module` remembers of one link."""

import enum
from collections import deque
from dataclasses import dataclass, field

from ..frames.serial import id_add

__all__ = ["Tag", "TagState"]


class TagState(enum.Enum):
    OPEN_SENT = "OPEN_SENT"
    OPEN = "OPEN"
    CLOSE_SENT = "CLOSE_SENT"


@dataclass
class Tag:
    """One link that is not CLOSED. Times in milliseconds; None: the timer does not run."""

    node: int
    vc: int
    state: TagState
    acked: int
    """The last ID of its own that was acknowledged; `start_id` before the first one."""
    received: int
    """The last ID that it counts as received in order."""
    queue: deque = field(default_factory=deque)
    """What its user wrote and the peer has not acknowledged; only the first one may be out."""
    out: bool = False
    """The first of `queue` has been sent, with ID `next_id`."""
    skipped: int = 0
    """IDs that PAYLOADs took with them which were given up (`Options.dropped_id_used`)."""
    tries: int = 0
    open_due: float | None = None
    replay_due: float | None = None
    close_due: float | None = None
    open_id: int = 0
    """TxID of the OPEN that waits for its answer."""
    mute: bool = False
    """An old tag that was found again: sends no PAYLOAD."""

    def __str__(self):
        return (
            f"{self.state.name} to {self.node:x}, VC {self.vc}: acked {self.acked:#x}, received "
            f"{self.received:#x}, {len(self.queue)} PAYLOADs{', the first is out' * self.out}"
        )

    @property
    def next_id(self):
        """ID of the first PAYLOAD of `queue`."""
        return id_add(self.acked, 1 + self.skipped)

    @property
    def last_sent(self):
        """The youngest ID that it has used."""
        return self.next_id if self.out else id_add(self.acked, self.skipped)

    @property
    def due(self):
        """When the next of its timers ends, or None."""
        return min(
            (due for due in (self.open_due, self.replay_due, self.close_due) if due is not None),
            default=None,
        )

    @property
    def stalled(self):
        """A PAYLOAD is out and no timer will send it again."""
        return self.out and self.replay_due is None and self.state == TagState.OPEN
