"""Writes one proof as RTLIL: `python -m ttpformal.emit PROOF OUTPUT [DEFECT]`.

A process of its own, so that a defect is in the source of its module before anything imports it:
the file is read, changed in memory and run; nothing on disk changes.
"""

import importlib.abc
import importlib.util
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from amaranth.back import rtlil

from ttpformal.source import changed

__all__ = ["apply_defect", "emit", "emit_logged"]


class _Patched(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, module, path, source):
        self.module, self.path, self.source = module, path, source

    def find_spec(self, fullname, path, target=None):
        if fullname == self.module:
            return importlib.util.spec_from_file_location(fullname, self.path, loader=self)
        return None

    def exec_module(self, module):
        exec(compile(self.source, self.path, "exec"), module.__dict__)


def apply_defect(defect):
    """Makes every later import of the defect's module see the changed source."""
    package = Path(importlib.util.find_spec("ttpoe").origin).parent
    path = package / defect.path
    module = "ttpoe." + defect.path.removesuffix(".py").replace("/", ".")
    try:
        source = changed(path.read_text(), defect.old, defect.new)
    except ValueError as error:
        raise SystemExit(f"defect '{defect.what}', {defect.path}: {error}") from None
    for name in [name for name in sys.modules if name.split(".")[0] == "ttpoe"]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Patched(module, str(path), source))


def emit(name, output, *defect):
    """Writes the RTLIL of the proof `name` to `output`, with the defect of this number."""
    from ttpformal.table import load

    file = name.split(".")[0]
    proof = load(file)[name]
    if defect:
        apply_defect(proof.defects[defect[0]])
        for module in [m for m in sys.modules if m.startswith("ttpformal.") and m != __name__]:
            del sys.modules[module]
        from ttpformal.table import load

        proof = load(file)[name]
    from ttpformal.proof import Harness

    harness = Harness(proof())
    Path(output).write_text(rtlil.convert(harness, name="top", ports=harness.ports))


def emit_logged(name, output, log, *defect):
    """The same; what it prints, and why it fails, goes to the file `log`."""
    with open(log, "w", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
        try:
            emit(name, output, *defect)
        except SystemExit as error:
            print(error)
            raise SystemExit(1) from None
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None


if __name__ == "__main__":
    emit(*sys.argv[1:3], *map(int, sys.argv[3:]))
