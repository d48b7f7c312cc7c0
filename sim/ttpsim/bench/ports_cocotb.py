"""What runs inside the simulator: packets of 64 bytes through two idle ports, and when they pass."""

import json
import logging
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

logging.getLogger("cocotb.pair").setLevel(logging.WARNING)

RUN = json.loads(Path(os.environ["TTP_RUN"]).read_text())
PARAMS = RUN["params"]
NODES = {"a": 0x0A0B0C, "b": 0x112233}
VC, BYTES = 2, 64
PPM = {"a_clk": 40, "b_clk": -70, "clk_ab": 100, "clk_ba": -100}
"""By how much each clock is off; so the phases of a crossing pass all there are."""
SLOWER = 100
"""Time passes so much slower than in life: then 100 ppm are whole steps of the simulator."""


def _now():
    return get_sim_time("ps") / 1000 / SLOWER


async def _edges(signal, found):
    """`(rise, fall)` of each frame on the wire, in ns."""
    while True:
        await RisingEdge(signal)
        began = _now()
        await FallingEdge(signal)
        found.append((began, _now()))


async def _beats(dut, name, clock, found):
    """`(time, last)` of each beat that passes at a stream of a host."""
    valid, ready, last = (getattr(dut, f"{name}_{part}") for part in ("tvalid", "tready", "tlast"))
    while True:
        await RisingEdge(clock)
        if int(valid.value) and int(ready.value):
            found.append((_now(), int(last.value)))


def _start_clock(dut, name, period_ps):
    period = round(SLOWER * period_ps * (1 + PPM[name.removesuffix("_late")] * 1e-6) / 2) * 2
    cocotb.start_soon(Clock(getattr(dut, name), period, "ps").start())


async def _start(dut):
    """Both ports out of reset."""
    for side in "ab":
        getattr(dut, f"{side}_node").value = NODES[side]
        getattr(dut, f"{side}_open_id_seed").value = NODES[side] * 3
        getattr(dut, f"{side}_rst").value = 1
        for name in ("s_os_tx_tvalid", *(f"s_host_tx{vc}_tvalid" for vc in range(3))):
            getattr(dut, f"{side}_{name}").value = 0
        getattr(dut, f"{side}_m_os_rx_tready").value = 1
        _start_clock(dut, f"{side}_clk", PARAMS["sync_ps"])
    for name in ("clk_ab", "clk_ba"):
        _start_clock(dut, name, PARAMS["wire_ps"])
    if PARAMS["mac"] == "rgmii":
        await Timer(SLOWER * PARAMS["wire_ps"] // 4, "ps")
        for name in ("clk_ab_late", "clk_ba_late"):
            _start_clock(dut, name, PARAMS["wire_ps"])
    await ClockCycles(dut.a_clk, 20)
    dut.a_rst.value = dut.b_rst.value = 0
    await ClockCycles(dut.a_clk, 3000)


def _sample(wire, back, taken, given):
    """The three ways of one packet; the lists hold what passed since it was given."""
    host = next(time for time, last in taken if last)
    began, ended = next(frame for frame in wire if frame[0] > host)
    answer = next(start for start, _ in back if start > ended)
    return {
        "host_to_wire": began - host,
        "wire_to_host": given[0][0] - ended,
        "wire_to_wire": answer - ended,
    }


@cocotb.test(timeout_time=2000, timeout_unit="ms")
async def latency(dut):
    rng = random.Random(RUN["seed"])
    source = AxiStreamSource(AxiStreamBus(dut, f"a_s_host_tx{VC}"), dut.a_clk)
    sink = AxiStreamSink(AxiStreamBus(dut, f"b_m_host_rx{VC}"), dut.b_clk)
    await _start(dut)
    wire, back, taken, given = lists = [], [], [], []
    cocotb.start_soon(_edges(dut.a_busy, wire))
    cocotb.start_soon(_edges(dut.b_busy, back))
    cocotb.start_soon(_beats(dut, f"a_s_host_tx{VC}", dut.a_clk, taken))
    cocotb.start_soon(_beats(dut, f"b_m_host_rx{VC}", dut.b_clk, given))
    found = []
    for number in range(PARAMS["samples"] + 1):  # the first one opens the link
        await ClockCycles(dut.a_clk, rng.randint(400, 900))
        for seen in lists:
            seen.clear()
        payload = rng.randbytes(BYTES)
        source.send_nowait(AxiStreamFrame(payload, tdest=NODES["b"]))
        assert bytes((await sink.recv()).tdata) == payload
        await ClockCycles(dut.a_clk, 300)
        if number:
            found.append(_sample(*lists))
    said = {way: [sample[way] for sample in found] for way in found[0]}
    (Path(RUN["folder"]) / "said.json").write_text(json.dumps(said) + "\n")
