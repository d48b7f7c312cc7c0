"""Timing diagrams of the blocks, from two runs: a list of lanes and a moment for each.

`walk` is the run `walk_through` of two engines, `nic` the run `registers` of two managed NICs, both
of the preset `tiny`. `pictures.py` makes the files.
"""

from bisect import bisect_left

from ttpsim.pages.stages import stage_lane
from ttpsim.views.timing import Lane, diagram
from ttpverif.check.trace import ACTIONS, EVENTS

__all__ = ["Moments", "nic_pictures", "walk_pictures"]


class Moments:
    """Cycles at which something happens, found in the waveform."""

    def __init__(self, dump):
        self._dump = dump
        self._edges = [time for time, value in dump.changes("pair.clk") if value == 1]
        cycle_of = dump.sampler("pair.cycle")
        cycles = (cycle_of(time - 1) for time in self._edges)
        self._cycles = [cycle + 1 if isinstance(cycle, int) else 0 for cycle in cycles]

    def clocks(self):
        """`(time of the rising edge, cycle)` of every clock."""
        return zip(self._edges, self._cycles)

    def of(self, x, event=None, action=None, nth=0):
        """The cycle of the `nth` record of engine `x` with that event and action."""
        actions, events, valid = (
            self._dump.sampler(f"pair.{x}_trace_{name}") for name in ("action", "event", "valid")
        )
        found = [
            cycle
            for edge, cycle in zip(self._edges, self._cycles)
            if valid(edge - 1) == 1
            and event in (None, EVENTS[events(edge - 1)])
            and action in (None, ACTIONS[actions(edge - 1)])
        ]
        return found[nth]

    def records(self, x, *fields):
        """`(cycle, value of each field)` of every record of engine `x`."""
        valid, *values = (
            self._dump.sampler(f"pair.{x}_trace_{name}") for name in ("valid", *fields)
        )
        for edge, cycle in self.clocks():
            if valid(edge - 1) == 1:
                yield cycle, *(value(edge - 1) for value in values)

    def rise(self, path, x, nth=0):
        """The cycle in which the bit becomes 1 for the `nth` time."""
        times = [
            time for time, value in self._dump.changes(self._dump.resolve(path, x)) if value == 1
        ]
        return self._cycles[bisect_left(self._edges, times[nth] + 1)]


def _bits(prefix, *names):
    return [Lane(name, f"{prefix}{path}") for name, path in names]


def _value(label, path, when, colour="", kind="number"):
    return Lane(label, path, kind, when, colour)


_Q0, _Q1, _Q2, _Q3 = (
    stage_lane(stage) for stage in ("Q0 join", "Q1 read", "Q2 guards", "Q3 finish")
)
_DOOR = stage_lane("Q0 door")
_FOUND, _OUT = "@pipeline.read.o_found__payload.tag", "@pipeline.decide.o_outcome"
_DECIDED = "@pipeline.successor__used"  # an event is in Q2's last clock
_ACTION = Lane("action", f"{_OUT}.action", "action", _DECIDED, "orange", True)


def _q2(label, field, kind="number"):
    return Lane(label, f"{_FOUND}.{field}", kind, "@pipeline.read.o_found__valid", "", True)


def _sources(*sources):
    return [
        Lane(f"{label} {part}", f"@arbitrate.i_{name}__{part}")
        for label, name in sources
        for part in ("valid", "ready")
    ]


