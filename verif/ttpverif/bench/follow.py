"""Checks that follow a bench from its ports: deliveries, and the model in lockstep."""

from collections import Counter

from ..check.lockstep import Lockstep
from ..check.record import Record, SentFrame
from ..check.scoreboard import DeliveryChecker
from ..check.trace import ACTIONS, BY_NUMBER, EVENTS, NOTICES, RESULTS, freed_slots
from ..frames.datagram import Network, is_known, is_marked
from ..frames.frame import DROP_CAUSES, Opcode
from ..model.endpoint import Parameters
from ..model.states import State

__all__ = ["CountError", "follow_deliveries", "follow_lockstep", "LockstepFeed", "parameters_of"]


def follow_deliveries(bench):
    """A `DeliveryChecker` fed by both hosts' streams; call its `finish` at the end."""
    checker = DeliveryChecker()
    for node in bench.nodes:

        def listen(kind, record, node=node):
            if kind == "sent":
                checker.put(node.address, record.node, record.vc, record.data)
            elif kind == "received":
                checker.got(record.node, node.address, record.vc, record.data)

        node.listeners.append(listen)
    return checker


_SAME_CAUSE = {"tsh_length": "tsh_range", "total_length": "total_mismatch"}
"""Causes of drop whose counters have another name than in `frame.DROP_CAUSES`."""


class CountError(AssertionError):
    """A statistic of the engine is not what the model, or the ports, counted."""


