"""Mutants of the emitted hardware: sampled by Yosys, all in one Verilog file, chosen at run time.

A block is mutated in the smallest top that has it: the transport in `engine`, what surrounds it in
`nic`, the registers in `managed_nic`. Yosys' `mutate` draws single points (an inverted bit, a bit
stuck at 0 or 1, a bit that follows its neighbour) evenly over wires, cells and source lines of each
module; `mutate -ctrl` puts all of them into one netlist behind a number, `mutsel`, which a wrapper
takes from the plusarg of that name. Without it, or with 0, the netlist is the emitted one. The
plusarg `clocks` ends a run that takes longer: a mutant that hangs.
"""

import re
from dataclasses import asdict, dataclass, fields

from amaranth.lib import memory

from ttpoe.verilog.component import emit_rtlil
from ttpoe.verilog.emit import WITHOUT_MAC, wrapped, write
from ttpsim.synth.targets.tools import ROOT, yosys
from ttpverif.bench.pair import parse_ports

__all__ = [
    "CLEAN",
    "Mutant",
    "allot",
    "clean",
    "draw",
    "mutant_of",
    "mutated_verilog",
    "parse_mutations",
    "prepare",
    "wrapper",
]

SELECT_BITS = 12
CLEAN = ("proc", "opt -full", "wreduce", "opt -full -fine")
"""Passes between the emitted RTLIL and the netlist that mutants are drawn in."""
_LIBRARY = str(memory.__file__).removesuffix("amaranth/lib/memory.py")
_MEANING = {
    "inv": "inverted",
    "const0": "stuck at 0",
    "const1": "stuck at 1",
    "cnot0": "inverted while its neighbour is 0",
    "cnot1": "inverted while its neighbour is 1",
}
_OPTIONS = re.compile(r"-(mode|module|cell|port|portbit|ctrlbit|wire|wirebit|src) (\S+)")


@dataclass
class Mutant:
    """One mutation; `number` selects it in the netlist of `top`."""

    number: int
    top: str
    mode: str
    module: str
    cell: str
    port: str
    portbit: int
    ctrlbit: int | None
    wire: str
    sources: list

    @property
    def identity(self):
        """What makes it another mutation than all others."""
        return self.module, self.cell, self.port, self.portbit, self.ctrlbit, self.mode

    @property
    def block(self):
        """Where it is: the module, without what all names begin with; of a part (`parts`) with
        the part's name in front."""
        inside = re.sub(rf"^ttp_{self.top}_(core_)?(nic_)?", "", self.module + "_").strip("_")
        if self.top not in WITHOUT_MAC:
            return f"{self.top}_{inside}".rstrip("_")
        return inside or "top"

    @property
    def source(self):
        """The line of ours nearest to it; Amaranth's if there is none."""
        ours = [source for source in self.sources if source.startswith("rtl/")]
        known = [source for source in self.sources if not source.startswith("/")]
        return (ours or known or ["-"])[-1].removeprefix("rtl/ttpoe/")

    @property
    def signal(self):
        """The bit: that of a signal with a name, or that of a cell's port."""
        if self.wire:
            return self.wire
        return f"{self.cell}.{self.port}[{self.portbit}]"

    @property
    def meaning(self):
        return _MEANING[self.mode]

    def command(self, control=True):
        """The Yosys command that applies it; without `control` it is there always."""
        select = ["-ctrl mutsel", str(SELECT_BITS), str(self.number)] if control else []
        neighbour = [] if self.ctrlbit is None else ["-ctrlbit", str(self.ctrlbit)]
        return " ".join(
            [
                "mutate",
                *select,
                "-mode",
                self.mode,
                "-module",
                self.module,
                "-cell",
                self.cell,
                "-port",
                self.port,
                "-portbit",
                str(self.portbit),
                *neighbour,
            ]
        )

    def to_dict(self):
        return asdict(self)


def mutant_of(result):
    """The `Mutant` of an entry of the results."""
    return Mutant(**{field.name: result[field.name] for field in fields(Mutant)})


def parse_mutations(text, top):
    """The `Mutant`s of a list that `mutate -list` wrote, not yet numbered."""
    mutants = []
    for line in text.splitlines():
        found = _OPTIONS.findall(line)
        values = dict(found)
        if values.get("mode", "none") == "none":
            continue
        wire = values.get("wire", "").removeprefix("\\")
        bit = values.get("wirebit", "0")
        sources = [
            place.removeprefix(_LIBRARY).removeprefix(f"{ROOT}/")
            for name, place in found
            if name == "src"
        ]
        mutants.append(
            Mutant(
                0,
                top,
                values["mode"],
                values["module"],
                values["cell"],
                values["port"],
                int(values["portbit"]),
                int(values["ctrlbit"]) if "ctrlbit" in values else None,
                f"{wire}[{bit}]" if wire else "",
                sources,
            )
        )
    return mutants


