"""Words of XGMII for the tests of single blocks."""

from ttpoe.mac.xgmii import Control

__all__ = ["octets"]


def octets(lanes):
    """(data, control) of one word; a `Control` or a byte for each lane."""
    data = bytes(lane.value if isinstance(lane, Control) else lane for lane in lanes)
    control = sum(isinstance(lane, Control) << n for n, lane in enumerate(lanes))
    return int.from_bytes(data, "little"), control
