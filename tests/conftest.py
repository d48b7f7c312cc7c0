"""Tests that need Icarus Verilog carry the mark `icarus`, or its name."""

import os
import shutil
import signal

import pytest


def pytest_addoption(parser):
    parser.addoption(
        "--all-defects",
        action="store_true",
        help="tests/sim/test_random.py: every defect, and the table of docs/evidence/random.md",
    )
    parser.addoption(
        "--long",
        action="store_true",
        help="all tests: also those that a run of all of them leaves out (LEFT_OUT in conftest.py)",
    )
    parser.addoption(
        "--all-lengths",
        action="store_true",
        help="tests/mac, tests/port: frames of every length, and every MAC; it takes minutes",
    )


def pytest_configure(config):
    for name in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS"):  # ours, if `make test` started this
        os.environ.pop(name, None)
    # A shell's background jobs ignore Ctrl-C, and so would what the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "icarus: needs Icarus Verilog")
    if hasattr(config.option, "loadscopereorder"):  # xdist: files as they are ordered below
        config.option.loadscopereorder = False


# Tests that build or run for half a minute to two minutes each, and those that do for a second preset
# what another test does for the first. `make test` leaves them out; with --long, or if their file is
# named, they run. `make verify` runs them.
LEFT_OUT = (
    "board/test_board.py",
    "board/test_memory_cell.py",
    "board/test_netlist.py",
    "docs/test_integration_doc.py::test_fusesoc",
    "litex/test_socs.py",
    "memory/test_emit_memories.py::test_every_memory_of_the_whole_design[default-none]",
    "memory/test_emit_memories.py::test_every_memory_of_the_whole_design[full-none]",
    "pipeline/test_background.py::test_background_events[every_row OPEN-0]",
    "port/test_two_ports.py::test_two_ports[xgmii]",
    "sim/test_bench_axis.py",
    "sim/test_bench_ports.py",
    "sim/test_faults.py::test_every_memory_with_an_upset",
    "sim/test_soak.py::test_right_engines_pass",
    "sim/views/test_views.py::test_gtkwave_finds_every_signal_of_its_view[verilator-engine]",
    "sim/views/test_views.py::test_pictures_are_up_to_date",
    "sim/views/test_views.py::test_surfer_finds_every_signal_of_its_view[verilator-engine]",
    "test_examples.py::test_litex",
    "test_examples.py::test_verilog_in_verilator",
    "verilog/test_fusesoc.py::test_the_port_of_the_repository",
    "verilog/test_lint.py::test_icarus_reads_it[default",
    "verilog/test_lint.py::test_icarus_reads_it[full",
    "verilog/test_lint.py::test_no_warnings",
    "verilog/test_lint.py::test_yosys_reads_it[default",
    "verilog/test_lint.py::test_yosys_reads_it[full",
)

# Files whose tests compile simulators or run for minutes, the longest first: with `--dist loadfile`
# a worker takes whole files, and one that begins last is waited for.
LONGEST_FIRST = (
    "sim/test_scenarios",
    "sim/test_random",
    "sim/mutation/test_gates",
    "port/test_two_ports",
    "board/test_board",
    "rx/test_rx_path",
    "pipeline/test_pipeline",
    "sim/test_abuse",
    "sim/test_faults",
    "sim/test_soak",
    "pipeline/test_background",
    "sim/views/test_views",
    "sim/test_fabric",
    "sim/test_coverage",
    "litex/test_socs",
    "mac/test_liteeth",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """The long files first; without Icarus, and where all run the longest, tests are skipped."""
    place = {f"tests/{name}.py": number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.nodeid.split("::")[0], len(place)))
    if not config.getoption("--long") and config.args == config.getini("testpaths"):
        left_out = pytest.mark.skip(reason="takes long: runs with --long, or by its file's name")
        for item in items:
            if item.nodeid.startswith(tuple(f"tests/{name}" for name in LEFT_OUT)):
                item.add_marker(left_out)
    if shutil.which("iverilog") and shutil.which("vvp"):
        return
    skip = pytest.mark.skip(reason="Icarus Verilog is missing: apt-get install iverilog")
    for item in items:
        if item.get_closest_marker("icarus") or "icarus" in item.name.split("[")[-1]:
            item.add_marker(skip)