def allot(sizes, count):
    """Mutants of `count` for each module: by its cells to the power of 3/4, at least 1."""
    count = max(count, len(sizes))
    weight = {name: size**0.75 for name, size in sizes.items()}
    total = sum(weight.values())
    free = count - len(sizes)
    shares = {name: 1 + int(free * w / total) for name, w in weight.items()}
    rest = sorted(weight, key=lambda name: (-(free * weight[name] / total % 1), name))
    for name in rest[: count - sum(shares.values())]:
        shares[name] += 1
    return shares


def belongs(top, module):
    """Are mutants of this module drawn in this top?"""
    inside = module.removeprefix(f"ttp_{top}")
    if top == "nic":
        return not re.match(r"_core_engine(_|$)", inside)
    if top == "managed_nic":
        return not re.match(r"_core_nic(_|$)", inside)
    return True


def clean(place, component, name):
    """Emit a component as module `name`, cleaned up, into the folder `place`; `{module: cells}`.

    Without `opt` many points would be constant, or lead nowhere, and show nothing.
    """
    write(place / "emitted.il", emit_rtlil(component, name, source_positions=True))
    yosys(
        place,
        [
            "read_rtlil emitted.il",
            f"hierarchy -check -top {name}",
            *CLEAN,
            "write_rtlil clean.il",
            "write_json clean.json",
        ],
        log="clean.log",
    )
    modules = re.split(r"(?m)^(?=module )", (place / "clean.il").read_text())[1:]
    sizes = {
        re.findall(r"^module \\(\S+)", module)[0]: len(re.findall(r"(?m)^  cell ", module))
        for module in modules
    }
    return {name: cells for name, cells in sizes.items() if cells}


def prepare(config, folder, tops=WITHOUT_MAC):
    """Emit and clean up every top into `folder`; `{(top, module): cells}` to draw from."""
    return {
        (top, module): cells
        for top in tops
        for module, cells in clean(folder / top, wrapped(top, config), f"ttp_{top}").items()
        if belongs(top, module)
    }


def draw(folder, sizes, count, seed):
    """`count` different mutants (one per module if that is more), numbered, by top."""
    shares = allot(sizes, count)
    tops = dict.fromkeys(top for top, _module in sizes)
    drawn = {}
    for top in tops:
        place, modules = folder / top, [module for t, module in sizes if t == top]
        # Twice as many as are wanted: one point can be drawn twice.
        yosys(
            place,
            ["read_rtlil clean.il"]
            + [
                f"mutate -list {2 * shares[top, module] + 2} -seed {seed} -o {module}.list "
                f"-module {module}"
                for module in modules
            ],
            log="draw.log",
        )
        different = {}
        for module in modules:
            found = parse_mutations((place / f"{module}.list").read_text(), top)
            unique = list({mutant.identity: mutant for mutant in found}.values())
            for mutant in unique[: shares[top, module]]:
                different[mutant.identity] = mutant
        drawn[top] = list(different.values())
        for number, mutant in enumerate(drawn[top], 1):
            mutant.number = number
    return drawn


def wrapper(top, ports):
    """Verilog of a module `ttp_<top>` around the mutated one, with `mutsel` from a plusarg."""
    outer = {name: port for name, port in ports.items() if name != "mutsel"}
    lines = [f"module ttp_{top}({', '.join(outer)});"]
    for name, (direction, width) in outer.items():
        lines.append(f"  {direction} {f'[{width - 1}:0] ' if width > 1 else ''}{name};")
    lines += [
        f"  reg [{SELECT_BITS - 1}:0] mutsel;",
        "  reg [63:0] limit, count;",
        "  initial begin",
        "    mutsel = 0; limit = 0; count = 0;",
        '    if ($value$plusargs("mutsel=%d", mutsel)) ;',
        '    if ($value$plusargs("clocks=%d", limit)) ;',
        "  end",
        "  always @(posedge clk) begin",
        "    count <= count + 1;",
        "    if (limit != 0 && count == limit) $finish;",
        "  end",
        f"  mutated_{top} inner (",
    ]
    lines.append(",\n".join(f"    .{name}({name})" for name in ports))
    return "\n".join([*lines, "  );", "endmodule", ""])


def mutated_verilog(folder, top, mutants):
    """The Verilog of `ttp_<top>` with these mutants in it.

    Its choices (`$pmux`) become chains: as cases marked as exclusive they would end a simulation
    in which, with a mutant or while signals still settle, two are true.
    """
    place = folder / top
    yosys(
        place,
        [
            "read_rtlil clean.il",
            *(mutant.command() for mutant in mutants),
            "techmap -map +/pmux2mux.v",
            f"rename ttp_{top} mutated_{top}",
            "write_verilog -noattr mutants.v",
        ],
        log="mutate.log",
    )
    inner = (place / "mutants.v").read_text()
    inner = re.sub(r"\A/\*.*?\*/\s*", "", inner, flags=re.DOTALL)
    return wrapper(top, parse_ports(inner, f"mutated_{top}")) + inner
