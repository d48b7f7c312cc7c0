"""docs/evidence/performance.md: every figure of the baseline in words, with its unit.

`SECTIONS` names each figure by a pattern. A figure that no pattern fits makes `performance_page`
fail, so that none is shown as a bare key or left out.
"""

import re

from . import fabric_speed, figures

__all__ = ["performance_page"]

_BLOCKS = {
    "lut4": "LUT4",
    "lut": "LUT",
    "ff": "flip-flops",
    "dp16kd": "block RAMs",
    "trellis_comb": "cells of logic after packing (TRELLIS_COMB)",
    "fmax_mhz": "clock, median of the seeds",
    "fmax_worst_mhz": "clock, worst seed",
    "fmax_best_mhz": "clock, best seed",
    "nand2_equivalents": "area in NAND2 gates",
    "path_fo4": "longest path in FO4 delays",
    "path_mhz": "clock of the longest path, before layout",
    "estimated_mhz": "clock, estimated, or more",
    "longest_path_cells": "longest path in cells",
    "dpr16x4": "cells of distributed RAM",
    "engine_mhz": "clock of the engine's side",
    "send_mhz": "clock that sends",
    "receive_mhz": "clock that receives",
}
_TARGETS = {
    "ecp5": "`default`, ECP5-85F, placed and routed",
    "ecp5.default_without_control": "`default` without congestion control, ECP5, placed and routed",
    "ecp5.default_plain": "`default`, ECP5-85F of the plain part, placed and routed",
    "ecp5.default_secded": "`default` with check bits, ECP5-85F, placed and routed",
    "ecp5.tiny": "`tiny`, ECP5-85F, placed and routed",
    "ecpix5.tiny": "board design with two `tiny` engines, ECP5, placed and routed",
    "ice40.tiny": "`tiny`, iCE40, Yosys only",
    "liteeth.udp": "LiteEth UDP, 8 bits, ECP5",
    "liteeth.udp_8_bits": "LiteEth UDP, 8 bits, ECP5 (row of the comparison)",
    "liteeth.udp_32_bits": "LiteEth UDP, 32 bits, ECP5",
    "liteeth_mac.gmii": "LiteEth's MAC core with GMII, 64 bits, ECP5",
    "mac.gmii": "`GmiiMac`, 64 bits, ECP5",
    "xgmii_mac": "`XgmiiMac`, 64 bits, UltraScale+, Yosys only",
    "osu018.full": "`full`, standard cells 180 nm, without memories",
    "xilinx.full": "`full`, UltraScale+, Yosys only",
}

