"""A model that leaves the trace that the hardware leaves, to try `lockstep` without hardware."""

import dataclasses
from typing import Any

from ..frames.serial import id_add, id_distance
from ..model.endpoint import Endpoint
from ..model.governed import Governed
from .law import FIELDS, fields_of
from .lockstep import Lockstep
from .record import Record, SentFrame

__all__ = ["Traced", "TracedLaw", "changed", "follow", "records"]


_TOLD = {"free": True, "slow": False, "coin": False, "crowded": False}
"""What the hardware's own state tells an event, and what it is where nothing is said."""


class Traced(Endpoint):
    """`log`: ("rx" | "tx", bytes), ("host", (node, vc, data), result), ("host_rx", delivery),
    ("purge", number), ("record", `Record`), in the order in which they happened."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.log = []

    def _event(self, event, node, vc, **arguments):
        asked = {"ASK": self._next_to_ask, "LOOK": lambda: self._next_to_look(node, vc)}
        named = asked.get(event, int)()
        out = super()._event(event, node, vc, **arguments)
        frame = arguments.get("frame")
        record = Record(
            event,
            node,
            vc,
            out.old_state,
            out.new_state,
            *((frame.tx_id, frame.rx_id, frame.epoch) if frame else (named, 0, 0)),
            room=arguments.get("room", event != "LOOK"),
            result=out.result,
            delivered=bool(out.deliveries),
            kept=out.kept,
            frame=SentFrame.of(out.frame) if out.frame else None,
            notice=out.notices[0][0] if out.notices else None,
            congestion=frame.congestion if frame else None,
            **{name: arguments.get(name, free) for name, free in _TOLD.items()},
        )
        if out.frame:
            self.log.append(("tx", out.frame.pack()))
        if frame:
            self.log.append(("rx", frame.pack()))
        if event == "HOST_PAYLOAD":
            self.log.append(("host", (node, vc, arguments["data"]), out.result))
        self.log.append(("record", record))
        self._tell_law()
        self.log += [("host_rx", delivery) for delivery in out.deliveries]
        return out

    def _tell_law(self):
        """Nothing: this engine has no ports that tell of the law."""

    def _next_to_ask(self):
        asking = self.asking
        assert asking is not None, "ASK, and no link asks"
        received = asking.link.received
        return max(asking.next_id, id_add(received, 1), key=lambda at: id_distance(at, received))

    def _next_to_look(self, node, vc):
        link = self.links.find(node, vc)
        return 0 if link is None else id_add(link.received, 1)

    def purge(self, number):
        super().purge(number)
        self.log.append(("purge", number))


class TracedLaw(Traced, Governed):
    """The same with the law: ("law", fields of `law_*`, and `where`) behind each record."""

    def _tell_law(self):
        found = self.found
        fields: dict[str, Any] = dict.fromkeys(FIELDS, 1)  # what means nothing is anything
        fields |= {"touched": int(found.touched is True), "now": self.now}
        fields["where"] = found.where
        self.log.append(("law", fields | fields_of(self.governor, found)))


def follow(log, parameters, **finish):
    """The `Lockstep` that has followed the log to its end."""
    lockstep = Lockstep(parameters, law=any(kind == "law" for kind, *_ in log))
    blocked = False
    for kind, *item in log:
        if kind == "rx":
            lockstep.push_rx(item[0])
        elif kind == "tx":
            lockstep.push_tx(item[0])
        elif kind == "host_rx":
            lockstep.push_host_rx(*item[0])
        elif kind == "purge":
            lockstep.purge(item[0])
        elif kind == "law":
            lockstep.push_law(item[0])
        elif kind == "host":
            lockstep.push_host(*item[0])
            blocked = item[1] == "BLOCKED"
        else:
            lockstep.step(item[0])
            if blocked and item[0].event == "HOST_PAYLOAD":  # this host does not try again
                lockstep._host[item[0].vc].pop()
            blocked = False
    lockstep.finish(**finish)
    return lockstep


def records(log, condition):
    """Where in the log the records are for which `condition` holds."""
    return [n for n, (kind, *item) in enumerate(log) if kind == "record" and condition(item[0])]


def changed(log, number, **changes):
    """The log with one record changed."""
    return [
        *log[:number],
        ("record", dataclasses.replace(log[number][1], **changes)),
        *log[number + 1 :],
    ]
