"""`Csr`: the register map as hardware, behind AXI4-Lite.

Source: the protocol's sections 4 and 7; `docs/reference/registers.md` is the map.
"""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..congestion.state import state_layout
from ..layouts import command_layout, event_signature, notice_layout
from ..link.table import tag_layout
from ..mac.mdio import answer_layout
from ..memory.protected import ERRORS, report
from ..rx.path import DROP_CAUSES
from .axil import AxiLite, AxiLiteInterface, AxiLiteSignature
from .bank import Bank
from .counters import Counters
from .mac import mac_drops, mac_members
from .notices import Notices
from .registers import INTERRUPTS, PULSES, counters, link_flags, pulses, register_map

__all__ = ["Csr", "FRAME_DROPS", "PAYLOAD_DROPS"]

FRAME_DROPS = (
    *(f"stat_rx_{cause}" for cause in DROP_CAUSES if cause != "other_ethertype"),
    "stat_rx_queue_full",
)
"""Pulses behind the cause `frame_dropped`. Another EtherType is no fault: it is not TTP."""

PAYLOAD_DROPS = ("stat_tx_oversize", "stat_tx_empty", "stat_tx_refused")
"""Pulses behind the cause `payload_dropped`."""

_ETHERTYPES = (0x0AC6, 0x9AC6)


