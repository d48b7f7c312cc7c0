"""The module peer against Tesla's captures, and each behaviour of protocol section 10 by itself."""

from pathlib import Path

import pytest

from ttpverif.frames.fields import with_field
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.module import Module, Options
from ttpverif.module.differences import DIFFERENCES, expected_differences
from ttpverif.module.options import CHOICES
from ttpverif.module.replay import EARLY_MS, LATE_MS, load_plays, run_play

DATA = Path(__file__).parent.parent / "data"
PLAYS = {str(play): play for folder in ("pcap", "pcap-live") for play in load_plays(DATA / folder)}


# ---- the captures ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PLAYS))
def test_it_does_what_the_module_did(name):
    """Every frame, in order, every field; a timer never early, and at most `LATE_MS` late."""
    result = run_play(PLAYS[name])
    assert result.differences == expected_differences(PLAYS[name])
    assert all(-EARLY_MS <= late <= LATE_MS for late in result.late.values())


def test_every_place_of_the_module_is_played():
    """17 captures but the IPv4 one have two roles, 8 of live runs one."""
    assert len(PLAYS) == 16 * 2 + 8
    assert {entry.play for entry in DIFFERENCES} <= set(PLAYS)
    timed = {name for name, play in PLAYS.items() if run_play(play).late}
    assert timed == {"06A", "07A", "08A", "09A", "10A", "11A", "18A", "33A", "37A", "38A"}


@pytest.mark.parametrize(
    "what, options",
    [
        ("a window of two", None),
        ("replays too early", Options(replay_ms=300)),
        ("opens too late", Options(open_ms=320)),
        ("closes too early", Options(close_ms=430)),
        ("another start ID", Options(start_id=7)),
        ("a larger page", Options(page_bytes=5000)),
    ],
)
def test_the_captures_see_a_wrong_peer(what, options, monkeypatch):
    if options is None:
        received = Module._rx_ack

        def acked(self, tag, frame, now):
            received(self, tag, frame, now)
            if len(tag.queue) > 1:
                self._put(tag.node, tag.vc, Opcode.PAYLOAD, tag.next_id + 1, 0, tag.queue[1])

        monkeypatch.setattr(Module, "_rx_ack", acked)
        options = Options()
    results = [(play, run_play(play, options)) for play in PLAYS.values()]
    assert any(
        result.differences - expected_differences(play)
        or max(result.late.values(), default=0) > LATE_MS
        for play, result in results
    ), what


# ---- one behaviour each ---------------------------------------------------------------------


class Wire:
    """A `Module` that is node 1, and node 2 by hand."""

    def __init__(self, opened=True, vc=0, **options):
        self.module, self.vc, self.now = Module(1, Options(**options)), vc, 0.0
        if opened:
            assert self.rx("OPEN", 100) == [("OPEN_ACK", 0, 100)]

    def rx(self, opcode, tx_id=0, rx_id=0, payload=b"", **fields):
        frame = Frame(
            2,
            1,
            Opcode[opcode],
            fields.pop("vc", self.vc),
            tx_id,
            rx_id,
            ethertype=fields.pop("ethertype", 0x9AC6),
            payload=payload,
            **fields,
        )
        return self.told(self.module.receive(frame.pack(), self.now))

    def write(self, data):
        return self.told(self.module.write(2, self.vc, data, self.now))

    def close(self):
        return self.told(self.module.close(2, self.vc, self.now))

    def open(self):
        return self.told(self.module.open(2, self.vc, self.now))

    def wait(self, milliseconds):
        """Every frame that timers send within this time."""
        end, frames = self.now + milliseconds, []
        while (due := self.module.next_time) is not None and due <= end:
            frames += self.module.tick(due)
        self.now = end
        return self.told(frames)

    @staticmethod
    def told(frames):
        parsed = [Frame.parse(data)[0] for data in frames]
        assert all(frame.epoch == frame.extension == 0 for frame in parsed)
        return [(frame.opcode.name, frame.tx_id, frame.rx_id) for frame in parsed]


