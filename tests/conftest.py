"""Tests that need Icarus Verilog carry the mark `icarus`, or its name."""

import gc
import os
import shutil
import signal

import pytest

# Trees of Amaranth and tests live long: to look through them for cycles at every 700 new objects
# costs a twentieth of the time.
gc.set_threshold(100_000, 50, 100)


def pytest_addoption(parser):
    parser.addoption(
        "--all-defects",
        action="store_true",
        help="tests/sim/test_random.py: every defect, and the table of docs/evidence/random.md",
    )
    parser.addoption(
        "--long",
        action="store_true",
        help="all tests: also those that a run of all of them leaves out (tests/long.py)",
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
    config.addinivalue_line("markers", "long: left out of a run of all tests, see tests/long.py")
    if hasattr(config.option, "loadscopereorder"):  # xdist: files as they are ordered below
        config.option.loadscopereorder = False


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
            if item.get_closest_marker("long"):
                item.add_marker(left_out)
    if shutil.which("iverilog") and shutil.which("vvp"):
        return
    skip = pytest.mark.skip(reason="Icarus Verilog is missing: apt-get install iverilog")
    for item in items:
        if item.get_closest_marker("icarus") or "icarus" in item.name.split("[")[-1]:
            item.add_marker(skip)
