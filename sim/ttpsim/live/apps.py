"""What runs on the host of a live NIC: `echo`, and `ping` which measures round trips."""

import sys
import time

__all__ = ["echo", "ping"]

_FLOOD = 8  # messages of a flood that are under way
_BACKLOG = 64  # packets that wait for the NIC until echo stops to read
_PATIENCE = 5  # seconds for the answer to CLOSE
_ENDS = ("LINK_DOWN", "REFUSED", "RETRIES_USED_UP")
_ETHERTYPES = (0x0AC6, 0x9AC6)


def _summary(counts):
    """The line on frames that every application ends with."""
    replayed, lost = counts["stat_payload_replayed"], counts["wire_lost"]
    return (
        f"frames: {counts['stat_payload_first_sent'] + replayed:,} PAYLOADs sent, "
        f"{replayed:,} of them replays; {counts['stat_rx_good']:,} received"
        + (f"; {lost:,} lost by --loss" if lost else "")
        + f"; {counts['clocks']:,} clocks"
    )


def _tell(message):
    """A line for a notice of the NIC or news of the wire."""
    if message.kind == "notice":
        name = message.text.replace("_", " ").lower()
        print(f"link to {message.node:06x}, VC {message.vc}: {name}", flush=True)
    elif message.kind == "wire":
        print(f"wire: {message.text}", flush=True)


def _gone(message):
    """The wire will never come back; says so."""
    if message.kind == "wire" and message.code:
        print("ttpoe: the wire is gone", file=sys.stderr)
        return True
    return False


class _Links:
    """The links that are up, as the NIC tells."""

    def __init__(self, nic):
        self.nic, self.up = nic, set()

    def note(self, message):
        if message.kind == "notice" and message.text == "LINK_UP":
            self.up.add((message.node, message.vc))
        elif message.kind == "notice" and message.text in _ENDS:
            self.up.discard((message.node, message.vc))

    def close(self, take=_tell):
        """CLOSE on every link, and what comes until they have ended; `take(message)` sees it.

        KeyboardInterrupt, a second Ctrl-C, ends that at once.
        """
        for node, vc in sorted(self.up):
            self.nic.close(node, vc)
        until = time.monotonic() + _PATIENCE
        while self.up and (left := until - time.monotonic()) > 0:
            message = self.nic.receive(left)
            if message is not None:
                self.note(message)
                take(message)
        for node, vc in sorted(self.up):
            print(f"link to {node:06x}, VC {vc}: not closed after {_PATIENCE} s")


def echo(nic, options):
    """Send every packet back on its link, until Ctrl-C (130); then close the links. 1: no wire."""
    packets = octets = 0
    links = _Links(nic)
    try:
        while True:
            if nic.waiting > _BACKLOG:
                nic.drain(_BACKLOG)
            message = nic.receive(3600)
            if message is None:
                continue
            if message.kind == "received":
                nic.send(message.node, message.data, message.vc)
                packets, octets = packets + 1, octets + len(message.data)
                if options.verbose:
                    print(
                        f"{len(message.data)} bytes from {message.node:06x}, VC {message.vc}, ID "
                        f"{message.id}: {message.data[:32]!r}",
                        flush=True,
                    )
            elif message.kind == "ready":
                print("echoes what it receives; Ctrl-C ends it", flush=True)
            else:
                links.note(message)
                _tell(message)
                if _gone(message):
                    return 1
    except KeyboardInterrupt:
        print()
        try:
            links.close()
        except KeyboardInterrupt:
            return 130
        counts, _ = nic.statistics()
        print(f"{packets:,} packets, {octets:,} bytes echoed\n{_summary(counts)}")
    return 130