@pytest.mark.parametrize("start", [0, 1, 1000, 2**31 - 8, 2**32 - 1])
def test_start_id(start):
    wire = Wire(opened=False, start_id=start)
    first = start + 1 & 0xFFFFFFFF
    assert wire.open() == [("OPEN", start, start)]
    assert wire.rx("OPEN_ACK", 5, start) == []
    assert wire.write(b"data") == [("PAYLOAD", first, 0)]
    assert wire.rx("PAYLOAD", first, payload=b"x") == [("ACK", 0, first)]


def test_an_open_on_an_open_link_moves_only_what_it_expects():
    wire = Wire()
    wire.write(b"one")
    wire.rx("ACK", 0, 2)
    assert wire.rx("OPEN", 500) == [("OPEN_ACK", 0, 500)]
    assert wire.rx("PAYLOAD", 501, payload=b"x") == [("ACK", 0, 501)]
    assert wire.write(b"two") == [("PAYLOAD", 3, 0)]
    assert wire.open() == [("OPEN", 2, 501)], "its own open of an open link"


def test_a_payload_cancels_its_replay_timer():
    wire = Wire()
    assert wire.write(b"lost") == [("PAYLOAD", 2, 0)]
    assert wire.wait(376) == [("PAYLOAD", 2, 0)]
    wire.rx("PAYLOAD", 101, payload=b"ours")
    assert wire.wait(100_000) == [], "it waits for ever"
    assert wire.write(b"more") == [("PAYLOAD", 2, 0)], "its user wakes it"
    wire.rx("PAYLOAD", 102, payload=b"ours")
    assert wire.rx("ACK", 0, 77) == [("PAYLOAD", 2, 0)], "so does a wrong ACK"
    assert wire.rx("NACK", 0, 1) == [("PAYLOAD", 2, 0)]
    assert wire.rx("ACK", 0, 2) == [("PAYLOAD", 3, 0)]
    assert wire.rx("NACK_FULL", 0, 2) == [] and wire.wait(376) == [("PAYLOAD", 3, 0)]


def test_a_thousand_repetitions_then_silence():
    for used, following in ((False, 2), (True, 3)):
        wire = Wire(dropped_id_used=used)
        wire.write(b"never acknowledged")
        assert wire.wait(375 * 1000) == [("PAYLOAD", 2, 0)] * 1000
        assert wire.wait(375) == [] and wire.module.dropped == [
            (2, 0, b"never acknowledged", "tries")
        ]
        assert wire.write(b"next") == [("PAYLOAD", following, 0)]


def test_out_of_order_is_answered_without_end():
    wire = Wire()
    for tx_id in (103, 102, 150, 102, 0):
        assert wire.rx("PAYLOAD", tx_id, payload=b"x") == [("NACK", 0, 100)]
    assert wire.rx("PAYLOAD", 99, payload=b"x") == [("ACK", 0, 100)], "a duplicate"
    ack = Frame(2, 1, Opcode.ACK, 0, 101, ethertype=0x9AC6).pack()
    empty = with_field(ack, "opcode", Opcode.PAYLOAD)
    assert wire.told(wire.module.receive(empty, 0)) == [("NACK", 0, 100)]
    assert wire.module.accepted == []


def test_the_page_is_shared_and_full():
    wire = Wire()
    wire.rx("OPEN", 100, vc=1)
    for tx_id, vc in ((101, 0), (101, 1), (102, 0), (102, 1)):
        assert wire.rx("PAYLOAD", tx_id, payload=bytes(999), vc=vc) == [("ACK", 0, tx_id)]
    assert wire.rx("PAYLOAD", 103, payload=bytes(5)) == [("NACK_FULL", 0, 102)]
    assert wire.rx("PAYLOAD", 103, payload=bytes(4)) == [("ACK", 0, 103)]
    assert [len(data) for _, _, data in wire.module.read()] == [999, 999, 999, 999, 4]
    assert wire.rx("PAYLOAD", 104, payload=bytes(1000)) == [("ACK", 0, 104)]


