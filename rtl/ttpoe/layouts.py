"""What flows between the blocks: every stream payload is a named layout, defined once, here.

Beats carry bytes; events carry metadata only. Bytes go to memory once and are read once per
transmission; nothing but events passes through Q0-Q3.
"""

from amaranth.lib import data, enum, stream

from .protocol import FIELDS, Opcode

__all__ = [
    "beat_layout",
    "byte_layout",
    "host_tx_layout",
    "host_rx_layout",
    "rx_event_layout",
    "rx_verdict_layout",
    "host_event_layout",
    "HostResult",
    "host_result_layout",
    "command_layout",
    "Command",
    "control_frame_layout",
    "payload_frame_layout",
    "slot_write_layout",
    "slot_append_layout",
    "slot_free_layout",
    "reading_layout",
    "Notice",
    "notice_layout",
    "trace_layout",
    "HEADER",
    "HEADER_FIELDS",
    "NOT_IN_PAYLOAD",
    "RECEIVED_FIELDS",
    "WIRE_FIELDS",
    "form_layout",
    "header_fields",
    "header_layout",
    "event_signature",
]


HEADER = {
    "opcode": Opcode,
    "node": 24,  # the other end: source of a received frame, destination of one that is sent
    "vc": 2,
    "ieee": 1,  # EtherType 0x9AC6 rather than 0x0AC6
    "epoch": 16,
    "selective": 1,  # bit 0x20 of the extension byte
    "controlled": 1,  # bit 0x40
    "congestion": 8,  # byte 48 (section 11)
    "tx_id": 32,
    "rx_id": 32,
}
"""What a frame's header says: {name in every record: shape}. `protocol.FIELDS` says where it lies
on the wire."""

HEADER_FIELDS = tuple(name for name in HEADER if name != "congestion")
"""Those that are the same in every record: of a frame that is to be sent, a flag says what byte 48
will be."""

WIRE_FIELDS = tuple(name for name in HEADER if name in FIELDS)
"""Those that lie on the wire as they are in the records. `node`, `ieee`, `selective` and
`controlled` are what the fields of other names say."""

RECEIVED_FIELDS = ("epoch", "tx_id", "rx_id", "congestion")
"""Those of a received frame that the trace has, beside what says which link it is."""

NOT_IN_PAYLOAD = ("opcode", "selective", "controlled", "rx_id")
"""Those that a PAYLOAD need not say."""


def header_layout(*, without=(), byte48=None):
    """`HEADER` as the fields of a record: but for those `without`, and with the flag `byte48`, if
    there is one, in the place of `congestion`."""
    fields = {}
    for name, shape in HEADER.items():
        if name == "congestion" and byte48:
            fields[byte48] = 1
        elif name not in without:
            fields[name] = shape
    return fields


def form_layout(config):
    """Fields of every record that say which form a frame has, beside `ieee`: those that are built.

    `ipv4`: TTP in UDP and IPv4 (decision E1); `ieee` then says nothing, and is 0.
    """
    return {"ipv4": 1} if config.ipv4 else {}


def header_fields(config):
    """`HEADER_FIELDS`, and those of `form_layout`."""
    return (*HEADER_FIELDS, *form_layout(config))


def event_signature(shape):
    """A stream that is never held back: `valid` for one clock is one event."""
    return stream.Signature(shape, always_ready=True)


# ---- beats -------------------------------------------------------------------------------------


def beat_layout(config):
    """One beat of a frame on the MAC side.

    `data`: wire byte 0 in lane 0. `keep`: a run of ones from lane 0, all ones unless `last`,
    never zero. `error`: counts only with `last`; the MAC's verdict "bad frame" (FCS).
    """
    return data.StructLayout(
        {"data": config.width_bits, "keep": config.width_bytes, "last": 1, "error": 1}
    )


byte_layout = data.StructLayout({"data": 8, "last": 1, "error": 1})
"""One byte of a frame in a MAC; `error` counts only with `last`, as in a beat."""


def host_tx_layout(config):
    """One beat of a payload from the host; `node` (destination) holds for the whole packet."""
    return data.StructLayout(
        {"data": config.width_bits, "keep": config.width_bytes, "last": 1, "node": 24}
    )


def host_rx_layout(config):
    """One beat of a payload to the host; `node` (source) and `id` hold for the whole packet."""
    return data.StructLayout(
        {"data": config.width_bits, "keep": config.width_bytes, "last": 1, "node": 24, "id": 32}
    )


# ---- receive -----------------------------------------------------------------------------------


def rx_event_layout(config):
    """A received frame that parsed and whose FCS was good, raised at its end.

    `room` says that a PAYLOAD's bytes lie in receive slot `slot`; exactly one verdict must then
    follow for that slot, at once or, if the payload is kept behind a gap, later.
    Without `room` (no receive slot left, or no PAYLOAD) nothing is held.
    """
    return data.StructLayout(
        {**header_layout(), "room": 1, "slot": config.rx_slot_bits, **form_layout(config)}
    )


def rx_verdict_layout(config):
    """What Q3 decided about a receive slot: deliver it to the host on `vc`, or drop it.

    `kept`: it was kept behind a gap until now, and is one of the `reorder_slots`.
    """
    return data.StructLayout({"slot": config.rx_slot_bits, "vc": 2, "deliver": 1, "kept": 1})


