"""The picture of a comparison: the share of the flows that are complete, over time."""

import io

from ttpsim.ns3.record import QUANTILES

__all__ = ["NAMES", "draw", "svg"]

NAMES = {"ttp": "TTP", "newreno": "NewReno", "cubic": "CUBIC", "dctcp": "DCTCP"}
_LINES = {
    "ttp": ("#0969da", "-"),
    "newreno": ("#bf8700", "--"),
    "cubic": ("#8250df", "-."),
    "dctcp": ("#1a7f37", ":"),
}


def _figure(cases):
    from matplotlib.figure import Figure

    columns = min(2, len(cases))
    rows = -(-len(cases) // columns)
    figure = Figure(figsize=(4.5 * columns, 2.8 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (title, found) in zip(panels, cases):
        for name, f in found.items():
            colour, style = _LINES[name]
            axes.plot(f["quantiles"], QUANTILES, color=colour, ls=style, label=NAMES[name])
        axes.set(title=title, xlabel="completion time, µs", ylabel="flows, %", xlim=(0, None))
        axes.title.set_fontsize(10)
        axes.grid(True, alpha=0.3)
    for axes in figure.axes[len(cases) :]:
        axes.set_visible(False)
    figure.axes[0].legend(fontsize=8)
    figure.tight_layout()
    return figure


def _save(cases, to, form):
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "ttpoe compare"}):
        _figure(cases).savefig(to, format=form, metadata={"Date": None} if form == "svg" else None)


def draw(cases, path):
    """Draw the completion times of each of `cases`, `[(title, {protocol: figures})]`."""
    _save(cases, path, path.suffix[1:])


def svg(cases):
    """The same as text; the same figures give the same text."""
    text = io.BytesIO()
    _save(cases, text, "svg")
    return "\n".join(line.rstrip() for line in text.getvalue().decode().splitlines()) + "\n"
