"""The words of the ports: none without, none left over, and idle values that do no harm."""

import json

import pytest
from amaranth.lib import wiring

from ttpoe.config import PRESETS
from ttpoe.csr.registers import register_map
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog.emit import WITHOUT_MAC, wrapped
from ttpoe.verilog.ports import Port, markdown, ports, to_dict

CLOCKS = {"clk", "rst", "gmii_tx_clk", "gmii_rx_clk", "rgmii_rxc", "xgmii_tx_clk", "xgmii_rx_clk",
          "cmac_tx_clk", "cmac_rx_clk"}  # fmt: skip
"""What has no idle value."""
MACS = [
    (name, mac)
    for name, config in PRESETS.items()
    for mac, kind in KINDS.items()
    if config.width_bits in kind.widths
]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("top", WITHOUT_MAC)
def test_every_port_has_words(top, name):
    """`ports` looks each one up; none of its words may be left over, or say nothing."""
    check_words(wrapped(top, PRESETS[name]), PRESETS[name])


@pytest.mark.parametrize("name, mac", MACS)
def test_every_port_of_a_port_has_words(name, mac):
    config = PRESETS[name]
    found = check_words(wrapped("port", config, mac=mac), config)
    groups = {port.group for port in found}
    assert {"Hard MAC" if mac == "cmac" else "PHY", "Statistics"} < groups
    assert ("MDIO" in groups) == KINDS[mac].mdio


def check_words(component, config):
    found = ports(component, config)
    assert len({port.name for port in found}) == len(found)
    for port in found:
        assert port.meaning.endswith(".") and len(port.meaning) > 4, port
        assert (port.idle is None) == (port.direction == "output" or port.name in CLOCKS)
        assert port.idle is None or 0 <= port.idle < 1 << port.width, port
    page = markdown("mine", config, found)
    for port in found:
        assert f"\n| `{port.name}` | {port.direction} | {port.width} | " in page
    assert ("but the pins of the MAC" in page) == (component.mac is not None)
    return found


def test_a_port_without_words_is_refused():
    component = wiring.Component({"stat_new": wiring.Out(1)})
    with pytest.raises(KeyError):
        ports(component, PRESETS["tiny"])


def test_idle_configuration_is_what_the_registers_say():
    config = PRESETS["full"]
    idle = {port.name: port.idle for port in ports(wrapped("nic", config), config)}
    registers = register_map(config)
    for name, register in (
        ("cfg_timer_tick", "TIMER_TICK"),
        ("cfg_max_retry", "MAX_RETRY"),
        ("cfg_link_slots", "LINK_SLOTS"),
        ("cfg_init_id", "INIT_ID"),
    ):
        assert idle[name] == registers[register].reset > 0, name
    assert idle["cfg_enable"] == idle["cfg_os_enable"] == idle["cfg_selective"] == 1


def test_the_seldom_connected_come_last():
    config = PRESETS["tiny"]
    groups = list(dict.fromkeys(port.group for port in ports(wrapped("nic", config), config)))
    assert groups[0] == "Clock and reset" and groups[-3:] == ["Statistics", "Trace", "Congestion"]


def test_the_page_and_the_json_say_the_same():
    config = PRESETS["tiny"]
    found = ports(wrapped("managed_nic", config), config)
    listed = json.loads(json.dumps(to_dict("mine", config, found)))
    assert listed["module"] == "mine" and listed["links"] == config.links
    assert [Port(**port) for port in listed["ports"]] == found
    rows = [line for line in markdown("mine", config, found).splitlines() if line[:3] == "| `"]
    assert len(rows) == len(found)
    for row, port in zip(rows, found):
        idle = "" if port.idle is None else str(port.idle)
        words = [port.direction, str(port.width), idle, port.meaning.replace("|", "\\|")]
        assert row == "| " + " | ".join([f"`{port.name}`", *words]) + " |"


def test_a_bar_in_words_does_not_end_a_cell():
    port = Port("x", "output", 1, "Trace", "a|b.")
    assert "| a\\|b. |" in markdown("mine", PRESETS["tiny"], [port])
