"""What every port of an emitted top means: the port list and the template come from this table.

`ports(top, config)` takes the ports from the hardware itself (`top.EngineTop`) and the words from
here; a port without words is a `KeyError`, so that none can be added without them.
"""

from dataclasses import asdict, dataclass

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from ..csr.registers import pulses, register_map
from ..stats import IPV4_STATS

__all__ = ["Port", "ports", "to_dict", "markdown"]

_VC_NAMES = ("REQ_LO", "REQ_HI, the most urgent", "DATA, the least urgent")


@dataclass(frozen=True)
class Port:
    """One port of the Verilog module.

    `idle` is for inputs: the value to tie it to if there is nothing to connect, None where there
    must be something (`clk`, `rst`, the clocks of a MAC).
    """

    name: str
    direction: str
    width: int
    group: str
    meaning: str
    idle: int | None = None


# Stream -> (group, what it carries, `tready` to tie it to if nobody takes it).
# fmt: off
_STREAMS = {
    "s_mac_rx": ("MAC", "Frames from the MAC, from the destination address on, without FCS. "
                 "Never held back: there is no `tready`.", None),
    "m_mac_tx": ("MAC", "Frames to the MAC, without FCS, padded to 64 bytes.", 1),
    **{f"s_host_tx{vc}": (f"Host, VC {vc}", f"Payloads to send on VC {vc} ({name}): 1 to 1024 "
                          "bytes in a packet.", None) for vc, name in enumerate(_VC_NAMES)},
    **{f"m_host_rx{vc}": (f"Host, VC {vc}", f"Payloads received on VC {vc}, once and in order for "
                          "each link.", 0) for vc in range(3)},
    "s_os_tx": ("Operating system", "Frames of the operating system to the MAC, any EtherType but "
                "TTP's.", None),
    "m_os_rx": ("Operating system", "Frames from the MAC that are not TTP, unchanged.", 1),
    "s_cmd": ("Commands and notices", "Open or close a link. Not needed to send: a payload opens "
              "its link.", None),
    "m_notice": ("Commands and notices", "What became of links. Never held back: there is no "
                 "`tready`.", None),
}
# fmt: on
_PARTS = {
    "tdata": "Byte 0 of the wire in bits 7:0.",
    "tkeep": "Bytes of this beat that count: ones from bit 0 on, all of them unless `tlast`.",
    "tlast": "Last beat of the frame or packet.",
    "tvalid": "The other signals of this stream hold.",
    "tready": "This beat is taken in this clock if `tvalid` is high, too.",
}
_PARTS_OF = {
    "s_mac_rx_tuser": "With `tlast`: the frame is bad (FCS) and is dropped.",
    "s_os_tx_tuser": "With `tlast`: do not send this frame.",
    "s_cmd_tdata": "{command, vc[1:0], node[23:0]}; command 0 opens, 1 closes.",
    "m_notice_tdata": "{notice[2:0], vc[1:0], node[23:0]}; 0 link up, 1 link down, 2 refused, "
    "3 peer restarted, 4 retries used up, 5 payload refused, 6 IDs reused.",
    **{
        f"s_host_tx{vc}_tdest": "Destination node, the lower half of its MAC; the same in every "
        "beat of a packet."
        for vc in range(3)
    },
    **{
        f"m_host_rx{vc}_tuser": "{id[31:0], source node[23:0]}; the same in every beat of a packet."
        for vc in range(3)
    },
}
# fmt: off
_AXIL = {
    "awaddr": "Byte address of a write.", "awprot": "Ignored.", "awvalid": "Address is valid.",
    "awready": "Address is taken.", "wdata": "Data of a write.", "wstrb": "Bytes that are written.",
    "wvalid": "Data are valid.", "wready": "Data are taken.",
    "bresp": "0 OKAY, 2 SLVERR (docs/reference/registers.md says when).",
    "bvalid": "Answer is valid.",
    "bready": "Answer is taken.", "araddr": "Byte address of a read.", "arprot": "Ignored.",
    "arvalid": "Address is valid.", "arready": "Address is taken.", "rdata": "What was read.",
    "rresp": "0 OKAY, 2 SLVERR.", "rvalid": "Data are valid.", "rready": "Data are taken.",
}
# fmt: on
_CONFIGURATION = {
    "cfg_enable": "The engine works. Low: links and timers stand still, the host waits, and what "
    "the MAC receives is dropped and counted.",
    "cfg_node": "This node: the lower half of its MAC; the upper half is 98:ed:5c, "
    "if no other OUI was chosen.",
    "cfg_ieee": "EtherType of links that this node opens: 0 = 0x0AC6, 1 = 0x9AC6.",
    "cfg_ipv4": "Links that this node opens have the IPv4 form.",
    "cfg_ipv4_prefix": "First byte of every node's IPv4 address; the others are the node.",
    "cfg_ipv4_mask": "A node that differs from `cfg_node` where this has a one is reached through "
    "a router; 0 = none is.",
    "cfg_ipv4_router_upper": "MAC of that router, first three bytes.",
    "cfg_ipv4_router_lower": "MAC of that router, last three bytes.",
    "cfg_init_id": "Where a peer that declares no first ID starts: its first is this + 1.",
    "cfg_fixed_open_id": "Every open ID is `cfg_init_id`; for tests.",
    "cfg_open_id_seed": "Where IDs and epochs start, taken in the first clock after reset. It must "
    "be another value at every start of a node, or old packets may be taken "
    "for new ones: docs/guides/integration.md. The idle value is for simulations.",
    "cfg_timer_tick": "Clocks between two visits of the link timer; a round visits every link.",
    "cfg_max_retry": "Time-outs in a row after which a link ends; 0 = never.",
    "cfg_idle_limit": "Rounds of the timer after which an idle link is closed; 0 = never.",
    "cfg_link_slots": "Replay slots that one link may hold; 0 = no limit.",
    "cfg_selective": "Offer and accept selective replay; 0 = every link is go-back-N.",
    "cfg_congestion": "Offer and accept congestion control; 0 = no link is controlled.",
    "cfg_os_enable": "Frames of the operating system pass; 0 = they are dropped, both ways.",
}
_LEVELS = {
    "clk": ("Clock and reset", "Clock of every port; rising edge."),
    "rst": ("Clock and reset", "Synchronous reset, active high. Ends every link."),
    "node": (
        "Identity",
        "This node, the lower half of its MAC, until software writes NODE; "
        "constant, or stable from reset on.",
    ),
    "open_id_seed": (
        "Identity",
        "Where IDs and epochs start, taken in the first clock after "
        "reset. It must be another value at every start of a node, or old packets may "
        "be taken for new ones: docs/guides/integration.md. The idle value is for "
        "simulations.",
    ),
    "ready": ("Status", "The memories are initialised. Nothing has to wait for it."),
    "free_slots": ("Status", "Replay slots that are free."),
    "irq": ("Status", "Level: a cause of INT_STATUS that INT_MASK lets through."),
}
# fmt: off
_TRACE = {
    "valid": "An event leaves the pipeline: the others hold in this clock.",
    "event": "Which event; the numbers of these fields are in docs/reference/trace.md.",
    "lid": "Number of the link.", "node": "Its peer.", "vc": "Its VC.",
    "old_state": "State before.", "new_state": "State after.", "action": "What was done.",
    "epoch": "Of the received frame.", "tx_id": "Of the received frame.",
    "rx_id": "Of the received frame.", "room": "There was a receive slot.",
    "delivered": "A payload goes to the host.", "kept": "The payload is kept behind a gap.",
    "background": "Slots are freed that were acknowledged before, and nothing else.",
    "frees": "Slots are freed that were acknowledged.",
    "result": "What became of a payload of the host.", "frame": "A frame is sent: `trace_frame_*`.",
    "frame_opcode": "Opcode of the frame that is sent.", "frame_node": "Its destination.",
    "frame_vc": "Its VC.", "frame_ieee": "Its EtherType is 0x9AC6.",
    "frame_ipv4": "It has the IPv4 form.", "frame_epoch": "Its epoch.",
    "congestion": "Byte 48 of the received frame.", "free": "The law lets the link send at once.",
    "slow": "A round trip was long lately.", "coin": "A random bit, for time-outs.",
    "crowded": "16 links or more are backlogged.",
    "frame_controlled": "It says that congestion control is known.",
    "frame_more": "It is a PAYLOAD with more behind it.",
    "frame_selective": "It says that selective replay is known.", "frame_tx_id": "Its TX ID.",
    "frame_rx_id": "Its RX ID.", "noticed": "The host is told: `trace_notice`.",
    "notice": "What the host is told.",
}
# fmt: on
# fmt: off
_LAW = {
    "valid": "A record of the trace, six clocks ago: the others hold in this clock.",
    "touched": "It was one of a link of VC 2; else nothing else counts.",
    "lid": "Number of the link.", "now": "Time of the law, in 64 bytes on the wire.",
    "controlled": "Congestion control was agreed, or is offered.", "window": "Packets in flight.",
    "growing": "The window doubles.", "limited": "It has held something back.",
    "timing": "A packet is timed.", "timed": "Its ID.",
    "stamp": "When it was sent.", "base": "Shortest round trip, in 256 bytes.",
    "gap": "From one packet to the next.", "next_at": "When the next one may go.",
    "free": "A payload of the host may go at once.",
    "counted": "The peer is backlogged towards us.", "age": "Rounds without a PAYLOAD of it.",
    "links": "How many peers are.",
}
# fmt: on
# What the registers do not give; of these a node has to have its own.
_IDLE = {
    "clk": None,
    "rst": None,
    "cfg_ieee": 0,
    "cfg_node": 1,
    "cfg_open_id_seed": 1,
    "node": 1,
    "open_id_seed": 1,
    "s_axil_bready": 1,
    "s_axil_rready": 1,
}


