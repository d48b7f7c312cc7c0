"""`RegisterFile`: what each kind of field reads as, and what a write does to it."""

import pytest

from tests.csr.csr_bench import Axil, Refused
from tests.simulated import made
from tests.streams import simulate
from ttpoe.board.register_file import RegisterFile, port_name
from ttpoe.csr.shapes import Access, Field, Register

CONSTANT, STORED, FLAGS, COMMAND = range(0x100, 0x110, 4)
REGISTERS = (
    Register("CONSTANT", CONSTANT, "", (Field("c", 0, 32, Access.RO, "", 0x12345678),)),
    Register(
        "STORED",
        STORED,
        "",
        (Field("low", 0, 8, Access.RW, "", 7), Field("high", 12, 20, Access.RW, "", 0)),
    ),
    Register(
        "MIXED",
        FLAGS,
        "",
        (Field("flags", 0, 4, Access.W1C, "", 0), Field("shown", 8, 8, Access.RO, "", None)),
    ),
    Register("COMMAND", COMMAND, "", (Field("number", 4, 8, Access.WO, ""),)),
)


def run(testbench):
    """`testbench(ctx, dut, master)` on the table above."""
    dut = made(RegisterFile, REGISTERS)
    simulate(dut, lambda ctx: testbench(ctx, dut, Axil(ctx, dut)))


def test_members_are_named_after_register_and_field():
    assert port_name(*[(r, f) for r in REGISTERS for f in r.fields][1]) == "stored_low"
    assert set(RegisterFile(REGISTERS).signature.members) == {
        "s_axil",
        "o_stored_low",
        "o_stored_high",
        "o_mixed_flags",
        "i_mixed_flags",
        "i_mixed_shown",
        "o_command_number",
        "o_command_written",
        "i_command_busy",
    }


def test_constants_read_and_refuse_a_write():
    async def testbench(ctx, dut, master):
        assert await master.read(CONSTANT) == 0x12345678
        with pytest.raises(Refused):
            await master.write(CONSTANT, 1)
        assert await master.read(CONSTANT) == 0x12345678

    run(testbench)


@pytest.mark.parametrize("address", [0, CONSTANT + 1, COMMAND + 4, 0x8000 + STORED])
def test_an_address_without_a_register_is_refused(address):
    async def testbench(ctx, dut, master):
        with pytest.raises(Refused):
            await master.read(address)
        with pytest.raises(Refused):
            await master.write(address, 1)
        assert await master.read(STORED) == 7

    run(testbench)


def test_what_is_stored_holds_and_strobes_choose_its_bytes():
    async def testbench(ctx, dut, master):
        assert await master.read(STORED) == 7
        await master.write(STORED, 0xFFFFFFFF)
        assert await master.read(STORED) == 0xFFFFF0FF
        assert ctx.get(dut.o_stored_low) == 0xFF and ctx.get(dut.o_stored_high) == 0xFFFFF
        await master.write(STORED, 0x12345678, strobe=0b0110)
        assert await master.read(STORED) == 0xFF3450FF
        await master.write(FLAGS, 0)
        assert await master.read(STORED) == 0xFF3450FF

    run(testbench)


def test_ones_clear_flags_for_one_clock():
    cleared = []

    async def watch(ctx, dut):
        async for *_, bits in ctx.tick().sample(dut.o_mixed_flags):
            if bits:
                cleared.append(bits)

    async def testbench(ctx, dut, master):
        ctx.set(dut.i_mixed_flags, 0b1010)
        ctx.set(dut.i_mixed_shown, 0x5A)
        assert await master.read(FLAGS) == 0x5A0A and not cleared
        await master.write(FLAGS, 0xFFFFFFF2)
        assert cleared == [2]
        await master.write(FLAGS, 0xF, strobe=0b1110)
        assert cleared == [2]
        await master.write(STORED, 0xF)
        assert cleared == [2]

    dut = made(RegisterFile, REGISTERS)
    simulate(
        dut,
        lambda ctx: testbench(ctx, dut, Axil(ctx, dut)),
        background=[lambda ctx: watch(ctx, dut)],
    )


def test_a_command_happens_once_or_is_refused_while_busy():
    commands = []

    async def watch(ctx, dut):
        async for *_, written, number in ctx.tick().sample(
            dut.o_command_written, dut.o_command_number
        ):
            if written:
                commands.append(number)

    async def testbench(ctx, dut, master):
        await master.write(COMMAND, 0xFFFFFA5F)
        assert commands == [0xA5] and await master.read(COMMAND) == 0
        ctx.set(dut.i_command_busy, 1)
        with pytest.raises(Refused):
            await master.write(COMMAND, 0x110)
        assert await master.read(COMMAND) == 0
        await master.write(STORED, 1)
        ctx.set(dut.i_command_busy, 0)
        await master.write(COMMAND, 0x220)
        assert commands == [0xA5, 0x22]

    dut = made(RegisterFile, REGISTERS)
    simulate(
        dut,
        lambda ctx: testbench(ctx, dut, Axil(ctx, dut)),
        background=[lambda ctx: watch(ctx, dut)],
    )