class Csr(wiring.Component):
    """Control and status registers of one engine, and of its MAC if there is one.

    Works with no register written: every output then has the value that the map calls reset.

    Members
    -------
    s_axil : In(AxiLiteSignature), 32 bits of data, 16 of byte address; see `csr.axil`
        SLVERR, with no effect: an address without a register, or not a multiple of 4; a write to
        a register that can only be read; ETHERTYPE with another value; LINK_INDEX beyond the
        last link or while a read-out is under way; COMMAND and COMMAND_NODE while a command
        waits; MDIO_ADDRESS, MDIO_DATA and MDIO_COMMAND while one is under way there. Bytes whose
        strobe is low keep their value, count as zero in INT_STATUS, and start nothing; a write
        without any strobe does nothing.
    i_node : In(24), i_open_id_seed : In(32)
        Shown by NODE and OPEN_ID_SEED, and by the outputs, until software writes them (each byte
        by itself). Constant, or stable.
    cfg_node, cfg_ieee, cfg_init_id, cfg_fixed_open_id, cfg_open_id_seed, cfg_timer_tick,
    cfg_max_retry, cfg_idle_limit, cfg_link_slots, cfg_selective, cfg_congestion, cfg_ipv4* : Out
        The engine's inputs of these names. They change one clock after `o_start` of the write
        that changes them, two clocks before its answer can be seen.
    cfg_enable, cfg_os_enable : Out(1)
        What is switched on; both high after reset.
    i_ready : In(1), i_free_slots : In(count_bits)
        The engine's `o_ready` and `o_free_slots`.
    o_command : Out(stream of command)
    o_inspect : Out(stream of link number)
        Asks for the tag of a link;
    i_inspected : In(event of tag)
        ... which answers some clocks later. One read-out is under way at a time.
    i_inspected_law : In(event of the law's word)
        What the law of congestion knows of that link; comes behind `i_inspected`.
    i_notice : In(event of notice)
    o_interrupt : Out(1)
        Level, see `csr.notices`.
    stat_* : In(1)
        One-clock pulses, see `csr.registers.pulses`.
    cfg_phy_* : Out, i_phy_* : In
        With a MAC: the fields of PHY_CONTROL and PHY_STATUS of its kind.
    o_mdio : Out(stream of request), i_mdio : In(event of answer)
        With a MAC whose PHY has it: see `mac.mdio`. One request is under way at a time.

    `mac`: kind of the port's MAC, see `mac.kinds`; None: there is none.

    Timing: see `csr.axil` (a read or write: 3 clocks from valid to answer) and, for counters,
    `csr.counters` (up to the number of counters and 9 clocks; clearing all, twice that).
    """

    # Their types, for pyright; the signature makes them.
    s_axil: AxiLiteInterface
    i_ready: Signal
    i_free_slots: Signal
    o_command: stream.Interface
    o_inspect: stream.Interface
    i_inspected: stream.Interface
    i_inspected_law: stream.Interface
    i_notice: stream.Interface
    o_mdio: stream.Interface
    i_mdio: stream.Interface
    o_interrupt: Signal
    cfg_ieee: Signal

    def __init__(self, config: Config, mac: str | None = None):
        self._config = config
        self._mac = mac
        self._map = register_map(config, mac)
        super().__init__(
            {
                "s_axil": In(AxiLiteSignature()),
                "i_node": In(24),
                "i_open_id_seed": In(32),
                **{
                    field.drives: Out(field.width)
                    for register in self._map.registers
                    for field in register.fields
                    if field.drives
                },
                "cfg_ieee": Out(1),
                "i_ready": In(1),
                "i_free_slots": In(config.count_bits),
                "o_command": Out(stream.Signature(command_layout)),
                "o_inspect": Out(stream.Signature(config.lid_bits)),
                "i_inspected": In(event_signature(tag_layout(config))),
                "i_inspected_law": In(event_signature(state_layout(config))),
                "i_notice": In(event_signature(notice_layout)),
                "o_interrupt": Out(1),
                **{name: In(1) for name in PULSES},
                **mac_members(mac),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.axil = self._axil = AxiLite()
        m.submodules.counters = self._counters = Counters(
            len(counters(self._mac)), self._config.protect
        )
        m.submodules.notices = self._notices = Notices(self._config.protect)
        wiring.connect(m, wiring.flipped(self.s_axil), self._axil.s_axil)

        self._bank = bank = Bank(self._axil, self._map)
        self._pulses = {name: getattr(self, name) for name in pulses(self._mac)}
        self._mdio_busy = Signal(name="mdio_busy")
        self._memories(m)
        bank.select(m, self._counters)
        held = {  # while what they say waits
            "COMMAND_NODE": self.o_command.valid,
            "MDIO_ADDRESS": self._mdio_busy,
            "MDIO_DATA": self._mdio_busy,
        }
        bank.storage(m, self, held)
        self._ethertype(m)
        self._command(m)
        self._inspect(m)
        self._phy(m)
        self._events(m)
        self._count(m)
        bank.answer(m, self._counters)
        return m

    # ---- what the registers do --------------------------------------------------------------

    def _ethertype(self, m):
        """ETHERTYPE is one bit that shows as two bytes; each byte is checked by itself."""
        bank = self._bank
        data, strobe = self._axil.o_data, self._axil.o_strobe
        plain, ieee = _ETHERTYPES
        bad = (strobe[0] & (data[:8] != plain & 0xFF)) | (
            strobe[1] & (data[8:16] != plain >> 8) & (data[8:16] != ieee >> 8)
        )
        bank.refused.append(("ETHERTYPE", bad))
        with m.If(bank.writes("ETHERTYPE") & strobe[1] & ~bad):
            m.d.sync += self.cfg_ieee.eq(data[8:16] == ieee >> 8)
        bank.shown["ETHERTYPE", "ethertype"] = Mux(self.cfg_ieee, ieee, plain)

    def _command(self, m):
        bank = self._bank
        command, data = self.o_command, self._axil.o_data
        with m.If(command.ready):
            m.d.sync += command.valid.eq(0)
        with m.If(bank.writes("COMMAND") & self._axil.o_strobe[0] & ~command.valid):
            m.d.sync += [
                command.valid.eq(1),
                command.payload.vc.eq(data[0:2]),
                command.payload.command.eq(data[4]),
            ]
        m.d.comb += command.payload.node.eq(bank.shown["COMMAND_NODE", "node"])
        bank.refused += [("COMMAND", command.valid), ("COMMAND_NODE", command.valid)]
        bank.shown["STATUS", "command_busy"] = command.valid
        bank.shown["STATUS", "ready"] = self.i_ready
        bank.shown["FREE_SLOTS", "slots"] = self.i_free_slots

    def _inspect(self, m):
        bank = self._bank
        config, axil = self._config, self._axil
        ask, answer = self.o_inspect, self.i_inspected
        tag = Signal(tag_layout(config))
        busy, valid = Signal(), Signal()
        link = Signal(32)  # what the write would leave; bytes not written stay
        m.d.comb += link.eq(
            Cat(
                Mux(
                    axil.o_strobe[lane],
                    axil.o_data.word_select(lane, 8),
                    Cat(ask.payload, Const(0, 32 - config.lid_bits)).word_select(lane, 8),
                )
                for lane in range(4)
            )
        )
        bad = busy | (link >= config.links)
        with m.If(ask.ready):
            m.d.sync += ask.valid.eq(0)
        # The law's word comes behind the tag; with both the read-out is over.
        law, last = Signal(state_layout(config)), self.i_inspected_law
        over = answer if config.congestion == "none" else last
        with m.If(answer.valid & busy):
            m.d.sync += tag.eq(answer.payload)
        with m.If(last.valid & busy):
            m.d.sync += law.eq(last.payload)
        with m.If(over.valid & busy):
            m.d.sync += [busy.eq(0), valid.eq(1)]
        with m.If(bank.writes("LINK_INDEX") & axil.o_strobe.any() & ~bad):
            m.d.sync += [busy.eq(1), valid.eq(0), ask.valid.eq(1), ask.payload.eq(link)]
        bank.refused.append(("LINK_INDEX", bad))
        bank.shown |= {
            ("LINK_INDEX", "link"): ask.payload,
            ("LINK_STATUS", "busy"): busy,
            ("LINK_STATUS", "valid"): valid,
            ("LINK_STATE", "state"): tag.state,
            ("LINK_STATE", "vc"): tag.vc,
            ("LINK_NODE", "node"): tag.node,
            ("LINK_UNA", "id"): tag.una,
            ("LINK_RECEIVED", "id"): tag.received,
            ("LINK_ALLOC", "slots"): tag.alloc,
            ("LINK_SENT", "slots"): tag.sent,
            ("LINK_CHAIN", "slots"): tag.alloc + tag.lag,
            ("LINK_EPOCHS", "own"): tag.epoch,
            ("LINK_EPOCHS", "peer"): tag.peer_epoch,
            ("LINK_RETRIES", "retries"): tag.retries,
            ("LINK_WINDOW", "window"): law.window,
            ("LINK_WINDOW", "growing"): law.growing,
            ("LINK_WINDOW", "counted"): law.counted,
            ("LINK_PACE", "gap"): law.gap,
            ("LINK_ROUND", "base"): law.base,
            **{("LINK_STATE", name): tag[name] for name in link_flags(self._config)},
        }

    def _phy(self, m):
        """What a MAC adds: levels of its PHY, and requests to MDIO."""
        bank = self._bank
        for register in self._map.registers:
            if register.name == "PHY_STATUS":
                bank.shown |= {
                    (register.name, field.name): getattr(self, f"i_phy_{field.name}")
                    for field in register.fields
                }
        if "o_mdio" not in self.signature.members:
            return
        ask, answer, busy = self.o_mdio, self.i_mdio, self._mdio_busy
        result = Signal(answer_layout)
        with m.If(ask.ready):
            m.d.sync += ask.valid.eq(0)
        with m.If(answer.valid & busy):
            m.d.sync += [busy.eq(0), result.eq(answer.payload)]
        with m.If(bank.writes("MDIO_COMMAND") & self._axil.o_strobe[0] & ~busy):
            m.d.sync += [busy.eq(1), ask.valid.eq(1), ask.p.write.eq(self._axil.o_data[0])]
        m.d.comb += [
            ask.p.register.eq(bank.shown["MDIO_ADDRESS", "register"]),
            ask.p.phy.eq(bank.shown["MDIO_ADDRESS", "phy"]),
            ask.p.data.eq(bank.shown["MDIO_DATA", "data"]),
        ]
        bank.refused += [(f"MDIO_{name}", busy) for name in ("ADDRESS", "DATA", "COMMAND")]
        bank.shown |= {
            ("MDIO_RESULT", "data"): result.data,
            ("MDIO_RESULT", "answered"): result.answered,
            ("MDIO_RESULT", "busy"): busy,
        }

    def _memories(self, m):
        """What the memories in here found joins what the NIC reports."""
        errors = Signal(ERRORS)
        report(m, self._config.protect, errors, self._counters.o_errors, self._notices.o_errors)
        for name in ERRORS.members:
            self._pulses[f"stat_memory_{name}"] |= errors[name]

    def _events(self, m):
        bank = self._bank
        notices, axil = self._notices, self._axil
        strobes = Cat(bit.replicate(8) for bit in axil.o_strobe)
        mask = Cat(bank.shown["INT_MASK", name] for name in INTERRUPTS)
        wiring.connect(m, wiring.flipped(self.i_notice), notices.i_notice)
        m.d.comb += [
            notices.i_frame_dropped.eq(
                Cat(getattr(self, name) for name in (*FRAME_DROPS, *mac_drops(self._mac))).any()
            ),
            notices.i_payload_dropped.eq(Cat(getattr(self, name) for name in PAYLOAD_DROPS).any()),
            notices.i_memory_fault.eq(self._pulses["stat_memory_uncorrectable"]),
            notices.i_mask.eq(mask),
            notices.i_clear.eq(Mux(bank.writes("INT_STATUS"), axil.o_data & strobes, 0)),
            notices.i_pop.eq(bank.writes("NOTICE_POP") & axil.o_strobe.any()),
            self.o_interrupt.eq(notices.o_interrupt),
        ]
        head = notices.o_head
        bank.shown |= {
            **{("INT_STATUS", name): notices.o_causes[bit] for bit, name in enumerate(INTERRUPTS)},
            **{
                ("NOTICE_HEAD", name): Mux(notices.o_waiting, value, 0)
                for name, value in (
                    ("node", head.node),
                    ("vc", head.vc),
                    ("notice", head.notice.as_value()),
                )
            },
            ("NOTICE_HEAD", "valid"): notices.o_waiting,
        }

    def _count(self, m):
        bank = self._bank
        axil, totals = self._axil, self._counters
        found = {**self._pulses, "stat_notice_lost": self._notices.o_lost}
        acts = ~axil.o_write | axil.o_strobe.any()
        clears_all = axil.o_write & bank.selected["COUNTER_CLEAR"]
        m.d.comb += [
            totals.i_pulses.eq(Cat(found[name] for name in counters(self._mac))),
            totals.i_request.eq(bank.active & acts & (bank.counter_selected | clears_all)),
            totals.i_clear.eq(axil.o_write),
            totals.i_all.eq(clears_all),
        ]
