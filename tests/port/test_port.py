"""`Port`: which ports it has, and what its parameters become. What it does: `test_two_ports`."""

import pytest

from ttpoe.config import ConfigError, preset
from ttpoe.mac.kinds import KINDS
from ttpoe.nic.managed import ManagedNic
from ttpoe.port.port import Port
from ttpoe.verilog.emit import emit_verilog

TINY = preset("tiny")
WIDE = TINY.replace(width_bits=512)
CONFIGS = {"rgmii": TINY, "gmii": TINY, "xgmii": TINY, "cmac": WIDE}


@pytest.mark.parametrize("mac", KINDS)
def test_ports_are_those_of_the_nic_and_the_pins(mac):
    config, kind = CONFIGS[mac], KINDS[mac]
    port = dict(Port(config, mac).signature.members)
    pins = {pin.name: port.pop(pin.name) for pin in kind.pins}
    assert all(pins[pin.name].shape == pin.width for pin in kind.pins)
    assert all(pins[pin.name].flow == pin.flow for pin in kind.pins)
    counted = {name for name in port if name.startswith("stat_mac_")}
    assert counted == {name.replace("stat_", "stat_mac_") for name in kind.stats}
    for name in counted:
        del port[name]
    nic = dict(ManagedNic(config).signature.members)
    del nic["i_mac"], nic["o_mac"]
    assert port == nic


def test_what_is_refused():
    with pytest.raises(ConfigError, match="one of rgmii, gmii, xgmii, cmac; got 'sgmii'"):
        Port(TINY, "sgmii")
    with pytest.raises(ConfigError, match="width_bits must be 64 with MAC xgmii"):
        Port(WIDE, "xgmii")
    with pytest.raises(ConfigError, match="clock must be 156.25 MHz or more"):
        Port(TINY, "xgmii", clock_hz=125e6)


def test_a_known_clock_lets_frames_begin_early():
    """Store and forward needs a store for the longest frame; a clock that is known does not."""
    late, early = Port(TINY, "xgmii"), Port(TINY, "xgmii", clock_hz=160e6)
    starts = [port._side._mac._tx._start_beats for port in (late, early)]
    assert starts[0] == 1128 and starts[1] <= 8


@pytest.mark.parametrize("clock_hz, half", [(None, 40), (125e6, 25), (40e6, 8), (16e6, 5)])
def test_mdc_has_2_5_mhz_at_most(clock_hz, half):
    mdio = Port(TINY, "gmii", clock_hz=clock_hz)._mdio
    assert mdio._half_clocks == half
    assert (clock_hz or 200e6) / (2 * half) <= 2.5e6


def test_delays_of_rgmii():
    text = emit_verilog(Port(TINY, "rgmii", tx_clock_taps=80), "port")
    assert text.count(".DEL_VALUE(32'd80)") == 1