# fmt: off
def walk_pictures(dump):
    """`{name: WaveDrom source}` from the run `walk_through`."""
    at = Moments(dump)
    first_in = at.of("b", "RX_PAYLOAD", "DELIVER")
    gap, fills = at.of("b", action="KEEP_NACK"), at.of("b", action="DELIVER_LOOK", nth=1)
    nack, ack = at.of("a", action="NACK_RANGE"), at.of("a", "RX_ACK", nth=-1)
    host = at.of("a", "HOST_PAYLOAD")
    sent = at.rise("@tx.reader.i__valid", "a")
    push = at.rise("@ready_queues.i_push__valid", "a")
    visit = at.rise("@timer.o_visit__valid", "a")
    retire = at.rise("@retirer.o_retire__valid", "a")

    def picture(title, x, first, last, *groups):
        return diagram(dump, title, [(name, x, lanes) for name, lanes in groups], first, last)

    parsed = "@rx.o_parsed__payload"
    return {
        "block-rx-parser": picture(
            "the PAYLOAD of 100 bytes with ID 2 arrives", "b", first_in - 34, first_in - 11,
            ("i_frame", [Lane("valid", "@rx.parser.i_frame__valid"),
                         Lane("last", "pair.{x}_s_mac_rx_tlast_core"),
                         _value("beat", "@rx.parser.index", "@rx.parser.i_frame__valid")]),
            ("o_write", [Lane("valid", "@rx.parser.o_write__valid"),
                         _value("beat", "@rx.parser.o_write__payload.beat",
                                "@rx.parser.o_write__valid", "green")]),
            ("verdict", [Lane("frame_ended", "@rx.parser.frame_ended"),
                         Lane("o_parsed", "", [("", f"{parsed}.opcode", "opcode"),
                                               ("", f"{parsed}.tx_id", "number")],
                              "@rx.o_parsed__valid", "blue")])),
        "block-rx-memory": picture(
            "the end of that PAYLOAD, and its header event", "b", first_in - 20, first_in + 3,
            ("pool", [Lane("slot there", "@rx.pool.slot_ready"),
                      _value("slot", "@rx.pool.slot", "@rx.pool.slot_ready"),
                      Lane("taken", "@rx.pool.take")]),
            ("memory", [_value("write beat", "@rx.memory.i_write__payload.beat",
                               "@rx.memory.i_write__valid", "green"),
                        Lane("describe", "@rx.memory.i_describe__valid")]),
            ("event", [Lane("valid", "@rx.events.o__valid"),
                       Lane("ready", "@rx.events.o__ready"), _Q0]),
            ("verdict", [Lane("valid", "@rx.i_verdict__valid")])),
        "block-rx-deliver": picture(
            "the verdict, and the payload at the host", "b", first_in - 3, first_in + 18,
            ("verdict", [Lane("valid", "@rx.deliver.i_verdict__valid")]),
            ("read", [Lane("read", "@rx.deliver.beat__en"),
                      _value("slot", "@rx.deliver.beat__addr.slot", "@rx.deliver.beat__en"),
                      _value("beat", "@rx.deliver.beat__addr.beat", "@rx.deliver.beat__en", "green")]),
            ("o_host2", [Lane("valid", "pair.{x}_m_host_rx2_tvalid"),
                         Lane("ready", "pair.{x}_m_host_rx2_tready"),
                         Lane("last", "pair.{x}_m_host_rx2_tlast"),
                         _value("ID", "@o_host__2__payload.id", "pair.{x}_m_host_rx2_tvalid",
                                "green")]),
            ("slot", [Lane("delivered", "@rx.deliver.o_delivered__valid")])),
        "block-q0": picture(
            "an ACK of five packets, and what follows in the background", "a", ack - 13, ack + 14,
            ("sources", _sources(("received", "rx"), ("retire", "retire"), ("visit", "visit__2"),
                                 ("timer", "timer"))),
            ("Q0", [_Q0, Lane("one aside", "@pipeline.interlock.o_aside__valid"), _DOOR])),
        "block-q1": picture(
            "one tag, read and written again", "a", ack - 9, ack + 20,
            ("pipeline", [_DOOR, _Q1, _Q2, _Q3]),
            ("table", [Lane("set read", "@pipeline.interlock.o_event__payload.row", "number",
                            "@pipeline.interlock.o_event__valid", "blue", True),
                       *_bits("@pipeline.table.", ("changed", "i_change"),
                              ("key written", "keys.o_writes")),
                       _value("way 0 forwarded", "@pipeline.table.keys.forwards0",
                              "@pipeline.table.i_valid", "green")])),
        "block-q2": picture(
            "packet 6 arrives, 4 and 5 are missing", "b", gap - 6, gap + 2,
            ("Q2", [_Q2, stage_lane("Q2 rules"), stage_lane("Q2 new tag"),
                    Lane("TxID", "@pipeline.read.o_found__payload.event.tx_id", "number",
                         "@pipeline.read.o_found__valid", "", True)]),
            ("tag found", [_q2("state", "state", "state"), _q2("last in order", "received"),
                           _q2("gap", "gap"), _q2("youngest noted", "seen"),
                           _q2("kept", "kept")]),
            ("outcome", [_ACTION, _value("sends", f"{_OUT}.frame", _DECIDED),
                         _value("opcode", f"{_OUT}.opcode", _DECIDED, "blue", "opcode")])),
        "block-q3": picture(
            "packet 5 fills the gap: what Q3 hands out", "b", fills - 2, fills + 26,
            ("Q3", [_Q3, Lane("action", "pair.{x}_trace_action", "action", "pair.{x}_trace_valid",
                              "orange", True)]),
            ("handed out", _bits("@commit.", ("verdict", "o_verdict__valid"),
                                 ("look-up begins", "o_look_job__valid"),
                                 ("look-up's answer", "o_looked__valid"),
                                 ("control frame", "o_control__valid"))),
            ("frame", [Lane("opcode", "@commit.o_control__payload.opcode", "opcode",
                            "@commit.o_control__valid", "blue")])),
        "block-ready": picture(
            "the link has something to send", "a", push - 5, push + 22,
            ("push", [Lane("valid", "@ready_queues.i_push__valid"),
                      _value("link", "@ready_queues.i_push__payload.lid",
                             "@ready_queues.i_push__valid")]),
            ("o_visit2", [Lane("valid", "@ready_queues.o_visit__2__valid"),
                          Lane("ready", "@ready_queues.o_visit__2__ready"),
                          _value("link", "@ready_queues.o_visit__2__payload",
                                 "@ready_queues.o_visit__2__valid", "green")]),
            ("pipeline", [_Q0, _Q3])),
        "block-replay-memory": picture(
            "the host's first packet of 100 bytes is written", "a", host - 26, host,
            ("write", [Lane("valid", "@replay_memory.i_write__valid"),
                       _value("slot", "@replay_memory.i_write__payload.slot",
                              "@replay_memory.i_write__valid"),
                       _value("beat", "@replay_memory.i_write__payload.beat",
                              "@replay_memory.i_write__valid", "green"),
                       Lane("last", "@replay_memory.i_write__payload.last")]),
            ("lists", [_value("free slot", "@slot_lists.o_slot__payload",
                              "@slot_lists.o_slot__valid"),
                       Lane("taken", "@slot_lists.o_slot__ready"),
                       Lane("free slots", "@slot_lists.o_free_count", "number")])),
        "block-replay-read": picture(
            "it is read: one beat ahead, the rest when the frame has begun", "a", sent - 3,
            sent + 22,
            ("read", [Lane("word read", "@tx.reader.o__valid"),
                      _value("slot", "@replay_memory.word__addr.slot", ""),
                      _value("beat", "@replay_memory.word__addr.beat", "",
                             "red")]),
            ("length", [Lane("read", "@replay_memory.length__en"),
                        Lane("bytes", "@replay_memory.length__data", "number")])),
        "block-replay-lists": picture(
            "slots become free", "a", ack - 3, ack + 22,
            ("pipeline", [_Q3]),
            ("free", [Lane("valid", "@slot_lists.i_free__valid"),
                      _value("first", "@slot_lists.i_free__payload.head",
                             "@slot_lists.i_free__valid"),
                      _value("count", "@slot_lists.i_free__payload.count",
                             "@slot_lists.i_free__valid"),
                      Lane("free slots", "@slot_lists.o_free_count", "number")])),
        "block-replayer": picture(
            "NACK(4..5): 4 goes at once, 5 is looked for", "a", nack - 2, nack + 32,
            ("range", [Lane("valid", "@replayer.i_range__valid"),
                       Lane("IDs", "", [("", "@replayer.i_range__payload.first", "number"),
                                        (" to ", "@replayer.i_range__payload.last", "number")],
                            "@replayer.i_range__valid", "blue")]),
            ("walk", [Lane("state", "@replayer.replayer_state", "replayer", colour="green"),
                      Lane("SEEK answered", "@replayer.i_walk__valid"),
                      Lane("slot", "@replayer.slot", "number")]),
            ("o_replay", [Lane("valid", "@replayer.o_replay__valid"),
                          Lane("ready", "@replayer.o_replay__ready")]),
            ("pipeline", [_Q0, _Q3])),
        "block-retirer": picture(
            "slots that were acknowledged together are freed in one run", "a", retire - 4,
            retire + 24,
            ("lag", [Lane("valid", "@retirer.i_lag__valid"),
                     _value("count", "@retirer.i_lag__payload.count", "@retirer.i_lag__valid")]),
            ("retirer", [Lane("left", "@retirer.left", "number"),
                         Lane("valid", "@retirer.o_retire__valid"),
                         Lane("ready", "@retirer.o_retire__ready")]),
            ("pipeline", [_Q3])),
        "block-reorder": picture(
            "the look-up after packet 5", "b", fills - 3, fills + 26,
            ("look-up", [Lane("state", "@lookup.lookup_state", "lookup", colour="green"),
                         Lane("valid", "@lookup.o_look__valid"),
                         Lane("ready", "@lookup.o_look__ready"),
                         _value("ID", "@lookup.o_look__payload.id", "@lookup.o_look__valid")]),
            ("answer", [Lane("valid", "@lookup.i_looked__valid"),
                        _value("next ID", "@lookup.i_looked__payload.id",
                               "@lookup.i_looked__valid", "blue"),
                        _value("kept", "@lookup.i_looked__payload.hit",
                               "@lookup.i_looked__valid")]),
            ("Q3", [Lane("action", "pair.{x}_trace_action", "action", "pair.{x}_trace_valid",
                         "orange", True)])),
        "block-timer": picture(
            "a visit; TIMER_TICK is 200", "a", visit - 4, visit + 14,
            ("o_visit", [Lane("valid", "@timer.o_visit__valid"),
                         Lane("ready", "@timer.o_visit__ready"),
                         _value("link", "@timer.o_visit__payload", "@timer.o_visit__valid",
                                "green"),
                         Lane("clocks", "@timer.clocks", "number"),
                         Lane("o_round", "@timer.o_round")]),
            ("pipeline", [_Q0, _Q3])),
        "block-tx-host": picture(
            "the host's first packet of 100 bytes", "a", host - 27, host + 3,
            ("i_host2", [Lane("valid", "pair.{x}_s_host_tx2_tvalid_core"),
                         Lane("ready", "@slot_writer.i_host__2__ready"),
                         Lane("last", "pair.{x}_s_host_tx2_tlast_core")]),
            ("slot", [Lane("offered", "@slot_writer.i_slot__valid"),
                      Lane("taken", "@slot_writer.i_slot__ready"),
                      Lane("held", "@slot_writer.port2.holds_slot")]),
            ("o_write", [_value("beat", "@slot_writer.o_write__payload.beat",
                                "@slot_writer.o_write__valid", "green")]),
            ("event", [Lane("valid", "@slot_writer.o_event__2__valid"),
                       Lane("ready", "@slot_writer.o_event__2__ready"), _Q0, _Q3])),
        "block-tx-builder": picture(
            "the first PAYLOAD of 100 bytes", "a", sent - 4, sent + 26,
            ("queue", [Lane("in", "@tx.queue.i__valid"),
                       Lane("out", "@tx.queue.o__valid"), Lane("taken", "@tx.queue.o__ready")]),
            ("slot reader", [Lane("frame", "@tx.reader.i__valid"),
                             _value("beat", "@tx.reader.word__addr.beat", "",
                                    "red"),
                             Lane("word valid", "@tx.reader.o__valid"),
                             Lane("word ready", "@tx.reader.o__ready")]),
            ("o_frame", [Lane("valid", "pair.{x}_m_mac_tx_tvalid"),
                         Lane("ready", "@tx.builder.o_frame__ready"),
                         Lane("last", "pair.{x}_m_mac_tx_tlast"),
                         Lane("frame", "@tx.builder.kept.opcode", "opcode",
                              "pair.{x}_m_mac_tx_tvalid", "blue")])),
    }


