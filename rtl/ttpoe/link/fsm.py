"""The state machine of a link, as data: one table, (event, state) -> (guards, action, next state).

Source: the protocol's section 2 (states and table), 3, 4, 4.1, 6, 10.1, and `docs/protocol/decisions.md`.
The table makes the hardware (`pipeline.q2_decide`), the documentation and the coverage plan. The
reference model keeps a copy of its own.

Reading a row: the alternatives are tried from top to bottom, the first whose guards all hold is
taken. A guard with `!` in front must not hold. The last alternative has no guards.
"""

from amaranth.lib import enum

from ..protocol import Opcode

__all__ = ["LinkState", "Event", "Action", "GUARDS", "TABLE", "rows"]


class LinkState(enum.Enum, shape=3):
    """Section 2. A tag in CLOSED is free; there is no TIME_WAIT."""

    CLOSED = 0
    OPEN_SENT = 1
    OPEN_RECD = 2
    OPEN = 3
    CLOSE_SENT = 4
    CLOSE_RECD = 5


class Event(enum.Enum, shape=5):
    """What enters the pipeline. The first eleven are received frames, numbered as their opcodes."""

    RX_OPEN = Opcode.OPEN.value
    RX_OPEN_ACK = Opcode.OPEN_ACK.value
    RX_OPEN_NACK = Opcode.OPEN_NACK.value
    RX_CLOSE = Opcode.CLOSE.value
    RX_CLOSE_ACK = Opcode.CLOSE_ACK.value
    RX_CLOSE_NACK = Opcode.CLOSE_NACK.value
    RX_PAYLOAD = Opcode.PAYLOAD.value
    RX_ACK = Opcode.ACK.value
    RX_NACK = Opcode.NACK.value
    RX_NACK_FULL = Opcode.NACK_FULL.value
    RX_NACK_NOLINK = Opcode.NACK_NOLINK.value
    HOST_PAYLOAD = 11  # a payload of the host lies in a replay slot
    HOST_OPEN = 12
    HOST_CLOSE = 13
    VISIT = 14  # the link has come to the front of its ready queue
    TIMER = 15  # the global link timer visits the link
    SENT = 16  # the OPEN_ACK that makes an OPEN_RECD link OPEN is on the wire
    VICTIM = 17  # the set is full: close this link if it is idle
    # Selective replay (section 5.3), all by link number, in the background:
    LOOK = 18  # is the next packet in order a kept one?
    ASK = 19  # the timer's look at one ID behind an open gap
    PURGE = 20  # one place of the directory, for a link that has ended
    SEEK = 21  # a range that was NACKed is to be sent again: where does its list begin?
    REPLAY = 22  # one PAYLOAD of that range
    WALKED = 23  # the range is done
    RETIRE = 24  # free one slot that was acknowledged with others


