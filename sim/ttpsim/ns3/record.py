"""What a run has done, of TTP and of TCP in the same form; and what is told of it.

A record has `clocks`, `dropped_full`, `sent_again`, `peak_bytes` and `flows`, each with `from`, `to`,
`begin`, `bytes`, `half_bytes` (of the second half) and, once all of it is there, `end`: in clocks.
"""

import csv
import statistics

__all__ = ["CLOCK_NS", "QUANTILES", "begins", "figures", "flow_count", "of_ttp", "percentile"]

CLOCK_NS = 8
BYTES_PER_CLOCK = 8
"""8 Gb/s: 64 bits in each clock of 125 MHz."""
QUANTILES = tuple(range(0, 101, 2))
_LONGEST = 1024
_DATA = "2"
_64 = (1 << 64) - 1


def _mix(state):
    """As in sim/ttpsim/native/random.h."""
    z = (state + 0x9E3779B97F4A7C15) & _64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _64
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _64
    return z ^ z >> 31


def begins(seed, node, spread):
    """The clock in which a host begins, as in sim/ttpsim/fabric/settings.h."""
    return _mix(_mix(seed) ^ node) % spread if spread else 0


def flow_count(traffic, nodes):
    """How many pairs of hosts send, one way."""
    return {"incast": nodes - 1, "permutation": nodes, "all_to_all": nodes * (nodes - 1)}[traffic]


def of_ttp(result, order, settings):
    """The record of a run of the packet model: its results, and lines of its order of arrival."""
    found = {}
    for row in csv.DictReader(order):
        if row["vc"] != _DATA:
            continue
        clock, ends = int(row["clock"]) + 1, (int(row["from"]), int(row["to"]))
        begin = begins(settings["SEED"], ends[0], settings["SPREAD"])
        new = {"from": ends[0], "to": ends[1], "begin": begin, "bytes": 0, "half_bytes": 0}
        flow = found.setdefault(ends, new)
        flow["bytes"] += _LONGEST
        if clock >= settings["CLOCKS"] // 2:
            flow["half_bytes"] += _LONGEST
        if not settings["CLOCKS"] and flow["bytes"] == settings["COUNT"] * _LONGEST:
            flow["end"] = clock
    return {
        "clocks": result["clocks"],
        "dropped_full": result["dropped_full"],
        "sent_again": result["stats"].get("payload_replayed", 0),
        "peak_bytes": result["peak_bytes"],
        "cpu_seconds": result["cpu_seconds"],
        "flows": list(found.values()),
    }


def percentile(ordered, percent):
    """Of a list in order: as in sim/ttpsim/fabric/results.h."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _jain(shares):
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0


def _of_one(record, clocks, flows):
    """Goodput and fairness of one run. `flows`: how many there should be."""
    receivers = len({flow["to"] for flow in record["flows"]}) or 1
    if clocks:
        shares, time = [flow["half_bytes"] for flow in record["flows"]], clocks - clocks // 2
        moved = sum(shares)
    else:
        shares = [flow["bytes"] / (flow["end"] - flow["begin"]) for flow in record["flows"]]
        moved = sum(flow["bytes"] for flow in record["flows"])
        time = max(flow["end"] for flow in record["flows"])
    shares += [0] * (flows - len(shares))
    return moved / (receivers * BYTES_PER_CLOCK * time), _jain(shares)


def figures(records, clocks, flows):
    """What is told of the runs of some seeds: times of all flows together, else means.

    Completion times are in microseconds, from when the sender began, connection or link included.
    Goodput is the share of a line at the mean receiver that payload took: until the last byte, or
    of the second half if the run is cut off after so many `clocks`.
    """
    pairs = [_of_one(record, clocks, flows) for record in records]
    means = {
        "goodput": statistics.mean(goodput for goodput, _fair in pairs),
        "fairness": statistics.mean(fair for _goodput, fair in pairs),
    }
    for name in ("dropped_full", "sent_again", "peak_bytes", "cpu_seconds"):
        means[name] = statistics.mean(record[name] for record in records)
    if clocks:
        return means
    took = sorted(
        (flow["end"] - flow["begin"]) * CLOCK_NS / 1000
        for record in records
        for flow in record["flows"]
    )
    times = {"p50": percentile(took, 50), "p99": percentile(took, 99), "longest": took[-1]}
    return times | means | {"quantiles": [percentile(took, share) for share in QUANTILES]}
