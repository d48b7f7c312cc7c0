"""A UART: bytes on one wire, one start bit, eight data bits, one stop bit, no parity (8N1)."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..config import ConfigError
from ..layouts import event_signature
from ..wires import with_init

__all__ = ["UartReceiver", "UartSender", "divisor"]

_FEWEST_CLOCKS = 8
_WORST = 0.02
"""Of a bit time; with as much at the other end the last bit of ten is still sampled inside."""


def divisor(clock_hz, baud):
    """Clocks in a bit; `ConfigError` if the clock is too slow or too far off for this rate."""
    clocks = round(clock_hz / baud)
    if clocks < _FEWEST_CLOCKS or abs(clock_hz / baud / clocks - 1) > _WORST:
        raise ConfigError(
            f"a UART of {baud} baud needs {_FEWEST_CLOCKS} clocks a bit and a rate that is less "
            f"than {_WORST:.0%} off; got a clock of {clock_hz / 1e6:g} MHz"
        )
    return clocks


class UartReceiver(wiring.Component):
    """Bytes from the wire.

    Parameters
    ----------
    divisor : int
        Clocks in a bit, 8 or more.

    Members
    -------
    i_rx : In(1)
        The wire, asynchronous; 1 while it is idle.
    o : Out(event of 8 bits)
        A byte, in the middle of its stop bit.
    o_broken : Out(1)
        One clock: the stop bit was 0. The byte is dropped, and the wire must be 1 before the next.

    Timing: each bit is sampled in its middle, as the receiver has it: up to one clock late.
    A pulse of less than half a bit is no start bit.

    Reset: idle; a byte under way is lost.
    """

    def __init__(self, divisor):
        self._divisor = divisor
        super().__init__({"i_rx": In(1), "o": Out(event_signature(8)), "o_broken": Out(1)})

    def elaborate(self, platform):
        m = Module()
        rx, bits = Signal(init=1), Signal(8)
        wait, left = Signal(range(self._divisor)), Signal(range(9))
        m.submodules.synchronise = FFSynchronizer(self.i_rx, rx, init=1)
        m.d.sync += [self.o.valid.eq(0), self.o_broken.eq(0)]
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.FSM(name="uart_receiver"):
            with m.State("IDLE"):
                with m.If(~rx):
                    m.d.sync += wait.eq(self._divisor // 2 - 1)
                    m.next = "START"
            with m.State("START"):
                with m.If(wait == 0):
                    m.d.sync += [wait.eq(self._divisor - 1), left.eq(8)]
                    with m.If(rx):
                        m.next = "IDLE"
                    with m.Else():
                        m.next = "BITS"
            with m.State("BITS"):
                with m.If(wait == 0):
                    m.d.sync += wait.eq(self._divisor - 1)
                    with m.If(left != 0):
                        m.d.sync += [bits.eq(Cat(bits[1:], rx)), left.eq(left - 1)]
                    with m.Else():
                        m.d.sync += [
                            self.o.valid.eq(rx),
                            self.o.payload.eq(bits),
                            self.o_broken.eq(~rx),
                        ]
                        # At once: a sender that is fast begins the next byte within half a bit.
                        with m.If(rx):
                            m.next = "IDLE"
                        with m.Else():
                            m.next = "BROKEN"
            with m.State("BROKEN"):
                with m.If(rx):
                    m.next = "IDLE"
        return m


class UartSender(wiring.Component):
    """Bytes to the wire.

    Parameters
    ----------
    divisor : int
        Clocks in a bit.

    Members
    -------
    i : In(stream of 8 bits)
    o_tx : Out(1)
        The wire, a register; 1 while idle.

    Timing: a byte takes 10 bits; the next one is taken in the last clock of the stop bit, so that
    nothing lies between two bytes that wait. Reset: idle; a byte under way is cut off.
    """

    def __init__(self, divisor):
        self._divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "o_tx": with_init(Out, 1, init=1)})

    def elaborate(self, platform):
        m = Module()
        wait, left = Signal(range(self._divisor)), Signal(range(11))
        bits = Signal(9, init=0x1FF)  # behind the one on the wire
        ready = (wait == 0) & (left == 0)
        m.d.comb += self.i.ready.eq(ready)
        with m.If(ready):
            with m.If(self.i.valid):
                m.d.sync += [
                    Cat(self.o_tx, bits).eq(Cat(Const(0, 1), self.i.payload, Const(1, 1))),
                    wait.eq(self._divisor - 1),
                    left.eq(9),
                ]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [
                Cat(self.o_tx, bits).eq(Cat(bits, Const(1, 1))),
                wait.eq(self._divisor - 1),
                left.eq(left - 1),
            ]
        return m
