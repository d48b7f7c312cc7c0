"""`Law`: what the law of congestion makes of each event, link by link (decisions K4, K7, K8, K10).

Behind Q3, with a memory of its own, so that nothing of it lies in the loop of Q2. Events of one link
enter the pipeline 6 clocks apart or more (`pipeline.interlock`). The law reads a link's word, makes
a new one and writes it in six clocks: so the next event of that link finds what the last one left.
"""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..link.effects import EFFECTS
from ..link.fsm import Action, Event, LinkState
from ..memory.protected import COLLISION_UNDEFINED, ERRORS, errors_of, protected_memory, report
from ..pipeline.records import committed_layout
from ..protocol import DATA, Opcode
from .state import UNKNOWN, gate_layout, law_layout, read_code, state_layout

__all__ = ["CUT", "INSPECT_CLOCKS", "LONG", "STATS", "Law"]

CUT, LONG = 160, 128
"""Delays beyond the shortest round trip, in 4 U: from here on the window shrinks, the engine is slow."""

_START = 2  # the window of a link that begins
_PACED = 640 >> 7  # from such a gap on a link is slow by that alone, in 128 U

INSPECT_CLOCKS = 8
"""From the clock in which no event enters to the clock in which none asks the law's memory."""
_AGAIN = 2  # time-outs in a row, or idle rounds, after which the shortest round trip is unknown

STATS = {"stat_window_cut": "a round trip was long, and the window of a link was made smaller"}

_ARRIVES = [action for action, effects in EFFECTS.items() if effects.arrives]
_HEARS = [action for action, effects in EFFECTS.items() if effects.hears]
_NEW_GAP = (Action.NACK_GAP, Action.NACK_ALL, Action.KEEP_NACK)
_TIMES_OUT = (Action.REPLAY, Action.REPLAY_NACK)
_CANCELS = (Action.HOLD, Action.RETIRE_REPLAY, Action.CLOSE_NOT_YET, *_TIMES_OUT)


