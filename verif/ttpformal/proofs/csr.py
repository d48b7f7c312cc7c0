"""Proofs of `csr/`: AXI4-Lite slave, counters, notices."""

from amaranth.hdl import Cat, Const, Mux, Signal
from amaranth.lib import wiring

from ttpoe.csr import counters
from ttpoe.csr import notices as notices_module
from ttpoe.csr.axil import AxiLite
from ttpoe.csr.notices import Notices
from ttpoe.csr.registers import INTERRUPTS
from ttpoe.layouts import Notice

from ..memories import begun_memories, built
from ..proof import Defect, Proof


class Axil(Proof):
    shows = (
        "AxiLite: answers stay until they are taken, unchanged (A3.2.1); exactly one answer"
        " per request taken, none without; address and data are taken together; what"
        " waits is passed by at most two of the other kind; no valid waits for ready"
    )
    config = "as it is"
    defects = (
        Defect(
            "an answer is dropped",
            "csr/axil.py",
            "with m.If(Mux(self.o_write, b.ready, r.ready)):",
            "with m.If(b.ready | r.ready):",
        ),
        Defect("ready stays for two clocks", "csr/axil.py", "ar.ready.eq(0)]", "]"),
        Defect(
            "writes always win",
            "csr/axil.py",
            "write_waits & ~(ar.valid & self.o_write)",
            "write_waits",
        ),
        Defect(
            "data may come later than the address",
            "csr/axil.py",
            "write_waits = aw.valid & w.valid",
            "write_waits = aw.valid",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = AxiLite()
        h.drive(dut)

        bus = dut.s_axil
        aw, w, b, ar, r = bus.aw, bus.w, bus.b, bus.ar, bus.r
        for name, member in bus.signature.members.items():
            rule = h.assume_stream if member.flow is wiring.In else h.check_stream
            rule(getattr(bus, name))
        moved = {
            name: getattr(bus, name).valid & getattr(bus, name).ready
            for name in bus.signature.members
        }
        writes, reads = Signal(2), Signal(2)  # taken and not answered
        m.d.sync += [
            writes.eq(writes + moved["aw"] - moved["b"]),
            reads.eq(reads + moved["ar"] - moved["r"]),
        ]
        h.check(moved["aw"] == moved["w"])
        h.check(writes + reads <= 1)
        h.check_if(moved["aw"] | moved["ar"], writes + reads == 0)
        h.check_if(b.valid, writes == 1)
        h.check_if(r.valid, reads == 1)
        h.check_if(aw.ready, aw.valid)
        h.check_if(w.ready, w.valid)
        h.check_if(ar.ready, ar.valid)
        h.check(dut.o_start == (moved["aw"] | moved["ar"]))
        h.check_if(
            moved["aw"],
            dut.o_write
            & (dut.o_address == aw.p.addr)
            & (dut.o_data == w.p.data)
            & (dut.o_strobe == w.p.strb),
        )
        h.check_if(moved["ar"], ~dut.o_write & (dut.o_address == ar.p.addr))
        # The answer is the one that was given.
        done_data, done_error = Signal(32), Signal()
        working = (writes + reads != 0) & ~b.valid & ~r.valid
        with m.If(working & dut.i_done):
            m.d.sync += [done_data.eq(dut.i_data), done_error.eq(dut.i_error)]
        h.check_if(
            r.valid, (r.p.data == done_data) & (r.p.resp.as_value() == Mux(done_error, 2, 0))
        )
        h.check_if(b.valid, b.p.resp.as_value() == Mux(done_error, 2, 0))
        h.check_if(h.past(working & dut.i_done), b.valid | r.valid)
        # Turns.
        passed_read, passed_write = Signal(2), Signal(2)
        waits_write = aw.valid & w.valid
        with m.If(~ar.valid | moved["ar"]):
            m.d.sync += passed_read.eq(0)
        with m.Elif(moved["aw"]):
            m.d.sync += passed_read.eq(passed_read + 1)
        with m.If(~waits_write | moved["aw"]):
            m.d.sync += passed_write.eq(0)
        with m.Elif(moved["ar"]):
            m.d.sync += passed_write.eq(passed_write + 1)
        # One was perhaps chosen in the clock before the other came.
        h.check((passed_read <= 2) & (passed_write <= 2))
        h.reach(moved["b"] & done_error & h.past(ar.valid))
        h.reach(moved["r"] & (r.p.data == 0x600DDA7A))
        h.reach(passed_read == 1)


class Pulses(Proof):
    shows = (
        "Counters: what is read is every pulse since the counter was cleared, alone or with"
        " all, to the clock; a request is answered once, within 2 * number + 5 clocks"
    )
    config = "4 counters; the watched one is any"
    mode = "bmc"
    depth = 40
    why = (
        "40 clocks are ten rounds of the scanner of 4 counters, with every pattern of"
        " pulses, clears and reads; `csr.totals` goes on from there"
    )
    cover_depth = 24
    defects = (
        Defect(
            "a pulse in the clock of the visit is lost",
            "csr/counters.py",
            "m.d.sync += state.eq(pulses[number])",
            "m.d.sync += state.eq(0)",
        ),
        Defect(
            "a clear leaves what is pending",
            "csr/counters.py",
            "amount.eq(Mux(clear, 0, pending))",
            "amount.eq(pending)",
        ),
        Defect(
            "the total is read one visit too early",
            "csr/counters.py",
            "read.addr.eq(visits[2][:bits])",
            "read.addr.eq(visits[1][:bits])",
        ),
        Defect(
            "pending counts miss a state",
            "csr/counters.py",
            "state.eq(Cat(~(first ^ second), state[:-1]))",
            "state.eq(Cat(first ^ second, state[:-1]))",
        ),
        Defect(
            "clearing all leaves the last counter",
            "csr/counters.py",
            "clear.eq((met & self.i_clear) | sweeping)",
            "clear.eq((met & self.i_clear) | (sweeping & ~last))",
        ),
    )

    def build(self, h):
        dut = counters.Counters(4)
        h.m.submodules.dut = dut
        self.properties(h, dut, h.constant(2, "watched"), Const(0, 33))

    def properties(self, h, dut, watched, begin):
        m, number = h.m, 4
        h.drive(dut)
        pulse = dut.i_pulses.bit_select(watched, 1)
        # A request is held, and says the same, until it is done; the next one a clock later.
        asked = Cat(dut.i_index, dut.i_clear, dut.i_all)
        h.assume_if(h.past(dut.i_request & ~dut.o_done), dut.i_request & (asked == h.past(asked)))
        h.assume_if(h.past(dut.o_done), ~dut.i_request)
        h.assume(~dut.i_all | dut.i_clear)

        # The visit was 5 clocks before `o_done`, and knows the pulses up to 2 clocks before it.
        history = [pulse]
        for _ in range(7 + number - 1):
            history.append(h.past(history[-1]))
        counted = Signal(8)  # pulses up to 7 clocks ago, this one not
        exact = Signal(8)
        m.d.comb += exact.eq(counted + history[7])
        done = dut.o_done
        mine = dut.i_all | (dut.i_index == watched)
        # The round that clears all visits this counter so many clocks before the last one.
        before_last = number - 1 - watched
        after = sum(((before_last > n) & history[7 + n] for n in range(number - 1)), Const(0, 3))
        cleared = Signal()
        m.d.sync += counted.eq(exact)
        with m.If(done & dut.i_clear & mine):
            m.d.sync += [counted.eq(Mux(dut.i_all, after, 0)), cleared.eq(1)]
        total = Signal(34)
        m.d.comb += total.eq(exact + Mux(cleared, 0, begin))
        h.check_if(
            done & ~dut.i_clear & mine, dut.o_value == Mux(total[32:] == 0, total[:32], 0xFFFFFFFF)
        )
        h.check_if(done, dut.i_request)
        age = Signal(6)
        m.d.sync += age.eq(Mux(dut.i_request & ~done, age + 1, 0))
        h.check(age <= 2 * number + 5)
        h.check_if(~dut.i_all, age <= number + 5)
        self.covers(h, done & ~dut.i_clear & mine, exact, total, cleared)

    def covers(self, h, read, exact, total, cleared):
        h.reach(read & (exact == 9) & ~cleared)
        h.reach(read & (exact == 3) & cleared)


class Totals(Pulses):
    shows = (
        "Counters: from any total on, the same, and 2^32 - 1 is read as soon as the count is no"
        " less, for ever; a full counter counts from 0 again when it is cleared"
    )
    config = (
        "4 counters of 32 bits; the watched one is any; the total of each is any when the"
        " first round is over, a full one too"
    )
    depth = 28
    why = (
        "all that a counter knows of its past is its total, and each visit takes what is"
        " pending and begins anew; the totals to begin with are any, and 28 clocks are seven"
        " rounds of the scanner of 4 counters, with every pattern of pulses, clears and reads"
    )
    cover_depth = 28
    defects = (
        Defect(
            "a full counter begins again",
            "csr/counters.py",
            "full.eq(total[32] | total_sum[32])",
            "full.eq(total_sum[32])",
        ),
        Defect(
            "a counter wraps", "csr/counters.py", "Mux(full, 0xFFFFFFFF, total_sum)", "total_sum"
        ),
        Defect(
            "that a counter is full is not kept",
            "csr/counters.py",
            "write.data.eq(Cat(total_sum[:32], full))",
            "write.data.eq(Cat(total_sum[:32], total[32]))",
        ),
    )

    def build(self, h):
        # The first writes of all 4, the last one's twice, are over in clock 8.
        with begun_memories(h, 9, counters) as memories:
            dut = counters.Counters(4)
            h.m.submodules.dut = built(dut)
        (memory,) = memories
        age = Signal(range(6))
        h.m.d.sync += age.eq(Mux(age == 5, age, age + 1))
        h.assume_if(age != 5, (dut.i_pulses == 0) & ~dut.i_request)
        watched = h.constant(2, "watched")
        self.properties(h, dut, watched, memory.begin[watched])

    def covers(self, h, read, exact, total, cleared):
        h.reach(read & (total == 0xFFFFFFFF))
        h.reach(read & (total == 0x100000001) & (exact == 5))
        h.reach(read & (total[32:] == 0) & (exact == 2) & cleared)
        h.reach(read & (total == 0x1FFFFFFFF))


class NoticeQueue(Proof):
    shows = (
        "Notices: order, no loss but what is counted as lost, which happens only when the"
        " queue is full; a cause stays until it is cleared and one that comes with the clear"
        " stays set; the interrupt follows the causes that are not masked"
    )
    config = "a queue of 4 notices (the node only passes through: all but one bit held at 0)"
    defects = (
        Defect(
            "a clear wins over the event",
            "csr/notices.py",
            "(self.o_causes & ~self.i_clear) | happened",
            "(self.o_causes | happened) & ~self.i_clear",
        ),
        Defect(
            "a lost notice is not told",
            "csr/notices.py",
            "self.o_lost.eq(notice.valid & ~queue.w_rdy)",
            "self.o_lost.eq(0)",
        ),
        Defect(
            "the mask is upside down",
            "csr/notices.py",
            "(self.o_causes & self.i_mask).any()",
            "(self.o_causes & ~self.i_mask).any()",
        ),
    )

    def build(self, h):
        m = h.m
        notices_module.NOTICE_DEPTH = 4
        m.submodules.dut = dut = Notices()
        h.drive(dut)
        notice = dut.i_notice
        h.assume(notice.payload.node[1:] == 0)
        push, pop = notice.valid & ~dut.o_lost, dut.i_pop & dut.o_waiting
        level = h.check_fifo(push, notice.payload.as_value(), pop, dut.o_head.as_value(), 4)
        h.check(dut.o_waiting == (level != 0))
        h.check_if(notice.valid, dut.o_lost == (level == 4))
        kind = notice.payload.notice.as_value()
        pulses = {kind_.name.lower(): notice.valid & (kind == kind_.value) for kind_ in Notice}
        pulses |= {
            "frame_dropped": dut.i_frame_dropped,
            "payload_dropped": dut.i_payload_dropped,
            "notice_lost": dut.o_lost,
            "memory_fault": dut.i_memory_fault,
        }
        for bit, name in enumerate(INTERRUPTS):
            h.check(
                dut.o_causes[bit] == h.past(pulses[name] | (dut.o_causes[bit] & ~dut.i_clear[bit]))
            )
        h.check(dut.o_interrupt == h.past((dut.o_causes & dut.i_mask).any()))
        h.reach(dut.o_lost)
        h.reach(dut.o_interrupt & (dut.o_causes == 1))