def nic_pictures(dump):
    """`{name: WaveDrom source}` from the run `registers` of two managed NICs."""
    at = Moments(dump)
    os_out = at.rise("pair.{x}_m_os_rx_tvalid", "b")
    os_in = at.rise("pair.{x}_s_os_tx_tvalid_core", "a")
    read, write = (at.rise(f"pair.{{x}}_s_axil_{channel}valid", "a") for channel in ("ar", "aw"))
    path, csr = "pair.{x}.core.nic.os_path", "pair.{x}.core.csr"

    def axil(*names):
        return [Lane(name, f"pair.{{x}}_s_axil_{name}") for name in names]

    return {
        "block-nic-rx": diagram(dump, "an ARP frame arrives", [
            ("MAC", "b", [Lane("valid", "pair.{x}_s_mac_rx_tvalid_core"),
                          Lane("last", "pair.{x}_s_mac_rx_tlast_core")]),
            ("engine", "b", [Lane("other EtherType", "@rx.parser.other_ethertype"),
                             Lane("dropped as such", "@rx.parser.stat_rx_other_ethertype")]),
            ("classifier", "b", [Lane("out valid", f"{path}.rx_classifier.o__valid"),
                                 Lane("out last", f"{path}.rx_classifier.o__payload.last"),
                                 Lane("bad", f"{path}.rx_classifier.o__payload.error")]),
            ("buffer", "b", [Lane("kept", f"{path}.kept")]),
            ("OS", "b", [Lane("valid", "pair.{x}_m_os_rx_tvalid"),
                         Lane("ready", "pair.{x}_m_os_rx_tready"),
                         Lane("last", "pair.{x}_m_os_rx_tlast")])], os_out - 13, os_out + 10),
        "block-nic-tx": diagram(dump, "an ARP frame leaves", [
            ("OS", "a", [Lane("valid", "pair.{x}_s_os_tx_tvalid_core"),
                         Lane("ready", f"{path}.i_os__ready"),
                         Lane("last", "pair.{x}_s_os_tx_tlast_core")]),
            ("TxMerge", "a", [Lane("TTP valid", "pair.{x}.core.nic.tx_merge.i_ttp__valid"),
                              Lane("TTP ready", "pair.{x}.core.nic.tx_merge.i_ttp__ready"),
                              Lane("OS valid", "pair.{x}.core.nic.tx_merge.i_os__valid"),
                              Lane("OS ready", "pair.{x}.core.nic.tx_merge.i_os__ready")]),
            ("MAC", "a", [Lane("valid", "pair.{x}_m_mac_tx_tvalid"),
                          Lane("last", "pair.{x}_m_mac_tx_tlast")])], os_in - 2, os_in + 28),
        "block-csr-read": diagram(dump, "a register is read", [
            ("address", "a", [*axil("arvalid", "arready"),
                              Lane("araddr", "pair.{x}_s_axil_araddr", "hex",
                                   "pair.{x}_s_axil_arvalid", "yellow")]),
            ("block", "a", [Lane("start", f"{csr}.o_start"), Lane("done", f"{csr}.i_done")]),
            ("data", "a", [*axil("rvalid", "rready"),
                           Lane("rdata", "pair.{x}_s_axil_rdata", "hex",
                                "pair.{x}_s_axil_rvalid", "green")])], read - 2, read + 9),
        "block-csr-write": diagram(dump, "a register is written", [
            ("address", "a", [*axil("awvalid", "awready"),
                              Lane("awaddr", "pair.{x}_s_axil_awaddr", "hex",
                                   "pair.{x}_s_axil_awvalid", "yellow")]),
            ("data", "a", [*axil("wvalid", "wready"),
                           Lane("wdata", "pair.{x}_s_axil_wdata", "hex",
                                "pair.{x}_s_axil_wvalid", "green")]),
            ("block", "a", [Lane("start", f"{csr}.o_start"), Lane("done", f"{csr}.i_done")]),
            ("answer", "a", axil("bvalid", "bready"))], write - 2, write + 9),
    }
# fmt: on
