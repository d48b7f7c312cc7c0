"""Pictures of a sweep: goodput, fairness, the queue over time, and completion times."""

import math

from ttpsim.campaign.tables import times

__all__ = ["draw", "label", "x_axis"]

_MOST = 12  # lines of a picture


def x_axis(axes):
    """The axis along which a picture goes: the longest one of numbers; None without one."""
    numbers = {
        name: len(values)
        for name, values in axes.items()
        if len(values) > 1 and all(type(value) in (int, float) for value in values)
    }
    return max(numbers, key=lambda name: numbers[name]) if numbers else None


def label(point, leave_out=()):
    """`nodes 9, congestion on` of a place on the axes."""
    words = [f"{name} {value}" for name, value in point.items() if name not in leave_out]
    return ", ".join(words) or "all"


def _figure(title, x, y):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2))
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(True, alpha=0.3)
    return figure, axes


def _save(figure, axes, path):
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    return path


def _groups(sweep, runs, leave_out):
    """`(label, runs)` of each combination of the axes but those left out."""
    names = [name for name in sweep.axes if name not in leave_out and name in runs]
    if not names:
        yield "all", runs
        return
    for values, some in list(runs.groupby(names, sort=False))[:_MOST]:
        yield label(dict(zip(names, values, strict=True))), some


def _figures(folder, sweep, runs):
    """Goodput and fairness over the x axis: the mean of the seeds, and from lowest to highest."""
    x = x_axis(sweep.axes)
    if x is None:
        return
    for name in ("goodput", "fairness"):
        if name not in runs:
            continue
        figure, axes = _figure(name.capitalize(), x, name)
        for text, some in _groups(sweep, runs, {x}):
            by_x = some.groupby(x)[name]
            mean = by_x.mean()
            # Not below 0: the mean of equal values may differ from them in its last bit.
            bars = [(mean - by_x.min()).clip(lower=0), (by_x.max() - mean).clip(lower=0)]
            axes.errorbar(mean.index, mean, bars, marker="o", ms=4, capsize=3, label=text)
        values = sweep.axes[x]
        if min(values) > 0 and max(values) / min(values) > 8:
            axes.set_xscale("log", base=2)
            axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.set_ylim(0, 1.02)
        yield _save(figure, axes, folder / f"{name}.svg")


def _queue(folder, sweep, runs, series):
    """The queue over time, of the first seed of each point."""
    first = runs[runs["seed"] == sweep.seeds[0]]
    lines = [(text, some["run"].iloc[0]) for text, some in _groups(sweep, first, set())]
    lines = [(text, series[run]) for text, run in lines if run in series]
    if lines:
        figure, axes = _figure("Queue of the port to host 0", "clocks", "KB")
        for text, points in lines:
            axes.plot(*zip(*((clock, size / 1024) for clock, size in points)), lw=0.8, label=text)
        axes.set_ylim(0, None)
        yield _save(figure, axes, folder / "queue.svg")


def _completion(folder, sweep, found):
    """The share of messages, flows or packets that were there after so many clocks."""
    what = times(found)
    if what is None:
        return
    name, column, title = what
    table = found[name][found[name][column].notna()]
    figure, axes = _figure(title, "clocks", f"share of {name}")
    for text, some in _groups(sweep, table, set()):
        values = sorted(some[column])
        shares = [(at + 1) / len(values) for at in range(len(values))]
        axes.step(values, shares, where="post", lw=1, label=text)
    axes.set_ylim(0, 1.02)
    if min(table[column]) > 0 and math.log10(max(table[column]) / min(table[column])) > 1.5:
        axes.set_xscale("log")
    yield _save(figure, axes, folder / "completion.svg")


def draw(folder, sweep, found, series):
    """What can be drawn of the tables; the paths."""
    runs = found["runs"]
    if runs.empty:
        return []
    return [
        *_figures(folder, sweep, runs),
        *_queue(folder, sweep, runs, series),
        *_completion(folder, sweep, found),
    ]
