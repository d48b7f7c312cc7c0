"""The picture at the end: goodput, replays, slots and latency."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from ttpsim.scenarios._demo import BINS_PER_OCTAVE

from .samples import CLOCK_NS, quantile

__all__ = ["draw"]

_COLOURS = ("#1b6ca8", "#d1495b")
_POINTS = 120  # at most, along the time


def _thin(samples):
    """At most `_POINTS` samples, evenly: what lies between two is averaged."""
    step = max(1, len(samples) // _POINTS)
    return [*samples[:-1:step], samples[-1]]


def _time(samples):
    return [sample["cycle"] * CLOCK_NS / 1e6 for sample in samples]


def _goodput(axes, samples, thin):
    rates = [samples.rates(*pair) for pair in zip(thin, thin[1:])]
    for index, label in enumerate(("a to b", "b to a")):
        axes.plot(
            _time(thin[1:]),
            [rate.goodput[index] for rate in rates],
            label=label,
            color=_COLOURS[index],
        )
    axes.set_ylabel("Gbit/s of payload")
    axes.set_title("goodput")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right", ncols=2)


def _faults(axes, thin):
    axes.plot(
        _time(thin),
        [sample["lost"] for sample in thin],
        color="#555555",
        label="frames lost or broken by the wire",
    )
    axes.plot(
        _time(thin),
        [sample["replays"] for sample in thin],
        color=_COLOURS[1],
        label="packets sent again",
    )
    axes.plot(
        _time(thin),
        [sample["kept"] for sample in thin],
        color=_COLOURS[0],
        linestyle="--",
        label="kept behind a gap, not sent again",
    )
    axes.set_title("losses and replays, so far")
    axes.legend(loc="upper left")


def _slots(axes, thin):
    for index, name in enumerate("ab"):
        axes.plot(
            _time(thin),
            [sample["slots_used"][index] for sample in thin],
            color=_COLOURS[index],
            label=f"NIC {name}",
        )
    axes.axhline(thin[-1]["slots"], color="#999999", linestyle=":")
    axes.set_ylim(0, thin[-1]["slots"] * 1.08)
    axes.set_title(f"replay slots in use, of {thin[-1]['slots']}")
    axes.set_xlabel("simulated time, ms")
    axes.legend(loc="lower right", ncols=2)


def _latency(axes, bins):
    indices = range(min(map(int, bins)), max(map(int, bins)) + 1) if bins else range(0)
    edges = [2 ** (index / BINS_PER_OCTAVE) * CLOCK_NS / 1000 for index in indices]
    width = 2 ** (1 / BINS_PER_OCTAVE) - 1
    axes.bar(
        edges,
        [bins.get(str(index), 0) for index in indices],
        [edge * width for edge in edges],
        align="edge",
        color="#7a5195",
    )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    for share, style in ((0.5, "-"), (0.99, "--")):
        clocks = quantile(bins, share)
        axes.axvline(
            clocks * CLOCK_NS / 1000,
            color="#222222",
            linestyle=style,
            linewidth=1,
            label=f"{share:.0%} within {clocks * CLOCK_NS / 1000:.1f} µs",
        )
    axes.set_title("latency, host to host")
    axes.set_xlabel("µs")
    axes.set_ylabel("packets")
    axes.legend(loc="upper right")


def draw(samples, title, folder):
    """Write `demo.png` and `demo.svg` into `folder`; returns their paths."""
    thin = _thin(samples.all)
    figure, ((goodput, latency), (faults, slots)) = plt.subplots(
        2, 2, figsize=(12, 7), layout="constrained"
    )
    figure.suptitle(title)
    _goodput(goodput, samples, thin)
    _faults(faults, thin)
    _slots(slots, thin)
    _latency(latency, samples.last["latency"])
    for axes in (goodput, faults):
        axes.set_xlabel("simulated time, ms")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    paths = [folder / "demo.png", folder / "demo.svg"]
    for path in paths:
        figure.savefig(path, dpi=110)
    plt.close(figure)
    return paths
