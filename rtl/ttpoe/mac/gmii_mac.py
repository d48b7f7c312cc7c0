"""`GmiiMac`: the engine's beats on one side, the pins of a PHY on the other. Nothing is computed here.

Source: IEEE 802.3 clauses 22 (MII) and 35 (GMII).
"""

from amaranth.hdl import DomainRenamer, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout
from .counters import RX_STATS, STATS, TX_STATS, Tokens
from .crossing import RxCrossing, TxCrossing
from .domains import phy_domain
from .ethernet import LONGEST_BYTES
from .gmii_rx import RX_CAUSES, GmiiRx
from .gmii_tx import GmiiTx
from .mii import NibbleRx, NibbleTx

__all__ = ["GmiiMac"]


class GmiiMac(wiring.Component):
    """An Ethernet MAC, full duplex, for a PHY with GMII or MII, at 10, 100 or 1000 Mb/s.

    Parameters
    ----------
    config : Config
        Width of a beat.
    start, tx_depth : int
        Beats that must be there before a frame starts on the wire, and beats of the FIFO: see
        `ttpoe.mac.crossing`, where `start_beats` and `depth_beats` give them from the clocks. 1 and
        16 do for 1000 Mb/s and beats of 8 bytes with an engine of 16 MHz or more.
    rx_depth : int
        Beats of the FIFO to the engine.
    longest_bytes : int
        Longest frame that is received, with FCS.

    Members
    -------
    i : In(stream of beat)
        Frames to send, without FCS; no pause inside a frame while `ready`. `error` with `last`:
        the frame is sent spoilt.
    o : Out(stream of beat)
        Frames received, without FCS; `error` with `last`: drop it. A port that is never held
        back may be joined to it.
    cfg_mii : In(1)
        The PHY runs at 10 or 100 Mb/s: nibbles. Changes while no frame is under way; one that is
        is spoilt.
    gmii_tx_clk : In(1)
        125 MHz; with `cfg_mii` the PHY's TX_CLK. A multiplexer of clocks is the board's.
    gmii_txd : Out(8), gmii_tx_en : Out(1), gmii_tx_er : Out(1)
        From registers of `gmii_tx_clk`.
    gmii_rx_clk : In(1), gmii_rxd : In(8), gmii_rx_dv : In(1), gmii_rx_er : In(1)
        From the PHY.
    stat_* : Out(1)
        One-clock pulses in `sync`, see `ttpoe.mac.counters`. A frame is counted once.

    Timing. Send: TX_EN rises 4 clocks of `gmii_tx_clk` at most after the beat that lets its frame go
    was taken; the frame's first byte follows 8 byte times later. Receive: a beat is on `o` 9 clocks
    of `gmii_rx_clk`, and then 3 of `sync` at most, after its last byte is on the pins; the last
    beat 5, and 3, after the last byte of the FCS.

    Reset: by the reset of `sync`, in each domain until its clock runs: frames under way are cut off,
    nothing is sent, and what is under way on the wire is ignored. A clock of the PHY may stop.

    Errors: a reader that is too slow loses whole frames; a writer that is too slow spoils its own.
    """

    def __init__(self, config, start=1, tx_depth=16, rx_depth=16, longest_bytes=LONGEST_BYTES):
        self._tx_crossing = TxCrossing(config, start, tx_depth)
        self._rx_crossing = RxCrossing(config, rx_depth)
        self._rx = GmiiRx(longest_bytes)
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
                "cfg_mii": In(1),
                "gmii_tx_clk": In(1),
                "gmii_txd": Out(8),
                "gmii_tx_en": Out(1),
                "gmii_tx_er": Out(1),
                "gmii_rx_clk": In(1),
                "gmii_rxd": In(8),
                "gmii_rx_dv": In(1),
                "gmii_rx_er": In(1),
                **{name: Out(1) for name in STATS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        tx_mii = self._domain(m, "mac_tx", self.gmii_tx_clk)
        rx_mii = self._domain(m, "mac_rx", self.gmii_rx_clk)
        self._send(m, tx_mii)
        self._receive(m, rx_mii)
        return m

    def _domain(self, m, name, clock):
        """A clock domain of the PHY, and `cfg_mii` in it."""
        phy_domain(m, name, clock)
        nibbles = Signal(name=f"{name}_mii")
        m.submodules[f"{name}_speed"] = FFSynchronizer(self.cfg_mii, nibbles, o_domain=name)
        return nibbles

    def _send(self, m, mii):
        to_wire, mac_tx = DomainRenamer({"wire": "mac_tx"}), DomainRenamer("mac_tx")
        m.submodules.tx_crossing = crossing = to_wire(self._tx_crossing)
        m.submodules.tx = tx = mac_tx(GmiiTx())
        m.submodules.tx_nibbles = nibbles = mac_tx(NibbleTx())
        wiring.connect(m, wiring.flipped(self.i), crossing.i)
        wiring.connect(m, crossing.o, tx.i)
        m.d.comb += [
            nibbles.cfg_mii.eq(mii),
            tx.step.eq(nibbles.step),
            nibbles.i_data.eq(tx.o_data),
            nibbles.i_en.eq(tx.o_en),
            nibbles.i_er.eq(tx.o_er),
            self.gmii_txd.eq(nibbles.o_data),
            self.gmii_tx_en.eq(nibbles.o_en),
            self.gmii_tx_er.eq(nibbles.o_er),
        ]
        self._count(m, "mac_tx", tx, TX_STATS)

    def _receive(self, m, mii):
        from_wire, mac_rx = DomainRenamer({"wire": "mac_rx"}), DomainRenamer("mac_rx")
        m.submodules.rx_nibbles = nibbles = mac_rx(NibbleRx())
        m.submodules.rx = rx = mac_rx(self._rx)
        m.submodules.rx_crossing = crossing = from_wire(self._rx_crossing)
        m.d.comb += [
            nibbles.cfg_mii.eq(mii),
            nibbles.i_data.eq(self.gmii_rxd),
            nibbles.i_dv.eq(self.gmii_rx_dv),
            nibbles.i_er.eq(self.gmii_rx_er),
            rx.step.eq(nibbles.step),
            rx.i_data.eq(nibbles.o_data),
            rx.i_dv.eq(nibbles.o_dv),
            rx.i_er.eq(nibbles.o_er),
        ]
        wiring.connect(m, rx.o, crossing.i)
        wiring.connect(m, crossing.o, wiring.flipped(self.o))
        self._count(m, "mac_rx", rx, RX_CAUSES)
        self._count(m, "mac_rx", crossing, RX_STATS.keys() - RX_CAUSES.keys())

    def _count(self, m, domain, source, names):
        """Pulses of `source` in `domain` as pulses in `sync`."""
        renamed = DomainRenamer({"given": domain, "taken": "sync"})
        for name in sorted(names):
            m.submodules[f"count_{name}"] = tokens = renamed(Tokens())
            m.d.comb += [
                tokens.give.eq(getattr(source, name)),
                tokens.take.eq(tokens.any),
                getattr(self, name).eq(tokens.any),
            ]
