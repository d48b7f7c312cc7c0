"""The table of MACs: sound, and what is refused."""

import pytest

from ttpoe.config import ConfigError, preset
from ttpoe.csr.mac import mac_pulses
from ttpoe.csr.registers import PULSES
from ttpoe.mac.kinds import KINDS, kind_of


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_table_is_sound(kind):
    names = [pin.name for pin in kind.pins]
    assert len(set(names)) == len(names)
    assert all(pin.meaning.endswith(".") for pin in kind.pins)
    assert all(pin.idle is None or 0 <= pin.idle < 1 << pin.width for pin in kind.pins)
    assert set(kind.drops) <= set(kind.stats)
    for levels in (kind.control, kind.status):
        bits = [bit for level in levels for bit in range(level.lsb, level.lsb + level.width)]
        assert len(set(bits)) == len(bits)
    assert not set(mac_pulses(kind.name)) & set(PULSES)
    assert kind.mdio == ("mdc" in names)


def test_numbers_are_their_own():
    assert sorted(kind.number for kind in KINDS.values()) == [1, 2, 3, 4]


def test_an_unknown_kind():
    with pytest.raises(ConfigError, match="must be one of rgmii, gmii, xgmii, cmac; got 'mii'"):
        kind_of("mii")


@pytest.mark.parametrize(
    "mac, widths", [("rgmii", "all"), ("gmii", "all"), ("xgmii", [64]), ("cmac", [512])]
)
def test_widths(mac, widths):
    for width in (64, 128, 256, 512):
        config = preset("tiny").replace(width_bits=width)
        if widths == "all" or width in widths:
            kind_of(mac).check(config)
        else:
            with pytest.raises(ConfigError, match=f"must be {widths[0]} with MAC {mac}; got"):
                kind_of(mac).check(config)


@pytest.mark.parametrize(
    "mac, width, least",
    [("gmii", 64, 15.625), ("gmii", 128, 7.8125), ("xgmii", 64, 156.25), ("cmac", 512, 195.3125)],
)
def test_a_clock_that_cannot_carry_the_wire(mac, width, least):
    kind, config = kind_of(mac), preset("tiny").replace(width_bits=width)
    kind.check(config, least * 1e6)
    message = rf"clock must be {least:g} MHz or more .* MAC {mac} at {width} bits; got"
    with pytest.raises(ConfigError, match=message):
        kind.check(config, least * 0.999e6)
    kind.check(config, least * 0.5e6, kind.wire_hz / 2)