_PIN_GROUPS = {"cmac": "Hard MAC"}  # by the kind of the MAC; else it is a PHY


def _pins(kind):
    """`{name: (group, Pin)}` of a MAC's pins."""
    if kind is None:
        return {}
    group = _PIN_GROUPS.get(kind.name, "PHY")
    return {pin.name: ("MDIO" if pin.name.startswith("md") else group, pin) for pin in kind.pins}


def _words(name, mac):
    """Group and meaning of the port `name`; `mac`: the name of the MAC's kind."""
    if name in _LEVELS:
        return _LEVELS[name]
    if name in _CONFIGURATION:
        return "Configuration", _CONFIGURATION[name]
    if name.startswith("stat_"):
        meaning = (pulses(mac) | IPV4_STATS)[name]
        return "Statistics", f"Pulse of one clock: {meaning}."
    if name.startswith("trace_"):
        return "Trace", _TRACE[name.removeprefix("trace_")]
    if name.startswith("law_"):
        return "Congestion", _LAW[name.removeprefix("law_")]
    if name.startswith("s_axil_"):
        return "AXI4-Lite", _AXIL[name.removeprefix("s_axil_")]
    stem, part = name.rsplit("_", 1)
    group, carries, _ready = _STREAMS[stem]
    meaning = _PARTS_OF[name] if name in _PARTS_OF else _PARTS[part]
    return group, f"{carries} {meaning}" if part == "tdata" else meaning


