"""Long captures: what a frame costs, in calls and in memory, does not grow with their length."""

import itertools
import sys
import tracemalloc

import pytest

from tests.long import long_case
from ttpverif.cli import ladder, main
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.pcap import PcapWriter
from ttpverif.ladder.analysis import Analyser
from ttpverif.ladder.capture import Packet
from ttpverif.ladder.decode import decode

A, B = 1, 2
AHEAD = 1000  # of 50,000 as the command has it: what matters is many times as long


def frame(src, opcode, dst=None, **fields):
    payload = b"%d" % fields["tx_id"] if opcode == "PAYLOAD" else b""
    return Frame(src, dst or 3 - src, Opcode[opcode], **({"payload": payload} | fields)).pack()


def steady():
    for number in itertools.count(1):
        yield frame(A, "PAYLOAD", tx_id=number)
        if number % 3 == 0:
            yield frame(A, "PAYLOAD", tx_id=number - 1)  # a replay
        if number % 20 == 0:
            yield frame(B, "ACK", rx_id=number - 10)


def never_acknowledged():
    """Everything stays in flight, and answers that name the oldest come all the time."""
    yield frame(A, "PAYLOAD", tx_id=1)
    for number in itertools.count(2):
        yield frame(A, "PAYLOAD", tx_id=number)
        yield frame(B, "NACK_FULL")
        yield frame(B, "NACK", rx_id=max(1, number - 400), tx_id=number)
        yield frame(B, "NACK", rx_id=max(1, number - 500))
        yield frame(B, "NACK_NOLINK")


def one_node_only():
    return (frame(A, "PAYLOAD", tx_id=number) for number in itertools.count(1))


def duplicates():
    """Acknowledged again and again, never seen by the sender."""
    for number in itertools.count(2):
        yield frame(A, "PAYLOAD", tx_id=number)
        yield frame(B, "ACK", rx_id=number)
        yield frame(A, "PAYLOAD", tx_id=number - number % 100 or 1)
        yield frame(B, "ACK", rx_id=number - number % 100 or 1)


def the_same_for_ever():
    yield frame(B, "OPEN", tx_id=7)
    while True:
        yield frame(A, "OPEN", tx_id=7)
        yield frame(A, "PAYLOAD", tx_id=8)
        yield frame(B, "CLOSE_ACK")
        yield frame(B, "OPEN_ACK", rx_id=7)


def restarts():
    for number in itertools.count(1):
        yield frame(A, "OPEN", tx_id=7 * number, epoch=number & 0xFFFF)
        yield frame(A, "PAYLOAD", tx_id=7 * number + 1, epoch=number & 0xFFFF)


SHAPES = (
    steady,
    long_case(never_acknowledged),
    long_case(one_node_only),
    duplicates,
    long_case(the_same_for_ever),
    restarts,
)


def records(shape, count):
    for number, raw in enumerate(itertools.islice(shape(), count), 1):
        yield decode(Packet(number, number * 1000, raw, len(raw)))


def calls(shape, count):
    """Calls of functions, Python's and built-in ones, to analyse so many frames."""
    made, ready = 0, list(records(shape, count))

    def counted(_frame, event, _function):
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        for _ in Analyser(AHEAD).events(ready):
            pass
    finally:
        sys.setprofile(None)
    return made


@pytest.mark.parametrize("shape", SHAPES)
def test_a_frame_costs_no_more_in_a_longer_capture(shape):
    assert calls(shape, 12_000) < 2.2 * calls(shape, 6_000)


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_that_of_the_frames_that_are_compared(shape):
    def peak(count):
        tracemalloc.start()
        seen = sum(1 for _ in Analyser(AHEAD).events(records(shape, count)))
        assert seen == count
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(12_000) < 1.25 * peak(6_000)


@pytest.mark.parametrize("limit, reads_all", [(3, False), (5900, True)])
def test_a_limit_ends_the_reading(tmp_path, monkeypatch, capsys, limit, reads_all):
    """Not at the last frame that is shown: what is said of it follows from later ones."""
    read = 0

    def counted(packet):
        nonlocal read
        read += 1
        return decode(packet)

    with PcapWriter(tmp_path / "wire.pcap") as file:
        for clock, raw in enumerate(itertools.islice(steady(), 6_000)):
            file.write(raw, clock)
    monkeypatch.setattr(ladder, "Analyser", lambda: Analyser(AHEAD))
    monkeypatch.setattr(ladder, "decode", counted)
    assert main(["ladder", str(tmp_path / "wire.pcap"), "--limit", str(limit)]) == 0
    assert len(capsys.readouterr().out.splitlines()) > limit
    assert (read == 6_000) is reads_all
    assert reads_all or AHEAD < read < 3 * AHEAD


def test_a_million_nodes_do_not_keep_a_million_links():
    """Each link that holds no frame is forgotten; its name and its counts stay."""
    analyser = Analyser(AHEAD)
    raws = (frame(number, "OPEN", 9, tx_id=1) for number in range(10, 20_010))
    for _ in analyser.events(
        decode(Packet(number, number, raw, len(raw))) for number, raw in enumerate(raws, 1)
    ):
        assert len(analyser._links) <= 2 * (10_000 + 7 * AHEAD)
    assert len(analyser.links) == 20_000 and len(analyser._links) < 30_000
