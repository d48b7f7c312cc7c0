"""Parts `host`, `recycle` and `simulation` of `ttpoe bench`: TCP sockets, our own speed.

What is measured by the clock of this machine says so; it varies from run to run.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ttpoe.config import preset
from ttpsim.bench.common import CLOCK_MHZ, SIMULATED, run_of
from ttpsim.build import builds
from ttpsim.soak import run as soak

SIZES = (64, 1024)
ECHO, TIME_WAIT = (Path(__file__).with_name(name) for name in ("tcp_echo.cpp", "time_wait.py"))
TIME_WAIT_SECONDS = 60  # TCP_TIMEWAIT_LEN of Linux, include/net/tcp.h
PORTS = 128  # as many as `default` has links


# ---- processor time of the host ----------------------------------------------------------------


def echo_program(folder):
    """The TCP echo, compiled."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "tcp_echo"
    subprocess.run(["g++", "-O2", "-o", program, ECHO], check=True, capture_output=True)
    return program


def host_runs(_short):
    return []


def host(_runs, metrics):
    program, messages = echo_program(builds.BUILD / "tcp_echo"), 2_000 if metrics.short else 50_000
    for size in SIZES:
        found = json.loads(
            subprocess.run(
                [program, str(size), str(messages)], check=True, capture_output=True, text=True
            ).stdout
        )
        where = f"TCP_NODELAY over loopback on this machine, {size} bytes"
        method = (
            f"getrusage of both ends, {messages} echoes, one message each way; no NIC, "
            "no interrupt, no wire: less than a real network takes"
        )
        metrics.add(
            f"host.cpu_us_per_message.tcp_{size}_bytes",
            found["user_us"] + found["system_us"],
            "us",
            where,
            method,
            "lower",
        )
        metrics.add(
            f"host.switches_per_message.tcp_{size}_bytes",
            found["switches"],
            "switches",
            where,
            method,
            "lower",
        )
    metrics.add(
        "host.cpu_us_per_message.ttp",
        0,
        "us",
        "any preset, engine and NIC",
        "by construction: the host's side is a stream in hardware (AXI4-Stream with the "
        "node beside the data); opening, acknowledgement, replay, order and closing need "
        "no instruction. A processor that is the host spends what its DMA costs it, which "
        "is not in this project",
        "lower",
        0,
    )


# ---- links for ever, connections until the ports are used up -----------------------------------


def recycle_runs(short):
    name = "tiny" if short else "default"
    return [
        run_of(
            "ttpsim.bench.scenarios",
            "churn",
            name,
            clock_mhz=CLOCK_MHZ[name],
            rtt_us=2.6,
            rounds=4 if short else 12,
        )
    ]


def time_wait(short):
    """What time_wait.py prints, or None and why it could not run."""
    if short:
        return None, "short form"
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("ip"):
        return None, "needs root, `unshare` and `ip` for a network namespace"
    done = subprocess.run(
        ["unshare", "--net", sys.executable, TIME_WAIT, str(PORTS), str(1.5 * TIME_WAIT_SECONDS)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ["it failed"])[-1]
    return json.loads(done.stdout), ""


def recycle(runs, metrics):
    found, config = runs[0].summary["churn"], runs[0].config
    clock = CLOCK_MHZ[config.name]
    rate = found["recycled"] / found["clocks"] * clock * 1e6
    where = f"{config.name}, table of {found['links']} links, RTT 2.6 us, {clock} MHz assumed"
    metrics.add(
        "recycle.ttp_links_per_second",
        round(rate),
        "links/s",
        where,
        f"opened by the host, up, closed, down, the next one: {found['recycled']} in "
        f"{found['clocks']} clocks with the table always full; {SIMULATED}",
        "higher",
    )
    tcp, why = time_wait(metrics.short)
    if tcp and tcp["again_after"]:
        waited, method = (
            tcp["again_after"],
            (
                f"measured: {tcp['opened']} connections opened and closed in {tcp['seconds']:.2f} s, "
                f"then no port until {tcp['again_after']:.1f} s after the first; "
                "own network namespace, tcp_tw_reuse 0"
            ),
        )
    else:
        waited, method = (
            TIME_WAIT_SECONDS,
            (f"computed: ports / TIME_WAIT of 60 s (TCP_TIMEWAIT_LEN); not measured: {why}"),
        )
    metrics.add(
        "recycle.tcp_connections_per_second",
        PORTS / waited,
        "connections/s",
        f"Linux, {PORTS} local ports to one address and port",
        method,
        "higher",
    )
    metrics.add(
        "recycle.tcp_time_wait_seconds", waited, "s", "Linux on this machine", method, "lower"
    )


# ---- speed of the simulation -------------------------------------------------------------------


def simulation_runs(short):
    return [
        run_of(
            "ttpsim.scenarios",
            "loss",
            "tiny" if short else "default",
            label=".speed",
            loss=0.01,
            payloads=60 if short else 400,
        )
    ]


def simulation(runs, metrics):
    config = runs[0].config
    cocotb = runs[0].summary["clocks_per_second"]
    metrics.add(
        "simulation.cocotb_clocks_per_second",
        cocotb,
        "clocks/s",
        f"{config.name}, scenario loss, reference model beside it",
        "wall clock of this machine",
        "higher",
    )
    if metrics.short:
        return
    program, _ = soak.compile_soak(preset("default"), builds.Processes())
    code, found = soak.run_soak(
        program, seed=7, rounds=1, round_clocks=1_000_000, output=subprocess.DEVNULL
    )
    if code == 130:
        raise KeyboardInterrupt
    if code:
        return
    cpu = max(found["cpu_seconds"], 0.01)
    method = f"ttpoe soak, round 0 of seed 7, {found['clocks']} clocks; processor time, one thread"
    for what, key in (("clocks", "clocks"), ("packets", "packets")):
        metrics.add(
            f"simulation.native_{what}_per_second",
            round(found[key] / cpu),
            f"{what}/s",
            "default, two engines and all around them",
            method,
            "higher",
        )
    metrics.add(
        "simulation.native_to_cocotb",
        found["clocks"] / cpu / cocotb,
        "times",
        "default",
        method,
        "higher",
    )
