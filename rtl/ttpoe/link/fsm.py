"""The words of a link's state machine: states, events, guards, actions.

`link.state_table` has the table of them, `link.effects` what each action does.

Source: the protocol's sections 2, 3, 5.3, 10.1 and 11, and `docs/protocol/decisions.md`.
"""

from amaranth.lib import enum

from ..protocol import Opcode

__all__ = ["GUARDS", "Action", "Event", "LinkState"]


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
    RETIRE = 24  # free a run of slots that were acknowledged with others


GUARDS = {
    "FULL": "both ways of the set are taken by other links",
    "SELF": "the address is our own",
    "ZERO": "the peer sends epoch 0",
    "AT_LIMIT": "the link holds as many slots as one link may; a CONTROLLED one three quarters of all",
    "CAN_SEND": "what is to be sent next is known, or is the event's own; the link is not held; a "
    "CONTROLLED one is free to send",
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
    "LAG": "acknowledged slots wait to be freed, the retirer does not walk along them, and no walk "
    "stands at the first one",
    "RETIRING": "the run of slots that the event names is still there, and no walk stands within 16 "
    "slots of its head",
    "CLOSE_DUE": "a CLOSE is to be sent",
    "CLOSE_WAITS": "something is unacknowledged or waits, and a CLOSE would not keep it: ZERO, or "
    "our last data ID is 0xFFFFFFFF, so that it cannot declare the ID behind it",
    "UNSENT": "something waits to be sent, its slot is known, and the link is not held",
    "SELECTIVE": "both sides keep packets behind a gap",
    "LOOKING": "a look-up is under way",
    "AHEAD": "the LOOK for the ID before had no answer when this one was offered",
    "KEPT_ANY": "packets are kept",
    "HIT": "the ID is kept",
    "KEEP_OK": "there is a receive slot, a reorder slot and a place in the directory",
    "NEW_GAP": "TxID leaves out IDs behind the youngest one noted",
    "RUN": "the ID in front of this one is missing, by the ASK before",
    "AT_SEEN": "this is the youngest ID noted, or the last one of the window if that is older",
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
    # many at once
    RETIRE_RUN = 90
    LOOK_OVER = 91
