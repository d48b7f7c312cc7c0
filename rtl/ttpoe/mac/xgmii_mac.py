"""`XgmiiMac`: the XGMII MAC with its clock crossings, between an engine or NIC and a PHY.

Source: IEEE 802.3 clauses 3, 4 and 46.
"""

from amaranth.hdl import DomainRenamer, Module
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout
from .beat_crossing import BeatCrossing, EventCrossing, RxGuard
from .ethernet import FCS_BYTES, LONGEST_BYTES
from .store import beats_before_start
from .xgmii_rx import RX_EVENTS, XgmiiRx
from .xgmii_tx import TX_EVENTS, XgmiiTx

__all__ = ["MAC_EVENTS", "XgmiiMac"]

_OVERFLOW = {"stat_rx_overflow": "a frame was cut or dropped: the engine's side took no more"}
MAC_EVENTS = TX_EVENTS | RX_EVENTS | _OVERFLOW
"""Name of the one-clock pulse -> what it says. A frame that overflows is counted by `RX_EVENTS`,
too: as what it was on the wire."""


class XgmiiMac(wiring.Component):
    """An engine's beats on one side, 64 bits of XGMII on the other.

    Three clocks, in any ratio: `sync` of the engine, and those of the PHY for each direction.

    Parameters
    ----------
    config : Config
        64 bits wide.
    sync_hz, wire_hz : float or None, float
        The clocks, if the engine's source gives a beat in every clock of a frame: a frame then
        begins on the wire with as few beats as `beats_before_start` says. Without `sync_hz` it
        begins when it is whole (store and forward).
    longest_bytes : int
        The longest frame, with FCS, in both directions.
    rx_beats : int
        Beats that the receive crossing holds. 16 are enough if `sync` is at least as fast as the
        wire; a slower one also needs the difference for bursts.
    tx_domain, rx_domain : str
        The clocks of `xgmii_tx*` and `xgmii_rx*`.

    Members
    -------
    i : In(stream of beat), in `sync`
        Frames for the wire, without FCS.
    o : Out(stream of beat), in `sync`
        Frames from the wire, without FCS, bad ones with `error` at `last`. Whoever cannot take
        them in time loses whole frames or their ends, counted.
    xgmii_txd : Out(64), xgmii_txc : Out(8), in `tx_domain`
    xgmii_rxd : In(64), xgmii_rxc : In(8), in `rx_domain`
    stat_* : Out(1), in `sync`
        See `MAC_EVENTS`.
    local_fault, remote_fault : Out(1), in `sync`
        What the link is said to have, see `ttpoe.mac.xgmii_fault`.

    Timing: the parts' latencies (`XgmiiTx`, `XgmiiRx`, `BeatCrossing`, `Store`) add up.

    Reset: of any domain alone at any time; the frames on their way are lost, or end with `error`
    or /E/, and no frame is made of two (`BeatCrossing`).
    """

    def __init__(
        self,
        config,
        *,
        sync_hz=None,
        wire_hz=156.25e6,
        longest_bytes=LONGEST_BYTES,
        rx_beats=17,
        tx_domain="xgmii_tx",
        rx_domain="xgmii_rx",
    ):
        start = sync_hz and beats_before_start(config, longest_bytes - FCS_BYTES, sync_hz, wire_hz)
        self._config, self._rx_beats = config, rx_beats
        self._tx_domain, self._rx_domain = tx_domain, rx_domain
        self._tx = XgmiiTx(
            config, store_beats=-(-longest_bytes // config.width_bytes), start_beats=start
        )
        self._rx = XgmiiRx(config, longest_bytes=longest_bytes)
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
                "xgmii_txd": Out(64),
                "xgmii_txc": Out(8),
                "xgmii_rxd": In(64),
                "xgmii_rxc": In(8),
                "local_fault": Out(1),
                "remote_fault": Out(1),
                **{name: Out(1) for name in MAC_EVENTS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._transmit(m)
        self._receive(m)
        return m

    def _transmit(self, m):
        domain, tx = self._tx_domain, self._tx
        m.submodules.tx = DomainRenamer(domain)(tx)
        m.submodules.tx_crossing = crossing = BeatCrossing(self._config, 17, "sync", domain)
        wiring.connect(m, wiring.flipped(self.i), crossing.i)
        wiring.connect(m, crossing.o, tx.i)
        m.d.comb += [self.xgmii_txd.eq(tx.xgmii_d), self.xgmii_txc.eq(tx.xgmii_c)]
        self._count(
            m, "tx_events", TX_EVENTS, {name: getattr(tx, name) for name in TX_EVENTS}, domain
        )

    def _receive(self, m):
        domain, rx = self._rx_domain, self._rx
        guard = RxGuard(self._config)
        m.submodules.rx = DomainRenamer(domain)(rx)
        m.submodules.rx_guard = DomainRenamer(domain)(guard)
        m.submodules.rx_crossing = crossing = BeatCrossing(
            self._config, self._rx_beats, domain, "sync"
        )
        wiring.connect(m, rx.o, guard.i)
        wiring.connect(m, guard.o, crossing.i)
        wiring.connect(m, crossing.o, wiring.flipped(self.o))
        m.d.comb += [rx.xgmii_d.eq(self.xgmii_rxd), rx.xgmii_c.eq(self.xgmii_rxc)]
        for name in ("local_fault", "remote_fault"):
            m.submodules[f"{name}_cdc"] = FFSynchronizer(getattr(rx, name), getattr(self, name))
        pulses = {name: getattr(rx, name) for name in RX_EVENTS}
        self._count(
            m,
            "rx_events",
            RX_EVENTS | _OVERFLOW,
            pulses | {"stat_rx_overflow": guard.overflowed},
            domain,
        )

    def _count(self, m, name, events, pulses, domain):
        m.submodules[name] = crossing = EventCrossing(events, domain, "sync")
        m.d[domain] += [getattr(crossing.i, event).eq(pulses[event]) for event in events]
        m.d.comb += [getattr(self, event).eq(getattr(crossing.o, event)) for event in events]
