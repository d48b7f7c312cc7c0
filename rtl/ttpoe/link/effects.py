"""What each action of the state table means: for the wire, the host, the tag and the memories.

Data, like the table itself; `pipeline.q2_decide` turns it into control bits. Sections 1.2 (IDs of each
frame), 2, 3, 5 and 10.1 of the protocol.
"""

from dataclasses import dataclass, fields
from typing import Any

from ..layouts import HostResult, Notice
from ..protocol import Opcode
from .fsm import Action

__all__ = ["Effects", "EFFECTS", "LINK_STATS", "WORDS", "FLAGS"]

LINK_STATS = {
    "link_opened": "a link became OPEN",
    "link_closed": "a link was closed by agreement, or because a peer with epoch 0 wished it and "
    "had everything",
    "link_lost": "a link ended by NACK_NOLINK",
    "link_refused": "an OPEN of ours was refused, or closed before it was answered",
    "link_retries_used_up": "a link ended because its peer stayed silent",
    "peer_restarted": "a peer restarted and opened its link anew, or may have done so",
    "open_nacked": "a peer's OPEN was refused because its set was full",
    "open_reused": "repeated OPEN of a peer refused because its IDs were used already",
    "doubted": "OPEN of a peer with epoch 0 that does not fit what is known, and may be late",
    "resynced": "OPEN of a peer with epoch 0 that set the position of its data anew",
    "out_of_step": "PAYLOAD, ACK or NACK of a peer with epoch 0 dropped: its position is not "
    "known; answered with NACK_NOLINK",
    "drop_stale": "frame of another incarnation dropped",
    "drop_unexpected": "frame dropped that makes no sense in the link's state",
    "drop_bad_ack": "ACK, NACK or NACK_FULL dropped whose ID is not in flight",
    "drop_gap": "PAYLOAD dropped behind a gap that was NACKed",
    "drop_duplicate": "PAYLOAD dropped that was delivered before; acknowledged again",
    "drop_no_room": "PAYLOAD dropped for want of a receive slot; answered with NACK_FULL",
    "drop_no_link": "PAYLOAD dropped that belongs to no link; answered with NACK_NOLINK",
    "nack_gap": "first PAYLOAD behind a gap dropped, or open gap met by the timer; NACKed",
    "delivered": "PAYLOAD accepted in order",
    "kept": "PAYLOAD kept behind gaps that were NACKed already",
    "kept_nacked": "PAYLOAD kept that showed a new gap, which was NACKed",
    "drop_unkept": "PAYLOAD dropped behind a gap: kept already, or no place to keep it",
    "delivered_kept": "PAYLOAD delivered that had been kept",
    "purged": "kept PAYLOAD freed because its link had ended",
    "nack_run": "NACK repeated by the timer for one of several gaps",
    "ack_retired": "ACK that retired at least one slot",
    "nack_replayed": "NACK that started a replay",
    "link_held": "NACK_FULL that held a link",
    "timed_out": "time-out of a link that waits for its peer",
    "timer_replayed": "time-out that started a replay",
    "echo_heard": "ACK that says that the peer keeps a PAYLOAD behind a gap",
    "host_blocked": "payload of the host held back (slot limit, or no tag)",
    "host_refused": "payload or open of the host refused",
}

WORDS = {
    "tx": ("open_id", "first", "end", "last", "current", "position", "tx_id", "before", "run_end"),
    "rx": ("tx_id", "r", "missing", "gap", "run"),
    "ours": ("fresh", "answer"),
    "slots": ("append", "refuse", "free_all", "ack", "nack", "close", "open", "one", "run"),
    "notes_end": ("last", "next", "position"),
    "stat": tuple(LINK_STATS),
}
"""What each effect that is a word may be, besides None; another word is an error at import."""


