"""What the saved views show, as data: groups in the order in which a packet meets them.

A path begins with `pair.` and has `{x}` for the engine (`a`, `b`) or, below `@`, lies in the engine
itself, wherever that is in the hierarchy. `kind` is one of `names.KINDS`, or how a number is shown.
"""

from dataclasses import dataclass

__all__ = ["Line", "GROUPS", "NUMBERS"]

NUMBERS = ("hex", "decimal")


@dataclass(frozen=True)
class Line:
    """One signal of a view. `if_built`: only some engines have it, and only there it is shown."""

    label: str
    path: str
    kind: str = "hex"
    colour: str = ""
    if_built: bool = False


def _stage(valid, event):
    return [
        Line("valid", valid, colour="green"),
        Line("event", f"{event}.event", "event", "yellow"),
        Line("VC", f"{event}.vc", "decimal"),
        Line("link", f"{event}.lid", "decimal"),
        Line("TxID", f"{event}.tx_id"),
        Line("RxID", f"{event}.rx_id"),
    ]


def _host(direction, port, vcs=(2, 1, 0)):
    return [
        Line(
            f"{direction} VC {vc} {part}",
            f"pair.{{x}}_{port}{vc}_t{part}",
            "hex",
            "green" if part == "valid" else "",
        )
        for vc in vcs
        for part in ("valid", "ready", "last")
    ]


_DOOR = "@pipeline.interlock"
_FOUND = "@pipeline.read.o_found__payload"
_DECIDE = "@pipeline.decide"
_DONE = "@pipeline.o_done__payload"
_OUTCOME, _TAG = f"{_DONE}.outcome", f"{_DONE}.tag"

