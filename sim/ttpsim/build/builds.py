"""From a configuration to a simulator that can be started: emit, pair, compile, each done once.

Everything lands in `build/sim`. The emitted Verilog is kept under a hash of the hardware's sources
and the configuration; a compiled simulator under a hash of the Verilog and of how it is compiled.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import cocotb_tools.config as cocotb_config
import find_libpython
from ttpverif.bench.pair import pair_verilog
from ttpsim.paths import ROOT


BUILD = ROOT / "build" / "sim"
CHECKER = ROOT / "verif" / "ttpverif" / "bench" / "stream_check.v"
SIMULATORS = ("verilator", "icarus")
SECONDS_LIMIT = 900         # for one run; a simulator that hangs is ended

_VERILATOR_FLAGS = [
    "-O3", "--x-assign", "fast", "--x-initial", "unique", "--no-timing", "--assert", "-Wno-fatal",
    "-Wno-WIDTH", "-Wno-UNOPTFLAT", "--timescale", "1ns/1ps"]
_OPTIMISE = ["OPT_FAST=-O2", "OPT_SLOW=-O0", "OPT_GLOBAL=-O2"]


class SetupError(Exception):
    """Something is missing on this machine or in what was asked for; the text is one line."""


class BuildError(Exception):
    """A compiler refused our Verilog; the text names the log."""


class Processes:
    """The child processes that run now, so that Ctrl-C can end them all."""

    def __init__(self):
        self._lock = threading.Lock()
        self._running = set()
        self.stopped = False

    def run(self, command, log, **options):
        """Run to the end with the output in the file `log`; returns the exit code.

        An exception that comes meanwhile (Ctrl-C, if the main thread waits) ends the child and
        its children, too: they are a session of their own, the signal does not reach them.
        """
        with open(log, "wb") as output:
            with self._lock:
                if self.stopped:
                    return -1
                process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                           stdin=subprocess.DEVNULL, start_new_session=True,
                                           **options)
                self._running.add(process)
            try:
                return process.wait()
            except BaseException:
                self._end(process)
                raise
            finally:
                with self._lock:
                    self._running.discard(process)

    def stop(self):
        """End every child and its children."""
        with self._lock:
            self.stopped = True
            for process in self._running:
                self._end(process)

    @staticmethod
    def _end(process):
        try:
            os.killpg(process.pid, 15)
        except ProcessLookupError:
            pass


def _hash(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def sources_hash():
    """Of the hardware: every source below rtl/."""
    files = sorted((ROOT / "rtl" / "ttpoe").rglob("*.py"))
    return _hash(*(part for file in files for part in (file.relative_to(ROOT), file.read_bytes())))


@contextlib.contextmanager
def _alone(name):
    """Keep out other runs of this program that would build the same thing at the same time."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def emitted(config, processes, top="engine"):
    """Path of the Verilog of `top` for `config`, written if it is not there yet."""
    options = [f"--top={top}"]
    options += [f"--{field.name.replace('_', '-')}={getattr(config, field.name)}"
                for field in dataclasses.fields(config)]
    path = BUILD / "rtl" / f"{config.name}-{top}-{_hash(sources_hash(), *options)}.v"
    with _alone(path.stem):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            log = path.with_suffix(".log")
            code = processes.run([sys.executable, "-m", "ttpoe.verilog.emit", *options, "-o", path], log,
                                 env=dict(os.environ, PYTHONPATH=str(ROOT / "rtl")
                                          + os.pathsep + os.environ.get("PYTHONPATH", "")))
            if code:
                raise BuildError(f"the emitter failed; see {log.relative_to(ROOT)}")
    return path


def verilator():
    """The Verilator that `make setup` prepared; `SetupError` if there is none."""
    root = Path(os.environ.get("TTP_VERILATOR_ROOT", ROOT / ".tools" / "verilator"))
    if not (root / "bin" / "verilator").exists():
        raise SetupError("Verilator is not set up: run `make setup`")
    return root


