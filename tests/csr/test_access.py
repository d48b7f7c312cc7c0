"""`Registers`: names and fields instead of addresses and shifts, at once or awaited."""

import asyncio

import pytest

from ttpoe.config import preset
from ttpoe.csr.access import Registers
from ttpoe.csr.registers import COUNTERS, register_map

TINY = preset("tiny")


class Words(dict):
    """A register block that is a memory; `log` holds what was done, in order."""

    def __init__(self):
        super().__init__()
        self.log = []

    def read(self, address):
        self.log.append(("read", address))
        return self.get(address, 0)

    def write(self, address, value):
        self.log.append(("write", address, value))
        self[address] = value


@pytest.fixture
def words():
    return Words()


@pytest.fixture
def regs(words):
    return Registers(TINY, words.read, words.write)


def address_of(name):
    return next(one.address for one in register_map(TINY).registers if one.name == name)


def test_every_register_is_an_attribute_at_its_address(words, regs):
    for number, register in enumerate(register_map(TINY).registers):
        access = getattr(regs, register.name)
        access.write(number)
        assert words == words | {register.address: number}
        assert access.read() == number
    assert len(words) == len(register_map(TINY).registers)


def test_fields_by_name(words, regs):
    regs.COMMAND.write(vc=2, close=1)
    assert words[address_of("COMMAND")] == 2 | 1 << 4
    assert regs.COMMAND.fields() == {"vc": 2, "close": 1}
    regs.COMMAND.write(close=1)  # what is not named is 0
    assert regs.COMMAND.fields() == {"vc": 0, "close": 1}


def test_set_keeps_the_other_fields_by_one_read_and_one_write(words, regs):
    regs.CONTROL.write(0b1011)
    words.log.clear()
    regs.CONTROL.set(selective=0, fixed_open_id=1)
    address = address_of("CONTROL")
    assert words.log == [("read", address), ("write", address, 0b0111)]


@pytest.mark.parametrize("fields", [{"vc": 4}, {"vc": -1}, {"close": 2}])
def test_a_value_that_does_not_fit_is_refused_and_nothing_written(words, regs, fields):
    (name,) = fields
    with pytest.raises(ValueError, match=rf"COMMAND\.{name} must fit in \d bits; got -?\d"):
        regs.COMMAND.write(**fields)
    assert not words.log


def test_a_field_or_counter_that_is_not_there(regs):
    with pytest.raises(AttributeError, match="register COMMAND has no field 'node'"):
        regs.COMMAND.write(node=1)
    with pytest.raises(AttributeError, match="COMMAND has no field 'node'"):
        regs.COMMAND.set(node=1)
    with pytest.raises(AttributeError, match="no counter 'stat_nothing'"):
        regs.counter("stat_nothing")
    with pytest.raises(AttributeError):
        regs.NOTHING  # noqa: B018


def test_counters_by_the_names_of_their_pulses(regs):
    addresses = [regs.counter(name).register.address for name in COUNTERS]
    assert addresses == list(range(addresses[0], addresses[0] + 4 * len(COUNTERS), 4))
    assert regs.counter("stat_rx_good") is regs.COUNT_RX_GOOD


def test_everything_may_be_awaited(words):
    """A master that needs time, as of cocotb: what is not awaited has not happened."""

    async def read(address):
        await asyncio.sleep(0)
        return words.read(address)

    async def write(address, value):
        await asyncio.sleep(0)
        words.write(address, value)

    async def software():
        regs = Registers(TINY, read, write)
        await regs.CONTROL.write(0b1011)
        await regs.CONTROL.set(enable=0)
        assert await regs.CONTROL.read() == 0b1010
        return await regs.CONTROL.fields()

    names = ("enable", "os_enable", "fixed_open_id", "selective", "congestion")
    assert asyncio.run(software()) == dict(zip(names, (0, 1, 0, 1, 0)))
