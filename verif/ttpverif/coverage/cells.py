"""Cells of the state table: which alternative of which cell an event took, and what it counts.

The conditions ("guards") are worked out here from the reference model's link, so an event that took
another alternative than the model's numbers say is an error, even where both look the same on the
wire. The rows themselves come as data: `{event: {state: ((guards, action, next state), ...)}}`.
"""

from collections import Counter

from ..check.trace import ACTIONS, EVENTS, RUN, freed_slots
from ..frames.serial import ID_MASK, epoch_distance, id_add, id_distance
from ..model.states import State

__all__ = ["CellCoverage", "GUARDS", "ACTION_STATS"]


def _in_window(link, e):
    return ((e["rx_id"] - link.oldest) & ID_MASK) < link.in_flight


def _acks_all(link, e):
    acked = ((e["rx_id"] - link.oldest) & ID_MASK) + 1
    return _in_window(link, e) and acked == link.stored


def _quiet(link, e):
    if link.zero:
        return not link.stored
    data = not link.stored or (e["tx_id"] and _acks_all(link, e))
    return data and e["tx_id"] in (0, id_add(link.received, 1))


def _ahead(link, e):
    return id_distance(e["tx_id"], link.received)


def _open_fits(link, e):
    return ((e["rx_id"] - link.oldest + 1) & ID_MASK) <= link.in_flight


def _out_of_step(link, e):
    ahead = _ahead(link, e)
    return link.zero and (
        link.doubted
        or ahead != 1
        and (link.guessed or ahead > 1 and not link.fed or link.gap and e["tx_id"] == link.seen)
    )


def _concerned(link, e):
    """The ID whose place among the kept packets the event asks for."""
    return id_add(link.received, 1) if EVENTS[e["event"]] == "LOOK" else e["tx_id"]


def _range_ok(link, e):
    return (
        link.in_flight
        and id_distance(e["rx_id"], link.oldest) < link.in_flight
        and id_distance(e["tx_id"], link.oldest) >= 0
    )


def _at_limit(link, parameters):
    own = link.control_offered and link.stored >= parameters.controlled_slots
    return own or parameters.link_slots and link.stored >= parameters.link_slots


def _patient(link, e):
    by_chance = e.get("coin", 0) and link.count >= 3
    return link.controlled and not link.held and (e.get("slow", 0) and link.count < 2 or by_chance)


