"""Proofs of `mac/`: frames on GMII."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Mux, Signal

from ttpoe.mac import gmii_rx, gmii_tx
from ttpoe.mac.gmii_rx import GmiiRx
from ttpoe.mac.gmii_tx import GmiiTx

from ..gmii_line import ONES, RESIDUE, RX_FRAME, RX_PREAMBLE, AnyCrc, Carrier, Received, crc_after
from ..memories import built, inner
from ..proof import Defect, Proof

TX_IDLE, TX_PREAMBLE, TX_DATA, TX_FCS, TX_PAD, TX_GAP = range(6)


class Transmit(Proof):
    shows = (
        "GmiiTx: 7 bytes of preamble and the SFD, the bytes of the frame, padded, and 4 more"
        " unless the source fails, TX_ER where it does; at least 12 byte times of gap, and 12"
        " if the next frame is there"
    )
    config = "padded to 12 bytes; any frames, pauses of the source and byte times"
    mode = "induction"
    depth = 2
    cover_depth = 26
    defect_depth = 40
    defects = (
        Defect(
            "the gap is a byte short",
            "mac/gmii_tx.py",
            "left.eq(GAP_BYTES - 1)",
            "left.eq(GAP_BYTES - 2)",
        ),
        Defect(
            "a byte too few is enough",
            "mac/gmii_tx.py",
            "self.step & (sent == SHORTEST_BYTES - 1)",
            "self.step & (sent == SHORTEST_BYTES - 2)",
        ),
        Defect(
            "the preamble is a byte short",
            "mac/gmii_tx.py",
            "left.eq(PREAMBLE_BYTES - 2)",
            "left.eq(PREAMBLE_BYTES - 3)",
        ),
        Defect(
            "a byte that fails is not marked",
            "mac/gmii_tx.py",
            "er.eq(~self.i.valid | aborted)",
            "er.eq(aborted)",
        ),
    )

    def build(self, h):
        gmii_tx.SHORTEST_BYTES = 12
        dut = GmiiTx()
        h.m.submodules.dut = fragment = built(dut)
        h.drive(dut)
        h.streams(dut)
        wire, own = Carrier(h, dut), inner(fragment)
        en, byte, thrown = dut.o_en, dut.o_data, own["thrown"]
        h.check_if(en & (wire.place < 7), byte == 0x55)
        h.check_if(en & (wire.place == 7), byte == 0xD5)
        h.check_if(wire.ends & ~wire.hurt, wire.place >= 8 + 12 + 4)
        h.check_if(dut.step & en & ~wire.was_en, wire.gap >= 12)
        h.check_if(~en & (wire.gap >= 12), ~dut.i.valid | thrown)
        h.check_if(~en, ~dut.o_er & (byte == 0))
        taken = dut.i.valid & dut.i.ready & ~thrown
        h.check_if(taken, en & (byte == dut.i.payload.data) & (wire.place >= 8))
        h.check(
            dut.stat_tx_underrun == (en & dut.step & (own["fsm_state"] == TX_DATA) & ~dut.i.valid)
        )
        h.check_if(dut.stat_tx_underrun, dut.o_er)
        self.invariants(h, own, wire)
        h.reach(wire.ends & ~wire.hurt & (wire.place == 24))
        h.reach(wire.ends & wire.hurt)

    def invariants(self, h, own, wire):
        state, left, sent, spoilt = (own[name] for name in ("fsm_state", "left", "sent", "spoilt"))
        place, hurt = wire.place, wire.hurt
        h.check(state <= TX_GAP)
        h.check_if(state == TX_IDLE, ~wire.was_en & (place == 0) & (wire.gap >= 12) & ~hurt)
        h.check_if(
            state == TX_PREAMBLE,
            wire.was_en
            & (left <= 6)
            & (place == 7 - left)
            & ~hurt
            & (sent == 0)
            & ~spoilt
            & ~own["thrown"],
        )
        h.check_if(
            (state == TX_DATA) | (state == TX_PAD),
            wire.was_en & (place >= 8) & (sent == Mux(place >= 20, 12, place - 8)) & ~own["thrown"],
        )
        h.check_if(state == TX_DATA, ~hurt & ~spoilt)
        h.check_if(state == TX_PAD, (sent < 12) & (hurt == spoilt))
        h.check_if(
            state == TX_FCS,
            wire.was_en
            & (left <= 3)
            & (hurt == spoilt)
            & (place >= 8)
            & (hurt | (place >= 23 - left)),
        )
        h.check_if(state == TX_GAP, (left <= 11) & (wire.was_en == (left == 11)))
        h.check(Mux(wire.was_en, wire.gap == 0, (place == 0) & ~hurt))
        h.check_if((state == TX_GAP) & ~wire.was_en, wire.gap == 11 - left)
        h.check_if((state == TX_GAP) & wire.was_en, (place >= 24) | hurt)


class TransmitFcs(Proof):
    shows = (
        "GmiiTx: a frame's FCS is the one of a bit-serial CRC, and never so if its source"
        " failed or says error"
    )
    config = (
        "padded to 2 bytes; one bit of each frame, any, is 1: bytes enter a CRC by XOR only,"
        " so that this is any frame"
    )
    mode = "induction"
    depth = 2
    cover_depth = 18
    defect_depth = 20
    defects = (
        Defect("a spoilt frame has a good FCS", "mac/gmii_tx.py", " ^ spoilt.replicate(8)", ""),
        Defect(
            "padding is not covered by the FCS",
            "mac/gmii_tx.py",
            "m.d.comb += [en.eq(1), covered.eq(1)]\n",
            "m.d.comb += [en.eq(1)]\n",
        ),
    )

    def build(self, h):
        gmii_tx.SHORTEST_BYTES = 2
        m, dut = h.m, GmiiTx()
        m.submodules.dut = fragment = built(dut)
        h.drive(dut)
        wire = Carrier(h, dut)
        one = 1 << h.constant(3, "bit")
        there = wire.place == h.constant(7, "there")
        h.assume(dut.i.payload.data == Mux(there, one, 0))
        crc = Signal(32, init=ONES)
        with m.If(dut.step):
            with m.If(~dut.o_en):
                m.d.sync += crc.eq(ONES)
            with m.Elif(wire.place >= 8):
                m.d.sync += crc.eq(crc_after(crc, dut.o_data))
        h.check_if(wire.ends, (crc == RESIDUE) == ~wire.hurt)
        self.invariants(h, inner(fragment), inner(fragment, "crc"), wire, crc)
        h.reach(wire.ends & ~wire.hurt)
        h.reach(wire.ends & wire.hurt)

    def invariants(self, h, own, processor, wire, crc):
        state, left, spoilt = own["fsm_state"], own["left"], own["spoilt"]
        register = processor["crc_reg"][::-1]
        h.check(state <= TX_GAP)
        h.check_if(state == TX_IDLE, ~wire.was_en & (wire.place == 0) & ~wire.hurt & (crc == ONES))
        h.check_if(
            state == TX_PREAMBLE,
            wire.was_en
            & (left <= 6)
            & (wire.place == 7 - left)
            & ~wire.hurt
            & ~spoilt
            & (crc == ONES)
            & (register == ONES),
        )
        h.check_if(
            (state == TX_DATA) | (state == TX_PAD),
            wire.was_en & (wire.place >= 8) & (register == crc) & (wire.hurt == spoilt),
        )
        h.check_if(state == TX_DATA, ~spoilt)
        h.check_if(state == TX_GAP, (left <= 11) & (wire.was_en == (left == 11)))
        h.check_if((state == TX_GAP) & ~wire.was_en, ~wire.hurt & (crc == ONES) & (wire.place == 0))
        h.check_if(
            state == TX_FCS, wire.was_en & (left <= 3) & (wire.place >= 8) & (wire.hurt == spoilt)
        )
        # The FCS makes the two registers differ by what depends on its number of bytes only.
        apart = 0
        for done in range(5):
            at = (
                (state == TX_FCS) & (left == 3 - done)
                if done < 4
                else (state == TX_GAP) & wire.was_en
            )
            h.check_if(at, register ^ crc == Mux(wire.hurt, 0, apart))
            h.check_if(at & (wire.hurt | (done != 0)), register >> 32 - 8 * done == 0)
            apart = crc_after(apart, 0xFF)


class Receive(Proof):
    shows = (
        "GmiiRx: the verdict is good exactly if the frame came without RX_ER, has as many"
        " bytes as it may, its CRC matches, and it is no MAC control; each byte of it comes"
        " out, unchanged and in order, without the FCS; each carrier has one cause at most"
    )
    config = "17 to 20 bytes with FCS; any bytes, byte times and verdicts of the CRC"
    mode = "induction"
    depth = 3
    cover_depth = 30
    defect_depth = 34
    defects = (
        Defect(
            "RX_ER in the preamble is forgotten", "mac/gmii_rx.py", "hurt.eq(dv & er)", "hurt.eq(0)"
        ),
        Defect("the FCS is not looked at", "mac/gmii_rx.py", "~crc.match_detected,", "0,"),
        Defect(
            "a byte too few is enough",
            "mac/gmii_rx.py",
            "count < SHORTEST_BYTES + FCS_BYTES",
            "count < SHORTEST_BYTES + FCS_BYTES - 1",
        ),
        Defect(
            "MAC control is handed over",
            "mac/gmii_rx.py",
            "control & pfc, control",
            "control & pfc, control & 0",
        ),
        Defect(
            "a byte of the FCS is handed over",
            "mac/gmii_rx.py",
            "for n in range(FCS_BYTES + 1)",
            "for n in range(FCS_BYTES)",
        ),
    )
    longest = 20

    def build(self, h):
        match = h.free(1, "match")
        gmii_rx.SHORTEST_BYTES = 13
        real, gmii_rx.CRC32_ETHERNET = (
            gmii_rx.CRC32_ETHERNET,
            lambda width: SimpleNamespace(create=lambda: AnyCrc(match)),
        )
        dut = GmiiRx(self.longest)
        h.m.submodules.dut = fragment = built(dut)
        gmii_rx.CRC32_ETHERNET = real
        h.drive(dut)
        seen, own = Received(h, dut, self.longest), inner(fragment)
        good = seen.ends & ~dut.i_dv & ~seen.hurt & (seen.count >= 17) & match & ~seen.is_control
        valid, out = dut.o.valid, dut.o.payload
        h.check((valid & out.last & ~out.error) == h.past(good))
        h.check((valid & out.last) == h.past(seen.ends & (seen.count >= 5)))
        causes = Cat(getattr(dut, name) for name in gmii_rx.RX_CAUSES)
        h.check(causes[:7].any() == h.past(seen.ends & ~good))
        carrier = causes[:8]  # a false carrier may begin where a frame ends
        h.check(carrier & (carrier - 1) == 0)
        sent = Signal(range(self.longest))
        with h.m.If(valid):
            h.m.d.sync += sent.eq(Mux(out.last, 0, sent + 1))
        h.check_if(valid & out.last, sent + 5 == h.past(seen.count))
        place, kept = h.constant(range(self.longest), "place"), Signal(8)
        with h.m.If(seen.taken & (seen.count == place)):
            h.m.d.sync += kept.eq(dut.i_data)
        h.check_if(valid & (sent == place), out.data == kept)
        seen.invariants(h, own)
        self.invariants(h, own, seen, sent + (valid & ~out.last), valid & out.last, place, kept)
        h.reach(valid & out.last & ~out.error)
        h.reach(dut.stat_rx_pause)

    def invariants(self, h, own, seen, delivered, ended, place, kept):
        frame, count = own["fsm_state"] == RX_FRAME, seen.count
        h.check_if(
            frame,
            (own["count"] == count)
            & (own["hurt"] == seen.hurt)
            & (delivered == Mux(count >= 5, count - 5, 0))
            & (own["filled"] == Mux(count >= 5, 31, (1 << count[:3]) - 1)),
        )
        h.check_if(
            own["fsm_state"] == RX_PREAMBLE,
            (own["hurt"] == seen.hurt)
            & (own["count"] == 0)
            & (own["filled"] == 0)
            & ~own["control"],
        )
        h.check_if(~frame & ~ended, delivered == 0)
        h.check_if(frame, ~ended)
        for n in range(sum(name.startswith("line") for name in own)):
            h.check_if(frame & (place + n + 1 == count), own[f"line{n}"] == kept)
            for k in range(4):
                h.check_if(frame & (count == 13 + k + n), own[f"line{n}"] == seen.header[k])
        h.check_if(frame & (count > 16), own["control"] == seen.is_control)
        h.check_if(frame & (count < 16), ~own["control"])
        h.check_if(frame & (count == 16), ~own["control"] | seen.is_control)


class ReceiveFcs(Proof):
    shows = "GmiiRx: what it takes for a good FCS is one of a bit-serial CRC over the frame"
    config = (
        "up to 64 bytes, any byte times; one bit of each frame, any, is 1: bytes enter a CRC by"
        " XOR only, so that this is any frame"
    )
    mode = "induction"
    depth = 2
    cover_depth = 8
    defect_depth = 8
    defects = (
        Defect(
            "the CRC goes on from frame to frame", "mac/gmii_rx.py", "fresh.eq(1)", "fresh.eq(0)"
        ),
        Defect(
            "the SFD is covered",
            "mac/gmii_rx.py",
            "crc.valid.eq(taken)",
            "crc.valid.eq(taken | (step & (byte == SFD)))",
        ),
    )

    def build(self, h):
        gmii_rx.SHORTEST_BYTES = 60
        dut = GmiiRx(64)
        h.m.submodules.dut = fragment = built(dut)
        h.drive(dut)
        seen, own = Received(h, dut, 64), inner(fragment)
        one, there = 1 << h.constant(3, "bit"), seen.count == h.constant(7, "there")
        h.assume_if(seen.taken, dut.i_data == Mux(there, one, 0))
        crc = Signal(32, init=ONES)
        with h.m.If(dut.step & ~dut.i_dv):
            h.m.d.sync += crc.eq(ONES)
        with h.m.Elif(seen.taken):
            h.m.d.sync += crc.eq(crc_after(crc, dut.i_data))
        register = inner(fragment, "crc")["crc_reg"][::-1]
        h.check_if(seen.ends, register == crc)
        seen.invariants(h, own)
        state = own["fsm_state"]
        h.check_if(state == RX_FRAME, (register == crc) & (own["count"] == seen.count))
        h.check_if(state == RX_PREAMBLE, register == ONES)
        h.check_if(~seen.inside, crc == ONES)
        h.check_if(state == RX_PREAMBLE, own["count"] == 0)
        h.reach(seen.ends & (seen.count == 3))
