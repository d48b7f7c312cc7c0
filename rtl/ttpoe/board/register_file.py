"""`RegisterFile`: a table of registers behind AXI4-Lite, for few registers of simple kinds."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..csr.axil import AxiLite, AxiLiteSignature
from ..csr.shapes import Access
from ..wires import with_init

__all__ = ["RegisterFile", "port_name"]


def port_name(register, field):
    """Name of the member that stands for this field."""
    return f"{register.name}_{field.name}".lower()


class RegisterFile(wiring.Component):
    """Constants, what is shown, and what is stored.

    Parameters
    ----------
    registers : sequence of Register
        Fields of access RO, RW, W1C and WO. RO with a `reset` is a constant and has no member.

    Members; F is `port_name` of a field
    ------------------------------------
    s_axil : In(AxiLiteSignature)
    i_F : In(width of the field)
        RO and W1C: what is read.
    o_F : Out(width)
        RW: what was written last, else the reset value. W1C: for one clock, bits written as 1.
        WO: what is being written, in the clock of `o_R_written`.
    o_R_written : Out(1), i_R_busy : In(1)
        Of a register R with WO: it is written, for one clock; or, while `i_R_busy` is high in that
        clock, the write is answered with SLVERR and does nothing. `i_R_busy` may depend on `o_F`.

    Timing: that of `AxiLite`, with `i_done` at once.

    Reset: RW as the table says.

    Errors: SLVERR for an address without a register, and for a write to one that is only read.
    """

    def __init__(self, registers):
        self._registers = tuple(registers)
        members = {"s_axil": In(AxiLiteSignature())}
        for register, field in self._fields():
            name = port_name(register, field)
            if field.access is Access.RW:
                members[f"o_{name}"] = with_init(Out, field.width, init=field.reset)
            elif field.access is Access.W1C:
                members |= {f"o_{name}": Out(field.width), f"i_{name}": In(field.width)}
            elif field.access is Access.WO:
                members[f"o_{name}"] = Out(field.width)
            elif field.reset is None:
                members[f"i_{name}"] = In(field.width)
        for name in self._commands():
            members |= {f"o_{name}_written": Out(1), f"i_{name}_busy": In(1)}
        super().__init__(members)

    def _commands(self):
        """Names of the registers that do something."""
        return {
            register.name.lower(): register
            for register, field in self._fields()
            if field.access is Access.WO
        }

    def _fields(self):
        return [(register, field) for register in self._registers for field in register.fields]

    def elaborate(self, platform):
        m = Module()
        m.submodules.axil = axil = AxiLite()
        wiring.connect(m, wiring.flipped(self.s_axil), axil.s_axil)
        selected = {}
        for register in self._registers:
            selected[register.name] = here = Signal(name=f"selected_{register.name.lower()}")
            with m.If(axil.o_start):
                m.d.sync += here.eq(axil.o_address == register.address)
        active = Signal()
        m.d.sync += active.eq(axil.o_start)
        strobes = Cat(bit.replicate(8) for bit in axil.o_strobe)
        words = []
        for register, field in self._fields():
            here, name = selected[register.name], port_name(register, field)
            bits = slice(field.lsb, field.lsb + field.width)
            written = active & axil.o_write & here
            shown = Const(field.reset or 0, field.width)
            if field.access is Access.RW:
                shown = getattr(self, f"o_{name}")
                with m.If(written):
                    m.d.sync += shown.eq((axil.o_data & strobes)[bits] | (shown & ~strobes[bits]))
            elif field.access is Access.WO:
                m.d.comb += getattr(self, f"o_{name}").eq((axil.o_data & strobes)[bits])
                shown = Const(0, field.width)
            elif field.reset is None or field.access is Access.W1C:
                shown = getattr(self, f"i_{name}")
            if field.access is Access.W1C:
                cleared = getattr(self, f"o_{name}")
                m.d.comb += cleared.eq(Mux(written, (axil.o_data & strobes)[bits], 0))
            words.append(Mux(here, shown, 0) << field.lsb)
        known = Cat(
            selected[register.name] & (~axil.o_write if not register.writable else 1)
            for register in self._registers
        ).any()
        busy = Signal()
        for name, register in self._commands().items():
            written = axil.o_write & selected[register.name]
            refused = getattr(self, f"i_{name}_busy")
            m.d.comb += getattr(self, f"o_{name}_written").eq(active & written & ~refused)
            with m.If(written & refused):
                m.d.comb += busy.eq(1)
        m.d.comb += [
            axil.i_done.eq(active),
            axil.i_error.eq(~known | busy),
            axil.i_data.eq(reduce(or_, words)),
        ]
        return m
