"""Child processes: how many at once, which first, what runs now, and their end at Ctrl-C."""

import contextlib
import os
import subprocess
import sys
import threading
import time

from ttpverif.cli.errors import Failed, UsageError

__all__ = ["BuildError", "Processes", "SetupError", "clock_text", "heartbeat", "killed"]


class SetupError(UsageError):
    """Something is missing on this machine or in what was asked for; the text is one line."""


class BuildError(Failed):
    """A compiler refused our Verilog; the text names the log, a file that exists."""

    def __init__(self, text, log=None):
        super().__init__(text)
        self.log = log


def killed(code):
    """What an exit code says besides the log, which a killed process leaves empty."""
    return f", ended by signal {-code} (9: memory is short, perhaps)" if code < 0 else ""


def clock_text(seconds):
    """`1:05` or `1:02:03`."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _told(text):
    """To where errors go: what a program prints is its results."""
    print(f"[build] {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def heartbeat(what, every=10.0):
    """Say every `every` seconds that the block under this still goes on, and for how long."""
    over, began = threading.Event(), time.monotonic()

    def beat():
        while not over.wait(every):
            print(f"{what}: {clock_text(time.monotonic() - began)}", file=sys.stderr, flush=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Processes:
    """The child processes that run now, so that Ctrl-C can end them all.

    Parameters
    ----------
    jobs : int or None
        How many of those that take a slot run at once; None: one for each core.
    say : function of one line, or None
        Hears every `every` seconds what runs, so that nothing long is silent; else it is printed.
    """

    def __init__(self, jobs=None, say=_told, every=10.0):
        self.jobs = jobs or os.cpu_count() or 1
        self._slots = _Slots(self.jobs)
        self._lock = threading.Lock()
        self._running = {}  # process -> (what, when it began)
        self._say, self._every, self._teller = say, every, None
        self.stopped = False

    def run(self, command, log, kind=None, what="", order=0, started=None, **options):
        """Run to the end with the output in the file `log`; returns the exit code.

        With `kind`, `"build"` or `"run"`, it waits for a slot; the lowest `order` goes first.
        `what` is its name for people; `started()` is called when it runs. An exception that comes
        meanwhile (Ctrl-C, if the main thread waits) ends the child and its children, too: they are
        a session of their own, the signal does not reach them.
        """
        with self._slots.taken(kind, order) if kind else contextlib.nullcontext():
            with open(log, "wb") as output:
                with self._lock:
                    if self.stopped:
                        return -1
                    process = subprocess.Popen(
                        [*map(os.fspath, command)],
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        stdin=subprocess.DEVNULL,
                        start_new_session=True,
                        **options,
                    )
                    self._running[process] = (what, time.monotonic())
                    self._tell()
                try:
                    if started:
                        started()
                    return process.wait()
                except BaseException:
                    self._end(process)
                    raise
                finally:
                    with self._lock:
                        del self._running[process]

    def tell(self, say):
        """From now on `say` hears what runs."""
        self._say = say

    def running(self):
        """`[(what, seconds)]` of the children that have a name, the oldest first."""
        now = time.monotonic()
        with self._lock:
            found = [(what, now - began) for what, began in self._running.values() if what]
        return sorted(found, key=lambda one: -one[1])

    def stop(self):
        """End every child and its children."""
        with self._lock:
            self.stopped = True
            for process in self._running:
                self._end(process)

    def _tell(self):
        if self._say is None or (self._teller and self._teller.is_alive()):
            return
        self._teller = threading.Thread(target=self._follow, daemon=True)
        self._teller.start()

    def _follow(self):
        """Says what runs as long as something does."""
        began = time.monotonic()
        while True:
            time.sleep(self._every)
            running = self.running()
            if not running or self.stopped:
                return
            self._say(
                f"{clock_text(time.monotonic() - began)}: "
                + ", ".join(dict.fromkeys(what for what, _seconds in running))
            )

    @staticmethod
    def _end(process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)


class _Slots:
    """So many at once. A run that is ready goes before a build, for half of the slots: the first
    results come early, and the other half builds what comes later."""

    def __init__(self, count):
        self._count, self._share = count, max(1, count // 2)
        self._changed = threading.Condition()
        self._waiting = {"build": [], "run": []}
        self._busy = {"build": 0, "run": 0}
        self._number = 0

    @contextlib.contextmanager
    def taken(self, kind, order):
        """A slot, from when there is one."""
        with self._changed:
            self._number += 1
            ticket = (order, self._number)
            self._waiting[kind].append(ticket)
            try:
                self._changed.wait_for(lambda: self._next() == (kind, ticket))
            finally:
                self._waiting[kind].remove(ticket)
                self._changed.notify_all()
            self._busy[kind] += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy[kind] -= 1
                self._changed.notify_all()

    def _next(self):
        """`(kind, ticket)` of the one that may start now, or None."""
        if sum(self._busy.values()) >= self._count:
            return None
        runs_first = self._busy["run"] < self._share
        for kind in ("run", "build") if runs_first else ("build", "run"):
            if self._waiting[kind]:
                return kind, min(self._waiting[kind])
        return None
