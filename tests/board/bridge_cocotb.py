"""What runs inside the simulator: the bridge, spoken to by the UART of cocotbext-uart."""

import logging
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.uart import UartSink, UartSource

from tests.board.uart_board import DIVISOR, PATIENCE
from ttpoe.board.protocol import QUIET_BYTES, WINDOW, Kind, Reply, crc8, request
from ttpoe.board.registers import BASE

PERIOD_PS = 8000
BIT_CLOCKS = DIVISOR
BAUD = 1e12 / (PERIOD_PS * DIVISOR)
CONSTANT = 0x12345678


class Bench:
    """The wire's other end; `off` is how far its rate is from ours."""

    def __init__(self, dut, off=0.0):
        self.dut = dut
        baud = round(BAUD * (1 + off))
        self.source, self.sink = UartSource(dut.i_uart_rx, baud), UartSink(dut.o_uart_tx, baud)
        for end in (self.source, self.sink):
            end.log.setLevel(logging.WARNING)

    async def start(self):
        dut = self.dut
        dut.rst.value, dut.i_flags.value, dut.i_shown.value, dut.i_busy.value = 1, 0, 0, 0
        self.clock = cocotb.start_soon(Clock(dut.clk, PERIOD_PS, "ps").start())
        await ClockCycles(dut.clk, 5)
        dut.rst.value = 0
        await ClockCycles(dut.clk, 5)

    async def bits(self, number):
        await ClockCycles(self.dut.clk, number * BIT_CLOCKS)

    def say(self, octets):
        self.source.write_nowait(octets)

    async def hear(self, number):
        """So many bytes, which must come at once."""
        got = b""
        for _ in range(number):
            got += bytes(await self.sink.read(1))
        return got

    async def answer(self, octets, data=0):
        """The answer to this request: (letter, number or None)."""
        self.say(octets)
        return await self.reply(data)

    async def reply(self, data=0):
        got = await self.hear(1)
        got += await self.hear((4 if data and got == b"K" else 0) + 1)
        assert crc8(got) == 0  # of a message and its check byte
        return got[:1].decode(), int.from_bytes(got[1:-1], "little") if len(got) > 2 else None

    async def read(self, address):
        return await self.answer(request(address), 4)

    async def write(self, address, value):
        return await self.answer(request(address, value))

    async def silent(self):
        """Nothing is said, and nothing comes, for as long as the bridge wants it after an error."""
        await self.source.wait()
        await self.bits(10 * QUIET_BYTES + 20)
        assert self.sink.empty(), self.sink.read_nowait()


