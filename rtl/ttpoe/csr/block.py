"""`Csr`: the register map as hardware, behind AXI4-Lite.

Source: the protocol's sections 4 and 7; `docs/reference/registers.md` is the map.
"""

from functools import reduce
from operator import or_

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
from .counters import Counters
from .mac import mac_drops, mac_members
from .notices import Notices
from .registers import INTERRUPTS, PULSES, counters, link_flags, pulses, register_map
from .shapes import Access

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

        # What software reads, by (register, field); fields that are not here are stored ones.
        self._shown = {}
        self._pulses = {name: getattr(self, name) for name in pulses(self._mac)}
        self._mdio_busy = Signal(name="mdio_busy")
        self._memories(m)
        self._select(m)
        self._storage(m)
        self._ethertype(m)
        self._command(m)
        self._inspect(m)
        self._phy(m)
        self._events(m)
        self._count(m)
        self._answer(m)
        return m

    # ---- one request -----------------------------------------------------------------------

    def _select(self, m):
        """One bit per register, decoded in the clock of `o_start` and held; all counters: one."""
        axil = self._axil
        address = axil.o_address
        self._active = Signal()  # from the clock after `o_start` to `i_done`
        with m.If(axil.o_start):
            m.d.sync += self._active.eq(1)
        with m.Elif(axil.i_done):
            m.d.sync += self._active.eq(0)

        counted = self._map.counters
        first, last = counted[0].address, counted[-1].address
        # Decoded in two halves, so that a register costs one gate: the low half with bits 2 to 5,
        # the high half with the rest.
        halves = {}
        for register in self._map.registers:
            for name, part, value in (
                ("low", address[:6], register.address & 0x3F),
                ("high", address[6:], register.address >> 6),
            ):
                if (name, value) not in halves and register not in counted:
                    halves[name, value] = half = Signal(name=f"address_{name}_{value:x}")
                    m.d.comb += half.eq(part == value)
        self._selected = {}
        for register in self._map.registers:
            if register not in counted:
                selected = Signal(name=f"selected_{register.name.lower()}")
                with m.If(axil.o_start):
                    m.d.sync += selected.eq(
                        halves["low", register.address & 0x3F]
                        & halves["high", register.address >> 6]
                    )
                self._selected[register.name] = selected
        self._counter_selected = Signal()
        with m.If(axil.o_start):
            m.d.sync += self._counter_selected.eq(
                (address[:2] == 0) & (address >= first) & (address <= last)
            )
        m.d.comb += self._counters.i_index.eq(address[2:] - (first >> 2))
        self._refused = []  # (register, condition under which a write is refused)

    def _writes(self, name):
        """A write to a register that is not refused: high for one clock."""
        return self._active & self._axil.o_write & self._selected[name]

    def _storage(self, m):
        """The fields of access `rw`, and the outputs that they drive."""
        axil = self._axil
        held = {  # while what they say waits
            "COMMAND_NODE": self.o_command.valid,
            "MDIO_ADDRESS": self._mdio_busy,
            "MDIO_DATA": self._mdio_busy,
        }
        for register in self._map.registers:
            for field in register.fields:
                if field.access is not Access.RW or register.name in ("ETHERTYPE", "LINK_INDEX"):
                    continue
                stored = Signal(
                    field.width, init=field.reset or 0, name=f"{register.name.lower()}_{field.name}"
                )
                shown = stored
                if field.port:
                    written = Signal(-(-field.width // 8), name=f"{field.name}_written")
                    shown = Cat(
                        Mux(
                            written[low // 8],
                            stored[low : low + 8],
                            getattr(self, field.port)[low : low + 8],
                        )
                        for low in range(0, field.width, 8)
                    )
                for lane in range(4):
                    low, high = max(8 * lane, field.lsb), min(8 * lane + 8, field.lsb + field.width)
                    if low >= high:
                        continue
                    writes = self._writes(register.name) & axil.o_strobe[lane]
                    if register.name in held:
                        writes = writes & ~held[register.name]
                    with m.If(writes):
                        m.d.sync += stored[low - field.lsb : high - field.lsb].eq(
                            axil.o_data[low:high]
                        )
                        if field.port:
                            m.d.sync += written[lane].eq(1)
                self._shown[register.name, field.name] = shown
                if field.drives:
                    m.d.comb += getattr(self, field.drives).eq(shown)

    def _ethertype(self, m):
        """ETHERTYPE is one bit that shows as two bytes; each byte is checked by itself."""
        data, strobe = self._axil.o_data, self._axil.o_strobe
        plain, ieee = _ETHERTYPES
        bad = (strobe[0] & (data[:8] != plain & 0xFF)) | (
            strobe[1] & (data[8:16] != plain >> 8) & (data[8:16] != ieee >> 8)
        )
        self._refused.append(("ETHERTYPE", bad))
        with m.If(self._writes("ETHERTYPE") & strobe[1] & ~bad):
            m.d.sync += self.cfg_ieee.eq(data[8:16] == ieee >> 8)
        self._shown["ETHERTYPE", "ethertype"] = Mux(self.cfg_ieee, ieee, plain)

    def _answer(self, m):
        axil = self._axil
        known = Signal()  # a register, and not a write to one that is only read
        m.d.comb += known.eq(
            self._counter_selected
            | Cat(
                self._selected[register.name] & (~axil.o_write if not register.writable else 1)
                for register in self._map.registers
                if register.name in self._selected
            ).any()
        )
        refused = Cat(self._selected[name] & bad for name, bad in self._refused).any()
        words = []
        for register in self._map.registers:
            if register.name not in self._selected:
                continue
            for field in register.fields:
                if field.access is Access.WO:
                    continue
                value = self._shown.get((register.name, field.name))
                if value is None:  # a constant of the configuration
                    value = Const(field.reset, field.width)
                words.append(Mux(self._selected[register.name], value, 0) << field.lsb)
        words.append(Mux(self._counter_selected, self._counters.o_value, 0))
        slow = self._counters.i_request
        # A read that is refused has selected nothing, so its data is 0.
        m.d.comb += [
            axil.i_done.eq(self._active & (~slow | self._counters.o_done)),
            axil.i_error.eq(~known | (axil.o_write & refused)),
            axil.i_data.eq(reduce(or_, words)),
        ]

    # ---- what the registers do --------------------------------------------------------------

    def _command(self, m):
        command, data = self.o_command, self._axil.o_data
        with m.If(command.ready):
            m.d.sync += command.valid.eq(0)
        with m.If(self._writes("COMMAND") & self._axil.o_strobe[0] & ~command.valid):
            m.d.sync += [
                command.valid.eq(1),
                command.payload.vc.eq(data[0:2]),
                command.payload.command.eq(data[4]),
            ]
        m.d.comb += command.payload.node.eq(self._shown["COMMAND_NODE", "node"])
        self._refused += [("COMMAND", command.valid), ("COMMAND_NODE", command.valid)]
        self._shown["STATUS", "command_busy"] = command.valid
        self._shown["STATUS", "ready"] = self.i_ready
        self._shown["FREE_SLOTS", "slots"] = self.i_free_slots

    def _inspect(self, m):
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
        with m.If(self._writes("LINK_INDEX") & axil.o_strobe.any() & ~bad):
            m.d.sync += [busy.eq(1), valid.eq(0), ask.valid.eq(1), ask.payload.eq(link)]
        self._refused.append(("LINK_INDEX", bad))
        self._shown |= {
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
        for register in self._map.registers:
            if register.name == "PHY_STATUS":
                self._shown |= {
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
        with m.If(self._writes("MDIO_COMMAND") & self._axil.o_strobe[0] & ~busy):
            m.d.sync += [busy.eq(1), ask.valid.eq(1), ask.p.write.eq(self._axil.o_data[0])]
        m.d.comb += [
            ask.p.register.eq(self._shown["MDIO_ADDRESS", "register"]),
            ask.p.phy.eq(self._shown["MDIO_ADDRESS", "phy"]),
            ask.p.data.eq(self._shown["MDIO_DATA", "data"]),
        ]
        self._refused += [(f"MDIO_{name}", busy) for name in ("ADDRESS", "DATA", "COMMAND")]
        self._shown |= {
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
        notices, axil = self._notices, self._axil
        strobes = Cat(bit.replicate(8) for bit in axil.o_strobe)
        mask = Cat(self._shown["INT_MASK", name] for name in INTERRUPTS)
        wiring.connect(m, wiring.flipped(self.i_notice), notices.i_notice)
        m.d.comb += [
            notices.i_frame_dropped.eq(
                Cat(getattr(self, name) for name in (*FRAME_DROPS, *mac_drops(self._mac))).any()
            ),
            notices.i_payload_dropped.eq(Cat(getattr(self, name) for name in PAYLOAD_DROPS).any()),
            notices.i_memory_fault.eq(self._pulses["stat_memory_uncorrectable"]),
            notices.i_mask.eq(mask),
            notices.i_clear.eq(Mux(self._writes("INT_STATUS"), axil.o_data & strobes, 0)),
            notices.i_pop.eq(self._writes("NOTICE_POP") & axil.o_strobe.any()),
            self.o_interrupt.eq(notices.o_interrupt),
        ]
        head = notices.o_head
        self._shown |= {
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
        axil, totals = self._axil, self._counters
        found = {**self._pulses, "stat_notice_lost": self._notices.o_lost}
        acts = ~axil.o_write | axil.o_strobe.any()
        clears_all = axil.o_write & self._selected["COUNTER_CLEAR"]
        m.d.comb += [
            totals.i_pulses.eq(Cat(found[name] for name in counters(self._mac))),
            totals.i_request.eq(self._active & acts & (self._counter_selected | clears_all)),
            totals.i_clear.eq(axil.o_write),
            totals.i_all.eq(clears_all),
        ]
