"""The table of figures in README.md, between its markers, from the committed baseline.

`ttpoe bench --save` writes both, so that they agree; a test says so if somebody edits one of them.
"""

import re

from ttpsim.paths import ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- figures: ttpoe bench --save -->", "<!-- end of figures -->"

_SIZES = (1, 64, 256, 1024)


def _number(value, digits=None):
    if isinstance(value, float):
        return f"{value:,.{1 if digits is None else digits}f}"
    return f"{value:,}"


def _percent(value):
    return f"{100 * value:.1f} %"


def _rows(found):
    """`(what, value, goal)` of each row whose figures are there."""

    def row(what, names, text, goal=""):
        values = [found.get(name) for name in names.split()]
        if None not in values:
            yield what, text(*values), goal

    yield from row(
        "host's last beat to first beat on the wire, idle",
        "latency.tx_clocks",
        lambda n: f"{n} clocks",
        "16",
    )
    yield from row(
        "last beat from the wire to first beat to the host, idle",
        "latency.rx_clocks",
        lambda n: f"{n} clocks",
        "16",
    )
    for name, width in (("default", 64), ("full", 512)):
        names = " ".join(f"latency.one_way_{size}_bytes.{name}" for size in _SIZES)
        yield from row(
            f"host to host, two engines, `{name}` ({width} bits), 1 / 64 / 256 / "
            "1,024 bytes, the frame's beats included",
            names,
            lambda *n: " / ".join(map(str, n)) + " clocks",
            "beats + 32",
        )
    yield from row(
        "host to host, 64 bytes, MAC, PHY, 5 m of cable, one switch: 100 Gb/s on paper "
        "(195.3 MHz assumed)",
        "latency.one_way_100g_us",
        lambda n: f"{n:.2f} us",
        "1.3 us",
    )
    yield from row(
        "the same over 1000BASE-T at the clock that the ECP5 reaches",
        "latency.one_way_ecp5_us",
        lambda n: f"{n:.2f} us",
    )
    yield from row(
        "events per clock, links of different sets; clocks between two events of one link",
        "pipeline.events_per_clock pipeline.clocks_per_event_one_link",
        lambda many, one: f"{many:.2f}; {one:.0f}",
        "1.0",
    )
    yield from row(
        "goodput without loss, worst direction, of what headers allow",
        "goodput.no_loss_ratio",
        _percent,
        "99.5 %",
    )
    yield from row(
        "goodput at 1 % loss, 100 Gb/s, RTT 2.6 us: selective / go-back-N",
        "goodput.selective_1pct_2.6us goodput.gbn_1pct_2.6us",
        lambda a, b: f"{_percent(a)} / {_percent(b)}",
    )
    yield from row(
        "NACK's last beat to the replay's first",
        "replay.nack_to_wire_clocks",
        lambda n: f"{n} clocks",
        "16",
    )
    yield from row(
        "CLOSE_ACK to tag and slots used again",
        "close.recycle_clocks",
        lambda n: f"{n} clock{'s' * (n != 1)}",
        "6",
    )
    yield from row(
        "links opened and closed through a table of 128, RTT 2.6 us, 125 MHz assumed; "
        "TCP through 128 ports",
        "recycle.ttp_links_per_second recycle.tcp_connections_per_second",
        lambda a, b: f"{_number(a)} per s; {_number(b)} per s",
    )
    yield from row(
        "processor time of the host for a message of 64 bytes; TCP over loopback here",
        "host.cpu_us_per_message.ttp host.cpu_us_per_message.tcp_64_bytes",
        lambda a, b: f"{_number(a)}; {_number(b)} us",
    )
    yield from row(
        "`default` on an ECP5-85F, placed and routed: clock, median and worst of the seeds",
        "synth.ecp5.fmax_mhz synth.ecp5.fmax_worst_mhz",
        lambda *n: ", ".join(map(_number, n)) + " MHz",
        "135, 125 MHz",
    )
    yield from row(
        "its logic: LUT4, flip-flops, block RAMs",
        "synth.ecp5.lut4 synth.ecp5.ff synth.ecp5.dp16kd",
        lambda *n: ", ".join(map(_number, n)),
        "7,300, 8,500, 128",
    )
    yield from row(
        "LiteEth's UDP core (8 bits, no reliable transport), same tools",
        "synth.liteeth.udp.lut4 synth.liteeth.udp.ff synth.liteeth.udp.dp16kd "
        "synth.liteeth.udp.fmax_mhz",
        lambda *n: ", ".join(map(_number, n[:3])) + f"; {_number(n[3])} MHz",
    )
    yield from row(
        "`full` for UltraScale+ (Yosys only): LUT, flip-flops, longest path",
        "synth.xilinx.full.lut synth.xilinx.full.ff "
        "synth.xilinx.full.longest_path_cells synth.xilinx.full.estimated_mhz",
        lambda lut, ff, path, mhz: (
            f"{_number(lut)}, {_number(ff)}, {path} cells: {mhz} MHz or more, estimated"
        ),
        "195.3 MHz",
    )
    yield from row(
        "`full` in standard cells, 180 nm, without memories: NAND2 equivalents, path",
        "synth.osu018.full.nand2_equivalents synth.osu018.full.path_fo4 synth.osu018.full.path_mhz",
        lambda gates, path, mhz: f"{_number(gates)}, {path} FO4 = {_number(mhz)} MHz before layout",
    )
    yield from row(
        "logic of 16,384 links beside that of 16, without the tag memory",
        "scale.logic_growth",
        lambda n: f"{100 * n:+.1f} %",
        "+5 %",
    )
    yield from row(
        "round of the link timer, 16 to 16,384 links, off links x tick by",
        "scale.timer_round_deviation",
        _percent,
        "0",
    )
    yield from row(
        "simulation: native (`ttpoe soak`) / cocotb, `default`",
        "simulation.native_clocks_per_second simulation.cocotb_clocks_per_second",
        lambda a, b: f"{_number(a)} / {_number(b)} clocks/s",
    )


def table(found):
    """The table as Markdown, from `{metric: value}`."""
    return "\n".join(
        [
            "| figure | measured | goal |",
            "|---|---|---|",
            *(f"| {what} | {value} | {goal} |" for what, value, goal in _rows(found)),
        ]
    )


def replaced(text, found):
    """The README with the table of these figures; `ValueError` if it has no markers."""
    pattern = re.compile(rf"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md has no lines {BEGIN} and {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n{table(found)}\n{END}", text)


def rewrite(found):
    """Put the table into README.md."""
    README.write_text(replaced(README.read_text(), found))
