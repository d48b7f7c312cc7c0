"""The simulated top: two instances of one engine or NIC, and what makes them quick to watch.

`pair_verilog` reads the port list of the emitted core and writes `pair`, a module with two
instances `a` and `b`. Every port of theirs is a port of `pair` (`a_m_mac_tx_tdata`), for tools that
know AXI4-Stream. The bench uses other ports that carry the same things in few reads:

| port of `pair` | meaning |
|---|---|
| `status` | {cycle, a violation was seen, transfers of b, transfers of a} of the last rising edge |
| `X_PORT_q` | payload of an output stream at the last rising edge |
| `X_PORT_in` | {valid, payload} of an input stream, used unless `X_flat` has the port's bit set |
| `X_ready_in` | ready of each output stream, used unless `X_flat` has the port's bit set |
| `X_rst` | resets this engine alone |
| `X_counts` | 32-bit counts of every `stat_*` pulse |
| `X_violations` | five bits per stream, see `stream_check.v` |
| `X_last_FIELD` | for waveforms only: a field of the last trace record, held until the next one |
| `tick` | toggles on a falling edge after which the bench has something to do |
| `wake_at` | the cycle in which `tick` toggles at the latest |

Everything is sampled by the rising edge into registers, read and driven on the falling edge: no
simulator can order that wrongly. A clock in which nothing happens costs no Python at all.
"""

import re
from dataclasses import asdict, dataclass, field

__all__ = ["PairLayout", "StreamPort", "pair_verilog", "parse_ports", "CYCLE_BITS"]

CYCLE_BITS = 48
RECORDS = ("trace", "law")
"""Outputs that tell of events, without a handshake; `law` only where congestion control is built."""
_ORDER = ("tdata", "tkeep", "tlast", "tuser", "tdest")  # payload, from the lowest bit


@dataclass
class StreamPort:
    """One stream of the engine; `fields` is (name, width), lowest bit first."""

    name: str
    is_input: bool
    has_ready: bool
    fields: list

    @property
    def width(self):
        return sum(width for _name, width in self.fields)

    def signal(self, part):
        """Name of the engine's port: `part` is a field, `valid` or `ready`."""
        if self.name in RECORDS:
            return f"{self.name}_{part}"
        return f"{self.name}_{part if part.startswith('t') else 't' + part}"

    def bits_of(self, part):
        return dict(self.fields).get(part, 0)


@dataclass
class PairLayout:
    """What the bench must know to unpack the ports of `pair`; kept as JSON beside the Verilog."""

    streams: list = field(default_factory=list)
    stats: list = field(default_factory=list)
    inputs: dict = field(default_factory=dict)  # the engine's other inputs, name -> width
    outputs: dict = field(default_factory=dict)  # the engine's other outputs
    width_bits: int = 0

    def to_dict(self):
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        values = dict(values)
        values["streams"] = [StreamPort(**stream) for stream in values["streams"]]
        return cls(**values)


def parse_ports(verilog, module):
    """`{name: (direction, width)}` of one module of a Verilog text that Yosys wrote."""
    match = re.search(
        rf"^module {re.escape(module)}\b(.*?)^endmodule", verilog, re.DOTALL | re.MULTILINE
    )
    if match is None:
        raise ValueError(f"no module {module} in this Verilog")
    ports = re.findall(r"^\s*(input|output) (?:\[(\d+):0\] )?(\w+) ?;", match[1], re.MULTILINE)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in ports}


def layout_of(ports):
    """The `PairLayout` of an engine with these ports."""
    layout = PairLayout()
    rest = dict(ports)
    for name in [*ports]:
        if name.endswith("_tvalid"):
            stem = name.removesuffix("_tvalid")
            fields = [
                (part, rest.pop(f"{stem}_{part}")[1]) for part in _ORDER if f"{stem}_{part}" in rest
            ]
            has_ready = rest.pop(f"{stem}_tready", None) is not None
            layout.streams.append(StreamPort(stem, rest.pop(name)[0] == "input", has_ready, fields))
    for record in RECORDS:
        if f"{record}_valid" in rest:
            del rest[f"{record}_valid"]
            names = [name for name in ports if name.startswith(f"{record}_") and name in rest]
            fields = [(name.removeprefix(f"{record}_"), rest.pop(name)[1]) for name in names]
            layout.streams.append(StreamPort(record, False, False, fields))
    layout.streams.sort(key=lambda stream: stream.name)
    layout.stats = sorted(name for name in rest if name.startswith("stat_"))
    for name, (direction, width) in sorted(rest.items()):
        if name not in ("clk", "rst", *layout.stats):
            (layout.inputs if direction == "input" else layout.outputs)[name] = width
    layout.width_bits = next(
        (stream.bits_of("tdata") for stream in layout.streams if stream.name == "m_mac_tx"), 0
    )
    return layout


