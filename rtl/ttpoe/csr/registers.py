"""The register map, declared once: registers of a configuration, in the order of their addresses.

From it come the hardware (`csr.block`), `docs/reference/registers.md`, the C header and the
SystemRDL text (`csr.documents`), and the accessors that software and tests use (`csr.access`).
Source: the protocol's sections 4, 5, 7; the shape of a register is in `csr.shapes`.
"""

import zlib

from ..layouts import form_layout
from ..mac.kinds import KINDS
from ..nic.os_path import STATS as OS_STATS
from ..protocol import OUI
from ..stats import STATS
from .mac import mac_pulses, mac_registers
from .shapes import Access, Field, Register, RegisterMap

__all__ = ["register_map", "counters", "pulses", "COUNTERS", "INTERRUPTS", "NOTICE_DEPTH", "MAGIC"]

MAGIC = 0x54545031  # "TTP1", big-endian ASCII
VERSION_MAJOR = 1
VERSION_MINOR, VERSION_MINOR_WITH_MAC = 1, 2
NOTICE_DEPTH = 16
COUNTER_BASE = 0x400
_RO, _RW, _W1C, _WO, _WCLR = Access.RO, Access.RW, Access.W1C, Access.WO, Access.WCLR

PULSES = {**STATS, **OS_STATS}
"""Every statistic of the NIC: the engine's and the OS path's."""

COUNTERS = {
    "stat_notice_lost": "notice to the host lost because the notice queue was full",
    **PULSES,
}
"""What is counted, in the order of the counters' addresses: name of the pulse -> meaning."""


def pulses(mac=None):
    """`PULSES`, and those of a MAC, the name of a kind of `mac.kinds`."""
    return PULSES | mac_pulses(mac)


def counters(mac=None):
    """`COUNTERS`, and those of a MAC behind them."""
    return COUNTERS | mac_pulses(mac)


INTERRUPTS = {
    "link_up": "a link became OPEN",
    "link_down": "a link became CLOSED other than by silence of its peer",
    "refused": "an open was refused, or a packet or open for this node itself",
    "peer_restarted": "a peer restarted and opened its link anew, or may have if its epoch is 0",
    "retries_used_up": "a link ended because its peer stayed silent",
    "payload_refused": "a packet of the host was refused because its link closes",
    "ids_reused": "a peer opened its link with IDs that it had used: its seed is not fresh",
    "frame_dropped": "a received frame was dropped at the door as bad, or for want of room",
    "payload_dropped": "a packet of the host was dropped (oversize, empty or refused)",
    "notice_lost": "a notice was lost because the notice queue was full",
    "memory_fault": "a word of a memory was read with two wrong bits: reset the engine",
}
"""Bits of INT_STATUS and INT_MASK from bit 0; the first seven are numbered as `layouts.Notice`."""


# fmt: off
def _identification(config, mac):
    names = "\n".join(counters(mac))
    return [
        Register("MAGIC", 0x000, "Identification.", (
            Field("magic", 0, 32, _RO, 'ASCII "TTP1".', MAGIC),)),
        Register("VERSION", 0x004, "Version of this register map.", (
            Field("minor", 0, 16, _RO, "Raised by every addition.",
                  VERSION_MINOR_WITH_MAC if mac else VERSION_MINOR),
            Field("major", 16, 16, _RO, "Raised by every change that is not an addition.",
                  VERSION_MAJOR))),
        Register("COUNTER_MAP", 0x008, "Version of the counters.", (
            Field("crc", 0, 32, _RO, "CRC-32 of the counters' names in the order of their "
                  "addresses, joined by line feeds: another value, other counters.",
                  zlib.crc32(names.encode())),)),
        Register("COUNTER_COUNT", 0x00C, "Number of counters.", (
            Field("count", 0, 16, _RO, "Counters from COUNT_* on, 4 bytes each.",
                  len(counters(mac))),)),
        Register("DATAPATH", 0x010, "How the engine was built.", (
            Field("width_bits", 0, 16, _RO, "Width of every datapath, in bits.",
                  config.width_bits, configured=True),
            Field("vc_tables", 16, 2, _RO, "3: a link table for each VC; 1: one for all.",
                  config.vc_tables, configured=True),
            Field("protect", 18, 1, _RO, "Words of memories: 1 one wrong bit is put right and "
                  "counted, 0 none is looked for.", int(config.protect == "secded"),
                  configured=True),
            *_mac_field(mac), *_form_field(config))),
        Register("LINKS", 0x014, "Links that can be open at once.", (
            Field("links", 0, 32, _RO, "Link numbers are 0 to `links` - 1.",
                  config.links, configured=True),)),
        Register("SLOTS", 0x018, "Replay memory.", (
            Field("slots", 0, 32, _RO, "Replay slots of 1 KB.", config.slots,
                  configured=True),)),
        Register("RX_SLOTS", 0x01C, "Receive memory.", (
            Field("slots", 0, 16, _RO, "Receive slots of 1 KB.", config.rx_slots,
                  configured=True),
            Field("reserved", 16, 16, _RO, "Of these kept back for each VC.",
                  config.rx_reserved, configured=True))),
        Register("REORDER_SLOTS", 0x020, "Reorder memory.", (
            Field("slots", 0, 16, _RO, "Of the receive slots set aside for packets that are kept "
                  "behind a gap.", config.reorder_slots, configured=True),)),
    ]


