"""`Sender`: the links of a `Module`, and what it sends on them: part of `peer.Module`."""

from collections import Counter, deque

from ..frames.frame import ETHERTYPE_IEEE, Frame, Opcode
from ..model.link import link_hash
from .options import Options
from .tag import Tag, TagState

__all__ = ["Sender"]

_WAYS = 2  # links for one hash value and VC
_SETS = 256


class Sender:
    """Keeps the tags of the links; frames pile up until `_take`."""

    def __init__(self, node: int, options: Options = Options()):
        self.node, self.options = node, options
        self.accepted: list[tuple[int, int, int, bytes]] = []
        self.dropped: list[tuple[int, int, bytes, str]] = []
        self.counts: Counter[str] = Counter()
        self._forget()

    def _forget(self):
        self.tags: dict[tuple[int, int], Tag] = {}
        self._page: list[tuple[int, int, bytes]] = []
        self._closed_vcs: dict[int, set[int]] = {}
        self._events = deque([(0, 0)] * self.options.events, self.options.events)
        self._out: list[bytes] = []

    @property
    def kept_bytes(self) -> int:
        """Bytes received that the user has not read."""
        return sum(len(data) for _, _, data in self._page)

    def _put(self, node, vc, opcode, tx_id=0, rx_id=0, payload=b""):
        self.counts[opcode.name] += 1
        self._remember(tx_id, rx_id)
        self._out.append(
            Frame(
                self.node, node, opcode, vc, tx_id, rx_id, ethertype=ETHERTYPE_IEEE, payload=payload
            ).pack()
        )

    def _take(self):
        frames, self._out = self._out, []
        return frames

    # ---- sending -------------------------------------------------------------------------

    def _transmit(self, tag, now, again=False):
        """The first PAYLOAD of the queue, if it is not out; `again`: also if it is."""
        sending = tag.state == TagState.OPEN or (
            tag.state == TagState.CLOSE_SENT and tag.out and self.options.replays_in_close_sent
        )
        if not sending or not tag.queue or tag.mute or (tag.out and not again):
            return
        if tag.out and not self._try(tag):
            self._give_up(tag)
            self._transmit(tag, now)
            return
        if not tag.out:
            tag.out, tag.tries = True, 0
        tag.replay_due = now + self.options.replay_ms
        self._put(tag.node, tag.vc, Opcode.PAYLOAD, tag.next_id, 0, tag.queue[0])

    def _try(self, tag):
        """One more repetition; False if there have been enough."""
        tag.tries += 1
        return tag.tries <= self.options.tries

    def _give_up(self, tag):
        """The first PAYLOAD is dropped, and nobody is told."""
        self.dropped.append((tag.node, tag.vc, tag.queue.popleft(), "tries"))
        tag.out, tag.replay_due, tag.tries = False, None, 0
        if self.options.dropped_id_used:
            tag.skipped += 1

    def _enter_open_sent(self, tag, now):
        tag.state, tag.tries = TagState.OPEN_SENT, 0
        tag.replay_due = tag.close_due = None
        self._send_open(tag, now + self.options.open_ms)

    def _send_open(self, tag, due):
        tag.open_due, tag.open_id = due, tag.acked
        self._put(tag.node, tag.vc, Opcode.OPEN, tag.acked, tag.received)

    def _send_close(self, tag, now):
        tag.close_due = now + self.options.close_ms
        self._put(tag.node, tag.vc, Opcode.CLOSE, *self._leftovers(tag))

    def _leftovers(self, tag):
        """The IDs of a CLOSE, which mean nothing."""
        if self.options.leftovers == "recycled":
            return self._events[0]
        if self.options.leftovers == "plausible":
            return tag.acked, (tag.received + 1) & 0xFFFFFFFF
        return 0, 0

    def _remember(self, tx_id, rx_id):
        self._events.append((tx_id, rx_id))

    # ---- tags ----------------------------------------------------------------------------

    def _new_tag(self, node, vc):
        """A tag, or None if both places of its hash value are taken."""
        place = link_hash(node, vc, _SETS, 3)
        taken = sum(link_hash(*key, _SETS, 3) == place for key in self.tags)
        if taken == _WAYS:
            return None
        start = self.options.start_id
        tag = Tag(node, vc, TagState.OPEN_SENT, start, start)
        tag.mute = self.options.mutes_third_vc and len(self._closed_vcs.get(node, ())) == 3
        self.tags[node, vc] = tag
        return tag

    def _end(self, tag, why="close"):
        """CLOSED: what was not acknowledged is lost, its user is not told."""
        self._drop(tag, why)
        del self.tags[tag.node, tag.vc]
        self._closed_vcs.setdefault(tag.node, set()).add(tag.vc)

    def _drop(self, tag, why):
        self.dropped.extend((tag.node, tag.vc, data, why) for data in tag.queue)