# ---- transmit ----------------------------------------------------------------------------------


def slot_write_layout(config):
    """One beat written into a replay slot; on `last` the packet's `length_bytes` is recorded."""
    return data.StructLayout(
        {
            "slot": config.slot_bits,
            "beat": config.beat_bits,
            "data": config.width_bits,
            "last": 1,
            "length_bytes": 11,
        }
    )


def host_event_layout(config):
    """A whole payload of the host lies in replay slot `slot`, for `node` (VC known by the port)."""
    return data.StructLayout({"node": 24, "slot": config.slot_bits})


class HostResult(enum.Enum, shape=2):
    """What became of a host event (Q3).

    TAKEN: the slot belongs to the link now. REFUSED: the link is closing, or would be one with
    ourselves; the slot was freed.
    BLOCKED: no tag, or the link holds all the slots it may; the event must be raised again.
    """

    TAKEN = 0
    REFUSED = 1
    BLOCKED = 2


host_result_layout = data.StructLayout({"vc": 2, "result": HostResult})


def control_frame_layout(config):
    """A frame without payload that is to be sent.

    `announces`: byte 48 says how many links are backlogged here.
    """
    return data.StructLayout(
        {
            **header_layout(byte48="announces"),
            "lid": config.lid_bits,
            "report": 1,  # raise a "sent" event for `lid` when it is on the wire (OPEN_RECD)
            **form_layout(config),
        }
    )


def payload_frame_layout(config):
    """A PAYLOAD frame that is to be sent: the bytes and their number lie in replay slot `slot`.

    `more`: byte 48 says that there is more behind it.
    """
    return data.StructLayout(
        {
            "slot": config.slot_bits,
            "lid": config.lid_bits,
            **header_layout(without=NOT_IN_PAYLOAD, byte48="more"),
            **form_layout(config),
        }
    )


def slot_append_layout(config):
    """Replay slot `slot` follows `tail` in its link's list."""
    return data.StructLayout({"tail": config.slot_bits, "slot": config.slot_bits})


def slot_free_layout(config):
    """A chain of replay slots, `head` to `tail` and linked, that goes back to the free list.

    `whole_link`: every PAYLOAD of `lid` that waits for the wire dies with it; otherwise
    (acknowledged slots) only the PAYLOADs that would read slot `head`. Those of a run were killed
    when the retirer passed them (`replay.retirer`, `o_passed`).
    """
    return data.StructLayout(
        {
            "head": config.slot_bits,
            "tail": config.slot_bits,
            "count": config.count_bits,
            "lid": config.lid_bits,
            "whole_link": 1,
        }
    )


def reading_layout(config):
    """The replay slot from which a frame is being read, if `valid`."""
    return data.StructLayout({"valid": 1, "slot": config.slot_bits})


# ---- host control ------------------------------------------------------------------------------


class Command(enum.Enum, shape=1):
    OPEN = 0
    CLOSE = 1


command_layout = data.StructLayout({"command": Command, "node": 24, "vc": 2})


class Notice(enum.Enum, shape=3):
    """What the host is told about a link (section 7)."""

    LINK_UP = 0
    LINK_DOWN = 1  # NACK_NOLINK from the peer, or closed by the peer or by us
    REFUSED = 2  # OPEN_NACK, or closed by the host before it was open
    PEER_RESTARTED = 3  # or, if its epoch is 0, may have
    RETRIES_USED_UP = 4
    PAYLOAD_REFUSED = 5  # handed over while the link closes
    IDS_REUSED = 6  # the peer opens with IDs that were used: its open_id_seed is not fresh


notice_layout = data.StructLayout({"notice": Notice, "node": 24, "vc": 2})


def _sent_layout(config):
    """The header of the frame that is sent, `frame_` in front of each name; its form is in one
    place."""
    fields = {}
    for name, shape in header_layout(byte48="more").items():
        fields[f"frame_{name}"] = shape
        if name == "ieee":
            fields |= {f"frame_{form}": bits for form, bits in form_layout(config).items()}
    return fields


def trace_layout(config):
    """One record per event that leaves the pipeline; the scoreboard reads nothing else.

    See `link.fsm` for `event`, the states and `action`.
    """
    from .link.fsm import Action, Event, LinkState

    return data.StructLayout(
        {
            "event": Event,
            "lid": config.lid_bits,
            "node": 24,
            "vc": 2,
            "old_state": LinkState,
            "new_state": LinkState,
            "action": Action,
            # of the received frame
            **{name: HEADER[name] for name in RECEIVED_FIELDS},
            "room": 1,  # a receive slot was there
            "free": 1,  # four inputs of the law (section 11): the link may send at once,
            "slow": 1,  # some round trip was long lately,
            "coin": 1,  # a random bit,
            "crowded": 1,  # many links are backlogged
            "delivered": 1,  # a payload goes to the host: the received one, or (LOOK) a kept one
            "kept": 1,  # the received payload is kept behind a gap
            "background": 1,  # slots are freed that were acknowledged before, and nothing else
            "frees": 1,  # slots are freed that were acknowledged
            "result": HostResult,  # of HOST_PAYLOAD
            "frame": 1,  # a frame is sent: those that begin so
            **_sent_layout(config),
            "noticed": 1,  # the host is told
            "notice": Notice,
        }
    )