def test_nolink():
    wire = Wire()
    assert wire.rx("PAYLOAD", 7, payload=b"x", vc=2) == [("NACK_NOLINK", 0, 0)]
    wire.write(b"one")
    wire.rx("ACK", 0, 2)
    wire.write(b"two")
    assert wire.rx("NACK_NOLINK") == [("OPEN", 2, 100)]
    assert wire.wait(251) == [("OPEN", 2, 100)]
    assert wire.rx("OPEN_ACK", 0, 2) == [("PAYLOAD", 3, 0)]


def test_open_nack_ends_it_until_asked_again():
    wire = Wire(opened=False)
    wire.open()
    assert wire.rx("OPEN_NACK", 0, 1) == [] and wire.wait(5000) == []
    assert wire.open() == [("OPEN", 1, 1)]


def test_close_is_answered_at_once_and_twice():
    wire = Wire()
    wire.write(b"not acknowledged")
    assert wire.rx("CLOSE", 999, 2) == [("CLOSE_ACK", 0, 2), ("CLOSE_ACK", 0, 100)]
    assert wire.rx("CLOSE", 999, 55) == [("CLOSE_ACK", 0, 55)], "closed: once"
    assert wire.module.dropped == [(2, 0, b"not acknowledged", "close")]


def test_close_beyond_what_it_sent():
    for ids, told in (("zero", (0, 0)), ("true", (2, 100))):
        wire = Wire(close_nack_ids=ids)
        wire.write(b"data")
        assert wire.rx("CLOSE", 101, 3) == [("CLOSE_NACK", *told)]
        assert wire.rx("PAYLOAD", 101, payload=b"x") == [("ACK", 0, 101)], "still open"


def test_close_timer_is_cancelled():
    for frame in (("PAYLOAD", 101, 0, b"x"), ("ACK", 0, 77)):
        wire = Wire()
        assert wire.close() == [("CLOSE", 0, 0)] and wire.wait(501) == [("CLOSE", 0, 0)]
        wire.rx(*frame)
        assert wire.wait(100_000) == [] and wire.module.tags
        assert wire.rx("CLOSE_NACK", 5, 5) == [] and wire.rx("CLOSE_ACK") == []
        assert not wire.module.tags


def test_left_over_ids_in_close():
    wire = Wire(events=4)
    wire.rx("PAYLOAD", 101, payload=b"x")  # with the OPEN and the answers: four events
    assert wire.close() == [("CLOSE", 100, 0)]
    wire = Wire(leftovers="plausible")
    assert wire.close() == [("CLOSE", 1, 101)]


def test_two_links_for_one_hash_value():
    module = Module(1)

    def opened(node, vc=0):
        frame = Frame(node, 1, Opcode.OPEN, vc, 9, ethertype=0x9AC6)
        return [Frame.parse(data)[0].opcode.name for data in module.receive(frame.pack(), 0.0)]

    # mac[3] ^ reverse_bits(mac[4]) ^ mac[5]: 0x03 each time
    assert [opened(node) for node in (0x000003, 0x020001, 0x010002)] == [["OPEN_ACK"]] * 2 + [[]]
    assert opened(0x010002, vc=1) == ["OPEN_ACK"] and opened(0x000004) == ["OPEN_ACK"]


def test_three_vcs_closed_and_opened_again_never_send():
    for count, sent in ((2, True), (3, False)):
        wire = Wire(opened=False)
        for vc in range(count):
            wire.rx("OPEN", 100, vc=vc)
            wire.rx("CLOSE", vc=vc)
        wire.rx("OPEN", 200)
        assert bool(wire.write(b"data")) == sent