def _heard_layout(config):
    """What an event means for the law."""
    return data.StructLayout(
        {
            "index": config.data_bits,
            "lid": config.lid_bits,
            "controlled": 1,
            "begins": 1,  # the link ended, was opened, or our side became a new incarnation ...
            "answered": 1,  # ... that answers an OPEN, and is controlled
            "arrives": 1,
            "backlogged": 1,  # ... and there is more where it came from
            "new_gap": 1,
            "hears": 1,
            "code": 8,
            "key": config.count_bits,  # an ID that the peer has, for certain ...
            "keyed": 1,  # ... if this is set
            "past": config.count_bits,  # everything up to here is acknowledged
            "passes": 1,
            "sends": 1,  # a PAYLOAD goes out ...
            "first": 1,  # ... for the first time
            "times_out": 1,
            "second": 1,  # ... not for the first time in a row
            "slow": 1,  # ... while round trips are long
            "idle": 1,
            "visited": 1,  # by the timer
            "cancels": 1,
            "current": config.count_bits,  # position of what is to be sent next
            "waits": 1,  # there is something
        }
    )


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
        Read-out of a link's word. It is asked for when the pipeline's door lets an event out for
        the read-out of the tag (`pipeline.i_inspect`): that gap reaches the law's memory
        `INSPECT_CLOCKS` later. The word comes one clock after that. If it is just being written, it
        is read in the next clock in which no event asks.
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
        heard = [Signal(_heard_layout(config), name=f"{n}_heard") for n in names]
        events = [Signal(name=f"{n}_event") for n in names]  # an event, of whatever link
        touched = [Signal(name=f"{n}_touched") for n in names]
        self.asks = events[0]  # the memory, for an event
        self._listen(m, heard[0], events[0], touched[0])
        for line in (events, heard, touched):
            m.d.sync += [after.eq(before) for before, after in zip(line, line[1:])]
        self._prepare(m, heard, touched)
        self._differences(m, heard[2])
        self._window(m, heard[3], touched[3])
        self._rest(m, heard[4], touched[4])
        self._write(m, heard[5], events[5], touched[5])
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
        event, outcome, tag = done.event, done.outcome, done.tag
        bits = self._config.count_bits

        def took(*actions):
            return outcome.action.as_value().matches(*actions)

        ended = tag.state == LinkState.CLOSED
        payload = outcome.frame & (outcome.opcode == Opcode.PAYLOAD)
        first = outcome.sends & outcome.first_sent
        timer = event.event == Event.TIMER
        m.d.sync += [
            event_valid.eq(self.i_done.valid),
            touched.eq(self.i_done.valid & done.owns & (done.vc == DATA)),
            heard.index.eq(done.lid),
            heard.lid.eq(done.lid),
            # While our OPEN is under way the tag says only that it offers control.
            heard.controlled.eq(tag.controlled & ~ended & (tag.state != LinkState.OPEN_SENT)),
            heard.begins.eq(ended | outcome.stepped | took(Action.OPENED)),
            heard.answered.eq(
                outcome.stepped & (event.event == Event.RX_OPEN) & tag.controlled & ~ended
            ),
            heard.arrives.eq(took(*_ARRIVES)),
            heard.backlogged.eq(event.congestion[0] | tag.gap | ~tag.controlled),
            heard.new_gap.eq(took(*_NEW_GAP)),
            heard.hears.eq(took(*_HEARS) & tag.controlled & event.congestion[4:].any()),
            heard.code.eq(event.congestion),
            heard.key.eq(Mux(took(Action.RETIRE), event.rx_id[:bits], event.tx_id[:bits])),
            heard.keyed.eq(
                took(Action.RETIRE, Action.NOTED) | (took(Action.NACK_RANGE) & ~outcome.clip_end)
            ),
            heard.past.eq(event.rx_id),
            heard.passes.eq(took(Action.RETIRE)),
            heard.sends.eq(payload),
            heard.first.eq(payload & first),
            heard.times_out.eq(took(*_TIMES_OUT)),
            heard.second.eq(tag.retries >= _AGAIN),
            heard.slow.eq(outcome.slow),
            heard.idle.eq(
                timer & (tag.state == LinkState.OPEN) & (tag.alloc == 0) & (tag.retries >= _AGAIN)
            ),
            heard.visited.eq(timer),
            heard.cancels.eq(took(*_CANCELS)),
            heard.current.eq(tag.current),
            heard.waits.eq(tag.current != tag.alloc),
        ]
        # A NACK says that the packet behind its range has come.
        self.behind = Signal()
        m.d.sync += self.behind.eq(took(Action.NACK_RANGE))

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

    # ---- clock 3: differences ------------------------------------------------------------------

    def _differences(self, m, c):
        config, old = self._config, self.old
        bits = config.count_bits
        self.d_old = d_old = Signal(state_layout(config))
        self.d_gap = d_gap = Signal(15)
        self.d_late = d_late = Signal(16)  # time since the next packet might have gone
        self.d_round = d_round = Signal(12)  # the sample
        self.d_now = d_now = Signal(16)
        self.d_hit = Signal()  # a sample
        self.d_over = Signal()  # the timing is over without one
        self.d_starts = Signal()
        self.d_less, self.d_more = Signal(bits), Signal(bits)
        window = Signal(bits)
        anew = c.begins
        m.d.comb += window.eq(Mux(anew, _START, old.window))
        grown = Signal(bits + 1)
        m.d.comb += grown.eq(Mux(old.growing, window << 1, window + 1 + (window >> 5)))
        since = Signal(14)
        hit = old.timing & c.keyed & (c.key == old.timed)
        passed = Signal(bits)
        m.d.comb += [since.eq(self.now_3 - old.stamp), passed.eq(c.past - old.timed)]
        m.d.sync += [
            d_old.eq(old),
            d_old.window.eq(window),
            d_gap.eq(Mux(c.hears, self.new_gap, Mux(anew, 0, old.gap))),
            d_late.eq(self.now - old.next_at),
            d_round.eq(since >> 2),
            d_now.eq(self.now),
            self.d_hit.eq(hit & ~anew),
            self.d_over.eq(
                hit
                | c.cancels
                | anew
                | c.idle
                | (c.passes & ~passed[-1])
                | (c.sends & ~c.first & (self.sent_id[1] == old.timed))
            ),
            self.d_starts.eq(c.first & ~old.timing & ~anew),
            self.d_less.eq(
                Mux(window[2:].any(), window - (window >> 2), Mux(window > 1, window - 1, 1))
            ),
            self.d_more.eq(Mux(grown > config.slots, config.slots, grown)),
        ]
        self.d_id = Signal(bits)
        m.d.sync += self.d_id.eq(self.sent_id[1])

    # ---- clock 4: the window -------------------------------------------------------------------

    def _window(self, m, d, touched):
        config, old = self._config, self.d_old
        self.e_state = e = Signal(state_layout(config))
        self.e_late, self.e_now = Signal(16), Signal(16)
        self.e_sent, self.e_sent_late = (Signal(16, name=f"e_{n}") for n in ("sent", "sent_late"))
        self.e_idled, self.e_clips = Signal(), Signal()  # late by half a gap; the gap has shrunk
        self.e_pauses, self.e_delay, self.e_far = Signal(), Signal(12), Signal()
        far = Signal()
        m.d.comb += far.eq(self.d_gap >> 7 >= _PACED)
        delay = Signal(13)
        m.d.comb += delay.eq(self.d_round - old.base)
        nearer = delay[12]
        cut = self.d_hit & ~nearer & (delay[:12] >= CUT)
        grows = self.d_hit & ~cut & old.limited
        half = self.d_gap >> 1
        # Times are serial numbers: the sign of a difference says which is later.
        early, spare = Signal(16), Signal(16)
        m.d.comb += [early.eq(half - self.d_late), spare.eq(self.d_late + self.d_gap)]
        m.d.sync += [
            e.eq(old),
            e.gap.eq(self.d_gap),
            self.e_late.eq(self.d_late),
            self.e_now.eq(self.d_now),
            self.e_sent.eq(old.next_at + self.d_gap),
            self.e_sent_late.eq(self.d_now - half + self.d_gap),
            self.e_idled.eq(early[15]),
            self.e_clips.eq(spare[15] & spare[:15].any()),
            # The window cannot shrink any more, and no gap does its work.
            self.e_pauses.eq(cut & (old.window == 1) & ~far),
            self.e_far.eq(far),
            self.e_delay.eq(delay),
            e.growing.eq(old.growing & ~cut),
            e.limited.eq(old.limited & ~self.d_hit),
            self.o_long.eq(touched & self.d_hit & ~nearer & (delay[:12] >= LONG)),
            self.stat_window_cut.eq(touched & cut),
        ]
        with m.If(self.d_hit & nearer):
            m.d.sync += e.base.eq(self.d_round)
        with m.If(cut):
            m.d.sync += e.window.eq(self.d_less)
        with m.Elif(grows):
            m.d.sync += e.window.eq(self.d_more)
        with m.If(self.d_over):
            m.d.sync += e.timing.eq(0)
        with m.If(self.d_starts):
            m.d.sync += [e.timing.eq(1), e.timed.eq(self.d_id), e.stamp.eq(self.d_now)]
        # Nothing was long: it was no full buffer that lost it.
        halved = Mux(old.window[2:].any(), old.window >> 1, _START)
        with m.If(d.times_out | d.idle):
            m.d.sync += e.window.eq(Mux(d.times_out, Mux(d.slow, 1, halved), _START))
        with m.If(d.times_out | d.idle | d.begins):
            m.d.sync += e.growing.eq(1)
        with m.If((d.times_out & d.second) | d.idle | d.begins):
            m.d.sync += e.base.eq(UNKNOWN)
        with m.If(d.idle):
            m.d.sync += e.gap.eq(0)
        with m.If(d.begins):
            m.d.sync += [e.timing.eq(0), e.limited.eq(0)]

        # The receiver's half: is the link one of those that are backlogged?
        age = Signal(6)
        m.d.comb += age.eq(old.age + 1)
        with m.If(d.begins):
            m.d.sync += [e.counted.eq(d.answered), e.age.eq(0)]
        with m.Elif(d.arrives):
            m.d.sync += [e.counted.eq(d.backlogged), e.age.eq(0)]
        with m.Elif(d.visited & old.counted):
            m.d.sync += [e.age.eq(age), e.counted.eq(age <= Mux(d.controlled, self.i_limit, 2))]
        self.e_was_counted = Signal()
        m.d.sync += self.e_was_counted.eq(old.counted)

    # ---- clock 5 -------------------------------------------------------------------------------

    def _rest(self, m, e, touched):
        config, old = self._config, self.e_state
        self.f_state = f = Signal(state_layout(config))
        self.f_gate = gate = Signal(gate_layout())
        self.f_free, self.f_now = Signal(), Signal(16)
        full, nearly = e.current >= old.window, e.current + 1 >= old.window
        paced, single = old.gap != 0, old.window == 1
        m.d.sync += [
            f.eq(old),
            f.limited.eq(old.limited | (full & e.waits & ~e.begins)),
            gate.slow.eq(e.controlled & (paced | nearly)),
            gate.stop.eq(e.controlled & full),
            gate.paced.eq(e.controlled & (paced | single)),
            self.f_free.eq(e.controlled & ~paced & ~nearly),
            self.f_now.eq(self.e_now),
            self.o_packet.eq(touched & e.arrives),
            self.o_new_gap.eq(touched & e.new_gap),
        ]
        # When the next packet may go (K8): the same for the word and for the gate.
        next_at, later = Signal(16), Signal(16)
        turn = e.begins & self.e_far  # many came before it
        m.d.comb += [
            next_at.eq(old.next_at),
            later.eq(self.e_now + Mux(self.e_pauses, self.e_delay << 1, old.gap)),
        ]
        with m.If(~turn & (e.begins | (e.visited & ~e.sends & ~self.e_late[-1]))):
            m.d.comb += next_at.eq(self.e_now)
        with m.Elif(e.sends):
            m.d.comb += next_at.eq(Mux(self.e_idled, self.e_sent_late, self.e_sent))
        with m.Elif(turn | self.e_pauses | (e.hears & self.e_clips)):
            m.d.comb += next_at.eq(later)
        m.d.sync += [f.next_at.eq(next_at), gate.next_at.eq(next_at)]
        with m.If(touched & (old.counted != self.e_was_counted)):
            m.d.sync += self.o_links.eq(self.o_links + Mux(old.counted, 1, -1))

    # ---- clock 6 -------------------------------------------------------------------------------

    def _write(self, m, f, event_valid, touched):
        config, state, record = self._config, self.f_state, self.o_law.payload
        sweeps = ~self.o_ready
        for port, value in ((self.state_write, state), (self.gate_write, self.f_gate)):
            m.d.comb += [
                port.addr.eq(Mux(sweeps, self.sweep, f.index)),
                port.data.eq(Mux(sweeps, 0, value.as_value())),
                port.en.eq(sweeps | touched),
            ]
        for way, port in enumerate(self.free_write):
            m.d.comb += [
                port.addr.eq(Mux(sweeps, self.sweep[1:], f.index[1:])),
                port.data.eq(self.f_free & ~sweeps),
                port.en.eq(sweeps | (touched & (f.index[0] == way))),
            ]
        m.d.comb += [
            self.o_law.valid.eq(event_valid),
            record.touched.eq(touched),
            record.lid.eq(f.lid),
            record.now.eq(self.f_now),
            record.controlled.eq(f.controlled),
            record.free.eq(self.f_free),
            record.links.eq(self.o_links),
            *(
                record[name].eq(state[name])
                for name in law_layout(config).members
                if name in state_layout(config).members
            ),
        ]
