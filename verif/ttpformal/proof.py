"""`Proof`: one block with free inputs, what is assumed of them and what must hold.

A proof is a class. Its `build` puts the real block into a module, drives its inputs with values
that the solver chooses, and states assumptions, assertions and covers. Its attributes say how it is
proven, and which defects of the source must make it fail.
"""

from typing import NamedTuple

from amaranth.hdl import (
    Assert,
    Assume,
    ClockDomain,
    Cover,
    Elaboratable,
    Fragment,
    Module,
    Mux,
    Signal,
    ValueCastable,
)
from amaranth.lib import wiring

from ttpoe.config import Config

__all__ = ["Proof", "Defect", "Harness", "shrunk"]


def _elements(component, name, member):
    """The ports of one member: several if there is one for each VC."""
    port = getattr(component, name)
    return list(port) if member.dimensions else [port]


class Defect(NamedTuple):
    """A change of one file of `rtl/ttpoe` that must make the proof fail."""

    what: str
    path: str  # below rtl/ttpoe
    old: str  # must occur exactly once; how it is broken into lines does not count
    new: str


class Proof:
    """Base of all proofs.

    Attributes
    ----------
    shows : str
        What is proven, in a few words.
    config : str
        Which size of the block.
    mode : str
        "pdr": unbounded (ABC's property-directed reachability). "induction": unbounded
        (k-induction of `depth` clocks). "bmc": all runs of `depth` clocks after reset; "sat": the
        same, bit by bit.
    why : str
        For "bmc" and "sat": why `depth` is enough.
    cover_depth : int
        All covers are reached within so many clocks.
    defect_depth : int
        Every defect makes the proof fail within so many clocks after reset; 0: within `depth`.
    flat : bool
        Memories are registers for the solver, and defects are looked for bit by bit; good for small
        memories and long traces.
    short : bool
        Part of the short form.
    """

    shows = ""
    config = ""
    mode = "pdr"
    depth = 20
    why = ""
    cover_depth = 20
    defect_depth = 0
    defects = ()
    flat = False
    short = False

    def build(self, h):
        """Adds the block and its properties to the `Harness` h."""
        raise NotImplementedError


def shrunk(config=None, **fields):
    """A `Config` with fields smaller than it accepts: for blocks that work at any size."""
    config = (config or Config()).replace(name="proof")
    for name, value in fields.items():
        assert hasattr(config, name)
        object.__setattr__(config, name, value)
    return config