GUARDS = {
    "FULL": "both ways of the set are taken by other links",
    "SELF": "the address is our own",
    "ZERO": "the peer sends epoch 0",
    "AT_LIMIT": "the link holds as many slots as one link may; a CONTROLLED one three quarters of all",
    "CAN_SEND": "nothing waits to be sent and the link is not held; a CONTROLLED one is free to send",
    "ROOM": "the received payload lies in a receive slot",
    "STALE": "the peer's epoch is known, not 0, and not the frame's",
    "OWN_EPOCH": "the frame's epoch is our own, or both sides' are 0",
    "MATCH": "RxID is the open ID of this incarnation",
    "REPEAT": "OPEN of the incarnation that is known, with an epoch",
    "USED": "TxID is no longer the last in-order ID, or a gap is open",
    "OLDER": "OPEN of an older incarnation",
    "BOTH_ZERO": "the OPEN's epoch and the known one are 0",
    "OPEN_FITS": "RxID is the last acknowledged ID, or sent and unacknowledged",
    "OPEN_AGREES": "OPEN_FITS, and TxID is the last in-order ID, or one less if that was received "
    "on this link",
    "FIRST_AGAIN": "TxID and RxID are the same, and not the last in-order ID",
    "ASKED": "a NACK_NOLINK of ours has asked the peer where it stands",
    "DOUBTED": "an OPEN made the last in-order ID doubtful",
    "FED": "the last in-order ID was received on this link",
    "OUT_OF_STEP": "DOUBTED; or ZERO, TxID does not follow the last in-order ID, and the peer "
    "cannot be expected to fill what is missing: the last in-order ID was guessed, "
    "or not FED and TxID is younger, or TxID is the very ID seen last behind an "
    "open gap",
    "QUIET": "nothing is missing on either side; if ZERO, nothing of ours",
    "IN_WINDOW": "RxID is sent and unacknowledged",
    "GOOD_0": "ZERO, and RxID is 0, sent and unacknowledged",
    "LAST_ACK": "RxID acknowledges everything of ours, and nothing waits",
    "NACK_OK": "something is unacknowledged and RxID is not younger than that; if ZERO, it is not "
    "older than the last acknowledged ID either",
    "UNACKED": "something is sent and unacknowledged",
    "DUPLICATE": "TxID is not younger than the last in-order ID",
    "NEXT": "TxID follows the last in-order ID",
    "BEYOND_END": "TxID is younger than the end that the peer declared",
    "NACK_DUE": "first of a gap, or a second pass misses it too",
    "TIMER_BIT": "no progress since the timer's last visit",
    "RETRIES_UP": "MAX_RETRY time-outs in a row",
    "IDLE_UP": "idle for as many rounds as a link may",
    "EMPTY": "nothing is unacknowledged and nothing waits",
    "GAP": "a gap is open and was NACKed, and the peer is not ZERO",
    "TOLD": "2 time-outs in a row or more",
    "WAKE": "ZERO, and fewer than 8 time-outs in a row; if many links are backlogged, 2 or 6",
    "END_AHEAD": "the peer declared an end that is not reached yet",
    "LAG": "acknowledged slots wait to be freed, and nobody walks along the list",
    "CLOSE_DUE": "a CLOSE is to be sent",
    "CLOSE_WAITS": "something is unacknowledged or waits, and a CLOSE would not keep it: ZERO, or "
    "our last data ID is 0xFFFFFFFF, so that it cannot declare the ID behind it",
    "UNSENT": "something waits to be sent, its slot is known, and the link is not held",
    "SELECTIVE": "both sides keep packets behind a gap",
    "LOOKING": "a look-up is under way",
    "KEPT_ANY": "packets are kept",
    "HIT": "the ID is kept",
    "KEEP_OK": "there is a receive slot, a reorder slot and a place in the directory",
    "NEW_GAP": "TxID leaves out IDs behind the youngest one noted",
    "RUN": "IDs in front of this one are missing",
    "AT_SEEN": "this is the youngest ID noted, or the last one of the window",
    "OLD_KEPT": "a packet that an ended link kept is here",
    "RANGE_OK": "the range that the NACK names touches what is in flight",
    "SEEK_OK": "the link is selective and something in flight has been passed",
    "RESEND_OK": "unacknowledged, passed by the sending position, and the link is not held",
    "CONTROLLED": "congestion control was agreed, or our OPEN offers it",
    "ECHO": "TxID is not 0: the peer keeps that packet",
    "ECHO_OK": "TxID is sent and unacknowledged",
    "PACED": "CONTROLLED, and all that is unacknowledged waits to be sent again",
    "PATIENT": "CONTROLLED and not held, and the law sends nothing again at this time-out",
}
"""Conditions on the event and the tag; `pipeline.q2_decide` computes each, in parallel."""


