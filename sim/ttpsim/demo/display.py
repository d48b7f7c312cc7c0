"""Progress in the terminal: live on a terminal, a line now and then elsewhere."""

import time

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .samples import CLOCK_NS, octaves

__all__ = ["Display", "line"]

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LINE_SECONDS = 1.0


def bar(share, width):
    """A bar of `width` characters, in eighths."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return (_EIGHTHS[8] * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def duration(clocks):
    """A time of the simulated clock, for people."""
    nanoseconds = clocks * CLOCK_NS
    return f"{nanoseconds / 1000:.1f} µs" if nanoseconds < 1e6 else f"{nanoseconds / 1e6:.2f} ms"


def line(samples, left):
    """One line of plain text."""
    last, rates = samples.last, samples.recent()
    speeds = "{:.2f} + {:.2f} Gbit/s".format(*rates.goodput) if rates else "starting"
    return (
        f"{duration(last['cycle'])}: {speeds}, {last['frames']:,} frames, "
        f"{last['lost']:,} lost, {last['replays']:,} replayed, slots in use "
        f"{last['slots_used'][0]} + {last['slots_used'][1]} of {last['slots']}, "
        f"{left:.0f} s left"
    )


class Display:
    """A context manager; `step` and `update` say what goes on."""

    def __init__(self, title, console=None):
        self._console = console or Console(highlight=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, width=200)
        self._title, self._live, self._said = title, None, 0.0

    def __enter__(self):
        self.say(self._title)
        if self._console.is_terminal:
            self._live = Live(
                Text("..."), console=self._console, refresh_per_second=8, transient=True
            )
            self._live.start()
        return self

    def __exit__(self, *_error):
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text):
        """A line that stays."""
        self._console.print(text, markup=False, soft_wrap=True)

    def step(self, text):
        """What is being prepared."""
        if self._live is not None:
            self._live.update(Text(f"{text} ..."))
        else:
            self.say(f"{text} ...")

    def update(self, samples, left, total):
        """New samples; `left` seconds of `total`."""
        if self._live is not None:
            self._live.update(self._panel(samples, left, total))
        elif time.monotonic() - self._said >= _LINE_SECONDS:
            self._said = time.monotonic()
            self.say(line(samples, left))

    def _panel(self, samples, left, total):
        last, rates = samples.last, samples.recent()
        width = max(10, min(40, self._console.width - 40))
        grid = Table.grid(padding=(0, 2))
        for name, index in (("a to b", 0), ("b to a", 1)):
            speed = rates.goodput[index] if rates else 0.0
            grid.add_row(
                f"goodput {name}", Text(bar(speed / 8, width), style="green"), f"{speed:.2f} Gbit/s"
            )
        for name, used in zip("ab", last["slots_used"]):
            grid.add_row(
                f"replay slots of {name}",
                Text(bar(used / last["slots"], width), style="cyan"),
                f"{used} of {last['slots']}",
            )
        grid.add_row("frames", f"{last['frames']:,}", f"{last['lost']:,} lost or broken")
        grid.add_row("replays", f"{last['replays']:,}", f"{last['kept']:,} kept behind a gap")
        grid.add_row(
            "simulated",
            duration(last["cycle"]),
            f"{rates.clocks_per_second:,.0f} clocks/s" if rates else "",
        )
        histogram = octaves(last["latency"])
        most = max(histogram.values(), default=1)
        latency = Table.grid(padding=(0, 2))
        for clocks, packets in histogram.items():
            latency.add_row(
                f"{'up to ' + duration(2 * clocks):>17}",
                Text(bar(packets / most, width), style="magenta"),
                f"{packets:,}",
            )
        return Panel(
            Group(
                grid,
                Text("\nlatency, host to host", style="bold"),
                latency,
                Text(f"\n{left:.0f} s left"),
                ProgressBar(total=total, completed=max(0.0, total - left), width=width + 20),
            ),
            title="two NICs, a bad wire",
            expand=False,
        )
