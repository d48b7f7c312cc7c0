"""Tests that need Icarus Verilog carry the mark `icarus`, or its name."""

import shutil
import signal

import pytest


def pytest_addoption(parser):
    parser.addoption("--all-defects", action="store_true",
                     help="tests/sim/test_random.py: every defect, and the table of docs/random.md")


def pytest_configure(config):
    # A shell's background jobs ignore Ctrl-C, and so would what the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "icarus: needs Icarus Verilog")


def pytest_collection_modifyitems(items):
    if shutil.which("iverilog") and shutil.which("vvp"):
        return
    skip = pytest.mark.skip(reason="Icarus Verilog is missing: apt-get install iverilog")
    for item in items:
        if item.get_closest_marker("icarus") or "icarus" in item.name.split("[")[-1]:
            item.add_marker(skip)