class Action(enum.Enum, shape=7):
    """What Q2 does. `link.effects` says what each means for the tag, the wire and the memories."""

    NOTHING = 0
    DROP_STALE = 1
    DROP_UNEXPECTED = 2
    DROP_BAD_ACK = 3
    DROP_GAP = 4
    # opening
    OPEN_BY_HOST = 5
    OPEN_BY_PAYLOAD = 6
    OPEN_AGAIN = 7
    ANSWER_OPEN = 8
    LEARN_OPEN = 9
    ANSWER_AGAIN = 10
    REPLACE_OPEN = 11
    RESTART = 12
    RESTART_CLOSING = 13
    REFUSE_OPEN = 14
    BECOME_OPEN = 15
    OPENED = 16
    REFUSED = 17
    # data
    APPEND = 18
    APPEND_SEND = 19
    BLOCK = 20
    BLOCK_FULL = 21
    REFUSE_PAYLOAD = 22
    SEND = 23
    RETIRE_ONE = 24
    DELIVER = 25
    ACK_AGAIN = 26
    NACK_GAP = 27
    SAY_FULL = 28
    SAY_NOLINK = 29
    RETIRE = 30
    RETIRE_REPLAY = 31
    HOLD = 32
    # timer
    MARK = 33
    MARK_NACK = 34
    REPLAY = 35
    REPLAY_NACK = 36
    COUNT = 37
    COUNT_NACK = 38
    GIVE_UP = 39
    # closing
    CLOSE_LATER = 40
    CLOSE = 41
    CLOSE_TIMED = 42
    CLOSE_AGAIN = 43
    CLOSE_AGREED = 44
    CLOSE_NOLINK = 45
    CLOSE_ACK_STAY = 46
    CLOSE_REFUSED = 47
    CLOSE_NOT_YET = 48
    CLOSE_NACK_AGAIN = 49
    CLOSE_DONE = 50
    NOTE_END = 51
    LINK_LOST = 52
    REFUSE_HOST_OPEN = 53
    ANSWER_TIMED = 54
    CLOSE_UNSAID = 55
    # selective replay
    DELIVER_LOOK = 56
    KEEP = 57
    KEEP_NACK = 58
    LOSE = 59
    NACK_ALL = 60
    DELIVER_KEPT = 61
    LOOKED = 62
    NACK_RUN = 63
    FREE_KEPT = 64
    NACK_RANGE = 65
    START_WALK = 66
    RESEND = 67
    # used IDs, our own address
    REFUSE_REUSED = 68
    REFUSE_OWN_OPEN = 69
    REFUSE_OWN_PAYLOAD = 70
    # peers that send epoch 0 (section 10.1)
    AGREE = 71
    AGREE_TOLD = 72
    DOUBT = 73
    RESYNC = 74
    SAY_OUT_OF_STEP = 75
    WAKE_ACK = 76
    WAKE_NACK = 77
    REPLAY_WAKE_ACK = 78
    REPLAY_WAKE_NACK = 79
    CLOSE_HEARD = 80
    CLOSE_NACKED = 81
    TAKE_POSITION = 82
    RETIRE_CLOSE = 83
    CLOSE_UNASKED = 84
    GIVE_UP_CLOSE = 85
    CLOSE_DONE_TOLD = 86
    SAY_CLOSED = 87
    # congestion control (section 11)
    KEEP_ECHO = 88
    NOTED = 89


# Short names, so that the table can be read as a table.
_S, _E, _A = LinkState, Event, Action
CL, OS, OR, OP, CS, CR = (
    _S.CLOSED,
    _S.OPEN_SENT,
    _S.OPEN_RECD,
    _S.OPEN,
    _S.CLOSE_SENT,
    _S.CLOSE_RECD,
)


def rows(*alternatives):
    """Alternatives of one cell: (guards in one string, action, next state)."""
    return tuple((tuple(guards.split()), action, state) for guards, action, state in alternatives)


def _stay(state, action=_A.NOTHING):
    return rows(("", action, state))


# fmt: off
def _payload(state, *extra):
    """Section 3, receiver, in the three states where data flows."""
    return rows(("STALE", _A.DROP_STALE, state), ("OUT_OF_STEP", _A.SAY_OUT_OF_STEP, state),
                ("DUPLICATE", _A.ACK_AGAIN, state), *extra,
                ("SELECTIVE HIT", _A.LOSE, state),
                ("NEXT ROOM LOOKING", _A.DELIVER_LOOK, state),
                ("NEXT ROOM KEPT_ANY", _A.DELIVER_LOOK, state),
                ("NEXT ROOM", _A.DELIVER, state), ("NEXT", _A.SAY_FULL, state),
                ("SELECTIVE KEEP_OK NEW_GAP", _A.KEEP_NACK, state),
                ("SELECTIVE KEEP_OK CONTROLLED", _A.KEEP_ECHO, state),
                ("SELECTIVE KEEP_OK", _A.KEEP, state),
                ("SELECTIVE !GAP", _A.NACK_ALL, state), ("SELECTIVE", _A.LOSE, state),
                ("NACK_DUE", _A.NACK_GAP, state), ("", _A.DROP_GAP, state))


