"""Standard cells: gates of a design in the OSU 180 nm library, and static timing with OpenSTA.

Memories stay whole, as the macros that they would be: their address, data and enables are end
points, their outputs start points, with times that are assumed (`MACRO_NS`). A memory that is read
without a clock is a path from its address to its data. There is no layout: wires have no delay.
"""

import json
import re
import shutil
import time
from collections import Counter
from pathlib import Path

from .tools import SynthError, run, stat, write, yosys

LIBRARY = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
PACKAGES = "qflow-tech-osu018 opensta"
MACRO_NS = {"output": 1.5, "setup": 0.5, "read": 2.0}
"""Assumed for memories in this library's technology: clock to output, set-up, address to data."""
LONG_NS = 100.0  # the clock that is asked of the timing analysis; the slack says the rest

FANOUT = 12  # inputs on one net at most; beyond it stand trees of BUFX4
_OUTPUTS = ("Y", "YC", "YS", "Q")
_SEQUENTIAL = ("DFFPOSX1", "DFFNEGX1", "DFFSR", "LATCH")
# Without `dc2`: it saves 2 % of the cells, and makes a chain of gates of each fast adder.
_ABC = (
    "strash; ifraig; scorr; dch -f; map -B 0.9 -D 1000; topo; buffer -c -N 16; upsize; "
    "dnsize; stime -p"
)


def available():
    """One line about what is missing on this machine, or None."""
    if not LIBRARY.exists() or not shutil.which("sta"):
        return (
            f"the library {LIBRARY.name} and OpenSTA are missing: run "
            f"`apt-get install {PACKAGES}` as root"
        )
    return None


def areas(text):
    """`{cell: area}` of a Liberty file."""
    return {
        name: float(area)
        for name, area in re.findall(
            r"\bcell\s*\((\w+)\)\s*\{.*?\barea\s*:\s*([\d.]+)", text, re.DOTALL
        )
    }


def macro_library(sizes):
    """Liberty text of cells READ<n>: `n` address bits in, a bit of data out, a fixed delay."""
    times = "".join(
        f'{name} (scalar) {{ values ("{value}"); }} '
        for name, value in (
            ("cell_rise", MACRO_NS["read"]),
            ("cell_fall", MACRO_NS["read"]),
            ("rise_transition", 0.1),
            ("fall_transition", 0.1),
        )
    )
    cells = ""
    for size in sorted(sizes):
        pins = "".join(
            f"  pin (A{n}) {{ direction : input; capacitance : 0.02; }}\n" for n in range(size)
        )
        arcs = "".join(
            f'timing () {{ related_pin : "A{n}"; timing_sense : non_unate; {times}}} '
            for n in range(size)
        )
        cells += (
            f" cell (READ{size}) {{ area : 0;\n{pins}  pin (Y) {{ direction : output; {arcs}}} }}\n"
        )
    edges = "".join(
        f" {what}_threshold_pct_{edge} : {value};\n"
        for edge in ("rise", "fall")
        for what, value in (("slew_lower", 20), ("slew_upper", 80), ("input", 50), ("output", 50))
    )
    return (
        'library (macros) {\n delay_model : table_lookup;\n time_unit : "1ns";\n'
        ' capacitive_load_unit (1,pf);\n voltage_unit : "1V";\n current_unit : "1uA";\n'
        f' pulling_resistance_unit : "1kohm";\n{edges}{cells}}}\n'
    )


def buffer(gates, ideal):
    """Put trees of buffers behind nets with more than `FANOUT` inputs, but the `ideal` ones.

    ABC does so for the nets of the logic, not for those that come out of flip-flops and memories.
    `gates` is a list of (cell, {pin: net}), changed in place.
    """
    loads, number = {}, 0
    for _kind, pins in gates:
        for pin, net in pins.items():
            if pin not in _OUTPUTS and net not in ideal and not net.startswith("1'b"):
                loads.setdefault(net, []).append((pins, pin))
    for net, sinks in loads.items():
        while len(sinks) > FANOUT:
            groups = [sinks[at : at + FANOUT] for at in range(0, len(sinks), FANOUT)]
            sinks = []
            for group in groups:
                number += 1
                for pins, pin in group:
                    pins[pin] = f"b{number}"
                gates.append(("BUFX4", {"A": net, "Y": f"b{number}"}))
                sinks.append((gates[-1][1], "A"))


