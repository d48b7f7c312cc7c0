"""`ScriptServer`: a simulator that stays and plays one script after another."""

import json
import os
import select
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ttpsim.build import builds

__all__ = ["ScriptServer"]

_RENEW_SECONDS = builds.SECONDS_LIMIT // 2  # a simulator is not kept longer than this
_ANSWER_SECONDS = builds.SECONDS_LIMIT // 2


class _Switched(builds.Build):
    """A build that is started with further plusargs."""

    plusargs = ()

    def command(self, run_folder, seed):
        return [*super().command(run_folder, seed), *self.plusargs]


@dataclass
class _Running:
    """A simulator since the time `since`, and the pipes to it and from it."""

    thread: threading.Thread
    requests: int
    answers: int
    since: float

    def write(self, data):
        """All of it, unless the simulator has gone."""
        os.set_blocking(self.requests, False)
        while data and self.thread.is_alive():
            if select.select([], [self.requests], [], 0.2)[1]:
                data = data[os.write(self.requests, data[:4096]) :]


class ScriptServer:
    """Two engines of one configuration, built when they are first needed.

    Parameters
    ----------
    config : Config
    top : str
    processes : builds.Processes
    waves : bool
        Record a waveform, at `waves`, complete when the server is closed.
    trace : bool
        Write what the pipelines did to the file `story`.
    core : Path
        Verilog that takes the place of the emitted one, for tests with a defect in it.
    plusargs : list of str
        For the simulator.
    optimise : tools.Optimise or None
        As in `builds.compile_pair`.
    """

    def __init__(
        self,
        config,
        top,
        processes,
        waves=False,
        trace=False,
        core=None,
        plusargs=(),
        optimise=None,
    ):
        self.config, self.top, self._processes, self._trace = config, top, processes, trace
        core = core or builds.emitted(config, processes, top)
        build = builds.compile_pair("verilator", core, config.name, waves, processes, top, optimise)
        self._build = _Switched(build.simulator, build.folder, build.waves)
        self._build.plusargs = plusargs
        self._pipes = tempfile.TemporaryDirectory(prefix="ttp-random-")
        self.folder = (
            builds.BUILD.parent
            / "random"
            / f"{self._build.folder.name}-{os.getpid()}{''.join(plusargs)}"
        )
        self.waves, self.story = self._build.waves_file(self.folder), self.folder / "trace.txt"
        self._running: _Running | None = None

    def _start(self):
        folder = Path(self._pipes.name)
        paths = {name: folder / name for name in ("requests", "answers")}
        for path in paths.values():
            path.unlink(missing_ok=True)
            os.mkfifo(path)
        # Opened both ways, so that neither end waits for the other.
        requests, answers = (os.open(path, os.O_RDWR) for path in paths.values())
        self._buffer = b""
        thread = threading.Thread(
            target=builds.simulate,
            daemon=True,
            args=(
                self._build,
                "ttpsim.bench.scenarios.player",
                self.folder,
                1,
                {name: str(path) for name, path in paths.items()},
                self._processes,
                self.config,
                (),
                self._trace,
            ),
        )
        thread.start()
        self._running = _Running(thread, requests, answers, time.monotonic())
        return self._running

    def play(self, script):
        """The result of `bench.player.play`; a simulator that dies is a failure of the script."""
        if self._running and time.monotonic() - self._running.since > _RENEW_SECONDS:
            self._stop()
        running = self._running or self._start()
        running.write(json.dumps(script.to_dict()).encode() + b"\n")
        deadline = time.monotonic() + _ANSWER_SECONDS
        while b"\n" not in self._buffer:
            if select.select([running.answers], [], [], 0.2)[0]:
                self._buffer += os.read(running.answers, 1 << 16)
            elif not running.thread.is_alive() or time.monotonic() > deadline:
                return self._died()
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def _died(self):
        log = self.folder / "log.txt"
        tail = log.read_text(errors="replace")[-1500:] if log.exists() else ""
        self._stop(kill=True)
        return {
            "kind": "Died",
            "failure": f"the simulator stopped\n{tail}",
            "clocks": 0,
            "clock": 10**9,
            "delivered": 0,
            "excused": 0,
            "refused": 0,
            "replays": 0,
            "frames": 0,
            "faults": {},
            "noted": None,
            "cells": [],
        }

    def _stop(self, kill=False):
        running, self._running = self._running, None
        if running is None:
            return
        if not kill:
            running.write(b"\n")
            running.thread.join(30)
        os.close(running.requests)
        os.close(running.answers)

    def close(self):
        """End the simulator."""
        self._stop()
        self._pipes.cleanup()
