"""What runs on the host of a live NIC: `echo`, and `ping` which measures round trips."""

import sys
import time

__all__ = ["echo", "ping"]

_FLOOD = 8              # messages of a flood that are under way
_BACKLOG = 64           # packets that wait for the NIC until echo stops to read


def _summary(counts):
    """The line on frames that every application ends with."""
    replayed, lost = counts["stat_payload_replayed"], counts["wire_lost"]
    return (f"frames: {counts['stat_payload_first_sent'] + replayed:,} PAYLOADs sent, "
            f"{replayed:,} of them replays; {counts['stat_rx_good']:,} received"
            + (f"; {lost:,} lost by --loss" if lost else "") + f"; {counts['clocks']:,} clocks")


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


def echo(nic, options):
    """Send every packet back on its link, until Ctrl-C."""
    packets = octets = 0
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
                    print(f"{len(message.data)} bytes from {message.node:06x}, VC {message.vc}, ID "
                          f"{message.id}: {message.data[:32]!r}", flush=True)
            elif message.kind == "ready":
                print("echoes what it receives; Ctrl-C ends it", flush=True)
            else:
                _tell(message)
                if _gone(message):
                    return 1
    except KeyboardInterrupt:
        print()
        counts, _ = nic.statistics()
        print(f"{packets:,} packets, {octets:,} bytes echoed\n{_summary(counts)}")
    return 0


class _Pings:
    """The messages of one `ping`: what was sent, what came back, how long it took."""

    def __init__(self, nic, options):
        self.nic, self.options = nic, options
        self.sent = self.wrong = 0
        self.sent_at, self.taken_at = {}, {}
        self.seconds, self.clocks = [], []
        self.ended = None               # why it ends before its time

    def _data(self, number):
        pattern = bytes((number + n) & 0xFF for n in range(self.options.bytes - 4))
        return number.to_bytes(4, "big") + pattern

    def send(self):
        self.sent_at[self.sent] = time.monotonic()
        self.nic.send(self.options.peer, self._data(self.sent), self.options.vc)
        self.sent += 1

    def take(self, message):
        """Account for what the NIC tells."""
        if message.kind == "taken":
            self.taken_at[message.id] = message.clock
        elif message.kind == "received" and (message.node, message.vc) == (
                self.options.peer, self.options.vc):
            self._returned(message)
        elif message.kind in ("notice", "wire"):
            _tell(message)
            if _gone(message):
                self.ended = "the wire is gone"
            elif message.kind == "notice" and message.text in (
                    "REFUSED", "RETRIES_USED_UP", "LINK_DOWN") and message.node == (
                    self.options.peer):
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
            print(f"{len(message.data)} bytes from {message.node:06x}: number {number + 1}, "
                  f"{seconds * 1000:.2f} ms, {clocks:,} clocks", flush=True)

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
    """Send messages to a node that echoes, and print what came of them."""
    pings = _Pings(nic, options)
    print(f"{options.count:,} messages of {options.bytes} bytes to node {options.peer:06x}, "
          f"VC {options.vc}", flush=True)
    started = time.monotonic()
    try:
        pings.run()
    except KeyboardInterrupt:
        print()
    elapsed = time.monotonic() - started
    if pings.ended is None:
        nic.close(options.peer, options.vc)
        until = time.monotonic() + 2
        while pings.ended is None and (left := until - time.monotonic()) > 0:
            message = nic.receive(left)
            if message is not None:
                pings.take(message)
    counts, _ = nic.statistics()
    returned = len(pings.seconds)
    print(f"--- node {options.peer:06x}, VC {options.vc} ---\n"
          f"{pings.sent:,} messages sent, {returned:,} came back, "
          f"{pings.sent - returned:,} lost, {elapsed:.2f} s")
    for name, values, scale, form in (("ms", pings.seconds, 1000, ".2f"),
                                      ("clocks", pings.clocks, 1, ",.0f")):
        if values:
            low, mean, high = (scale * value for value in (
                min(values), sum(values) / returned, max(values)))
            print(f"round trip min/mean/max: {low:{form}} / {mean:{form}} / {high:{form}} {name}")
    print(_summary(counts))
    return 0 if returned == options.count and not pings.wrong else 1
