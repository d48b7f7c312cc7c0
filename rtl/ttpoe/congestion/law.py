"""`Law`: what the law of congestion makes of each event, link by link (decisions K4, K7, K8, K10).

Behind Q3, with a memory of its own, so that nothing of it lies in the loop of Q2. Events of one link
enter the pipeline 6 clocks apart or more (`pipeline.interlock`). The law reads a link's word, makes
a new one and writes it in six clocks: so the next event of that link finds what the last one left.
"""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..link.fsm import Action
from ..memory.protected import COLLISION_UNDEFINED, ERRORS, errors_of, protected_memory, report
from ..pipeline.records import committed_layout
from ..protocol import DATA
from .heard import heard_layout, meaning
from .pace import Pace
from .state import gate_layout, law_layout, read_code, state_layout
from .window import Differences, Window

__all__ = ["INSPECT_CLOCKS", "STATS", "Law"]

INSPECT_CLOCKS = 6
"""From the clock in which no event's tag is read to the clock in which none asks the law's memory."""

STATS = {"stat_window_cut": "a round trip was long, and the window of a link was made smaller"}


class Law(wiring.Component):
    """The law's memory, and what becomes of a link's word.

    Members
    -------
    i_done : In(event of `committed_layout`)
        The event in Q3.
    i_sent_id : In(count_bits)
        One clock later: the lowest bits of the ID of the PAYLOAD that it sends.
    i_now : In(16)
        See `line_clock`.
    i_limit : In(5)
        See `backlog`.
    i_row : In(row_bits), o_free : Out(ways)
        A row of the link table; two clocks later which of its two links may send at once (K9).
    i_gate : In(data_bits), o_gate : Out(gate word)
        A link; one clock later what the gate asks of it.
    i_inspect : In(event of lid), o_inspected : Out(event of state)
        Read-out of a link's word. It is asked for in the gap between events in which the tag is
        read out (`pipeline.i_inspect`): that gap reaches the law's memory `INSPECT_CLOCKS` later.
        The word comes one clock after that. If it is just being written, it is read in the next
        clock in which no event asks.
    o_links : Out(data_bits + 1)
        Links that are counted.
    o_packet, o_new_gap : Out(1)
        See `backlog`.
    o_long : Out(1)
        A sample was long.
    o_ready : Out(1)
        The memories have been swept after reset, a word a clock.
    o_law : Out(event of law)
        One record for each event, 6 clocks behind `i_done`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    stat_* : Out(1)
        See `STATS`.

    Timing, by the event's clock: 0 `i_done`; 1 the memory is asked; 2 it answers; 3 differences; 4
    the window; 5 the rest; 6 all is written. One event per clock; those of one link 6 clocks apart.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_done": In(event_signature(committed_layout(config))),
                "i_sent_id": In(config.count_bits),
                "i_now": In(16),
                "i_limit": In(5),
                "i_row": In(config.row_bits),
                "o_free": Out(config.WAYS),
                "i_gate": In(config.data_bits),
                "o_gate": Out(gate_layout()),
                "i_inspect": In(event_signature(config.lid_bits)),
                "o_inspected": Out(event_signature(state_layout(config))),
                "o_links": Out(config.data_bits + 1),
                "o_packet": Out(1),
                "o_new_gap": Out(1),
                "o_long": Out(1),
                "o_ready": Out(1),
                "o_law": Out(event_signature(law_layout(config))),
                "o_errors": Out(ERRORS),
                **{name: Out(1) for name in STATS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        self._memories(m)
        names = "abcdef"
        heard = [Signal(heard_layout(config), name=f"{n}_heard") for n in names]
        events = [Signal(name=f"{n}_event") for n in names]  # an event, of whatever link
        touched = [Signal(name=f"{n}_touched") for n in names]
        self.asks = events[0]  # the memory, for an event
        self._listen(m, heard[0], events[0], touched[0])
        for line in (events, heard, touched):
            m.d.sync += [after.eq(before) for before, after in zip(line, line[1:])]
        self._prepare(m, heard, touched)
        pace = self._decide(m, heard, touched)
        self._write(m, heard[5], pace, events[5], touched[5])
        return m

    # ---- memories ------------------------------------------------------------------------------

    def _memories(self, m):
        config = self._config
        links, ways = config.data_links, config.WAYS

        def memory(name, shape, depth, attrs):
            m.submodules[name] = words = protected_memory(
                config.protect, shape=shape, depth=depth, init=[], attrs=attrs
            )
            return words.write_port(), words.read_port()

        self.state_write, self.state_read = memory(
            "states", state_layout(config), links, COLLISION_UNDEFINED
        )
        self.gate_write, gate_read = memory("gates", gate_layout(), links, None)
        free = [memory(f"free{way}", 1, links // ways, None) for way in range(ways)]
        self.free_write = [write for write, _ in free]
        sweep = Signal(range(links))
        with m.If(~self.o_ready):
            m.d.sync += [sweep.eq(sweep + 1), self.o_ready.eq(sweep == links - 1)]
        self.sweep = sweep
        m.d.comb += [
            gate_read.addr.eq(self.i_gate),
            gate_read.en.eq(1),
            self.o_gate.eq(gate_read.data),
            *(read.addr.eq(self.i_row[: config.data_bits - 1]) for _, read in free),
            *(read.en.eq(1) for _, read in free),
        ]
        used = Signal()  # what is read is looked at
        m.d.sync += [self.o_free.eq(Cat(read.data for _, read in free)), used.eq(self.o_ready)]
        report(
            m,
            config.protect,
            self.o_errors,
            errors_of(self.state_read, used),
            errors_of(gate_read, used),
            *(errors_of(read, used) for _, read in free),
        )

    # ---- clock 0 to 2 --------------------------------------------------------------------------

    def _listen(self, m, heard, event_valid, touched):
        """What of the event in Q3 the law needs."""
        done = self.i_done.payload
        m.d.sync += [
            event_valid.eq(self.i_done.valid),
            touched.eq(self.i_done.valid & done.owns & (done.vc == DATA)),
            *meaning(self._config, done, heard),
        ]
        # A NACK says that the packet behind its range has come.
        self.behind = Signal()
        m.d.sync += self.behind.eq(done.outcome.action.as_value().matches(Action.NACK_RANGE))

    def _prepare(self, m, heard, touched):
        """The memory is asked, and answers; what a new code means."""
        a, b = heard[0], heard[1]
        links, gap = read_code(a.code)
        m.d.comb += [links, self.state_read.addr.eq(a.index), self.state_read.en.eq(1)]
        wait = Signal(range(INSPECT_CLOCKS + 1))
        self.inspects = Signal()  # no event asks in this clock
        inspected = Signal(self._config.data_bits)
        with m.If(self.i_inspect.valid):
            m.d.sync += [wait.eq(INSPECT_CLOCKS), inspected.eq(self.i_inspect.payload)]
        with m.Elif((wait > 1) | self.inspects):
            m.d.sync += wait.eq(wait - 1)
        # Nor is that word just being written: else it waits for another such clock.
        written = touched[-1] & (heard[-1].index == inspected)
        m.d.comb += self.inspects.eq((wait == 1) & ~self.asks & ~written)
        with m.If(self.inspects):
            m.d.comb += self.state_read.addr.eq(inspected)
        m.d.sync += self.o_inspected.valid.eq(self.inspects)
        m.d.comb += self.o_inspected.payload.eq(self.state_read.data)
        self.new_links, self.new_gap = Signal(15), Signal(15)
        self.sent_id = [Signal(len(a.key), name=f"sent_id_{n}") for n in "bc"]
        self.now_3 = Signal(14)
        self.old = Signal(state_layout(self._config))  # clock 3
        self.now = Signal(16)
        m.d.sync += [
            b.key.eq(a.key + self.behind),
            self.new_links.eq(gap),
            self.new_gap.eq(
                Mux(
                    self.new_links == 16,
                    0,
                    self.new_links + (self.new_links >> 4) + (self.new_links >> 6),
                )
            ),
            self.sent_id[0].eq(self.i_sent_id),
            self.sent_id[1].eq(self.sent_id[0]),
            self.old.eq(self.state_read.data),
            self.now.eq(self.i_now),
            self.now_3.eq(self.i_now + 3),
        ]

    # ---- clock 3 to 5 --------------------------------------------------------------------------

    def _decide(self, m, heard, touched):
        """The stages, each from what the one before has left."""
        config, (_, _, c, d, e, _) = self._config, heard
        found = Differences(
            m,
            config,
            c,
            old=self.old,
            now=self.now,
            now_3=self.now_3,
            new_gap=self.new_gap,
            sent_id=self.sent_id[1],
        )
        window = Window(
            m,
            config,
            d,
            found,
            touched=touched[3],
            limit=self.i_limit,
            o_long=self.o_long,
            o_cut=self.stat_window_cut,
        )
        outputs = dict(o_packet=self.o_packet, o_new_gap=self.o_new_gap)
        pace = Pace(m, config, e, window, touched=touched[4], sweeps=~self.o_ready, **outputs)
        counted = window.state.counted
        with m.If(touched[4] & (counted != window.was_counted)):
            m.d.sync += self.o_links.eq(self.o_links + Mux(counted, 1, -1))
        return pace

    # ---- clock 6 -------------------------------------------------------------------------------

    def _write(self, m, f, pace, event_valid, touched):
        config, state, record = self._config, pace.state, self.o_law.payload
        sweeps = ~self.o_ready
        for port, value in ((self.state_write, state), (self.gate_write, pace.gate)):
            m.d.comb += [
                port.addr.eq(Mux(sweeps, self.sweep, f.index)),
                port.data.eq(value.as_value()),
                port.en.eq(sweeps | touched),
            ]
        for way, port in enumerate(self.free_write):
            m.d.comb += [
                port.addr.eq(Mux(sweeps, self.sweep[1:], f.index[1:])),
                port.data.eq(pace.free),
                port.en.eq(sweeps | (touched & (f.index[0] == way))),
            ]
        m.d.comb += [
            self.o_law.valid.eq(event_valid),
            record.touched.eq(touched),
            record.lid.eq(f.lid),
            record.now.eq(pace.now),
            record.controlled.eq(f.controlled),
            record.free.eq(pace.free),
            record.links.eq(self.o_links),
            *(
                record[name].eq(state[name])
                for name in law_layout(config).members
                if name in state_layout(config).members
            ),
        ]
