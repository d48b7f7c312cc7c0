"""The tests as examples: short functions, and one that imports each module of the hardware."""

import ast
import functools
from fnmatch import fnmatch
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
RTL = TESTS.parent / "rtl"
MOST_LINES = 60


@functools.cache
def nodes_of(path):
    return list(ast.walk(ast.parse(path.read_text())))


def long_tests(path):
    """(name, lines) of each function `test...` of the file that has more than `MOST_LINES`."""
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if node.name.startswith("test") and lines > MOST_LINES:
                yield node.name, lines


def imported(path):
    """The names of the modules that the file imports, or may: `from a import b` gives `a.b`, too."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_test_is_long():
    found = {str(path): list(long_tests(path)) for path in sorted(TESTS.rglob("*.py"))}
    assert len(found) > 100
    assert not {path: tests for path, tests in found.items() if tests}


@pytest.mark.parametrize("lines, found", [(60, []), (61, [("test_it", 61)])])
def test_a_long_test_is_found_also_inside_another_function(tmp_path, lines, found):
    body = "        pass\n" * (lines - 1)
    path = tmp_path / "test_it.py"
    path.write_text(f"def outer():\n    async def test_it(ctx):\n{body}")
    assert list(long_tests(path)) == found


def test_every_module_of_the_hardware_is_imported_by_a_test():
    modules = {
        ".".join(path.relative_to(RTL).with_suffix("").parts)
        for path in (RTL / "ttpoe").rglob("*.py")
        if path.name != "__init__.py"
    }
    assert "ttpoe.memory.read_port" in modules and len(modules) > 50
    seen = {name for path in TESTS.rglob("*.py") for name in imported(path)}
    assert not modules - seen


def test_files_that_are_ordered_are_there():
    """`conftest.LONGEST_FIRST`: a file that is renamed would begin last."""
    from tests.conftest import LONGEST_FIRST

    assert not [name for name in LONGEST_FIRST if not (TESTS / f"{name}.py").is_file()]


def test_no_test_file_lies_in_a_folder_that_is_passed_over(pytestconfig):
    """pytest's own list has `build`."""
    patterns = pytestconfig.getini("norecursedirs")
    for path in TESTS.rglob("test_*.py"):
        folders = path.relative_to(TESTS).parts[:-1]
        assert not [part for part in folders for one in patterns if fnmatch(part, one)], path
