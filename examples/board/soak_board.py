"""The soak on an FPGA board: two engines, a bad network and traffic that checks itself, and LEDs.

Nothing leaves the board: no PHY and no second board are needed to see two TTP engines lose and
replay frames at the speed of hardware. `make synth TARGET=ecpix5` makes the bitstream.
"""

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import In, Out

from ttpoe.nic.seed import BootSeed
from ttpoe.traffic.pattern import Lengths
from ttpoe.traffic.soak import Soak

__all__ = ["SETTINGS", "SoakBoard", "pll_dividers"]

_SIDES = {
    "enable": 1,
    "selective": 1,
    "init_id": 1,
    "timer_tick": 2048,
    "max_retry": 0,
    "lengths": Lengths.MIXED.value,
    "gap_mask": 63,
    "rx_stall": 32,
    "hold_mask": 1023,
}
_WIRES = {"loss": 655, "double": 66, "reorder": 655, "corrupt": 66, "delay": 100, "hold_mask": 255}
SETTINGS = {
    "seed": 1,
    "run_mask": 0xFFFF,
    "settle": 16384,
    "patience": 1_000_000,
    "a_node": 0x00A5C3,
    "b_node": 0x015A0B,
    **{f"{x}_{name}": value for x in "ab" for name, value in _SIDES.items()},
    **{f"{xy}_{name}": value for xy in ("ab", "ba") for name, value in _WIRES.items()},
}
"""The soak's `cfg_*`: 1 % of all frames lost, 1 % overtaken, 0.1 % doubled, 0.1 % corrupted."""

_VCO_MHZ = (400, 800)


def pll_dividers(input_mhz, output_mhz):
    """`(CLKI_DIV, CLKFB_DIV, CLKOP_DIV)` of an ECP5 PLL whose feedback is its output."""
    for divide in range(1, 11):  # 10 MHz or more at the phase detector, of 100 MHz
        multiply = output_mhz * divide / input_mhz
        if multiply == int(multiply) and 1 <= multiply <= 80:
            for post in range(1, 129):
                if _VCO_MHZ[0] <= output_mhz * post <= _VCO_MHZ[1]:
                    return divide, int(multiply), post
    raise ValueError(f"no divider of the PLL makes {output_mhz} MHz of {input_mhz} MHz")


class SoakBoard(wiring.Component):
    """Clock, reset, seed and LEDs around a `Soak`.

    Parameters
    ----------
    config : Config
        Of both engines.
    clock_mhz : int
        What the PLL makes of the oscillator.

    Members; the LEDs are lit by 0
    ------------------------------
    clk100 : In(1)
        The board's oscillator, 100 MHz.
    rst_n : In(1)
        The button; everything begins again.
    error_n : Out(1)
        A packet was lost, doubled, swapped or altered, a link was lost, or nothing moves any more.
        Stays lit until reset.
    packets_n, replays_n, links_n : Out(1)
        Change with every 2^15 packets at host b, 2^8 replays of engine a, 4 links closed and
        opened again.
    """

    OSCILLATOR_MHZ = 100

    def __init__(self, config, clock_mhz):
        self._config, self._clock_mhz = config, clock_mhz
        self._dividers = pll_dividers(self.OSCILLATOR_MHZ, clock_mhz)
        super().__init__(
            {
                "clk100": In(1),
                "rst_n": In(1),
                "error_n": Out(1),
                "packets_n": Out(1),
                "replays_n": Out(1),
                "links_n": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        locked, (divide, multiply, post) = Signal(), self._dividers
        m.submodules.pll = Instance(
            "EHXPLLL",
            p_CLKI_DIV=divide,
            p_CLKFB_DIV=multiply,
            p_CLKOP_DIV=post,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_CPHASE=post // 2,
            p_FEEDBK_PATH="CLKOP",
            i_CLKI=self.clk100,
            i_CLKFB=ClockSignal(),
            i_RST=Const(0),
            i_STDBY=Const(0),
            o_CLKOP=ClockSignal(),
            o_LOCK=locked,
        )
        m.submodules.reset = ResetSynchronizer(~(locked & self.rst_n))
        m.submodules.seed = seed = BootSeed("ecp5")
        soak = Soak(self._config)
        m.submodules.soak = ResetInserter(~seed.o_ready)(soak)
        for name, value in SETTINGS.items():
            m.d.comb += getattr(soak, f"cfg_{name}").eq(value)
        m.d.comb += [
            soak.cfg_a_open_id_seed.eq(seed.o_seed),
            soak.cfg_b_open_id_seed.eq(~seed.o_seed),
        ]
        m.d.comb += [
            self.error_n.eq(~soak.status_failed),
            self.packets_n.eq(~soak.status_b_vc2_received[15]),
            self.replays_n.eq(~soak.status_a_payload_replayed[8]),
            self.links_n.eq(~soak.status_closed[2]),
        ]
        return m
