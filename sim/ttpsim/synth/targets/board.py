"""The LambdaConcept ECPIX-5 (ECP5-5G 85F): the soak of two engines, with pins, to a bitstream."""

import importlib.util
import sysconfig
from pathlib import Path

from ttpoe.config import preset
from ttpoe.verilog.emit import emit_verilog

from . import ecp5
from .tools import ROOT, run, write

LPF = ROOT / "constraints" / "ecpix5_85f.lpf"
DEVICE = ["--um5g-85k", "--package", "CABGA554", "--speed", "8"]
TOP = "ttp_soak_board"
CLOCK_MHZ = 40  # of the engines, from the board's 100 MHz

# Port of the top -> resource of the board file, with its subsignal, and what it is.
PINS = {
    "clk100": ("clk100", 0, None),
    "rst_n": ("rst", 0, None),
    "error_n": ("rgb_led", 0, "r"),
    "packets_n": ("rgb_led", 1, "g"),
    "replays_n": ("rgb_led", 2, "b"),
    "links_n": ("rgb_led", 3, "g"),
}


def constraints():
    """The text of the LPF, from the board file of `amaranth-boards`."""
    from amaranth_boards.ecpix5 import ECPIX585Platform

    resources = {(found.name, found.number): found for found in ECPIX585Platform.resources}
    lines = [
        "# LambdaConcept ECPIX-5 with an ECP5-5G 85F, for examples/board/soak_board.py.",
        "# Pins from amaranth-boards, ECPIX585Platform; written by `make synth TARGET=ecpix5`.",
        f"# The oscillator has 100 MHz; the PLL of the top makes {CLOCK_MHZ} MHz of it for "
        "preset tiny.",
    ]
    for port, (name, number, part) in PINS.items():
        resource = resources[name, number]
        attributes = dict(resource.attrs)
        ios = resource.ios
        if part:
            io = next(io for io in ios if io.name == part)
            attributes |= dict(io.attrs)
            ios = io.ios
        lines.append(f'LOCATE COMP "{port}" SITE "{ios[0].names[0]}";')
        lines.append(
            f'IOBUF PORT "{port}" '
            + " ".join(f"{key}={value}" for key, value in attributes.items())
            + ";"
        )
        if resource.clock is not None:
            lines.append(f'FREQUENCY PORT "{port}" {resource.clock.frequency / 1e6:g} MHZ;')
    return "\n".join(lines) + "\n"


def example():
    """The module examples/board/soak_board.py."""
    path = ROOT / "examples" / "board" / "soak_board.py"
    spec = importlib.util.spec_from_file_location("soak_board", path)
    assert spec is not None and spec.loader is not None  # it is a file of Python
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def board_top():
    """The board's top, with engines of preset `tiny`."""
    return example().SoakBoard(preset("tiny"), CLOCK_MHZ)


def board_verilog():
    """Its Verilog."""
    return emit_verilog(
        board_top(),
        TOP,
        header=[
            f"Two TTP engines that soak each other, for the ECPIX-5, {CLOCK_MHZ} MHz. Generated; do "
            "not edit."
        ],
    )


def ecpix5(folder):
    """Verilog to bitstream; the figures, and whether the clock of the board is met."""
    write(LPF, constraints())
    write(folder / "board.lpf", constraints())  # the tools see nothing above their folder
    write(folder / "design.v", board_verilog())
    area = ecp5.mapped(folder, TOP)
    found = area | ecp5.routed(
        folder, TOP, [*DEVICE, "--lpf", "board.lpf", "--textcfg", "design.config"]
    )
    found["seconds"] |= area["seconds"]
    run(
        [
            Path(sysconfig.get_path("scripts")) / "yowasp-ecppack",
            "--compress",
            "design.config",
            "design.bit",
        ],
        folder,
        "ecppack.log",
    )
    return found | {
        "device": " ".join(DEVICE),
        "constraints": str(LPF.relative_to(ROOT)),
        "board_clock_mhz": CLOCK_MHZ,
        "clock_met": found["fmax_mhz"] >= CLOCK_MHZ,
        "bitstream": str((folder / "design.bit").relative_to(ROOT)),
        "method": "examples/board: two tiny engines, lossy wires, sources and checkers; Yosys "
        "synth_ecp5 -nowidelut, nextpnr-ecp5 with the board's pins, ecppack",
    }
