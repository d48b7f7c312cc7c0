"""What `ttpoe fabric` prints of one run, and of the runs of several seeds."""

import statistics

__all__ = ["several", "shown"]


def _waits(found):
    """Of urgent packets; nothing without any."""
    if not found["pings"]:
        return []
    return [
        f"{found['pings']:,} urgent packets: {found['ping_p50']:,} / {found['ping_p99']:,} / "
        f"{found['ping_max']:,} clocks (p50 / p99 / max)"
    ]


def _half(half):
    """Lines about the second half of a run without an end."""
    back = f", back {100 * half['goodput_back']:.1f} %" if "goodput_back" in half else ""
    shares = [100 * share for share in half["sender_goodput"]]
    return [
        f"second half: {100 * half['goodput']:.1f} %{back}; fairness {half['fairness']:.3f}; "
        f"{100 * half['dropped_share']:.2f} % of {half['data_sent']:,} DATA frames dropped by "
        "full buffers",
        f"a sender has {min(shares):.2f} to {max(shares):.2f} % of a line",
        *_waits(half),
    ]


def _sharing(result):
    """Lines about senders that came and went."""
    for what in ("join", "leave"):
        clocks = result.get(f"fair_after_{what}")
        if clocks is not None:
            yield (
                f"fair {clocks:,} clocks after the {what}: {clocks / result['turn']:.1f} round "
                f"trips of {result['turn']:,}"
            )


def shown(result):
    """The result in a few lines."""
    stats = result["stats"]
    took = (
        f"in {result['completed']:,} clocks, ideal {result['ideal']:,}"
        if result["completed"]
        else f"in {result['clocks']:,} clocks, and more under way"
    )
    half = result.get("half")
    inner = ""
    if result["network_ideal"] > result["ideal"]:
        share = result["network_ideal"] / result["completed"]
        inner = f", {100 * share:.1f} % of what the ports between switches allow"
    lines = [
        f"{result['packets']} packets {took}: {100 * result['goodput']:.1f} % of what headers "
        f"allow{inner}",
        f"fairness {result['fairness']:.3f}; dropped by full buffers "
        f"{result['dropped_full']:,}, lost {result['lost']:,}; fullest buffer "
        f"{result['peak_bytes']:,} bytes",
        *(_half(half) if half else _waits(result)),
        *_sharing(result),
        f"replays {stats.get('payload_replayed', 0):,}; congestion control "
        f"{'on' if result['congestion'] else 'off, or none'}; {result['clocks']:,} clocks, "
        f"{result['clocks'] / max(result['cpu_seconds'], 0.01):,.0f} clocks/s",
    ]
    return "\n".join(f"[fabric] {line}" for line in lines)


_FIGURES = (  # name, unit, factor, decimals, of the second half or of all
    ("goodput", "%", 100, 1),
    ("goodput_back", "%", 100, 1),
    ("fairness", "", 1, 3),
    ("dropped_share", "% of DATA", 100, 2),
    ("ping_p50", "clocks", 1, 0),
    ("ping_p99", "clocks", 1, 0),
    ("fair_after_join", "clocks", 1, 0),
    ("fair_after_leave", "clocks", 1, 0),
)


def several(results):
    """Mean and spread of each figure over the seeds."""
    lines = [f"[fabric] {len(results)} seeds: mean (smallest to largest)"]
    for name, unit, factor, places in _FIGURES:
        values = [(result | result.get("half", {})).get(name) for result in results]
        there = [factor * value for value in values if value is not None]
        if not there:
            continue
        some = "" if len(there) == len(values) else f", {len(there)} of {len(values)} seeds"
        lines.append(
            f"[fabric] {name.replace('_', ' '):16} {statistics.mean(there):,.{places}f} {unit} "
            f"({min(there):,.{places}f} to {max(there):,.{places}f}){some}"
        )
    return "\n".join(lines)
