"""The soak on an FPGA board: two engines, a bad network and traffic that checks itself, and LEDs.

Nothing leaves the board: no PHY and no second board are needed to see two TTP engines lose and
replay frames at the speed of hardware. `make synth TARGET=ecpix5` makes the bitstream.
"""

from amaranth.hdl import ClockDomain, Module, ResetInserter
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ttpoe.board.clocks import EngineClock
from ttpoe.nic.seed import BootSeed
from ttpoe.traffic.pattern import Lengths
from ttpoe.traffic.soak import Soak

__all__ = ["SETTINGS", "SoakBoard"]

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
        m.submodules.clock = clock = EngineClock(self.OSCILLATOR_MHZ, self._clock_mhz)
        m.d.comb += [clock.i_clk.eq(self.clk100), clock.i_rst.eq(~self.rst_n)]
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