def _bus(width):
    return f"[{width - 1}:0] " if width > 1 else ""


class _Writer:
    """Collects the ports and the body of `pair`."""

    def __init__(self):
        self.ports, self.body = [], []

    def port(self, direction, name, width=1, kind=""):
        self.ports.append(f"{direction} {kind}{_bus(width)}{name} /*verilator public_flat_rw*/")

    def line(self, text):
        self.body.append(f"  {text}")


def _counting(wires, stream):
    """The fields of a stream, the highest first; lanes of `tdata` that `tkeep` leaves out are 0: what
    they hold is nobody's business, and may be X."""
    for part, width in reversed(stream.fields):
        if part == "tdata" and stream.bits_of("tkeep"):
            lanes = (
                f"({wires['tkeep']}[{lane}] ? {wires[part]}[{8 * lane} +: 8] : 8'h00)"
                for lane in reversed(range(width // 8))
            )
            yield "{" + ", ".join(lanes) + "}"
        else:
            yield wires[part]


def _stream(w, side, index, stream):
    """Ports, multiplexer, sampling and checker of one stream; returns its transfer condition."""
    prefix = f"{side}_{stream.name}"
    payload, wires = [], {}
    flows = "input" if stream.is_input else "output"
    for part, width in [*stream.fields, ("valid", 1)]:
        signal = f"{side}_{stream.signal(part)}"
        w.port(flows, signal, width)
        wires[part] = f"{signal}_core" if stream.is_input else signal
    if stream.is_input:
        w.port("input", f"{prefix}_in", stream.width + 1)
        low = 0
        for part, width in [*stream.fields, ("valid", 1)]:
            signal = f"{side}_{stream.signal(part)}"
            w.line(
                f"wire {_bus(width)}{signal}_core = {side}_flat[{index}] ? {signal}"
                f" : {prefix}_in[{low} +: {width}];"
            )
            low += width
    payload = "{" + ", ".join(wires[part] for part, _width in reversed(stream.fields)) + "}"
    ready = "1'b1"
    if stream.has_ready:
        ready = f"{side}_{stream.signal('ready')}"
        w.port("output" if stream.is_input else "input", ready)
        if not stream.is_input:
            w.line(
                f"wire {ready}_core = {side}_flat[{index}] ? {ready} : {side}_ready_in[{index}];"
            )
            ready = f"{ready}_core"
    valid = wires["valid"]
    data_bits = stream.bits_of("tdata") if stream.bits_of("tkeep") else stream.width
    w.line(f"wire [4:0] {prefix}_violations;")
    w.line(
        f"ttpverif_stream_check #(.DATA_BITS({data_bits}),"
        f" .KEEP_BITS({stream.bits_of('tkeep')}), .PAYLOAD_BITS({stream.width}),"
        f" .NO_GAPS({int(stream.name == 'm_mac_tx')})) {prefix}_check (.clk(clk),"
        f" .rst({side}_reset), .valid({valid}), .ready({ready}),"
        f" .payload({payload}), .violations({prefix}_violations));"
    )
    if not stream.is_input:
        w.port("output", f"{prefix}_q", stream.width, "reg ")
        counts = "{" + ", ".join(_counting(wires, stream)) + "}"
        w.line(f"always @(posedge clk) if ({valid}) {prefix}_q <= {counts};")
    if stream.name == "trace":
        low = 0
        for part, width in stream.fields:
            w.line(f"wire {_bus(width)}{side}_last_{part} = {prefix}_q[{low} +: {width}];")
            low += width
    return valid, ready


def _side(w, side, layout, module):
    count = len(layout.streams)
    w.port("input", f"{side}_rst")
    w.line(f"wire {side}_reset = rst | {side}_rst;")
    w.port("input", f"{side}_flat", count)
    w.port("input", f"{side}_ready_in", count)
    w.port("output", f"{side}_violations", 5 * count)
    fires, stalls, connections = [], [], []
    for index, stream in enumerate(layout.streams):
        valid, ready = _stream(w, side, index, stream)
        fires.append(f"({valid} & {ready}) === 1'b1")
        if not stream.is_input:
            stalls.append(f"({valid} & ~{ready}) === 1'b1")
        for part, _width in [*stream.fields, ("valid", 1)]:
            signal = stream.signal(part)
            connections.append((signal, f"{side}_{signal}" + "_core" * stream.is_input))
        if stream.has_ready:
            signal = stream.signal("ready")
            connections.append((signal, f"{side}_{signal}" + "_core" * (not stream.is_input)))
    for direction, names in (("input", layout.inputs), ("output", layout.outputs)):
        for name, width in names.items():
            w.port(direction, f"{side}_{name}", width)
            connections.append((name, f"{side}_{name}"))
    for name in layout.stats:
        w.port("output", f"{side}_{name}")
        connections.append((name, f"{side}_{name}"))
    w.line(
        f"{module} {side} (.clk(clk), .rst({side}_reset)"
        + "".join(f",\n    .{name}({wire})" for name, wire in connections)
        + ");"
    )
    if layout.stats:
        w.port("output", f"{side}_counts", 32 * len(layout.stats), "reg ")
        w.line(f"initial {side}_counts = 0;")
        for index, name in enumerate(layout.stats):
            w.line(
                f"always @(posedge clk) if (!{side}_reset && {side}_{name}) "
                f"{side}_counts[{32 * index} +: 32] <= {side}_counts[{32 * index} +: 32] + 1;"
            )
    w.line(
        f"assign {side}_violations = {{"
        + ", ".join(f"{side}_{stream.name}_violations" for stream in reversed(layout.streams))
        + "};"
    )
    w.line(
        f"wire [{count - 1}:0] {side}_fires = {{{count}{{!{side}_reset}}}} & {{"
        + ", ".join(reversed(fires))
        + "};"
    )
    w.line(f"wire {side}_stalled = !{side}_reset & (" + " | ".join(stalls or ["1'b0"]) + ");")


def pair_verilog(engine_verilog, module="ttp_engine"):
    """`(text of module pair, PairLayout)` for an emitted engine or NIC, whose top is `module`."""
    layout = layout_of(parse_ports(engine_verilog, module))
    count = len(layout.streams)
    w = _Writer()
    w.port("input", "clk")
    w.port("input", "rst")
    w.port("input", "wake_at", CYCLE_BITS)
    w.port("output", "tick", kind="reg ")
    w.port("output", "status", CYCLE_BITS + 1 + 2 * count)
    for side in "ab":
        _side(w, side, layout, module)
    w.line(f"reg [{CYCLE_BITS - 1}:0] cycle;")
    w.line(f"reg [{2 * count - 1}:0] fired;")
    w.line("reg stalled, running;")
    w.line("wire violated = |{a_violations, b_violations};")
    w.line("assign status = {cycle, violated, fired};")
    w.line("initial begin tick = 0; cycle = 0; fired = 0; stalled = 0; running = 0; end")
    w.line("always @(posedge clk) begin")
    w.line("  running <= running || !rst;        // cycle 0 is the first one without reset")
    w.line("  if (running || !rst) cycle <= cycle + 1;")
    w.line(f"  fired <= rst ? {2 * count}'d0 : {{b_fires, a_fires}};")
    w.line("  stalled <= !rst && (a_stalled | b_stalled);")
    w.line("end")
    w.line("always @(negedge clk)")
    w.line("  if ((|fired) || stalled || violated || cycle >= wake_at) tick <= ~tick;")
    text = [
        "// Two engines side by side, for simulation only. Generated; do not edit.",
        "module pair (",
        ",\n".join(f"  {port}" for port in w.ports),
        ");",
        *w.body,
        "endmodule",
        "",
    ]
    return "\n".join(text), layout