# name -> condition of (link, event record, parameters); `OUTSIDE` are not the link's alone.
GUARDS = {
    "AT_LIMIT": lambda k, e, p: _at_limit(k, p),
    "CAN_SEND": lambda k, e, p: not k.held and (not k.controlled or e.get("free", 1)),
    "ROOM": lambda k, e, p: e["room"],
    "STALE": lambda k, e, p: k.peer_epoch and e["epoch"] != k.peer_epoch,
    "OWN_EPOCH": lambda k, e, p: e["epoch"] == k.epoch or not (e["epoch"] or k.peer_epoch),
    "MATCH": lambda k, e, p: e["rx_id"] == k.open_id,
    "REPEAT": lambda k, e, p: e["epoch"] and e["epoch"] == k.peer_epoch,
    "USED": lambda k, e, p: e["tx_id"] != k.received or k.gap,
    "SELF": lambda k, e, p: e["node"] == p.node,
    "ZERO": lambda k, e, p: k.zero,
    "OPEN_FITS": lambda k, e, p: _open_fits(k, e),
    "OPEN_AGREES": lambda k, e, p: (
        _open_fits(k, e) and (_ahead(k, e) == 0 or _ahead(k, e) == -1 and k.fed)
    ),
    "FIRST_AGAIN": lambda k, e, p: e["rx_id"] == e["tx_id"] != k.received,
    "ASKED": lambda k, e, p: k.asked,
    "DOUBTED": lambda k, e, p: k.doubted,
    "FED": lambda k, e, p: k.fed,
    "OUT_OF_STEP": lambda k, e, p: _out_of_step(k, e),
    "OLDER": lambda k, e, p: (
        e["epoch"] and k.peer_epoch and epoch_distance(e["epoch"], k.peer_epoch) < 0
    ),
    "BOTH_ZERO": lambda k, e, p: not (e["epoch"] or k.peer_epoch),
    "QUIET": lambda k, e, p: _quiet(k, e),
    "IN_WINDOW": lambda k, e, p: _in_window(k, e),
    "GOOD_0": lambda k, e, p: k.zero and e["rx_id"] == 0 and _in_window(k, e),
    "LAST_ACK": lambda k, e, p: _acks_all(k, e),
    "NACK_OK": lambda k, e, p: (
        k.in_flight
        and ((-1 if k.zero else -(1 << 31)) <= id_distance(e["rx_id"], k.oldest) < k.in_flight)
    ),
    "UNACKED": lambda k, e, p: k.in_flight,
    "DUPLICATE": lambda k, e, p: _ahead(k, e) <= 0,
    "NEXT": lambda k, e, p: _ahead(k, e) == 1,
    "BEYOND_END": lambda k, e, p: (
        k.peer_end is not None and id_distance(e["tx_id"], k.peer_end) > 0
    ),
    "NACK_DUE": lambda k, e, p: not k.gap or id_distance(e["tx_id"], k.seen) <= 0,
    "TIMER_BIT": lambda k, e, p: k.timer_bit,
    "RETRIES_UP": lambda k, e, p: p.max_retry and k.count >= p.max_retry,
    "IDLE_UP": lambda k, e, p: p.idle_limit and k.count >= p.idle_limit,
    "EMPTY": lambda k, e, p: not k.stored,
    "GAP": lambda k, e, p: k.gap and not k.zero,
    "TOLD": lambda k, e, p: k.count >= 2,
    "WAKE": lambda k, e, p: k.zero and (k.count in (2, 6) if e.get("crowded", 0) else k.count < 8),
    "END_AHEAD": lambda k, e, p: not k.end_reached,
    "CLOSE_DUE": lambda k, e, p: k.close_due or k.close_wanted,
    "CLOSE_WAITS": lambda k, e, p: k.stored and (k.zero or k.end == 0),
    "UNSENT": lambda k, e, p: k.waiting and not k.held,
    "SELECTIVE": lambda k, e, p: k.selective,
    "LOOKING": lambda k, e, p: k.looking,
    "AHEAD": lambda k, e, p: e["room"],
    "KEPT_ANY": lambda k, e, p: k.kept,
    "HIT": lambda k, e, p: _concerned(k, e) in k.kept,
    "KEEP_OK": lambda k, e, p: e["kept"],
    "NEW_GAP": lambda k, e, p: id_distance(e["tx_id"], k.youngest) > 1,
    "AT_SEEN": lambda k, e, p: (
        e["tx_id"] == k.youngest
        or (_ahead(k, e) == p.window - 1 and id_distance(e["tx_id"], k.youngest) < 0)
    ),
    "RANGE_OK": lambda k, e, p: _range_ok(k, e),
    "CONTROLLED": lambda k, e, p: k.controlled,
    "ECHO": lambda k, e, p: e["tx_id"] != 0,
    "ECHO_OK": lambda k, e, p: ((e["tx_id"] - k.oldest) & ID_MASK) < k.in_flight,
    "PACED": lambda k, e, p: k.controlled and k.in_flight and k.position == k.oldest,
    "PATIENT": lambda k, e, p: _patient(k, e),
}
OUTSIDE = ("FULL", "LAG", "RUN")
HARDWARE_KNOWS = ("SEEK_OK", "RESEND_OK", "OLD_KEPT", "RETIRING")
"""Guards on the hardware's own lists: a row with such a guard is taken if its action is the one
seen. What the action may do then is checked in lockstep."""

