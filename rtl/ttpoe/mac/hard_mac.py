"""`HardMac`: between an engine's beats and the AXI4-Stream of a hard Ethernet MAC.

Source: what hard MACs of 100 Gb/s ask for, such as AMD's CMAC (PG203, PG314): 512 bits at 322 MHz,
`tvalid` without a break from the first beat of a frame to the last, and no `tready` on receive.
The MAC makes and checks preamble, FCS and gaps.
"""

from amaranth.hdl import Cat, DomainRenamer, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout
from .beat_crossing import BeatCrossing, EventCrossing, RxGuard
from .ethernet import FCS_BYTES, LONGEST_BYTES, SHORTEST_BYTES
from .store import Store, beats_before_start, beats_of

__all__ = ["HARD_MAC_EVENTS", "HardMac"]

HARD_MAC_EVENTS = {
    "stat_tx_sent": "a frame was given to the MAC",
    "stat_tx_underrun": "a frame's source had no beat in time: the MAC will have broken it off",
    "stat_rx_good": "a frame was taken from the MAC as a good one",
    "stat_rx_bad": "a frame was taken from the MAC with `tuser` at its end: FCS, length, code",
    "stat_rx_overflow": "a frame was cut or dropped: the engine's side took no more",
}
"""Name of the one-clock pulse -> what it says."""


class HardMac(wiring.Component):
    """Beats of an engine as the AXI4-Stream that a hard MAC asks for, and back.

    A frame begins towards the MAC when all of it is stored, or as much as its source's clock
    cannot be short of (`ttpoe.mac.store`); from then on `m_axis_tvalid` is 1 until its last beat
    is taken.

    Parameters
    ----------
    config : Config
        Any width; the MAC's is the same.
    sync_hz, mac_hz : float or None, float
        The clocks, if the engine's source gives a beat in every clock of a frame. Without
        `sync_hz` a frame begins when it is whole (store and forward).
    longest_bytes : int
        The longest frame, without FCS.
    rx_beats : int
        Beats that the receive crossing holds, as of `ttpoe.mac.xgmii_mac`.
    tx_domain, rx_domain : str
        The MAC's clocks.

    Members
    -------
    i : In(stream of beat), in `sync`
        Frames for the MAC. `error` with `last` becomes `tuser`: the MAC is to spoil the frame.
    o : Out(stream of beat), in `sync`
        Frames from the MAC, bad ones with `error` at `last`.
    m_axis_tdata, m_axis_tkeep, m_axis_tlast, m_axis_tuser, m_axis_tvalid : Out, in `tx_domain`
    m_axis_tready : In(1), in `tx_domain`
        Frames of less than 60 bytes are filled up with zeros where one beat holds 60 (512 bits);
        at other widths the MAC must do so.
    s_axis_tdata, s_axis_tkeep, s_axis_tlast, s_axis_tuser, s_axis_tvalid : In, in `rx_domain`
        No `tready`: the MAC cannot wait. `tuser` counts at `tlast`.
    stat_* : Out(1), in `sync`
        See `HARD_MAC_EVENTS`.

    Timing: `BeatCrossing` each way; towards the MAC two clocks of `Store` more, and a clock between
    two frames: 161 million frames a second at 322 MHz, where a 100 Gb/s wire takes 149.

    Reset: of any domain alone at any time; no frame is made of two (`BeatCrossing`). A reset of
    `tx_domain` breaks a frame off: reset the MAC with it.
    """

    def __init__(
        self,
        config,
        *,
        sync_hz=None,
        mac_hz=322.265625e6,
        longest_bytes=LONGEST_BYTES - FCS_BYTES,
        rx_beats=33,
        tx_domain="mac_tx",
        rx_domain="mac_rx",
    ):
        self._config, self._rx_beats = config, rx_beats
        self._tx_domain, self._rx_domain = tx_domain, rx_domain
        depth = max(2, beats_of(config, longest_bytes))
        start = beats_before_start(config, longest_bytes, sync_hz, mac_hz) if sync_hz else depth
        self._store = Store(config, depth, start)
        axis = {
            "tdata": config.width_bits,
            "tkeep": config.width_bytes,
            "tlast": 1,
            "tuser": 1,
            "tvalid": 1,
        }
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
                **{f"m_axis_{name}": Out(width) for name, width in axis.items()},
                "m_axis_tready": In(1),
                **{f"s_axis_{name}": In(width) for name, width in axis.items()},
                **{name: Out(1) for name in HARD_MAC_EVENTS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._transmit(m)
        self._receive(m)
        return m

    def _transmit(self, m):
        domain, store, width = self._tx_domain, self._store, self._config.width_bytes
        m.submodules.store = DomainRenamer(domain)(store)
        m.submodules.tx_crossing = crossing = BeatCrossing(self._config, 17, "sync", domain)
        wiring.connect(m, wiring.flipped(self.i), crossing.i)
        wiring.connect(m, crossing.o, store.i)
        beat, inside = store.o.payload, Signal()
        moves = store.o.valid & store.o.ready
        with m.If(moves):
            m.d[domain] += inside.eq(~beat.last)
        dry = Signal()  # it was already counted of this frame
        runs_dry = inside & ~store.o.valid & self.m_axis_tready
        m.d[domain] += dry.eq((dry | runs_dry) & ~(moves & beat.last))
        fill = beat.last & ~inside if width > SHORTEST_BYTES else 0
        m.d.comb += [
            store.o.ready.eq(self.m_axis_tready),
            self.m_axis_tvalid.eq(store.o.valid),
            self.m_axis_tdata.eq(
                Cat(Mux(beat.keep[n], beat.data.word_select(n, 8), 0) for n in range(width))
            ),
            self.m_axis_tkeep.eq(beat.keep | Mux(fill, (1 << SHORTEST_BYTES) - 1, 0)[:width]),
            self.m_axis_tlast.eq(beat.last),
            self.m_axis_tuser.eq(beat.last & beat.error),
        ]
        self._count(
            m,
            domain,
            "tx_events",
            {"stat_tx_sent": moves & beat.last, "stat_tx_underrun": runs_dry & ~dry},
        )

    def _receive(self, m):
        domain, guard = self._rx_domain, RxGuard(self._config)
        m.submodules.guard = DomainRenamer(domain)(guard)
        m.submodules.rx_crossing = crossing = BeatCrossing(
            self._config, self._rx_beats, domain, "sync"
        )
        wiring.connect(m, guard.o, crossing.i)
        wiring.connect(m, crossing.o, wiring.flipped(self.o))
        beat = guard.i.payload
        ends = self.s_axis_tvalid & self.s_axis_tlast
        m.d.comb += [
            guard.i.valid.eq(self.s_axis_tvalid),
            beat.data.eq(self.s_axis_tdata),
            beat.keep.eq(self.s_axis_tkeep),
            beat.last.eq(self.s_axis_tlast),
            beat.error.eq(self.s_axis_tlast & self.s_axis_tuser),
        ]
        self._count(
            m,
            domain,
            "rx_events",
            {
                "stat_rx_good": ends & ~self.s_axis_tuser,
                "stat_rx_bad": ends & self.s_axis_tuser,
                "stat_rx_overflow": guard.overflowed,
            },
        )

    def _count(self, m, domain, name, pulses):
        m.submodules[name] = crossing = EventCrossing(pulses, domain, "sync")
        for event, pulse in pulses.items():
            m.d.comb += [
                getattr(crossing.i, event).eq(pulse),
                getattr(self, event).eq(getattr(crossing.o, event)),
            ]
