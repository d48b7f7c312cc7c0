"""Captures of live runs in which the engine did wrong: fed to the model, it does right.

Node 1 is Tesla's module, node 2 the engine, in whose place the model stands. The module's frames
are fed in the order of the capture; a new PAYLOAD, an OPEN or a CLOSE of the engine there is what
its host asks for, and a PAYLOAD that it sent again is a time-out. Where the capture goes on from an
answer that the model no longer gives, the test says what the module sends instead (section 10).
"""

from collections import Counter
from pathlib import Path

import pytest

from ttpverif.frames.frame import ETHERTYPE_IEEE, Frame, Opcode
from ttpverif.frames.pcap import read_pcap
from ttpverif.model.endpoint import TAKEN, Endpoint, Parameters
from ttpverif.model.peer import Peer
from ttpverif.model.states import State

FOLDER = Path(__file__).parent.parent / "data" / "pcap-live"
MODULE, ENGINE = 1, 2
VC = 2


def frames_of(number):
    (path,) = FOLDER.glob(f"{number}_*.pcap")
    found = [Frame.parse(data) for _, data in read_pcap(path)]
    assert all(cause is None for _, cause in found)
    return [frame for frame, _ in found]


class Played:
    """A capture on the model. `answers`: opcodes that the model sent, by VC."""

    def __init__(self, number, **parameters):
        self.capture = frames_of(number)
        ours = [frame for frame in self.capture if frame.src == ENGINE]
        opens = iter(
            [
                (frame.tx_id - (frame.opcode == Opcode.OPEN_ACK), frame.epoch)
                for frame in ours
                if frame.opcode in (Opcode.OPEN, Opcode.OPEN_ACK)
            ]
            + [(0x1000, 0x1000), (0x2000, 0x1001), (0x3000, 0x1002)]
        )
        self.model = Endpoint(
            Parameters(ENGINE, ethertype=ETHERTYPE_IEEE, **parameters), lambda: next(opens)
        )
        self.peer = Peer(self.model)
        self.known = set()
        self.answers = Counter()
        self.asked_to_close = False

    def sent(self):
        """What the model sent since the last call: [(opcode name, TxID, RxID)]."""
        frames = [Frame.parse(data)[0] for data in self.peer.take_sent()]
        self.answers.update(frame.opcode.name for frame in frames)
        return [(frame.opcode.name, frame.tx_id, frame.rx_id) for frame in frames]

    def rx(self, opcode, tx_id=0, rx_id=0, payload=b"", vc=VC):
        """A frame of the module that is not in the capture; what the model sends."""
        frame = Frame(
            MODULE,
            ENGINE,
            Opcode[opcode],
            vc,
            tx_id,
            rx_id,
            0,
            ethertype=ETHERTYPE_IEEE,
            payload=payload,
        )
        return self.feed(frame)

    def feed(self, frame):
        self.peer.receive(frame.pack())
        answers = self.sent()
        if frame.opcode != Opcode.NACK:  # whose answer may be the PAYLOAD at once (R9)
            assert len(answers) <= 1, f"two answers to {frame}: {answers}"
        self.peer.visit_all()
        return answers + self.sent()

    def time_out(self):
        self.peer.timer_round()
        self.peer.visit_all()
        self.peer.timer_round()
        self.peer.visit_all()
        return self.sent()

    def step(self, frame):
        """One frame of the capture; what the model sends."""
        if frame.src == MODULE:
            return self.feed(frame)
        key = frame.vc, frame.tx_id
        if frame.opcode == Opcode.OPEN:
            self.peer.open(MODULE, frame.vc)
        elif frame.opcode == Opcode.PAYLOAD and key in self.known:
            return self.time_out()
        elif frame.opcode == Opcode.PAYLOAD:
            self.known.add(key)
            assert self.peer.payload(MODULE, frame.vc, frame.payload).result == TAKEN
        elif frame.opcode == Opcode.CLOSE and not self.asked_to_close:
            self.asked_to_close = True
            self.peer.close(MODULE, frame.vc)
        self.peer.visit_all()
        return self.sent()

    def play(self, first, last):
        """Frames `first` to `last` of the capture, counted from 1; all that the model sends."""
        return [one for frame in self.capture[first - 1 : last] for one in self.step(frame)]

    def talk(self, vc, count):
        """What a capture that was cut leaves out: so many packets, echoed by the engine."""
        for packet_id in range(2, count + 1):
            data = b"%d" % packet_id
            assert self.rx("PAYLOAD", packet_id, payload=data, vc=vc) == [("ACK", 0, packet_id)]
            self.peer.payload(MODULE, vc, data)
            assert self.sent() == [("PAYLOAD", packet_id, 0)]
            assert self.rx("ACK", 0, packet_id, vc=vc) == []
        self.peer.delivered.clear()

    @property
    def delivered(self):
        return [data for _, _, _, data in self.peer.delivered]

    @property
    def told(self):
        return [name for name, _, _ in self.peer.notices]

    def link(self, vc=VC):
        return self.model.links.find(MODULE, vc)


