"""Tables of docs/ whose figures come from the committed baseline of `make bench`.

Each function of `TABLES` gives the Markdown of one table. A figure that the baseline does not have
leaves its cell empty.
"""

import json
from pathlib import Path

from ttpoe.config import PRESETS
from ttpsim.board.measured import kept
from ttpsim.campaign.origin import sentence

__all__ = ["TABLES", "baseline", "origin", "origins", "table"]

BASELINE = Path(__file__).parents[1] / "bench" / "baseline.json"
ORIGINS = BASELINE.with_name("baseline_origin.json")
NODES = (2, 4, 8, 16, 32, 64)


def baseline():
    return json.loads(BASELINE.read_text())


def origins():
    """`{group of figures: where they are from}`."""
    return json.loads(ORIGINS.read_text())


def origin(*groups):
    """Where those figures of these groups are from that are there, a sentence for each run."""
    found = origins()
    return " ".join(dict.fromkeys(sentence(found[group]) for group in groups if group in found))


def _origin_of(*groups):
    return lambda: origin(*groups)


def _text(value, form):
    if value is None:
        return ""
    if form == "%":
        return f"{100 * value:.1f} %"
    return f"{value:,.{form}f}" if isinstance(form, int) else f"{value:,}"


def table(head, rows, left=1):
    """Markdown; figures, behind `left` columns of words, to the right."""
    return "\n".join(
        [
            f"| {' | '.join(head)} |",
            "|" + "---|" * left + "---:|" * (len(head) - left),
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
    )


def _by_nodes(rows, nodes=NODES):
    """`rows`: (words, name with a place for the number of nodes, form)."""
    found = baseline()
    return table(
        ["nodes", *map(str, nodes)],
        [
            [words, *(_text(found.get(name.format(n)), form) for n in nodes)]
            for words, name, form in rows
        ],
    )


def key_figures():
    """What somebody wants to know first; the README's first table."""
    found, default, full = baseline(), PRESETS["default"], PRESETS["full"]

    def size(config):
        return (
            f"`{config.name}`: {config.width_bits} bits, {config.links:,} links, "
            f"{config.slots:,} KB of replay memory"
        )

    return "\n".join(
        [
            "| figure | value |",
            "|---|---|",
            f"| latency, idle: host to wire, wire to host | {found['latency.tx_clocks']} and "
            f"{found['latency.rx_clocks']} clocks in every sample |",
            f"| a port with RGMII, simulated at the clock of the bitstream below: host to wire, wire to "
            f"host, wire to wire (ACK) | {found['latency.port.rgmii.host_to_wire_ns']:.0f}, "
            f"{found['latency.port.rgmii.wire_to_host_ns']:.0f} and "
            f"{found['latency.port.rgmii.wire_to_wire_ns']:.0f} ns; with cited PHYs and switch "
            f"{found['latency.port.rgmii.one_way_us']:.2f} us from host to host |",
            f"| events per clock, links of different sets | "
            f"{found['pipeline.events_per_clock']:.2f} |",
            f"| NACK to replay, whatever is in flight | {found['replay.nack_to_wire_clocks']} clocks |",
            f"| goodput at 1 % loss, 100 Gb/s, round trip 2.6 us | "
            f"{_text(found['goodput.selective_1pct_2.6us'], '%')}; go-back-N "
            f"{_text(found['goodput.gbn_1pct_2.6us'], '%')} |",
            _incast_row(found),
            f"| {size(default)}; on an ECP5-85F, placed and routed | {found['synth.ecp5.lut4']:,} LUT4, "
            f"{found['synth.ecp5.ff']:,} flip-flops, {found['synth.ecp5.dp16kd']} block RAMs, "
            f"{found['synth.ecp5.fmax_mhz']:.1f} MHz (median of seeds {origins()['synth.ecp5']['seeds']}) |",
            _board_row(),
            f"| {size(full)}; for UltraScale+, Yosys only | {found['synth.xilinx.full.lut']:,} LUT, "
            f"{found['synth.xilinx.full.ff']:,} flip-flops, {found['synth.xilinx.full.estimated_mhz']} "
            "MHz estimated (goal 195.3) |",
        ]
    )


def _board_row():
    """A whole bitstream, with all constraints on."""
    board = kept()["bitstreams"]["ecpix5-echo-default"]
    clocks = "; ".join(
        f"{clock['clock']} {clock['reached_mhz']:.1f} MHz of {clock['needed_mhz']:g} needed"
        for clock in board["clocks"]
    )
    return (
        f"| bitstream for the ECPIX-5: `{board['preset']}` with RGMII MAC, registers over a UART, "
        f"echo | {board['lut4']:,} LUT4, {board['dp16kd']} block RAMs; {clocks} |"
    )


def _incast_row(found):
    """Many to one, with and without congestion control: the largest incast that has both."""
    for senders in (63, 32, 16, 8, 4, 2):
        both = [found.get(f"congestion.incast.{senders}.goodput.{way}") for way in ("law", "none")]
        if None not in both:
            fair = found[f"congestion.incast.{senders}.fairness.law"]
            return (
                f"| incast of {senders} through one port of an ordinary switch, buffer 64 KB: goodput, "
                f"fairness | {_text(both[0], '%')}, {fair:.2f}; without congestion control "
                f"{_text(both[1], '%')} |"
            )
    raise ValueError("no incast in the baseline: `ttpoe bench congestion --save`")


def goodput():
    found, rows = baseline(), []
    for rtt, full, default in (("2.6", 30, "2.4"), ("10", 115, "9.2"), ("80", 919, "74")):
        for loss in ("0.1", "1", "10"):
            cells = [f"{loss} %", f"{rtt} us", str(full)]
            for end, between in (("", default), (".default", None)):
                cells += [
                    _text(found.get(f"goodput.{kind}_{loss}pct_{rtt}us{end}"), "%")
                    for kind in ("selective", "gbn")
                ]
                cells += [between] if between else []
            rows.append(cells)
    return table(
        [
            "loss",
            "RTT",
            "`full`: W",
            "selective",
            "go-back-N",
            "`default`: W",
            "selective",
            "go-back-N",
        ],
        rows,
    )


def loss_costs():
    found = baseline()
    return table(
        ["RTT", "`full`, selective", "go-back-N", "`default`, selective", "go-back-N"],
        [
            [
                f"{rtt} us",
                *(
                    _text(found.get(f"goodput.loss_costs_frames.{kind}_{rtt}us.{name}"), 1)
                    for name in ("full", "default")
                    for kind in ("selective", "gbn")
                ),
            ]
            for rtt in ("2.6", "10", "80")
        ],
    )


def incast():
    kinds = (
        ("selective", "selective"),
        ("go-back-N", "gbn"),
        ("selective, `link_slots` that fits", "limited"),
        ("selective, buffer of 8 MB", "large_buffer"),
    )
    rows = [
        (f"goodput, {words}", f"fabric.incast_{kind}_goodput.{{}}_nodes", "%")
        for words, kind in kinds
    ]
    rows += [
        (f"fairness, {words}", f"fabric.incast_{kind}_fairness.{{}}_nodes", 2)
        for words, kind in kinds[:3]
    ]
    rows += [
        (f"dropped by the switch, {words}", f"fabric.incast_{kind}_dropped.{{}}_nodes", "")
        for words, kind in (kinds[0], kinds[2])
    ]
    rows += [
        (f"PAYLOADs sent again, {words}", f"fabric.incast_{kind}_replays.{{}}_nodes", "")
        for words, kind in (kinds[0], kinds[3])
    ]
    return _by_nodes(rows)


def burst():
    return _by_nodes(
        [
            (words, f"fabric.burst_{kind}_goodput.{{}}_nodes", "%")
            for words, kind in (
                ("selective", "selective"),
                ("go-back-N", "gbn"),
                ("selective, `link_slots` that fits", "limited"),
            )
        ],
        NODES[:-1],
    )


def stalled():
    return _by_nodes(
        [
            (words, f"fabric.stalled_{kind}_goodput.{{}}_nodes", "%")
            for words, kind in (
                ("selective, no limit", "selective"),
                ("go-back-N, no limit", "gbn"),
                ("selective, `link_slots` that fits", "limited"),
            )
        ],
        (16,),
    )


def slots():
    found, sizes = baseline(), (1, 2, 4, 8, 16, 32, 64)
    rows = (
        ("goodput", "goodput", "%"),
        ("fairness", "fairness", 2),
        ("frames dropped by the switch", "dropped", ""),
        ("urgent packets, median, clocks", "urgent_p50_clocks", ""),
        ("urgent packets, 99 of 100 take at most", "urgent_p99_clocks", ""),
        ("urgent packets, longest", "urgent_max_clocks", ""),
    )
    return table(
        ["`link_slots`", *map(str, sizes)],
        [
            [
                words,
                *(_text(found.get(f"fabric.slots_{name}.{size}_slots"), form) for size in sizes),
            ]
            for words, name, form in rows
        ],
    )


def urgent():
    return _by_nodes(
        [
            (f"{words}: {which}", f"fabric.incast_{kind}_urgent_{key}_clocks.{{}}_nodes", "")
            for words, kind in (
                ("no limit", "selective"),
                ("`link_slots` that fits", "limited"),
                ("buffer of 8 MB", "large_buffer"),
            )
            for which, key in (("median", "p50"), ("99 of 100", "p99"), ("longest", "max"))
        ]
    )


def all_to_all():
    return _by_nodes(
        [
            (words, f"fabric.all_to_all_{kind}_goodput.{{}}_nodes", "%")
            for words, kind in (
                ("one switch", "selective"),
                ("1 % of the frames lost", "selective_1pct"),
                ("1 % lost, go-back-N", "gbn_1pct"),
                ("leaves of 8, 8 spines", "leaf_spine"),
                ("leaves of 8, 4 spines", "leaf_spine_2_to_1"),
            )
        ]
    )


def links():
    found, rows = baseline(), []
    for count in (16, 128, 512, 1536, 16384):
        clock = found.get(f"scale.fmax_mhz.{count}_links")
        rows.append(
            [
                f"{count:,}",
                *(
                    _text(found.get(f"scale.{name}.{count}_links"), "")
                    for name in ("lut4", "lut4_without_table", "dp16kd", "memory_bits")
                ),
                f"{clock:.1f} MHz" if clock else "does not fit",
            ]
        )
    return table(
        ["links", "LUT4", "without the tag memory", "block RAMs", "bits of memory", "clock"], rows
    )


def liteeth():
    found = baseline()
    return table(
        ["", "LUT4", "flip-flops", "block RAMs", "clock"],
        [
            [
                words,
                *(_text(found.get(f"synth.{name}.{key}"), "") for key in ("lut4", "ff", "dp16kd")),
                f"{found[f'synth.{name}.fmax_mhz']:.1f} MHz",
            ]
            for words, name in (
                ("LiteEth UDP, 8 bits", "liteeth.udp"),
                ("LiteEth UDP, 32 bits", "liteeth.udp_32_bits"),
                ("this engine, `default`, 64 bits", "ecp5"),
            )
        ],
    )


def congestion_cost():
    """What congestion control takes of an ECP5."""
    found = baseline()
    both = [
        [found.get(f"synth.{name}.{key}") for key in ("lut4", "ff", "dp16kd")]
        for name in ("ecp5", "ecp5.default_without_control")
    ]
    more = [a - b if a and b else None for a, b in zip(*both)]
    return table(
        ["`default`, ECP5", "LUT4", "flip-flops", "block RAMs"],
        [
            [words, *(_text(value, "") for value in row)]
            for words, row in (
                ("with congestion control", both[0]),
                ('`Config.congestion` "none"', both[1]),
                ("congestion control", more),
            )
        ],
    )


def macs():
    found = baseline()
    domains = ("engine", "send", "receive")
    return table(
        ["", "LUT4", "flip-flops", "cells of LUT RAM", "block RAMs", *domains],
        [
            [
                words,
                *(
                    _text(found.get(f"synth.{name}.gmii.{key}"), "")
                    for key in ("lut4", "ff", "dpr16x4", "dp16kd")
                ),
                *(f"{found[f'synth.{name}.gmii.{domain}_mhz']:.1f} MHz" for domain in domains),
            ]
            for words, name in (("`GmiiMac`", "mac"), ("`LiteEthMACCore`", "liteeth_mac"))
        ],
    )


def xgmii_area():
    """What the MAC for XGMII takes of an UltraScale+."""
    found = baseline()
    keys = ("lut", "ff", "longest_path_cells", "estimated_mhz")
    cells = [_text(found.get(f"synth.xgmii_mac.{key}"), "") for key in keys]
    head = ["LUT", "flip-flops", "longest path, cells", "clock, MHz, or more"]
    return f"{table(head, [cells], left=0)}\n\n{origin('synth.xgmii_mac')}"


TABLES = {
    table.__name__.replace("_", "-"): table
    for table in (
        key_figures,
        goodput,
        loss_costs,
        incast,
        burst,
        stalled,
        slots,
        urgent,
        all_to_all,
        links,
        liteeth,
        macs,
        congestion_cost,
        xgmii_area,
    )
} | {
    "origin-goodput": _origin_of("goodput"),
    "origin-fabric": _origin_of("fabric"),
    "origin-links": _origin_of("sweep"),
    "origin-liteeth": _origin_of("synth.ecp5", "synth.liteeth.udp"),
    "origin-macs": _origin_of("synth.mac.gmii", "synth.liteeth_mac.gmii"),
    "origin-congestion-cost": _origin_of("synth.ecp5", "synth.ecp5.default_without_control"),
}
"""Name of a part in a page -> what writes it."""
