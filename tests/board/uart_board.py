"""A UART, the bridge and a table of registers as one component: what `test_bridge` simulates."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ttpoe.board.bridge import Bridge
from ttpoe.board.register_file import RegisterFile
from ttpoe.board.registers import BASE
from ttpoe.board.split import Split
from ttpoe.board.uart import UartReceiver, UartSender
from ttpoe.csr.shapes import Access, Field, Register

__all__ = ["DIVISOR", "PATIENCE", "REGISTERS", "UartBoard"]

DIVISOR, PATIENCE = 8, 4000


def _registers(base):
    return (
        Register("CONSTANT", base, "", (Field("c", 0, 32, Access.RO, "", 0x12345678 + base),)),
        Register(
            "STORED",
            base + 4,
            "",
            (Field("low", 0, 8, Access.RW, "", 7), Field("high", 12, 20, Access.RW, "", 0)),
        ),
        Register(
            "MIXED",
            base + 8,
            "",
            (Field("flags", 0, 4, Access.W1C, "", 0), Field("shown", 8, 8, Access.RO, "", None)),
        ),
    )


COMMAND = Register("COMMAND", BASE + 12, "", (Field("number", 4, 8, Access.WO, ""),))
REGISTERS = {"low": _registers(0), "high": (*_registers(BASE), COMMAND)}


class UartBoard(wiring.Component):
    """`i_flags` are set until a 1 is written; `i_shown` is shown; a command counts while
    `i_busy` is low. All of the high half."""

    def __init__(self):
        super().__init__(
            {
                "i_uart_rx": In(1),
                "o_uart_tx": Out(1),
                "i_flags": In(4),
                "i_shown": In(8),
                "i_busy": In(1),
                "o_commands": Out(8),
                "o_number": Out(8),
                "o_cleared": Out(4),
                "o_low": Out(8),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(DIVISOR)
        m.submodules.sender = sender = UartSender(DIVISOR)
        m.submodules.bridge = bridge = Bridge(DIVISOR, PATIENCE)
        m.submodules.split = split = Split()
        m.submodules.low = low = RegisterFile(REGISTERS["low"])
        m.submodules.high = high = RegisterFile(REGISTERS["high"])
        wiring.connect(m, receiver.o, bridge.i)
        wiring.connect(m, bridge.o, sender.i)
        wiring.connect(m, bridge.m_axil, split.s_axil)
        wiring.connect(m, split.m_low, low.s_axil)
        wiring.connect(m, split.m_high, high.s_axil)
        flags = Signal(4)
        m.d.sync += flags.eq((flags & ~high.o_mixed_flags) | self.i_flags)
        with m.If(high.o_mixed_flags.any()):
            m.d.sync += self.o_cleared.eq(high.o_mixed_flags)
        with m.If(high.o_command_written):
            m.d.sync += [
                self.o_commands.eq(self.o_commands + 1),
                self.o_number.eq(high.o_command_number),
            ]
        m.d.comb += high.i_command_busy.eq(self.i_busy)
        m.d.comb += [
            receiver.i_rx.eq(self.i_uart_rx),
            bridge.i_broken.eq(receiver.o_broken),
            self.o_uart_tx.eq(sender.o_tx),
            high.i_mixed_flags.eq(flags),
            high.i_mixed_shown.eq(self.i_shown),
            self.o_low.eq(low.o_stored_low),
        ]
        return m
