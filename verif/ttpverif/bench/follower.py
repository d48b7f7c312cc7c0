"""Everything that watches one case of constrained random: deliveries, model, cells, counters.

One `Follower` per engine: the reference model in lockstep, the cells of the state table with what
they count, and which packets a link's end leaves without a promise. A `DeliveryFollower` is for
links that do not end, and sees only what hosts put in and got out. See docs/evidence/random.md.
"""

import dataclasses
from collections import deque

from ..check.trace import ACTIONS, EVENTS, RESULTS
from ..coverage.cells import CellCoverage
from ..frames.serial import id_distance
from ..model.endpoint import BLOCKED, REFUSED
from ..model.link import Link
from ..model.states import State
from .follow import CountError, LockstepFeed

__all__ = ["CountError", "DeliveryFollower", "Follower", "LeakError"]

Q2_CLOCKS = 2  # from a change of an input to the first record that was decided with it


class LeakError(AssertionError):
    """Something is not free that should be."""


class DeliveryFollower:
    """Watches the hosts' ports of one engine whose links never end: every packet must arrive.

    Parameters
    ----------
    node : Node
    deliveries : DeliveryChecker
    partner : Node
        The other engine: only what they say to each other goes to `deliveries`.

    Attributes
    ----------
    excused, refused : int
        None is.
    cells : set
        Of the state table, that were taken: none is looked at.
    """

    cells = frozenset()

    def __init__(self, node, deliveries, partner):
        self.node, self.partner, self.deliveries = node, partner, deliveries
        self.excused = self.refused = 0
        self._counts = node.counts()
        self._slots = node.level("free_slots")
        node.listeners.append(self._listen)

    def detach(self):
        """Follow no more."""
        self.node.listeners.remove(self._listen)

    def counts(self):
        """What the engine has counted since this began."""
        return {name: value - self._counts[name] for name, value in self.node.counts().items()}

    @property
    def replays(self):
        """PAYLOADs that were sent once more."""
        return self.counts()["payload_replayed"]

    @property
    def frames(self):
        """Frames that came in from the wire."""
        return len(self.node.frames_in)

    @property
    def quiet(self):
        """Everything the host handed over has been acknowledged and is freed."""
        return self.node.level("free_slots") == self._slots and not self.deliveries.missing()

    def finish(self, slots):
        """No replay slot is missing, and the engine has counted what the host got."""
        free, counts = self.node.level("free_slots"), self.counts()
        if free != slots:
            raise LeakError(f"at the end {free} of {slots} replay slots are free")
        said, got = counts["delivered"] + counts["delivered_kept"], len(self.node.received)
        if said != got:
            raise CountError(
                f"{self.node.name}: {said} packets counted as delivered, the host got {got}"
            )

    def _listen(self, kind, record):
        own, other = self.node.address, self.partner.address
        if kind == "sent" and record.node == other:
            self.deliveries.put(own, other, record.vc, record.data)
        elif kind == "received" and record.node == other:
            self.deliveries.got(other, own, record.vc, record.data)