def structural(netlist, top):
    """A mapped design, as Yosys' JSON, in the plain Verilog that timing analysers read.

    Returns the text, `{cell: number}`, `{macros, bits, asynchronous}` of its memories (the last:
    bits that are read without a clock), and where the paths begin and end, `{clock, starts, ends,
    reads}`: names of ports, and the widths of the addresses that READ cells are needed for. Bits
    are n<number>.
    """
    module = netlist["modules"][top]

    def net(bit):
        return f"n{bit}" if isinstance(bit, int) else f"1'b{bit if bit in '01' else 0}"

    gates, inputs, outputs, memories = [], {}, {}, Counter()
    for name, port in module["ports"].items():
        (inputs if port["direction"] == "input" else outputs).update(
            (bit, name) for bit in port["bits"] if isinstance(bit, int)
        )
    clock = module["ports"]["clk"]["bits"][0]
    starts, ends, reads = set(), set(), set()
    for cell in module["cells"].values():
        pins = cell["connections"]
        if cell["type"] == "$scopeinfo":
            continue
        if cell["type"] != "$mem_v2":
            gates.append((cell["type"], {pin: net(bits[0]) for pin, bits in pins.items()}))
            continue
        parameters = {
            name: int(value, 2)
            for name, value in cell["parameters"].items()
            if re.fullmatch("[01]+", str(value))
        }
        width, ports = parameters["WIDTH"], parameters["RD_PORTS"]
        memories["bits"] += width * parameters["SIZE"]
        memories["macros"] += 1
        ends.update(
            bit
            for pin, bits in pins.items()
            if pin not in ("RD_DATA", "RD_CLK", "WR_CLK")
            for bit in bits
            if isinstance(bit, int)
        )
        for port in range(ports):
            data = pins["RD_DATA"][port * width : (port + 1) * width]
            if parameters["RD_CLK_ENABLE"] >> port & 1:
                starts.update(bit for bit in data if isinstance(bit, int))
                continue
            memories["asynchronous"] += width * parameters["SIZE"]
            address = pins["RD_ADDR"][port * parameters["ABITS"] :][: parameters["ABITS"]]
            reads.add(len(address))
            for bit in (b for b in data if isinstance(b, int)):
                gates.append(
                    (
                        f"READ{len(address)}",
                        {**{f"A{n}": net(b) for n, b in enumerate(address)}, "Y": net(bit)},
                    )
                )
    buffer(gates, {f"n{clock}"})
    lines = [
        f"  {kind} g{number} (" + ", ".join(f".{pin}({name})" for pin, name in pins.items()) + ");"
        for number, (kind, pins) in enumerate(gates)
    ]
    starts -= set(inputs)
    ends -= {clock, *outputs}
    ports = [(bit, "input") for bit in sorted({*inputs, *starts})] + [
        (bit, "output") for bit in sorted({*outputs, *ends} - {*inputs, *starts})
    ]
    text = (
        f"module {top} ("
        + ", ".join(f"n{bit}" for bit, _ in ports)
        + ");\n"
        + "".join(f"  {way} n{bit};\n" for bit, way in ports)
        + "\n".join(lines)
        + "\nendmodule\n"
    )
    counts = Counter(kind for kind, _ in gates)
    return (
        text,
        counts,
        dict(memories),
        {
            "clock": f"n{clock}",
            "starts": [f"n{b}" for b in sorted(starts)],
            "ends": [f"n{b}" for b in sorted(ends - {*inputs, *starts})],
            "reads": reads,
        },
    )


def _analysis(netlist, top, commands, libraries=(LIBRARY,)):
    """The script of an OpenSTA run."""
    return "\n".join(
        [
            *(f"read_liberty {library}" for library in libraries),
            f"read_verilog {netlist}",
            f"link_design {top}",
            *commands,
            "exit",
            "",
        ]
    )


def _slowest(text):
    """`(ns of the path, cells)` of the first path in a report of OpenSTA."""
    slack = re.search(r"(-?[\d.]+)\s+slack", text)
    if not slack:
        raise SynthError("OpenSTA reports no path; see sta.log")
    cells = re.findall(r"\((?!net\b)(\w+)\)$", text[: slack.end()], re.MULTILINE)
    return LONG_NS - float(slack[1]), [cell for cell in cells if cell not in ("in", "out")]


