"""The state table of protocol section 2 as data: the model's own copy.

Each entry names the method of `Endpoint` (without its leading underscore) that carries the event
out. `nothing`: no effect, not counted; `unexpected`: dropped and counted, whatever its epoch (L12;
also where the protocol's table says "-" or "drop"). PURGE, SEEK, WALKED and RETIRE are the
hardware's housekeeping, of which no link can tell.
"""

import enum

__all__ = ["State", "TABLE", "EVENTS", "DATA_STATES"]


class State(enum.IntEnum):
    CLOSED = 0
    OPEN_SENT = 1
    OPEN_RECD = 2
    OPEN = 3
    CLOSE_SENT = 4
    CLOSE_RECD = 5


DATA_STATES = (State.OPEN, State.CLOSE_SENT, State.CLOSE_RECD)

_TEXT = """
                CLOSED        OPEN_SENT     OPEN_RECD   OPEN           CLOSE_SENT   CLOSE_RECD
HOST_PAYLOAD    open_with     queue         queue       send_new       refuse       refuse
HOST_OPEN       open          accept        accept      accept         refuse       refuse
HOST_CLOSE      nothing       give_up       remember    close          nothing      nothing
VICTIM          nothing       nothing       nothing     close_if_idle  nothing      nothing
VISIT           nothing       nothing       nothing     send           send         send
TIMER           nothing       visit_timer   visit_timer visit_timer    visit_timer  visit_timer
SENT            nothing       nothing       ack_sent    nothing        nothing      nothing
LOOK            nothing       nothing       nothing     look           look         look
ASK             nothing       nothing       nothing     ask            ask          ask
PURGE           nothing       nothing       nothing     nothing        nothing      nothing
SEEK            nothing       nothing       nothing     nothing        nothing      nothing
REPLAY          nothing       nothing       nothing     replay         replay       replay
WALKED          nothing       nothing       nothing     nothing        nothing      nothing
RETIRE          nothing       nothing       nothing     nothing        nothing      nothing
RX_OPEN         answer        crossing      open_again  open_again     open_again   open_again
RX_OPEN_ACK     unexpected    opened        unexpected  unexpected     unexpected   unexpected
RX_OPEN_NACK    unexpected    refused       unexpected  unexpected     unexpected   unexpected
RX_CLOSE        close_unknown close_unknown acknowledge close_peer     close_peer   close_peer
RX_CLOSE_ACK    unexpected    unexpected    unexpected  unexpected     closed       closed
RX_CLOSE_NACK   unexpected    unexpected    unexpected  unexpected     note_end     note_end
RX_PAYLOAD      nolink        unexpected    unexpected  data           data         data
RX_ACK          unexpected    unexpected    unexpected  acked          acked        acked
RX_NACK         unexpected    unexpected    unexpected  nacked         nacked       nacked
RX_NACK_FULL    unexpected    unexpected    unexpected  hold           hold         hold
RX_NACK_NOLINK  unexpected    unexpected    unexpected  lost           lost         lost
"""


def _read(text):
    rows = [line.split() for line in text.strip().splitlines()]
    states = [State[name] for name in rows[0]]
    return {
        (row[0], state): action
        for row in rows[1:]
        for state, action in zip(states, row[1:], strict=True)
    }


TABLE = _read(_TEXT)
EVENTS = tuple(dict.fromkeys(event for event, _ in TABLE))
