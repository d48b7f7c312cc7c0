"""`Nic`: the engine and the operating system on one MAC.

Source: section 8 of the protocol.
"""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..engine import Engine
from ..layouts import beat_layout
from ..memory.protected import STATS as MEMORY_STATS
from ..wires import pass_through
from .os_path import STATS as OS_STATS
from .os_path import OsPath
from .tx_merge import TxMerge

__all__ = ["Nic"]


class Nic(wiring.Component):
    """A TTP engine beside the OS path; all of the engine's ports, and the OS's two streams.

    The engine gets every frame from the MAC, as without the OS path, and so pays no clock for it:
    its own parser leaves what is not TTP (`stat_rx_other_ethertype`: here simply "for the OS").

    Members
    -------
    i_mac : In(event of beat), o_mac : Out(stream of beat)
        The MAC, as in `Engine`; on `o_mac` TTP goes first, see `TxMerge` for the bounds.
    i_os : In(stream of beat), o_os : Out(stream of beat)
        Frames of the OS to the MAC, and frames that are not TTP from it; see `OsPath`.
    stat_os_* : Out(1)
        See `os_path.STATS`.
    stat_memory_* : Out(1)
        The engine's memories and those of the OS path.
    cfg_os_enable : In(1)
        Low: frames of the OS are dropped both ways.
    everything else
        The engine's ports under the engine's names. The OS path works before `o_ready`.

    Timing: the engine's, to the clock, while the OS sends nothing.

    Reset: the engine's and the OS path's.
    """

    def __init__(self, config):
        self._config = config
        self._engine = Engine(config)
        super().__init__(
            {
                **dict(self._engine.signature.members.items()),
                "i_os": In(stream.Signature(beat_layout(config))),
                "o_os": Out(stream.Signature(beat_layout(config))),
                "cfg_os_enable": In(1),
                **{name: Out(1) for name in OS_STATS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = engine = self._engine
        m.submodules.os_path = os_path = OsPath(self._config)
        m.submodules.tx_merge = tx_merge = TxMerge(self._config)

        for listener in (engine, os_path):
            m.d.comb += [
                listener.i_mac.valid.eq(self.i_mac.valid),
                listener.i_mac.payload.eq(self.i_mac.payload),
            ]
        wiring.connect(m, engine.o_mac, tx_merge.i_ttp)
        wiring.connect(m, os_path.o_frame, tx_merge.i_os)
        wiring.connect(m, tx_merge.o, wiring.flipped(self.o_mac))
        wiring.connect(m, wiring.flipped(self.i_os), os_path.i_os)
        wiring.connect(m, os_path.o_os, wiring.flipped(self.o_os))
        m.d.comb += [
            os_path.cfg_os_enable.eq(self.cfg_os_enable),
            *(getattr(self, name).eq(getattr(os_path, name)) for name in OS_STATS),
        ]
        self._host_side(m, engine)
        errors = os_path.o_errors
        m.d.comb += [
            self.stat_memory_corrected.eq(engine.stat_memory_corrected | errors.corrected),
            self.stat_memory_uncorrectable.eq(
                engine.stat_memory_uncorrectable | errors.uncorrectable
            ),
        ]
        return m

    def _host_side(self, m, engine):
        """The engine's streams to the host, its configuration and its statistics."""
        pass_through(
            m,
            self,
            engine,
            [
                name
                for name in engine.signature.members
                if name not in ("i_mac", "o_mac", *MEMORY_STATS)
            ],
        )