def test_what_gets_no_answer():
    wire = Wire()
    assert wire.rx("PAYLOAD", 101, payload=b"x", ethertype=0x0AC6) == []
    good = Frame(2, 1, Opcode.PAYLOAD, 0, 101, ethertype=0x9AC6, payload=b"x").pack()
    assert wire.module.receive(with_field(good, "vc", 3), 0) == []
    frame = Frame(2, 9, Opcode.PAYLOAD, 0, 101, ethertype=0x9AC6, payload=b"x").pack()
    assert wire.module.receive(frame, 0) == [] and wire.module.receive(frame[:60], 0) == []
    assert wire.write(b"xy") == [], "a write of 2 bytes sends nothing"


def test_reload_forgets_everything():
    wire = Wire()
    wire.write(b"lost with it")
    wire.module.reload()
    assert wire.module.next_time is None and wire.module.dropped == [
        (2, 0, b"lost with it", "reload")
    ]
    assert wire.rx("PAYLOAD", 101, payload=b"x") == [("NACK_NOLINK", 0, 0)]


@pytest.mark.parametrize(
    "value, told",
    [("nolink", [("NACK_NOLINK", 0, 0)]), ("silence", []), ("accept", [("ACK", 0, 2)])],
)
def test_payload_in_open_sent(value, told):
    wire = Wire(opened=False, payload_in_open_sent=value)
    wire.open()
    assert wire.rx("PAYLOAD", 2, payload=b"x") == told


@pytest.mark.parametrize(
    "value, told, closing",
    [
        ("stay", [("OPEN_ACK", 0, 300)], True),
        ("open", [("OPEN_ACK", 0, 300)], False),
        ("silence", [], True),
    ],
)
def test_open_in_close_sent(value, told, closing):
    wire = Wire(open_in_close_sent=value)
    wire.close()
    assert wire.rx("OPEN", 300) == told
    assert bool(wire.wait(600)) == closing


@pytest.mark.parametrize(
    "value, told", [("silence", []), ("close", []), ("open", [("OPEN", 1, 100)])]
)
def test_nolink_in_close_sent(value, told):
    wire = Wire(nolink_in_close_sent=value)
    wire.close()
    assert wire.rx("NACK_NOLINK") == told
    assert bool(wire.module.tags) == (value != "close")


def test_the_other_options():
    wire = Wire(opened=False, nolink_in_open_sent="open")
    wire.open()
    assert wire.rx("NACK_NOLINK") == [("OPEN", 1, 1)]
    for value, left in (("close", 0), ("stay", 1)):
        wire = Wire(opened=False, close_in_open_sent=value)
        wire.open()
        assert wire.rx("CLOSE", 0, 1) == [("CLOSE_ACK", 0, 1)] and len(wire.module.tags) == left
    for value, waits in ((True, []), (False, [("PAYLOAD", 2, 0)])):
        wire = Wire(reopen_waits=value)
        wire.open()
        assert wire.write(b"x") == waits
    for value, left in ((True, 0), (False, 1)):
        wire = Wire(crossing_close_ends=value)
        wire.close()
        assert wire.rx("CLOSE") == [("CLOSE_ACK", 0, 0)] and len(wire.module.tags) == left
    for value, sent in ((True, 1), (False, 0)):
        wire = Wire(replays_in_close_sent=value)
        wire.write(b"x")
        wire.close()
        assert wire.wait(400).count(("PAYLOAD", 2, 0)) == sent
        wire = Wire(opened=False, believes_any_open_ack=value)
        wire.open()
        wire.rx("OPEN_ACK", 0, 77)
        assert bool(wire.write(b"x")) == value
        wire = Wire(opened=False, write_opens=value)
        assert wire.write(b"x") == [("OPEN", 1, 1)] * sent


@pytest.mark.parametrize("name", CHOICES)
def test_options_are_checked(name):
    with pytest.raises(ValueError, match=name):
        Options(**{name: "rubbish"})
    assert getattr(Options(), name) == CHOICES[name][0]
    other = Options(**{name: CHOICES[name][1]})
    assert str(other) == f"{name}={CHOICES[name][1]!r}" and str(Options()) == "defaults"


def test_start_id_is_checked():
    with pytest.raises(ValueError, match="32 bits"):
        Options(start_id=1 << 32)
