"""Proofs of `nic/`: classifier, frame buffer, both together, and the transmit merge."""

from amaranth.hdl import Mux, Signal

from ttpoe.nic.classifier import Classifier
from ttpoe.nic.frame_buffer import FrameBuffer
from ttpoe.nic.os_path import OsPath
from ttpoe.nic.tx_merge import TTP_IN_A_ROW, TxMerge

from ..frames import Bytes, assume_beats, check_beats, follow_a_frame
from ..proof import Defect, Proof, shrunk


class ClassifierWords(Proof):
    shows = (
        "Classifier: a frame is marked if and only if it is bad, has no EtherType or is TTP"
        " (bytes 12 and 13 are 0A C6 or 9A C6); every beat comes out unchanged and in order;"
        " exactly one pulse per marked frame"
    )
    config = "64 bits, frames of any length"
    width = 64
    short = True
    defects = (
        Defect(
            "0x9AC6 is ordinary",
            "nic/classifier.py",
            "\n                                           | (ethertype == EtherType.IEEE.value)",
            "",
        ),
        Defect(
            "looks at the EtherType of a VLAN frame, too",
            "nic/classifier.py",
            "is_ttp.eq(was_ttp & (index > decides))",
            "is_ttp.eq((index > decides) & (was_ttp | (ethertype == 0x9AC6)))",
        ),
        Defect(
            "forgets where frames begin",
            "nic/classifier.py",
            "with m.If(ended):",
            "with m.If(ended & frame.error):",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = Classifier(shrunk(width_bits=self.width))
        h.drive(dut)
        h.streams(dut)
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        check_beats(h, o.valid, o.payload)
        taken, left = i.valid & i.ready, o.valid & o.ready
        seen = Bytes(h, taken, i.payload, longest=255)
        (_, high), (there, low) = seen.byte(12), seen.byte(13)
        ttp = there & (low == 0xC6) & ((high == 0x0A) | (high == 0x9A))
        short = ~there
        last = i.payload.last
        marked = last & (i.payload.error | short | ttp)
        # One place: what was taken last is what is offered.
        h.check_if(o.ready, i.ready)
        expected = Signal.like(i.payload.as_value())
        marks, holds = Signal(), Signal()
        with m.If(taken):
            m.d.sync += [expected.eq(i.payload.as_value()), marks.eq(marked), holds.eq(1)]
        with m.Elif(left):
            m.d.sync += holds.eq(0)
        h.check(o.valid == holds)
        h.check_if(
            o.valid,
            (o.payload.data == expected[: self.width])
            & (o.payload.last == expected[-2])
            & (o.payload.error == marks)
            & (o.payload.keep == expected[self.width : -2]),
        )
        ended = taken & last
        h.check(dut.bad == h.past(ended & i.payload.error))
        h.check(dut.short == h.past(ended & ~i.payload.error & short))
        h.check(dut.ttp == h.past(ended & ~i.payload.error & ~short & ttp))
        h.reach(dut.ttp & h.past(seen.length == 64))
        h.reach(left & o.payload.last & ~o.payload.error)
        h.reach(dut.short)


class ClassifierWide(ClassifierWords):
    shows = "Classifier: the same"
    short = False
    config = "256 bits: the EtherType is in the first beat, as at 128 and 512"
    width = 256
    defects = (
        Defect(
            "a short frame passes",
            "nic/classifier.py",
            "is_short.eq(~has_ethertype)",
            "is_short.eq(0)",
        ),
    )


class NarrowBytes:
    """What `FrameBuffer` asks of a `Config`: beats of two bytes of one bit, room for four."""

    width_bits, width_bytes, os_buffer_bytes, protect = 2, 2, 8, "none"


class Buffer(Proof):
    shows = (
        "FrameBuffer, lossy: what comes out are the frames that were kept, whole, unchanged,"
        " in order; nothing of a bad or dropped frame; every frame is kept, dropped or bad; a"
        " frame that fits is kept if nothing is inside"
    )
    config = "4 beats of 2 bytes, each of one bit (the data only passes through)"
    lossy = True
    cover_depth = 24
    defects = (
        Defect(
            "a bad frame is not taken back",
            "nic/frame_buffer.py",
            "with m.If(~placed | (frame.last & frame.error)):",
            "with m.If(~placed):",
        ),
        Defect(
            "full is seen one beat late",
            "nic/frame_buffer.py",
            "full.eq(written ^ read == all_round)",
            "full.eq(written - read > all_round)",
        ),
        Defect(
            "a frame is kept without its last beat",
            "nic/frame_buffer.py",
            "m.d.sync += kept.eq(following)",
            "m.d.sync += kept.eq(written)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = FrameBuffer(NarrowBytes(), self.lossy)
        h.drive(dut)
        h.streams(dut)
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        check_beats(h, o.valid, o.payload)
        taken, left = i.valid & i.ready, o.valid & o.ready
        last = i.payload.last

        # Whether a frame was kept is told a clock later: so everything of the input is seen late.
        was_taken = h.past(taken)
        beat = Signal(i.payload.shape())
        m.d.sync += beat.eq(i.payload)
        ended = was_taken & beat.last
        h.check((dut.kept | dut.dropped) == (ended & ~beat.error))
        h.check(~(dut.kept & dut.dropped))
        starts = Signal(init=1)
        with m.If(was_taken):
            m.d.sync += starts.eq(beat.last)
        inside, at_output = follow_a_frame(h, starts, dut.kept, was_taken, beat, left, o.payload)

        # A frame that began with nothing inside, and has up to four beats, is kept.
        beats, alone = Signal(3), Signal()
        empty = (inside == 0) & ~o.valid & ~(ended & ~beat.error)
        with m.If(taken):
            m.d.sync += [
                beats.eq(Mux(last, 0, Mux(beats == 7, 7, beats + 1))),
                alone.eq(Mux(beats == 0, empty, alone) & ~last),
            ]
        fits = Mux(beats == 0, empty, alone) & (beats < 4)
        h.check_if(h.past(taken & last & fits), ~dut.dropped)
        if self.lossy:
            h.check(i.ready)
        else:
            h.check_if(dut.dropped, h.past(beats >= 4))
            h.check_if(~i.ready, (inside != 0) | dut.kept)
        # What is inside is offered in the second clock.
        h.check_if((inside != 0) & h.past(inside != 0) & ~h.past(left), o.valid)
        h.reach(at_output & left & o.payload.last & h.past(left) & ~o.payload.keep[1])
        h.reach(dut.dropped)
        h.reach(dut.kept & h.past(beats == 3))
        h.reach(h.past(taken & last & i.payload.error & (beats == 2)) & (inside == 1))


class BufferWaits(Buffer):
    shows = "FrameBuffer, not lossy: the same, and only a frame longer than the buffer is dropped"
    lossy = False
    defects = Buffer.defects[:1] + (
        Defect(
            "a frame that never fits is waited for",
            "nic/frame_buffer.py",
            "~full | too_long)",
            "~full)",
        ),
    )


def _is_ttp(frame):
    """(has an EtherType, is TTP) of the frame that passes, by its bytes."""
    (_, high), (there, low) = frame.byte(12), frame.byte(13)
    return there, there & (low == 0xC6) & ((high == 0x0A) | (high == 0x9A))


class _Path(Proof):
    config = "128 bits, buffer of 4 beats"
    mode = "bmc"
    depth = 9
    why = (
        "Classifier and FrameBuffer are proven without bound; this is their connection, and 9"
        " clocks hold two frames one behind the other through every stage (3 clocks)"
    )
    cover_depth = 10

    def build(self, h):
        m = h.m
        dut = OsPath(shrunk(width_bits=128, os_buffer_bytes=64))
        m.submodules.dut = dut
        h.drive(dut, *self.free)
        source, out = getattr(dut, self.free[0]), getattr(dut, self.free[1])
        if isinstance(source.ready, Signal):
            h.assume_stream(source)
            taken = source.valid & source.ready
        else:
            taken = source.valid
        h.check_stream(out)
        assume_beats(h, source.valid, source.payload)
        check_beats(h, out.valid, out.payload)
        passed = Bytes(h, out.valid & out.ready, out.payload, longest=63)
        there, ttp = _is_ttp(passed)
        ends = out.valid & out.payload.last
        h.check_if(ends, there & ~ttp & ~out.payload.error)
        h.reach(ends & (passed.length == 29))

        # What becomes of each frame: seen by the classifier's pulses or by the buffer's.
        seen = Bytes(h, taken, source.payload, longest=63)
        there, ttp = _is_ttp(seen)
        ended = taken & source.payload.last
        good = ended & ~source.payload.error & dut.cfg_os_enable
        self.pulses(h, dut, ended, good, there, ttp)
        # Of the frames that went in as good ones, no more come out.
        inside = Signal(4)
        m.d.sync += inside.eq(inside + (good & there & ~ttp) - (ends & out.ready))
        h.check_if(ends, inside != 0)


class PathToOs(_Path):
    shows = (
        "OsPath, receive: no TTP frame, no bad one and none while it is off reaches the OS;"
        " every other one is kept or was full, and counted as exactly that"
    )
    free = ("i_mac", "o_os", "cfg_os_enable")
    defects = (
        Defect(
            "frames pass while the path is off",
            "nic/os_path.py",
            "self.i_mac.p.error | ~self.cfg_os_enable",
            "self.i_mac.p.error",
        ),
        Defect(
            "the buffer does not see the mark",
            "nic/os_path.py",
            "wiring.connect(m, rx_classifier.o, rx_buffer.i)",
            "wiring.connect(m, rx_classifier.o, rx_buffer.i);"
            " m.d.comb += rx_buffer.i.payload.error.eq(0)",
        ),
    )

    def pulses(self, h, dut, ended, good, there, ttp):
        kept, full = dut.stat_os_rx_kept, dut.stat_os_rx_full
        h.check((kept | full) == h.past(h.past(good & there & ~ttp)))
        h.check(~(kept & full))
        h.reach(full)


class PathFromOs(_Path):
    shows = (
        "OsPath, transmit: no frame of the OS leaves as TTP, short, aborted or while it is"
        " off; each of these is counted as exactly what it is"
    )
    free = ("i_os", "o_frame", "cfg_os_enable")
    defects = (
        Defect(
            "frames pass while the path is off",
            "nic/os_path.py",
            "self.i_os.payload.error | ~self.cfg_os_enable",
            "self.i_os.payload.error",
        ),
        Defect(
            "the buffer does not see the mark",
            "nic/os_path.py",
            "wiring.connect(m, tx_classifier.o, tx_buffer.i)",
            "wiring.connect(m, tx_classifier.o, tx_buffer.i);"
            " m.d.comb += tx_buffer.i.payload.error.eq(0)",
        ),
    )

    def pulses(self, h, dut, ended, good, there, ttp):
        h.check(dut.stat_os_tx_aborted == h.past(ended & ~good))
        h.check(dut.stat_os_tx_short == h.past(good & ~there))
        h.check(dut.stat_os_tx_ttp == h.past(good & ttp))
        h.reach(dut.stat_os_tx_too_long)


class Merge(Proof):
    shows = (
        "TxMerge: frames come out whole, unchanged, never mixed; nothing is lost or doubled; a"
        " frame of the OS is passed by at most 17 TTP frames that begin while it waits, a TTP"
        " frame by at most one of the OS"
    )
    config = "8 bits (the data only passes through)"
    depth = 24
    cover_depth = 40
    defects = (
        Defect(
            "frames are mixed",
            "nic/tx_merge.py",
            "chosen_os.eq(Mux(bound, bound_to_os, os_turn))",
            "chosen_os.eq(os_turn)",
        ),
        Defect(
            "TTP always goes first",
            "nic/tx_merge.py",
            "(~ttp.valid | (row == TTP_IN_A_ROW))",
            "~ttp.valid",
        ),
        Defect(
            "both are told that they went",
            "nic/tx_merge.py",
            "ttp.ready.eq(out.ready & ~chosen_os)",
            "ttp.ready.eq(out.ready)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = TxMerge(shrunk(width_bits=8))
        h.drive(dut)
        h.streams(dut)
        ttp, os, out = dut.i_ttp, dut.i_os, dut.o
        # Neither pauses inside a frame.
        for port in (ttp, os):
            inside = Signal()
            with m.If(port.valid & port.ready):
                m.d.sync += inside.eq(~port.payload.last)
            h.assume_if(inside, port.valid)
            h.reach(inside)
        ttp_moves, os_moves = ttp.valid & ttp.ready, os.valid & os.ready
        moves = out.valid & out.ready
        h.check(ttp_moves + os_moves == moves)
        h.check_if(ttp_moves, out.payload == ttp.payload)
        h.check_if(os_moves, out.payload == os.payload)
        h.check_if((ttp.valid | os.valid), out.valid)
        middle, of_os = Signal(), Signal()
        with m.If(moves):
            m.d.sync += [middle.eq(~out.payload.last), of_os.eq(os_moves)]
        h.check_if(middle & moves, os_moves == of_os)

        # Frames that begin while the other side waits.
        begins = moves & ~middle
        ttp_passed, os_passed = Signal(6), Signal(2)
        with m.If(~os.valid | os_moves):
            m.d.sync += ttp_passed.eq(0)
        with m.Elif(begins):
            m.d.sync += ttp_passed.eq(ttp_passed + 1)
        with m.If(~ttp.valid | ttp_moves):
            m.d.sync += os_passed.eq(0)
        with m.Elif(begins):
            m.d.sync += os_passed.eq(os_passed + 1)
        # One more may have been offered, though not taken, when the OS came.
        h.check(ttp_passed <= TTP_IN_A_ROW + 1)
        h.check(os_passed <= 1)
        h.reach(os_moves & (ttp_passed == TTP_IN_A_ROW))