# fmt: off
SECTIONS = (
    ("Latency of an idle engine", "Every sample is the same (spread 0).", (
        (r"latency\.(tx)_clocks", "host's last beat to first beat on the wire", "clocks"),
        (r"latency\.(rx)_clocks", "last beat from the wire to first beat to the host", "clocks"),
        (r"latency\.one_way_(\d+)_bytes\.(\w+)", "host to host, `{1}`, {0} bytes", "clocks"),
        (r"latency\.one_way_100g_us", "host to host with MAC, PHY, cable and switch, 100 Gb/s, on "
         "paper", "us"),
        (r"latency\.one_way_100g_rs_fec_us", "the same with RS-FEC", "us"),
        (r"latency\.one_way_100g_engine_share", "share of the engines in the time at 100 Gb/s", "%"),
        (r"latency\.one_way_ecp5_us", "host to host over 1000BASE-T, at the clock of the ECP5, "
         "MACs assumed", "us"),
        (r"latency\.one_way_ecp5_engines_us", "time of the engines in the time over 1000BASE-T", "us"),
        (r"latency\.one_way_ecp5_engine_share", "share of the engines in the time over 1000BASE-T", "%"))),
    ("Latency of an idle port, engine and MAC", "64 bytes, mean of 40 samples, which differ by where the "
     "two clocks stand to each other; GMII "
     "and RGMII with the engine at the clock that the ECPIX-5's bitstream reached, XGMII at 156.25 MHz, on "
     "paper. "
     "Two ports are simulated pin to pin; PHYs, cable and switch are cited. Others say of theirs: nanoPU "
     "69 ns wire to wire for an RPC (200 Gb/s; S. Ibanez et al., OSDI 2021); RIFL 110 ns one way over 10 m "
     "(one link; Q. Shen et al., J. Opt. Commun. Netw. 14(3), 2022); VNx UDP 1,053 ns for a round trip of "
     "64 bytes (292 MHz, direct, unreliable; Xilinx/xup_vitis_network_example); TTPoE of Tesla 1.3 us one "
     "way (Hot Chips 2024).", (
        (r"latency\.port\.(\w+)\.host_to_wire_ns", "`{0}`, host's last beat to first byte at the "
         "pins", "ns"),
        (r"latency\.port\.(\w+)\.wire_to_host_ns", "`{0}`, last byte of the FCS to the host's first "
         "beat", "ns"),
        (r"latency\.port\.(\w+)\.wire_to_wire_ns", "`{0}`, last byte of a PAYLOAD to first byte of its "
         "ACK", "ns"),
        (r"latency\.port\.rgmii\.one_way_us", "host to host over 1000BASE-T: these two, and frame, PHYs, "
         "cable and switch", "us"))),
    ("Opening and closing", "", (
        (r"open\.beyond_round_trip_clocks\.(\w+)", "opening, `{0}`: beyond the round trip of the "
         "frames", "clocks"),
        (r"open\.beyond_wires_clocks\.(\w+)", "opening, `{0}`: beyond the wires", "clocks"),
        (r"close\.recycle_clocks", "CLOSE_ACK until tag and slots serve another link", "clocks"),
        (r"recycle\.ttp_links_per_second", "links opened and closed, table of 128, RTT 2.6 us, "
         "125 MHz assumed", "per s"),
        (r"recycle\.tcp_connections_per_second", "TCP connections through 128 ports, this machine",
         "per s"),
        (r"recycle\.tcp_time_wait_seconds", "TIME_WAIT of TCP, this machine", "s"))),
    ("Pipeline", "", (
        (r"pipeline\.events_per_clock", "events per clock, links of different sets", ""),
        (r"pipeline\.clocks_per_event_one_link", "clocks between two events of one link", ""),
        (r"pipeline\.lost_at_the_door", "frames that found the event queue full meanwhile", ""),
        (r"replay\.nack_to_wire_clocks", "last beat of a NACK to first beat of the replay",
         "clocks"))),
    ("Goodput", "[Goodput when frames are lost](goodput.md) explains these.", (
        (r"goodput\.no_loss_ratio", "no loss, worst direction", "%"),
        (r"goodput\.no_loss_(one|both)_ways?\.(\w+)", "no loss, `{1}`, data in {0} direction(s)",
         "%"),
        (r"goodput\.selective_([\d.]+)pct_([\d.]+)us", "`full`, {0} % lost, RTT {1} us, selective",
         "%"),
        (r"goodput\.gbn_([\d.]+)pct_([\d.]+)us", "`full`, {0} % lost, RTT {1} us, go-back-N", "%"),
        (r"goodput\.selective_([\d.]+)pct_([\d.]+)us\.default",
         "`default`, {0} % lost, RTT {1} us, selective", "%"),
        (r"goodput\.gbn_([\d.]+)pct_([\d.]+)us\.default",
         "`default`, {0} % lost, RTT {1} us, go-back-N", "%"),
        (r"goodput\.loss_costs_frames\.selective_([\d.]+)us\.(\w+)",
         "one loss costs, `{1}`, RTT {0} us, selective", "frames"),
        (r"goodput\.loss_costs_frames\.gbn_([\d.]+)us\.(\w+)",
         "one loss costs, `{1}`, RTT {0} us, go-back-N", "frames"))),
    ("Window", "Share of the wire's rate that a replay memory of this size carries over this round "
     "trip; `full`.", (
         (r"window\.(\d+)KB_([\d.]+)us", "{0} KB, RTT {1} us", "%"),
         (r"window\.worst_deviation", "worst distance from size / (rate x RTT)", "%"))),
    ("Number of links", "[Clock and area](synthesis.md) explains these.", (
        (r"scale\.timer_round_clocks\.(\d+)_links", "round of the link timer, {0} links", "clocks"),
        (r"scale\.timer_round_deviation", "distance from links x tick", "%"),
        (r"scale\.timeout_rounds\.(\d+)_links", "time-out, {0} links", "rounds"),
        (r"scale\.(lut4)\.(\d+)_links", "LUT4, {1} links", ""),
        (r"scale\.(lut4)_without_table\.(\d+)_links", "LUT4 without the tag memory, {1} links",
         ""),
        (r"scale\.(dp16kd)\.(\d+)_links", "block RAMs, {1} links", ""),
        (r"scale\.(memory_bits)\.(\d+)_links", "bits of memory, {1} links", ""),
        (r"scale\.fmax_mhz\.(\d+)_links", "clock, {0} links", "MHz"),
        (r"scale\.logic_growth", "logic of 16,384 links against 16, without the tag memory", "%"),
        (r"scale\.logic_growth_with_multiplexers", "the same with the tag memory's multiplexers",
         "%"),
        (r"scale\.memory_bits_per_link", "memory of a link", "bits"),
        (r"scale\.memory_not_linear", "worst distance of the memory from a straight line", "%"))),
    ("Synthesis", "", ((rf"synth\.({'|'.join(map(re.escape, _TARGETS))})\.(\w+)", None, None),)),
    ("Host", "", (
        (r"host\.cpu_us_per_message\.ttp", "processor time for a message, TTP", "us"),
        (r"host\.cpu_us_per_message\.tcp_(\d+)_bytes", "processor time for a message of {0} bytes, "
         "TCP over loopback", "us"),
        (r"host\.switches_per_message\.tcp_(\d+)_bytes", "context switches for a message of {0} "
         "bytes, TCP", ""))),
    ("What a new user waits for", "By the clock, but for processor time; a fresh clone.", (
        (r"first_use\.setup_s", "set-up", "s"),
        (r"first_use\.hello_first_s", "`make sim TEST=hello`: its first result", "s"),
        (r"first_use\.hello_s", "`make sim TEST=hello`", "s"),
        (r"first_use\.sim_s", "`make sim` behind it", "s"),
        (r"first_use\.test_s", "`make test` with nothing built", "s"),
        (r"first_use\.(setup|hello|sim|test)_processor_s", "processor time of {0}", "s"))),
    ("Simulation", "", (
        (r"simulation\.native_clocks_per_second", "native program (`ttpoe soak`), `default`",
         "clocks per s"),
        (r"simulation\.native_packets_per_second", "the same", "packets per s"),
        (r"simulation\.cocotb_clocks_per_second", "cocotb, `default`", "clocks per s"),
        (r"simulation\.native_to_cocotb", "native program against cocotb", "x"))),
)
# fmt: on
_FABRIC = (
    ("incast", "Many senders, one receiver"),
    ("slots", "Limit of a link, 16 nodes"),
    ("urgent", "Urgent packets meanwhile, clocks"),
    ("burst", "Bursts of 32 packets"),
    ("stalled", "A reader that stops half of the time"),
    ("all-to-all", "All to all"),
    ("fabric-speed", "Speed of the simulation, `default`"),
    ("fabric-ways", "Speed of the simulation by how engines are evaluated, `tiny`"),
    ("fabric-sleep", "Engines that have had no input are skipped"),
    ("fabric-costs", "What an engine costs"),
)