def _sender(state, *last):
    """Section 3, sender, in the three states where data flows: {event: cell}.

    `last`: what the ACK does that leaves nothing of ours, or a NACK that is one (decision Z6).
    """
    return {
        _E.RX_ACK: rows(("STALE", _A.DROP_STALE, state), ("CONTROLLED ECHO ECHO_OK", _A.NOTED, state),
                        ("CONTROLLED ECHO", _A.DROP_BAD_ACK, state),
                        *last, ("IN_WINDOW", _A.RETIRE, state),
                        ("DOUBTED", _A.SAY_OUT_OF_STEP, state), ("", _A.DROP_BAD_ACK, state)),
        _E.RX_NACK: rows(("STALE", _A.DROP_STALE, state),
                         ("SELECTIVE RANGE_OK", _A.NACK_RANGE, state),
                         ("SELECTIVE", _A.DROP_BAD_ACK, state),
                         *((f"GOOD_0 {guards}", action, to) for guards, action, to in last),
                         ("GOOD_0", _A.RETIRE, state), ("NACK_OK", _A.RETIRE_REPLAY, state),
                         ("DOUBTED", _A.SAY_OUT_OF_STEP, state), ("", _A.DROP_BAD_ACK, state)),
        _E.RX_NACK_FULL: rows(("STALE", _A.DROP_STALE, state), ("UNACKED", _A.HOLD, state),
                              ("", _A.DROP_BAD_ACK, state)),
        _E.RX_NACK_NOLINK: rows(("OWN_EPOCH", _A.LINK_LOST, CL), ("", _A.DROP_STALE, state)),
    }


def _background(state):
    """Selective replay in the three states where data flows: {event: cell}."""
    return {
        _E.LOOK: rows(("LOOKING NEXT HIT", _A.DELIVER_KEPT, state),
                      ("LOOKING NEXT", _A.LOOKED, state), ("", _A.NOTHING, state)),
        # Without SELECTIVE it is a question of the incarnation before, and NACK would acknowledge.
        _E.ASK: rows(("SELECTIVE GAP HIT RUN", _A.NACK_RUN, state),
                     ("SELECTIVE GAP AT_SEEN !HIT", _A.NACK_RUN, state),
                     ("", _A.NOTHING, state)),
        _E.SEEK: rows(("SEEK_OK", _A.START_WALK, state), ("", _A.NOTHING, state)),
        _E.REPLAY: rows(("RESEND_OK", _A.RESEND, state), ("", _A.NOTHING, state)),
        _E.RETIRE: rows(("LAG", _A.RETIRE_ONE, state), ("", _A.NOTHING, state)),
    }


def _visit(state, close):
    return rows(("LAG", _A.RETIRE_ONE, state), *close, ("UNSENT", _A.SEND, state),
                ("", _A.NOTHING, state))


# A peer with epoch 0 may wait for a CLOSE_ACK, and would for ever (decision Z3).
_RETRIES_UP = (("RETRIES_UP ZERO", _A.GIVE_UP_CLOSE, CL), ("RETRIES_UP", _A.GIVE_UP, CL))


