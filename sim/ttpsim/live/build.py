"""The native program: the Verilated NIC (top `nic`) and `main.cpp`, compiled once per preset.

`python -m ttpsim.live.build PRESET` prints its path; `program` does the same in another process, as the
user who called sudo, so that root leaves no files of its own in the checkout.
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.native import compile as native
from ttpverif.bench.pair import parse_ports

__all__ = ["compile_live", "program"]

HERE = Path(__file__).resolve().parent


def _header(verilog, config):
    """The C++ header with what depends on the configuration."""
    stats = [name for name in parse_ports(verilog, "ttp_nic") if name.startswith("stat_")]
    return "\n".join(
        [
            "// Generated from the ports of ttp_nic; do not edit.",
            "#pragma once",
            f"#define LIVE_BYTES {config.width_bytes}",
            f"#define LIVE_STAT_COUNT {len(stats)}",
            "#define LIVE_STATS(X) " + " ".join(f"X({name})" for name in stats),
            "",
        ]
    )


def compile_live(config, processes):
    """Path of the program for `config`; it is compiled if it is not there yet."""
    text = builds.emitted(config, processes, top="nic").read_text()
    return native.compiled(
        "live",
        config,
        text,
        "ttp_nic",
        "Vlive",
        {"live_ports.h": _header(text, config)},
        [HERE / "main.cpp", *sorted(HERE.glob("*.h"))],
        processes,
        native.QUICK,
    )


def _owner():
    """`user` and `group` of the process that builds: whoever called sudo, if it is his checkout."""
    text = os.environ.get("SUDO_UID", "")
    if os.geteuid() or not re.fullmatch(r"\d+", text) or os.stat(builds.ROOT).st_uid != int(text):
        return {}
    return {"user": int(text), "group": os.stat(builds.ROOT).st_gid, "extra_groups": []}


def program(name):
    """Path of the program of preset `name`; `builds.BuildError` or `SetupError` with one line."""
    owner = _owner()
    if not owner:
        return _compile_interruptibly(name)
    paths = os.pathsep.join(str(builds.ROOT / folder) for folder in ("sim", "verif", "rtl"))
    process = subprocess.Popen(
        [sys.executable, "-m", "ttpsim.live.build", name],
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
        env=dict(os.environ, PYTHONPATH=paths),
        **owner,
    )
    try:
        text = process.communicate()[0].strip()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if process.returncode:
        raise builds.BuildError(text or "the NIC could not be built")
    return Path(text)


def _compile_interruptibly(name):
    """In a thread, so that an interrupt finds the compiler still known and ends it."""
    processes = builds.Processes()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    try:
        return pool.submit(compile_live, preset(name), processes).result()
    except KeyboardInterrupt:
        processes.stop()
        raise


def main(name):
    """Exit code 0 and the path, or 1 and one line, on standard output."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        print(_compile_interruptibly(name))
    except (builds.SetupError, builds.BuildError) as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