class _Pings:
    """The messages of one `ping`: what was sent, what came back, how long it took."""

    def __init__(self, nic, options):
        self.nic, self.options = nic, options
        self.links = _Links(nic)
        self.sent = self.wrong = 0
        self.order = []  # numbers of the messages in the order handed to the NIC
        self.untried = [kind for kind in _ETHERTYPES if options.ethertype is None][1:]
        self.sent_at, self.taken_at = {}, {}
        self.seconds, self.clocks = [], []
        self.ended = None  # why it ends before its time

    def _data(self, number):
        pattern = bytes((number + n) & 0xFF for n in range(self.options.bytes - 4))
        return number.to_bytes(4, "big") + pattern

    def send(self):
        self._hand_over(self.sent)
        self.sent += 1

    def _hand_over(self, number):
        self.sent_at[number] = time.monotonic()
        self.order.append(number)
        self.nic.send(self.options.peer, self._data(number), self.options.vc)

    def _try_other_ethertype(self):
        """Nobody has answered, or the peer refused: it may speak the other one."""
        other = self.untried.pop()
        print(f"no link with EtherType 0x{_ETHERTYPES[0]:04X}: trying 0x{other:04X}", flush=True)
        self.nic.use_ethertype(other)
        for number in sorted(self.sent_at):
            self._hand_over(number)

    def take(self, message):
        """Account for what the NIC tells."""
        self.links.note(message)
        if message.kind == "taken":
            self.taken_at[self.order[message.id]] = message.clock
        elif message.kind == "received" and (message.node, message.vc) == (
            self.options.peer,
            self.options.vc,
        ):
            self._returned(message)
        elif message.kind in ("notice", "wire"):
            _tell(message)
            if _gone(message):
                self.ended = "the wire is gone"
            elif message.kind == "notice" and message.node == self.options.peer:
                if message.text == "LINK_UP":
                    self.untried.clear()
                elif message.text in _ENDS and self.untried:
                    self._try_other_ethertype()
                elif message.text in _ENDS:
                    self.ended = "the link has ended"

    def _returned(self, message):
        number = int.from_bytes(message.data[:4], "big")
        if number not in self.sent_at or message.data != self._data(number):
            self.wrong += 1
            print(f"{len(message.data)} bytes from {message.node:06x}: not what was sent")
            return
        seconds = time.monotonic() - self.sent_at.pop(number)
        clocks = message.clock - self.taken_at.pop(number)
        self.seconds.append(seconds)
        self.clocks.append(clocks)
        if not self.options.flood:
            print(
                f"{len(message.data)} bytes from {message.node:06x}: number {number + 1}, "
                f"{seconds * 1000:.2f} ms, {clocks:,} clocks",
                flush=True,
            )

    def run(self):
        """Send and receive until all is back, time is up or the link ends."""
        options, due = self.options, time.monotonic()
        while self.ended is None:
            now = time.monotonic()
            if self.sent == options.count and (not self.sent_at or now > due + options.wait):
                return
            if options.flood:
                while self.sent < options.count and len(self.sent_at) < _FLOOD:
                    self.send()
                    due = now
            elif self.sent < options.count and now >= due:
                self.send()
                due = now + (options.interval if self.sent < options.count else 0)
            left = due - now if self.sent < options.count else due + options.wait - now
            message = self.nic.receive(max(0.0, left) if left < 3600 else 3600)
            if message is not None:
                self.take(message)


def ping(nic, options):
    """Send messages to a node that echoes, and print what came of them.

    0: all came back; 1: not; 130: interrupted, after the same summary.
    """
    pings = _Pings(nic, options)
    print(
        f"{options.count:,} messages of {options.bytes} bytes to node {options.peer:06x}, "
        f"VC {options.vc}",
        flush=True,
    )
    started, interrupted = time.monotonic(), False
    try:
        pings.run()
    except KeyboardInterrupt:
        interrupted = True
        print()
    elapsed = time.monotonic() - started
    if pings.ended is None:
        try:
            pings.links.close(pings.take)
        except KeyboardInterrupt:
            return 130
    counts, _ = nic.statistics()
    returned = len(pings.seconds)
    print(
        f"--- node {options.peer:06x}, VC {options.vc} ---\n"
        f"{pings.sent:,} messages sent, {returned:,} came back, "
        f"{pings.sent - returned:,} lost, {elapsed:.2f} s"
    )
    for name, values, scale, form in (
        ("ms", pings.seconds, 1000, ".2f"),
        ("clocks", pings.clocks, 1, ",.0f"),
    ):
        if values:
            low, mean, high = (
                scale * value for value in (min(values), sum(values) / returned, max(values))
            )
            print(f"round trip min/mean/max: {low:{form}} / {mean:{form}} / {high:{form}} {name}")
    print(_summary(counts))
    if interrupted:
        return 130
    return 0 if returned == options.count and not pings.wrong else 1
