"""Code points of the trace port by name: the verification side's own copy of
docs/reference/trace.md.

`tests/verif/test_trace.py` compares it with the hardware's enumerations.
"""

from ..frames.frame import Opcode
from ..model.states import State

__all__ = [
    "freed_slots",
    "EVENTS",
    "BY_NUMBER",
    "STATES",
    "ACTIONS",
    "RESULTS",
    "NOTICES",
    "OPCODES",
]

OPCODES = tuple(opcode.name for opcode in sorted(Opcode))
EVENTS = (
    *(f"RX_{name}" for name in OPCODES),
    "HOST_PAYLOAD",
    "HOST_OPEN",
    "HOST_CLOSE",
    "VISIT",
    "TIMER",
    "SENT",
    "VICTIM",
    "LOOK",
    "ASK",
    "PURGE",
    "SEEK",
    "REPLAY",
    "WALKED",
    "RETIRE",
)
BY_NUMBER = EVENTS[EVENTS.index("VISIT") :]
"""Events that name a link by its number: on a free tag they have no node to name."""
STATES = tuple(state.name for state in State)
RESULTS = ("TAKEN", "REFUSED", "BLOCKED")
NOTICES = (
    "LINK_UP",
    "LINK_DOWN",
    "REFUSED",
    "PEER_RESTARTED",
    "RETRIES_USED_UP",
    "PAYLOAD_REFUSED",
    "IDS_REUSED",
)
ACTIONS = tuple(
    """
NOTHING DROP_STALE DROP_UNEXPECTED DROP_BAD_ACK DROP_GAP
OPEN_BY_HOST OPEN_BY_PAYLOAD OPEN_AGAIN ANSWER_OPEN LEARN_OPEN ANSWER_AGAIN REPLACE_OPEN RESTART
RESTART_CLOSING REFUSE_OPEN BECOME_OPEN OPENED REFUSED
APPEND APPEND_SEND BLOCK BLOCK_FULL REFUSE_PAYLOAD SEND RETIRE_ONE DELIVER ACK_AGAIN NACK_GAP
SAY_FULL SAY_NOLINK RETIRE RETIRE_REPLAY HOLD
MARK MARK_NACK REPLAY REPLAY_NACK COUNT COUNT_NACK GIVE_UP
CLOSE_LATER CLOSE CLOSE_TIMED CLOSE_AGAIN CLOSE_AGREED CLOSE_NOLINK CLOSE_ACK_STAY CLOSE_REFUSED
CLOSE_NOT_YET CLOSE_NACK_AGAIN CLOSE_DONE NOTE_END LINK_LOST REFUSE_HOST_OPEN ANSWER_TIMED
CLOSE_UNSAID
DELIVER_LOOK KEEP KEEP_NACK LOSE NACK_ALL DELIVER_KEPT LOOKED NACK_RUN FREE_KEPT NACK_RANGE
START_WALK RESEND
REFUSE_REUSED REFUSE_OWN_OPEN REFUSE_OWN_PAYLOAD AGREE AGREE_TOLD DOUBT RESYNC SAY_OUT_OF_STEP
WAKE_ACK WAKE_NACK REPLAY_WAKE_ACK REPLAY_WAKE_NACK CLOSE_HEARD CLOSE_NACKED TAKE_POSITION
RETIRE_CLOSE CLOSE_UNASKED GIVE_UP_CLOSE CLOSE_DONE_TOLD SAY_CLOSED
KEEP_ECHO NOTED
RETIRE_RUN LOOK_OVER
""".split()
)
RUN = 16
"""Slots that one RETIRE frees at most."""


def freed_slots(trace: dict[str, int]) -> int:
    """How many acknowledged slots an event freed: one, but for a RETIRE, which says how many."""
    run = ACTIONS[trace["action"]] == "RETIRE_RUN"
    return trace["rx_id"] & (2 * RUN - 1) if run else trace["frees"]
