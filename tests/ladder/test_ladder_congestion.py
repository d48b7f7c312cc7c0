"""The ladder of links with congestion control: `more`, codes, and echoes (K2, K3, K12)."""

import io

import pytest

from ttpverif.cli import main
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.pcap import PcapWriter
from ttpverif.ladder.analysis import analyse
from ttpverif.ladder.capture import Packet
from ttpverif.ladder.decode import decode
from ttpverif.ladder.page import page_data
from ttpverif.ladder.terminal import draw

BOTH = 0x60


def frame(src, opcode, tx_id=0, rx_id=0, byte=0, ext=0, vc=2):
    payload = b"data %d" % tx_id if opcode == "PAYLOAD" else b""
    names = {"extension": ext, "payload": payload, "congestion": byte}
    return Frame(src, 3 - src, Opcode[opcode], vc, tx_id, rx_id, 0x40 + src, **names).pack()


CONVERSATION = [
    frame(1, "OPEN", 9, ext=BOTH),
    frame(2, "OPEN_ACK", 5, 9, 0x10, BOTH),
    frame(1, "PAYLOAD", 10, byte=1),
    frame(1, "PAYLOAD", 11, byte=1),  # lost
    frame(1, "PAYLOAD", 12, byte=1),
    frame(1, "PAYLOAD", 13),
    frame(2, "ACK", 0, 10, 0x10),
    frame(2, "NACK", 11, 11, 0x18),
    frame(2, "ACK", 13, 10, 0x20),  # an echo
    frame(1, "PAYLOAD", 11, byte=1),
    frame(2, "ACK", 0, 13, 0x10),
]


def analysis_of(frames):
    return analyse([decode(Packet(n, 1000 * n, f, len(f))) for n, f in enumerate(frames, 1)])


def numbers(analysis):
    return {
        mark: [event.record.number for event in analysis.events if mark in event.marks]
        for mark in analysis.counts()
    }


class Pipe(io.StringIO):
    encoding = "utf-8"


def text_of(analysis):
    stream = Pipe()
    draw(analysis, analysis.events, stream)
    return stream.getvalue()


def test_lines_say_what_byte_48_says():
    text = text_of(analysis_of(CONVERSATION))
    for words in (
        "OPEN_ACK vc2 tx 0x5 rx 0x9 1 link ",
        "PAYLOAD vc2 tx 0xa 7 B more ",
        "PAYLOAD vc2 tx 0xd 7 B ─",
        "NACK vc2 rx 0xb..0xb 1.5 links ",
        "ACK vc2 rx 0xa keeps 0xd 2 links ",
    ):
        assert words in text, words


@pytest.mark.parametrize("change", [dict(vc=1), dict(byte=0x0F), dict(opcode="CLOSE_ACK")])
def test_byte_48_of_other_frames_says_nothing(change):
    found = decode(Packet(1, 0, f := frame(2, **{"opcode": "ACK", "byte": 0x18, **change}), len(f)))
    assert found.says == "" and not found.echo
    assert "link" not in text_of(analysis_of([f]))


def test_an_echo_tells_of_one_packet_and_acknowledges_nothing():
    analysis = analysis_of(CONVERSATION)
    assert numbers(analysis) == {"replay": [10], "lost": [4]}
    echo, last = analysis.events[8], analysis.events[10]
    assert (echo.answers, last.answers) == (6, 6)


def test_a_packet_that_was_echoed_has_arrived():
    """Sent again all the same, after a time-out, its first attempt was not lost."""
    again = [frame(1, "PAYLOAD", n, byte=1) for n in (11, 12, 13)]
    analysis = analysis_of([*CONVERSATION[:9], *again, CONVERSATION[-1]])
    assert numbers(analysis)["lost"] == [4]
    assert numbers(analysis)["duplicate"] == [12]
    assert all(6 not in n for mark, n in numbers(analysis).items()), "no mark on what was echoed"
    ended = analysis_of(CONVERSATION[:9])
    assert numbers(ended)["unanswered"] == [4, 5]


def test_an_echo_of_what_was_not_sent_is_stray():
    assert numbers(analysis_of([*CONVERSATION[:7], frame(2, "ACK", 99, 10, 0x10)]))["stray"] == [8]


def test_links_are_counted(tmp_path, capsys):
    path = tmp_path / "wire.pcap"
    with PcapWriter(path) as file:
        for cycle, data in enumerate([*CONVERSATION, frame(1, "OPEN", 9, vc=1)]):
            file.write(data, 100 * cycle)
    assert main(["ladder", str(path)]) == 0
    assert "12 frames, 2 nodes, 2 links (1 controlled): " in capsys.readouterr().out
    assert "controlled" not in analysis_of(CONVERSATION[:1]).links["000001-000002 vc 2"]
    assert analysis_of(CONVERSATION[6:7]).links["000001-000002 vc 2"]["controlled"]


def test_the_page_has_it():
    analysis = analysis_of(CONVERSATION)
    frames = page_data(analysis, analysis.events)["frames"]
    assert [frame.get("says") for frame in frames[1:4]] == ["1 link", "more", "more"]
    assert [frame["n"] for frame in frames if frame.get("keeps")] == [9]
