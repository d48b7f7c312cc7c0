"""UltraScale+ and iCE40: Yosys only, so area and an estimate."""

import json
import re
import time

from .tools import cells, stat, yosys

# Assumed for UltraScale+, speed grade -2, and said wherever the estimate is: nanoseconds for
# clock to output and set-up together, and for one cell of the path (LUT or carry) with its wire.
XCUP_FIXED_NS, XCUP_CELL_NS = 0.20, (0.30, 0.50)

# LUT4, RAM blocks of 4 Kbit; the UP5K has 1 Mbit of single-port RAM besides, of no use here.
ICE40_DEVICES = {"hx8k": (7680, 32), "up5k": (5280, 30)}

_XCUP_LOGIC = re.compile(r"LUT\d|MUXF\d|CARRY\d|RAM\d+\w*|INV")


def _reads(cell, port):
    """Whether a port of a LUT RAM is an address that is read. Behind the one that is written, and read
    by nobody (ADDRH of a cell without DOH), lies the memory: the path ends there."""
    if port.startswith("ADDR"):
        return f"DO{port[4:]}" in cell["connections"]
    return bool(re.match(r"A\d|DPRA", port))


def longest_path(netlist, top):
    """Cells on the longest path between registers of a mapped Xilinx design, as Yosys' JSON.

    LUTs, multiplexers, carry cells and reads of LUT RAM are logic; what a carry cell gets from the
    one before counts nothing, because such wires do not leave the column.
    """
    cells = netlist["modules"][top]["cells"].values()
    drivers, sources = {}, []
    for cell in cells:
        if not _XCUP_LOGIC.fullmatch(cell["type"]):
            continue
        inputs = []
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "output":
                drivers.update((bit, len(sources)) for bit in bits)
            elif not cell["type"].startswith("RAM") or _reads(cell, port):
                inputs += [
                    (bit, cell["type"].startswith("CARRY") and port == "CI")
                    for bit in bits
                    if isinstance(bit, int)
                ]
        sources.append(inputs)
    depths, waiting = {}, list(range(len(sources)))
    while waiting:  # depth first, without recursion
        cell = waiting[-1]
        before = [(drivers[bit], chained) for bit, chained in sources[cell] if bit in drivers]
        missing = [driver for driver, _ in before if driver not in depths]
        if missing and cell not in depths:
            depths[cell] = None  # a loop, if met again before it is known
            waiting += list(missing)
            continue
        waiting.pop()
        if depths.get(cell) is None:
            depths[cell] = (
                max((0 if chained else 1) + (depths[driver] or 0) for driver, chained in before)
                if before
                else 1
            )
    return max(depths.values(), default=0)


def xilinx(folder, top):
    """Area and longest path for UltraScale+; no open tool places and routes for it."""
    started = time.monotonic()
    yosys(
        folder,
        [
            "read_verilog design.v",
            f"synth_xilinx -family xcup -flatten -noiopad -top {top}",
            stat(),
            "write_json design.json",
        ],
    )
    found = cells(folder)
    levels = longest_path(json.loads((folder / "design.json").read_text()), top)
    slow, fast = (round(1000 / (XCUP_FIXED_NS + levels * ns)) for ns in reversed(XCUP_CELL_NS))
    return {
        "lut": sum(n for name, n in found.items() if re.fullmatch(r"LUT\d", name)),
        "ff": sum(n for name, n in found.items() if re.fullmatch(r"FD[RSCP]E", name)),
        "carry": sum(n for name, n in found.items() if name.startswith("CARRY")),
        "muxf": sum(n for name, n in found.items() if name.startswith("MUXF")),
        "lutram": sum(n for name, n in found.items() if re.fullmatch(r"RAM\d+\w*", name)),
        "ramb18": found.get("RAMB18E2", 0),
        "ramb36": found.get("RAMB36E2", 0),
        "uram": found.get("URAM288", 0),
        "longest_path_cells": levels,
        "estimated_mhz": [slow, fast],
        "seconds": {"yosys": round(time.monotonic() - started, 1)},
        "method": "Yosys synth_xilinx -family xcup; cells on the longest path between registers, "
        f"carry chains as one. The clock is an estimate: 1 / ({XCUP_FIXED_NS} ns + "
        f"cells x {XCUP_CELL_NS[1]} to {XCUP_CELL_NS[0]} ns), assumed figures for a "
        "cell and its wire; nothing was placed or routed",
    }


def ice40(folder, top):
    """Does it fit, by the number of LUTs and RAM blocks; if not, by how much."""
    started = time.monotonic()
    # There is no LUT RAM: what asks for it becomes flip-flops or block RAM.
    style = "setattr -unset ram_style */m:*"
    yosys(folder, ["read_verilog design.v", style, f"synth_ice40 -top {top}", stat()])
    found = cells(folder)
    luts, rams = found.get("SB_LUT4", 0), found.get("SB_RAM40_4K", 0)
    fits = {
        device: {
            "lut4_percent": round(100 * luts / lut_limit, 1),
            "ram_percent": round(100 * rams / ram_limit, 1),
            "fits": luts <= lut_limit and rams <= ram_limit,
        }
        for device, (lut_limit, ram_limit) in ICE40_DEVICES.items()
    }
    return {
        "lut4": luts,
        "carry": found.get("SB_CARRY", 0),
        "ram_4k": rams,
        "devices": fits,
        "ff": sum(n for name, n in found.items() if name.startswith("SB_DFF")),
        "seconds": {"yosys": round(time.monotonic() - started, 1)},
        "method": "Yosys synth_ice40; counts against what the device has, not placed",
    }
