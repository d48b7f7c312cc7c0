"""A peer that behaves as Tesla's kernel module `modttpoe` does, its faults included.

`Module` is the peer, `Options` says what protocol section 10 leaves open, `replay` puts the peer
into the module's place in the captures, `differences` lists where it cannot follow and why.
"""

from .options import Options
from .peer import Module

__all__ = ["Module", "Options"]