@dataclass(frozen=True)
class Effects:
    """Effects of one action.

    frame : opcode of the frame that is sent, or None.
    tx : its TxID. "open_id": oldest unacknowledged - 1; "first": oldest unacknowledged;
         "end": last data ID + 1; "last": last data ID; "current": the one to be sent;
         "position": the one that is sent again; "tx_id", "before": the event's TxID, the one
         before; "run_end": the latter if the event's ID is kept, else the former; None: 0.
    rx : its RxID. "tx_id": the received TxID; "r": last in-order ID; "missing": r + 1;
         "gap": the youngest ID noted before the event + 1; "run": the first ID of the run of
         missing ones that the ASKs are in; None: 0.
    copies : the frame answers for a link that is not there: epoch and EtherType are copied.
    ours : "fresh": our side becomes a new incarnation, as opener; "answer": as answerer.
    learns : the peer's IDs and epoch are taken from the received OPEN.
    slots : "append" the host's slot; "refuse" it (freed at once); "free_all" slots of the link;
            "ack" / "nack" / "close" / "open": retire by RxID; "one": free one that was
            acknowledged; "run": free several of those.
    notes_end : TxID is the peer's "last" ID, or the "next" one behind it (C1, C4); "position": it
         is taken as the last in-order ID, and declares no end (Z8).
    doubts : the last in-order ID is doubtful from now on (Z4).
    questions : the frame asks the peer to say by an OPEN where it stands (Z4, Z5).
    wakes : the frame is there to wake the peer (Z7), and counted.
    sends : the PAYLOAD at the sending position goes out and the position moves on.
    rewinds : the sending position goes back to the oldest unacknowledged.
    as_nacked : our CLOSE goes out when all is acknowledged, as after a CLOSE_NACK.
    marks : the timer bit is set. counts : one more time-out in a row.
    asks : on a selective link the NACK names the whole gap, or all of them in the background (R6).
    resends : the oldest unacknowledged PAYLOAD goes out at once, if it may (R7, R9, R12).
    seeks : what else the NACK names goes to the queue of ranges (R7).
    starts_walk : the range is sent again, from here on one by one.
    looks : a look-up is started, if none is under way. looked : it is over.
    keeps, unkeeps : a packet enters, or leaves, the reorder memory.
    peer_progress : a PAYLOAD is accepted. Timer bit and count are cleared if nothing of ours is
         unacknowledged; the count if the peer is zero, too. So they are by every change of state
         and by every acknowledgement that retires something (L1, Z7).
    arrives : a PAYLOAD of a peer that counts as one of those who send to us (K4).
    hears : the frame is believed, and so what its byte 48 says (K7).
    stat : name of the statistic that counts it (`LINK_STATS`), or None.
    """

    frame: Opcode | None = None
    tx: str | None = None
    rx: str | None = None
    copies: bool = False
    notice: Notice | None = None
    ours: str | None = None
    learns: bool = False
    slots: str | None = None
    sends: bool = False
    rewinds: bool = False
    holds: bool = False
    releases: bool = False
    accepts: bool = False
    opens_gap: bool = False
    opened: bool = False
    close_later: bool = False
    closes: bool = False
    as_nacked: bool = False
    notes_end: str | None = None
    doubts: bool = False
    questions: bool = False
    wakes: bool = False
    asks: bool = False
    resends: bool = False
    seeks: bool = False
    starts_walk: bool = False
    looks: bool = False
    looked: bool = False
    keeps: bool = False
    unkeeps: bool = False
    marks: bool = False
    counts: bool = False
    peer_progress: bool = False
    evicts: bool = False
    arrives: bool = False
    hears: bool = False
    result: HostResult = HostResult.TAKEN
    stat: str | None = None

    def __post_init__(self):
        for name, words in WORDS.items():
            word = getattr(self, name)
            if word is not None and word not in words:
                raise ValueError(f"{name} must be one of {', '.join(words)}; got {word!r}")


FLAGS = tuple(field.name for field in fields(Effects) if field.type is bool)
"""Names of the effects that are there or not."""