def _oui(config):
    octets = config.oui.to_bytes(3, "big").hex(":")
    return f"Tesla's {octets}" if config.oui == OUI else octets


def _mac_field(mac):
    if mac is None:
        return ()
    kinds = ", ".join(f"{kind.number} {kind.name}" for kind in KINDS.values())
    return (Field("mac", 19, 3, _RO, f"MAC of the port: {kinds}; 0 there is none.",
                  KINDS[mac].number, configured=True),)


def _form_field(config):
    if not config.ipv4:
        return ()
    return (Field("ipv4", 22, 1, _RO, "1: it knows the IPv4 form.", 1, configured=True),)


def _ipv4(config):
    """Registers of an engine that knows the IPv4 form."""
    if not config.ipv4:
        return []
    return [
        Register("IPV4", 0x064, "The IPv4 form.", (
            Field("opens", 0, 1, _RW, "Links that this node opens have it, and no ETHERTYPE.", 0,
                  drives="cfg_ipv4"),
            Field("prefix", 8, 8, _RW, "First byte of every node's IPv4 address; the others are "
                  "the node.", 10, drives="cfg_ipv4_prefix"))),
        Register("IPV4_MASK", 0x068, "Which nodes are reached through a router.", (
            Field("mask", 0, 24, _RW, "Those that differ from NODE where this has a one; 0: none.",
                  0, drives="cfg_ipv4_mask"),)),
        Register("IPV4_ROUTER_UPPER", 0x06C, "MAC of that router, its first three bytes.", (
            Field("mac", 0, 24, _RW, "The first byte in bits 23:16.", 0,
                  drives="cfg_ipv4_router_upper"),)),
        Register("IPV4_ROUTER_LOWER", 0x070, "MAC of that router, its last three bytes.", (
            Field("mac", 0, 24, _RW, "The last byte in bits 7:0.", 0,
                  drives="cfg_ipv4_router_lower"),)),
    ]


