"""`DeliveryChecker`: what hosts put in against what hosts got out.

The second level, the hardware against the model event by event, is in `lockstep`.
"""

from collections import defaultdict

__all__ = ["DeliveryChecker", "DeliveryError"]


class DeliveryError(AssertionError):
    """A host got something it should not have got, or did not get what it should have."""


class _Flow:
    def __init__(self):
        self.packets = []
        self.may_be_lost = []
        # Numbers of packets that may come next. One number unless links went down: then it is
        # not known which of the packets that were on their way had been delivered or not.
        self.next = {0}
        self.delivered = 0


class DeliveryChecker:
    """Exactly once, in order, byte for byte, for each (source, destination, VC).

    A link that goes down (its host is told) may lose what was on its way: `link_lost` marks it.
    """

    def __init__(self):
        self._flows = defaultdict(_Flow)

    def put(self, src, dst, vc, data):
        """A host's packet was taken."""
        flow = self._flows[src, dst, vc]
        flow.packets.append(bytes(data))
        flow.may_be_lost.append(False)

    def got(self, src, dst, vc, data):
        """A host was given a packet."""
        flow, data = self._flows[src, dst, vc], bytes(data)
        after = set()
        for start in flow.next:
            for number in range(start, len(flow.packets)):
                if flow.packets[number] == data:
                    after.add(number + 1)
                if not flow.may_be_lost[number]:
                    break
        if not after:
            raise DeliveryError(self._describe((src, dst, vc), flow, data))
        flow.next = after
        flow.delivered += 1

    def link_lost(self, src, dst, vc):
        """What `src` put in so far may never arrive."""
        flow = self._flows[src, dst, vc]
        for number in range(min(flow.next), len(flow.packets)):
            flow.may_be_lost[number] = True

    def excuse(self, src, dst, vc, number):
        """The `number`th packet put (from 0) may never arrive: refused, or its link ended."""
        self._flows[src, dst, vc].may_be_lost[number] = True

    def missing(self):
        """{(src, dst, vc): number of packets that must still arrive}."""
        missing = {}
        for key, flow in self._flows.items():
            left = min(flow.may_be_lost[start:].count(False) for start in flow.next)
            if left:
                missing[key] = left
        return missing

    def finish(self):
        """At the end of a run: everything has arrived."""
        missing = self.missing()
        if missing:
            raise DeliveryError(
                "never delivered: "
                + ", ".join(
                    f"{count} from {src:06x} to {dst:06x} vc{vc}"
                    for (src, dst, vc), count in sorted(missing.items())
                )
            )

    @property
    def delivered(self):
        return sum(flow.delivered for flow in self._flows.values())

    @staticmethod
    def _describe(key, flow, data):
        src, dst, vc = key
        where = f"{src:06x} to {dst:06x} vc{vc}, packet {flow.delivered + 1}"
        if data in flow.packets[: min(flow.next)]:
            kind = "delivered before"
        elif data in flow.packets:
            kind = "out of order"
        else:
            kind = "never sent"
        number = min(flow.next)
        due = flow.packets[number].hex() if number < len(flow.packets) else "nothing"
        return f"{kind}: {where}: got {data.hex()}, expected {due}"
