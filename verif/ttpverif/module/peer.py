"""`Module`: Tesla's kernel module as a peer in virtual time (protocol section 10).

Written from section 10 and the captures. Nothing waits: frames go in with their time and what they
make the module send comes out; `next_time` says when `tick` has something to do. Times are
milliseconds on any clock that does not go back.

    module = Module(1)
    frames = module.open(2, vc=0, now=0.0)
    frames = module.receive(answer, now=1.0)
    frames = module.write(2, 0, b"Hello Tesla", now=2.0)
"""

from ..frames.frame import ETHERTYPE_IEEE, Frame
from .receive import Receiver
from .tag import Tag, TagState

__all__ = ["Module"]


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

    def reload(self) -> None:
        """It is unloaded and loaded: everything is forgotten, nothing is sent."""
        for tag in self.tags.values():
            self._drop(tag, "reload")
        self._forget()

    def resume(
        self,
        node: int,
        vc: int,
        acked: int,
        received: int,
        out: bytes | None = None,
        now: float = 0.0,
    ) -> None:
        """An open link in the middle of its life: the last IDs acknowledged and received, and the
        PAYLOAD that is out."""
        tag = self.tags[node, vc] = Tag(node, vc, TagState.OPEN, acked, received)
        if out is not None:
            tag.queue.append(out)
            tag.out, tag.replay_due = True, now + self.options.replay_ms

    # ---- its user ------------------------------------------------------------------------

    def open(self, node: int, vc: int, now: float) -> list[bytes]:
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

    def write(self, node: int, vc: int, data: bytes, now: float) -> list[bytes]:
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

    def close(self, node: int, vc: int, now: float) -> list[bytes]:
        """The user clears `target`: CLOSE at once, whatever is unacknowledged. Returns frames."""
        tag = self.tags.get((node, vc))
        if tag is not None:
            tag.state, tag.open_due, tag.tries = TagState.CLOSE_SENT, None, 0
            if not self.options.replays_in_close_sent:
                tag.replay_due = None
            self._send_close(tag, now)
        return self._take()

    def read(self) -> list[tuple[int, int, bytes]]:
        """The user reads everything that is kept, which makes room: [(node, vc, data)]."""
        page, self._page = self._page, []
        return page

    # ---- time ----------------------------------------------------------------------------

    @property
    def next_time(self) -> float | None:
        """When the next timer ends, or None."""
        return min((tag.due for tag in self.tags.values() if tag.due is not None), default=None)

    def tick(self, now: float) -> list[bytes]:
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

    def receive(self, data: bytes, now: float) -> list[bytes]:
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