def _configuration(config):
    return [
        Register("CONTROL", 0x040, "What is switched on.", (
            Field("enable", 0, 1, _RW, "The engine.", 1, drives="cfg_enable"),
            Field("os_enable", 1, 1, _RW, "The path of other EtherTypes to the operating system.",
                  1, drives="cfg_os_enable"),
            Field("fixed_open_id", 2, 1, _RW, "Every open ID is INIT_ID (for tests).", 0,
                  drives="cfg_fixed_open_id"),
            Field("selective", 3, 1, _RW, "Selective replay is offered and accepted; else every "
                  "link is go-back-N. For links that open from now on.", 1,
                  drives="cfg_selective"),
            Field("congestion", 4, 1, _RW, "Congestion control is offered and accepted on DATA. "
                  "For links that open from now on.", int(config.congestion != "none"),
                  drives="cfg_congestion"))),
        Register("NODE", 0x044, "Address of this node.", (
            Field("node", 0, 24, _RW, f"Lower half of its MAC; the upper half is {_oui(config)}. "
                  "Each byte that was never written shows the port.", None,
                  drives="cfg_node", port="i_node"),)),
        Register("ETHERTYPE", 0x048, "EtherType of links that this node opens.", (
            Field("ethertype", 0, 16, _RW, "0x0AC6 or 0x9AC6; a write of anything else, also of "
                  "a single byte that belongs to neither, is answered with SLVERR and changes "
                  "nothing.", 0x0AC6),)),
        Register("INIT_ID", 0x04C, "Where a peer that declares no first ID starts.", (
            Field("init_id", 0, 32, _RW, "Its first data ID is this + 1.", 1,
                  drives="cfg_init_id"),)),
        Register("OPEN_ID_SEED", 0x050, "Seed of open IDs and epochs.", (
            Field("seed", 0, 32, _RW, "Must differ at every start of the node. Taken by the "
                  "engine in its first clock after reset; a value written later counts from the "
                  "engine's next reset on, if that leaves "
                  "these registers alone. Each byte that was never written shows the port.",
                  None, drives="cfg_open_id_seed", port="i_open_id_seed"),)),
        Register("TIMER_TICK", 0x054, "Pace of the link timer.", (
            Field("clocks", 0, 24, _RW, "Clocks between two visits; a round is LINKS visits. It must be "
                  "longer than a round trip. Reset: about 8192 clocks, at least 8 a visit.",
                  max(8, 8192 // config.links), drives="cfg_timer_tick", configured=True),)),
        Register("MAX_RETRY", 0x058, "When a silent peer's link ends.", (
            Field("retries", 0, 10, _RW, "Time-outs in a row; 0 = never.", 1000,
                  drives="cfg_max_retry"),)),
        Register("IDLE_LIMIT", 0x05C, "When an idle link is closed.", (
            Field("rounds", 0, 10, _RW, "Idle rounds of the timer; 0 = never.", 0,
                  drives="cfg_idle_limit"),)),
        Register("LINK_SLOTS", 0x060, "Replay slots that one link may hold.", (
            Field("slots", 0, config.count_bits, _RW, "0 = no limit. Reset: three quarters, so "
                  "that one link whose peer does not read cannot hold the whole pool.",
                  config.slots * 3 // 4,
                  drives="cfg_link_slots", configured=True, sized=True),)),
    ]


def _control(config):
    return [
        Register("STATUS", 0x080, "State of the engine.", (
            Field("ready", 0, 1, _RO, "The engine's memories are initialised.", None),
            Field("command_busy", 1, 1, _RO, "A command waits for the engine: COMMAND and "
                  "COMMAND_NODE answer a write with SLVERR.", 0))),
        Register("FREE_SLOTS", 0x084, "Replay slots that are free.", (
            Field("slots", 0, config.count_bits, _RO, "At the moment of the read.", None,
                  sized=True),)),
        Register("COMMAND_NODE", 0x0A0, "Peer of the next command.", (
            Field("node", 0, 24, _RW, "Lower half of its MAC.", 0),)),
        Register("COMMAND", 0x0A4, "Open or close the link to COMMAND_NODE. A write with byte 0 "
                 "starts the command.", (
                     Field("vc", 0, 2, _WO, "0, 1 or 2; a command for 3 is dropped and counted."),
                     Field("close", 4, 1, _WO, "0: open, 1: close."))),
        Register("LINK_INDEX", 0x0C0, "Link whose tag is read out. A write with any byte starts "
                 "the read-out.", (
                     Field("link", 0, 32, _RW, "A write of LINKS or more, or while LINK_STATUS."
                           "busy, is answered with SLVERR and changes nothing.", 0),)),
        Register("LINK_STATUS", 0x0C4, "State of the read-out.", (
            Field("busy", 0, 1, _RO, "A read-out is under way.", 0),
            Field("valid", 1, 1, _RO, "The registers below hold the tag of link LINK_INDEX.", 0,
                  clears="by a write of LINK_INDEX"))),
    ]


LINK_FLAGS = ("ieee", "selective", "held", "gap", "heard", "close_due", "close_nacked",
              "end_known", "end_ahead", "timer", "queued", "fed", "guessed", "doubted",
              "controlled")
_FLAG_MEANINGS = {
    "ieee": "EtherType 0x9AC6.", "selective": "Selective replay was agreed.",
    "held": "NACK_FULL: waits for the timer.", "gap": "A gap is open and was NACKed.",
    "heard": "An OPEN of the peer came while ours was under way.",
    "close_due": "A CLOSE is to be sent.", "close_nacked": "The peer answered our CLOSE with "
    "CLOSE_NACK.", "end_known": "The peer declared its last ID.",
    "end_ahead": "... and has not sent it yet.", "timer": "No progress since the last visit.",
    "queued": "In its ready queue.", "fed": "LINK_RECEIVED is the ID of a PAYLOAD that was "
    "received on this link.", "guessed": "LINK_RECEIVED is INIT_ID, because the peer did not say "
    "where it stands.", "doubted": "An OPEN of a peer with epoch 0 came that does not fit.",
    "controlled": "Congestion control was agreed.",
    "ipv4": "The link has the IPv4 form, and no EtherType of its own."}


def link_flags(config):
    """`LINK_FLAGS`, and those of an engine that knows the IPv4 form."""
    return (*LINK_FLAGS, *form_layout(config))


def _link(config):
    def tag(name, address, meaning, width, *, field, sized=False):
        return Register(name, address, meaning, (
            Field(field, 0, width, _RO, "As of the read-out.", None, sized=sized),))

    flags = [Field(name, 8 + position, 1, _RO, _FLAG_MEANINGS[name], None)
             for position, name in enumerate(link_flags(config))]
    return [
        Register("LINK_STATE", 0x0C8, "State of the link. All below means something only if it "
                 "is not CLOSED.", (
                     Field("state", 0, 3, _RO, "0 CLOSED, 1 OPEN_SENT, 2 OPEN_RECD, 3 OPEN, "
                           "4 CLOSE_SENT, 5 CLOSE_RECD.", None),
                     Field("vc", 4, 2, _RO, "Its VC.", None), *flags)),
        tag("LINK_NODE", 0x0CC, "Its peer.", 24, field="node"),
        tag("LINK_UNA", 0x0D0, "Oldest ID of ours that is not acknowledged.", 32, field="id"),
        tag("LINK_RECEIVED", 0x0D4, "Last ID of the peer's received in order.", 32, field="id"),
        tag("LINK_ALLOC", 0x0D8, "Payloads not yet acknowledged, sent or not.",
            config.count_bits, field="slots", sized=True),
        tag("LINK_SENT", 0x0DC, "Of these, sent at least once.", config.count_bits,
            field="slots", sized=True),
        tag("LINK_CHAIN", 0x0E0, "Replay slots that the link holds.", config.count_bits,
            field="slots", sized=True),
        Register("LINK_EPOCHS", 0x0E4, "Epochs of the link.", (
            Field("own", 0, 16, _RO, "Ours.", None),
            Field("peer", 16, 16, _RO, "The peer's; 0 = it has none.", None))),
        tag("LINK_RETRIES", 0x0E8, "Time-outs in a row.", 10, field="retries"),
        Register("LINK_WINDOW", 0x0EC, "Congestion control of the link. This and the next two "
                 "mean something only if it is controlled, but for `counted`; all zero in an "
                 "engine without congestion control.", (
                     Field("window", 0, config.count_bits, _RO, "Packets that may be in flight.",
                           None, sized=True),
                     Field("growing", 30, 1, _RO, "The window doubles.", None),
                     Field("counted", 31, 1, _RO, "The peer is one of those that are backlogged "
                           "towards us.", None))),
        tag("LINK_PACE", 0x0F0, "Time from one packet to the next, in units of 64 bytes on the "
            "wire: 17 and a bit for each backlogged link of the peer; 0 = alone.", 15,
            field="gap"),
        tag("LINK_ROUND", 0x0F4, "Shortest round trip, in units of 256 bytes on the wire; 4095 = "
            "none was measured.", 12, field="base"),
    ]


def _events():
    causes = list(INTERRUPTS.items())
    return [
        Register("INT_STATUS", 0x100, "Causes that have occurred.", tuple(
            Field(name, bit, 1, _W1C, f"{meaning[0].upper()}{meaning[1:]}.", 0,
                  clears="by writing 1; a cause that comes in the same clock stays")
            for bit, (name, meaning) in enumerate(causes))),
        Register("INT_MASK", 0x104, "Causes that raise the interrupt.", tuple(
            Field(name, bit, 1, _RW, "1: it raises `irq`.", 0)
            for bit, (name, _meaning) in enumerate(causes))),
        Register("NOTICE_HEAD", 0x108, f"Oldest of up to {NOTICE_DEPTH} queued notices; all zero "
                 "if there is none.", (
                     Field("node", 0, 24, _RO, "The peer.", 0),
                     Field("vc", 24, 2, _RO, "The VC.", 0),
                     Field("notice", 28, 3, _RO, "Number of the bit in INT_STATUS, 0 to 6.", 0),
                     Field("valid", 31, 1, _RO, "There is one.", 0))),
        Register("NOTICE_POP", 0x10C, "A write with any byte takes the oldest notice out of the "
                 "queue.", (Field("pop", 0, 1, _WO, "The value does not matter."),)),
        Register("COUNTER_CLEAR", 0x120, "A write with any byte clears all counters, one after "
                 "the other; it is answered when all are cleared.", (
                     Field("clear", 0, 1, _WO, "The value does not matter."),)),
    ]


def _counters(mac):
    return [Register(f"COUNT_{name.removeprefix('stat_').upper()}", COUNTER_BASE + 4 * position,
                     f"{meaning[0].upper()}{meaning[1:]}.",
                     (Field("count", 0, 32, _WCLR, "Clocks in which it happened.", 0,
                            clears="by a write of any value with any byte, or COUNTER_CLEAR; what "
                            "happens in that clock counts 1", saturates=True),))
            for position, (name, meaning) in enumerate(counters(mac).items())]
# fmt: on


def register_map(config, mac=None):
    """The `RegisterMap` of one configuration, with those of a MAC, if there is one."""
    return RegisterMap(
        config,
        (
            *_identification(config, mac),
            *_configuration(config),
            *_ipv4(config),
            *_control(config),
            *_link(config),
            *_events(),
            *mac_registers(mac),
            *_counters(mac),
        ),
    )
