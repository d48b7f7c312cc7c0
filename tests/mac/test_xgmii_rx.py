"""`XgmiiRx` under cocotbext-eth's XGMII source, and what it refuses."""

import pytest

from tests.mac import mac_bench
from ttpoe.config import Config
from ttpoe.mac.xgmii_rx import XgmiiRx
from ttpsim.build import builds

CONFIG = Config(width_bits=64)


def lengths(every):
    """Without FCS: each to the largest, or each class of them."""
    if every:
        return list(range(60, 9019))
    return [*range(60, 84), *range(1510, 1519), 9017, 9018]


def test_frames_from_the_wire(tmp_path, pytestconfig):
    every = pytestconfig.getoption("--all-lengths")
    said = mac_bench.run(
        XgmiiRx(CONFIG, longest_bytes=9022),
        "rx",
        "xgmii_rx_cocotb",
        tmp_path,
        lengths=lengths(every),
        seconds=mac_bench.LONG_SECONDS if every else builds.SECONDS_LIMIT,
        shortest=60,
        longest=9022,
    )
    assert 14.88e6 < said["frames_per_second"] < 14.881e6


def test_what_is_refused():
    with pytest.raises(ValueError, match="64 bits; got width_bits=128"):
        XgmiiRx(Config(width_bits=128))
    for longest in (63, 16385):
        with pytest.raises(ValueError, match=f"got {longest}"):
            XgmiiRx(CONFIG, longest_bytes=longest)
