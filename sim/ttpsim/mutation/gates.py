"""A component's netlist, with a mutant in it, in the place of the component in its own bench.

Benches of single blocks are simulated by Amaranth, which knows no netlists. So Yosys takes the
block down to gates, the gates become one Python function, and a process of the simulator calls it:
the component's ports are what it was, its contents are the netlist.
"""

import json
import re
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from amaranth import Module, Signal
from amaranth.hdl import Value
from amaranth.lib.wiring import In

from ttpoe.verilog.emit import write
from ttpsim.mutation.netlist import CLEAN, Mutant
from ttpsim.synth.targets.tools import yosys

__all__ = ["Gates", "NoModel", "Place", "cells_of", "compiled", "to_gates"]

_GATES = (
    "flatten -noscopeinfo",
    "opt_clean",
    "memory_collect",
    "memory_map",
    "techmap",
    "dfflegalize -cell $_DFF_P_ 01",
    "simplemap",
    "opt_clean",
)
_FORM = {
    "$_NOT_": "1^{A}",
    "$_BUF_": "{A}",
    "$_AND_": "{A}&{B}",
    "$_OR_": "{A}|{B}",
    "$_XOR_": "{A}^{B}",
    "$_NAND_": "1^({A}&{B})",
    "$_NOR_": "1^({A}|{B})",
    "$_XNOR_": "1^{A}^{B}",
    "$_ANDNOT_": "{A}&(1^{B})",
    "$_ORNOT_": "{A}|(1^{B})",
    "$_MUX_": "({B} if {S} else {A})",
}


class NoModel(Exception):
    """A netlist that a function of inputs and state cannot stand for."""


@dataclass
class Place:
    """Where a mutant is: path of its module below the block, and what kind of cell it changes.

    `kind`, `source` and `nth` (of `count` alike, in the order in which they were made) say which
    cell is meant where the bench builds the block in another size, with other names; `nth_port`
    (of `ports`) says it of a port that has no name.
    """

    mutant: dict
    path: str
    kind: str
    source: str
    nth: int
    count: int
    nth_port: int
    ports: int

    @classmethod
    def of(cls, mutant, path, cells):
        """Of a `Mutant` in one of these cells (of `cells_of`) of its own module."""
        kind, source = _kind(cells[mutant.cell], mutant.module), cells[mutant.cell][1]
        alike = _alike(cells, kind, source, mutant.module)
        ports = sorted(cells[mutant.cell][2], key=_order)
        return cls(
            mutant.to_dict(),
            path,
            kind,
            source,
            alike.index(mutant.cell),
            len(alike),
            ports.index(mutant.port),
            len(ports),
        )

    def command(self, modules, top):
        """The Yosys command that applies it in the block `top`; None if there is no such point."""
        module = "_".join([top, *([self.path] if self.path else [])])
        cells, mutant = modules.get(module, {}), Mutant(**self.mutant)
        alike = _alike(cells, self.kind, self.source, module)
        if len(alike) != self.count and self.source and mutant.cell in alike:
            cell = mutant.cell
        elif self.nth < len(alike):
            cell = alike[self.nth]
        else:
            return None
        ports, port = cells[cell][2], mutant.port
        if "$" in port and len(ports) == self.ports:
            port = sorted(ports, key=_order)[self.nth_port]
        if max(mutant.portbit, mutant.ctrlbit or 0) >= ports.get(port, 0):
            return None
        return replace(mutant, module=module, cell=cell, port=port).command(control=False)


