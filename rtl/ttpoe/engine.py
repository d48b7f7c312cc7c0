"""`Engine`: the blocks joined into one TTP engine. Nothing is computed here.

`docs/design/architecture.md` follows a packet through the blocks and gives the argument why none
of them can wait for another for ever.
"""

# The members of a component come from its signature (`[tool.pyright]` of pyproject.toml).
# pyright: reportAttributeAccessIssue=false

from amaranth import Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from .congestion.control import STATS as CONGESTION_STATS
from .congestion.control import CongestionControl
from .congestion.state import law_layout, state_layout
from .layouts import (
    beat_layout,
    command_layout,
    event_signature,
    host_rx_layout,
    host_tx_layout,
    notice_layout,
    trace_layout,
)
from .link.identity import Identity
from .link.ready import ReadyQueues
from .link.table import tag_layout
from .link.timer import LinkTimer
from .memory.protected import ERRORS, errors_of, protected_fifo, report
from .pipeline.pipeline import Pipeline
from .pipeline.q0_arbitrate import Arbitrate
from .pipeline.q3_commit import STATS as LINK_STATS
from .pipeline.q3_commit import Commit
from .protocol import DATA
from .reorder.ask import Ask
from .reorder.lookup import LookUp
from .replay.lists import SlotLists
from .replay.memory import ReplayMemory
from .replay.replayer import STATS as REPLAYER_STATS
from .replay.replayer import Replayer
from .replay.retirer import Retirer
from .rx.path import STATS as RX_STATS
from .rx.path import RxPath
from .stats import IPV4_STATS, STATS
from .tx.datagram import ADDRESSING
from .tx.path import STATS as TX_STATS
from .tx.path import TxPath
from .tx.slot_writer import STATS as HOST_TX_STATS
from .tx.slot_writer import SlotWriter

__all__ = ["Engine"]

_VICTIMS = 4
_IPV4_PORTS = {
    "cfg_ipv4": In(1),
    **{name: In(bits) for name, bits in ADDRESSING.items()},
    **{name: Out(1) for name in IPV4_STATS},
}


