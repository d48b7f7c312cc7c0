"""Plugin of pytest: the blocks of one class are netlists in this run, one mutant in each.

`TTP_MUTATED` is the path of a JSON file: `class` (module:Class), `folder` for what Yosys writes,
`place` (of `gates.Place`) or null, `tests` {id: clocks}: the only ones to run, or null: all. What
came of it goes into a file beside it that ends in `.out`: `passed`, the tests that passed and had
such a block in them, with their clocks; `mutated`, how many blocks had the mutant; `error`.
"""

import hashlib
import importlib
import json
import os
from pathlib import Path

import pytest
from amaranth import Elaboratable, sim

from ttpoe.verilog.component import emit_rtlil
from ttpsim.mutation import campaign, gates
from ttpsim.synth.targets.tools import SynthError


class Hung(AssertionError):
    """A test takes more clocks than the same test without a mutant."""


class _Original(Elaboratable):
    """A component whose class still has the contents that it is written with."""

    def __init__(self, component, elaborate):
        self._component, self._elaborate = component, elaborate

    def __getattr__(self, name):
        return getattr(self._component, name)

    def elaborate(self, platform):
        return self._elaborate(self._component, platform)


class Plugin:
    """One run; see above."""

    def __init__(self, path):
        self.path = path
        task = json.loads(path.read_text())
        self.folder, self.tests = Path(task["folder"]), task["tests"]
        self.place = gates.Place(**task["place"]) if task["place"] else None
        self.passed, self.blocks, self.mutated, self.error = {}, 0, 0, None
        self._all = []
        self._fresh, self._built, self._clocks, self._limit = [], {}, 0, None
        module, name = task["class"].split(":")
        self._replace(getattr(importlib.import_module(module), name))
        started = sim.Simulator.__init__

        def init(simulator, *args, **kwargs):
            started(simulator, *args, **kwargs)
            for block in self._fresh:
                simulator.add_process(block.registers)
                simulator.add_process(block.wires)
            self._fresh = []

        # The stubs know its parameters; we hand on whatever there is.
        sim.Simulator.__init__ = init  # pyright: ignore[reportAttributeAccessIssue]

    def _replace(self, class_):
        elaborate = class_.elaborate

        def replaced(component, platform):
            emitted = emit_rtlil(_Original(component, elaborate), "block", source_positions=True)
            key = hashlib.sha256(emitted.encode()).hexdigest()[:12]
            if key not in self._built:
                self._built[key] = self._netlist(self.folder / key, emitted)
            module, mutated = self._built[key]
            self.blocks += 1
            self.mutated += mutated
            block = gates.Gates(component, module, self._tick)
            self._fresh.append(block)
            self._all.append(block)
            return block.contents()

        class_.elaborate = replaced

    def _netlist(self, folder, emitted):
        """Compiled; without the mutant if nothing here can simulate it."""
        try:
            module, mutated = gates.to_gates(folder, emitted, self.place)
            try:
                return gates.compiled(module), mutated
            except gates.NoModel:
                return gates.compiled(gates.to_gates(folder, emitted, None)[0]), False
        except SynthError as error:  # no failure of the test
            self.error = str(error)
            pytest.exit(self.error)

    def _steps(self):
        """Of all blocks: a test had one in it if there are more, also where an earlier test made it."""
        return sum(block.steps for block in self._all)

    def _tick(self):
        self._clocks += 1
        if self._limit is not None and self._clocks > self._limit:
            raise Hung("no end after the limit of clocks")

    def pytest_collection_modifyitems(self, items):
        if self.tests is not None:
            items[:] = [item for item in items if item.nodeid in self.tests]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        self._clocks, self._limit, steps = 0, None, self._steps()
        if self.tests is not None:
            self._limit = campaign.LIMIT_TIMES * self.tests[item.nodeid] + campaign.LIMIT_MORE
        self._good = False
        yield
        if self._good and self._steps() > steps:
            self.passed[item.nodeid] = self._clocks

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self._good = report.passed

    def pytest_sessionfinish(self):
        self.path.with_suffix(".out").write_text(
            json.dumps({"passed": self.passed, "mutated": self.mutated, "error": self.error})
        )


def pytest_configure(config):
    if "TTP_MUTATED" in os.environ:
        config.pluginmanager.register(Plugin(Path(os.environ["TTP_MUTATED"])))
