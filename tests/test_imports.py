"""Who may import whom: nothing of rtl from verif or sim, nothing of verif from sim, no circles; and
what is written from the protocol knows nothing of the hardware."""

import ast
import functools
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {"ttpoe": "rtl", "ttpverif": "verif", "ttpformal": "verif", "ttpsim": "sim"}
ALLOWED = {
    "ttpoe": {"ttpoe"},
    "ttpverif": {"ttpoe", "ttpverif"},
    "ttpformal": {"ttpoe", "ttpverif", "ttpformal"},
    "ttpsim": set(SOURCES),
}
FROM_THE_PROTOCOL = ("ttpverif.frames", "ttpverif.model", "ttpverif.module")
"""These import nothing of the hardware."""


@functools.cache
def modules():
    """`{name: path}` of every module of the project."""
    found = {}
    for package, folder in SOURCES.items():
        for path in (ROOT / folder / package).rglob("*.py"):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def absolute(name, path, node):
    """What `from ... import` names, without its dots."""
    if not node.level:
        return node.module
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


def imports(name, path, text, whole=True):
    """The names that a module imports, or may: `from a import b` gives `a.b`, too. `whole`: those
    within functions as well, which are imported later."""
    tree = ast.parse(text)
    for node in ast.walk(tree) if whole else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(name, path, node)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def forbidden(name, path, text):
    """What the module imports and must not."""
    package = name.split(".")[0]
    for other in imports(name, path, text):
        top = other.split(".")[0]
        apart = name.startswith(FROM_THE_PROTOCOL) and top == "ttpoe"
        if top in SOURCES and (top not in ALLOWED[package] or apart):
            yield other


def test_nobody_imports_what_lies_above():
    assert len(modules()) > 300
    found = {
        name: sorted(forbidden(name, path, path.read_text())) for name, path in modules().items()
    }
    assert not {name: others for name, others in found.items() if others}


def test_no_module_imports_itself_through_others():
    graph = {
        name: {
            other
            for other in imports(name, path, path.read_text(), whole=False)
            if other in modules() and other != name and not name.startswith(f"{other}.")
        }
        for name, path in modules().items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_nobody_changes_where_python_looks():
    """The packages are installed, or on PYTHONPATH."""
    change = re.compile(r"\bsys\.path(\.(insert|append|extend)\b|\[.*\] *=| *\+?= )|noqa: E402")
    folders = (*set(SOURCES.values()), "tests", "examples")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 500
    this = Path(__file__)
    assert not [path for path in files if path != this and change.search(path.read_text())]
    assert change.search("sys.path.insert(0, folder)") and change.search("import a  # noqa: E402")


@pytest.mark.parametrize(
    "name, text, found",
    [
        ("ttpoe.link.table", "from ttpverif.frames import frame", True),
        ("ttpoe.link.table", "def late():\n    import ttpsim.paths", True),
        ("ttpverif.bench.node", "from ttpsim import paths", True),
        ("ttpverif.bench.node", "from ttpoe.config import preset", False),
        ("ttpverif.model.endpoint", "from ttpoe.protocol import Opcode", True),
        ("ttpverif.model.endpoint", "from ..frames.frame import Opcode", False),
    ],
)
def test_a_forbidden_import_is_found(name, text, found):
    assert bool(list(forbidden(name, modules()[name], text))) is found
