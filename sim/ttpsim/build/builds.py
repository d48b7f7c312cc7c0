"""From a configuration to a simulator that can be started: emit, pair, compile, each done once.

Everything lands in `build/sim`. The emitted Verilog is kept under a hash of the hardware's sources
and the configuration; a compiled simulator under a hash of the Verilog and of how it is compiled.
"""

import dataclasses
import json
import os
import re
import shutil
import sys
from pathlib import Path

import cocotb_tools.config as cocotb_config
import find_libpython

from ttpsim.build import cxx, tools, verilated
from ttpsim.build.processes import BuildError, Processes, SetupError, killed
from ttpsim.build.tools import BUILD, QUICK, hash_of, once, verilator
from ttpsim.paths import ROOT
from ttpverif.bench.pair import pair_verilog

__all__ = [
    "BUILD",
    "Build",
    "BuildError",
    "Extra",
    "Processes",
    "SIMULATORS",
    "SetupError",
    "check_simulator",
    "compile_alone",
    "compile_pair",
    "emitted",
    "kept",
    "prepare",
    "simulate",
    "sources_hash",
    "verilator",
]

CHECKER = ROOT / "verif" / "ttpverif" / "bench" / "stream_check.v"
SIMULATORS = ("verilator", "icarus")
SECONDS_LIMIT = 900  # for one run; a simulator that hangs is ended

_PAIR_FLAGS = ("--assert", "--vpi", "--timescale", "1ns/1ps")
_TRACE_WINDOW = Path(__file__).with_name("trace_window.h")
CLOCK_PS = 8_000  # of the bench
_DUMP = """module dump;
  reg [8*1024-1:0] file;
  reg [63:0] first, last;
  initial begin
    if (!$value$plusargs("waves=%s", file)) file = "waves.fst";
    if (!$value$plusargs("from=%d", first)) first = 0;
    $dumpfile(file);
    #(first / 1000.0) $dumpvars(0, pair);           // the unit is a nanosecond
    if ($value$plusargs("until=%d", last)) begin
      #((last - first) / 1000.0) $dumpoff;
    end
  end
endmodule
"""
_COCOTB_MAIN = cocotb_config.share_dir / "lib" / "verilator" / "verilator.cpp"


def sources_hash():
    """Of the hardware: every source below rtl/."""
    files = sorted((ROOT / "rtl" / "ttpoe").rglob("*.py"))
    return hash_of(
        *(part for file in files for part in (file.relative_to(ROOT), file.read_bytes()))
    )


def emitted(config, processes, top="engine", order=0, mac=None):
    """Path of the Verilog of `top` (with this MAC) for `config`, written if it is not there yet."""
    options = [f"--top={top}", *([f"--mac={mac}"] if mac else [])]
    options += [
        f"--{field.name.replace('_', '-')}={getattr(config, field.name)}"
        for field in dataclasses.fields(config)
    ]
    name = f"{config.name}-{mac or top}-{hash_of(sources_hash(), *options)}.v"

    def make(folder):
        log = folder / "emit.log"
        paths = [str(ROOT / "rtl"), *filter(None, [os.environ.get("PYTHONPATH")])]
        code = processes.run(
            [sys.executable, "-m", "ttpoe.verilog.emit", *options, "-o", folder / name],
            log,
            kind="build",
            what=f"emitting {config.name} {mac or top}",
            order=order,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(paths)),
        )
        if code:
            raise BuildError(f"the emitter failed{killed(code)}; see {tools.shown(log)}", log)

    return once(BUILD / "rtl" / name.removesuffix(".v"), make) / name


def kept(name, make):
    """Text that `make()` gives and that follows from the hardware's sources, made once."""

    def fill(folder):
        (folder / "text").write_text(make())

    return (once(BUILD / "rtl" / f"{name}-{sources_hash()}", fill) / "text").read_text()


def check_simulator(simulator):
    """`SetupError` with one line on what to do if `simulator` cannot be used here."""
    if simulator == "verilator":
        verilator()
    elif shutil.which("iverilog") is None or shutil.which("vvp") is None:
        raise SetupError(
            "Icarus Verilog is missing: apt-get install iverilog, or run with --simulator verilator"
        )


