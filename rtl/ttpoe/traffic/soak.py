"""`Soak`: two engines, two wires, and traffic that checks itself on every VC, both ways.

The host program `sim/ttpsim/soak/main.cpp` drives it in Verilator; on an FPGA a few registers would do.
Nothing is computed here but counts.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from ..engine import Engine
from ..layouts import Command, HostResult, command_layout
from ..link.fsm import Event
from ..stats import STATS
from .checker import TrafficChecker, TrafficError
from .cycle import SIDES, CycleError, LinkCycle
from .pattern import Lengths
from .source import TrafficSource
from .wire import WIRE_EVENTS, Wire

__all__ = ["Soak"]

WIRES = ("ab", "ba")  # from, to
WIRE_FRAMES = 64
_VCS = (0, 1, 2)
_COMMANDS = 8  # a cycle has at most one under way
_WIRE_SETTINGS = ("loss", "double", "reorder", "corrupt", "delay", "hold_mask", "pause")


class Soak(wiring.Component):
    """The whole bench. Counts are of 32 bits and turn over; bytes have 48.

    Members; X is a or b, XY is ab (the wire from a to b) or ba, V is 0, 1, 2
    -------------------------------------------------------------------------
    i_finish : In(1)
        Stop sending, let everything arrive, close all links.
    cfg_seed : In(32)
    cfg_X_lengths, cfg_X_gap_mask, cfg_X_tx_stall, cfg_X_rx_stall, cfg_X_hold_mask
        See `TrafficSource` and `TrafficChecker`; the same for all VCs.
    cfg_XY_loss, ..._double, ..._reorder, ..._corrupt, ..._delay, ..._hold_mask, ..._pause
        See `Wire`.
    cfg_run_mask, cfg_settle, cfg_patience
        See `LinkCycle`.
    cfg_X_<name>
        `cfg_<name>` of engine X, whatever the engine has.
    status_clocks : Out(48)
        Clocks since reset.
    status_failed : Out(1), status_failed_at : Out(48)
        Something went wrong, and in which clock. Nothing is checked after it.
    status_vcV_error : Out(CycleError)
    status_X_vcV_error, ..._error_number, ..._error_found, ..._error_beat
        What the checkers at X found.
    status_X_vcV_sent, status_X_vcV_received, status_X_bytes
        Packets handed to engine X, packets received by host X, bytes of these.
    status_closed : Out(32)
        Links closed and opened again.
    status_done : Out(1)
        After `i_finish`: all packets have arrived and all links are closed.
    status_X_free_slots, status_X_<name>, status_XY_<name>
        Free replay slots of engine X; its `stat_<name>` and the events of the wires, counted.

    All of `cfg_*` must hold from the last clock of the reset on.

    Timing: inputs are sampled by registers that reset does not touch.
    """

    def __init__(self, config):
        self._config = config
        self._engines = {x: Engine(config) for x in SIDES}
        self._the_wires = {xy: Wire(config, number, WIRE_FRAMES) for number, xy in enumerate(WIRES)}
        self._engine_cfg = {
            name: member.shape
            for name, member in self._engines["a"].signature.members.items()
            if name.startswith("cfg_")
        }
        members = {
            "i_finish": In(1),
            "cfg_seed": In(32),
            "cfg_run_mask": In(20),
            "cfg_settle": In(20),
            "cfg_patience": In(24),
            "status_clocks": Out(48),
            "status_failed": Out(1),
            "status_failed_at": Out(48),
            "status_done": Out(1),
            "status_closed": Out(32),
            **{f"status_vc{vc}_error": Out(CycleError) for vc in _VCS},
        }
        for x in SIDES:
            members |= {
                f"cfg_{x}_lengths": In(Lengths),
                f"cfg_{x}_gap_mask": In(16),
                f"cfg_{x}_tx_stall": In(8),
                f"cfg_{x}_rx_stall": In(8),
                f"cfg_{x}_hold_mask": In(16),
                f"status_{x}_bytes": Out(48),
                f"status_{x}_free_slots": Out(config.count_bits),
                **{
                    self._engine_port(x, name): In(shape)
                    for name, shape in self._engine_cfg.items()
                },
                **{f"status_{x}_{name.removeprefix('stat_')}": Out(32) for name in STATS},
            }
            for vc in _VCS:
                members |= {
                    f"status_{x}_vc{vc}_sent": Out(32),
                    f"status_{x}_vc{vc}_received": Out(32),
                    f"status_{x}_vc{vc}_error": Out(TrafficError),
                    f"status_{x}_vc{vc}_error_number": Out(32),
                    f"status_{x}_vc{vc}_error_found": Out(32),
                    f"status_{x}_vc{vc}_error_beat": Out(7),
                }
        for xy, wire in self._the_wires.items():
            members |= {
                f"cfg_{xy}_{name}": In(wire.signature.members[f"cfg_{name}"].shape)
                for name in _WIRE_SETTINGS
            }
            members |= {f"status_{xy}_{name}": Out(32) for name in WIRE_EVENTS}
        super().__init__(members)
        # Sampled once: short ways on an FPGA, and nothing but registers for a simulator to look at.
        self._settings = {
            name: Signal(member.shape, name=f"{name}_set", reset_less=True)
            for name, member in self.signature.members.items()
            if member.flow == In
        }

    @staticmethod
    def _engine_port(x, name):
        return f"cfg_{x}_{name.removeprefix('cfg_')}"

    def elaborate(self, platform):
        m = Module()
        m.d.sync += [setting.eq(getattr(self, name)) for name, setting in self._settings.items()]
        self._cycles = [LinkCycle(vc) for vc in _VCS]
        self._sources, self._checkers = {}, {}
        for x in SIDES:
            m.submodules[f"engine_{x}"] = self._engines[x]
        for vc, cycle in enumerate(self._cycles):
            m.submodules[f"cycle{vc}"] = cycle
            m.d.comb += [
                *(
                    getattr(cycle, name).eq(self._settings[name])
                    for name in (
                        "cfg_seed",
                        "cfg_run_mask",
                        "cfg_settle",
                        "cfg_patience",
                        "i_finish",
                    )
                ),
                getattr(self, f"status_vc{vc}_error").eq(cycle.o_error),
            ]
        self._wires(m)
        for x, y in (SIDES, SIDES[::-1]):
            self._engine(m, x)
            self._commands(m, x)
            for vc in _VCS:
                self._traffic(m, x, y, vc)
        self._status(m)
        return m

    def _wires(self, m):
        for xy, wire in self._the_wires.items():
            m.submodules[f"wire_{xy}"] = wire
            wiring.connect(m, self._engines[xy[0]].o_mac, wire.i)
            wiring.connect(m, wire.o, self._engines[xy[1]].i_mac)
            m.d.comb += wire.cfg_seed.eq(self._settings["cfg_seed"])
            m.d.comb += [
                getattr(wire, f"cfg_{name}").eq(self._settings[f"cfg_{xy}_{name}"])
                for name in _WIRE_SETTINGS
            ]
            for name in WIRE_EVENTS:
                self._count(m, f"status_{xy}_{name}", getattr(wire, name))

    def _count(self, m, name, pulse):
        with m.If(pulse):
            m.d.sync += getattr(self, name).eq(getattr(self, name) + 1)

    def _engine(self, m, x):
        engine = self._engines[x]
        m.d.comb += [
            getattr(engine, name).eq(self._settings[self._engine_port(x, name)])
            for name in self._engine_cfg
        ]
        m.d.comb += getattr(self, f"status_{x}_free_slots").eq(engine.o_free_slots)
        for name in STATS:
            self._count(m, f"status_{x}_{name.removeprefix('stat_')}", getattr(engine, name))
        trace, notice = engine.o_trace.p, engine.o_notice
        decided = engine.o_trace.valid & (trace.event == Event.HOST_PAYLOAD)
        for vc, cycle in enumerate(self._cycles):
            told = getattr(cycle, f"i_notice_{x}")
            m.d.comb += [
                getattr(cycle, f"i_taken_{x}").eq(
                    decided & (trace.vc == vc) & (trace.result == HostResult.TAKEN)
                ),
                getattr(cycle, f"i_refused_{x}").eq(
                    decided & (trace.vc == vc) & (trace.result == HostResult.REFUSED)
                ),
                told.valid.eq(notice.valid & (notice.p.vc == vc)),
                told.p.eq(notice.p.notice),
            ]

    def _commands(self, m, x):
        """Commands of all VCs in one queue; two in one clock go in one after the other."""
        m.submodules[f"commands_{x}"] = queue = SyncFIFO(width=command_layout.size, depth=_COMMANDS)
        engine, entry = self._engines[x], Signal(command_layout)
        waits, asked = Signal(2 * len(_VCS)), Signal(2 * len(_VCS))
        m.d.comb += [
            asked.eq(
                waits
                | Cat(
                    getattr(cycle, f"o_{what}_{x}")
                    for cycle in self._cycles
                    for what in ("open", "close")
                )
            ),
            entry.node.eq(self._settings[self._engine_port(self._peer(x), "cfg_node")]),
            queue.w_data.eq(entry),
            queue.w_en.eq(asked.any()),
            engine.i_command.payload.eq(queue.r_data),
            engine.i_command.valid.eq(queue.r_rdy),
            queue.r_en.eq(engine.i_command.ready),
        ]
        lowest = asked & (~asked + 1)[: len(asked)]
        m.d.sync += waits.eq(asked & ~lowest)
        for number in range(len(asked)):
            with m.If(lowest[number]):
                m.d.comb += [
                    entry.vc.eq(number // 2),
                    entry.command.eq(Command.CLOSE if number % 2 else Command.OPEN),
                ]

    @staticmethod
    def _peer(x):
        return SIDES[1 - SIDES.index(x)]

    def _traffic(self, m, x, y, vc):
        """The source at `x` and the checker at `y` of one VC."""
        number, cycle = len(_VCS) * SIDES.index(x) + vc, self._cycles[vc]
        m.submodules[f"source_{x}{vc}"] = source = TrafficSource(self._config, number)
        m.submodules[f"checker_{y}{vc}"] = checker = TrafficChecker(self._config, number)
        self._sources[x, vc], self._checkers[y, vc] = source, checker
        wiring.connect(m, source.o, self._engines[x].i_host[vc])
        wiring.connect(m, self._engines[y].o_host[vc], checker.i)
        m.d.comb += [
            source.cfg_seed.eq(self._settings["cfg_seed"]),
            source.cfg_lengths.eq(self._settings[f"cfg_{x}_lengths"]),
            source.cfg_node.eq(self._settings[self._engine_port(y, "cfg_node")]),
            source.cfg_gap_mask.eq(self._settings[f"cfg_{x}_gap_mask"]),
            source.cfg_stall.eq(self._settings[f"cfg_{x}_tx_stall"]),
            source.i_enable.eq(cycle.o_enable),
            checker.cfg_seed.eq(self._settings["cfg_seed"]),
            checker.cfg_lengths.eq(self._settings[f"cfg_{x}_lengths"]),
            checker.cfg_node.eq(self._settings[self._engine_port(x, "cfg_node")]),
            checker.cfg_stall.eq(self._settings[f"cfg_{y}_rx_stall"]),
            checker.cfg_hold_mask.eq(self._settings[f"cfg_{y}_hold_mask"]),
            checker.i_relinked.eq(cycle.o_relinked),
            getattr(cycle, f"i_busy_{x}").eq(source.o_busy),
            getattr(cycle, f"i_sent_{x}").eq(source.sent),
            getattr(cycle, f"i_received_{y}").eq(checker.received),
            *(
                getattr(self, f"status_{y}_vc{vc}_{name}").eq(getattr(checker, f"o_{name}"))
                for name in ("error", "error_number", "error_found", "error_beat")
            ),
        ]
        self._count(m, f"status_{x}_vc{vc}_sent", source.sent)
        self._count(m, f"status_{y}_vc{vc}_received", checker.received)

    def _status(self, m):
        failed = Cat(
            *(checker.o_error != TrafficError.NONE for checker in self._checkers.values()),
            *(cycle.o_error != CycleError.NONE for cycle in self._cycles),
        ).any()
        m.d.comb += self.status_done.eq(Cat(cycle.o_done for cycle in self._cycles).all())
        m.d.sync += self.status_clocks.eq(self.status_clocks + 1)
        with m.If(failed & ~self.status_failed):
            m.d.sync += [self.status_failed.eq(1), self.status_failed_at.eq(self.status_clocks)]
        closed = Cat(cycle.closed for cycle in self._cycles)
        m.d.sync += self.status_closed.eq(self.status_closed + sum(closed))
        for x in SIDES:
            arrived = sum(
                (
                    Mux(self._checkers[x, vc].received, self._checkers[x, vc].o_length_bytes, 0)
                    for vc in _VCS
                ),
                start=0,
            )
            total = getattr(self, f"status_{x}_bytes")
            m.d.sync += total.eq(total + arrived)
