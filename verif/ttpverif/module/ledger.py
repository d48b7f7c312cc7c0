"""What an engine's host and the users of its modules put in and got, and what may be missing.

The rules of protocol 10.1: nothing is lost without a notice to the engine's host, nothing is
delivered twice, everything is in order. What nobody can know is excused, and only that:

- a notice says that the link was lost or the peer restarted: what was on its way may be missing;
- behind PEER_RESTARTED the first packet that the module's user writes may be missing, too (Z4);
- the module itself drops what its user wrote when it closes or is loaded anew, and tells nobody;
- a link that ended, or began anew, with the PAYLOAD delivered and its ACK lost: the one
  PAYLOAD that a module has
  out may be delivered once more on the next link. So may what was on its way to a module that was
  loaded anew, or that an OPEN told another receive position.
"""

from collections import Counter

__all__ = ["Ledger", "LedgerError"]

_ENDS = ("LINK_DOWN", "REFUSED", "RETRIES_USED_UP")
_WINDOW = 64  # packets that can be on their way to a module


class LedgerError(AssertionError):
    """Somebody got what he should not have got, or did not get what he should have."""


class _Flow:
    """One direction of one (module, VC). Packets are numbered as they were put in."""

    def __init__(self):
        self.packets, self.excused, self.got = [], set(), []
        self.may_repeat = 0  # so many of the last packets that were got may come once more
        self.excuse_next = False

    def put(self, data):
        if self.excuse_next:
            self.excused.add(len(self.packets))
            self.excuse_next = False
        self.packets.append(data)

    def take(self, data, where):
        number = self.packets.index(data) if data in self.packets else None
        if number is None:
            raise LedgerError(f"{where}: got what nobody put in: {data[:24]!r}")
        last = self.got[-1] if self.got else -1
        again = number in self.got[len(self.got) - self.may_repeat :] if self.may_repeat else False
        if number <= last and not again:
            kind = "delivered twice" if number in self.got else "out of order"
            raise LedgerError(f"{where}: packet {number} {kind}, behind {last}: {data[:24]!r}")
        if again:
            self.may_repeat -= 1
        else:
            self.may_repeat = 0
        self.got.append(number)

    def excuse_all(self):
        self.excused.update(range(len(self.packets)))

    def excuse(self, data):
        if data in self.packets:
            self.excused.add(self.packets.index(data))

    @property
    def missing(self):
        return [
            number
            for number in range(len(self.packets))
            if number not in self.excused and number not in set(self.got)
        ]


class Ledger:
    """Every packet must differ from all others. `module` is the module's node."""

    def __init__(self):
        self._to_module, self._to_engine = {}, {}
        self.notices = Counter()

    def _flows(self, module, vc):
        key = module, vc
        return (self._to_module.setdefault(key, _Flow()), self._to_engine.setdefault(key, _Flow()))

    def engine_put(self, module, vc, data):
        """The engine took a packet of its host."""
        self._flows(module, vc)[0].put(bytes(data))

    def module_put(self, module, vc, data):
        """A module took what is one PAYLOAD of its user."""
        self._flows(module, vc)[1].put(bytes(data))

    def module_got(self, module, vc, data):
        self._flows(module, vc)[0].take(bytes(data), f"module {module:x}, VC {vc}")

    def engine_got(self, module, vc, data):
        self._flows(module, vc)[1].take(bytes(data), f"engine, from {module:x}, VC {vc}")

    def notice(self, name, module, vc):
        """A notice to the engine's host."""
        self.notices[name] += 1
        if name == "LINK_UP":
            return
        to_module, to_engine = self._flows(module, vc)
        if name in (*_ENDS, "PEER_RESTARTED"):
            to_module.excuse_all()
            to_engine.excuse_all()
            to_engine.may_repeat = 1
        if name == "PEER_RESTARTED":
            to_engine.excuse_next = True

    def engine_restarted(self, module, vc):
        """The engine was reset: its host has nothing any more of what was on its way."""
        for flow in self._flows(module, vc):
            flow.excuse_all()
        self._flows(module, vc)[1].may_repeat = 1

    def module_restarted(self, module):
        for (node, _), flow in self._to_module.items():
            if node == module:
                flow.may_repeat = _WINDOW

    def module_resynchronised(self, module, vc):
        """An OPEN moved the receive position of a module on an open link."""
        self._flows(module, vc)[0].may_repeat = _WINDOW

    def module_dropped(self, module, vc, data):
        """A module lost what its user wrote, by its own doing."""
        self._flows(module, vc)[1].excuse(bytes(data))

    @property
    def delivered(self):
        return sum(
            len(flow.got) for flows in (self._to_module, self._to_engine) for flow in flows.values()
        )

    def finish(self):
        """At the end of a run: nothing is missing without an excuse."""
        for name, flows in (("module", self._to_module), ("engine", self._to_engine)):
            for (module, vc), flow in flows.items():
                if flow.missing:
                    raise LedgerError(
                        f"to {name}, module {module:x}, VC {vc}: packets "
                        f"{flow.missing} of {len(flow.packets)} lost in silence"
                    )
