"""Part `fabric` of `ttpoe bench`: incast and all-to-all of many engines and switches (S15).

Native runs of sim/ttpsim/fabric/run.py; docs/evidence/fabric.md tells what they mean.
"""

import re
import subprocess

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.fabric import run as fabric

NODES, SHORT_NODES = (2, 4, 8, 16, 32, 64), (4, 8)
FRAME = 60 + 1024
BUFFER, LARGE = 65536, 8 << 20  # LARGE holds all that can be under way
CLOCKS, SHORT_CLOCKS = 300_000, 80_000  # of an incast without an end, at least
COUNT = 32  # packets of each sender in one with an end
SLOTS_NODES, SLOTS = 16, (1, 2, 4, 8, 16, 32, 0)


def fitting(nodes):
    """The limit of slots with which all that `nodes` - 1 senders can send fits into the buffer."""
    return max(1, BUFFER // (FRAME * (nodes - 1)))


def endless(nodes, short, bounded=False):
    """Settings of an incast without an end. Unless `bounded`, all that the senders' slots hold
    goes through the port in its first half, which is not counted."""
    if short:
        return {"CLOCKS": SHORT_CLOCKS, "PING_EVERY": 1024}
    window = 0 if bounded else nodes * preset("default").slots * -(-FRAME // 8)
    return {"CLOCKS": max(CLOCKS, 2 * window), "PING_EVERY": 1024}


# Variant -> (words for the plot, settings by number of nodes).
INCAST = {
    "selective": ("selective", lambda nodes: {}),
    "gbn": ("go-back-N", lambda nodes: {"SELECTIVE": 0}),
    "limited": ("selective, link_slots fits", lambda nodes: {"LINK_SLOTS": fitting(nodes)}),
    "large_buffer": ("selective, 8 MB", lambda nodes: {"BUFFER": LARGE}),
}
STALLED = {"STOP": 4096, "STOP_PERIOD": 8192}
ALL_TO_ALL = {
    "selective": ("one switch", {}),
    "selective_1pct": ("one switch, 1 % lost", {"LOSS_PPM": 10_000}),
    "gbn_1pct": ("go-back-N, 1 % lost", {"LOSS_PPM": 10_000, "SELECTIVE": 0}),
    "leaf_spine": ("leaves of 8, 8 spines", {"LEAF_HOSTS": 8, "SPINES": 8}),
    "leaf_spine_2_to_1": ("leaves of 8, 4 spines", {"LEAF_HOSTS": 8, "SPINES": 4}),
}

# With the most nodes a run takes minutes: only these there, and no bursts.
LARGEST = {"selective", "limited", "selective_1pct", "leaf_spine"}


def fabric_runs(_short):
    return []  # no cocotb: the program is run below


class _Bench:
    def __init__(self, metrics):
        self.config = preset("default")
        print("bench: fabric, building", flush=True)
        self.program = fabric.compile_fabric(self.config, builds.Processes())
        self.metrics = metrics

    def run(self, traffic, settings):
        """Of engines that do not offer congestion control: part `congestion` has those that do."""
        settings = {"CONGESTION": 0} | settings
        code, found = fabric.run_fabric(self.program, traffic, settings, subprocess.DEVNULL)
        again = fabric.command(self.config.name, settings, traffic)
        if code:
            raise builds.BuildError(f"{found.get('failure', 'it broke off')}; again: {again}")
        print(
            f"bench: {again.removeprefix('ttpoe ')}: {100 * found['goodput']:.1f} % "
            f"({found['cpu_seconds']:.0f} s)",
            flush=True,
        )
        return found

    def add(self, name, value, unit, where, method, better):
        self.metrics.add(f"fabric.{name}", value, unit, where, method, better)


def _incast(bench, name, nodes, settings):
    """One incast; `name` with a place for the figure, which ends like `.16_nodes`."""
    settings = {"NODES": nodes, "SEED": 1} | settings
    found = bench.run("incast", settings)
    clocks = settings.get("CLOCKS", 0)
    where = (
        f"default, {nodes - 1} senders of "
        + ("" if clocks else f"{settings['COUNT']} ")
        + f"packets of "
        f"{settings.get('BYTES', 1024):,} bytes into one, "
        f"buffer {settings.get('BUFFER', BUFFER) // 1024} KB, "
        f"link_slots {settings.get('LINK_SLOTS', 0)}"
    )

    def add(what, value, unit, method, better):
        bench.add(name.format(what), value, unit, where, method, better)

    add(
        "goodput",
        found["goodput"],
        "share",
        (
            f"beats of PAYLOADs delivered for the first time, clock {clocks // 2} to {clocks}"
            if clocks
            else f"ideal {found['ideal']} / last packet delivered {found['completed']} clocks"
        )
        + "; every byte, order, source and ID checked; tail drop, store and forward",
        "higher",
    )
    add(
        "fairness",
        found["fairness"],
        "index",
        "Jain's index of the senders' bytes delivered "
        + ("by then" if clocks else "when half of all is"),
        "higher",
    )
    add("dropped", found["dropped_full"], "frames", "found no room in the switch", "lower")
    add(
        "replays",
        found["stats"].get("payload_replayed", 0),
        "frames",
        f"PAYLOADs sent again; {found['packets']} packets were delivered",
        "lower",
    )
    for key in ("p50", "p99", "max") if found["pings"] else ():
        add(
            f"urgent_{key}_clocks",
            found[f"ping_{key}"],
            "clocks",
            f"{found['pings']} packets of 64 bytes on REQ_HI, from when they are offered to when "
            f"they are delivered whole, links opened on the way; {found['pings_unfinished']} are "
            "counted with the age that they had at the end",
            "lower",
        )
    return found


def _all_to_all(bench, what, nodes, settings):
    settings = {"NODES": nodes, "COUNT": 512 // nodes, "SEED": 1} | settings
    found = bench.run("all_to_all", settings)
    bench.add(
        f"all_to_all_{what}_goodput.{nodes}_nodes",
        found["goodput"],
        "share",
        f"default, {nodes} nodes, {settings['COUNT']} packets of 1,024 bytes from everybody "
        "to everybody else, in orders of chance, links not open yet",
        f"ideal {found['ideal']} (ACKs counted) / {found['completed']} clocks",
        "higher",
    )


def fabric_part(_runs, metrics):
    """All runs, one after the other; `builds.BuildError` if one of them fails."""
    bench = _Bench(metrics)
    _incast(bench, "idle_{}.2_nodes", 2, endless(2, metrics.short) | {"BYTES": 1, "LINK_SLOTS": 1})
    for nodes in SHORT_NODES if metrics.short else NODES:
        largest = nodes == NODES[-1]
        for what, (_words, settings) in INCAST.items():
            if largest and what not in LARGEST:
                continue
            _incast(
                bench,
                f"incast_{what}_{{}}.{nodes}_nodes",
                nodes,
                settings(nodes) | endless(nodes, metrics.short, what == "limited"),
            )
            if what != "large_buffer" and not largest:
                _incast(
                    bench,
                    f"burst_{what}_{{}}.{nodes}_nodes",
                    nodes,
                    settings(nodes) | {"COUNT": COUNT},
                )
        for what, (_words, settings) in ALL_TO_ALL.items():
            if (nodes > 8 or "LEAF_HOSTS" not in settings) and (not largest or what in LARGEST):
                _all_to_all(bench, what, nodes, settings)
    nodes = SHORT_NODES[-1] if metrics.short else SLOTS_NODES
    for slots in (1, 4, 0) if metrics.short else SLOTS:
        _incast(
            bench,
            f"slots_{{}}.{slots or bench.config.slots}_slots",
            nodes,
            endless(nodes, metrics.short) | {"LINK_SLOTS": slots},
        )
    for what in ("selective", "limited", "gbn"):
        _incast(
            bench,
            f"stalled_{what}_{{}}.{nodes}_nodes",
            nodes,
            INCAST[what][1](nodes) | endless(nodes, metrics.short) | STALLED,
        )


# ---- the report --------------------------------------------------------------------------------


def _points(found, name, unit="nodes"):
    """`(numbers of nodes, values)` of a metric."""
    pattern = re.compile(rf"fabric\.{re.escape(name)}\.(\d+)_{unit}")
    points = sorted(
        (int(match[1]), value) for key, value in found.items() if (match := pattern.fullmatch(key))
    )
    return tuple(zip(*points)) if points else ((), ())


def plot(metrics):
    """Goodput and urgent latency of incast, goodput of all-to-all; None without figures."""
    from matplotlib.figure import Figure

    found = {metric["name"]: metric["value"] for metric in metrics}
    if not _points(found, "incast_selective_goodput")[0]:
        return None
    figure = Figure(figsize=(11, 9))
    (incast, slots), (urgent, everybody) = figure.subplots(2, 2)
    for what, (words_, _settings) in INCAST.items():
        nodes, values = _points(found, f"incast_{what}_goodput")
        (line,) = incast.plot(
            nodes, [100 * value for value in values], "s--" if what == "gbn" else "o-", label=words_
        )
        for key, style in (("p50", "o-"), ("p99", "^:")):
            urgent.plot(
                *_points(found, f"incast_{what}_urgent_{key}_clocks"),
                style,
                color=line.get_color(),
                label=f"{words_}: {key}",
            )
    urgent.axhline(found["fabric.idle_urgent_p50_clocks.2_nodes"], color="grey", label="idle: p50")
    for what, (words_, _settings) in ALL_TO_ALL.items():
        nodes, values = _points(found, f"all_to_all_{what}_goodput")
        if nodes:
            everybody.plot(
                nodes,
                [100 * value for value in values],
                "s--" if what == "gbn_1pct" else "o-",
                label=words_,
            )
    limits, values = _points(found, "slots_goodput", "slots")
    slots.plot(limits, [100 * value for value in values], "o-", label="goodput, %")
    clocks = slots.twinx()
    clocks.plot(
        *_points(found, "slots_urgent_p50_clocks", "slots"),
        "^:",
        color="#bf8700",
        label="urgent packets: p50, clocks",
    )
    clocks.set(yscale="log")
    clocks.legend(fontsize=7, loc="lower center")
    percent = "% of what headers allow"
    incast.set(title="Incast without an end (64 KB at the switch)", ylabel=percent, ylim=(0, 104))
    slots.set(title="Incast of 15: link_slots", xlabel="slots that a link may hold", ylim=(0, 104))
    urgent.set(title="Urgent packets meanwhile", ylabel="clocks", yscale="log")
    everybody.set(title="All to all", ylabel=percent, ylim=(0, 104))
    for axes, ticks in ((incast, NODES), (urgent, NODES), (everybody, NODES), (slots, limits)):
        axes.set(xscale="log", xlabel=axes.get_xlabel() or "nodes")
        axes.set_xticks(ticks, ticks)
        axes.minorticks_off()
        axes.grid(True, alpha=0.3)
        axes.legend(fontsize=7)
    figure.tight_layout()
    return figure


def words(metrics):
    """What the plot shows, in a few sentences of HTML."""
    found = {metric["name"]: metric["value"] for metric in metrics}
    nodes, free = _points(found, "incast_selective_goodput")
    if not nodes:
        return ""
    at, worst = min(zip(nodes, free), key=lambda point: point[1])
    bounded = found[f"fabric.incast_limited_goodput.{at}_nodes"]
    return (
        f"<p>Engines behind one output-queued switch. TTP has no congestion control: the "
        f"window is the replay memory. So incast into a buffer of 64 KB collapses, to "
        f"{100 * worst:.0f} % with {at} nodes, and what is delivered is still exact. With "
        f"<code>link_slots</code> such that all senders together fit the buffer it is "
        f"{100 * bounded:.0f} %. Urgent packets wait in the switch's one queue like any "
        "other; the shorter the queue, the sooner they come (docs/evidence/fabric.md).</p>"
    )