class Engine(wiring.Component):
    """A complete TTP transport: host streams on one side, a MAC on the other.

    Members
    -------
    i_mac : In(event of beat)
        Received frames without FCS. Never held back; `error` with `last` = bad frame.
    o_mac : Out(stream of beat)
        Frames to send, without FCS; no gap inside a frame while `ready`.
    i_host : In(stream of host beat), one for each VC
        Payloads to send: 1 to 1024 bytes per packet. `ready` is low while no
        replay slot is free (physical backpressure, section 5.2).
    o_host : Out(stream of host beat), one for each VC
        Payloads received, in order per link; a port that is not read holds up no other.
    i_command : In(stream of command)
        Open or close the link to (node, VC). Links also open by themselves with the first payload.
    o_notice : Out(event of notice)
        What became of links.
    i_inspect : In(stream of lid), o_inspected : Out(event of tag)
        Read-out of one tag of the link table, for a look from outside; see `pipeline.pipeline`.
    o_inspected_law : Out(event of the law's word)
        The same link's, some clocks later (`congestion.law`); never without `Config.congestion`.
    cfg_enable : In(1)
        Low: no event enters the pipeline. Links and their timers stand still, hosts wait, and what
        the MAC receives is dropped and counted once the event queue is full.
    cfg_node : In(24)
        This node: lower half of its MAC.
    cfg_ieee : In(1)
        EtherType of links that the host opens: 0 = 0x0AC6, 1 = 0x9AC6 (section 1.1).
    cfg_ipv4 : In(1)
        With `Config.ipv4`: links that the host opens have the IPv4 form (E4).
    cfg_ipv4_prefix : In(8)
        The first byte of every node's IPv4 address; the others are the node (E2).
    cfg_ipv4_mask : In(24), cfg_ipv4_router_upper, cfg_ipv4_router_lower : In(24)
        A node that differs from this one where the mask has a one is reached through the router
        with that MAC; every other node by its own MAC (E3).
    cfg_init_id : In(32), cfg_fixed_open_id : In(1), cfg_open_id_seed : In(32)
        See `link.identity`; `cfg_init_id` is also where a peer that declares no first ID starts.
        **`cfg_open_id_seed` must differ at every start of a node.** With the same one as before
        it opens its links with the IDs and the epoch of its last life, and a peer that still
        holds the link takes its packets for repeats of old ones: acknowledged, and never
        delivered. Where it notices it refuses the link (IDS_REUSED, L19). `nic.seed` makes a
        seed on an FPGA.
    cfg_timer_tick : In(24)
        Clocks between two visits of the link timer; a round is `links` ticks.
    cfg_max_retry : In(10)
        Time-outs in a row after which a link ends; 0 = never.
    cfg_idle_limit : In(10)
        Idle rounds after which an open link is closed; 0 = never.
    cfg_link_slots : In(count_bits)
        Replay slots that one link may hold; 0 = no limit.
    cfg_selective : In(1)
        Offer and accept selective replay; else every link is go-back-N (section 5.3).
    cfg_congestion : In(1)
        Offer and accept congestion control (section 11). Without `Config.congestion` it does nothing.
    o_ready : Out(1)
        Initialised: `max(rows, slots, reorder_window, data_links)` clocks after reset (without
        `Config.congestion` the last one does not count). Frames and payloads that come earlier
        wait, or are dropped and counted where their queue is full.
    o_free_slots : Out(count_bits)
        Replay slots that are free.
    o_trace : Out(event of trace)
        One record per event that leaves the pipeline.
    o_law : Out(event of law)
        What the law of congestion knows of the link, after each record of the trace and in the same
        order; never valid without `Config.congestion`. See `congestion.law`.
    stat_* : Out(1)
        One-clock pulses, see `stats.STATS`.

    Configuration inputs are constants, or registers that change while nothing is under way.

    Timing (idle; clocks from the clock in which the last beat is taken to the clock in which the
    first beat is valid; sim/ttpsim/scenarios/latency.py): see README.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_mac": In(event_signature(beat_layout(config))),
                "o_mac": Out(stream.Signature(beat_layout(config))),
                "i_host": In(stream.Signature(host_tx_layout(config))).array(config.VCS),
                "o_host": Out(stream.Signature(host_rx_layout(config))).array(config.VCS),
                "i_command": In(stream.Signature(command_layout)),
                "o_notice": Out(event_signature(notice_layout)),
                "i_inspect": In(stream.Signature(config.lid_bits)),
                "o_inspected": Out(event_signature(tag_layout(config))),
                "o_inspected_law": Out(event_signature(state_layout(config))),
                "cfg_enable": In(1),
                "cfg_node": In(24),
                "cfg_ieee": In(1),
                "cfg_init_id": In(32),
                "cfg_fixed_open_id": In(1),
                "cfg_open_id_seed": In(32),
                "cfg_timer_tick": In(24),
                "cfg_max_retry": In(10),
                "cfg_idle_limit": In(10),
                "cfg_link_slots": In(config.count_bits),
                "cfg_selective": In(1),
                "cfg_congestion": In(1),
                "o_ready": Out(1),
                "o_free_slots": Out(config.count_bits),
                "o_trace": Out(event_signature(trace_layout(config))),
                "o_law": Out(event_signature(law_layout(config))),
                **{name: Out(1) for name in STATS},
                **(_IPV4_PORTS if config.ipv4 else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.rx = self.rx = RxPath(config)
        m.submodules.slot_writer = self.slot_writer = SlotWriter(config)
        m.submodules.replay_memory = self.memory = ReplayMemory(config)
        m.submodules.slot_lists = self.lists = SlotLists(config)
        m.submodules.arbitrate = self.arbitrate = Arbitrate(config)
        m.submodules.pipeline = self.pipeline = Pipeline(config)
        m.submodules.commit = self.commit = Commit(config, registered=True)
        m.submodules.ready_queues = self.ready_queues = ReadyQueues(config)
        m.submodules.timer = self.timer = LinkTimer(config)
        m.submodules.identity = self.identity = Identity()
        m.submodules.lookup = self.lookup = LookUp(config)
        m.submodules.ask = self.ask = Ask(config)
        m.submodules.replayer = self.replayer = Replayer(config)
        m.submodules.retirer = self.retirer = Retirer(config)
        m.submodules.tx = self.tx = TxPath(config)

        self._congestion(m)
        self._receive(m)
        self._host(m)
        self._events(m)
        self._pipeline(m)
        self._selective(m)
        self._replay(m)
        self._transmit(m)
        for block, stats in (
            (self.rx, RX_STATS),
            (self.slot_writer, HOST_TX_STATS),
            (self.commit, LINK_STATS),
            (self.replayer, REPLAYER_STATS),
            (self.tx, TX_STATS),
        ):
            m.d.comb += [getattr(self, name).eq(getattr(block, name)) for name in stats]
        if config.ipv4:
            self._ipv4(m)
        self._memories(m)
        return m

    def _ipv4(self, m):
        m.d.comb += [
            self.arbitrate.cfg_ipv4.eq(self.cfg_ipv4),
            self.rx.cfg_ipv4_prefix.eq(self.cfg_ipv4_prefix),
            *(getattr(self.tx, name).eq(getattr(self, name)) for name in ADDRESSING),
            *(getattr(self, name).eq(getattr(self.rx, name)) for name in IPV4_STATS),
        ]

    def _memories(self, m):
        errors = Signal(ERRORS)
        report(
            m,
            self._config.protect,
            errors,
            errors_of(self.victims),
            *([] if self._config.congestion == "none" else [self.congestion.o_errors]),
            *(
                block.o_errors
                for block in (
                    self.rx,
                    self.memory,
                    self.lists,
                    self.pipeline,
                    self.ready_queues,
                    self.lookup,
                    self.replayer,
                    self.tx,
                )
            ),
        )
        m.d.comb += [
            self.stat_memory_corrected.eq(errors.corrected),
            self.stat_memory_uncorrectable.eq(errors.uncorrectable),
        ]

    def _receive(self, m):
        rx = self.rx
        wiring.connect(m, wiring.flipped(self.i_mac), rx.i_frame)
        wiring.connect(m, rx.o_event, self.arbitrate.i_rx)
        wiring.connect(m, self.commit.o_verdict, rx.i_verdict)
        m.d.comb += rx.cfg_node.eq(self.cfg_node)
        for vc in range(self._config.VCS):
            wiring.connect(m, rx.o_host[vc], wiring.flipped(self.o_host[vc]))

    def _host(self, m):
        writer = self.slot_writer
        for vc in range(self._config.VCS):
            wiring.connect(m, wiring.flipped(self.i_host[vc]), writer.i_host[vc])
            wiring.connect(m, writer.o_event[vc], self.arbitrate.i_host[vc])
        wiring.connect(m, self.lists.o_slot, writer.i_slot)
        wiring.connect(m, writer.o_write, self.memory.i_write)
        wiring.connect(m, self.commit.o_result, writer.i_result)
        wiring.connect(m, self.commit.o_notice, wiring.flipped(self.o_notice))
        # A link becomes a victim by a visit of the timer: in each round it is worth another try.
        m.d.sync += writer.i_retry.eq(
            self.commit.o_retry | self.pipeline.o_may_retire | self.timer.o_round
        )

        command, admitted = self.i_command, self.arbitrate.i_command
        bad_vc = command.payload.vc == 3
        m.d.comb += [
            admitted.payload.eq(command.payload),
            admitted.valid.eq(command.valid & ~bad_vc),
            command.ready.eq(admitted.ready | bad_vc),
            self.stat_command_bad_vc.eq(command.valid & bad_vc),
        ]

    def _events(self, m):
        arbitrate, commit = self.arbitrate, self.commit
        wiring.connect(m, self.tx.o_sent, arbitrate.i_sent)
        wiring.connect(m, self.timer.o_visit, arbitrate.i_timer)
        wiring.connect(m, commit.o_push, self.ready_queues.i_push)
        for vc in range(self._config.VCS):
            if vc != DATA or self._config.congestion == "none":
                wiring.connect(m, self.ready_queues.o_visit[vc], arbitrate.i_visit[vc])

        # A victim that finds no place is asked for again by the event that wanted it.
        m.submodules.victims = self.victims = victims = protected_fifo(
            self._config.protect, SyncFIFO, width=self._config.lid_bits, depth=_VICTIMS
        )
        law_ready = Const(1) if self._config.congestion == "none" else self.congestion.o_ready
        m.d.comb += [
            victims.w_data.eq(commit.o_victim.payload),
            victims.w_en.eq(commit.o_victim.valid),
            arbitrate.i_victim.payload.eq(victims.r_data),
            arbitrate.i_victim.valid.eq(victims.r_rdy),
            victims.r_en.eq(arbitrate.i_victim.ready),
            self.o_ready.eq(self.pipeline.o_ready & self.lists.o_ready & law_ready),
            arbitrate.i_enable.eq(self.o_ready & self.cfg_enable),
            self.timer.i_enable.eq(self.o_ready & self.cfg_enable),
            self.timer.cfg_timer_tick.eq(self.cfg_timer_tick),
            arbitrate.cfg_ieee.eq(self.cfg_ieee),
            arbitrate.i_control_unused.eq(commit.o_control_unused),
            arbitrate.i_payload_unused.eq(commit.o_payload_unused),
            arbitrate.i_control_left.eq(self.tx.o_control_left),
            arbitrate.i_payload_left.eq(self.tx.o_payload_left),
        ]

    def _pipeline(self, m):
        pipeline, identity = self.pipeline, self.identity
        wiring.connect(m, self.arbitrate.o_event, pipeline.i_event)
        wiring.connect(m, pipeline.o_aside, self.arbitrate.i_aside)
        wiring.connect(m, pipeline.o_done, self.commit.i_done)
        wiring.connect(m, self.commit.o_trace, wiring.flipped(self.o_trace))
        wiring.connect(m, wiring.flipped(self.i_inspect), pipeline.i_inspect)
        wiring.connect(m, pipeline.o_inspected, wiring.flipped(self.o_inspected))
        m.d.comb += [
            pipeline.i_first_id.eq(identity.o_first_id),
            pipeline.i_epoch.eq(identity.o_epoch),
            identity.i_step.eq(pipeline.o_stepped),
            *(
                getattr(pipeline, name).eq(getattr(self, name))
                for name in (
                    "cfg_node",
                    "cfg_init_id",
                    "cfg_max_retry",
                    "cfg_idle_limit",
                    "cfg_link_slots",
                    "cfg_selective",
                )
            ),
            *(
                getattr(identity, name).eq(getattr(self, name))
                for name in ("cfg_init_id", "cfg_fixed_open_id", "cfg_open_id_seed")
            ),
        ]

    def _congestion(self, m):
        """The law, if there is one; else no link is ever controlled."""
        if self._config.congestion == "none":
            return
        m.submodules.congestion = self.congestion = law = CongestionControl(self._config)
        pipeline = self.pipeline
        wiring.connect(m, self.ready_queues.o_visit[DATA], law.i_visit)
        wiring.connect(m, law.o_visit, self.arbitrate.i_visit[DATA])
        wiring.connect(m, law.o_law, wiring.flipped(self.o_law))
        wiring.connect(m, law.o_inspected, wiring.flipped(self.o_inspected_law))
        m.d.comb += [
            law.i_inspect.valid.eq(self.i_inspect.valid & self.i_inspect.ready),
            law.i_inspect.payload.eq(self.i_inspect.payload),
            law.i_done.valid.eq(pipeline.o_done.valid),
            law.i_done.payload.eq(pipeline.o_done.payload),
            law.i_sent_id.eq(self.commit.o_payload.payload.tx_id),
            law.i_row.eq(pipeline.o_row),
            law.i_beat.eq(self.i_mac.valid),
            law.i_round.eq(self.timer.o_round),
            law.i_seed.eq(self.cfg_open_id_seed),
            pipeline.cfg_congestion.eq(self.cfg_congestion),
            pipeline.i_free.eq(law.o_free),
            pipeline.i_slow.eq(law.o_slow),
            pipeline.i_coin.eq(law.o_coin),
            pipeline.i_crowded.eq(law.o_crowded),
            self.tx.i_code.eq(law.o_code),
            *(getattr(self, name).eq(getattr(law, name)) for name in CONGESTION_STATS),
        ]

    def _selective(self, m):
        arbitrate, commit = self.arbitrate, self.commit
        lookup, ask, replayer, retirer = self.lookup, self.ask, self.replayer, self.retirer
        wiring.connect(m, commit.o_kept, self.rx.i_kept)
        wiring.connect(m, commit.o_look_job, lookup.i_job)
        wiring.connect(m, commit.o_looked, lookup.i_looked)
        wiring.connect(m, commit.o_ask_start, ask.i_start)
        wiring.connect(m, commit.o_asked, ask.i_asked)
        wiring.connect(m, commit.o_range, replayer.i_range)
        wiring.connect(m, commit.o_walk, replayer.i_walk)
        wiring.connect(m, commit.o_lag, retirer.i_lag)
        wiring.connect(m, lookup.o_look, arbitrate.i_look)
        wiring.connect(m, ask.o_ask, arbitrate.i_ask)
        wiring.connect(m, replayer.o_replay, arbitrate.i_replay)
        wiring.connect(m, retirer.o_retire, arbitrate.i_retire)
        wiring.connect(m, replayer.successor, self.lists.walk)
        wiring.connect(m, retirer.successor, self.lists.run)
        wiring.connect(m, retirer.o_walks, self.pipeline.i_retiring)
        m.d.comb += [
            # The slots of a list that was freed may be another link's by now.
            self.tx.i_passed.valid.eq(retirer.o_passed.valid & ~self.pipeline.o_cut),
            self.tx.i_passed.payload.eq(retirer.o_passed.payload),
            self.pipeline.i_kept_freed.eq(self.rx.o_kept_freed),
            self.pipeline.i_ask_over.eq(ask.o_over),
            retirer.i_retired.eq(commit.o_retired),
            self.pipeline.i_hopped.eq(replayer.o_hopped),
            retirer.i_walk.eq(replayer.successor.en),
        ]

    def _replay(self, m):
        lists = self.lists
        wiring.connect(m, self.commit.o_append, lists.i_append)
        wiring.connect(m, self.commit.o_free, lists.i_free)
        wiring.connect(m, self.pipeline.successor, lists.successor)
        m.d.comb += [
            lists.i_reading.eq(self.tx.o_reading),
            self.o_free_slots.eq(lists.o_free_count),
        ]

    def _transmit(self, m):
        tx, memory = self.tx, self.memory
        wiring.connect(m, self.commit.o_control, tx.i_control)
        wiring.connect(m, self.commit.o_payload, tx.i_payload)
        wiring.connect(m, self.commit.o_free, tx.i_free)
        wiring.connect(m, self.commit.o_withdraw, tx.i_withdraw)
        wiring.connect(m, tx.o_frame, wiring.flipped(self.o_mac))
        wiring.connect(m, tx.word, memory.word)
        wiring.connect(m, tx.length, memory.length)
        m.d.comb += tx.cfg_node.eq(self.cfg_node)