def _value(value, unit):
    if unit == "%":
        return f"{100 * value:.1f} %"
    text = f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    unit = unit.removesuffix("s") if value == 1 and len(unit) > 2 else unit
    return f"{text} {unit}".strip()


def _synth(target, key):
    unit = "MHz" if key.endswith("mhz") else ""
    return f"{_TARGETS[target]}: {_BLOCKS[key]}", unit


def _order(name):
    """Numbers by their value."""
    return [
        float(part) if re.fullmatch(r"[\d.]*\d", part) else part
        for part in re.split(r"(\d+(?:\.\d+)?)", name)
    ]


def _rows(found, patterns):
    for pattern, words, unit in patterns:
        for name in sorted((name for name in found if re.fullmatch(pattern, name)), key=_order):
            groups = re.fullmatch(pattern, name).groups()
            said, what = (
                _synth(*groups)
                if words is None
                else (words.format(*(f"{int(g):,}" if g.isdigit() else g for g in groups)), unit)
            )
            yield re.sub(r"\b1 bytes", "1 byte", said), _value(found.pop(name), what)


_GROUPS = {
    "latency": "latency of an engine",
    "path": "latency with MAC, PHY, cable and switch, computed from it",
    "latency.port": "latency of a port",
    "open": "opening",
    "close": "closing",
    "recycle": "links per second, and TCP's connections",
    "pipeline": "pipeline",
    "replay": "NACK to replay",
    "goodput": "goodput",
    "window": "window",
    "links": "number of links: timer",
    "sweep": "number of links: logic, memory, clock",
    "host": "host",
    "simulation": "simulation",
    "first_use": "what a new user waits for",
    "fabric": "many engines behind switches",
    "fabric_speed": "speed of many engines",
}
"""Group of figures -> what is said of it; those of synthesis are called as their target, those of
congestion control are on a page of their own."""


