"""The Verilog of a configuration, emitted once for all tests and builds that ask for it."""

from functools import cache

from ttpsim.build import builds

__all__ = ["emitted"]


@cache
def emitted(top, config, mac=None):
    """The text that `ttpoe emit` writes for `top` of `config`."""
    return builds.emitted(config, builds.Processes(), top, mac=mac).read_text()