GROUPS = [
    (
        "host streams",
        [
            *_host("TX", "s_host_tx"),
            *_host("RX", "m_host_rx"),
            Line("notice", "@o_notice__payload.notice", "notice", "yellow"),
            Line("notice valid", "@o_notice__valid"),
        ],
    ),
    (
        "wires",
        [
            Line("TX valid", "pair.{x}_m_mac_tx_tvalid", colour="green"),
            Line("TX last", "pair.{x}_m_mac_tx_tlast"),
            Line("TX data", "pair.{x}_m_mac_tx_tdata"),
            Line("TX frame", "@tx.builder.kept.opcode", "opcode", "orange"),
            Line("TX frame TxID", "@tx.builder.kept.tx_id"),
            Line("TX frame RxID", "@tx.builder.kept.rx_id"),
            Line("TX frame in IPv4", "@tx.builder.kept.ipv4", if_built=True),
            Line("RX valid", "pair.{x}_s_mac_rx_tvalid_core", colour="green"),
            Line("RX last", "pair.{x}_s_mac_rx_tlast_core"),
            Line("RX bad frame", "pair.{x}_s_mac_rx_tuser_core", colour="red"),
            Line("RX data", "pair.{x}_s_mac_rx_tdata_core"),
            Line("RX parsed", "@rx.o_parsed__valid"),
            Line("RX frame", "@rx.o_parsed__payload.opcode", "opcode", "orange"),
            Line("RX frame TxID", "@rx.o_parsed__payload.tx_id"),
            Line("RX frame RxID", "@rx.o_parsed__payload.rx_id"),
            Line("RX frame in IPv4", "@rx.o_parsed__payload.ipv4", if_built=True),
            Line("RX marked", "pair.{x}_stat_rx_marked", colour="red", if_built=True),
        ],
    ),
    (
        "last event",
        [
            Line("event leaves Q3", "pair.{x}_trace_valid", colour="green"),
            Line("event", "pair.{x}_last_event", "event", "yellow"),
            Line("peer", "pair.{x}_last_node"),
            Line("VC", "pair.{x}_last_vc", "decimal"),
            Line("link", "pair.{x}_last_lid", "decimal"),
            Line("TxID", "pair.{x}_last_tx_id"),
            Line("RxID", "pair.{x}_last_rx_id"),
            Line("state before", "pair.{x}_last_old_state", "state", "yellow"),
            Line("state after", "pair.{x}_last_new_state", "state", "yellow"),
            Line("action", "pair.{x}_last_action", "action", "orange"),
            Line("delivers", "pair.{x}_last_delivered", colour="green"),
            Line("keeps", "pair.{x}_last_kept", colour="red"),
            Line("sends", "pair.{x}_last_frame", colour="green"),
            Line("opcode sent", "pair.{x}_last_frame_opcode", "opcode", "orange"),
            Line("TxID sent", "pair.{x}_last_frame_tx_id"),
            Line("RxID sent", "pair.{x}_last_frame_rx_id"),
            Line("sent in IPv4", "pair.{x}_last_frame_ipv4", if_built=True),
        ],
    ),
    (
        "Q0 arbitrate: joined",
        [
            *_stage("@arbitrate.o_event__valid", "@arbitrate.o_event__payload.event"),
            Line("goes to the door", "@arbitrate.o_event__ready"),
        ],
    ),
    (
        "Q0 arbitrate: the door",
        [
            *_stage(f"{_DOOR}.o_event__valid", f"{_DOOR}.o_event__payload.event"),
            Line("set", f"{_DOOR}.o_event__payload.row", "decimal"),
            Line("steps aside", f"{_DOOR}.aside", colour="red"),
            Line("one waits aside", f"{_DOOR}.o_aside__valid", colour="red"),
            Line("set of that one", f"{_DOOR}.o_aside__payload", "decimal"),
        ],
    ),
    (
        "Q1 read tag",
        [
            *_stage("@pipeline.read.i_event__valid", "@pipeline.read.i_event__payload"),
            Line("way 0 is forwarded", "@pipeline.table.keys.forwards0", colour="orange"),
            Line("way 1 is forwarded", "@pipeline.table.keys.forwards1", colour="orange"),
        ],
    ),
    (
        "Q2 decide: guards",
        [
            *_stage("@pipeline.read.o_found__valid", f"{_FOUND}.event"),
            Line("not in the table", f"{_FOUND}.missed"),
            Line("state", f"{_FOUND}.tag.state", "state", "yellow"),
        ],
    ),
    (
        "Q2 decide: new tag",
        [
            *_stage("@pipeline.successor__used", f"{_DECIDE}.event_c"),
            Line("state before", f"{_DECIDE}.tag_c.state", "state", "yellow"),
            Line("state after", f"{_DECIDE}.control_c.next_state", "state", "yellow"),
            Line("action", f"{_DECIDE}.o_outcome.action", "action", "orange"),
        ],
    ),
    (
        "Q3 commit",
        [
            *_stage("@pipeline.o_done__valid", f"{_DONE}.event"),
            Line("state before", f"{_OUTCOME}.old_state", "state", "yellow"),
            Line("state after", f"{_TAG}.state", "state", "yellow"),
            Line("action", f"{_OUTCOME}.action", "action", "orange"),
            Line("sends", f"{_OUTCOME}.frame"),
            Line("opcode", f"{_OUTCOME}.opcode", "opcode", "orange"),
            Line("host result", f"{_OUTCOME}.result", "result"),
            Line("tells host", f"{_OUTCOME}.noticed"),
            Line("notice", f"{_OUTCOME}.notice", "notice"),
        ],
    ),
    (
        "link: the tag that Q3 writes back",
        [
            Line("written", "@pipeline.table.i_change"),
            Line("link", f"{_DONE}.lid", "decimal"),
            Line("state", f"{_TAG}.state", "state", "yellow"),
            Line("oldest unacknowledged", f"{_TAG}.una"),
            Line("sent", f"{_TAG}.sent", "decimal"),
            Line("next to send", f"{_TAG}.current", "decimal"),
            Line("slots waiting or sent", f"{_TAG}.alloc", "decimal"),
            Line("last in order", f"{_TAG}.received"),
            Line("gap", f"{_TAG}.gap", colour="red"),
            Line("youngest seen", f"{_TAG}.seen"),
            Line("kept", f"{_TAG}.kept", "decimal"),
            Line("no progress", f"{_TAG}.timer"),
            Line("retries", f"{_TAG}.retries", "decimal"),
        ],
    ),
    (
        "replay memory",
        [
            Line("free slots", "@slot_lists.o_free_count", "decimal"),
            Line("write", "@replay_memory.i_write__valid", colour="green"),
            Line("write slot", "@replay_memory.i_write__payload.slot", "decimal"),
            Line("write beat", "@replay_memory.i_write__payload.beat", "decimal"),
            Line("word read", "@tx.reader.o__valid", colour="green"),
            Line("read slot", "@replay_memory.word__addr.slot", "decimal"),
            Line("read beat", "@replay_memory.word__addr.beat", "decimal"),
            Line("sent first", "pair.{x}_stat_payload_first_sent"),
            Line("sent again", "pair.{x}_stat_payload_replayed", colour="red"),
        ],
    ),
    (
        "selective replay",
        [
            Line("kept", "pair.{x}_stat_kept", colour="red"),
            Line("kept, NACKed", "pair.{x}_stat_kept_nacked", colour="red"),
            Line("look-up", "@lookup.lookup_state", "lookup", "yellow"),
            Line("LOOK or PURGE", "@lookup.o_look__valid"),
            Line("ID", "@lookup.o_look__payload.id"),
            Line("delivered from kept", "pair.{x}_stat_delivered_kept", colour="green"),
            Line("range walker", "@replayer.replayer_state", "replayer", "yellow"),
            Line("range from", "@replayer.oldest.first", "decimal"),
            Line("range to", "@replayer.oldest.last", "decimal"),
            Line("slot", "@replayer.slot", "decimal"),
        ],
    ),
    (
        "timer",
        [
            Line("visits", "@timer.o_visit__valid"),
            Line("link", "@timer.o_visit__payload", "decimal"),
            Line("round over", "@timer.o_round"),
            Line("timed out", "pair.{x}_stat_timed_out", colour="red"),
            Line("replays", "pair.{x}_stat_timer_replayed", colour="red"),
        ],
    ),
]
"""`(title, lines)`; each group is there once for each engine."""