def test_31_the_engine_restarts_and_opens_a_link_that_the_module_holds():
    """Not one NACK: NACK_NOLINK, the module says where it stands, and its message arrives."""
    played = Played("31")
    played.play(1, 82)
    first = Played("31")  # the engine of frame 83 knows nothing
    first.model.ids = played.model.ids  # (its seed is another one)
    first.known = played.known
    first.play(83, 90)
    assert first.link().guessed and first.link().in_flight == 0
    lost = first.capture[90]
    assert first.feed(lost) == [("NACK_NOLINK", 0, 0x16)]
    assert first.feed(lost) == [("NACK_NOLINK", 0, 0x16)], "each of them, until it opens"
    una = first.link().oldest
    assert first.rx("OPEN", 0x15, una - 1) == [("OPEN_ACK", una, 0x15)]
    assert first.feed(lost) == [("ACK", 0, 0x16)]
    for frame in first.capture[91:]:
        if frame.src == MODULE:  # each is the same message once more
            assert frame.tx_id == 0x16 and first.feed(frame) == [("ACK", 0, 0x16)]
    assert first.delivered == [lost.payload] and first.told == ["LINK_UP"]
    assert not first.answers["NACK"] and first.answers["NACK_NOLINK"] == 2
    assert first.rx("PAYLOAD", 0x17, payload=b"next") == [("ACK", 0, 0x17)]


def test_32_the_module_is_reloaded_and_opens():
    """Its OPEN may be late; its NACK is asked back, and the OPEN that answers is a restart: the host
    is told, and the next message has the ID that it expects."""
    played = Played("32")
    played.play(1, 10)
    assert played.told == ["LINK_UP"]
    una = played.link().oldest
    assert played.play(11, 11) == [("OPEN_ACK", una, 1)]
    message = played.capture[12].payload
    assert played.peer.payload(MODULE, VC, message).result == TAKEN
    assert played.sent() == [("PAYLOAD", una, 0)] and played.told == ["LINK_UP"]
    assert played.feed(played.capture[13]) == [("NACK_NOLINK", 0, 0)]
    assert played.rx("OPEN", 1, 1) == [("OPEN_ACK", 2, 1)]
    assert played.told == ["LINK_UP", "PEER_RESTARTED"]
    assert played.peer.payload(MODULE, VC, message).result == TAKEN
    assert played.sent() == [("PAYLOAD", 2, 0)]
    assert played.rx("ACK", 0, 2) == [] and played.link().stored == 0
    for frame in played.capture[13:]:
        if frame.src == MODULE:  # the NACKs of the storm are no requests now
            assert played.feed(frame) == []
    assert played.model.counters["bad_ack"] == sum(
        frame.opcode == Opcode.NACK for frame in played.capture[13:]
    )


def test_33_the_module_closes_while_its_page_is_full():
    """CLOSE_NACK to each of its CLOSEs, and CLOSE_ACK as soon as it has taken everything."""
    played = Played("33")
    played.play(1, 36)
    assert played.link().stored == 2
    answers = played.play(37, 53)
    assert played.answers["CLOSE_NACK"] == 3 and ("CLOSE_ACK", 0, 7) not in answers
    assert played.link().state == State.CLOSE_RECD and played.link().stored == 1
    assert played.play(54, 54) == [("CLOSE_ACK", 0, 7)]
    assert played.time_out() + played.time_out() == [("CLOSE_ACK", 0, 7)] * 3, "one may be lost"
    assert played.told == ["LINK_UP", "LINK_DOWN"] and played.link() is None
    assert len(played.delivered) == 6 and played.model.free_slots == 1024
    assert played.time_out() == [], "nothing is said again and again"


