"""The registers of a board, as data: `board_registers`. They lie above those of the port.

Source: none; the protocol knows no board. Addresses are those of the UART's requests.
"""

from ..csr.shapes import Access, Field, Register

__all__ = ["APPS", "BASE", "MAGIC", "PROTOCOL", "board_registers"]

BASE = 0x8000
MAGIC = 0x42505454  # "TTPB", lowest byte first
PROTOCOL = 1
APPS = {"echo": 1, "traffic": 2, "bridge": 3}
"""Application -> its number in BOARD_APP."""

RO, RW, W1C, WO = Access.RO, Access.RW, Access.W1C, Access.WO


def _word(
    name, place, meaning, access=RO, width=32, field="value", reset: int | None = 0
) -> Register:
    return Register(name, BASE + place, meaning, (Field(field, 0, width, access, meaning, reset),))


# fmt: off
def _common(app, clock_hz):
    return (
        Register("BOARD_MAGIC", BASE, "A board of this project.", (
            Field("magic", 0, 32, RO, "0x42505454.", MAGIC),)),
        Register("BOARD_APP", BASE + 0x04, "What the board does.", (
            Field("app", 0, 8, RO, "1: echo, 2: traffic, 3: bridge.", APPS[app]),
            Field("protocol", 8, 8, RO, "Number of the protocol on the UART.", PROTOCOL))),
        Register("BOARD_CLOCK", BASE + 0x08, "The engine's clock.", (
            Field("hz", 0, 32, RO, "In Hz.", int(clock_hz)),)),
        _word("BOARD_TIME", 0x0C, "Clocks since reset, modulo 2^32.", reset=None),
        Register("BOARD_LEDS", BASE + 0x10, "What the LEDs say.", (
            Field("link", 0, 1, RO, "The PHY says that its link is up.", None),
            Field("receive", 1, 1, RO, "A good frame came a short time ago.", None),
            Field("transmit", 2, 1, RO, "A frame was sent a short time ago.", None),
            Field("fault", 3, 1, W1C, "Since reset, or since a 1 was written: a frame was spoilt, "
                  "lost or sent again, a memory had an error, or the checker found one.", None))),
    )


_LENGTHS = "0: 1 to 64, 1: 961 to 1024, 2: 1 to 1024 bytes, 3: mixed."
_ECHO = (
    _word("ECHO_PACKETS", 0x40, "Packets sent back, modulo 2^32.", reset=None),
    _word("ECHO_BYTES", 0x44, "Bytes in them, modulo 2^32.", reset=None),
)
_TRAFFIC = (
    Register("TRAFFIC_CONTROL", BASE + 0x40, "The generator and the checker, on VC 0.", (
        Field("enable", 0, 1, RW, "New packets may begin.", 0),
        Field("reset", 1, 1, RW, "Both begin anew, with packet 0, and all figures are 0. `lengths` and "
              "the registers that say how must not change otherwise.", 1),
        Field("one", 2, 1, RW, "A packet begins only when the one before has come back.", 0),
        Field("lengths", 4, 2, RW, _LENGTHS, 0))),
    _word("TRAFFIC_NODE", 0x44, "Where packets go, and must come from.", RW, 24, "node"),
    _word("TRAFFIC_SEED", 0x48, "Lengths and bytes of the packets follow from it.", RW, reset=1),
    _word("TRAFFIC_GAP", 0x4C, "Before each packet lie 0 to this many clocks; one less than a power "
          "of two.", RW, 16, "mask"),
    _word("TRAFFIC_LIMIT", 0x50, "So many packets are sent.", RW, field="packets"),
    _word("TRAFFIC_SENT", 0x54, "Packets handed to the engine.", reset=None),
    _word("TRAFFIC_RECEIVED", 0x58, "Packets that came back, each once, in order and right.",
          reset=None),
    _word("TRAFFIC_BYTES", 0x5C, "Bytes in those, modulo 2^32.", reset=None),
    _word("TRAFFIC_CLOCKS", 0x60, "From the first packet offered to the last one received.",
          reset=None),
    Register("TRAFFIC_ERROR", BASE + 0x64, "What the checker found first.", (
        Field("error", 0, 3, RO, "0: nothing, 1: another packet, 2: length, 3: data, 4: node, "
              "5: ID.", None),
        Field("beat", 8, 7, RO, "In which beat.", None))),
    _word("TRAFFIC_ERROR_NUMBER", 0x68, "Number of the packet that was expected.", reset=None),
    _word("TRAFFIC_ERROR_FOUND", 0x6C, "Low word of the beat that came.", reset=None),
    _word("PING_LAST", 0x70, "Round trip of the last packet of one at a time, in clocks: from its "
          "first beat offered to its last one checked.", reset=None),
    _word("PING_LEAST", 0x74, "The shortest.", reset=None),
    _word("PING_MOST", 0x78, "The longest.", reset=None),
    _word("PING_SUM", 0x7C, "All of them, modulo 2^32.", reset=None),
)
_BRIDGE = (
    _word("BRIDGE_NODE", 0x40, "Where packets go.", RW, 24, "node"),
    _word("BRIDGE_LOW", 0x44, "Bytes 0 to 3 of the next beat, lowest first.", RW),
    _word("BRIDGE_HIGH", 0x48, "Bytes 4 to 7.", RW),
    Register("BRIDGE_PUSH", BASE + 0x4C, "Sends a beat of BRIDGE_LOW and BRIDGE_HIGH on VC 0. A write "
             "is refused while there is no room, and if less than 8 bytes are not the last ones.", (
                 Field("bytes", 0, 4, WO, "Bytes in it, 1 to 8."),
                 Field("last", 8, 1, WO, "The packet ends with it."),
                 Field("turn", 9, 1, WO, "Must not be BRIDGE_TURNS.push; else nothing is sent: it is "
                       "a repeat."))),
    Register("BRIDGE_HEAD", BASE + 0x50, "The oldest beat that came on VC 0.", (
        Field("bytes", 0, 4, RO, "Bytes in it; 0: there is none, and the rest means nothing.", None),
        Field("last", 4, 1, RO, "The packet ends with it.", None),
        Field("node", 8, 24, RO, "Where it came from.", None))),
    _word("BRIDGE_DATA_LOW", 0x54, "Its bytes 0 to 3, lowest first.", reset=None),
    _word("BRIDGE_DATA_HIGH", 0x58, "Its bytes 4 to 7.", reset=None),
    Register("BRIDGE_POP", BASE + 0x5C, "Takes it away. A write is refused if there is none.", (
        Field("turn", 0, 1, WO, "Must not be BRIDGE_TURNS.pop; else nothing is taken away."),)),
    Register("BRIDGE_TURNS", BASE + 0x60, "The turn of the last write that counted.", (
        Field("push", 0, 1, RO, "Of BRIDGE_PUSH.", None),
        Field("pop", 1, 1, RO, "Of BRIDGE_POP.", None))),
)
# fmt: on
_OF_APP = {"echo": _ECHO, "traffic": _TRAFFIC, "bridge": _BRIDGE}


def board_registers(app, clock_hz):
    """The `Register`s of a board with this application, in the order of their addresses."""
    return (*_common(app, clock_hz), *_OF_APP[app])
