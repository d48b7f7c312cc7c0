"""The picture of a run: queue, windows, gaps, and what each sender brings through, over time."""

import csv

__all__ = ["draw", "read"]

_WINDOW = 64  # samples over which goodput is averaged at most
_MANY = 12  # senders from which on there is no legend


def read(path):
    """`{column: [values]}` of a table that `--samples` wrote."""
    with open(path, newline="") as file:
        names, *rows = csv.reader(file)
    return {
        name: [int(value) for value in column]
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def _rates(clocks, delivered, width):
    """Bits per clock of a sender: what came in the last `width` samples."""
    return [
        8
        * (delivered[at] - delivered[max(0, at - width)])
        / (clocks[at] - clocks[max(0, at - width)])
        for at in range(1, len(clocks))
    ]


def draw(table, path, buffer):
    """Draw the table of a run whose switches have `buffer` bytes at a port."""
    from matplotlib.figure import Figure

    found = read(table)
    clocks = found["clock"]
    senders = [name.removeprefix("bytes_") for name in found if name.startswith("bytes_")]
    law = [what for what in ("window", "gap") if f"{what}_{senders[0]}" in found]
    words = {"window": "windows, packets", "gap": "gaps, 64-byte times"}
    figure = Figure(figsize=(9, 2.2 * (2 + len(law))))
    panels = figure.subplots(2 + len(law), 1, sharex=True)
    panels[0].plot(clocks, [bytes_ / 1024 for bytes_ in found["queue"]], color="#0969da", lw=0.8)
    panels[0].axhline(buffer / 1024, color="grey", ls=":", lw=0.8)
    panels[0].set(
        title="Queue of the port to host 0 (dotted: its buffer)", ylabel="KB", ylim=(0, None)
    )
    for axes, what in zip(panels[1:], law):
        for node in senders:
            axes.step(clocks, found[f"{what}_{node}"], where="post", lw=0.7)
        axes.set(title=words[what].capitalize(), ylim=(0, None))
    width = max(1, min(_WINDOW, len(clocks) // 8))
    for node in senders:
        rates = _rates(clocks, found[f"bytes_{node}"], width)
        panels[-1].plot(clocks[1:], rates, lw=0.8, label=f"host {node}")
    panels[-1].set(
        title="Goodput of each sender", ylabel="bits per clock", xlabel="clocks", ylim=(0, None)
    )
    if len(senders) < _MANY:
        panels[-1].legend(fontsize=7, ncols=4)
    for axes in panels:
        axes.grid(True, alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