@dataclasses.dataclass(frozen=True)
class Extra:
    """What is simulated beside the pair, or compiled in another way (`sim/ttpsim/coverage/run.py`).

    name: tells the builds apart. verilog: modules; `instance`: a line for the body of the pair.
    flags: for Verilator; `optimise`: a `tools.Optimise`. outputs: (plusarg up to the path,
    name of the file that the simulation writes into the folder of its run).
    """

    name: str
    verilog: str = ""
    instance: str = ""
    flags: tuple = ()
    optimise: object = QUICK
    outputs: tuple = ()


def prepare(processes):
    """Compile what all pairs share on Verilator, while other things are made ready."""
    verilated.prepare(processes, QUICK)


def _compile_verilator(folder, name, sources, waves, processes, extra, optimise, order):
    flags = (
        *_PAIR_FLAGS,
        *([tools.trace_flag()] if waves else []),
        *(extra.flags if extra else ()),
    )
    what = f"compiling {folder.name.rsplit('-', 1)[0]}"
    texts = {"core.v": sources[0].read_text()}  # named alike, whatever it was emitted as
    texts |= {path.name: path.read_text() for path in sources[1:]}
    design = verilated.model(name, texts, "pair", "Vtop", flags, optimise, processes, order, what)
    libraries = cocotb_config.libs_dir
    program = cxx.program(
        "pair",
        name,
        design,
        {},
        [_COCOTB_MAIN],
        processes,
        libraries=[f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator"],
        first=_TRACE_WINDOW if waves else None,
        level=optimise.rest,
        order=order,
        what=what,
    )
    (folder / "pair").symlink_to(os.path.relpath(program, folder))


def _compile_icarus(folder, _name, sources, waves, processes, _extra, _optimise, order):
    tops = ["-s", "pair"]
    if waves:
        dump = folder / "dump.v"
        dump.write_text(_DUMP)
        sources, tops = [*sources, dump], [*tops, "-s", "dump"]
    scale = folder / "scale.f"
    scale.write_text("+timescale+1ns/1ps\n")
    command = ["iverilog", "-g2012", *tops, "-f", scale, "-o", folder / "sim.vvp", *sources]
    log = folder / "compile.log"
    if processes.run(
        command, log, kind="build", order=order, what=f"compiling {folder.name.rsplit('-', 1)[0]}"
    ):
        raise BuildError(f"Icarus Verilog refuses this; see {tools.shown(log)}", log)


def _picoseconds(window):
    """The ends of a waveform, (first clock, last clock), as the simulators are told them."""
    return [(name, clock * CLOCK_PS) for name, clock in zip(("from", "until"), window or ())]


@dataclasses.dataclass
class Build:
    """One compiled simulator."""

    simulator: str
    folder: Path
    waves: bool
    extra: Extra | None = None

    def command(self, run_folder, seed, window=None):
        """What starts it; the waveform, if any, goes to `waves_file(run_folder)`. `window`: its
        first and last clock, else it is of the whole run."""
        waves = self.waves_file(run_folder)
        outputs = [
            f"{plusarg}{run_folder / file}"
            for plusarg, file in (self.extra.outputs if self.extra else ())
        ]
        if self.simulator == "verilator":
            # Memories and everything else without a reset start with random contents.
            return [
                str(self.folder / "pair"),
                "+verilator+rand+reset+2",
                f"+verilator+seed+{seed % (2**31 - 1) + 1}",
                *outputs,
                *(["--trace", "--trace-file", str(waves)] if self.waves else []),
            ]
        return [
            "vvp",
            "-m",
            str(cocotb_config.lib_name_path("vpi", "icarus")),
            str(self.folder / "sim.vvp"),
            *outputs,
            *(["-fst", f"+waves={waves}"] if self.waves else ["-none"]),
            *(f"+{name}={ps}" for name, ps in _picoseconds(window)),
        ]

    def waves_file(self, run_folder):
        vcd = self.simulator == "verilator" and not tools.fst_possible()
        return run_folder / f"waves.{'vcd' if vcd else 'fst'}"


def compile_pair(
    simulator, core, name, waves, processes, top="engine", optimise=None, extra=None, order=0
):
    """The `Build` of two cores, module `ttp_<top>` of the file `core`, compiled if not there.

    `optimise`: a `tools.Optimise`, else `QUICK`. `order`: among those that wait for a compiler.
    """
    text = core.read_text()
    pair, layout = pair_verilog(text, f"ttp_{top}")
    optimise = optimise or (extra.optimise if extra else QUICK)
    key = hash_of(
        text,
        pair,
        CHECKER.read_bytes(),
        verilated.FLAGS,
        _PAIR_FLAGS,
        optimise,
        sys.prefix,
        *((extra.verilog, extra.instance, extra.flags) if extra else ()),
        *([tools.trace_flag()] if waves and simulator == "verilator" else []),
    )
    suffix = ("waves-" if waves else "") + (f"{extra.name}-" if extra else "")

    def make(folder):
        sources = [core, folder / "pair.v", CHECKER]
        verilog = pair
        if extra:
            verilog = pair.replace("\nendmodule", f"\n  {extra.instance}\nendmodule")
            sources.append(folder / "extra.v")
            sources[-1].write_text(extra.verilog)
        (folder / "pair.v").write_text(verilog)
        (folder / "layout.json").write_text(json.dumps(layout.to_dict(), indent=1) + "\n")
        compile_ = {"verilator": _compile_verilator, "icarus": _compile_icarus}[simulator]
        compile_(folder, name, sources, waves, processes, extra, optimise, order)

    folder = once(BUILD / f"{simulator}-{name}-{suffix}{key}", make)
    return Build(simulator, folder, waves, extra)


def compile_alone(text, name, processes, models=()):
    """The `Build` of one component on Verilator, compiled if not there: the module `pair` of the
    Verilog `text`. Python may set its inputs. `models`: files with the cells that it contains."""
    key = hash_of(
        text,
        *(path.read_bytes() for path in models),
        verilated.FLAGS,
        _PAIR_FLAGS,
        QUICK,
        sys.prefix,
    )

    def make(folder):
        core = folder / "core.v"
        top = re.findall(r"^module pair\(.*?^endmodule", text, re.M | re.S)[0]
        ports = re.sub(
            r"^(  (?:in|out)put [^;]*);", r"\1 /*verilator public_flat_rw*/;", top, flags=re.M
        )
        core.write_text(text.replace(top, ports))
        _compile_verilator(folder, name, [core, *models], False, processes, None, QUICK, 0)

    return Build("verilator", once(BUILD / f"verilator-{name}-{key}", make), False)


def simulate(
    build,
    module,
    folder,
    seed,
    params,
    processes,
    config=None,
    python_path=(),
    trace=False,
    kind=None,
    what="",
    order=0,
    window=None,
    started=None,
    seconds=SECONDS_LIMIT,
):
    """Run the cocotb tests of a Python module; logs and results go to `folder`. The exit code.

    The module is found in `python_path`, or as `scenarios.<name>`. `config` is what was built; it
    becomes the dict `bench.config`. With `trace` the run writes its story, `trace.txt`.
    `window`: first and last clock of the waveform. `kind`, `what`, `order`: as of `Processes.run`,
    `started` too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    description = {
        "layout": str(build.folder / "layout.json"),
        "seed": seed,
        "params": params,
        "folder": str(folder),
        "trace": trace,
        "config": {} if config is None else dict(dataclasses.asdict(config), links=config.links),
    }
    (folder / "run.json").write_text(json.dumps(description, indent=1) + "\n")
    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise SetupError("the shared Python library is missing: apt-get install libpython3-dev")
    paths = [*python_path, *(ROOT / name for name in ("sim", "verif", "rtl"))]
    env = dict(
        os.environ,
        TTP_RUN=str(folder / "run.json"),
        GPI_USERS=f"{libpython};{cocotb_config.pygpi_entry_point()}",
        PYGPI_PYTHON_BIN=sys.executable,
        COCOTB_TOPLEVEL="pair",
        TOPLEVEL_LANG="verilog",
        COCOTB_TEST_MODULES=module,
        COCOTB_RANDOM_SEED=str(seed),
        COCOTB_ANSI_OUTPUT="0",
        COCOTB_RESULTS_FILE=str(folder / "results.xml"),
        PYTHONHASHSEED="0",
        PYTHONPATH=os.pathsep.join(map(str, paths)),
    )
    env |= {f"TTP_WAVES_{name.upper()}": str(ps) for name, ps in _picoseconds(window)}
    command = [
        "timeout",
        "-k",
        "5",
        str(seconds),
        *(build.command(folder, seed, window) if window else build.command(folder, seed)),
    ]
    return processes.run(
        command, folder / "log.txt", kind, what, order, started, env=env, cwd=folder
    )
