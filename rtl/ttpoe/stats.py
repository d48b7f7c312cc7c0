"""Every statistic of the engine: name of the one-clock pulse -> what it counts.

Each block declares its own; this is their union, in the order of a packet's way.
"""

from .congestion.law import STATS as CONGESTION
from .memory.protected import STATS as MEMORIES
from .pipeline.q3_commit import STATS as LINK
from .replay.replayer import STATS as REPLAYER
from .rx.path import STATS as RX
from .tx.path import STATS as TX
from .tx.slot_writer import STATS as HOST_TX

__all__ = ["IPV4_STATS", "STATS"]

STATS = {
    **RX,
    **LINK,
    **CONGESTION,
    **REPLAYER,
    **HOST_TX,
    **TX,
    **MEMORIES,
    "stat_command_bad_vc": "command of the host dropped whose VC is not 0, 1 or 2",
}

IPV4_STATS = {
    "stat_rx_marked": "good frame of the IPv4 form that a router has marked: congestion experienced"
}
"""Those that only an engine with the IPv4 form has."""
