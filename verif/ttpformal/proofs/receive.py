"""Proofs of `rx/` behind the parser: reader, and the path from frame to host."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, wiring

from ttpoe.protocol import Opcode
from ttpoe.rx import path
from ttpoe.rx.parser import FrameParser
from ttpoe.rx.reader import VcReader

from ..memories import built
from ..proof import Defect, Proof, shrunk


class Reader(Proof):
    shows = (
        "VcReader: payloads are read in the order of their verdicts, beats 0 to last, each"
        " once, with their slot and `kept`; the beats reach the host in order, none lost or"
        " doubled; one that arrives alone can be read in the same clock, others ask for it"
        " without a gap, three clocks later at the latest"
    )
    config = "4 slots of 2 beats of 2 bytes (of the data 1 bit is any: it passes through)"
    beats = 2
    depth = 14
    cover_depth = 14
    defects = (
        Defect(
            "a beat is asked for without room", "rx/reader.py", "return unclaimed != 0", "return 1"
        ),
        Defect(
            "the next payload takes the place of the one that is read",
            "rx/reader.py",
            "following, follows = self._follow(m, waiting, ~busy | ends)",
            "following, follows = self._follow(m, waiting, ~busy | self.last)",
        ),
        Defect(
            "the second beat of a payload of one is read",
            "rx/reader.py",
            "self.surplus.eq(unsure & self.beat[0] & single)",
            "self.surplus.eq(0)",
        ),
        Defect(
            "a payload overtakes one on its way into the queue",
            "rx/reader.py",
            "& ~joins & ~arrives.valid",
            "& ~arrives.valid",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = VcReader(
            shrunk(
                width_bits=16, SLOT_BYTES=2 * self.beats, rx_slots=4, rx_reserved=1, reorder_slots=1
            )
        )
        h.drive(dut)
        h.streams(dut)
        arrives, count = dut.i_arrives, dut.i_count
        h.assume(count.short == (count.last_beat <= 1))
        h.assume_if(dut.grant, dut.request)
        h.assume_if(dut.at_once, dut.free & arrives.valid)
        read = Signal()
        m.d.comb += read.eq(dut.at_once | (dut.grant & ~dut.surplus))
        beat, info = dut.i_beat.p, dut.i_beat.p.info
        single = count.last_beat == 0
        last = h.past(dut.grant & dut.last) | (h.past(dut.at_once) & single)
        h.assume(dut.i_beat.valid == h.past(h.past(read)))
        h.assume_if(dut.i_beat.valid, beat.last == h.past(last))
        h.assume((beat.data[1:] == 0) & (info.node == 0) & (info.id == 0))
        host = dut.o_host
        pop = host.valid & host.ready
        h.check_fifo(
            dut.i_beat.valid,
            Cat(beat.data[0], beat.last, info.last_lane | ~beat.last),
            pop,
            Cat(host.p.data[0], host.p.last, host.p.keep[1]),
            4,
        )
        h.check_if(host.valid, host.p.keep[0])
        h.check_if(h.past(dut.i_beat.valid), host.valid)

        # Room for 4: with at most 3 beats between here and the host there is room for one more.
        under_way = Signal(range(6))
        m.d.sync += under_way.eq(under_way + read - pop)
        h.check(under_way <= 4)
        ends = Signal()  # known a clock late of a payload of one beat that was read at once
        m.d.comb += ends.eq((h.past(dut.at_once) & single) | (dut.grant & ~dut.surplus & dut.last))
        h.check(dut.surplus == (h.past(dut.at_once) & single))
        self.follow(h, dut, read, ends, under_way != 4)

    def follow(self, h, dut, read, ends, room):
        """Payloads inside, and one of them, any, that is followed."""
        m, arrives, count = h.m, dut.i_arrives, dut.i_count
        level, ahead, follows = Signal(range(6)), Signal(range(6)), Signal()
        slot, kept, known = Signal(2), Signal(), Signal.like(count.last_beat)
        starts = h.free(1, "follow") & arrives.valid & ~follows
        h.assume(level + arrives.valid <= 4)  # each has a slot of its own
        m.d.sync += level.eq(level + arrives.valid - ends)
        here = follows & (ahead == 0)  # it is the one that is read, if any is
        last_beat = Signal.like(known)
        m.d.comb += last_beat.eq(Mux(h.past(starts), count.last_beat, known))
        m.d.sync += known.eq(last_beat)
        with m.If(starts):
            m.d.sync += [
                follows.eq(1),
                ahead.eq(level - ends),
                slot.eq(arrives.p.slot),
                kept.eq(arrives.p.kept),
            ]
        with m.Elif(follows & ends):
            m.d.sync += [ahead.eq(ahead - 1), follows.eq(ahead != 0)]
        position = Signal(3)
        with m.If(ends):
            m.d.sync += position.eq(0)
        with m.Elif(read):
            m.d.sync += position.eq(position + 1)
        granted = dut.grant & ~dut.surplus
        h.check_if(granted, (level != 0) & (dut.beat == position))
        h.check_if(
            here & granted,
            (dut.slot == slot) & (dut.kept == kept) & (dut.last == (position == last_beat)),
        )
        h.check(dut.free == ((level == 0) & room))
        alone = h.past(arrives.valid & (level == 0))
        waits = level - h.past(arrives.valid) - h.past(h.past(arrives.valid))  # for three clocks
        h.check_if(alone | (waits.as_signed() > 0), dut.request == room)
        h.check_if(dut.request, (level != 0) & room)
        h.reach(here & ends & kept & (level == 4) & (position == self.beats - 1))
        h.reach(dut.surplus & arrives.valid)
        h.reach(dut.o_host.valid & ~room & (level == 3))


class LongReader(Reader):
    shows = "VcReader: the same for payloads of up to 4 beats"
    config = "4 slots of 4 beats of 2 bytes (of the data 1 bit is any: it passes through)"
    beats = 4
    mode = "bmc"
    why = (
        "from the verdict of a payload of 4 beats to its last one at the host are 7 clocks, so 14"
        " hold one behind another; what goes round longer is proven without bound in"
        " `receive.reader`"
    )
    defects = (
        Defect(
            "a payload read at once ends with its second beat",
            "rx/reader.py",
            "count.short & ~(count.last_beat[0] ^ self.beat[0])",
            "~(count.last_beat[0] ^ self.beat[0])",
        ),
        Defect(
            "the number of beats is not taken over",
            "rx/reader.py",
            "with m.If(~busy | ends | unsure):",
            "with m.If(~busy | ends):",
        ),
    )


class _AnyFrames(wiring.Component):
    """In the place of `FrameParser`: its outputs are whatever the solver chooses."""

    def __init__(self, h, config):
        real = FrameParser(config)
        super().__init__(real.signature)
        self._h = h

    def elaborate(self, platform):
        m = Module()
        for name, member in self.signature.members.items():
            port = getattr(self, name)
            if member.is_signature and member.flow is wiring.Out:
                m.d.comb += [
                    port.valid.eq(self._h.free(1, name)),
                    Cat(port.payload).eq(self._h.free(len(Cat(port.payload)), name)),
                ]
            elif not member.is_signature and member.flow is wiring.Out:
                m.d.comb += port.eq(self._h.free(len(port), name))
        return m


class Path(Proof):
    shows = (
        "RxPath behind the parser: what a host gets are good PAYLOADs whose event had room and"
        " whose verdict said so, whole, unchanged, with their node and ID, in the order of the"
        " verdicts, each once; nothing of any other frame, and no slot is overwritten before"
        " it is delivered; one event for each good frame, in order; every frame counted once"
    )
    config = (
        "any frames, as `rx.parser` and `rx.payload` let them through; 4 slots of 2 beats"
        " of 2 bytes (1 bit of data, node and ID is any), 2 events; any verdicts, any order"
    )
    mode = "sat"
    depth = 10
    why = (
        "from the end of a frame to its last beat at the host are 5 clocks if nobody waits, so"
        " 10 hold up to 5 frames before, between and behind the one that is watched, each with"
        " any verdict; what goes round longer (lists, accounts, queues, the reader) is proven"
        " without bound in `pool.slots`, `pool.room`, `rx.events`, `receive.reader`"
    )
    cover_depth = 10
    defect_depth = 12
    defects = (
        Defect(
            "a bad frame takes the slot, too",
            "rx/path.py",
            "raised.eq(parsed.valid & events.i.ready)",
            "raised.eq(parser.frame_ended)",
        ),
        Defect(
            "a payload of one beat is taken for one of two",
            "rx/path.py",
            "describe.p.count.short.eq(parsed.last_beat <= 1)",
            "describe.p.count.short.eq(0)",
        ),
        Defect(
            "the next frame is written over a delivered one",
            "rx/path.py",
            "pool.take.eq(raised & has_room)",
            "pool.take.eq(raised & has_room & (parsed.p.last_beat == 0))",
        ),
        Defect(
            "a dropped payload is delivered",
            "rx/deliver.py",
            "reader.i_arrives.valid.eq(verdict.valid & verdict.p.deliver & (verdict.p.vc == vc))",
            "reader.i_arrives.valid.eq(verdict.valid & (verdict.p.vc == vc))",
        ),
    )

    def build(self, h):
        config = shrunk(
            width_bits=16, SLOT_BYTES=4, rx_slots=4, rx_reserved=1, reorder_slots=1, event_depth=2
        )
        frames, real = _AnyFrames(h, config), path.FrameParser
        path.FrameParser = lambda config: frames
        try:
            dut = path.RxPath(config)
            h.m.submodules.dut = built(dut)
        finally:
            path.FrameParser = real
        h.drive(dut, "i_verdict", "i_kept", "o_event", "o_host")
        h.streams(dut)
        vc, beat = h.constant(2, "vc"), h.constant(1, "beat")  # of the frame that is watched
        h.assume(vc < 3)
        self.frames(h, frames)
        self.verdicts(h, dut)
        self.follow(h, dut, frames, vc, beat)

    def frames(self, h, frames):
        """What the parser promises."""
        m, write, parsed = h.m, frames.o_write, frames.o_parsed
        written = Signal(3)  # beats of this frame
        here = Signal(3)
        m.d.comb += here.eq(written + write.valid)
        m.d.sync += written.eq(Mux(frames.frame_ended, 0, here))
        h.assume_if(write.valid, (write.p.beat == written) & (written < 2))
        h.assume_if(parsed.valid, frames.frame_ended & (parsed.p.vc < 3))
        h.assume(parsed.p.payload == (parsed.p.opcode == Opcode.PAYLOAD))
        h.assume_if(parsed.valid & parsed.p.payload, parsed.p.last_beat < here)
        # What only passes through: one bit of each.
        h.assume((write.p.data[1:] == 0) & (parsed.p.node[1:] == 0) & (parsed.p.tx_id[1:] == 0))
        h.assume((parsed.p.rx_id == 0) & (parsed.p.epoch == 0))

    def verdicts(self, h, dut):
        """One for each event that had room, with its VC, in its clock or later; some are kept."""
        m, event, verdict = h.m, dut.o_event, dut.i_verdict
        taken = event.valid & event.ready & event.p.room
        waits, kept = Signal(4), Signal(4)
        vcs = Array(Signal(2, name=f"vc_of{slot}") for slot in range(4))
        with m.If(taken):
            m.d.sync += [waits.bit_select(event.p.slot, 1).eq(1), vcs[event.p.slot].eq(event.p.vc)]
        h.check_if(taken, ~waits.bit_select(event.p.slot, 1))
        h.check_if(event.valid & event.p.room, event.p.opcode == Opcode.PAYLOAD)
        at_once = taken & (event.p.slot == verdict.p.slot)
        slot = verdict.p.slot
        h.assume_if(verdict.valid, waits.bit_select(slot, 1) | at_once)
        h.assume_if(verdict.valid, verdict.p.vc == Mux(at_once, event.p.vc, vcs[slot]))
        h.assume_if(verdict.valid, verdict.p.kept == kept.bit_select(slot, 1))
        which, number = h.free(2, "which_kept"), Signal(4)
        m.d.sync += number.eq(number + dut.i_kept.valid - dut.o_kept_freed)
        h.assume_if(
            dut.i_kept.valid,
            (number < 1)
            & waits.bit_select(which, 1)
            & (dut.i_kept.payload == vcs[which])
            & ~kept.bit_select(which, 1)
            & ~(verdict.valid & (slot == which)),
        )
        with m.If(dut.i_kept.valid):
            m.d.sync += kept.bit_select(which, 1).eq(1)
        with m.If(verdict.valid):
            m.d.sync += [waits.bit_select(slot, 1).eq(0), kept.bit_select(slot, 1).eq(0)]

    def follow(self, h, dut, frames, vc, beat):
        """A frame, any, from the parser to the host."""
        m, write, parsed = h.m, frames.o_write, frames.o_parsed
        value, last_value = Signal(), Signal()  # of the watched beat, in this frame
        m.d.comb += value.eq(Mux(write.valid & (write.p.beat == beat), write.p.data[0], last_value))
        m.d.sync += last_value.eq(value)

        stage = Signal(3)  # 0 none, 1 judged in this clock, 2 event, 3 verdict, 4 to the host
        ahead = Signal(5)
        frame = Signal(
            data.StructLayout(
                {"value": 1, "last_beat": 1, "lane": 1, "node": 1, "id": 1, "room": 1, "slot": 2}
            )
        )
        fields = parsed.p
        with m.If(
            (stage == 0) & h.free(1, "follow") & parsed.valid & fields.payload & (fields.vc == vc)
        ):
            m.d.sync += [
                stage.eq(1),
                frame.value.eq(value),
                frame.last_beat.eq(fields.last_beat),
                frame.lane.eq(fields.last_lane),
                frame.node.eq(fields.node),
                frame.id.eq(fields.tx_id),
            ]

        # Events: as many as good frames, in order.
        good, event = dut.stat_rx_good, dut.o_event
        h.check(h.past(parsed.valid) == (good | dut.stat_rx_queue_full))
        h.check(~(good & dut.stat_rx_queue_full))
        h.check_if(dut.stat_rx_no_room, good)
        events = Signal(5)
        popped = event.valid & event.ready
        m.d.sync += events.eq(events + good - popped)
        h.check_if(event.valid, (events + good) != 0)
        h.check_if(dut.stat_rx_queue_full, events >= 1)
        judged, place, room = stage == 1, Signal(5), Signal()
        m.d.comb += [
            place.eq(Mux(judged, events, ahead)),
            room.eq(Mux(judged, ~dut.stat_rx_no_room, frame.room)),
        ]
        mine = ((judged & good) | (stage == 2)) & (place == 0)
        h.check_if(mine, event.valid & (event.p.opcode == Opcode.PAYLOAD))
        h.check_if(
            mine,
            (event.p.vc == vc)
            & (event.p.room == room)
            & (event.p.node == frame.node)
            & (event.p.tx_id == frame.id),
        )
        with m.If(judged):
            m.d.sync += [stage.eq(Mux(good, 2, 0)), ahead.eq(events - popped), frame.room.eq(room)]
        with m.Elif((stage == 2) & popped):
            m.d.sync += ahead.eq(ahead - 1)

        # Its verdict, and packets of this VC that were to be delivered before.
        verdict, host = dut.i_verdict, Array(dut.o_host)[vc]
        packets = Signal(5)
        delivers = verdict.valid & verdict.p.deliver & (verdict.p.vc == vc)
        beat_taken = host.valid & host.ready
        ends = beat_taken & host.p.last
        m.d.sync += packets.eq(packets + delivers - ends)
        h.check_if(host.valid, packets != 0)
        slot = Mux(stage == 3, frame.slot, event.p.slot)
        judges = verdict.valid & (verdict.p.slot == slot)
        with m.If((mine & popped & room) | (stage == 3)):
            m.d.sync += [stage.eq(3), frame.slot.eq(slot)]
            with m.If(judges):
                m.d.sync += [stage.eq(Mux(verdict.p.deliver, 4, 0)), ahead.eq(packets - ends)]
        with m.Elif(mine & popped):
            m.d.sync += stage.eq(0)

        # At the host.
        number = Signal()
        with m.If(beat_taken):
            m.d.sync += number.eq(Mux(host.p.last, 0, 1))
        at_host = (stage == 4) & (ahead == 0) & host.valid
        h.check_if(
            at_host,
            (host.p.node == frame.node)
            & (host.p.id == frame.id)
            & (host.p.last == (number == frame.last_beat)),
        )
        h.check_if(at_host, host.p.keep == Mux(host.p.last & ~frame.lane, 0b01, 0b11))
        h.check_if(at_host & (number == beat), host.p.data == frame.value)
        with m.If((stage == 4) & ends):
            m.d.sync += [ahead.eq(ahead - 1), stage.eq(Mux(ahead == 0, 0, 4))]
        h.reach(at_host & ends & frame.last_beat & frame.value & (packets == 2))
        h.reach((stage == 3) & h.past(stage == 3) & (packets == 1))
        h.reach(mine & dut.stat_rx_no_room)