_COUNTED_BY = {
    "link_opened": "BECOME_OPEN OPENED",
    "echo_heard": "NOTED",
    "link_closed": "CLOSE_AGREED CLOSE_DONE CLOSE_DONE_TOLD CLOSE_UNASKED",
    "link_lost": "LINK_LOST",
    "link_refused": "REFUSED CLOSE_REFUSED",
    "link_retries_used_up": "GIVE_UP GIVE_UP_CLOSE",
    "peer_restarted": "RESTART RESTART_CLOSING AGREE_TOLD",
    "open_reused": "REFUSE_REUSED",
    "doubted": "DOUBT",
    "resynced": "RESYNC",
    "out_of_step": "SAY_OUT_OF_STEP",
    "open_nacked": "REFUSE_OPEN",
    "drop_stale": "DROP_STALE",
    "drop_unexpected": "DROP_UNEXPECTED",
    "drop_bad_ack": "DROP_BAD_ACK",
    "drop_gap": "DROP_GAP",
    "drop_duplicate": "ACK_AGAIN",
    "drop_no_room": "SAY_FULL",
    "drop_no_link": "SAY_NOLINK",
    "nack_gap": "NACK_GAP MARK_NACK COUNT_NACK NACK_ALL",
    "delivered": "DELIVER DELIVER_LOOK",
    "kept": "KEEP KEEP_ECHO",
    "kept_nacked": "KEEP_NACK",
    "drop_unkept": "LOSE",
    "delivered_kept": "DELIVER_KEPT",
    "purged": "FREE_KEPT",
    "nack_run": "NACK_RUN",
    "ack_retired": "RETIRE RETIRE_CLOSE",
    "nack_replayed": "RETIRE_REPLAY NACK_RANGE",
    "link_held": "HOLD",
    "timed_out": "OPEN_AGAIN ANSWER_TIMED CLOSE_TIMED CLOSE_NACK_AGAIN",
    "timer_replayed": "REPLAY REPLAY_NACK REPLAY_WAKE_ACK REPLAY_WAKE_NACK",
    "host_blocked": "BLOCK BLOCK_FULL",
    "host_refused": "REFUSE_PAYLOAD REFUSE_HOST_OPEN REFUSE_OWN_PAYLOAD REFUSE_OWN_OPEN",
}
ACTION_STATS = {action: stat for stat, actions in _COUNTED_BY.items() for action in actions.split()}
"""The statistic that each action counts in; actions that are not here count nowhere."""
DROPS = {
    "DROP_STALE": "stale",
    "DROP_UNEXPECTED": "unexpected",
    "DROP_BAD_ACK": "bad_ack",
    "ACK_AGAIN": "duplicate",
    "REFUSE_REUSED": "open_reused",
    "SAY_OUT_OF_STEP": "out_of_step",
}
"""What the model calls a drop that is counted by one action alone."""
WAKES = ("WAKE_ACK", "WAKE_NACK", "REPLAY_WAKE_ACK", "REPLAY_WAKE_NACK")
"""Counted as `woken`, besides what else they count (Z7)."""
STATS = (*_COUNTED_BY, "woken", "payload_first_sent", "payload_replayed", "slot_retired")