class Harness(Elaboratable):
    """A module with inputs that the solver chooses, and the words to state properties with.

    Everything starts from reset, in the first clock; there is no later reset.
    """

    def __init__(self, proof):
        self.m = Module()
        self.clock = ClockDomain("sync", reset_less=True)
        self.m.domains += self.clock
        self.inputs = []
        self.later = Signal()  # not the first clock
        self.m.d.sync += self.later.eq(1)
        self._names = set()
        proof.build(self)

    def elaborate(self, platform):
        return self.m

    @property
    def ports(self):
        """What the solver drives."""
        return [self.clock.clk, *self.inputs]

    def _name(self, name):
        while name in self._names:
            name += "_"
        self._names.add(name)
        return name

    # ---- values --------------------------------------------------------------------------------

    def free(self, shape, name="free"):
        """Any value, another one in every clock."""
        signal = Signal(shape, name=self._name(name))
        self.inputs.append(signal.as_value() if isinstance(signal, ValueCastable) else signal)
        return signal

    def constant(self, shape, name="constant"):
        """Any value, the same one in all clocks."""
        chosen = self.free(shape, name)
        kept = Signal(
            len(chosen.as_value() if isinstance(chosen, ValueCastable) else chosen),
            name=f"{name}_kept",
        )
        value = Signal(shape, name=f"{name}_value")
        raw = value.as_value() if isinstance(value, ValueCastable) else value
        self.m.d.comb += raw.eq(Mux(self.later, kept, chosen))
        self.m.d.sync += kept.eq(raw)
        return value

    def past(self, value, init=0):
        """The value of the clock before; `init` in the first clock."""
        if isinstance(value, ValueCastable):
            value = value.as_value()
        signal = Signal(len(value), name=self._name("past"), init=init)
        self.m.d.sync += signal.eq(value)
        return signal

    def drive(self, port, *names):
        """Free values on inputs of a component: those named, or all that are not driven yet."""
        for name, member in port.signature.members.items():
            if names and name not in names:
                continue
            for number, element in enumerate(_elements(port, name, member)):
                self._drive_member(
                    element, member, f"{name}{number}" if member.dimensions else name
                )

    def _drive_member(self, value, member, name):
        if member.is_signature:
            for inner, inner_member in member.signature.members.items():
                self._drive_member(getattr(value, inner), inner_member, f"{name}_{inner}")
        elif member.flow is wiring.In:
            self._set(value, name)

    def _set(self, value, name):
        raw = value.as_value() if isinstance(value, ValueCastable) else value
        if isinstance(raw, Signal):
            self.m.d.comb += raw.eq(self.free(len(raw), name))

    def opened(self, dut):
        """Adds `dut` so that its inner signals can be read; returns them, by name.

        For helper invariants of an induction only: what a proof shows is about ports.
        """
        inner = dut.elaborate(None)
        self.m.submodules.dut = inner
        statements = Fragment.get(inner, None).statements.values()
        return {signal.name: signal for domain in statements for signal in domain._lhs_signals()}

    # ---- properties ----------------------------------------------------------------------------

    def check(self, condition):
        self.m.d.comb += Assert(condition, src_loc_at=1)

    def check_if(self, when, condition):
        with self.m.If(when):
            self.m.d.comb += Assert(condition, src_loc_at=1)

    def assume(self, condition):
        self.m.d.comb += Assume(condition)

    def assume_if(self, when, condition):
        with self.m.If(when):
            self.m.d.comb += Assume(condition)

    def reach(self, condition):
        self.m.d.comb += Cover(condition, src_loc_at=1)

    def _held(self, port):
        """Rules of `lib.stream`: what is offered and not taken stays as it is."""
        payload = (
            port.payload.as_value() if isinstance(port.payload, ValueCastable) else port.payload
        )
        waited = self.past(port.valid & ~port.ready)
        return waited, port.valid & (payload == self.past(payload))

    def check_stream(self, port):
        """`valid` stays and the payload is stable until it is taken."""
        self.check_if(*self._held(port))

    def assume_stream(self, port):
        self.assume_if(*self._held(port))

    def check_fifo(self, push, pushed, pop, popped, depth):
        """What goes in comes out: in order, unchanged, once. Returns the number inside.

        One entry, any, is followed: `ahead` others were inside when it came.
        """
        m = self.m
        level, ahead = Signal(range(depth + 2)), Signal(range(depth + 2))
        follows = Signal()
        entry = Signal(len(pushed))
        starts = self.free(1, "follow") & push & ~follows
        m.d.sync += level.eq(level + push - pop)
        with m.If(starts):
            m.d.sync += [follows.eq(1), entry.eq(pushed), ahead.eq(level - pop)]
        with m.Elif(follows & pop):
            m.d.sync += [ahead.eq(ahead - 1), follows.eq(ahead != 0)]
        self.check_if(pop, level != 0)
        self.check(level <= depth)
        self.check_if(follows & pop & (ahead == 0), popped == entry)
        return level

    def streams(self, component):
        """The contract on every stream port: assumed of inputs, proven of outputs."""
        for name, member in component.signature.members.items():
            if not member.is_signature or not {"valid", "ready"} <= member.signature.members.keys():
                continue
            for port in _elements(component, name, member):
                if isinstance(port.ready, Signal):
                    if member.flow is wiring.Out:
                        self.check_stream(port)
                    else:
                        self.assume_stream(port)
