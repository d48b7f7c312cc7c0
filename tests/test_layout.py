"""The tests as examples: short functions, a file for each block of the hardware."""

import ast
import functools
import re
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


# Blocks whose tests lie under another name.
ELSEWHERE = {
    "csr/block": "csr/test_csr_block",  # a file has many blocks
    "rx/path": "rx/test_rx_path",  # all that receives; `tx/path` has the name
    "engine": "nic/test_nic",  # all of it at once, in the NIC; `tests/sim` against the model
}


def has_component(path):
    """Whether the file has a public class whose base is a `Component`."""
    return any(
        isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and any(ast.unparse(base).endswith("Component") for base in node.bases)
        for node in nodes_of(path)
    )


def file_of(block, elsewhere=ELSEWHERE):
    """Where the test file of the block `folder/name` lies. Those of the pipeline are called after
    their stage: `q3_commit` and `test_commit`."""
    folder, _, name = block.rpartition("/")
    name = re.sub(r"^q\d_", "", name)
    return Path(elsewhere.get(block, f"{folder}/test_{name}")).with_suffix(".py")


def test_every_block_has_a_test_file_that_bears_its_name():
    root = RTL / "ttpoe"
    blocks = {
        str(path.relative_to(root).with_suffix("")): path
        for path in root.rglob("*.py")
        if has_component(path)
    }
    assert {"mac/store", "board/uart", "pipeline/q3_commit"} < blocks.keys() and len(blocks) > 80
    assert not [block for block in blocks if not (TESTS / file_of(block)).is_file()]
    assert not ELSEWHERE.keys() - blocks.keys()
    for block in ELSEWHERE:
        assert not (TESTS / file_of(block, {})).is_file(), f"{block} needs no exception"


@pytest.mark.parametrize("bases, found", [("wiring.Component", True), ("Base", False), ("", False)])
def test_a_block_is_known_by_its_base(tmp_path, bases, found):
    path = tmp_path / "block.py"
    path.write_text(f"class Block({bases}):\n    pass\n")
    assert has_component(path) == found


def test_the_stage_is_no_part_of_a_name():
    assert file_of("pipeline/q0_arbitrate") == Path("pipeline/test_arbitrate.py")
    assert file_of("mac/store") == Path("mac/test_store.py")


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
