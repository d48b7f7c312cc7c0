"""The reference model with a link whose peer sends epoch 0."""

from tests.verif.model_bench import ID, PEER, E, R, endpoint, link, notices, rx, sent
from ttpverif.model.endpoint import TAKEN
from ttpverif.model.states import State

DATA_STATES = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")


def rx0(m, opcode, tx_id=0, rx_id=0, **how):
    """A frame of the module, with epoch 0."""
    return rx(m, opcode, tx_id, rx_id, 0, **how)


def zero(state="OPEN", data=0, got=0, guessed=False, doubted=False, asked=False, **changes):
    """A model whose link to PEER, which sends epoch 0, is in `state`.

    `data`: payloads of ours in flight, from ID on (one at least in CLOSE_RECD). `got`: payloads
    of the peer that were accepted behind R. `guessed`: we opened, and r is INIT_ID (1).
    `doubted`: an OPEN came that does not fit; `asked`: and a PAYLOAD that was answered NACK_NOLINK.
    """
    m = endpoint(**changes)
    if guessed:
        m.host_open(PEER, 0)
        assert notices(rx0(m, "OPEN_ACK", 0, ID - 1)) == ["LINK_UP"]
    else:
        rx0(m, "OPEN", R, ID - 1)
        if state != "OPEN_RECD":
            m.open_ack_sent(PEER, 0)
    for n in range(max(data, state == "CLOSE_RECD")):
        assert m.host_payload(PEER, 0, b"%d" % n).result == TAKEN
    for n in range(got):
        assert sent(rx0(m, "PAYLOAD", R + 1 + n)) == ("ACK", 0, R + 1 + n, E)
    if doubted:
        assert sent(rx0(m, "OPEN", 7, 7)) == ("OPEN_ACK", ID, 7, E)
    if asked:
        assert rx0(m, "PAYLOAD", R + 40).drop == "out_of_step"
    if state == "CLOSE_SENT":
        m.host_close(PEER, 0)
    elif state == "CLOSE_RECD":
        assert sent(rx0(m, "CLOSE")) == ("CLOSE_NACK", link(m).end - 1, link(m).received, E)
    assert m.state(PEER, 0) == State[state]
    assert (link(m).guessed, link(m).doubted, link(m).fed) == (guessed, doubted, got > 0)
    return m


def time_outs(m, count):
    """What the timer sends in so many time-outs."""
    if not link(m).timer_bit:
        assert sent(m.timer(PEER, 0)) is None
    return [sent(m.timer(PEER, 0)) for _ in range(count)]