def fanout_of_four(folder):
    """Nanoseconds of an inverter that drives four of its kind, in this library."""
    stages = 20
    chain = "".join(
        f"  INVX1 i{n} (.A(n{n}), .Y(n{n + 1}));\n"
        + "".join(f"  INVX1 l{n}_{k} (.A(n{n + 1}), .Y(x{n}_{k}));\n" for k in range(3))
        for n in range(stages)
    )
    write(
        folder / "fo4.v",
        f"module fo4 (n0, n{stages});\n  input n0;\n  output n{stages};\n{chain}endmodule\n",
    )
    write(
        folder / "fo4.tcl",
        _analysis(
            "fo4.v",
            "fo4",
            [
                f"create_clock -name c -period {LONG_NS}",
                "set_input_delay 0 -clock c [get_ports n0]",
                f"set_output_delay 0 -clock c [get_ports n{stages}]",
                "report_checks -digits 4",
            ],
        ),
    )
    run(["sta", "-exit", "fo4.tcl"], folder, "fo4.log")
    return _slowest((folder / "fo4.log").read_text())[0] / stages


def osu018(folder, top):
    """Gates, flip-flops, bits in macros, and the slowest path, in ns and in inverters."""
    problem = available()
    if problem:
        raise SynthError(problem)
    started = time.monotonic()
    write(folder / "abc.script", _ABC.replace("; ", "\n") + "\n")
    yosys(
        folder,
        [
            "read_verilog design.v",
            f"synth -flatten -top {top} -run begin:fine",
            "opt -fast -full",
            "opt_clean",
            "techmap",
            "opt -fast",
            f"dfflibmap -liberty {LIBRARY}",
            "opt",
            f"abc -liberty {LIBRARY} -script {folder / 'abc.script'}",
            "setundef -zero",
            "opt_clean -purge",
            stat(),
            "write_json design.json",
        ],
    )
    netlist = json.loads((folder / "design.json").read_text())
    text, counts, memories, paths = structural(netlist, top)
    write(folder / "netlist.v", text)
    write(folder / "macros.lib", macro_library(paths["reads"]))
    write(
        folder / "sta.tcl",
        _analysis(
            "netlist.v",
            top,
            [
                f"create_clock -name clk -period {LONG_NS} [get_ports {paths['clock']}]",
                *(
                    f"set_{way}_delay {ns} -clock clk [get_ports {{{' '.join(names)}}}]"
                    for way, ns, names in (
                        ("input", MACRO_NS["output"], paths["starts"]),
                        ("output", MACRO_NS["setup"], paths["ends"]),
                    )
                    if names
                ),
                "report_checks -path_delay max -digits 3",
            ],
            [LIBRARY, "macros.lib"],
        ),
    )
    run(["sta", "-exit", "sta.tcl"], folder, "sta.log")
    slowest, through = _slowest((folder / "sta.log").read_text())
    inverter = fanout_of_four(folder)
    area = areas(LIBRARY.read_text())
    gates = {name: count for name, count in counts.items() if name in area}
    return {
        "nand2_equivalents": round(
            sum(area[name] * count for name, count in gates.items()) / area["NAND2X1"]
        ),
        "cells": sum(gates.values()),
        "ff": sum(gates.get(name, 0) for name in _SEQUENTIAL),
        "memory_macros": memories.get("macros", 0),
        "memory_bits": memories.get("bits", 0),
        "bits_read_without_clock": memories.get("asynchronous", 0),
        "path_ns": round(slowest, 2),
        "path_cells": len(through),
        "path_mhz": round(1000 / slowest, 1),
        "path_fo4": round(slowest / inverter),
        "fo4_ns": round(inverter, 4),
        "fo4_ps_for_195_mhz": round(1e6 / 195.3125 / (slowest / inverter), 1),
        "seconds": {"all": round(time.monotonic() - started, 1)},
        "method": "Yosys dfflibmap and abc for the OSU 180 nm cells of Debian's "
        "qflow-tech-osu018, typical corner; OpenSTA without wire loads, trees of BUFX4 "
        f"behind nets of more than {FANOUT} inputs. Memories are "
        f"macros with assumed times: clock to output {MACRO_NS['output']} ns, set-up "
        f"{MACRO_NS['setup']} ns, read without clock {MACRO_NS['read']} ns. "
        "nand2_equivalents = area of all cells, flip-flops included, macros not / area "
        "of NAND2X1; path_fo4 = the path in inverters that drive four",
    }
