"""Which receive slots are free, and whether a VC may have one.

Source: section 7 ("RX is buffered per VC so that a stalled DATA reader does not hold up REQ_HI"),
design rule 2 (room is decided at the door).
"""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..memory.protected import ERRORS, SmallFifo, errors_of, report
from ..wires import with_init
from .queue import make_fifo

__all__ = ["SlotPool", "freed_layout"]


def freed_layout(config):
    """A receive slot that held a payload of `vc` and is free now; `kept`: as for a verdict."""
    return data.StructLayout({"slot": config.rx_slot_bits, "vc": 2, "kept": 1})


class SlotPool(wiring.Component):
    """Keeps one free slot at hand and counts what each VC holds.

    Each VC owns `rx_reserved` slots, `reorder_slots` are for packets kept behind a gap, and the
    rest are shared. A VC has room if it holds fewer slots than it owns, or if the VCs together
    hold fewer shared slots than there are. A slot whose payload is kept changes from the VC's
    account to that of the kept ones, for good: it is one of these until it is free again. So
    whatever is kept, or kept and then not read by its host, the VCs have their room.

    Members
    -------
    slot : Out(rx_slot_bits)
        The slot that the next payload is written to.
    slot_ready : Out(1)
        `slot` is one. Once set it stays, with the same `slot`, until `take`.
    vc : In(2)
        The VC that asks for room (0 to 2).
    room : Out(1)
        `vc` may take a slot; says nothing about `slot_ready`. Follows `vc` in the same clock, from
        registers otherwise. Never more than there is: what is taken counts at once.
    take : In(1)
        `slot` belongs to `vc` now. Only with `slot_ready` and `room`.
    i_kept : In(event of vc)
        A slot that `vc` took is kept from now on. Whoever keeps never keeps more than
        `reorder_slots`.
    o_kept_freed : Out(2)
        How many kept slots were given back in the clock before.
    i_dropped, i_delivered : In(event_signature(freed_layout))
        A slot is given back; both may come in the same clock, every clock, and never wait. (Hence
        a list for each: with one list, a flood of frames to drop could stop the delivery.)
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: one slot can be taken in every clock while free ones are listed. A slot given back, or
    kept, in clock n counts as room within what its VC owns in clock n + 2, and as a shared one in
    clock n + 4. One given back can be `slot` itself from clock n + 2 (n + 3 if there are more than
    32 slots).

    Reset: all slots are free at once: a counter deals out each slot for the first time and the
    lists hold only slots that came back, so no memory is initialised.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "slot": Out(config.rx_slot_bits),
                "slot_ready": with_init(Out, 1, init=1),
                "vc": In(2),
                "room": Out(1),
                "take": In(1),
                "i_kept": In(event_signature(2)),
                "o_kept_freed": Out(2),
                "i_dropped": In(event_signature(freed_layout(config))),
                "i_delivered": In(event_signature(freed_layout(config))),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._free_slots(m)
        self._room(m)
        return m

    def _free_slots(self, m):
        config = self._config
        never_used = Signal(config.rx_slot_bits + 1, init=1)  # slot 0 is at hand after reset
        all_used_once = never_used[-1]
        m.submodules.dropped = dropped = make_fifo(
            config.rx_slot_bits, config.rx_slots, config.protect, SmallFifo
        )
        m.submodules.delivered = delivered = make_fifo(
            config.rx_slot_bits, config.rx_slots, config.protect
        )
        report(m, config.protect, self.o_errors, errors_of(dropped), errors_of(delivered))
        for returned, freed in ((dropped, self.i_dropped), (delivered, self.i_delivered)):
            m.d.comb += [returned.w_data.eq(freed.p.slot), returned.w_en.eq(freed.valid)]
        # `take` is late: it moves slots between registers. The lists fill the spare place whenever
        # that is empty, or, past it, the slot at hand.
        spare, spare_ready = Signal(config.rx_slot_bits), Signal()
        listed, some_listed = Signal(config.rx_slot_bits), Signal()
        m.d.comb += some_listed.eq(~all_used_once | dropped.r_rdy | delivered.r_rdy)
        with m.If(~all_used_once):
            m.d.comb += listed.eq(never_used[:-1])
            m.d.sync += never_used.eq(never_used + ~spare_ready)
        with m.Elif(dropped.r_rdy):
            m.d.comb += [listed.eq(dropped.r_data), dropped.r_en.eq(~spare_ready)]
        with m.Else():
            m.d.comb += [listed.eq(delivered.r_data), delivered.r_en.eq(~spare_ready)]
        wanted = Signal()
        m.d.comb += wanted.eq(self.take | ~self.slot_ready)
        with m.If(wanted):
            m.d.sync += [
                self.slot_ready.eq(spare_ready | some_listed),
                self.slot.eq(Mux(spare_ready, spare, listed)),
                spare_ready.eq(0),
            ]
        with m.Elif(~spare_ready):
            m.d.sync += [spare_ready.eq(some_listed), spare.eq(listed)]

    def _room(self, m):
        config = self._config
        shared = config.rx_slots - config.VCS * config.rx_reserved - config.reorder_slots
        # Slots held, less those owned: the sign says "below its own share", and what is above
        # zero is shared slots in use.
        excess = [
            Signal(signed(config.rx_slot_bits + 1), name=f"excess_{vc}", init=-config.rx_reserved)
            for vc in range(config.VCS)
        ]
        freed = (self.i_dropped, self.i_delivered)
        for vc, held in enumerate(excess):
            left = Signal(2, name=f"left_{vc}")  # the account, in the clock before
            change = Signal(signed(3), name=f"change_{vc}")
            m.d.comb += change.eq((self.take & (self.vc == vc)) - left)
            m.d.sync += [
                left.eq(
                    (self.i_kept.valid & (self.i_kept.payload == vc))
                    + sum(slot.valid & ~slot.p.kept & (slot.p.vc == vc) for slot in freed)
                ),
                held.eq(held + change),
            ]
        m.d.sync += self.o_kept_freed.eq(sum(slot.valid & slot.p.kept for slot in freed))
        own = Signal()
        m.d.comb += own.eq(Array(held < 0 for held in excess)[self.vc])
        m.d.comb += self.room.eq(own | self._shared_left(m, excess, shared, self.take & ~own))

    def _shared_left(self, m, excess, shared, takes):
        """Whether a shared slot is left; `takes`: one is taken in this clock.

        To add up and to compare takes a clock each. So it is known which number was left two
        clocks ago, if a small one, and which of the two clocks since have taken one.
        """
        used = Signal(self._config.rx_slot_bits + 1)
        m.d.sync += used.eq(sum(Mux(held < 0, 0, held.as_unsigned()) for held in excess))
        left = [Signal(name=f"shared_left_{n}", init=int(shared == n)) for n in range(3)]
        m.d.sync += [left[n].eq(used == shared - n) for n in range(3)]
        taken = Signal(2)
        m.d.sync += taken.eq(Cat(takes, taken[0]))
        return ~(left[0] | (left[1] & taken.any()) | (left[2] & taken.all()))
