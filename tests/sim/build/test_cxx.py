"""The builder of all C++: in a folder with spaces, what it keeps, and what it says of a refusal."""

import os
import subprocess

import pytest

from ttpsim.build import cxx, tools, verilated
from ttpsim.build.processes import BuildError, Processes, SetupError

VERILOG = """module counter(input clk, output reg [7:0] count);
  initial count = 0;
  always @(posedge clk) count <= count + 1;
endmodule
"""
MAIN = """#include <cstdio>
#include "Vcounter.h"
#include "step.h"
int main() {
    Vcounter top;
    for (int n = 0; n < 10; ++n) { top.clk = n & 1; top.eval(); }
    std::printf("%d\\n", top.count * STEP);
}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A checkout's build folder and Verilator, both in a path with spaces."""
    folder = tmp_path / "my own tools"
    folder.mkdir()
    (folder / "verilator").symlink_to(tools.verilator())
    monkeypatch.setenv("TTP_VERILATOR_ROOT", str(folder / "verilator"))
    monkeypatch.setattr(tools, "BUILD", folder / "build" / "sim")
    return folder


def build(folder, main=MAIN, step=3, processes=None):
    source = folder / "main program.cpp"
    source.write_text(main)
    processes = processes or Processes(say=None)
    design = verilated.model(
        "tiny", {"counter.v": VERILOG}, "counter", "Vcounter", (), tools.UNOPTIMISED, processes
    )
    return cxx.program(
        "count",
        "tiny",
        design,
        {"step.h": f"#define STEP {step}\n"},
        [source],
        processes,
        level=("-O0",),
    )


def test_a_path_with_spaces_and_what_is_kept(place):
    ran = []

    class Counted(Processes):
        def run(self, command, log, **options):
            ran.append(os.path.basename(str(command[0])))
            return super().run(command, log, **options)

    first = build(place, processes=Counted(say=None))
    assert subprocess.run([first], capture_output=True, text=True).stdout == "15\n"
    assert ran.count("sh") == 1  # Verilator
    ran.clear()
    assert build(place, processes=Counted(say=None)) == first and not ran
    # Another header: the program alone, not the design or Verilator's run time.
    other = build(place, step=4, processes=Counted(say=None))
    assert subprocess.run([other], capture_output=True, text=True).stdout == "20\n"
    assert ran == ["g++", "g++"]
    # A refusal names a file that says why; it is tried again, and made, when it is mended.
    with pytest.raises(BuildError, match="; see ") as refused:
        build(place, MAIN.replace("top.eval", "top.evil"), step=4)
    assert "evil" in refused.value.log.read_text()
    assert str(refused.value).endswith(f"see {refused.value.log}")


def test_without_verilator(place, monkeypatch):
    monkeypatch.setenv("TTP_VERILATOR_ROOT", str(place / "nothing"))
    with pytest.raises(SetupError, match="make setup"):
        tools.verilator()
