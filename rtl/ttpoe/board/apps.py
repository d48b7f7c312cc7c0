"""Applications of a board, at the host streams of its port: `Echo`, `Traffic`, and the list of all.

An application has `i` and `o`, the streams of the three VCs, and members that its registers
(`registers.board_registers`) show or set, under the names of `register_file.port_name`.
"""

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..traffic.checker import TrafficChecker, TrafficError
from ..traffic.pattern import Lengths
from ..traffic.source import TrafficSource
from ..wires import with_init
from .app_streams import VCS, bytes_of, sent_back, streams
from .host_bridge import HostBridge

__all__ = ["APP_COMPONENTS", "Echo", "Traffic"]


class Echo(wiring.Component):
    """Every packet goes back to its source on the VC that it came on.

    Members
    -------
    i : In(stream of host beat), o : Out(stream of host beat), three of each
    echo_packets_value, echo_bytes_value : Out(32)
        Packets sent back, and their bytes.
    fault : Out(1)
        Never: the engine tells of its own.

    Timing: nothing is added; the counters one clock later, the bytes two.
    Reset: the counters are 0.
    """

    def __init__(self, config):
        super().__init__(
            {
                **streams(config),
                "echo_packets_value": Out(32),
                "echo_bytes_value": Out(32),
                "fault": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lengths, packets = [], []
        for vc, (arrived, sent) in enumerate(zip(self.i, self.o)):
            sent_back(m, arrived, sent)
            taken = sent.valid & sent.ready
            length = Signal(range(len(sent.p.keep) + 1), name=f"length_{vc}")
            m.d.sync += length.eq(Mux(taken, bytes_of(sent.p.keep), 0))
            lengths.append(length)
            packets.append(taken & sent.p.last)
        m.d.sync += [
            self.echo_packets_value.eq(self.echo_packets_value + sum(packets)),
            self.echo_bytes_value.eq(self.echo_bytes_value + sum(lengths)),
        ]
        return m


class Traffic(wiring.Component):
    """Packets that check themselves, sent to a node that sends them back, or sends the same; their
    round trip. VC 0 does so; 1 and 2 are echoes.

    Members
    -------
    i : In(stream of host beat), o : Out(stream of host beat), three of each
    traffic_control_* : In, traffic_node_node : In(24), traffic_seed_value : In(32),
    traffic_gap_mask : In(16), traffic_limit_packets : In(32)
        As the registers say.
    traffic_sent_value, traffic_received_value, traffic_bytes_value, traffic_clocks_value : Out(32)
    ping_last_value, ping_least_value, ping_most_value, ping_sum_value : Out(32)
    traffic_error_error : Out(3), traffic_error_beat : Out(7)
    traffic_error_number_value, traffic_error_found_value : Out(32)
        As the registers say.
    fault : Out(1)
        The checker found an error; until `traffic_control_reset`.

    Timing: a packet counts as received 2 clocks after its last beat. A beat per clock each way.

    Reset, also `traffic_control_reset`: source and checker begin anew, and figures are 0. A packet
    that the engine has half then goes on with packet 0 in its place: stop and wait until as many
    were received as sent before.
    """

    def __init__(self, config):
        self._config = config
        words = ("traffic_sent", "traffic_received", "traffic_bytes", "traffic_clocks")
        words += ("traffic_error_number", "traffic_error_found")
        words += ("ping_last", "ping_least", "ping_most", "ping_sum")
        super().__init__(
            {
                **streams(config),
                "traffic_control_enable": In(1),
                "traffic_control_reset": with_init(In, 1, init=1),
                "traffic_control_one": In(1),
                "traffic_control_lengths": In(2),
                "traffic_node_node": In(24),
                "traffic_seed_value": In(32),
                "traffic_gap_mask": In(16),
                "traffic_limit_packets": In(32),
                **{f"{name}_value": Out(32) for name in words},
                "traffic_error_error": Out(3),
                "traffic_error_beat": Out(7),
                "fault": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        for vc in range(1, VCS):
            sent_back(m, self.i[vc], self.o[vc])
        inner = Module()
        m.submodules.vc0 = ResetInserter(self.traffic_control_reset)(inner)
        inner.submodules.source = source = TrafficSource(self._config, 0)
        inner.submodules.checker = checker = TrafficChecker(self._config, 0)
        wiring.connect(inner, source.o, wiring.flipped(self.o[0]))
        wiring.connect(inner, wiring.flipped(self.i[0]), checker.i)
        for part in (source, checker):
            inner.d.comb += [
                part.cfg_seed.eq(self.traffic_seed_value),
                part.cfg_lengths.eq(Lengths(self.traffic_control_lengths)),
                part.cfg_node.eq(self.traffic_node_node),
            ]
        inner.d.comb += [
            source.cfg_gap_mask.eq(self.traffic_gap_mask),
            self.fault.eq(checker.o_error != TrafficError.NONE),
            self.traffic_error_error.eq(checker.o_error),
            self.traffic_error_beat.eq(checker.o_error_beat),
            self.traffic_error_number_value.eq(checker.o_error_number),
            self.traffic_error_found_value.eq(checker.o_error_found),
        ]
        waits = self._round_trips(inner, source, checker)
        self._count(inner, source, checker, waits)
        return m

    def _count(self, m, source, checker, waits):
        """How many packets have gone and come, how many may go, and how long it took."""
        ended = source.o.valid & source.o.ready & source.o.p.last
        left, started, elapsed = Signal(32), Signal(), Signal(32)
        with m.If(~started):
            m.d.sync += left.eq(self.traffic_limit_packets)
        with m.Elif(ended):
            m.d.sync += left.eq(left - 1)
        m.d.sync += started.eq(started | self.traffic_control_enable)
        may = (left != 0) & ~((left == 1) & source.o_busy)
        m.d.comb += source.i_enable.eq(self.traffic_control_enable & started & may & ~waits)
        with m.If(ended):
            m.d.sync += self.traffic_sent_value.eq(self.traffic_sent_value + 1)
        with m.If((elapsed != 0) | source.o.valid):
            m.d.sync += elapsed.eq(elapsed + 1)
        with m.If(checker.received):
            m.d.sync += [
                self.traffic_received_value.eq(self.traffic_received_value + 1),
                self.traffic_bytes_value.eq(self.traffic_bytes_value + checker.o_length_bytes),
                self.traffic_clocks_value.eq(elapsed),
            ]

    def _round_trips(self, m, source, checker):
        """Times a packet at a time; high while the next one may not begin."""
        outstanding, clocks = Signal(), Signal(32)
        with m.If(checker.received):
            m.d.sync += outstanding.eq(0)
        with m.Elif(source.o.valid):
            m.d.sync += outstanding.eq(1)
        m.d.sync += clocks.eq(Mux(outstanding, clocks + 1, 1))
        least, most, first = self.ping_least_value, self.ping_most_value, Signal(init=1)
        with m.If(checker.received & self.traffic_control_one):
            m.d.sync += [
                first.eq(0),
                self.ping_last_value.eq(clocks),
                self.ping_sum_value.eq(self.ping_sum_value + clocks),
            ]
            with m.If(first | (clocks < least)):
                m.d.sync += least.eq(clocks)
            with m.If(clocks > most):
                m.d.sync += most.eq(clocks)
        return self.traffic_control_one & Cat(source.o.valid, source.o_busy, outstanding).any()


APP_COMPONENTS = {"echo": Echo, "traffic": Traffic, "bridge": HostBridge}
"""Application -> its component, a function of the configuration."""