class Follower(DeliveryFollower):
    """Watches one engine with the model in lockstep.

    Parameters
    ----------
    node : Node
    parameters : Parameters
    deliveries : DeliveryChecker
    partner : Node
        The other engine: only what they say to each other goes to `deliveries`.
    table : dict
        The state table (`cells.CellCoverage`).

    Attributes
    ----------
    excused : int
        Packets taken from the host whose link ended before they were acknowledged.
    refused : int
        Packets of the host that were refused.
    """

    def __init__(self, node, parameters, deliveries, partner, table):
        super().__init__(node, deliveries, partner)
        self.coverage = CellCoverage(table)
        self._changes = deque()
        self._numbers = dict.fromkeys(range(3), 0)
        self._taken = {vc: [] for vc in range(3)}
        self._link: Link | None = None
        self._purging = set()
        self.feed = LockstepFeed(node, parameters, watch=self)

    def detach(self):
        """Follow no more."""
        super().detach()
        self.node.listeners.remove(self.feed._listen)
        self.node.trace_on = False

    @property
    def model(self):
        return self.feed.lockstep.endpoint

    @property
    def replays(self):
        return self.coverage.stats["payload_replayed"]

    @property
    def frames(self):
        return self.feed.causes.total()

    @property
    def cells(self):
        return self.coverage.taken

    def change(self, cycle=None, **values):
        """Parameters of the model change: now, or with the inputs that changed in `cycle`."""
        if cycle is None:
            self._apply(values)
        else:
            self._changes.append((cycle + Q2_CLOCKS, values))

    def _apply(self, values):
        self.model.parameters = dataclasses.replace(self.model.parameters, **values)

    # ---- ports ---------------------------------------------------------------------------------

    def _listen(self, kind, record):
        super()._listen(kind, record)
        for name, records in (("trace", self.node.trace), ("law", self.node.law)):
            if kind == name and len(records) > 4096:
                records.clear()

    # ---- around each step of the model ---------------------------------------------------------

    def before(self, endpoint, trace):
        while self._changes and trace["cycle"] >= self._changes[0][0]:
            self._apply(self._changes.popleft()[1])
        self.coverage.before(endpoint, trace)
        self._link = endpoint.links.find(trace["node"], trace["vc"])
        if EVENTS[trace["event"]] == "PURGE" and trace["room"]:
            self._purging.discard(trace["lid"])
        elif ACTIONS[trace["action"]] in ("LOSE", "NACK_ALL"):
            self._ask_why_not(endpoint, trace)

    def _ask_why_not(self, endpoint, trace):
        """The model believes the engine that it had no place for a packet; but if nothing at all
        is kept, or waits for the host, there is a place (R2)."""
        assert self._link is not None, "a packet that was not kept belongs to a link"
        ahead = id_distance(trace["tx_id"], self._link.received)
        if (
            trace["room"]
            and ahead < endpoint.parameters.window
            and not endpoint.kept
            and trace["lid"] not in self._purging
            and not self.feed.lockstep.host_waits
        ):
            raise LeakError(
                f"{self.node.name}: the packet {ahead} ahead was not kept, although "
                f"the reorder memory is empty"
            )

    def after(self, endpoint, trace):
        self.coverage.after(endpoint, trace)
        vc = trace["vc"]
        link, old = endpoint.links.find(trace["node"], vc), self._link
        ended = old if link is not old else None
        if ended is not None and ended.kept:
            self._purging.add(trace["lid"])
        if trace["node"] != self.partner.address:
            return
        if EVENTS[trace["event"]] == "HOST_PAYLOAD" and RESULTS[trace["result"]] != BLOCKED:
            number = self._numbers[vc]
            self._numbers[vc] += 1
            if RESULTS[trace["result"]] == REFUSED:
                self.refused += 1
                self._excuse(vc, number)
            else:
                self._taken[vc].append(number)
        if ended is not None:
            lost = ended.stored - (link.stored if link is not None else 0)
            self.excused += lost
            for number in self._taken[vc][len(self._taken[vc]) - lost :]:
                self._excuse(vc, number)
            self._taken[vc].clear()

    def _excuse(self, vc, number):
        self.deliveries.excuse(self.node.address, self.partner.address, vc, number)

    # ---- at the end ----------------------------------------------------------------------------

    @property
    def quiet(self):
        """Nothing is under way with the partner, nor in the background."""
        model = self.model
        if model.asking is not None or model.purging.total() or self.feed.lockstep.host_waits:
            return False
        return all(
            link.state == State.OPEN and not (link.stored or link.looking or link.kept)
            for link in model.links
            if link.node == self.partner.address
        )

    def finish(self, slots):
        """Everything is explained, every counter right, nothing left behind."""
        self.feed.finish()
        model, counts = self.model, self.feed.counts()
        free = self.node.level("free_slots")
        if free != slots or list(model.links) or model.kept:
            raise LeakError(
                f"at the end {free} of {slots} replay slots are free, links "
                f"{list(model.links)}, {model.kept} packets kept"
            )
        try:
            self.coverage.check_stats(counts)
        except AssertionError as error:
            raise CountError(f"{self.node.name}: {error}") from None
