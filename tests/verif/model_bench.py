"""One model and what it is fed and answers: for `test_model`, `test_model_zero`."""

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.endpoint import Endpoint, Parameters

US, PEER = 1, 2
E, P = 0x55, 0x77  # our epoch (first incarnation), the peer's
ID = 100  # our first data ID
R = 500  # the peer's open ID: its first data ID is 501


def endpoint(**changes):
    numbers = iter(range(1000))
    return Endpoint(
        Parameters(US, **changes), lambda: (lambda n: (ID - 1 + 1000 * n, E + n))(next(numbers))
    )


def rx(model, opcode, tx_id=0, rx_id=0, epoch=P, payload=None, room=True, src=PEER, vc=0):
    if payload is None:
        payload = b"x" if opcode == "PAYLOAD" else b""
    return model.receive(
        Frame(src, US, Opcode[opcode], vc, tx_id, rx_id, epoch, payload=payload), room
    )


def sent(outcome):
    f = outcome.frame
    return None if f is None else (f.opcode.name, f.tx_id, f.rx_id, f.epoch)


def notices(outcome):
    return [name for name, _, _ in outcome.notices]


def link(m):
    return m.links.find(PEER, 0)
