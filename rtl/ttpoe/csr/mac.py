"""What a MAC adds to the register map: its counters, the state of its PHY, MDIO.

Source: IEEE 802.3 clause 22.2.4 (management), RFC 2819 (counters). `mac` is the name of a kind of
`ttpoe.mac.kinds`, or None for a NIC without a MAC, which these functions leave as it is.
"""

from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..mac.kinds import kind_of
from ..mac.mdio import answer_layout, request_layout
from .shapes import Access, Field, Register

__all__ = ["mac_drops", "mac_members", "mac_pulses", "mac_registers"]


def _in_map(name):
    """`stat_rx_good` of the MAC is `stat_mac_rx_good` beside the engine's."""
    return name.replace("stat_", "stat_mac_", 1)


def mac_pulses(mac):
    """`{pulse: what it counts}` of the MAC, under the names that they have beside the NIC's."""
    stats = kind_of(mac).stats if mac else {}
    return {_in_map(name): f"MAC: {meaning}" for name, meaning in stats.items()}


def mac_drops(mac):
    """Those of the pulses behind the cause `frame_dropped`."""
    return tuple(map(_in_map, kind_of(mac).drops)) if mac else ()


def mac_members(mac):
    """Members of `csr.block.Csr` that a MAC adds, but for those that the map itself names."""
    if mac is None:
        return {}
    kind = kind_of(mac)
    members = {name: In(1) for name in mac_pulses(mac)}
    members |= {f"i_phy_{level.name}": In(level.width) for level in kind.status}
    if kind.mdio:
        members |= {
            "o_mdio": Out(stream.Signature(request_layout)),
            "i_mdio": In(event_signature(answer_layout)),
        }
    return members


def mac_registers(mac):
    """Its registers, but for the counters."""
    if mac is None:
        return []
    kind, found = kind_of(mac), []
    if kind.control:
        found.append(Register("PHY_CONTROL", 0x140, "How the PHY is used.", tuple(
            Field(level.name, level.lsb, level.width, Access.RW, level.meaning, level.reset,
                  drives=f"cfg_phy_{level.name}") for level in kind.control)))  # fmt: skip
    if kind.status:
        found.append(Register("PHY_STATUS", 0x144, "What the PHY says.", tuple(
            Field(level.name, level.lsb, level.width, Access.RO, level.meaning, None)
            for level in kind.status)))  # fmt: skip
    return found + (_mdio() if kind.mdio else [])


# fmt: off
def _mdio():
    busy = "answered with SLVERR while MDIO_RESULT.busy."
    return [
        Register("MDIO_ADDRESS", 0x148, f"Register of a PHY. A write is {busy}", (
            Field("register", 0, 5, Access.RW, "Number of the register.", 0),
            Field("phy", 8, 5, Access.RW, "Address of the PHY.", 0))),
        Register("MDIO_DATA", 0x14C, f"What is written to it. A write is {busy}", (
            Field("data", 0, 16, Access.RW, "Of the next write to a PHY.", 0),)),
        Register("MDIO_COMMAND", 0x150, "Read or write the register MDIO_ADDRESS of a PHY. A "
                 f"write with byte 0 starts it; it is {busy}", (
                     Field("write", 0, 1, Access.WO, "0: read, 1: write."),)),
        Register("MDIO_RESULT", 0x154, "How the command ended.", (
            Field("data", 0, 16, Access.RO, "What was read.", 0),
            Field("answered", 16, 1, Access.RO, "A PHY answered the read.", 0),
            Field("busy", 31, 1, Access.RO, "The command is under way; the others hold once it "
                  "is not.", 0))),
    ]
# fmt: on
