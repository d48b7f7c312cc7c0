"""Plots and tables of the report about what is outside the pipeline: links, path, TCP, LiteEth."""

import html
import math
import re

from ttpsim.bench import path as bench_path

_BLUE, _ORANGE, _PURPLE, _GREEN = "#0969da", "#bf8700", "#8250df", "#1a7f37"


def _values(metrics):
    return {metric["name"]: metric["value"] for metric in metrics}


def links(metrics):
    """Logic, block RAM bits and clock against the number of links; None without a sweep."""
    from matplotlib.figure import Figure

    found = _values(metrics)
    counts = sorted(
        int(match[1])
        for name in found
        if (match := re.fullmatch(r"scale\.lut4\.(\d+)_links", name))
    )
    if len(counts) < 2:
        return None

    def of(key, missing=math.nan):
        return [found.get(f"scale.{key}.{count}_links", missing) for count in counts]

    figure = Figure(figsize=(9, 3.6))
    logic, memory, clock = figure.subplots(1, 3)
    logic.plot(counts, of("lut4"), "o-", color=_BLUE, label="everything")
    logic.plot(counts, of("lut4_without_table"), "s--", color=_GREEN, label="without tag memory")
    logic.set(title="Logic", ylabel="LUT4", ylim=(0, None))
    logic.legend(fontsize=8)
    memory.plot(counts, [bits / 1e6 for bits in of("memory_bits")], "o-", color=_ORANGE)
    memory.set(title="Memory", ylabel="Mbit", ylim=(0, max(of("memory_bits")) / 0.9e6))
    routed = [(count, mhz) for count, mhz in zip(counts, of("fmax_mhz", 0.0)) if mhz]
    if routed:
        clock.plot(*zip(*routed), "o-", color=_PURPLE)
    clock.set(title="Clock, ECP5-85F", ylabel="MHz", ylim=(0, None))
    for axes in (logic, memory, clock):
        axes.set(xscale="log", xlabel="links", xlim=(counts[0] / 1.5, counts[-1] * 1.5))
        axes.set_xticks(counts, [f"{count:,}" for count in counts], fontsize=7, rotation=40)
        axes.minorticks_off()
        axes.grid(True, alpha=0.3)
    figure.tight_layout()
    return figure


def path(metrics):
    """Where the time from host to host goes, at 100 Gb/s on paper; None without the figures."""
    from matplotlib.figure import Figure

    total = _values(metrics).get("latency.one_way_100g_us")
    if total is None:
        return None
    stages = [
        ("TTP engines", 1000 * total - sum(ns for _, ns, _ in bench_path.STAGES_100G)),
        *((name, ns) for name, ns, _ in bench_path.STAGES_100G),
    ]
    axes = (figure := Figure(figsize=(9, 2.2))).subplots()
    left = 0.0
    for number, (name, ns) in enumerate(stages):
        axes.barh(
            0,
            ns,
            left=left,
            color=_BLUE if number == 0 else f"{0.55 + 0.06 * number:.2f}",
            edgecolor="white",
            label=f"{name}, {ns:.0f} ns",
        )
        left += ns
    axes.axvline(1300, color="#b42318", linewidth=1)
    axes.annotate(
        "goal 1.3 us",
        (1300, 0.3),
        ha="right",
        fontsize=8,
        color="#b42318",
        xytext=(-4, 0),
        textcoords="offset points",
    )
    axes.set(
        title=f"One way, 64 bytes, 100 Gb/s on paper: {total:.2f} us",
        xlabel="ns",
        yticks=[],
        xlim=(0, 1400),
    )
    axes.legend(fontsize=7, ncol=3, loc="upper center", bbox_to_anchor=(0.5, -0.35))
    return figure


def tcp(metrics):
    """Beside TCP sockets: processor time of a message, links per second; None without them."""
    from matplotlib.figure import Figure

    found = _values(metrics)
    times = {"TTP": "host.cpu_us_per_message.ttp"} | {
        f"TCP, {size} B": f"host.cpu_us_per_message.tcp_{size}_bytes" for size in (64, 1024)
    }
    rates = {
        "TTP, 128 links": "recycle.ttp_links_per_second",
        "TCP, 128 ports": "recycle.tcp_connections_per_second",
    }
    if None in map(found.get, (*times.values(), *rates.values())):
        return None
    figure = Figure(figsize=(9, 2.8))
    for axes, bars, title, label in zip(
        figure.subplots(1, 2),
        (times, rates),
        ("Processor time of both hosts per message", "Links opened and closed"),
        ("us", "per second"),
    ):
        values = [found[name] for name in bars.values()]
        drawn = axes.bar(
            list(bars),
            values,
            color=[_BLUE if name.startswith("TTP") else _ORANGE for name in bars],
        )
        axes.bar_label(
            drawn,
            [f"{value:,.3g}" if value < 1000 else f"{value:,.0f}" for value in values],
            fontsize=8,
        )
        axes.set(title=title, ylabel=label)
        axes.margins(y=0.2)
    axes.set(yscale="log")
    figure.tight_layout()
    return figure


def stages():
    """The cited delays as a table of HTML."""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td class=number>{ns:,.1f}</td>"
        f"<td><small>{html.escape(source)}</small></td></tr>"
        for name, ns, source in bench_path.STAGES_100G
    )
    return (
        "<h2>What is assumed outside the engine at 100 Gb/s</h2><table><tr><th>stage</th>"
        f"<th>ns</th><th>from</th></tr>{rows}</table>"
    )


def side_by_side(summary):
    """The engine and LiteEth's UDP core, from the same tools, as a table of HTML."""
    ours, theirs = summary.get("ecp5-default"), summary.get("liteeth-udp")
    if not ours or not theirs:
        return ""
    columns = [("TTP engine, 64 bits", ours, theirs["does"]["TTP engine"])] + [
        (f"LiteEth UDP, {width} bits", figures, theirs["does"]["LiteEth UDP"])
        for width, figures in theirs["widths"].items()
    ]
    rows = "".join(
        f"<tr><td>{name}</td>"
        + "".join(
            f"<td class=number>{value:,}</td>"
            for value in (figures["lut4"], figures["ff"], figures["dp16kd"], figures["fmax_mhz"])
        )
        + f"<td><small>{html.escape(does)}</small></td></tr>"
        for name, figures, does in columns
    )
    return (
        "<h2>Beside LiteEth's UDP core</h2><p>The same Yosys, the same flags of nextpnr, the "
        "same device, no pins.</p><table><tr><th></th><th>LUT4</th><th>FF</th><th>RAM</th>"
        f"<th>MHz</th><th>what it does</th></tr>{rows}</table>"
    )
