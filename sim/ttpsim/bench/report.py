"""The page of `ttpoe bench`: one file, plots inside as SVG, to be read by who decides."""

import html
import io
import re

from ttpsim.bench import fabric as bench_fabric
from ttpsim.bench import plots as bench_plots

__all__ = ["page"]

_FIRST = (
    "latency.tx_clocks",
    "latency.rx_clocks",
    "pipeline.events_per_clock",
    "goodput.no_loss_ratio",
    "goodput.selective_1pct_2.6us",
    "goodput.gbn_1pct_2.6us",
    "replay.nack_to_wire_clocks",
    "close.recycle_clocks",
    "synth.ecp5.fmax_mhz",
    "synth.ecp5.lut4",
)

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24 }
table { border-collapse: collapse; width: 100%; font-size: 14px }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #d8dee4;
         vertical-align: top }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.ok { color: #1a7f37 } .missed { color: #b42318; font-weight: 600 }
svg { max-width: 100%; height: auto } small { color: #57606a }
"""
_COLOURS = {"2.6": "#0969da", "10": "#bf8700", "80": "#8250df"}
_GOODPUT = re.compile(r"goodput\.(selective|gbn)_([\d.e-]+)pct_([\d.]+)us(?:\.(\w+))?$")


def _svg(figure):
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _goodput_plot(metrics, configuration):
    from matplotlib.figure import Figure

    lines, windows = {}, {}
    for metric in metrics:
        match = _GOODPUT.match(metric["name"])
        if match and metric["configuration"].startswith(f"{configuration},"):
            windows[match[3]] = float(metric["configuration"].rpartition(" W ")[2])
            lines.setdefault((match[1], match[3]), []).append(
                (float(match[2]), 100 * metric["value"])
            )
    if not lines:
        return ""
    axes = (figure := Figure(figsize=(9, 4.6))).subplots()
    for (kind, rtt), points in sorted(lines.items()):
        points.sort()
        colour = _COLOURS.get(rtt, "black")
        axes.plot(
            *zip(*points),
            "o-" if kind == "selective" else "s--",
            color=colour,
            label=f"{'selective' if kind == 'selective' else 'go-back-N'}, {rtt} us",
        )
        if kind == "gbn":
            losses = [10 ** (step / 10) for step in range(-30, 11)]
            axes.plot(
                losses,
                [100 * (1 - p / 100) / (1 + p / 100 * windows[rtt]) for p in losses],
                ":",
                color=colour,
                linewidth=1,
            )
    axes.set(
        xscale="log",
        xlabel="loss of frames, %",
        ylabel="% of what headers allow",
        ylim=(0, 104),
        title=f"Goodput, {configuration} (dotted: (1 - p) / (1 + pW), for go-back-N)",
    )
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")
    return _svg(figure)


def _latency_plot(metrics):
    from matplotlib.figure import Figure

    found = {}
    for metric in metrics:
        match = re.match(r"latency\.one_way_(\d+)_bytes\.(\w+)", metric["name"])
        if match:
            found.setdefault(match[2], []).append((int(match[1]), metric["value"], metric["goal"]))
    if not found:
        return ""
    axes = (figure := Figure(figsize=(9, 3.4))).subplots()
    for name, points in found.items():
        sizes, clocks, goals = zip(*points)
        (line,) = axes.plot(range(len(sizes)), clocks, "o-", label=name)
        axes.plot(range(len(sizes)), goals, "_", color=line.get_color(), markersize=22)
    axes.set(
        title="One way, host to host, two idle engines (bars: goal)",
        ylabel="clocks",
        xlabel="bytes of payload",
        ylim=(0, None),
    )
    axes.set_xticks(range(len(sizes)), sizes)
    axes.grid(True, alpha=0.3)
    axes.legend()
    return _svg(figure)


def _window_plot(metrics):
    from matplotlib.figure import Figure

    found = [
        (float(re.findall(r"law ([\d.]+)", m["configuration"])[0]), m["value"], m["name"])
        for m in metrics
        if re.match(r"window\.\d+KB", m["name"])
    ]
    if not found:
        return ""
    axes = (figure := Figure(figsize=(9, 3.4))).subplots()
    names = [name.removeprefix("window.").replace("_", "\n") for *_, name in found]
    axes.bar(
        range(len(found)), [100 * value for _, value, _ in found], color="#54aeff", label="measured"
    )
    axes.plot(
        range(len(found)),
        [100 * law for law, *_ in found],
        "_",
        color="black",
        markersize=36,
        label="min(1, S / (rate x RTT))",
    )
    axes.set_xticks(range(len(found)), names, fontsize=8)
    axes.set(title="Window law: replay memory and round trip", ylabel="% of what headers allow")
    axes.legend()
    return _svg(figure)


def _number(value):
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _rows(metrics):
    for metric in metrics:
        sign = "&le;" if metric["better"] == "lower" else "&ge;"
        goal = f"{sign} {_number(metric['goal'])}" if metric["goal"] is not None else ""
        verdict = {
            True: '<span class="ok">met</span>',
            None: "",
            False: '<span class="missed">missed</span>',
        }[metric["met"]]
        yield (
            f"<tr><td><code>{html.escape(metric['name'])}</code></td>"
            f"<td class=number>{_number(metric['value'])} <small>{metric['unit']}</small></td>"
            f"<td class=number>{goal}</td><td>{verdict}</td>"
            f"<td><small>{html.escape(metric['configuration'])}; "
            f"{html.escape(metric['method'])}</small></td></tr>"
        )


def _path(summary):
    path = summary.get("ecp5-default", {}).get("critical_path")
    if not path:
        return ""
    rows = "".join(
        f"<tr><td><code>{html.escape(part['block'])}</code></td>"
        f"<td class=number>{part['ns']:.2f}</td><td class=number>{part['cells']}</td>"
        "</tr>"
        for part in path["blocks"]
    )
    return (
        f"<h2>Slowest path, ECP5</h2><p>{path['ns']} ns, {path['routing_ns']} ns of it wires, "
        f"{path['cells']} cells.</p><table><tr><th>block</th><th>ns</th><th>cells</th></tr>"
        f"{rows}</table>"
    )


def page(metrics, summary):
    """The report as one HTML text."""
    with_goal = [metric for metric in metrics if metric["goal"] is not None]
    missed = [metric for metric in with_goal if not metric["met"]]
    what = (
        ""
        if not missed
        else "<p class=missed>Missed: "
        + ", ".join(html.escape(metric["name"]) for metric in missed)
        + "</p>"
    )
    plots = [
        *(_goodput_plot(metrics, name) for name in ("full", "default")),
        _window_plot(metrics),
        _latency_plot(metrics),
        *(
            _svg(figure)
            for figure in (
                bench_plots.path(metrics),
                bench_plots.links(metrics),
                bench_plots.tcp(metrics),
            )
            if figure
        ),
    ]
    fabric = bench_fabric.plot(metrics)
    plots = "".join(f"<p>{plot}</p>" for plot in plots if plot) + (
        f"<h2>Many engines behind switches</h2>{bench_fabric.words(metrics)}<p>{_svg(fabric)}</p>"
        if fabric
        else ""
    )
    head = (
        "<tr><th>metric</th><th>value</th><th>goal</th><th></th>"
        "<th>configuration and method</th></tr>"
    )
    first = [metric for metric in metrics if metric["name"] in _FIRST]
    rest = [metric for metric in metrics if metric["name"] not in _FIRST]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>TTP engine, measured</title>"
        f"<style>{_STYLE}</style><h1>TTP engine, measured</h1>"
        f"<p>{len(with_goal) - len(missed)} of {len(with_goal)} goals met. Figures of the "
        "engine are counted in clocks of a simulation; where a time or a rate is "
        "given, the clock that is assumed for it stands beside it. The clock that place and "
        "route reached is <code>synth.ecp5.fmax_mhz</code>. TCP and the speed of the "
        "simulation are measured by the clock of this machine.</p>"
        f"<table>{head}{''.join(_rows(first))}</table>{what}{plots}{_path(summary)}"
        f"{bench_plots.side_by_side(summary)}{bench_plots.stages()}"
        f"<h2>The other figures</h2><table>{head}{''.join(_rows(rest))}</table></html>\n"
    )
