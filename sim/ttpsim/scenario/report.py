"""What `make sim` prints: a live table on a terminal, a line per run elsewhere, and the sum."""

import threading

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ttpsim.paths import ROOT

_STYLES = {"passed": "green", "failed": "bold red", "running": "cyan", "building": "yellow"}


class Report:
    """Follows the runs; a context manager around their execution."""

    def __init__(self, runs):
        self.runs = runs
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, width=120)
        self._lock = threading.Lock()
        self._live = None

    def __enter__(self):
        if self._console.is_terminal:
            self._live = Live(self._table(), console=self._console, refresh_per_second=4,
                              transient=True)
            self._live.start()
        return self

    def __exit__(self, *_error):
        if self._live is not None:
            self._live.stop()

    def changed(self, run):
        """A run is in another state."""
        with self._lock:
            if self._live is not None:
                self._live.update(self._table())
            else:
                self._console.print(f"[sim] {run.test} {run.simulator} {run.config.name} "
                                    f"seed {run.seed}: {run.state}", markup=False)

    def _table(self):
        table = Table()
        for title, justify in (("scenario", "left"), ("simulator", "left"), ("preset", "left"),
                               ("seed", "right"), ("frames", "right"), ("clocks", "right"),
                               ("clocks/s", "right"), ("result", "left"),
                               ("remark", "left")):
            table.add_column(title, justify=justify)
        for run in self.runs:
            figures = [f"{run.summary[key]:,}" if key in run.summary else ""
                       for key in ("frames", "clocks", "clocks_per_second")]
            table.add_row(run.test, run.simulator, run.config.name, str(run.seed), *figures,
                          run.state, run.summary.get("remark", ""),
                          style=_STYLES.get(run.state, "dim"))
        return table

    def finish(self, results="build/sim/results.json"):
        """The final table, each failure with how to repeat it, the waveforms, and the sum."""
        self._console.print(self._table())
        for run in self.runs:
            if run.state == "failed":
                log = (run.folder / "log.txt").relative_to(ROOT)
                self._say(f"{run.test} failed on {run.simulator} with seed {run.seed}: "
                          f"{run.message}")
                self._say(f"  log: {log}")
                self._say(f"  again, with waves: {run.again()}")
            for waves in sorted(run.folder.glob("waves.[fv]*")) if run.waves else ():
                self._say(f"waves: {waves.relative_to(ROOT)}, with the view waves.gtkw")
            if run.trace and (run.folder / "trace.txt").exists():
                self._say(f"trace: {(run.folder / 'trace.txt').relative_to(ROOT)}")
        failed = sum(not run.passed for run in self.runs)
        self._say(f"results: {results}; captures: build/sim/runs/*/*.pcap")
        self._say(f"{len(self.runs) - failed} passed, {failed} failed")

    def _say(self, text):
        self._console.print(text, markup=False, soft_wrap=True)
