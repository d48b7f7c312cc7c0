"""Every frame is marked, none is changed: decisions N1 to N3."""

import pytest

from tests.long import BYTES
from tests.nic.nic_bench import OS, TTP, Bench, Receiver, Sender, mixture, rng_for
from ttpoe.config import Config
from ttpoe.nic.classifier import Classifier
from ttpverif.frames.fields import field_of
from ttpverif.malformed import datagrams, table

PULSES = ("bad", "short", "ttp")


def classified(width, frames, rng, gap=0.0, ready=1.0, form="ethernet", **options):
    """`frames` (bytes, error) through a classifier: the receiver and the bench, after the run."""
    dut = Classifier(Config(width_bits=8 * width, encapsulation=form))
    sender = Sender(dut.i, frames, width, rng, gap)
    receiver = Receiver(dut.o, width, lambda clock: rng.random() < ready, gaps=True, marks=True)
    return sender, receiver, Bench(dut, [sender], [receiver], PULSES).run(idle=8, **options)


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("gap, ready", [(0.0, 1.0), (0.3, 0.6)])
def test_mixed_traffic(width, gap, ready):
    rng = rng_for("classifier", width, gap)
    frames = mixture(rng, 60, jumbo=2000)
    _, receiver, bench = classified(width, [f[:2] for f in frames], rng, gap, ready)
    assert receiver.frames == [octets for octets, _, _ in frames]
    assert receiver.errors == [int(whose != OS) for _, _, whose in frames]
    bad = sum(error for _, error, _ in frames)
    tell = [whose for _, _, whose in frames]
    assert bench.counts == {"bad": bad, "ttp": tell.count(TTP), "short": tell.count(None) - bad}
    assert all(bench.counts.values()), "the seed holds too little"


@pytest.mark.parametrize("width", BYTES)
def test_every_length_around_the_ethertype(width):
    """A frame that ends before its EtherType takes over nothing of the frame before it."""
    rng = rng_for("lengths", width)
    frames, marks = [], []
    for ethertype in (b"\x0a\xc6", b"\x08\x06", b"\x9a\xc6", b"\x86\xdd", b"\x0a\xc7", b"\xc6\x0a"):
        for length in (64, 16, 15, 14, 13, 12, 9, 8, 7, 1, 17, 65, 5, 60):
            frames.append(((rng.randbytes(12) + ethertype + bytes(60))[:length], False))
            marks.append(int(length < 14 or ethertype in (b"\x0a\xc6", b"\x9a\xc6")))
    _, receiver, bench = classified(width, frames, rng)
    assert receiver.errors == marks
    assert bench.counts == {"bad": 0, "short": 6 * 7, "ttp": 2 * 7}


@pytest.mark.parametrize("width", BYTES)
def test_ethertypes_that_differ_in_one_bit_are_the_operating_systems(width):
    """All 16 bits of both are compared; between them come frames of ours, of both kinds."""
    rng = rng_for("one bit", width)
    frames, marks = [], []
    for ours in (0x0AC6, 0x9AC6):
        for bit in range(16):
            other = ours ^ 1 << bit
            for ethertype in (ours, other):
                frames.append(
                    (rng.randbytes(12) + ethertype.to_bytes(2, "big") + rng.randbytes(4), False)
                )
                marks.append(int(ethertype in (0x0AC6, 0x9AC6)))
    _, receiver, bench = classified(width, frames, rng)
    assert receiver.errors == marks and receiver.frames == [octets for octets, _ in frames]
    assert bench.counts == {"bad": 0, "short": 0, "ttp": 2 * 16}


@pytest.mark.parametrize("form", ["ethernet", "ipv4"])
@pytest.mark.parametrize("width", (8, 64))
def test_who_gets_the_ipv4_form(width, form):
    """The engine takes exactly what its parser does not leave to the operating system (E1)."""
    cases = [*datagrams(), *(case for case in table() if case.form == "ethernet")]
    frames = [(case.data[:200], False) for case in cases]
    marks = [int(case.cause != "other_ethertype" and form in (case.form, "ipv4")) for case in cases]
    _, receiver, bench = classified(width, frames, rng_for("forms", width), form=form)
    assert receiver.errors == marks and receiver.frames == [octets for octets, _ in frames]
    assert bench.counts["short"] == 0 and bench.counts["ttp"] == sum(marks)


@pytest.mark.parametrize("width", BYTES)
def test_one_clock_and_no_bubble(width):
    rng = rng_for("pace", width)
    sender, receiver, _ = classified(width, [(rng.randbytes(60), False) for _ in range(50)], rng)
    assert [clocks[1] for clocks in receiver.clocks] == [last + 1 for _, last in sender.taken]
    beats = -(-60 // width)
    assert sender.taken[-1][1] == 50 * beats - 1


@pytest.mark.parametrize("width", (8, 16))
def test_reset_within_a_frame(width):
    """The frame after the reset is judged by its own EtherType."""
    rng = rng_for("reset", width)
    dut = Classifier(Config(width_bits=8 * width))
    cut = Sender(dut.i, [(bytes(12) + b"\x0a\xc6" + bytes(50), False)], width, rng)
    cut.beats = cut.beats[:3]
    receiver = Receiver(dut.o, width, gaps=True, marks=True)

    def go_on(ctx, clock):
        if clock == 4:
            cut.beats += Sender(
                dut.i, [(bytes(12) + b"\x08\x00" + bytes(50), False)], width, rng
            ).beats

    Bench(dut, [cut], [receiver], PULSES).run(clocks=40, resets=(3,), each_clock=go_on)
    assert receiver.errors == [0] and field_of(receiver.frames[0], "ethertype") == 0x0800