def _idle(name, resets):
    if name in _IDLE:
        return _IDLE[name]
    stem, part = name.rsplit("_", 1)
    return _STREAMS[stem][2] if part == "tready" else resets.get(name, 0)


def ports(component, config):
    """The `Port`s of an `EngineTop` of this configuration, in the order of their groups."""
    kind = getattr(component, "mac", None)
    mac, pins = kind and kind.name, _pins(kind)
    resets = {
        field.drives: field.reset
        for register in register_map(config, mac).registers
        for field in register.fields
        if field.drives and field.reset is not None
    }
    found = {"clk": ("input", 1), "rst": ("input", 1)}
    for name, member in component.signature.members.items():
        found[name] = ("input" if member.flow == In else "output", Shape.cast(member.shape).width)
    groups, result = {}, []
    for name, (direction, width) in found.items():
        if name in pins:
            group, pin = pins[name]
            meaning, idle = pin.meaning, pin.idle
        else:
            group, meaning = _words(name, mac)
            idle = _idle(name, resets) if direction == "input" else None
        groups.setdefault(group, len(groups))
        result.append(Port(name, direction, width, group, meaning, idle))
    last = ("Statistics", "Trace", "Congestion")  # long, and seldom connected
    return sorted(
        result,
        key=lambda port: (
            last.index(port.group) + 1 if port.group in last else 0,
            groups[port.group],
        ),
    )


def to_dict(module, config, found, mac=None):
    """What the JSON port list holds."""
    return {
        "module": module,
        **({"mac": mac} if mac else {}),
        "configuration": asdict(config),
        "links": config.links,
        "ports": [asdict(port) for port in found],
    }


_PAGE = """\
# Ports of `{module}`

Configuration `{name}`: {width} bits, {links:,} links, {slots:,} replay slots. Generated; the
same in JSON: `{module}_ports.json`. Streams are AXI4-Stream, the register port is AXI4-Lite;
everything belongs to `clk`{but}. *Idle*: what to tie an input to that is not used; outputs may stay
open.
"""


def markdown(module, config, found):
    """The port list for people."""
    own_clocks = any(port.name.endswith("_clk") for port in found)
    lines = [
        _PAGE.format(
            module=module,
            name=config.name,
            width=config.width_bits,
            links=config.links,
            slots=config.slots,
            but=", but the pins of the MAC to their own clocks" * own_clocks,
        )
    ]
    group = None
    for port in found:
        if port.group != group:
            group = port.group
            lines += [
                "" if len(lines) > 1 else None,
                f"## {group}",
                "",
                "| port | direction | bits | idle | meaning |",
                "|---|---|---|---|---|",
            ]
        idle = "" if port.idle is None else str(port.idle)
        meaning = port.meaning.replace("|", "\\|")
        lines.append(f"| `{port.name}` | {port.direction} | {port.width} | {idle} | {meaning} |")
    return "\n".join(line for line in lines if line is not None) + "\n"