def _timer_closing(state, again):
    """Section 2, time-outs of CLOSE_SENT and CLOSE_RECD; `again` repeats our word."""
    return rows(("!TIMER_BIT GAP", _A.MARK_NACK, state), ("!TIMER_BIT", _A.MARK, state),
                ("PACED GAP", _A.MARK_NACK, state), ("PACED", _A.MARK, state),
                # Nothing of ours is left: our word may have been lost, its own will not come again.
                *((("ZERO EMPTY TOLD", _A.CLOSE_UNASKED, CL), ("ZERO EMPTY", _A.SAY_CLOSED, CR))
                  if state == CR else ()),
                *_RETRIES_UP,
                ("UNACKED PATIENT GAP", _A.COUNT_NACK, state),
                ("UNACKED PATIENT", _A.COUNT, state),
                ("UNACKED GAP", _A.REPLAY_NACK, state), ("UNACKED", _A.REPLAY, state),
                ("GAP", _A.COUNT_NACK, state), *again)


def _timer_opening(state, again):
    return rows(("!TIMER_BIT", _A.MARK, state), ("RETRIES_UP", _A.GIVE_UP, CL),
                ("", again, state))


def _open_known(state, restart):
    """Section 4.1 and decision Z4: an OPEN for a link on which data flows."""
    return rows(("BOTH_ZERO OPEN_AGREES FIRST_AGAIN", _A.AGREE_TOLD, state),
                ("BOTH_ZERO OPEN_AGREES", _A.AGREE, state),
                ("BOTH_ZERO !ASKED", _A.DOUBT, state),
                ("BOTH_ZERO OPEN_FITS", _A.RESYNC, state),
                ("REPEAT USED", _A.REFUSE_REUSED, state), ("REPEAT", _A.ANSWER_AGAIN, state),
                ("OLDER", _A.DROP_STALE, state), restart)