def _where_from():
    """A row for each group of figures."""
    found, rows = figures.origins(), []
    names = [name for name in found if name in _GROUPS or name.startswith("synth.")]
    names.sort(key=lambda name: [*_GROUPS].index(name) if name in _GROUPS else len(_GROUPS))
    for name in names:
        words = _GROUPS.get(name) or _TARGETS[name.removeprefix("synth.")]
        said = found[name]
        made = [said[what] for what in ("revision", "date", "seeds")]
        rows.append([words, f"`{said['command']}`", *made, said.get("machine", "")])
    head = ["figures", "made by", "revision", "date", "seeds", "machine, of times"]
    return figures.table(head, rows, left=6)


def performance_page():
    """The whole page; `ValueError` for a figure that has no words."""
    found = figures.baseline()
    out = [
        "# Performance\n",
        "Every figure that `make bench` measures, with its unit. For readers "
        "who look for a number; other pages explain them.\n",
        "All is measured in simulation, or told by the tools of synthesis. Nothing was measured"
        " on a board. A rate is given as a share of what the headers allow, since a rate in Gb/s "
        "would be a clock times that share. `make bench` writes `build/bench/report.html`, which "
        "says of each figure how it was taken. [The last table](#where-the-figures-are-from) has the "
        "revision of each.\n",
    ]
    for title, text, patterns in SECTIONS:
        out += [
            f"## {title}\n",
            *([text + "\n"] if text else []),
            "| figure | value |",
            "|---|---:|",
        ]
        out += [f"| {words} | {value} |" for words, value in _rows(found, patterns)] + [""]
    out += [
        "## Many engines behind switches\n",
        "[Many engines behind switches](fabric.md) explains these. The figures of congestion "
        "control are in [Many into one](congestion.md).\n",
    ]
    tables = figures.TABLES | fabric_speed.TABLES
    for name, title in _FABRIC:
        out += [f"### {title}\n", tables[name](), ""]
    out += ["## Where the figures are from\n", _where_from(), ""]
    left = [name for name in found if not name.startswith(("fabric", "congestion."))]
    if left:
        raise ValueError(f"sim/ttpsim/pages/performance.py has no words for {', '.join(left)}")
    return "\n".join(out)
