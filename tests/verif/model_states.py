"""An endpoint of the model with a link in any state."""

from tests.verif.model_bench import ID, PEER, E, P, R, endpoint, notices, rx, sent
from ttpverif.model.endpoint import TAKEN
from ttpverif.model.states import State


def in_state(state, peer_epoch=P, data=0, **changes):
    """A model whose link to PEER is in `state`; `data` payloads sent and unacknowledged."""
    m = endpoint(**changes)
    if state == "CLOSED":
        return m
    if state in ("OPEN_SENT", "OPEN", "CLOSE_SENT", "CLOSE_RECD"):
        assert sent(m.host_open(PEER, 0)) == ("OPEN", ID - 1, 0, E)
    if state == "OPEN_RECD":
        rx(m, "OPEN", R, 0, peer_epoch)
    if state in ("OPEN", "CLOSE_SENT", "CLOSE_RECD"):
        assert notices(rx(m, "OPEN_ACK", R + 1, ID - 1, peer_epoch)) == ["LINK_UP"]
        for n in range(max(data, state == "CLOSE_RECD")):
            assert m.host_payload(PEER, 0, b"%d" % n).result == TAKEN
    if state == "CLOSE_SENT":
        m.host_close(PEER, 0)
    if state == "CLOSE_RECD":
        rx(m, "CLOSE", R + 1, ID - 1, peer_epoch)
    assert m.state(PEER, 0) == State[state]
    return m


# (event arguments, {state: (frame, new state)}); one line per cell of the protocol's table.
SAME = object()


ALL_STATES = ("CLOSED", "OPEN_SENT", "OPEN_RECD", "OPEN", "CLOSE_SENT", "CLOSE_RECD")


# fmt: off
RX_CELLS = [
    (("OPEN", R, 0, P), {
        "CLOSED": (("OPEN_ACK", ID, R, E), "OPEN_RECD"),
        "OPEN_SENT": (("OPEN_ACK", ID, R, E), SAME), "OPEN_RECD": (("OPEN_ACK", ID, R, E), SAME),
        "OPEN": (("OPEN_ACK", ID, R, E), SAME), "CLOSE_SENT": (("OPEN_ACK", ID, R, E), SAME),
        "CLOSE_RECD": (("OPEN_ACK", ID, R, E), SAME)}),
    (("OPEN", R - 1, 0, P), {
        "OPEN_RECD": (("OPEN_ACK", ID, R - 1, E), SAME),        # nothing is used there (L19)
        "OPEN": (("OPEN_NACK", 0, R - 1, P), SAME),
        "CLOSE_SENT": (("OPEN_NACK", 0, R - 1, P), SAME),
        "CLOSE_RECD": (("OPEN_NACK", 0, R - 1, P), SAME)}),
    (("OPEN_ACK", R + 1, ID - 1, P), {
        "CLOSED": (None, SAME), "OPEN_SENT": (None, "OPEN"), "OPEN_RECD": (None, SAME),
        "OPEN": (None, SAME), "CLOSE_SENT": (None, SAME), "CLOSE_RECD": (None, SAME)}),
    (("OPEN_NACK", 0, ID - 1, E), {
        "CLOSED": (None, SAME), "OPEN_SENT": (None, "CLOSED"), "OPEN_RECD": (None, SAME),
        "OPEN": (None, SAME), "CLOSE_SENT": (None, SAME), "CLOSE_RECD": (None, SAME)}),
    (("CLOSE", R + 1, ID, P), {
        "CLOSED": (("CLOSE_ACK", 0, R + 1, P), SAME),
        "OPEN_SENT": (("CLOSE_ACK", 0, R + 1, P), "CLOSED"),
        "OPEN_RECD": (("CLOSE_ACK", 0, R + 1, E), SAME),
        "OPEN": (("CLOSE_ACK", 0, R + 1, E), "CLOSED"),
        "CLOSE_SENT": (("CLOSE_ACK", 0, R + 1, E), "CLOSED"),
        "CLOSE_RECD": (("CLOSE_ACK", 0, R + 1, E), "CLOSED")}),
    (("CLOSE", R + 3, ID - 1, P), {
        "OPEN": (("CLOSE_NACK", ID - 1, R, E), "CLOSE_RECD"),
        "CLOSE_SENT": (("CLOSE_NACK", ID - 1, R, E), SAME),
        "CLOSE_RECD": (("CLOSE_NACK", ID, R, E), SAME)}),
    (("CLOSE_ACK", 0, 0, P), {
        "CLOSED": (None, SAME), "OPEN_SENT": (None, SAME), "OPEN_RECD": (None, SAME),
        "OPEN": (None, SAME), "CLOSE_SENT": (None, "CLOSED"), "CLOSE_RECD": (None, "CLOSED")}),
    (("CLOSE_NACK", R + 2, ID - 1, P), dict.fromkeys(ALL_STATES, (None, SAME))),
    (("PAYLOAD", R + 1, 0, P), {
        "CLOSED": (("NACK_NOLINK", 0, R + 1, P), SAME),
        "OPEN_SENT": (None, SAME), "OPEN_RECD": (None, SAME),       # L15
        "OPEN": (("ACK", 0, R + 1, E), SAME), "CLOSE_SENT": (("ACK", 0, R + 1, E), SAME),
        "CLOSE_RECD": (("NACK_NOLINK", 0, R + 1, P), SAME)}),
    (("NACK_NOLINK", 0, 0, E), {
        "CLOSED": (None, SAME), "OPEN_SENT": (None, SAME), "OPEN_RECD": (None, SAME),
        "OPEN": (None, "CLOSED"), "CLOSE_SENT": (None, "CLOSED"), "CLOSE_RECD": (None, "CLOSED")}),
    *(((opcode, 0, ID, P), dict.fromkeys(ALL_STATES, (None, SAME))) for opcode in ("ACK", "NACK",
                                                                         "NACK_FULL")),
]