def check_simulator(simulator):
    """`SetupError` with one line on what to do if `simulator` cannot be used here."""
    if simulator == "verilator":
        verilator()
        for tool in ("g++", "make", "perl"):
            if shutil.which(tool) is None:
                raise SetupError(f"{tool} is missing: apt-get install g++ make perl")
    elif shutil.which("iverilog") is None or shutil.which("vvp") is None:
        raise SetupError("Icarus Verilog is missing: apt-get install iverilog, "
                         "or run with SIM=verilator")


@dataclasses.dataclass(frozen=True)
class Extra:
    """What is simulated beside the pair, or compiled in another way (`sim/ttpsim/coverage/run.py`).

    name: tells the builds apart. verilog: modules; `instance`: a line for the body of the pair.
    flags: for Verilator; `optimise`: as in `make_verilated`. outputs: (plusarg up to the path,
    name of the file that the simulation writes into the folder of its run).
    """

    name: str
    verilog: str = ""
    instance: str = ""
    flags: tuple = ()
    optimise: tuple = ()
    outputs: tuple = ()


def _compile_verilator(folder, sources, waves, processes, optimise, extra):
    root, libraries, objects = verilator(), cocotb_config.libs_dir, folder / "obj"
    env = dict(os.environ, VERILATOR_ROOT=str(root), MAKEFLAGS="",
               PATH=f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    command = [root / "bin" / "verilator", "-cc", "--exe", "-Mdir", objects,
               "--top-module", "pair", "--vpi", "--prefix", "Vtop", "-o", "pair",
               "-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator",
               *_VERILATOR_FLAGS, *(["--trace"] if waves else []),
               *(extra.flags if extra else ()),
               cocotb_config.share_dir / "lib" / "verilator" / "verilator.cpp", *sources]
    return (processes.run(list(map(str, command)), folder / "verilate.log", env=env)
            or make_verilated(folder, "Vtop.mk", processes, env, waves, optimise,
                              extra.flags if extra else ()))


def make_verilated(folder, makefile, processes, env, waves=False, optimise=(), flags=()):
    """Compile what Verilator wrote to `folder`/obj, one job at a time; make's exit code.
    `optimise`: variables of that makefile, for the design alone.

    Verilator's own run time is the same for every design: compiled once, and kept if it is whole.
    """
    objects = folder / "obj"
    runtime = BUILD / (f"runtime-{_hash(verilator(), *_OPTIMISE, *flags)}"
                       f"{'-waves' if waves else ''}")
    if runtime.exists():
        for file in runtime.iterdir():
            shutil.copy(file, objects)
    code = processes.run(["make", "-C", str(objects), "-f", makefile, *_OPTIMISE, *optimise],
                         folder / "compile.log", env=env)
    if code == 0 and not runtime.exists() and (objects / "verilated_vpi.o").exists():
        partial = folder / "runtime"
        partial.mkdir()
        for file in objects.glob("verilated*.o"):
            shutil.copy(file, partial)
        try:
            partial.rename(runtime)
        except OSError:         # another build was first
            shutil.rmtree(partial)
    return code


def _compile_icarus(folder, sources, waves, processes, _optimise, _extra):
    tops = ["-s", "pair"]
    if waves:
        dump = folder / "dump.v"
        dump.write_text('module dump;\n  reg [8*1024-1:0] file;\n  initial begin\n'
                        '    if (!$value$plusargs("waves=%s", file)) file = "waves.fst";\n'
                        "    $dumpfile(file);\n    $dumpvars(0, pair);\n  end\nendmodule\n")
        sources, tops = [*sources, dump], [*tops, "-s", "dump"]
    scale = folder / "scale.f"
    scale.write_text("+timescale+1ns/1ps\n")
    command = ["iverilog", "-g2012", *tops, "-f", scale, "-o", folder / "sim.vvp", *sources]
    return processes.run(list(map(str, command)), folder / "compile.log")


@dataclasses.dataclass
class Build:
    """One compiled simulator."""

    simulator: str
    folder: Path
    waves: bool
    extra: Extra | None = None

    def command(self, run_folder, seed):
        """What starts it; the waveform, if any, goes to `waves_file(run_folder)`."""
        waves = self.waves_file(run_folder)
        outputs = [f"{plusarg}{run_folder / file}"
                   for plusarg, file in (self.extra.outputs if self.extra else ())]
        if self.simulator == "verilator":
            # Memories and everything else without a reset start with random contents.
            return [str(self.folder / "obj" / "pair"), "+verilator+rand+reset+2",
                    f"+verilator+seed+{seed % (2**31 - 1) + 1}", *outputs,
                    *(["--trace", "--trace-file", str(waves)] if self.waves else [])]
        return ["vvp", "-m", str(cocotb_config.lib_name_path("vpi", "icarus")),
                str(self.folder / "sim.vvp"), *outputs,
                *(["-fst", f"+waves={waves}"] if self.waves else ["-none"])]

    def waves_file(self, run_folder):
        return run_folder / ("waves.vcd" if self.simulator == "verilator" else "waves.fst")


def compile_pair(simulator, core, name, waves, processes, top="engine", optimise=(), extra=None):
    """The `Build` of two cores, module `ttp_<top>` of the file `core`, compiled if not there.

    `optimise`: as in `make_verilated`; `["OPT_FAST=-O1"]` is compiled sooner and runs slower.
    """
    text = core.read_text()
    pair, layout = pair_verilog(text, f"ttp_{top}")
    if extra:
        optimise = (*optimise, *extra.optimise)
    key = _hash(text, pair, CHECKER.read_bytes(), _VERILATOR_FLAGS, _OPTIMISE, sys.prefix,
                *optimise, *((extra.verilog, extra.instance, extra.flags) if extra else ()))
    folder = BUILD / (f"{simulator}-{name}-{key}{'-waves' if waves else ''}"
                      f"{'-' + extra.name if extra else ''}")
    with _alone(folder.name):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            sources = [core, folder / "pair.v", CHECKER]
            if extra:
                pair = pair.replace("\nendmodule", f"\n  {extra.instance}\nendmodule")
                sources.append(folder / "extra.v")
                sources[-1].write_text(extra.verilog)
            (folder / "pair.v").write_text(pair)
            (folder / "layout.json").write_text(json.dumps(layout.to_dict(), indent=1) + "\n")
            compile_ = {"verilator": _compile_verilator, "icarus": _compile_icarus}[simulator]
            if compile_(folder, sources, waves, processes, optimise, extra):
                raise BuildError(f"{simulator} could not build this; "
                                 f"see the logs in {folder.relative_to(ROOT)}")
            (folder / "done").touch()
    return Build(simulator, folder, waves, extra)


def simulate(build, module, folder, seed, params, processes, config=None, python_path=(),
             trace=False):
    """Run the cocotb tests of a Python module; logs and results go to `folder`. The exit code.

    The module is found in `python_path`, or as `scenarios.<name>`. `config` is what was built; it
    becomes the dict `bench.config`. With `trace` the run writes its story, `trace.txt`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    description = {"layout": str(build.folder / "layout.json"), "seed": seed, "params": params,
                   "folder": str(folder), "trace": trace, "config": {} if config is None else dict(
                       dataclasses.asdict(config), links=config.links)}
    (folder / "run.json").write_text(json.dumps(description, indent=1) + "\n")
    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise SetupError("the shared Python library is missing: apt-get install libpython3-dev")
    paths = [*python_path, *(ROOT / name for name in ("sim", "verif", "rtl"))]
    env = dict(
        os.environ, TTP_RUN=str(folder / "run.json"),
        GPI_USERS=f"{libpython};{cocotb_config.pygpi_entry_point()}",
        PYGPI_PYTHON_BIN=sys.executable, COCOTB_TOPLEVEL="pair", TOPLEVEL_LANG="verilog",
        COCOTB_TEST_MODULES=module, COCOTB_RANDOM_SEED=str(seed), COCOTB_ANSI_OUTPUT="0",
        COCOTB_RESULTS_FILE=str(folder / "results.xml"), PYTHONHASHSEED="0",
        PYTHONPATH=os.pathsep.join(map(str, paths)))
    command = ["timeout", "-k", "5", str(SECONDS_LIMIT), *build.command(folder, seed)]
    return processes.run(command, folder / "log.txt", env=env, cwd=folder)
