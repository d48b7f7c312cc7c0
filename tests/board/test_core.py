"""`BoardCore` and `BoardTop`: what they are made of. What they do together: `test_board`."""

import pytest

from ttpoe.board.boards import BOARDS
from ttpoe.board.core import FAULTS, BoardCore
from ttpoe.board.lights import LIGHTS
from ttpoe.board.top import RGMII_HZ, BoardTop
from ttpoe.config import ConfigError, preset
from ttpoe.mac.kinds import KINDS
from ttpoe.port.port import Port

TINY = preset("tiny")


def test_the_core_has_the_pins_of_the_phy_and_no_clock_of_the_mac():
    members = BoardCore(TINY, "echo", 50e6, 115_200).signature.members
    pins = {pin.name for pin in KINDS["rgmii"].pins}
    assert pins - set(members) == {"gmii_tx_clk", "gmii_rx_clk", "mii_select"}
    assert {f"o_{name}" for name in LIGHTS} < set(members)


def test_faults_are_pulses_of_the_port():
    assert set(FAULTS) < set(Port(TINY, "rgmii").signature.members)


def test_levels_of_the_phy_are_ports_if_asked_for():
    levels = {f"o_phy_{level.name}" for level in KINDS["rgmii"].status}
    assert levels <= set(Port(TINY, "rgmii", phy_levels=True).signature.members)
    assert not levels & set(Port(TINY, "rgmii").signature.members)


@pytest.mark.parametrize("clock_mhz, said", [(15, "15.625 MHz or more"), (33.3, "no divider")])
def test_what_a_top_refuses(clock_mhz, said):
    platform = BOARDS["ecpix5"].create()
    with pytest.raises(ConfigError, match=said):
        top = BoardTop(BOARDS["ecpix5"], TINY, "echo", clock_mhz=clock_mhz, baud=9600, node=1)
        top.elaborate(platform)
    assert RGMII_HZ == KINDS["rgmii"].wire_hz