class CellCoverage:
    """Watches one `LockstepFeed`: call `before` and `after` around each step of its model.

    Attributes
    ----------
    taken : set of (event, state, number of the alternative)
    stats : Counter
        What the statistics of the link machine must have counted.
    """

    _RETIRES = (
        "RETIRE_RUN",
        "RETIRE",
        "RETIRE_CLOSE",
        "RETIRE_REPLAY",
        "CLOSE_NOT_YET",
        "RETIRE_ONE",
        "AGREE",
        "AGREE_TOLD",
        "RESYNC",
    )

    def __init__(self, table):
        self.table = table
        self.taken, self.stats = set(), Counter()
        self._lag = Counter()  # acknowledged slots that are not freed yet, per link
        self._walked = (
            set()
        )  # links whose list may be walked along: the hardware knows what is freed
        self._link, self._oldest = None, 0
        self._drops = {}

    def before(self, endpoint, record):
        """An event, `record` of the trace port, before the model has carried it out."""
        event, state = EVENTS[record["event"]], State(record["old_state"]).name
        where = record["node"], record["vc"]
        link = endpoint.links.find(*where) if state != "CLOSED" else None
        for number, (guards, action, next_state) in enumerate(self.table[event][state]):
            if all(
                ACTIONS[record["action"]] == action if holds is None else holds != (guard[0] == "!")
                for guard in guards
                for holds in (self._holds(guard.lstrip("!"), endpoint, link, record),)
            ):
                break
        seen = ACTIONS[record["action"]], State(record["new_state"]).name
        assert seen == (action, next_state), (
            f"{event} in {state}: hardware {seen}, by the numbers {action, next_state}; {link}"
        )
        self.taken.add((event, state, number))
        if action in ACTION_STATS:
            self.stats[ACTION_STATS[action]] += 1
        self.stats["woken"] += action in WAKES
        if action in ("SEND", "APPEND_SEND"):
            assert link is not None, f"{event} sends, and there is no link"
            first = link.position == link.fresh
            self.stats["payload_first_sent" if first else "payload_replayed"] += 1
        if action == "RESEND" or action in ("RETIRE_REPLAY", "NACK_RANGE") and record["frame"]:
            self.stats["payload_replayed"] += 1
        self._link, self._oldest = link, link.oldest if link is not None else 0
        self._drops = {cause: endpoint.counters[cause] for cause in DROPS.values()}

    def after(self, endpoint, record):
        """The same event, after the model has carried it out."""
        where = record["node"], record["vc"]
        link = endpoint.links.find(*where)
        action = ACTIONS[record["action"]]
        dropped = [
            cause for cause in DROPS.values() if endpoint.counters[cause] != self._drops[cause]
        ]
        assert dropped == ([DROPS[action]] if action in DROPS else []), (
            f"{EVENTS[record['event']]}: hardware {action}, dropped by the model as {dropped}"
        )
        if link is None or link is not self._link:
            self._lag[where] = 0
            self._walked -= {("replayer", where), ("retirer", where)}
            return
        retired = (link.oldest - self._oldest) & ID_MASK
        self._lag[where] += retired
        self._check_freed(where, action, retired, record)
        event = EVENTS[record["event"]]
        if event == "WALKED":
            self._walked.discard(("replayer", where))
        elif action == "START_WALK":
            self._walked.add(("replayer", where))
        if self._lag[where] > 1:  # the retirer may have begun
            self._walked.add(("retirer", where))
        elif event == "RETIRE":
            self._walked.discard(("retirer", where))

    def _check_freed(self, where, action, retired, record):
        """What is freed was acknowledged, and something is freed at once unless somebody walks."""
        run, lag = action == "RETIRE_RUN", self._lag[where]
        freed = freed_slots(record)
        assert freed <= lag and (not run or 0 < freed <= RUN), f"{action} frees {freed} of {lag}"
        due = action in self._RETIRES and lag
        assert bool(due) == bool(record["frees"]) or due and self._walks(where), (
            f"{action}: {lag} wait, {retired} of them acknowledged now; freed: {freed}"
        )
        self._lag[where] -= freed
        self.stats["slot_retired"] += freed != 0

    def _walks(self, where):
        return any((who, where) in self._walked for who in ("replayer", "retirer"))

    def _holds(self, guard, endpoint, link, record):
        where = record["node"], record["vc"]
        if guard == "FULL":
            return not endpoint.links.has_room(*where)
        if guard in HARDWARE_KNOWS:
            return None
        if guard == "LAG":
            return self._lag[where] > 0 and (None if self._walks(where) else True)
        if guard == "RUN":
            asking = endpoint.asking
            return asking is not None and asking.link is link and asking.runs(record["tx_id"])
        if (
            guard in ("UNSENT", "CAN_SEND")
            and self._lag[where]
            and link.waiting
            and link.position == link.oldest
        ):
            return False  # the oldest's slot is known when those before it are freed
        return bool(GUARDS[guard](link, record, endpoint.parameters))

    def check_stats(self, counts):
        """`counts`: how much each statistic of the engine has counted meanwhile."""
        wrong = {
            name: (counts[name], self.stats[name])
            for name in STATS
            if counts[name] != self.stats[name]
        }
        assert not wrong, f"statistics (counted, expected): {wrong}"
