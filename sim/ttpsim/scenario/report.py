"""What `ttpoe sim` prints: what goes on, live on a terminal, else lines; then a table and the sum."""

import threading
from pathlib import Path

from rich.console import Console, Group, JustifyMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ttpsim.build.processes import clock_text
from ttpsim.build.tools import shown
from ttpsim.scenario.estimate import Estimate

_STYLES = {"passed": "green", "failed": "bold red", "running": "cyan", "building": "yellow"}
_OVER = ("passed", "failed")
_LINE_SECONDS = 10.0
_ROWS = 16  # of the live table: what runs, then what has ended last


class Report:
    """Follows the runs; a context manager around their execution. Its lines begin with `name`."""

    def __init__(self, runs, jobs, name="sim"):
        self.runs, self.estimate, self.name = runs, Estimate(runs, jobs), name
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, width=120)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._live = self._processes = None
        self._ended = []
        self.first_seconds = None  # until the first result

    def __enter__(self):
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._view,
                console=self._console,
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(self, *_error):
        self._over.set()
        if self._live is not None:
            self._live.stop()
        self.estimate.save()

    def follow(self, processes):
        """From now on say what these `Processes` do, every ten seconds where nothing is live."""
        self._processes = processes
        if self._live is None:
            threading.Thread(target=self._lines, daemon=True).start()

    def _lines(self):
        while not self._over.wait(_LINE_SECONDS):
            self._say(f"[{self.name}] {self._progress()}")

    def changed(self, run):
        """A run is in another state."""
        with self._lock:
            if run.state in _OVER:
                self._ended.append(run)
                self.first_seconds = self.first_seconds or self.estimate.elapsed
            if self._live is None and run.state in (*_OVER, "running"):
                self._say(
                    f"[{self.name}] {run.test} {run.simulator} {run.config.name} "
                    f"seed {run.seed}: {run.state}"
                )

    def _progress(self):
        """`1:20: 12 of 76 done; compiling verilator-full, loss.5pct; about 2:10 left`."""
        ended = sum(run.state in _OVER for run in self.runs)
        running = self._processes.running() if self._processes else []
        names = dict.fromkeys(what for what, _seconds in running)
        parts = [f"{ended} of {len(self.runs)} done", ", ".join(names) or "starting"]
        left = self.estimate.left(sum(seconds for _what, seconds in running))
        if ended < len(self.runs):
            parts.append(f"about {clock_text(left)} left")
        return f"{clock_text(self.estimate.elapsed)}: " + "; ".join(parts)

    def _view(self):
        """For a terminal: as many rows as it has room for, and the line of `_progress`."""
        running = [run for run in self.runs if run.state == "running"]
        rows = max(1, min(_ROWS, self._console.height - 6) - len(running))
        ended = self._ended[-rows:]
        return Group(self._table([*ended, *running]), Text(self._progress(), style="bold"))

    def _table(self, runs):
        table = Table()
        columns: tuple[tuple[str, JustifyMethod], ...] = (
            ("scenario", "left"),
            ("simulator", "left"),
            ("preset", "left"),
            ("seed", "right"),
            ("frames", "right"),
            ("clocks", "right"),
            ("clocks/s", "right"),
            ("result", "left"),
            ("remark", "left"),
        )
        for title, justify in columns:
            table.add_column(title, justify=justify)
        for run in runs:
            figures = [
                f"{run.summary[key]:,}" if key in run.summary else ""
                for key in ("frames", "clocks", "clocks_per_second")
            ]
            table.add_row(
                run.test,
                run.simulator,
                run.config.name,
                str(run.seed),
                *figures,
                run.state,
                run.summary.get("remark", ""),
                style=_STYLES.get(run.state, "dim"),
            )
        return table

    def finish(self, results: str | Path = "build/sim/results.json"):
        """The final table, each failure with how to repeat it, the waveforms, and the sum."""
        self._console.print(self._table(self.runs))
        for run in self.runs:
            if run.state == "failed":
                log = run.log or run.folder / "log.txt"
                self._say(
                    f"{run.test} failed on {run.simulator} with seed {run.seed}: {run.message}"
                )
                if log.exists():
                    self._say(f"  log: {shown(log)}")
                self._say(f"  again, with waves: {run.again()}")
            self._say_waves(run)
            if run.trace and (run.folder / "trace.txt").exists():
                self._say(f"trace: {shown(run.folder / 'trace.txt')}")
        failed = sum(not run.passed for run in self.runs)
        self._say(
            f"results: {results}; captures: build/sim/runs/*/*.pcap; "
            f"took {clock_text(self.estimate.elapsed)}"
        )
        self._say(f"{len(self.runs) - failed} passed, {failed} failed")

    def _say_waves(self, run):
        for waves in sorted(run.folder.glob("waves.[fv]*")) if run.waves else ():
            megabytes = waves.stat().st_size / 1e6
            self._say(f"waves: {shown(waves)}, {megabytes:,.0f} MB, with the view waves.gtkw")
            clocks = run.summary.get("clocks", 0)
            if run.window and clocks > run.window[1] - run.window[0]:
                first, last = run.window
                shows = (
                    f"the first {last:,}" if not first else f"those from {first:,} to the failure"
                )
                self._say(
                    f"  of its {clocks:,} clocks {shows}; WAVES=all records all, about "
                    f"{megabytes * clocks / (last - first):,.0f} MB"
                )

    def _say(self, text):
        self._console.print(text, markup=False, soft_wrap=True)
