"""One engine of the pair: queues towards its inputs, records of what came out."""

from collections import Counter

from .packets import Assembler, Frame, NoticeRecord, Payload, Request, Source
from .pair import RECORDS
from .ports import BenchError, reader, write_now, writer

__all__ = ["Node", "VCS"]

VCS = (0, 1, 2)


class Node:
    """One engine. Lists hold everything that happened, in order; see `bench` for how to use it.

    Attributes
    ----------
    address : int
        24-bit node address, driven to `cfg_node`.
    sent, received : list of Payload
        Payloads whose last beat went in at, or came out of, the host's side.
    frames_out, frames_in : list of Frame
        Frames this engine sent, and frames that were played into it.
    os_sent, os_received : list of Frame
        NIC only: frames whose last beat went in from, or came out to, the operating system.
    requests : list of Request; notices : list of NoticeRecord; trace, law : list of dict
        `trace` and `law` are filled only while `trace_on` is True. `law` has one record for each of
        `trace`, in the same order; it stays empty if the engine does not tell it (`tells_law`).
    ready : dict
        Chance that the bench is ready in a clock: keys "mac", "os", 0, 1, 2 (host streams by VC).
    configuration : dict
        What `configure` has driven, by name.
    resets : int
        How often `clear` was called: what was under way then is lost, records too.
    listeners : list
        Called as `listener(kind, record)`, kind being `sent`, `received`, `frame_out`,
        `frame_in`, `os_sent`, `os_received`, `request`, `notice`, `trace` or `law`, when the
        record is complete.
    """

    def __init__(self, bench, name, layout, address):
        self.bench, self.name, self.layout, self.address = bench, name, layout, address
        self.sent, self.received, self.frames_out, self.frames_in = [], [], [], []
        self.os_sent, self.os_received = [], []
        self.requests, self.notices, self.trace, self.law = [], [], [], []
        self.trace_on = False
        self._told = Counter()
        self.resets = 0
        self.configuration = {}
        self.listeners = []
        self.ready = {"mac": 1.0, "os": 1.0, **dict.fromkeys(VCS, 1.0)}
        self.width_bytes = layout.width_bits // 8
        self.flat_mask = 0
        self._read_counts = reader(self.signal("counts")) if layout.stats else lambda: 0
        self._read_violations = reader(self.signal("violations"))
        self._write_ready = writer(self.signal("ready_in"))
        self._ready_now = None
        self._ready_rng = bench.rng(f"{name}.ready")
        self._index = {stream.name: index for index, stream in enumerate(layout.streams)}
        self.sources, self._sinks, self._assemblers, self._readies = {}, [], [], []
        for index, stream in enumerate(layout.streams):
            self._add_stream(index, stream)
        self._payload_low = layout.width_bits + self.width_bytes + 1

    def _add_stream(self, index, stream):
        mask, name = 1 << index, stream.name
        if stream.is_input:
            self.sources[name] = Source(self, stream, mask)
            return
        if name in RECORDS:
            records = {"trace": self.trace, "law": self.law}[name]
            self._sinks.append((mask, self._record_step(stream, records)))
        elif name == "m_notice":
            self._sinks.append((mask, self._notice_step()))
        else:
            if name == "m_mac_tx":
                key, done = "mac", self._frame_done("frame_out", self.frames_out)
            elif name == "m_os_rx":
                key, done = "os", self._frame_done("os_received", self.os_received)
            else:
                key = int(name[-1])
                done = self._payload_done(key)
            assembler = Assembler(self, stream, done)
            self._assemblers.append(assembler)
            self._sinks.append((mask, assembler.step))
            self._readies.append((key, mask))

    @property
    def tells_law(self):
        """Whether the engine tells how its law of congestion control stands after each event."""
        return "law" in self._index

    @property
    def timed_bits(self):
        """How many bits of the ID of the timed packet `law` tells."""
        return self.layout.streams[self._index["law"]].bits_of("timed") if self.tells_law else 0

    @property
    def law_owed(self):
        """Records of `trace` since reset, seen or not, of which the law has not told yet."""
        return self._told["trace"] - self._told["law"]

    # ---- what a scenario calls ----------------------------------------------------------------

    def signal(self, name):
        """The handle of this engine's port or bench port."""
        return getattr(self.bench.dut, f"{self.name}_{name}")

    def configure(self, **values):
        """Drive configuration inputs, named without `cfg_`: `configure(max_retry=3)`."""
        for name, value in values.items():
            if f"cfg_{name}" not in self.layout.inputs:
                raise BenchError(f"the engine has no input cfg_{name}")
            write_now(self.signal(f"cfg_{name}"), value)
            self.configuration[name] = value

    def drive(self, name, value):
        """Set an input of the engine that is neither stream nor configuration."""
        write_now(self.signal(name), value)

    def reseed(self):
        """Pauses and readiness are drawn anew from the bench's seed."""
        self._ready_rng = self.bench.rng(f"{self.name}.ready")
        for name, source in self.sources.items():
            source.reseed(self.bench.rng(f"{self.name}.{name}.gap"))

    def level(self, name):
        """Value, now, of an output that is a level, such as `free_slots`."""
        return reader(self.signal(name))()

    def counts(self):
        """`{stat name without stat_: pulses since reset}` of every statistic."""
        packed = self._read_counts()
        return {
            name.removeprefix("stat_"): packed >> 32 * index & 0xFFFFFFFF
            for index, name in enumerate(self.layout.stats)
        }

    def open(self, node, vc):
        """Ask for a link to `node` on `vc`."""
        self._request(Request(0, node, vc))

    def close(self, node, vc):
        """Ask for the end of the link to `node` on `vc`."""
        self._request(Request(1, node, vc))

    def send(self, node, vc, data):
        """Queue a payload to `node` on `vc`; returns its record."""
        record = Payload(vc, node, bytes(data))
        self._push(
            f"s_host_tx{vc}",
            self._beats(data, node),
            record,
            lambda record: self._note("sent", self.sent, record),
        )
        return record

    def os_send(self, data, bad=False):
        """Queue a frame of the operating system; `bad` = it is not to be sent after all."""
        record = Frame(bytes(data), bad=bad)
        self._push(
            "s_os_tx",
            self._beats(data, int(bad), side_bits=1),
            record,
            lambda record: self._note("os_sent", self.os_sent, record),
        )
        return record

    def play(self, data, bad=False):
        """Queue a frame from the wire; `bad` = the MAC found its FCS wrong. Returns its record."""
        record = Frame(bytes(data), bad=bad)
        self._push(
            "s_mac_rx",
            self._beats(data, int(bad), side_bits=1),
            record,
            lambda record: self._note("frame_in", self.frames_in, record),
        )
        return record

    def use_flat(self, port, on=True):
        """Give the AXI names of a stream (`s_host_tx0`) to another driver (cocotbext-axi)."""
        mask = 1 << self._index[port]
        self.flat_mask = self.flat_mask | mask if on else self.flat_mask & ~mask
        write_now(self.signal("flat"), self.flat_mask)

    # ---- what the bench calls -----------------------------------------------------------------

    def step(self, cycle, fired):
        """One clock; returns True if the next clock matters whatever the engine does."""
        if fired:
            for mask, sink in self._sinks:
                if fired & mask:
                    sink(cycle)
        soon = False
        for source in self.sources.values():
            if source._asserted or source._beats or source.queue:
                soon |= source.step(cycle, fired)
        ready = 0
        for key, mask in self._readies:
            chance = self.ready[key]
            if chance == 1.0 or chance and self._ready_rng.random() < chance:
                ready |= mask
        if ready != self._ready_now:
            self._ready_now = ready
            self._write_ready(ready)
        return soon

    def clear(self):
        """Forget what was under way (reset)."""
        self._told.clear()
        self.resets += 1
        for source in self.sources.values():
            source.clear()
        for assembler in self._assemblers:
            assembler.clear()

    def violations(self):
        """`[(port, rule)]` of every broken rule of the stream contract."""
        rules = (
            "valid taken back before ready",
            "payload changed while it waited",
            "bad keep",
            "X or Z",
            "a gap within a frame",
        )
        packed = self._read_violations()
        return [
            (f"{self.name}_{stream.name}", rule)
            for index, stream in enumerate(self.layout.streams)
            for bit, rule in enumerate(rules)
            if packed >> (5 * index + bit) & 1
        ]

    # ---- inside -------------------------------------------------------------------------------

    def _note(self, kind, records, record):
        records.append(record)
        for listener in self.listeners:
            listener(kind, record)

    def _push(self, port, beats, record, done):
        self.sources[port].queue.append((beats, record, done))
        self.bench.kick()

    def _beats(self, data, side, side_bits=24):
        """Beats of a packet: {side-band, last, keep, data}."""
        size, width = self.width_bytes, self.layout.width_bits
        assert data and side < 1 << side_bits
        full = (1 << size) - 1
        beats = [
            int.from_bytes(data[start : start + size], "little")
            | full << width
            | side << self._payload_low
            for start in range(0, len(data), size)
        ]
        short = -len(data) % size
        beats[-1] ^= (full ^ full >> short) << width
        beats[-1] |= 1 << (self._payload_low - 1)
        return beats

    def _request(self, request):
        word = request.command << 26 | request.vc << 24 | request.node

        def done(record):
            record.cycle = record.last_cycle
            self._note("request", self.requests, record)

        self._push("s_cmd", [word], request, done)

    def _frame_done(self, kind, records):
        def done(data, _side, first, last):
            self._note(kind, records, Frame(data, first, last))

        return done

    def _payload_done(self, vc):
        def done(data, side, first, last):
            self._note(
                "received",
                self.received,
                Payload(vc, side & 0xFFFFFF, data, side >> 24, first, last),
            )

        return done

    def _notice_step(self):
        read = reader(self.signal("m_notice_q"))

        def step(cycle):
            word = read()
            self._note(
                "notice",
                self.notices,
                NoticeRecord(word >> 26, word & 0xFFFFFF, word >> 24 & 3, cycle),
            )

        return step

    def _record_step(self, stream, records):
        read = reader(self.signal(f"{stream.name}_q"))

        def step(cycle):
            self._told[stream.name] += 1
            if not self.trace_on:
                return
            packed, record = read(), {"cycle": cycle}
            for name, width in stream.fields:
                record[name] = packed & ((1 << width) - 1)
                packed >>= width
            self._note(stream.name, records, record)

        return step
