"""The boards: what a bitstream needs to know of each. One entry makes one more board.

Pins, devices and oscillators are those of `amaranth-boards`. Delays are those with which LiteEth runs
on the board (litex-boards), in steps of 25 ps: `tx_clock_taps` delay TXC, `rx_data_taps` RXD and
RX_CTL against the clock tree of the FPGA.
"""

import importlib
from dataclasses import dataclass, field

from ..config import ConfigError

__all__ = ["BOARDS", "Board", "board_of"]

_RED, _GREEN, _BLUE = "r", "g", "b"


@dataclass(frozen=True)
class Board:
    """One board.

    Parameters
    ----------
    name : str
    title : str
        As people call it.
    platform : str
        "module:class" in `amaranth_boards`.
    clock_mhz : float
        The engine's clock, which the PLL makes of the board's oscillator.
    preset : str
        Configuration if none is asked for.
    uart : tuple
        Where the UART is, for people: lines of words.
    ethernet : tuple
        (name, number) of the PHY's resource.
    leds : dict
        Name of `lights.LIGHTS` -> (resource, number) or (resource, number, part).
    reset : bool
        The board has a reset button that nothing else needs.
    delays : dict
        Of `mac.rgmii.RgmiiEcp5`.
    """

    name: str
    title: str
    platform: str
    clock_mhz: float
    preset: str
    uart: tuple = ()
    ethernet: tuple = ("eth_rgmii", 0)
    leds: dict = field(default_factory=dict)
    reset: bool = True
    delays: dict = field(default_factory=dict)

    def create(self):
        """A new platform; `ConfigError` if it has no PHY with RGMII where the table says so."""
        module, _, name = self.platform.partition(":")
        platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()
        kinds = {found for found in platform.resources if found[0].startswith("eth_")}
        if self.ethernet not in kinds or "rgmii" not in self.ethernet[0]:
            there = ", ".join(sorted(f"{kind} {number}" for kind, number in kinds)) or "no PHY"
            wanted = " ".join(map(str, self.ethernet))
            raise ConfigError(f"board {self.name} must have {wanted} with RGMII; it has {there}")
        return platform


def _led(number):
    return ("led", number)


BOARDS = {
    board.name: board
    for board in (
        Board(
            "ecpix5",
            "LambdaConcept ECPIX-5, ECP5-5G 85F",
            "ecpix5:ECPIX585Platform",
            clock_mhz=75,
            preset="default",
            uart=("USB for debugging,", "second channel"),
            leds={
                "link": ("rgb_led", 0, _GREEN),
                "receive": ("rgb_led", 1, _GREEN),
                "transmit": ("rgb_led", 2, _BLUE),
                "fault": ("rgb_led", 3, _RED),
            },
            delays={"tx_clock_taps": 80},
        ),
        Board(
            "colorlight-5a-75b",
            "Colorlight 5A-75B V7.0, ECP5 25F",
            "colorlight_5a75b_r7_0:Colorlight_5A75B_R70Platform",
            clock_mhz=50,
            preset="tiny",
            uart=("J19, 3.3 V:", "sends DATA_LED-,", "gets KEY+"),
            reset=False,  # the button's pin is that of the UART
            delays={"rx_data_taps": 80},
        ),
        Board(
            "versa-ecp5",
            "Lattice Versa ECP5, ECP5UM 45F",
            "versa_ecp5:VersaECP5Platform",
            clock_mhz=62.5,
            preset="tiny",
            uart=("USB,", "second channel"),
            leds={"link": _led(0), "receive": _led(1), "transmit": _led(2), "fault": _led(3)},
        ),
    )
}
"""Name -> board."""


def board_of(name):
    """The `Board` called `name`; `ConfigError` names those there are."""
    if name not in BOARDS:
        raise ConfigError(f"the board must be one of {', '.join(BOARDS)}; got {name!r}")
    return BOARDS[name]