def test_34_the_module_closes_with_one_message_unacknowledged():
    played = Played("34")
    # The engine had taken its host's last message (18) when it heard the CLOSE (16).
    played.capture[15], played.capture[17] = played.capture[17], played.capture[15]
    played.play(1, 17)
    assert played.feed(played.capture[17]) == [("CLOSE_NACK", 5, 5)]
    assert played.play(20, 20) == [("CLOSE_ACK", 0, 5)], "the module's link ends with it"
    assert played.time_out() + played.time_out() == [("CLOSE_ACK", 0, 5)] * 3, "one may be lost"
    assert played.told == ["LINK_UP", "LINK_DOWN"] and len(played.delivered) == 4
    assert played.time_out() == []


def test_35_we_close_while_the_modules_page_is_full():
    """Six messages were handed over before the close: all are delivered before our CLOSE."""
    played = Played("35", init_id=1)
    played.play(1, 20)
    una = played.link().oldest
    assert played.link().stored == 2
    assert played.play(21, 21) == [] and played.link().state == State.CLOSE_SENT
    assert played.play(22, 23) == [] and played.link().stored == 2, "they answer no CLOSE of ours"
    assert set(played.time_out()) == {("PAYLOAD", una, 0), ("PAYLOAD", una + 1, 0)}
    assert played.rx("ACK", 0, una) == []
    assert played.rx("ACK", 0, una + 1) == [("CLOSE", una + 2, 1)]
    assert played.rx("CLOSE_ACK", 0, 1) == [("CLOSE_ACK", 0, 1)]
    assert played.rx("CLOSE_ACK", 0, una + 1) == []
    assert played.told == ["LINK_UP", "LINK_DOWN"] and played.model.counters["unexpected"] == 3


def test_36_we_close_and_the_last_payload_is_lost():
    played = Played("36")
    played.play(1, 7)
    una = played.link().oldest
    assert played.play(8, 10) == [] and played.link().stored == 1
    assert played.time_out() == [("PAYLOAD", una, 0)]
    assert played.rx("ACK", 0, una) == [("CLOSE", una + 1, 1)]
    played.rx("CLOSE_ACK", 0, 1)
    assert played.told == ["LINK_UP", "LINK_DOWN"]


def test_37_closes_with_left_over_ids():
    """Each link ends with the first CLOSE on it; those that follow are of a closed link."""
    played = Played("37")
    played.play(1, 2)
    played.talk(0, 0x6E)
    for vc, last in ((1, 0x78), (2, 0x81)):
        assert played.rx("OPEN", 1, 1, vc=vc) == [("OPEN_ACK", 2, 1)]
        played.talk(vc, last)
    assert played.rx("PAYLOAD", 0x82, payload=b"x") == [("ACK", 0, 0x82)]
    closed = set()
    for frame in played.capture[2:]:
        answers = played.step(frame)
        if frame.opcode == Opcode.CLOSE:
            assert answers == [("CLOSE_ACK", 0, frame.tx_id)]
            closed.add(frame.vc)
        elif frame.opcode == Opcode.OPEN:
            assert answers == [("OPEN_ACK", frame.tx_id + 1, frame.tx_id)]
        assert all(played.link(vc) is None for vc in closed)
    assert closed == {0, 1, 2} and not played.answers["CLOSE_NACK"]
    assert Counter(played.told) == {"LINK_UP": 3, "LINK_DOWN": 3}


def test_38_the_module_stalls_after_a_loss():
    """Its PAYLOAD 12f was lost and ours cancelled its timer: our timer makes it send again."""
    played = Played("38")
    assert played.rx("OPEN", 0x125, 0x124) == [("OPEN_ACK", 0x125, 0x125)]
    assert played.rx("PAYLOAD", 0x126, payload=b"292") == [("ACK", 0, 0x126)]
    played.play(1, 37)
    assert played.link().received == 0x12E and played.link().stored == 0
    for _ in range(2):
        assert ("ACK", 0, 0x12E) in played.time_out()
    assert played.rx("PAYLOAD", 0x12F, payload=b"lost") == [("ACK", 0, 0x12F)]
    assert played.delivered[-1] == b"lost"
    assert played.play(38, 38) == [("CLOSE_ACK", 0, 0x31)], "what its CLOSE says means nothing"
    assert played.told == ["LINK_UP", "LINK_DOWN"]


@pytest.mark.parametrize("number", range(31, 39))
def test_every_capture_has_a_test(number):
    assert any(name.startswith(f"test_{number}_") for name in globals())
    assert len(list(FOLDER.glob("*.pcap"))) == 8
