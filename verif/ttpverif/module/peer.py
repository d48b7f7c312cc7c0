"""`Module`: Tesla's kernel module as a peer in virtual time (protocol section 10).

Written from section 10 and the captures. Nothing waits: frames go in with their time and what they
make the module send comes out; `next_time` says when `tick` has something to do. Times are
milliseconds on any clock that does not go back.

    module = Module(1)
    frames = module.open(2, vc=0, now=0.0)
    frames = module.receive(answer, now=1.0)
    frames = module.write(2, 0, b"Hello Tesla", now=2.0)
"""

from collections import Counter, deque

from ..frames.frame import ETHERTYPE_IEEE, Frame, Opcode
from ..model.link import link_hash
from .options import Options
from .receive import Receiver
from .tag import Tag, TagState

__all__ = ["Module"]

_WAYS = 2  # links for one hash value and VC
_SETS = 256


class Module(Receiver):
    """The peer.

    Parameters
    ----------
    node : int
        Its node, 24 bits.
    options : Options

    Attributes
    ----------
    accepted : list of (node, vc, id, data)
        Every PAYLOAD that it took, since the beginning; `reload` does not forget them.
    dropped : list of (node, vc, data, why)
        What it lost without telling its user; the tests' knowledge. `why`: "tries", "close" (also
        an OPEN that was refused), "reload".
    counts : Counter
        Frames sent, by opcode name.
    """

    def __init__(self, node, options=Options()):
        self.node, self.options = node, options
        self.accepted, self.dropped, self.counts = [], [], Counter()
        self.reload()

    def reload(self):
        """It is unloaded and loaded: everything is forgotten, nothing is sent."""
        for tag in getattr(self, "tags", {}).values():
            self._drop(tag, "reload")
        self.tags, self._page = {}, []
        self._closed_vcs = {}
        self._events = deque([(0, 0)] * self.options.events, self.options.events)
        self._out = []

    def resume(self, node, vc, acked, received, out=None, now=0.0):
        """An open link in the middle of its life: the last IDs acknowledged and received, and the
        PAYLOAD that is out."""
        tag = self.tags[node, vc] = Tag(node, vc, TagState.OPEN, acked, received)
        if out is not None:
            tag.queue.append(out)
            tag.out, tag.replay_due = True, now + self.options.replay_ms

    # ---- its user ------------------------------------------------------------------------

    def open(self, node, vc, now):
        """The user sets `target`: OPEN, also on a link that is open. Returns frames."""
        tag = self.tags.get((node, vc))
        if tag is None:
            tag = self._new_tag(node, vc)
            if tag is None:
                return []
        if tag.state == TagState.OPEN and not self.options.reopen_waits:
            self._send_open(tag, None)
        elif tag.state != TagState.CLOSE_SENT:
            self._enter_open_sent(tag, now)
        return self._take()

    def write(self, node, vc, data, now):
        """The user writes; returns frames. A write of 2 bytes sends nothing, as in capture 03."""
        tag = self.tags.get((node, vc))
        if len(data) == 2 or (tag is None and not self.options.write_opens):
            return []
        if tag is None:
            tag = self._new_tag(node, vc)
            if tag is None:
                return []
            self._enter_open_sent(tag, now)
        size = self.options.payload_bytes
        tag.queue.extend(data[low : low + size] for low in range(0, len(data), size))
        self._transmit(tag, now, again=tag.stalled)
        return self._take()

    def close(self, node, vc, now):
        """The user clears `target`: CLOSE at once, whatever is unacknowledged. Returns frames."""
        tag = self.tags.get((node, vc))
        if tag is not None:
            tag.state, tag.open_due, tag.tries = TagState.CLOSE_SENT, None, 0
            if not self.options.replays_in_close_sent:
                tag.replay_due = None
            self._send_close(tag, now)
        return self._take()

    def read(self):
        """The user reads everything that is kept, which makes room: [(node, vc, data)]."""
        page, self._page = self._page, []
        return page

    @property
    def kept_bytes(self):
        """Bytes received that the user has not read."""
        return sum(len(data) for _, _, data in self._page)

    # ---- time ----------------------------------------------------------------------------

    @property
    def next_time(self):
        """When the next timer ends, or None."""
        return min((tag.due for tag in self.tags.values() if tag.due is not None), default=None)

    def tick(self, now):
        """Frames of every timer that has ended at `now`."""
        for tag in list(self.tags.values()):
            if tag.due is None or tag.due > now:
                continue
            if tag.open_due is not None and tag.open_due <= now:
                if self._try(tag):
                    self._send_open(tag, now + self.options.open_ms)
                else:
                    self._end(tag, "tries")
            elif tag.close_due is not None and tag.close_due <= now:
                if self._try(tag):
                    self._send_close(tag, now)
                else:
                    self._end(tag, "tries")
            else:
                self._transmit(tag, now, again=True)
        return self._take()

    # ---- the wire ------------------------------------------------------------------------

    def receive(self, data, now):
        """One frame from the wire; returns the frames that answer it.

        What section 10 answers with silence (other EtherTypes, nodes, lengths) is ignored. A
        PAYLOAD of length 0 gets NACK.
        """
        frame, cause = Frame.parse(data, self.node)
        if cause == "empty_payload":
            self._empty_payload(data)
        elif frame is not None and frame.ethertype == ETHERTYPE_IEEE:
            self._remember(frame.tx_id, frame.rx_id)
            self._received(frame, now)
        return self._take()

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