def _part(**effects: Any) -> dict[str, Any]:
    """Effects that several actions have in common, by the names of `Effects`."""
    return effects


_FREE = _part(slots="free_all")
_OPEN_ACK = _part(frame=Opcode.OPEN_ACK, tx="first", rx="tx_id")
_COUNTED = _part(counts=True, stat="timed_out")
_REPLAY = _part(rewinds=True, releases=True, counts=True, stat="timer_replayed")
_NACK = _part(frame=Opcode.NACK, rx="missing")
_ASK = _part(**_NACK, asks=True)
_MARK = _part(marks=True, releases=True)
_CLOSE = _part(frame=Opcode.CLOSE, tx="end", rx="r", closes=True)
_CLOSE_NACK = _part(frame=Opcode.CLOSE_NACK, tx="last", rx="r")
_CLOSE_ACK = _part(frame=Opcode.CLOSE_ACK, rx="tx_id")
_LAST_WORD = _part(frame=Opcode.CLOSE_ACK, rx="r")  # unasked: there is no CLOSE to name (Z3)
_WAKE_ACK = _part(frame=Opcode.ACK, rx="r", wakes=True)
_WAKE_NACK = _part(**_NACK, wakes=True)

EFFECTS = {
    Action.NOTHING: Effects(),
    Action.DROP_STALE: Effects(stat="drop_stale"),
    Action.DROP_UNEXPECTED: Effects(stat="drop_unexpected"),
    Action.DROP_BAD_ACK: Effects(stat="drop_bad_ack"),
    Action.DROP_GAP: Effects(opens_gap=True, arrives=True, stat="drop_gap"),
    Action.OPEN_BY_HOST: Effects(frame=Opcode.OPEN, tx="open_id", ours="fresh"),
    Action.OPEN_BY_PAYLOAD: Effects(frame=Opcode.OPEN, tx="open_id", ours="fresh", slots="append"),
    Action.OPEN_AGAIN: Effects(frame=Opcode.OPEN, tx="open_id", **_COUNTED),
    Action.ANSWER_OPEN: Effects(**_OPEN_ACK, ours="answer", learns=True),
    Action.LEARN_OPEN: Effects(**_OPEN_ACK, learns=True),
    Action.ANSWER_AGAIN: Effects(**_OPEN_ACK),
    Action.ANSWER_TIMED: Effects(frame=Opcode.OPEN_ACK, tx="first", rx="r", **_COUNTED),
    Action.REPLACE_OPEN: Effects(**_OPEN_ACK, ours="answer", learns=True),
    Action.RESTART: Effects(
        **_OPEN_ACK,
        ours="answer",
        learns=True,
        **_FREE,
        notice=Notice.PEER_RESTARTED,
        stat="peer_restarted",
    ),
    Action.RESTART_CLOSING: Effects(
        **_OPEN_ACK,
        ours="answer",
        learns=True,
        **_FREE,
        notice=Notice.LINK_DOWN,
        stat="peer_restarted",
    ),
    Action.REFUSE_OPEN: Effects(
        frame=Opcode.OPEN_NACK, rx="tx_id", copies=True, evicts=True, stat="open_nacked"
    ),
    Action.BECOME_OPEN: Effects(notice=Notice.LINK_UP, stat="link_opened"),
    Action.OPENED: Effects(opened=True, hears=True, notice=Notice.LINK_UP, stat="link_opened"),
    Action.REFUSED: Effects(notice=Notice.REFUSED, stat="link_refused", **_FREE),
    Action.REFUSE_HOST_OPEN: Effects(
        notice=Notice.REFUSED, result=HostResult.REFUSED, stat="host_refused", evicts=True
    ),
    Action.APPEND: Effects(slots="append"),
    Action.APPEND_SEND: Effects(slots="append", sends=True, frame=Opcode.PAYLOAD, tx="current"),
    Action.BLOCK: Effects(result=HostResult.BLOCKED, stat="host_blocked"),
    Action.BLOCK_FULL: Effects(result=HostResult.BLOCKED, stat="host_blocked", evicts=True),
    Action.REFUSE_PAYLOAD: Effects(
        result=HostResult.REFUSED,
        slots="refuse",
        notice=Notice.PAYLOAD_REFUSED,
        stat="host_refused",
    ),
    Action.SEND: Effects(sends=True, frame=Opcode.PAYLOAD, tx="current"),
    Action.RETIRE_ONE: Effects(slots="one"),
    Action.RETIRE_RUN: Effects(slots="run"),
    Action.DELIVER: Effects(
        frame=Opcode.ACK,
        rx="tx_id",
        accepts=True,
        arrives=True,
        stat="delivered",
        peer_progress=True,
    ),
    Action.ACK_AGAIN: Effects(frame=Opcode.ACK, rx="tx_id", arrives=True, stat="drop_duplicate"),
    Action.NACK_GAP: Effects(**_NACK, opens_gap=True, arrives=True, stat="nack_gap"),
    Action.SAY_FULL: Effects(frame=Opcode.NACK_FULL, arrives=True, stat="drop_no_room"),
    Action.SAY_NOLINK: Effects(
        frame=Opcode.NACK_NOLINK, rx="tx_id", copies=True, stat="drop_no_link"
    ),
    Action.RETIRE: Effects(slots="ack", hears=True, stat="ack_retired"),
    Action.RETIRE_REPLAY: Effects(
        slots="nack", rewinds=True, resends=True, hears=True, stat="nack_replayed"
    ),
    Action.HOLD: Effects(holds=True, stat="link_held"),
    Action.MARK: Effects(**_MARK),
    Action.MARK_NACK: Effects(**_MARK, **_ASK, stat="nack_gap"),
    Action.REPLAY: Effects(**_REPLAY),
    Action.REPLAY_NACK: Effects(**_REPLAY, **_ASK),
    Action.COUNT: Effects(counts=True),
    Action.COUNT_NACK: Effects(counts=True, **_ASK, stat="nack_gap"),
    Action.GIVE_UP: Effects(notice=Notice.RETRIES_USED_UP, stat="link_retries_used_up", **_FREE),
    Action.CLOSE_LATER: Effects(close_later=True),
    Action.CLOSE: Effects(**_CLOSE),
    Action.CLOSE_UNSAID: Effects(closes=True, as_nacked=True),
    Action.CLOSE_AGAIN: Effects(**_CLOSE),
    Action.CLOSE_TIMED: Effects(**_CLOSE, **_COUNTED),
    Action.CLOSE_AGREED: Effects(
        **_CLOSE_ACK, **_FREE, notice=Notice.LINK_DOWN, stat="link_closed"
    ),
    Action.CLOSE_NOLINK: Effects(**_CLOSE_ACK, copies=True),
    Action.CLOSE_ACK_STAY: Effects(**_CLOSE_ACK),
    Action.CLOSE_REFUSED: Effects(
        **_CLOSE_ACK, copies=True, **_FREE, notice=Notice.REFUSED, stat="link_refused"
    ),
    Action.CLOSE_NOT_YET: Effects(**_CLOSE_NACK, slots="close", notes_end="next"),
    Action.CLOSE_NACK_AGAIN: Effects(**_CLOSE_NACK, **_COUNTED),
    Action.CLOSE_DONE: Effects(**_FREE, notice=Notice.LINK_DOWN, stat="link_closed"),
    Action.NOTE_END: Effects(notes_end="last"),
    Action.LINK_LOST: Effects(**_FREE, notice=Notice.LINK_DOWN, stat="link_lost"),
    Action.DELIVER_LOOK: Effects(
        accepts=True, looks=True, arrives=True, stat="delivered", peer_progress=True
    ),
    Action.KEEP: Effects(keeps=True, arrives=True, stat="kept"),
    Action.KEEP_ECHO: Effects(
        frame=Opcode.ACK, tx="tx_id", rx="r", keeps=True, arrives=True, stat="kept"
    ),
    Action.KEEP_NACK: Effects(
        frame=Opcode.NACK, tx="before", rx="gap", keeps=True, arrives=True, stat="kept_nacked"
    ),
    Action.LOSE: Effects(arrives=True, stat="drop_unkept"),
    Action.NACK_ALL: Effects(
        frame=Opcode.NACK, tx="tx_id", rx="missing", opens_gap=True, arrives=True, stat="nack_gap"
    ),
    Action.DELIVER_KEPT: Effects(
        accepts=True, unkeeps=True, stat="delivered_kept", peer_progress=True
    ),
    Action.LOOKED: Effects(frame=Opcode.ACK, rx="r", looked=True),
    Action.LOOK_OVER: Effects(looked=True),
    Action.NACK_RUN: Effects(frame=Opcode.NACK, tx="run_end", rx="run", stat="nack_run"),
    Action.FREE_KEPT: Effects(unkeeps=True, stat="purged"),
    Action.NACK_RANGE: Effects(seeks=True, resends=True, hears=True, stat="nack_replayed"),
    Action.NOTED: Effects(hears=True, stat="echo_heard"),
    Action.START_WALK: Effects(starts_walk=True),
    Action.RESEND: Effects(frame=Opcode.PAYLOAD, tx="position"),
    Action.REFUSE_REUSED: Effects(
        frame=Opcode.OPEN_NACK,
        rx="tx_id",
        copies=True,
        notice=Notice.IDS_REUSED,
        stat="open_reused",
    ),
    Action.REFUSE_OWN_OPEN: Effects(
        result=HostResult.REFUSED, notice=Notice.REFUSED, stat="host_refused"
    ),
    Action.REFUSE_OWN_PAYLOAD: Effects(
        result=HostResult.REFUSED, slots="refuse", notice=Notice.REFUSED, stat="host_refused"
    ),
    Action.AGREE: Effects(**_OPEN_ACK, slots="open"),
    Action.AGREE_TOLD: Effects(
        **_OPEN_ACK, slots="open", notice=Notice.PEER_RESTARTED, stat="peer_restarted"
    ),
    Action.DOUBT: Effects(**_OPEN_ACK, doubts=True, stat="doubted"),
    Action.RESYNC: Effects(**_OPEN_ACK, slots="open", learns=True, stat="resynced"),
    Action.SAY_OUT_OF_STEP: Effects(
        frame=Opcode.NACK_NOLINK, rx="tx_id", copies=True, questions=True, stat="out_of_step"
    ),
    Action.WAKE_ACK: Effects(**_WAKE_ACK, counts=True),
    Action.WAKE_NACK: Effects(**_WAKE_NACK, counts=True),
    Action.REPLAY_WAKE_ACK: Effects(**_REPLAY, **_WAKE_ACK),
    Action.REPLAY_WAKE_NACK: Effects(**_REPLAY, **_WAKE_NACK),
    Action.CLOSE_HEARD: Effects(**_CLOSE_NACK),
    Action.CLOSE_NACKED: Effects(as_nacked=True),
    Action.TAKE_POSITION: Effects(as_nacked=True, notes_end="position"),
    Action.RETIRE_CLOSE: Effects(**_LAST_WORD, slots="ack", stat="ack_retired"),
    Action.SAY_CLOSED: Effects(**_LAST_WORD, counts=True),
    Action.CLOSE_UNASKED: Effects(
        **_LAST_WORD, **_FREE, notice=Notice.LINK_DOWN, stat="link_closed"
    ),
    Action.CLOSE_DONE_TOLD: Effects(
        **_LAST_WORD, **_FREE, notice=Notice.LINK_DOWN, stat="link_closed"
    ),
    Action.GIVE_UP_CLOSE: Effects(
        **_LAST_WORD, **_FREE, notice=Notice.RETRIES_USED_UP, stat="link_retries_used_up"
    ),
}
