"""`Bank`: which register a request names, what software stored, and what it reads.

Source: the protocol's section 7; `docs/reference/registers.md` is the map.
"""

from functools import reduce
from operator import or_

from amaranth import Cat, Const, Mux, Signal

from .shapes import Access

__all__ = ["Bank"]


class Bank:
    """The registers of `map`, but for the counters, behind the requests of `axil` (`AxiLite`).

    Called by `Csr`, in this order: `select`, `storage`, then what `Csr` adds to `shown` and to
    `refused`, then `answer`.

    Attributes
    ----------
    shown : dict
        What software reads, by (register, field); fields that are not here are constants.
    refused : list
        (register, condition under which a write to it is refused).
    selected : dict
        One bit for each register that is no counter; `counter_selected` is that of all counters.
    active : Signal
        From the clock after `o_start` to `i_done`.
    """

    def __init__(self, axil, register_map):
        self.axil, self.map = axil, register_map
        self.shown, self.refused = {}, []

    def select(self, m, counters):
        """One bit per register, decoded in the clock of `o_start` and held; all counters: one."""
        axil = self.axil
        address = axil.o_address
        self.active = Signal(name="_active")  # from the clock after `o_start` to `i_done`
        with m.If(axil.o_start):
            m.d.sync += self.active.eq(1)
        with m.Elif(axil.i_done):
            m.d.sync += self.active.eq(0)

        counted = self.map.counters
        first, last = counted[0].address, counted[-1].address
        # Decoded in two halves, so that a register costs one gate: the low half with bits 2 to 5,
        # the high half with the rest.
        halves = {}
        for register in self.map.registers:
            for name, part, value in (
                ("low", address[:6], register.address & 0x3F),
                ("high", address[6:], register.address >> 6),
            ):
                if (name, value) not in halves and register not in counted:
                    halves[name, value] = half = Signal(name=f"address_{name}_{value:x}")
                    m.d.comb += half.eq(part == value)
        self.selected = {}
        for register in self.map.registers:
            if register not in counted:
                selected = Signal(name=f"selected_{register.name.lower()}")
                with m.If(axil.o_start):
                    m.d.sync += selected.eq(
                        halves["low", register.address & 0x3F]
                        & halves["high", register.address >> 6]
                    )
                self.selected[register.name] = selected
        self.counter_selected = Signal(name="_counter_selected")
        with m.If(axil.o_start):
            m.d.sync += self.counter_selected.eq(
                (address[:2] == 0) & (address >= first) & (address <= last)
            )
        m.d.comb += counters.i_index.eq(address[2:] - (first >> 2))

    def writes(self, name):
        """A write to a register that is not refused: high for one clock."""
        return self.active & self.axil.o_write & self.selected[name]

    def storage(self, m, ports, busy):
        """The fields of access `rw`, and the members of `ports` that they drive.

        A register in `busy` keeps its value while that bit is high.
        """
        axil = self.axil
        for register in self.map.registers:
            for field in register.fields:
                if field.access is not Access.RW or register.name in ("ETHERTYPE", "LINK_INDEX"):
                    continue
                stored = Signal(
                    field.width, init=field.reset or 0, name=f"{register.name.lower()}_{field.name}"
                )
                shown = stored
                if field.port:
                    written = Signal(-(-field.width // 8), name=f"{field.name}_written")
                    shown = Cat(
                        Mux(
                            written[low // 8],
                            stored[low : low + 8],
                            getattr(ports, field.port)[low : low + 8],
                        )
                        for low in range(0, field.width, 8)
                    )
                for lane in range(4):
                    low, high = max(8 * lane, field.lsb), min(8 * lane + 8, field.lsb + field.width)
                    if low >= high:
                        continue
                    writes = self.writes(register.name) & axil.o_strobe[lane]
                    if register.name in busy:
                        writes = writes & ~busy[register.name]
                    with m.If(writes):
                        m.d.sync += stored[low - field.lsb : high - field.lsb].eq(
                            axil.o_data[low:high]
                        )
                        if field.port:
                            m.d.sync += written[lane].eq(1)
                self.shown[register.name, field.name] = shown
                if field.drives:
                    m.d.comb += getattr(ports, field.drives).eq(shown)

    def answer(self, m, counters):
        axil = self.axil
        known = Signal()  # a register, and not a write to one that is only read
        m.d.comb += known.eq(
            self.counter_selected
            | Cat(
                self.selected[register.name] & (~axil.o_write if not register.writable else 1)
                for register in self.map.registers
                if register.name in self.selected
            ).any()
        )
        refused = Cat(self.selected[name] & bad for name, bad in self.refused).any()
        words = []
        for register in self.map.registers:
            if register.name not in self.selected:
                continue
            for field in register.fields:
                if field.access is Access.WO:
                    continue
                value = self.shown.get((register.name, field.name))
                if value is None:  # a constant of the configuration
                    value = Const(field.reset, field.width)
                words.append(Mux(self.selected[register.name], value, 0) << field.lsb)
        words.append(Mux(self.counter_selected, counters.o_value, 0))
        slow = counters.i_request
        # A read that is refused has selected nothing, so its data is 0.
        m.d.comb += [
            axil.i_done.eq(self.active & (~slow | counters.o_done)),
            axil.i_error.eq(~known | (axil.o_write & refused)),
            axil.i_data.eq(reduce(or_, words)),
        ]