class LockstepFeed:
    """Feeds one engine's ports and trace into a `Lockstep`; `watch` is called around each step.

    At the end the engine's counters of frames and packets must say what was seen at its ports.
    """

    def __init__(self, node, parameters, watch=None):
        self.node = node
        self.watch = watch
        self.causes = Counter()
        """Frames played into the engine, by what F1 says of them; None: good."""
        self.restart(parameters)
        node.trace_on = True
        node.listeners.append(self._listen)

    def restart(self, parameters, watch=None):
        """The engine has been reset: a new model follows it."""
        self.lockstep = Lockstep(parameters, self.node.tells_law, self.node.timed_bits)
        self._law_of_before = self.node.law_owed if self.node.tells_law else 0
        self._resets = self.node.resets
        self.watch = watch or self.watch
        self._counts = self.node.counts()
        self._seen = Counter()

    def counts(self):
        """What the engine has counted since the model started."""
        return {name: value - self._counts[name] for name, value in self.node.counts().items()}

    def finish(self):
        """Everything the engine did is explained; call it when nothing is under way."""
        counts = self.counts()
        handed_out = counts["payload_first_sent"] + counts["payload_replayed"]
        self.lockstep.finish(
            door_drops=counts["rx_queue_full"], killed=handed_out - counts["tx_payload"]
        )
        self._check_counts(counts, handed_out)

    def _check_counts(self, counts, handed_out):
        seen = self._seen
        expected = {
            **{f"rx_{_SAME_CAUSE.get(cause, cause)}": seen[cause] for cause in DROP_CAUSES},
            "rx_good": seen["good"] - counts["rx_queue_full"],
            "rx_delivered": seen["received"],
            "rx_no_room": seen["no_room"],
            "tx_refused": seen["refused"],
            "tx_oversize": 0,  # such packets are not the model's
            "tx_empty": 0,
            "tx_payload": seen["payload_out"],
            "tx_control": seen["control_out"],
            "command_bad_vc": seen["bad_vc_request"],
        }
        if self.lockstep.parameters.network is not None:
            expected["rx_marked"] = seen["marked"]
        wrong = [
            f"{name} is {counts[name]}, {number} seen at the ports"
            for name, number in expected.items()
            if counts[name] != number
        ]
        if counts["delivered"] + counts["delivered_kept"] != seen["received"]:
            wrong.append(
                f"delivered + delivered_kept is {counts['delivered']} + "
                f"{counts['delivered_kept']}, the host got {seen['received']}"
            )
        if handed_out != seen["payload_traced"]:
            wrong.append(
                f"payload_first_sent + payload_replayed is {handed_out}, "
                f"{seen['payload_traced']} events sent a PAYLOAD"
            )
        if wrong:
            raise CountError(f"{self.node.name}: statistics: " + "; ".join(wrong))

    def _listen(self, kind, record):
        lockstep, seen = self.lockstep, self._seen
        if self._resets != self.node.resets:  # what the law had still to tell is lost
            self._resets, self._law_of_before = self.node.resets, 0
            lockstep.forget_law()
        if kind == "trace":
            self._trace(record)
        elif kind == "law":
            if self._law_of_before:  # of an event that this model did not see
                self._law_of_before -= 1
            else:
                lockstep.push_law(record)
        elif kind == "frame_in":
            cause = lockstep.push_rx(record.data, record.bad)
            self.causes[cause] += 1
            seen[cause or "good"] += 1
            seen["marked"] += cause is None and is_marked(record.data)
        elif kind == "frame_out":
            lockstep.push_tx(record.data)
            if is_known(record.data, lockstep.parameters.network):
                seen["payload_out" if record.data[42] == Opcode.PAYLOAD else "control_out"] += 1
        elif kind == "sent":
            lockstep.push_host(record.node, record.vc, record.data)
        elif kind == "received":
            seen["received"] += 1
            lockstep.push_host_rx(record.node, record.vc, record.id, record.data)
        elif kind == "request":
            seen["bad_vc_request"] += record.vc > 2

    def _trace(self, trace):
        event = EVENTS[trace["event"]]
        self._seen["no_room"] += event == "RX_PAYLOAD" and not trace["room"]
        self._seen["refused"] += event == "HOST_PAYLOAD" and RESULTS[trace["result"]] == "REFUSED"
        self._seen["payload_traced"] += bool(
            trace["frame"] and trace["frame_opcode"] == Opcode.PAYLOAD
        )
        old, new = State(trace["old_state"]), State(trace["new_state"])
        if self.watch:
            self.watch.before(self.lockstep.endpoint, trace)
        if ACTIONS[trace["action"]] == "FREE_KEPT":
            self.lockstep.purge(trace["lid"])
        if event in BY_NUMBER and old == State.CLOSED:
            # The engine visits links by number; a free tag has no node to name.
            assert new == State.CLOSED and not trace["frame"] and not trace["noticed"]
            self.lockstep.skip()
            return
        frame = SentFrame(
            Opcode(trace["frame_opcode"]),
            trace["frame_node"],
            trace["frame_vc"],
            bool(trace["frame_ieee"]),
            trace["frame_epoch"],
            trace["frame_tx_id"],
            trace["frame_rx_id"],
            0x20 * trace["frame_selective"] | 0x40 * trace.get("frame_controlled", 0),
            trace.get("frame_more", 0),
            bool(trace.get("frame_ipv4", 0)),
        )
        self.lockstep.step(
            Record(
                event,
                trace["node"],
                trace["vc"],
                old,
                new,
                trace["tx_id"],
                trace["rx_id"],
                trace["epoch"],
                room=bool(trace["room"]),
                result=RESULTS[trace["result"]],
                delivered=bool(trace["delivered"]),
                kept=bool(trace["kept"]),
                retire=bool(trace["background"]),
                frame=frame if trace["frame"] else None,
                notice=NOTICES[trace["notice"]] if trace["noticed"] else None,
                congestion=trace.get("congestion"),
                free=bool(trace.get("free", 1)),
                slow=bool(trace.get("slow", 0)),
                coin=bool(trace.get("coin", 0)),
                crowded=bool(trace.get("crowded", 0)),
                frees=freed_slots(trace) if "frees" in trace else None,
            )
        )
        if self.watch:
            self.watch.after(self.lockstep.endpoint, trace)


def _network_of(driven):
    router = driven.get("ipv4_router_upper", 0) << 24 | driven.get("ipv4_router_lower", 0)
    return Network(
        driven.get("ipv4_prefix", 10), driven.get("ipv4_mask", 0), router.to_bytes(6, "big")
    )


def parameters_of(bench, node):
    """The model's parameters of an engine as it is built and configured now."""
    driven, config = node.configuration, bench.config
    built = config.get("congestion", "none") != "none"
    return Parameters(
        node=node.address,
        sets=config["sets"],
        vc_tables=config["vc_tables"],
        slots=config["slots"],
        fixed_open_id=bool(driven.get("fixed_open_id", 0)),
        ethertype=0x0800 if driven.get("ipv4") else 0x9AC6 if driven.get("ieee") else 0x0AC6,
        network=_network_of(driven) if config.get("encapsulation") == "ipv4" else None,
        selective=bool(driven.get("selective", 1)),
        reorder_slots=config["reorder_slots"],
        congestion=built and bool(driven.get("congestion", 1)),
        **{name: driven[name] for name in ("init_id", "max_retry", "idle_limit", "link_slots")},
    )


def follow_lockstep(bench):
    """One `LockstepFeed` per engine; call it after the engines have been configured."""
    return [LockstepFeed(node, parameters_of(bench, node)) for node in bench.nodes]
