"""The state machine of a link, as data: one table, (event, state) -> (guards, action, next state).

Source: the protocol's section 2 (states and table), 3, 4, 4.1, 6, 10.1, and `docs/protocol/decisions.md`.
The table makes the hardware (`pipeline.q2_rules`), the documentation and the coverage plan. The
reference model keeps a copy of its own.

Reading a row: the alternatives are tried from top to bottom, the first whose guards all hold is
taken. A guard with `!` in front must not hold. The last alternative has no guards.
"""

from .fsm import Action, Event, LinkState

__all__ = ["TABLE", "rows"]

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
                      ("LOOKING NEXT !AHEAD", _A.LOOKED, state),
                      ("LOOKING NEXT !KEPT_ANY", _A.LOOKED, state),
                      # What was delivered last has come in order, and was acknowledged.
                      ("LOOKING !KEPT_ANY", _A.LOOK_OVER, state), ("", _A.NOTHING, state)),
        # Without SELECTIVE it is a question of the incarnation before, and NACK would acknowledge.
        _E.ASK: rows(("SELECTIVE GAP HIT RUN", _A.NACK_RUN, state),
                     ("SELECTIVE GAP AT_SEEN !HIT", _A.NACK_RUN, state),
                     ("", _A.NOTHING, state)),
        _E.SEEK: rows(("SEEK_OK", _A.START_WALK, state), ("", _A.NOTHING, state)),
        _E.REPLAY: rows(("RESEND_OK", _A.RESEND, state), ("", _A.NOTHING, state)),
        _E.RETIRE: rows(("RETIRING", _A.RETIRE_RUN, state), ("", _A.NOTHING, state)),
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