async def started(dut, off=0.0):
    bench = Bench(dut, off)
    await bench.start()
    return bench


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(off=[0.0, 0.02, -0.02])
async def words(dut, off):
    """Registers of both halves, read and written, at rates that are off by 2 %, too (3, as the model
    rounds its bits down to nanoseconds)."""
    bench = await started(dut, off)
    rng = random.Random(3)
    assert await bench.read(0) == ("K", CONSTANT)
    assert await bench.read(BASE) == ("K", CONSTANT + BASE)
    assert await bench.read(4) == ("K", 7)
    for _ in range(10):
        value = rng.randrange(1 << 32)
        assert await bench.write(BASE + 4, value) == ("K", None)
        assert await bench.read(BASE + 4) == ("K", value & 0xFFFFF0FF)
        assert await bench.read(4) == ("K", 7)
    assert await bench.write(4, 0xFFFFFFA5) == ("K", None)
    assert dut.o_low.value == 0xA5


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def flags_and_what_is_shown(dut):
    bench = await started(dut)
    dut.i_flags.value, dut.i_shown.value = 0b1010, 0x5A
    assert await bench.read(BASE + 8) == ("K", 0x5A0A)
    dut.i_flags.value = 0
    assert await bench.write(BASE + 8, 0xFFFFFFF2) == ("K", None)
    assert dut.o_cleared.value == 2
    assert await bench.read(BASE + 8) == ("K", 0x5A08)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def a_register_that_does_something(dut):
    """Once for each write; one that comes while it is busy is refused, and does nothing."""
    bench = await started(dut)
    for number, busy in enumerate((0, 1, 1, 0), 1):
        dut.i_busy.value = busy
        assert await bench.write(BASE + 12, number << 4) == ("S" if busy else "K", None)
    assert (dut.o_commands.value, dut.o_number.value) == (2, 4)
    dut.i_busy.value = 1
    assert await bench.read(BASE + 12) == ("K", 0)
    assert await bench.write(BASE + 4, 1) == ("K", None)
    assert dut.o_commands.value == 2


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def what_is_refused(dut):
    """The slave's error is an answer; the next request follows at once."""
    bench = await started(dut)
    assert await bench.read(0x40) == ("S", None)
    assert await bench.write(0x7FFC, 1) == ("S", None)
    assert await bench.write(BASE, 1) == ("S", None)  # a constant
    assert await bench.read(BASE + 1) == ("S", None)
    assert await bench.read(BASE) == ("K", CONSTANT + BASE)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def every_wrong_bit(dut):
    """Nothing is carried out of a request with one wrong bit, and it is answered as wrong."""
    bench = await started(dut)
    good = request(4, 0x33)
    for bit in range(8 * len(good)):
        spoilt = bytearray(good)
        spoilt[bit // 8] ^= 1 << bit % 8
        # A write that has become something else: what follows is thrown away.
        letter, _ = await bench.answer(bytes(spoilt))
        assert letter == ("U" if bit < 8 else "C")
        await bench.silent()
        assert dut.o_low.value == 7
    assert await bench.write(4, 0x33) == ("K", None)
    assert dut.o_low.value == 0x33


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def after_an_error_all_is_ignored_until_it_is_quiet(dut):
    bench = await started(dut)
    bench.say(b"x" + request(4, 0x44) * 5)
    assert await bench.reply() == ("U", None)
    await bench.silent()
    assert dut.o_low.value == 7
    assert await bench.write(4, 0x44) == ("K", None)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def half_a_request(dut):
    bench = await started(dut)
    for number in range(1, 8):
        bench.say(request(4, 0x55)[:number])
        await ClockCycles(dut.clk, number * 10 * BIT_CLOCKS + PATIENCE // 2)
        assert bench.sink.empty()
        assert await bench.reply() == (chr(Reply.TIME.value), None)
        await bench.silent()
    # Slow, but not too slow.
    for octet in request(4, 0x56):
        bench.say(bytes([octet]))
        await ClockCycles(dut.clk, PATIENCE // 2)
    assert await bench.reply() == ("K", None)
    assert dut.o_low.value == 0x56


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def a_broken_byte(dut):
    """The wire is 0 where a stop bit should be: a break, or another rate."""
    bench = await started(dut)
    bench.say(request(0)[:2])
    await bench.bits(22)
    dut.i_uart_rx.value = 0
    await bench.bits(11)
    dut.i_uart_rx.value = 1
    assert await bench.reply() == ("B", None)
    await bench.silent()
    assert await bench.read(0) == ("K", CONSTANT)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def many_at_once(dut):
    """As many requests as may be under way, again and again, without a pause."""
    bench = await started(dut)
    for _ in range(3):
        bench.say(request(0) * WINDOW)
        for _ in range(WINDOW):
            assert await bench.reply(4) == ("K", CONSTANT)
    bench.say(b"".join(request(4, n) + request(4) for n in range(4)))
    for n in range(4):
        assert await bench.reply() == ("K", None)
        assert await bench.reply(4) == ("K", n)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def a_short_pulse_is_no_byte(dut):
    bench = await started(dut)
    dut.i_uart_rx.value = 0
    await ClockCycles(dut.clk, BIT_CLOCKS // 2 - 2)
    dut.i_uart_rx.value = 1
    await bench.bits(20)
    assert await bench.answer(bytes([Kind.READ.value])[:0] + request(0), 4) == ("K", CONSTANT)