def _order(name):
    """Key that sorts names by the numbers in them: the order in which they were given."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _kind(cell, module):
    """Type of a cell of `module`; of a module inside only its own name."""
    return cell[0].removeprefix(f"{module}_")


def _alike(cells, kind, source, module):
    return sorted(
        (name for name, cell in cells.items() if (_kind(cell, module), cell[1]) == (kind, source)),
        key=_order,
    )


def cells_of(path):
    """`{module: {cell: (type, source, {port: width})}}` of what `write_json` wrote."""
    return {
        module: {
            name: (
                cell["type"],
                cell["attributes"].get("src", ""),
                {port: len(bits) for port, bits in cell["connections"].items()},
            )
            for name, cell in found["cells"].items()
        }
        for module, found in json.loads(path.read_text())["modules"].items()
    }


def to_gates(folder, emitted, place):
    """The RTLIL `emitted`, a module `block`, in gates, as `write_json` gives it; with the mutant at
    `place` unless that is None or not in this block. Returns (module, is it there)."""
    write(folder / "emitted.il", emitted)
    load = ["read_rtlil emitted.il", "hierarchy -check -top block", *CLEAN]
    yosys(folder, [*load, "write_rtlil clean.il", "write_json clean.json"], log="clean.log")
    command = place.command(cells_of(folder / "clean.json"), "block") if place else None
    yosys(
        folder,
        [
            "read_rtlil clean.il",
            *([command] if command else []),
            "hierarchy -top block",
            *_GATES,
            "write_json gates.json",
        ],
        log="gates.log",
    )
    return json.loads((folder / "gates.json").read_text())["modules"]["block"], bool(command)


def compiled(module):
    """Of a netlist of gates `(ports, step, state)`: `step(state, inputs)` gives `(outputs, next
    state)`, inputs and outputs being lists of numbers in the order of the ports; and the state
    after power-on. `NoModel` if its gates make a loop, or a clock of their own."""
    init = {}
    for net in module["netnames"].values():
        text = net["attributes"].get("init", "")
        init.update(zip(net["bits"], (bit == "1" for bit in reversed(text))))
    ports, clock = module["ports"], module["ports"].get("clk", {"bits": []})["bits"]
    names = {"0": "0", "1": "1", "x": "0", "z": "0"}
    lines = []

    def name(bit):
        return names.get(bit) or f"n{bit}"

    registers, gates, drives = [], {}, {}
    for cell in module["cells"].values():
        pins = {pin: bits[0] for pin, bits in cell["connections"].items()}
        if cell["type"] == "$_DFF_P_":
            stopped = isinstance(pins["C"], str)  # a clock that is stuck
            if not stopped and pins["C"] not in clock:
                raise NoModel("a clock that is not the clock")
            registers.append((pins["Q"], pins["Q"] if stopped else pins["D"]))
        else:
            out = pins.pop("Y")
            gates[out], drives[out] = (_FORM[cell["type"]], pins), set(pins.values())
    lines += [
        f" n{bit} = v{k} >> {n} & 1"
        for k, port in enumerate(p for p in ports.values() if p["direction"] == "input")
        for n, bit in enumerate(port["bits"])
    ]
    for k, (bit, _next) in enumerate(registers):
        lines.append(f" n{bit} = s[{k}]")
    driven = set(re.findall(r"n(\d+) =", "\n".join(lines)))
    try:
        order = list(TopologicalSorter(drives).static_order())
    except CycleError as error:
        raise NoModel("a loop of gates") from error
    for bit in order:
        if bit in gates:
            form, pins = gates[bit]
            lines.append(f" n{bit} = " + form.format(**{p: name(b) for p, b in pins.items()}))
        elif bit not in names and str(bit) not in driven:
            lines.append(f" n{bit} = 0")  # undriven
        driven.add(str(bit))
    outputs = [
        "|".join(
            f"{name(bit)}<<{n}" if str(bit) in driven or bit in names else "0"
            for n, bit in enumerate(port["bits"])
        )
        or "0"
        for port in ports.values()
        if port["direction"] == "output"
    ]
    inputs = sum(port["direction"] == "input" for port in ports.values())
    text = "\n".join(
        [
            "def step(s, values):",
            f" [{', '.join(f'v{k}' for k in range(inputs))}] = values",
            *lines,
            f" return [{', '.join(outputs)}], [{', '.join(name(data) for _q, data in registers)}]",
        ]
    )
    scope = {}
    exec(compile(text, "<gates>", "exec"), scope)
    return list(ports), scope["step"], [int(init.get(bit, 0)) for bit, _next in registers]


class Gates:
    """A component's contents as gates.

    Parameters
    ----------
    component : Component
        Its ports are driven and read.
    netlist : tuple
        Of `compiled`.
    tick : function
        Called in every clock.
    """

    def __init__(self, component, netlist, tick=lambda: None):
        names, self._step, self._initial = netlist
        self._state = self._initial
        self._tick, self.steps = tick, 0
        self._alive, self._stepped, self._before = Signal(), Signal(), None
        ports = {
            "__".join(map(str, path)): (member.flow, Value.cast(value))
            for path, member, value in component.signature.flatten(component)
        }
        self._inputs, self._outputs = [], []
        for name in names:
            if name in ("clk", "rst"):
                self._inputs.append(name)
            else:
                flow, signal = ports[name]
                (self._inputs if flow == In else self._outputs).append(signal)
        self._watched = [signal for signal in self._inputs if not isinstance(signal, str)]

    def contents(self):
        """What takes the place of the component's own module: a register that shows a reset."""
        m = Module()
        m.d.sync += self._alive.eq(1)
        return m

    def _values(self, values, reset):
        values = iter(values)
        return [
            {"clk": 0, "rst": reset}[signal] if isinstance(signal, str) else next(values)
            for signal in self._inputs
        ]

    async def registers(self, ctx):
        """A process of the simulator: the state moves at each rising edge."""
        self._state, self._before, stepped = (
            self._initial,
            None,
            0,
        )  # also after a simulator's reset
        async for _clock, _reset, *values in ctx.tick().sample(*self._watched):
            self._tick()
            self._before = self._state, values
            _outputs, self._state = self._step(self._state, self._values(values, 0))
            stepped ^= 1
            ctx.set(self._stepped, stepped)

    async def wires(self, ctx):
        """A process of the simulator: outputs follow inputs and state."""
        async for alive, _stepped, *values in ctx.changed(
            self._alive, self._stepped, *self._watched
        ):
            if not alive and self._before:  # the last edge was a reset: it is taken again
                state, before = self._before
                _outputs, self._state = self._step(state, self._values(before, 1))
            self._before, self.steps = None, self.steps + 1
            outputs, _state = self._step(self._state, self._values(values, 0))
            for signal, value in zip(self._outputs, outputs):
                ctx.set(signal, value)