TABLE = {
    _E.HOST_PAYLOAD: {
        CL: rows(("SELF", _A.REFUSE_OWN_PAYLOAD, CL), ("FULL", _A.BLOCK_FULL, CL),
                 ("", _A.OPEN_BY_PAYLOAD, OS)),
        OS: rows(("AT_LIMIT", _A.BLOCK, OS), ("", _A.APPEND, OS)),
        OR: rows(("CLOSE_DUE", _A.REFUSE_PAYLOAD, OR), ("AT_LIMIT", _A.BLOCK, OR),
                 ("", _A.APPEND, OR)),
        OP: rows(("CLOSE_DUE", _A.REFUSE_PAYLOAD, OP), ("AT_LIMIT", _A.BLOCK, OP),
                 ("CAN_SEND", _A.APPEND_SEND, OP),
                 ("", _A.APPEND, OP)),
        CS: _stay(CS, _A.REFUSE_PAYLOAD),
        CR: _stay(CR, _A.REFUSE_PAYLOAD),
    },
    _E.HOST_OPEN: {
        CL: rows(("SELF", _A.REFUSE_OWN_OPEN, CL), ("FULL", _A.REFUSE_HOST_OPEN, CL),
                 ("", _A.OPEN_BY_HOST, OS)),
        OS: _stay(OS), OR: _stay(OR), OP: _stay(OP),
        CS: _stay(CS, _A.REFUSE_HOST_OPEN), CR: _stay(CR, _A.REFUSE_HOST_OPEN),
    },
    _E.HOST_CLOSE: {
        CL: _stay(CL),
        OS: rows(("", _A.REFUSED, CL)),
        OR: rows(("", _A.CLOSE_LATER, OR)),
        OP: rows(("CLOSE_WAITS", _A.CLOSE_UNSAID, CS), ("", _A.CLOSE, CS)),
        CS: _stay(CS), CR: _stay(CR),
    },
    _E.VICTIM: {
        CL: _stay(CL), OS: _stay(OS), OR: _stay(OR),
        OP: rows(("EMPTY TIMER_BIT", _A.CLOSE, CS), ("", _A.NOTHING, OP)),
        CS: _stay(CS), CR: _stay(CR),
    },
    _E.SENT: {
        CL: _stay(CL), OS: _stay(OS),
        OR: rows(("", _A.BECOME_OPEN, OP)),
        OP: _stay(OP), CS: _stay(CS), CR: _stay(CR),
    },
    _E.VISIT: {
        CL: _stay(CL), OS: _stay(OS), OR: _stay(OR),
        OP: _visit(OP, (("CLOSE_DUE CLOSE_WAITS", _A.CLOSE_UNSAID, CS),
                        ("CLOSE_DUE", _A.CLOSE, CS))),
        CS: _visit(CS, (("CLOSE_DUE", _A.CLOSE_AGAIN, CS),)),
        CR: _visit(CR, ()),
    },
    _E.TIMER: {
        CL: _stay(CL),
        OS: _timer_opening(OS, _A.OPEN_AGAIN),
        OR: _timer_opening(OR, _A.ANSWER_TIMED),
        OP: rows(("!TIMER_BIT GAP", _A.MARK_NACK, OP), ("!TIMER_BIT", _A.MARK, OP),
                 ("PACED GAP", _A.MARK_NACK, OP), ("PACED", _A.MARK, OP),
                 *((f"UNACKED {guards}", action, to) for guards, action, to in _RETRIES_UP),
                 ("UNACKED WAKE FED", _A.REPLAY_WAKE_ACK, OP),
                 ("UNACKED WAKE", _A.REPLAY_WAKE_NACK, OP),
                 ("UNACKED PATIENT GAP", _A.COUNT_NACK, OP), ("UNACKED PATIENT", _A.COUNT, OP),
                 ("UNACKED GAP", _A.REPLAY_NACK, OP), ("UNACKED", _A.REPLAY, OP),
                 ("EMPTY IDLE_UP", _A.CLOSE, CS),
                 ("EMPTY WAKE FED", _A.WAKE_ACK, OP), ("EMPTY WAKE", _A.WAKE_NACK, OP),
                 ("EMPTY GAP", _A.COUNT_NACK, OP), ("EMPTY", _A.COUNT, OP),
                 ("GAP", _A.MARK_NACK, OP), ("", _A.MARK, OP)),
        CS: _timer_closing(CS, (("END_AHEAD", _A.COUNT, CS), ("!EMPTY", _A.COUNT, CS),
                                 ("", _A.CLOSE_TIMED, CS))),
        CR: _timer_closing(CR, (("!EMPTY", _A.COUNT, CR), ("", _A.CLOSE_NACK_AGAIN, CR))),
    },
    _E.RX_OPEN: {
        CL: rows(("FULL", _A.REFUSE_OPEN, CL), ("", _A.ANSWER_OPEN, OR)),
        OS: rows(("", _A.LEARN_OPEN, OS)),
        # Nothing was received yet, so no ID was used, and nothing is lost by a replacement.
        OR: rows(("BOTH_ZERO OPEN_AGREES", _A.ANSWER_AGAIN, OR), ("REPEAT", _A.ANSWER_AGAIN, OR),
                 ("OLDER", _A.DROP_STALE, OR), ("", _A.REPLACE_OPEN, OR)),
        OP: _open_known(OP, ("", _A.RESTART, OP)),
        CS: _open_known(CS, ("", _A.RESTART_CLOSING, OR)),
        CR: _open_known(CR, ("", _A.RESTART_CLOSING, OR)),
    },
    _E.RX_OPEN_ACK: {
        CL: _stay(CL, _A.DROP_UNEXPECTED),
        OS: rows(("MATCH", _A.OPENED, OP), ("", _A.DROP_UNEXPECTED, OS)),
        OR: _stay(OR, _A.DROP_UNEXPECTED), OP: _stay(OP, _A.DROP_UNEXPECTED),
        CS: _stay(CS, _A.DROP_UNEXPECTED), CR: _stay(CR, _A.DROP_UNEXPECTED),
    },
    _E.RX_OPEN_NACK: {
        CL: _stay(CL, _A.DROP_UNEXPECTED),
        OS: rows(("MATCH OWN_EPOCH", _A.REFUSED, CL), ("", _A.DROP_UNEXPECTED, OS)),
        OR: _stay(OR, _A.DROP_UNEXPECTED), OP: _stay(OP, _A.DROP_UNEXPECTED),
        CS: _stay(CS, _A.DROP_UNEXPECTED), CR: _stay(CR, _A.DROP_UNEXPECTED),
    },
    _E.RX_CLOSE: {
        CL: rows(("", _A.CLOSE_NOLINK, CL)),
        OS: rows(("", _A.CLOSE_REFUSED, CL)),
        OR: rows(("STALE", _A.DROP_STALE, OR), ("", _A.CLOSE_ACK_STAY, OR)),
        OP: rows(("STALE", _A.DROP_STALE, OP), ("QUIET", _A.CLOSE_AGREED, CL),
                 ("ZERO", _A.CLOSE_HEARD, CR), ("", _A.CLOSE_NOT_YET, CR)),
        **{state: rows(("STALE", _A.DROP_STALE, state), ("QUIET", _A.CLOSE_AGREED, CL),
                       ("ZERO", _A.CLOSE_HEARD, state), ("", _A.CLOSE_NOT_YET, state))
           for state in (CS, CR)},
    },
    _E.RX_CLOSE_ACK: {
        CL: _stay(CL, _A.DROP_UNEXPECTED), OS: _stay(OS, _A.DROP_UNEXPECTED),
        OR: _stay(OR, _A.DROP_UNEXPECTED), OP: _stay(OP, _A.DROP_UNEXPECTED),
        # Before our CLOSE has gone out, one of long ago (decision Z2).
        **{state: rows(("STALE !OWN_EPOCH", _A.DROP_STALE, state),
                       ("ZERO !EMPTY", _A.DROP_UNEXPECTED, state),
                       ("ZERO", _A.CLOSE_DONE_TOLD, CL), ("", _A.CLOSE_DONE, CL))
           for state in (CS, CR)},
    },
    _E.RX_CLOSE_NACK: {
        CL: _stay(CL, _A.DROP_UNEXPECTED), OS: _stay(OS, _A.DROP_UNEXPECTED),
        OR: _stay(OR, _A.DROP_UNEXPECTED), OP: _stay(OP, _A.DROP_UNEXPECTED),
        **{state: rows(("STALE", _A.DROP_STALE, state),
                       ("ZERO !FED DUPLICATE", _A.TAKE_POSITION, state),
                       ("ZERO", _A.CLOSE_NACKED, state), ("", _A.NOTE_END, state))
           for state in (CS, CR)},
    },
    _E.RX_PAYLOAD: {
        CL: _stay(CL, _A.SAY_NOLINK),
        # Not NACK_NOLINK: the peer's OPEN_ACK may only be late (decision L15).
        OS: _stay(OS, _A.DROP_UNEXPECTED), OR: _stay(OR, _A.DROP_UNEXPECTED),
        OP: _payload(OP),
        CS: _payload(CS, ("BEYOND_END", _A.SAY_NOLINK, CS)),
        CR: _payload(CR, ("BEYOND_END", _A.SAY_NOLINK, CR)),
    },
    **{event: {
        CL: _stay(CL, _A.DROP_UNEXPECTED), OS: _stay(OS, _A.DROP_UNEXPECTED),
        OR: _stay(OR, _A.DROP_UNEXPECTED),
        OP: _sender(OP)[event], CS: _sender(CS)[event],
        # The peer does not send its CLOSE again (decision Z3).
        CR: _sender(CR, ("ZERO LAST_ACK", _A.RETIRE_CLOSE, CR))[event],
    } for event in (_E.RX_ACK, _E.RX_NACK, _E.RX_NACK_FULL, _E.RX_NACK_NOLINK)},
    **{event: {
        CL: _stay(CL), OS: _stay(OS), OR: _stay(OR),
        **{state: _background(state)[event] for state in (OP, CS, CR)},
    } for event in (_E.LOOK, _E.ASK, _E.SEEK, _E.REPLAY, _E.RETIRE)},
    _E.PURGE: {state: rows(("OLD_KEPT", _A.FREE_KEPT, state), ("", _A.NOTHING, state))
               for state in (CL, OS, OR, OP, CS, CR)},
    _E.WALKED: {state: _stay(state) for state in (CL, OS, OR, OP, CS, CR)},
}
# fmt: on
"""TABLE[event][state] = ((guards, action, next state), ...); every cell is there."""
