"""One endpoint of the model whose links replay selectively, and a peer's frames for it."""

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.serial import id_add
from ttpverif.model.endpoint import Endpoint, Parameters
from ttpverif.model.states import State

US, PEER, OTHER = 1, 2, 9


E, P = 0x55, 0x77


ID, R = 100, 500  # our first data ID; the peer's last ID before its data


SELECTIVE = 0x20


def frame(opcode, tx_id=0, rx_id=0, epoch=P, ext=0, payload=None, src=PEER):
    if payload is None:
        payload = b"%d" % tx_id if opcode == "PAYLOAD" else b""
    return Frame(src, US, Opcode[opcode], 0, tx_id, rx_id, epoch, ext, payload=payload)


class Desk:
    """A model, and short names for what happens to its link with PEER."""

    def __init__(self, **changes):
        numbers = iter(range(1000))
        self.model = Endpoint(
            Parameters(US, **changes), lambda: (lambda n: (ID - 1 + 1000 * n, E + n))(next(numbers))
        )

    @classmethod
    def opened(cls, data=0, ext=SELECTIVE, start=R, **changes):
        """OPEN; `data` payloads of ours are sent and unacknowledged."""
        desk = cls(**changes)
        desk.model.host_open(PEER, 0)
        desk.rx("OPEN_ACK", id_add(start, 1), ID - 1, ext=ext)
        for n in range(data):
            desk.model.host_payload(PEER, 0, b"our %d" % n)
        assert desk.link.state == State.OPEN
        return desk

    @property
    def link(self):
        return self.model.links.find(PEER, 0)

    def rx(self, opcode, tx_id=0, rx_id=0, room=True, keep=None, send_now=False, **fields):
        outcome = self.model.receive(frame(opcode, tx_id, rx_id, **fields), room, keep, send_now)
        self.model.check()
        return outcome

    def data(self, *ahead, **fields):
        """PAYLOADs R+n; the answer to the last."""
        for n in ahead:
            outcome = self.rx("PAYLOAD", id_add(R, n), **fields)
        return sent(outcome)

    def timer(self, ask=None):
        return sent(self.model.timer(PEER, 0, ask))

    def look(self, *ids):
        outcome = self.model.look(PEER, 0, *ids)
        self.model.check()
        return [item[2] - R for item in outcome.deliveries] or sent(outcome)

    def ask(self, *ids):
        return sent(self.model.ask(PEER, 0, *ids))

    def replay(self, *packet_id):
        outcome = self.model.replay(PEER, 0, *packet_id)
        self.model.check()
        return outcome.frame and (outcome.frame.tx_id - ID, outcome.frame.payload)

    def replays(self):
        """All that is replayed until no range is left."""
        got = []
        while self.link.walks:
            got.append(self.replay())
        return [number and number[0] for number in got]


def sent(outcome):
    f = outcome.frame
    return None if f is None else (f.opcode.name, f.tx_id, f.rx_id)


def nack(first, last):
    return "NACK", id_add(R, last), id_add(R, first)


def ack(n):
    return "ACK", 0, id_add(R, n)
