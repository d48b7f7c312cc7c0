"""Ports of components: those of a block inside it, under the same names (wires only); a first value."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Flow, In, Member

__all__ = ["pass_through", "with_init"]


def with_init(flow: Flow, shape, init: int) -> Member:
    """The port `flow(shape, init=init)`: it has the value `init` at reset, or without a driver."""
    # The stubs still call `init` by its old name, `reset`, which Amaranth no longer takes.
    return flow(shape, init=init)  # pyright: ignore[reportCallIssue]


def _elements(port, dimensions):
    """The single ports of an array of ports, in order; a port that is none is its only one."""
    if not dimensions:
        yield port
        return
    for element in port:
        yield from _elements(element, dimensions[1:])


def pass_through(m, outer, inner, names):
    """Connects the ports `names` of the component `outer` to those of its block `inner`."""
    for name in names:
        member = inner.signature.members[name]
        pairs = zip(
            _elements(getattr(outer, name), member.dimensions),
            _elements(getattr(inner, name), member.dimensions),
        )
        for outside, inside in pairs:
            if member.is_signature:
                wiring.connect(m, wiring.flipped(outside), inside)
            elif member.flow == In:
                m.d.comb += inside.eq(outside)
            else:
                m.d.comb += outside.eq(inside)
