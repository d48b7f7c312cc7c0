"""Tests that need Icarus Verilog carry the mark `icarus`, or its name."""

import shutil

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "icarus: needs Icarus Verilog")


def pytest_collection_modifyitems(items):
    if shutil.which("iverilog") and shutil.which("vvp"):
        return
    skip = pytest.mark.skip(reason="Icarus Verilog is missing: apt-get install iverilog")
    for item in items:
        if item.get_closest_marker("icarus") or "icarus" in item.name.split("[")[-1]:
            item.add_marker(skip)
